use http::Method;
use jkworkers::model::{Activation, RecoveryOptions};
use proptest::prelude::*;

use super::*;
use crate::balancer::{Verdict, choose::RuleOverrides, testing::*};

mod recovery;

/// mod_jk's default, written out in the file.
const MOD_JK: Option<RecoveryOptions> = Some(RecoveryOptions {
    unknown: 0,
    not_if_request_sent: false,
    not_if_headers_sent: false,
    abort_if_client_fails: false,
    always_head: false,
    always_get: false,
});

/// What a member does with a request: fails at a stage, or answers.
type Behaviour<'a> = &'a dyn Fn(&str) -> Option<(Failure, Stage)>;

/// A request's whole life, told by a line such as `a a (100) b -> 200`.
struct Client<'a> {
    cookie: &'a str,
    method: Method,
    now: u64,
}

impl Default for Client<'_> {
    fn default() -> Self {
        Self {
            cookie: "",
            method: Method::GET,
            now: 0,
        }
    }
}

impl Client<'_> {
    fn run(&mut self, balancer: &Arc<Balancer>, behaviour: Behaviour<'_>) -> String {
        let sessions = cookie(self.cookie);
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides::default(),
        };
        let mut attempts = Attempts::new(Arc::clone(balancer));
        let mut story = Vec::new();
        loop {
            assert!(story.len() < 100, "does not end: {story:?}");
            match attempts.step(&selection, at(self.now)) {
                Step::Sleep(pause) => {
                    let pause = u64::try_from(pause.as_millis()).unwrap();
                    story.push(format!("({pause})"));
                    self.now += pause;
                }
                Step::GiveUp(why) => {
                    story.push(format!("-> {}", why.status()));
                    break;
                }
                Step::Try(chosen) => {
                    let name = balancer.name_of(Ok(chosen));
                    story.push(name.clone());
                    if let Some((failure, stage)) = behaviour(&name) {
                        attempts.failed(failure, &self.facts(stage), at(self.now));
                        continue;
                    }
                    let mut guard = attempts.answered().unwrap();
                    guard.record(Verdict::Ok, at(self.now));
                    story.push("-> 200".into());
                    break;
                }
            }
        }
        story.join(" ")
    }

    fn facts(&self, stage: Stage) -> Facts<'_> {
        Facts {
            stage,
            method: &self.method,
            body_consumed: false,
            body_asked: false,
            pooled: false,
        }
    }
}

fn get(balancer: &Arc<Balancer>, behaviour: Behaviour<'_>) -> String {
    Client::default().run(balancer, behaviour)
}

fn refused() -> impl Fn(&str) -> Option<(Failure, Stage)> {
    |_| Some((Failure::Connect, Stage::NothingSent))
}

/// Only `a` fails, in this way.
fn a_fails(failure: Failure, stage: Stage) -> impl Fn(&str) -> Option<(Failure, Stage)> {
    move |name| (name == "a").then_some((failure, stage))
}

/// A balancer of these members whose file says `recovery_options`.
fn configured(factors: &[u32], options: Option<RecoveryOptions>) -> Arc<Balancer> {
    with(factors, |c| {
        for member in &mut c.members {
            edit(member, |w| w.recovery_options = options);
        }
    })
}

#[test]
fn one_member_refuses() {
    let balancer = balancer(&[1, 1]);
    let refuses = a_fails(Failure::Connect, Stage::NothingSent);
    let mut client = Client {
        cookie: "JSESSIONID=1.a",
        ..Client::default()
    };
    assert_eq!(client.run(&balancer, &refuses), "a b -> 200");
    assert_eq!(balancer.states(), "ERR OK");
    assert_eq!(client.run(&balancer, &refuses), "b -> 200");
}

#[test]
fn everybody_refuses() {
    let balancer = balancer(&[1, 1]);
    assert_eq!(get(&balancer, &refused()), "a b (100) b (100) a b -> 503");
    assert_eq!(balancer.states(), "ERR ERR");
    assert_eq!(get(&balancer, &refused()), "a b -> 503");
}

#[test]
fn everybody_is_stopped() {
    let balancer = with(&[1, 1], |c| {
        c.members[0].activation = Activation::Stopped;
        c.members[1].activation = Activation::Stopped;
    });
    assert_eq!(get(&balancer, &|_| None), "(100) -> 503");
}

#[test]
fn the_only_member_is_disabled() {
    let balancer = with(&[1], |c| c.members[0].activation = Activation::Disabled);
    assert_eq!(get(&balancer, &|_| None), "(100) -> 503");
    let mut owner = Client {
        cookie: "JSESSIONID=1.a",
        ..Client::default()
    };
    assert_eq!(owner.run(&balancer, &|_| None), "a -> 200");
}

