//! One worker and all about it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use jkworkers::model::{self, AjpWorker, Lock, Method, RecoveryOptions};

use super::{
    Field, Fields, Look, local, maps,
    time::{ago, unix},
};
use crate::{
    balancer::{Health, MemberView, State, View},
    snapshot::{self, Endpoint, Group, Snapshot},
    status::query::without,
};

/// A balancer, or a worker that is mounted by itself.
#[derive(Debug)]
pub(in crate::status) struct Block<'a> {
    pub(in crate::status) name: &'a str,
    pub(in crate::status) is_balancer: bool,
    pub(in crate::status) fields: Fields<'a>,
    /// A balancer's members, unless they are left out.
    pub(in crate::status) members: Vec<Member<'a>>,
    /// The rules for it in all hosts, and those against it.
    pub(in crate::status) maps: Vec<Fields<'a>>,
}

/// A member of a balancer.
#[derive(Debug)]
pub(in crate::status) struct Member<'a> {
    pub(in crate::status) name: &'a str,
    pub(in crate::status) fields: Fields<'a>,
}

impl<'a> Look<'a> {
    /// `only` is the index of the one member that is asked for.
    pub(super) fn block(&self, group: &'a Group, only: Option<usize>) -> Block<'a> {
        let view = group.balancer.view(snapshot::now());
        let maps = maps::of(&self.snapshot.model, &group.name);
        let fields = if group.is_balancer {
            self.balancer(group, &view, maps.len())
        } else {
            self.alone(group, &view, maps.len())
        };
        let members = if group.is_balancer && !self.query.leaves_out(without::MEMBERS) {
            self.members(group, &view, only)
        } else {
            Vec::new()
        };
        Block {
            name: &group.name,
            is_balancer: group.is_balancer,
            fields,
            members,
            maps: if self.query.leaves_out(without::MAPS) {
                Vec::new()
            } else {
                maps
            },
        }
    }

    fn balancer(&self, group: &'a Group, view: &View, maps: usize) -> Fields<'a> {
        let config = &**group.balancer.config();
        let mut fields = settings_of(&group.name, config);
        let members = || view.members.iter();
        let rated = |health: Health| {
            let rate = |m: &&MemberView| self.rating.rate(m.activation, m.state) == health;
            count(members().filter(rate).count())
        };
        let (soonest, latest) = self.maintenance(view);
        fields.extend([
            Field::number("member_count", count(config.members.len())),
            Field::number("good", rated(Health::Good)),
            Field::number("degraded", rated(Health::Degraded)),
            Field::number("bad", rated(Health::Bad)),
            Field::number("busy", view.busy),
            Field::number("max_busy", view.max_busy),
            Field::number("map_count", count(maps)),
            Field::number("time_to_maintenance_min", soonest),
            Field::number("time_to_maintenance_max", latest),
        ]);
        fields.extend(self.reset(view.since_reset));
        fields
    }

    fn alone(&self, group: &'a Group, view: &View, maps: usize) -> Fields<'a> {
        let tomcats = view.members.first().zip(group.endpoints.first());
        let Some((view, endpoint)) = tomcats else {
            return Vec::new();
        };
        let mut fields = settings(&endpoint.worker, self.snapshot);
        fields.extend([
            Field::number("used", view.counts.elected),
            Field::number("errors", view.counts.errors),
        ]);
        fields.extend(counts(endpoint, view));
        fields.push(Field::number("map_count", count(maps)));
        fields.extend(self.reset(view.since_reset));
        fields.extend(self.error(view.since_failure));
        fields
    }

    fn members(&self, group: &'a Group, view: &View, only: Option<usize>) -> Vec<Member<'a>> {
        let config = &**group.balancer.config();
        let members = config.members.iter().zip(&group.endpoints);
        let members = view.members.iter().zip(members);
        let members = members.filter(|(view, _)| only.is_none_or(|only| view.index == only));
        members
            .map(|(seen, (member, endpoint))| Member {
                name: &member.worker.name,
                fields: self.member(view, seen, member, endpoint),
            })
            .collect()
    }

    fn member(
        &self,
        balancer: &View,
        view: &MemberView,
        member: &'a model::Member,
        endpoint: &'a Endpoint,
    ) -> Fields<'a> {
        let mut fields = settings(&member.worker, self.snapshot);
        fields.extend(standing(member, view));
        fields.extend(counts(endpoint, view));
        let (soonest, latest) = self.recovery(balancer, view);
        fields.extend([
            Field::number("time_to_recover_min", soonest),
            Field::number("time_to_recover_max", latest),
        ]);
        fields.extend(self.reset(view.since_reset));
        fields.extend(self.error(view.since_first_error));
        fields
    }

    /// The next maintenance comes after so many seconds at least, and at most.
    fn maintenance(&self, view: &View) -> (i64, i64) {
        let interval = seconds(self.snapshot.model.global.maintain);
        let left = interval - seconds(view.since_maintenance);
        (left.max(0), (left + interval).max(0))
    }

    /// The same for a member's way out of `ERR`, unless it is asked in the background.
    fn recovery(&self, balancer: &View, view: &MemberView) -> (i64, i64) {
        if view.state != State::Error || view.is_asked {
            return (0, 0);
        }
        let rest = seconds(balancer.config.recover_time);
        let left = rest - seconds(view.since_last_error.unwrap_or_default());
        let left = left.max(0);
        let interval = seconds(self.snapshot.model.global.maintain);
        (left.max(self.maintenance(balancer).0), left + interval)
    }

    fn reset(&self, age: Duration) -> [Field<'static>; 2] {
        [
            Field::number("last_reset_at", unix(ago(self.now, age))),
            Field::number("last_reset_ago", age.as_secs()),
        ]
    }

    fn error(&self, age: Option<Duration>) -> Fields<'static> {
        let Some(age) = age else { return Vec::new() };
        let moment = ago(self.now, age);
        let (datetime, zone) = local(moment);
        vec![
            Field::text("error_time_datetime", datetime),
            Field::text("error_time_tz", zone),
            Field::number("error_time_unix_seconds", unix(moment)),
            Field::number("error_time_ago", age.as_secs()),
        ]
    }
}

fn settings<'a>(worker: &'a AjpWorker, snapshot: &Snapshot) -> Fields<'a> {
    let ping = &worker.ping;
    let connect = ping.connect.filter(|_| !ping.connect_by_prepost);
    vec![
        Field::text("name", &*worker.name),
        Field::text("type", "ajp13"),
        Field::text("host", &*worker.host),
        Field::number("port", worker.port),
        Field::text("address", address(worker, snapshot)),
        Field::text("source", worker.source.as_deref().unwrap_or("undefined")),
        Field::number("connection_pool_timeout", or_zero(worker.pool.idle_timeout)),
        Field::number("ping_timeout", millis(Some(ping.timeout))),
        Field::number("connect_timeout", millis(connect)),
        Field::number("prepost_timeout", millis(ping.prepost.map(|p| p.timeout))),
        Field::number("reply_timeout", millis(worker.reply_timeout)),
        Field::number("retries", worker.retries.attempts),
        Field::number(
            "connection_ping_interval",
            or_zero(ping.interval.map(|(idle, _)| idle)),
        ),
        Field::number(
            "recovery_options",
            worker.recovery_options.map_or(0, RecoveryOptions::bits),
        ),
        Field::number("busy_limit", worker.busy_limit),
        Field::number("max_packet_size", worker.max_packet_size),
    ]
}

