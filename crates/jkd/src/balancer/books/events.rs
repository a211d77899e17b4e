//! What may be configured, and what may happen.

use std::time::Duration;

use http::Method as HttpMethod;
use jkworkers::model::{self, Activation, Method, RecoveryOptions, Retries};
use proptest::prelude::*;

use super::model::Fault;
use crate::balancer::{
    Verdict,
    retry::{Failure, Stage},
    testing,
};

/// What happens. Members and requests are named by numbers that are taken modulo their count.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Request(Request),
    /// Something about one of the requests.
    Goes(usize, Goes),
    Wait(u64),
    Maintain,
    /// `cmd=recover`, `cmd=reset` and a change of the activation.
    Recover(usize),
    Reset(usize),
    ResetAll,
    Activate(usize, Activation),
    /// Somebody asks a member in the background, and has an answer, or none, or gives up.
    Ask(usize),
    Asked(usize, Option<bool>),
    Reload(Change, bool),
}

/// A request, and the cookie that it brings.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) cookie: &'static str,
    pub(super) stateless: bool,
    pub(super) rule: Vec<Option<Activation>>,
}

/// What becomes of a request next. What does not fit its present state does not happen.
#[derive(Clone, Debug)]
pub(super) enum Goes {
    /// The next step, or the end of a pause.
    On,
    Connects,
    Fails(Fault),
    Answers,
    /// Bytes of an answer.
    Moves(u64),
    /// An answer ends, or breaks off.
    Ends(Verdict),
    /// The client goes away, and everything is dropped.
    Leaves,
}

/// What another configuration does otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Nothing,
    Factor(usize, u32),
    Moves(usize),
    Joins,
    Parts(usize),
    Turns,
    Method(Method),
    Says(usize, Activation),
}

const COOKIES: [&str; 9] = [
    "",
    "",
    "JSESSIONID=1.a",
    "JSESSIONID=1.b",
    "JSESSIONID=1.c",
    "JSESSIONID=9",
    "JSESSIONID=1.near.b",
    "JSESSIONID=1.zz; JSESSIONID=2.b",
    "JSESSIONID=1.far",
];

/// The routes in a cookie, found in the simplest way.
pub(super) fn routes(cookie: &str) -> Vec<String> {
    let ids = cookie.split("; ").filter_map(|one| one.split_once('='));
    let routes = ids.filter_map(|(_, id)| id.split_once('.'));
    routes.map(|(_, route)| route.to_owned()).collect()
}

pub(super) fn config(warms_up: bool) -> impl Strategy<Value = model::Balancer> {
    let limits = (
        0..3_u32,
        1..4_u32,
        1..4_u32,
        prop::sample::select(vec![0, 20, 50, 100]),
    );
    let times = (
        prop::sample::select(vec![0, 10, 60]),
        prop::sample::select(vec![0, 5, 30]),
    );
    let members = prop::collection::vec(member(warms_up), 1..5);
    (members, method(), any::<bool>(), limits, times).prop_map(
        move |(members, method, force, limits, (rest, escalation))| {
            let mut config = testing::config(&[]);
            config.members = members;
            config.method = method;
            // Rare, for nothing else matters then.
            config.sticky.force = force && limits.0 == 0;
            (config.max_reply_timeouts, config.lb_retries) = (limits.0, limits.1);
            config.retries.attempts = limits.2;
            config.retry_budget = limits.3;
            config.recover_time = Duration::from_secs(rest);
            config.error_escalation_time = Duration::from_secs(escalation);
            config.slow_start = Duration::from_secs(if warms_up { 20 } else { 0 });
            named(config)
        },
    )
}

/// Members in their order, by their letters.
fn named(mut config: model::Balancer) -> model::Balancer {
    for (index, (member, name)) in config.members.iter_mut().zip('a'..).enumerate() {
        member.configured = index;
        member.route = name.to_string().into();
        testing::edit(member, |worker| worker.name = name.to_string().into());
    }
    config
}

fn member(warms_up: bool) -> impl Strategy<Value = model::Member> {
    let place = (
        prop_oneof![3 => Just(0), 1 => 0..3],
        prop::option::weighted(0.4, prop::sample::select(vec!["near", "far"])),
        prop::option::weighted(0.35, prop::sample::select(vec!["a", "b", "c", "far", "zz"])),
        activation(),
    );
    let limits = (
        prop_oneof![2 => Just(0), 1 => 1..4_u32],
        prop::option::weighted(0.3, 1..4_u32),
    );
    let probes = (prop::option::weighted(0.4, 1..6_u64), any::<bool>());
    let retries = (
        1..4_u32,
        prop::sample::select(vec![0, 100]),
        prop::option::weighted(0.3, 0..32_u32),
    );
    (1..7_u32, place, limits, probes, retries).prop_map(
        move |(factor, (distance, domain, redirect, activation), limits, probes, retries)| {
            let mut member = testing::member("a", factor);
            member.distance = distance;
            member.domain = domain.map(Into::into);
            member.redirect = redirect.map(Into::into);
            member.activation = activation;
            testing::edit(&mut member, |worker| {
                worker.busy_limit = if warms_up { 0 } else { limits.0 };
                worker.pool.size = limits.1;
                worker.probe.interval = probes.0.map(Duration::from_secs);
                worker.probe.uri = probes.1.then(|| "/".into());
                worker.retries = Retries {
                    attempts: retries.0,
                    interval: Duration::from_millis(retries.1),
                };
                worker.recovery_options = retries.2.map(RecoveryOptions::from_bits);
            });
            member
        },
    )
}