#[test]
fn forced_sessions_die_with_their_member() {
    let balancer = with(&[1, 1], |c| c.sticky.force = true);
    let mut owner = Client {
        cookie: "JSESSIONID=1.a",
        ..Client::default()
    };
    // Everything in error is given a last chance; b must not have this session.
    assert_eq!(owner.run(&balancer, &refused()), "a (100) a a -> 503");
    let mut stranger = Client {
        cookie: "JSESSIONID=nodot",
        ..Client::default()
    };
    balancer.record(0, Verdict::Ok, at(0));
    assert_eq!(stranger.run(&balancer, &|_| None), "(100) -> 503");
}

#[test]
fn silent_members() {
    let silent = |_: &str| Some((Failure::ReplyTimeout, Stage::RequestSent));
    assert_eq!(get(&balancer(&[1, 1]), &silent), "a -> 504");
    assert_eq!(
        get(&configured(&[1, 1], MOD_JK), &silent),
        "a (100) a b (100) b (100) a (100) a b (100) b -> 504"
    );
}

#[test]
fn mute_ports_are_waited_for_once() {
    let mute = a_fails(Failure::Unresponsive, Stage::NothingSent);
    assert_eq!(get(&balancer(&[1, 1]), &mute), "a b -> 200");
}

#[test]
fn a_status_that_counts_as_failure() {
    let fails = a_fails(Failure::HardStatus, Stage::HeadersReceived);
    let balancer = configured(&[1, 1], MOD_JK);
    assert_eq!(get(&balancer, &fails), "a (100) a b -> 200");
    assert_eq!(balancer.states(), "ERR OK");
    let soft = |_: &str| Some((Failure::SoftStatus, Stage::HeadersReceived));
    let balancer = configured(&[1, 1], MOD_JK);
    assert_eq!(
        get(&balancer, &soft),
        "a (100) a b (100) b (100) a (100) a b (100) b -> 503"
    );
    assert_eq!(balancer.states(), "OK OK");
}

#[test]
fn a_status_that_counts_as_failure_under_the_safe_rule() {
    let fails = a_fails(Failure::HardStatus, Stage::HeadersReceived);
    let safe = balancer(&[1, 1]);
    assert_eq!(get(&safe, &fails), "a b -> 200");
    assert_eq!(safe.states(), "ERR OK");
    let mut post = Client {
        method: Method::POST,
        ..Client::default()
    };
    assert_eq!(post.run(&balancer(&[1, 1]), &fails), "a -> 503");
}

#[test]
fn busy_limit_sends_elsewhere() {
    let balancer = with(&[1, 1], |c| edit(&mut c.members[0], |w| w.busy_limit = 1));
    let held = balancer.begin(balancer.pick("", at(0)).unwrap(), at(0));
    let mut owner = Client {
        cookie: "JSESSIONID=1.a",
        ..Client::default()
    };
    assert_eq!(owner.run(&balancer, &|_| None), "b -> 200");
    assert_eq!(balancer.states(), "OK/BUSY OK");
    drop(held);
    assert_eq!(owner.run(&balancer, &|_| None), "a -> 200");
}

#[test]
fn busy_limit_of_a_worker_by_itself() {
    let mut worker = worker("solo");
    worker.busy_limit = 1;
    let balancer = Arc::new(Balancer::alone(Arc::new(worker)));
    let held = balancer.begin(balancer.pick("", at(0)).unwrap(), at(0));
    assert_eq!(get(&balancer, &|_| None), "-> 503");
    drop(held);
    assert_eq!(get(&balancer, &|_| None), "solo -> 200");
}

#[test]
fn a_worker_by_itself_is_always_tried() {
    let balancer = Arc::new(Balancer::alone(Arc::new(worker("solo"))));
    for _ in 0..3 {
        assert_eq!(get(&balancer, &refused()), "solo (100) solo -> 503");
        assert_eq!(balancer.states(), "ERR");
        balancer.maintain(seconds(600), Duration::from_secs(60));
        assert_eq!(balancer.states(), "ERR");
    }
    assert_eq!(get(&balancer, &|_| None), "solo -> 200");
    assert_eq!(balancer.states(), "OK");
}

#[test]
fn requests_that_do_not_fit_fail_nobody() {
    let large = |_: &str| Some((Failure::TooLarge, Stage::NothingSent));
    let balancer = balancer(&[1, 1]);
    assert_eq!(get(&balancer, &large), "a -> 413");
    assert_eq!(balancer.states(), "OK OK/IDLE");
    assert_eq!(balancer.view(at(0)).members[0].counts.client_errors, 1);
}

#[test]
fn one_pass_tries_lb_retries_members() {
    let balancer = balancer(&[1, 1, 1]);
    let fails = |name: &str| (name != "c").then_some((Failure::Unresponsive, Stage::NothingSent));
    assert_eq!(get(&balancer, &fails), "a b (100) c -> 200");
}