fn counts(endpoint: &Endpoint, view: &MemberView) -> [Field<'static>; 8] {
    let counts = &view.counts;
    let pool = endpoint.pool.stats();
    [
        Field::number("client_errors", counts.client_errors),
        Field::number("reply_timeouts", view.recent_reply_timeouts),
        Field::number("transferred", counts.transferred),
        Field::number("read", counts.read),
        Field::number("busy", view.busy),
        Field::number("max_busy", view.max_busy),
        Field::number("connected", pool.open()),
        Field::number("max_connected", pool.max_open),
    ]
}

fn settings_of<'a>(name: &'a str, config: &model::Balancer) -> Fields<'a> {
    let method = match config.method {
        Method::Busyness => "Busyness",
        Method::Next => "Next",
        Method::Request => "Request",
        Method::Session => "Sessions",
        Method::Traffic => "Traffic",
    };
    let lock = match config.lock {
        Lock::Optimistic => "Optimistic",
        Lock::Pessimistic => "Pessimistic",
    };
    vec![
        Field::text("name", name),
        Field::text("type", "lb"),
        Field::flag("sticky_session", config.sticky.enabled),
        Field::flag("sticky_session_force", config.sticky.force),
        Field::number("retries", config.retries.attempts),
        Field::number("recover_time", config.recover_time.as_secs()),
        Field::number(
            "error_escalation_time",
            config.error_escalation_time.as_secs(),
        ),
        Field::number("max_reply_timeouts", config.max_reply_timeouts),
        Field::text("method", method),
        Field::text("lock", lock),
    ]
}

/// What a member is to its balancer.
fn standing<'a>(member: &'a model::Member, view: &MemberView) -> [Field<'a>; 12] {
    [
        Field::text("activation", view.activation.code()),
        Field::number("lbfactor", member.lbfactor),
        Field::text("route", &*member.route),
        Field::text("redirect", member.redirect.as_deref().unwrap_or_default()),
        Field::text("domain", member.domain.as_deref().unwrap_or_default()),
        Field::number("distance", member.distance),
        Field::text("state", view.state.text()),
        Field::number("lbmult", view.mult),
        Field::number("lbvalue", view.load),
        Field::number("elected", view.counts.elected),
        Field::number("sessions", view.counts.sessions),
        Field::number("errors", view.counts.errors),
    ]
}

/// Where connections lead to. Unlike mod_jk's it has no brackets around IPv6 addresses in any case.
fn address(worker: &AjpWorker, snapshot: &Snapshot) -> String {
    if worker.port == 0 {
        return "invalid".to_owned();
    }
    let known = || {
        let known = snapshot.names.addresses(&worker.host)?.known();
        let is_preferred = |found: &&SocketAddr| found.is_ipv6() == worker.prefer_ipv6;
        let preferred = known.iter().find(is_preferred);
        preferred.or_else(|| known.first()).map(SocketAddr::ip)
    };
    let literal = worker.host.parse::<IpAddr>().ok();
    match literal.or_else(known) {
        Some(ip) => format!("{ip}:{}", worker.port),
        None => format!("UnresolvedIP:{}", worker.port),
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 4)
}

fn or_zero(time: Option<Duration>) -> u64 {
    time.unwrap_or_default().as_secs()
}

fn millis(time: Option<Duration>) -> u64 {
    let millis = time.unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}