/// The configuration that follows, whose members keep their letters.
pub(super) fn changed(before: &model::Balancer, change: Change) -> model::Balancer {
    let mut config = before.clone();
    let count = config.members.len();
    match change {
        Change::Factor(which, factor) => config.members[which % count].lbfactor = factor,
        Change::Moves(which) => {
            let worker = &mut config.members[which % count].worker;
            let mut moved = (**worker).clone();
            moved.port += 1;
            *worker = moved.into();
        }
        Change::Joins if count < 5 => {
            let names: Vec<_> = config.members.iter().map(|m| &*m.route).collect();
            let free = ('a'..='z')
                .map(String::from)
                .find(|name| !names.contains(&&**name));
            let mut member = testing::member(&free.unwrap(), 1);
            member.configured = count;
            config.members.push(member);
        }
        Change::Parts(which) if count > 1 => drop(config.members.remove(which % count)),
        Change::Nothing | Change::Joins | Change::Parts(_) => {}
        Change::Turns => config.members.rotate_left(1),
        Change::Method(method) => config.method = method,
        Change::Says(which, activation) => config.members[which % count].activation = activation,
    }
    for (index, member) in config.members.iter_mut().enumerate() {
        member.configured = index;
    }
    config
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let which = || 0..8_usize;
    prop_oneof![
        12 => request().prop_map(Event::Request),
        24 => (which(), goes()).prop_map(|(which, goes)| Event::Goes(which, goes)),
        4 => prop_oneof![0..400_u64, 0..60_000_u64].prop_map(Event::Wait),
        3 => Just(Event::Maintain),
        1 => which().prop_map(Event::Recover),
        1 => which().prop_map(Event::Reset),
        1 => (which(), activation()).prop_map(|(which, to)| Event::Activate(which, to)),
        2 => which().prop_map(Event::Ask),
        2 => (which(), any::<Option<bool>>()).prop_map(|(which, works)| Event::Asked(which, works)),
        1 => (change(), any::<bool>()).prop_map(|(change, edited)| Event::Reload(change, edited)),
        1 => Just(Event::ResetAll),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let rule = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(prop::option::of(activation()), 1..4),
    ];
    let cookie = prop::sample::select(COOKIES.to_vec());
    (cookie, prop::bool::weighted(0.1), rule).prop_map(|(cookie, stateless, rule)| Request {
        cookie,
        stateless,
        rule,
    })
}

fn goes() -> impl Strategy<Value = Goes> {
    let ends = [
        Verdict::Ok,
        Verdict::ClientError,
        Verdict::Failed,
        Verdict::Protocol,
    ];
    prop_oneof![
        4 => Just(Goes::On),
        5 => Just(Goes::Connects),
        6 => fault().prop_map(Goes::Fails),
        4 => Just(Goes::Answers),
        2 => (0..5000_u64).prop_map(Goes::Moves),
        3 => prop::sample::select(ends.to_vec()).prop_map(Goes::Ends),
        1 => Just(Goes::Leaves),
    ]
}

#[allow(clippy::too_many_lines, reason = "a list")]
fn fault() -> impl Strategy<Value = Fault> {
    use Failure::*;
    use Stage::*;
    let kinds = vec![
        (Connect, NothingSent),
        (Connect, NothingSent),
        (Unresponsive, NothingSent),
        (Ping, NothingSent),
        (NoEndpoint, NothingSent),
        (TooLarge, NothingSent),
        (Internal, NothingSent),
        (Send, RequestSent),
        (ReplyTimeout, RequestSent),
        (ReplyTimeout, RequestSent),
        (ReplyTimeout, HeadersReceived),
        (Closed, RequestSent),
        (Closed, RequestSent),
        (Closed, HeadersReceived),
        (Stalled, RequestSent),
        (Framing, RequestSent),
        (BadPacket, HeadersReceived),
        (HardStatus, HeadersReceived),
        (SoftStatus, HeadersReceived),
        (ClientRead, RequestSent),
        (ClientWrite, HeadersReceived),
    ];
    let methods = vec![
        HttpMethod::GET,
        HttpMethod::HEAD,
        HttpMethod::POST,
        HttpMethod::PUT,
        HttpMethod::PATCH,
    ];
    let flags = (
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        any::<bool>(),
    );
    let kinds = prop::sample::select(kinds);
    (kinds, prop::sample::select(methods), flags).prop_map(
        |((failure, stage), method, (body_consumed, body_asked, pooled))| Fault {
            failure,
            stage,
            method,
            body_consumed,
            body_asked,
            pooled,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let which = || 0..8_usize;
    prop_oneof![
        3 => Just(Change::Nothing),
        1 => (which(), 1..7_u32).prop_map(|(which, factor)| Change::Factor(which, factor)),
        1 => which().prop_map(Change::Moves),
        1 => Just(Change::Joins),
        1 => which().prop_map(Change::Parts),
        1 => Just(Change::Turns),
        1 => method().prop_map(Change::Method),
        1 => (which(), activation()).prop_map(|(which, to)| Change::Says(which, to)),
    ]
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::Request,
        Method::Session,
        Method::Next,
        Method::Traffic,
        Method::Busyness,
    ])
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        5 => Just(Activation::Active),
        2 => Just(Activation::Disabled),
        1 => Just(Activation::Stopped),
    ]
}