#[test]
fn a_second_try_on_the_same_member_is_no_second_attempt() {
    let balancer = balancer(&[1, 1]);
    let refuse = a_fails(Failure::Connect, Stage::NothingSent);
    get(&balancer, &refuse);
    let view = balancer.view(at(0));
    assert_eq!(
        (
            view.members[0].counts.elected,
            view.members[0].counts.errors
        ),
        (1, 1)
    );
    assert_eq!(view.members[0].load, 1);
    assert_eq!(view.busy, 0);
}

#[test]
fn no_free_connection_sends_elsewhere() {
    let balancer = balancer(&[1, 1]);
    let full = a_fails(Failure::NoEndpoint, Stage::NothingSent);
    assert_eq!(get(&balancer, &full), "a b -> 200");
    assert_eq!(balancer.states(), "OK/BUSY OK");
    assert_eq!(balancer.view(at(0)).members[0].counts.elected, 0);
}

#[test]
fn a_probe_fails_over_and_puts_the_member_back() {
    let balancer = balancer(&[1, 1]);
    let refuse = a_fails(Failure::Connect, Stage::NothingSent);
    let mut owner = Client {
        cookie: "JSESSIONID=1.a",
        ..Client::default()
    };
    owner.run(&balancer, &refuse);
    owner.now = 61_000;
    balancer.maintain(at(owner.now), Duration::from_secs(60));
    assert_eq!(owner.run(&balancer, &refuse), "a b -> 200");
    assert_eq!(balancer.states(), "ERR OK");
    // It rests again.
    assert_eq!(owner.run(&balancer, &|_| None), "b -> 200");
    owner.now = 122_000;
    balancer.maintain(at(owner.now), Duration::from_secs(60));
    assert_eq!(owner.run(&balancer, &|_| None), "a -> 200");
    assert_eq!(balancer.states(), "OK OK");
}

#[test]
fn a_cancelled_probe_is_given_back() {
    let balancer = balancer(&[1, 1]);
    balancer.record(0, Verdict::Failed, at(0));
    balancer.recover(0);
    let sessions = cookie("JSESSIONID=1.a");
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    let mut attempts = Attempts::new(Arc::clone(&balancer));
    assert!(matches!(attempts.step(&selection, at(0)), Step::Try(c) if c.probe));
    assert_eq!(balancer.states(), "ERR/PRB OK/IDLE");
    drop(attempts);
    assert_eq!(balancer.states(), "ERR/REC OK/IDLE");
    assert_eq!(balancer.view(at(0)).busy, 0);
}

#[test]
fn the_route_from_outside_leads() {
    let balancer = balancer(&[1, 1]);
    let sessions = super::super::SessionIds::route(b"b");
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    let mut attempts = Attempts::new(Arc::clone(&balancer));
    assert!(matches!(attempts.step(&selection, at(0)), Step::Try(c) if c.index == 1 && c.sticky));
}

fn behaviour() -> impl Strategy<Value = Option<(Failure, Stage)>> {
    prop_oneof![
        Just(None),
        Just(Some((Failure::Connect, Stage::NothingSent))),
        Just(Some((Failure::Unresponsive, Stage::NothingSent))),
        Just(Some((Failure::NoEndpoint, Stage::NothingSent))),
        Just(Some((Failure::Closed, Stage::RequestSent))),
        Just(Some((Failure::Framing, Stage::RequestSent))),
        Just(Some((Failure::ReplyTimeout, Stage::RequestSent))),
        Just(Some((Failure::HardStatus, Stage::HeadersReceived))),
        Just(Some((Failure::TooLarge, Stage::NothingSent))),
    ]
}

proptest! {
    /// Whatever members do: requests end, within the limits, and leave nothing in flight.
    #[test]
    fn every_request_ends(
        plan in prop::collection::vec(prop::collection::vec(behaviour(), 1..4), 1..8),
        explicit in any::<bool>(),
        busy_limit in 0..3_u32,
    ) {
        let balancer = with(&[2, 1, 1], |c| for member in &mut c.members {
            edit(member, |w| {
                w.recovery_options = MOD_JK.filter(|_| explicit);
                w.busy_limit = busy_limit;
            });
        });
        let mut client = Client::default();
        for behaviours in plan {
            let tries = std::cell::Cell::new(0);
            let story = client.run(&balancer, &|_| {
                let index = tries.replace(tries.get() + 1);
                behaviours[index % behaviours.len()]
            });
            prop_assert!(tries.get() <= 8, "{}", story);
            prop_assert_eq!(balancer.view(at(client.now)).busy, 0);
            client.now += 7_000;
            balancer.maintain(at(client.now), Duration::from_secs(60));
        }
    }
}
