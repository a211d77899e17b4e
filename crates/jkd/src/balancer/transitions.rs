//! Activation and state: every transition and everything that follows from the two, in two tables.

use std::{fmt::Write as _, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use jkworkers::model::Activation::{self, Active, Disabled, Stopped};

use super::{
    Balancer, InFlight, RuleOverrides, Selection, SessionIds, State, Tried, Verdict,
    retry::Failure, testing::*,
};

const MINUTE: Duration = Duration::from_secs(60);

/// An event and how it is brought about. `a`, the member in question, has failed for the first
/// and last time at second 100, and everything happens at second 110, unless the event says else.
type Row = (&'static str, fn(&Arc<Balancer>));

/// In the order of the states' numbers. Lines with `*` are not mod_jk's: it has
///
/// * the probe's outcome where a client has left, or where nobody could be asked,
/// * nobody who asks in the background.
const TRANSITIONS: &str = "
                                      IDLE OK   REC  FRC  BUSY ERR  PRB
an answer                             OK   OK   OK   OK   OK   OK   OK
soft fail_on_status                   OK   OK   OK   OK   OK   OK   OK
the client fails                      OK   OK   OK   OK   OK   OK   OK
no AJP                                OK   OK   OK   OK   OK   ERR  OK
tolerated reply timeout               OK   OK   OK   OK   OK   ERR  OK
one reply timeout too many            ERR  ERR  ERR  ERR  ERR  ERR  ERR
hard fail_on_status                   ERR  ERR  ERR  ERR  ERR  ERR  ERR
lost connection                       ERR  ERR  ERR  ERR  ERR  ERR  ERR
lost beside a working request         OK   OK   REC  FRC  BUSY ERR  PRB
lost again after escalation time      ERR  ERR  ERR  ERR  ERR  ERR  ERR
no endpoint                           BUSY BUSY BUSY BUSY BUSY ERR  BUSY
beyond busy_limit                     BUSY BUSY BUSY BUSY BUSY ERR  BUSY
next request, with a place            IDLE OK   PRB  FRC  OK   ERR  PRB
next request, without a place         IDLE OK   PRB  FRC  BUSY ERR  PRB
next request after recover_time       IDLE OK   PRB  FRC  OK   ERR  PRB
nobody is usable                      IDLE OK   REC  FRC  BUSY FRC  PRB
the probe is given up               * IDLE OK   REC  FRC  BUSY ERR  REC
nothing left here to connect with   * IDLE OK   REC  FRC  BUSY ERR  REC
maintenance, used                     IDLE OK   REC  FRC  BUSY ERR  PRB
maintenance, unused                   IDLE IDLE REC  FRC  BUSY ERR  PRB
maintenance at recover_time           IDLE IDLE REC  FRC  BUSY ERR  PRB
maintenance after recover_time        IDLE IDLE REC  FRC  BUSY REC  PRB
maintenance after escalation time     ERR  ERR  REC  ERR  ERR  ERR  ERR
maintenance, everybody in error       IDLE IDLE REC  FRC  BUSY FRC  PRB
asked in the background             * IDLE OK   OK   OK   BUSY OK   PRB
cmd=recover                           IDLE OK   REC  FRC  BUSY REC  PRB
cmd=reset                             IDLE IDLE IDLE IDLE IDLE IDLE IDLE
";

const EVENTS: [Row; 27] = [
    ("an answer", |b| judge(b, Verdict::Ok)),
    ("soft fail_on_status", |b| judge(b, Verdict::SoftStatus)),
    ("the client fails", |b| judge(b, Verdict::ClientError)),
    ("no AJP", |b| judge(b, Verdict::Protocol)),
    ("tolerated reply timeout", |b| {
        judge(b, Verdict::ReplyTimeout);
    }),
    ("one reply timeout too many", |b| {
        b.slots[0].state.recent_reply_timeouts.store(1, Relaxed);
        judge(b, Verdict::ReplyTimeout);
    }),
    ("hard fail_on_status", |b| judge(b, Verdict::HardStatus)),
    ("lost connection", |b| judge(b, Verdict::Failed)),
    ("lost beside a working request", |b| {
        b.slots[0].state.connected.store(1, Relaxed);
        judge(b, Verdict::Failed);
    }),
    ("lost again after escalation time", |b| {
        b.slots[0].state.connected.store(1, Relaxed);
        b.record(0, Verdict::Failed, seconds(130));
    }),
    ("no endpoint", |b| judge(b, Verdict::NoEndpoint)),
    ("beyond busy_limit", |b| judge(b, Verdict::Busy)),
    ("next request, with a place", |b| next_request(b, 110)),
    ("next request, without a place", |b| {
        b.slots[0].state.in_flight.store(9, Relaxed);
        next_request(b, 110);
    }),
    ("next request after recover_time", |b| next_request(b, 161)),
    ("nobody is usable", |b| {
        b.force_recovery(&mut Tried::default());
    }),
    ("the probe is given up", |b| drop(at_a(b))),
    ("nothing left here to connect with", |b| {
        at_a(b).record(Failure::Exhausted.verdict(), seconds(110));
    }),
    ("maintenance, used", |b| {
        b.slots[0].state.counters.elected.add(1);
        b.slots[0].state.first_error.clear();
        b.maintain(seconds(110), MINUTE);
    }),
    ("maintenance, unused", |b| maintain(b, 110)),
    ("maintenance at recover_time", |b| maintain(b, 160)),
    ("maintenance after recover_time", |b| maintain(b, 161)),
    ("maintenance after escalation time", |b| {
        b.maintain(seconds(130), MINUTE);
    }),
    ("maintenance, everybody in error", |b| {
        b.slots[1].state.set(State::Error);
        b.slots[1].state.last_error.set(seconds(109));
        maintain(b, 110);
    }),
    ("asked in the background", |b| {
        b.begin_probe(0).unwrap().answered(seconds(110));
    }),
    ("cmd=recover", |b| {
        b.recover(0);
    }),
    ("cmd=reset", |b| b.reset(0, seconds(110))),
];

#[test]
fn every_transition() {
    let mut table = format!("\n{:38}", "");
    let names = State::ALL.map(short).map(|name| format!("{name:4}"));
    table += &names.join(" ");
    table.truncate(table.trim_end().len());
    for (name, event) in EVENTS {
        let states = State::ALL.map(|from| {
            let background = name == "asked in the background";
            let balancer = in_state(from, background);
            event(&balancer);
            format!("{:4}", short(balancer.slots[0].state.state()))
        });
        let star = if TRANSITIONS.contains(&format!("{name:36}*")) {
            '*'
        } else {
            ' '
        };
        let line = format!("{name:36}{star} {}", states.join(" "));
        let _ = write!(table, "\n{}", line.trim_end());
    }
    for (actual, expected) in table.lines().zip(TRANSITIONS.lines()) {
        assert_eq!(actual, expected);
    }
    assert_eq!(table.lines().count(), TRANSITIONS.lines().count());
}

/// `a` in this state beside `b`, which is fine.
fn in_state(state: State, asked_in_background: bool) -> Arc<Balancer> {
    let balancer = with(&[1, 1], |c| {
        c.max_reply_timeouts = 1;
        edit(&mut c.members[0], |w| {
            w.pool.size = Some(9);
            w.probe.interval = asked_in_background.then_some(MINUTE);
        });
    });
    let a = &balancer.slots[0].state;
    a.set(state);
    a.first_error.set(seconds(100));
    a.last_error.set(seconds(100));
    balancer
}

fn judge(balancer: &Arc<Balancer>, verdict: Verdict) {
    balancer.record(0, verdict, seconds(110));
}

/// A request at `a`: that which finds out, where somebody does.
fn at_a(balancer: &Arc<Balancer>) -> InFlight {
    let state = balancer.slots[0].state.state();
    let mut chosen = balancer.pick("JSESSIONID=1.b", seconds(110)).unwrap();
    (chosen.index, chosen.probe) = (0, state == State::Probe);
    balancer.begin(chosen, seconds(110)).unwrap()
}

fn next_request(balancer: &Arc<Balancer>, second: u64) {
    let _ = balancer.pick("JSESSIONID=1.a", seconds(second));
}

/// Maintenance that looks at nothing but how long `a` has rested.
fn maintain(balancer: &Arc<Balancer>, second: u64) {
    balancer.slots[0].state.first_error.clear();
    balancer.maintain(seconds(second), MINUTE);
}

fn short(state: State) -> &'static str {
    let text = state.text();
    text.split_once('/').map_or(text, |(_, short)| short)
}

#[test]
fn an_answer_forgets_errors_and_a_rest_forgets_timeouts() {
    for verdict in [Verdict::Ok, Verdict::SoftStatus] {
        let balancer = in_state(State::Error, false);
        balancer.record(0, verdict, seconds(110));
        let a = &balancer.slots[0].state;
        assert_eq!((a.first_error.get(), a.last_error.get()), (None, None));
    }
    let timeouts = |event: fn(&Balancer)| {
        let balancer = in_state(State::Error, false);
        (balancer.slots[0].state.recent_reply_timeouts).store(5, Relaxed);
        event(&balancer);
        (balancer.slots[0].state.recent_reply_timeouts).load(Relaxed)
    };
    assert_eq!(timeouts(|b| assert!(b.recover(0))), 0);
    let force = |b: &Balancer| assert_eq!(b.force_recovery(&mut Tried::default()), 1);
    assert_eq!(timeouts(force), 0);
    assert_eq!(timeouts(|b| drop(b.maintain(seconds(161), MINUTE))), 0);
}

#[test]
fn error_times() {
    // Before, and after a hard failure, a stray one, and a first stray one.
    let times = |balancer: &Balancer| {
        let a = &balancer.slots[0].state;
        (a.first_error.get(), a.last_error.get())
    };
    let balancer = in_state(State::Ok, false);
    balancer.slots[0].state.connected.store(1, Relaxed);
    balancer.record(0, Verdict::Failed, seconds(110));
    let (then, now) = (Some(seconds(100)), Some(seconds(110)));
    assert_eq!(times(&balancer), (then, now), "a series goes on");
    balancer.record(0, Verdict::HardStatus, seconds(110));
    assert_eq!(times(&balancer), (now, now), "a hard failure begins it");
    balancer.record(0, Verdict::Ok, seconds(111));
    balancer.record(0, Verdict::Failed, seconds(112));
    assert_eq!(times(&balancer), (Some(seconds(112)), Some(seconds(112))));
}

/// What a member serves by state and activation: everything, its own sessions, or nothing.
const SERVES: &str = "
     ACT  DIS  STP
IDLE all  own  -
OK   all  own  -
REC  all  own  -
FRC  all  own  -
BUSY -    -    -
ERR  -    -    -
PRB  -    -    -
";

#[test]
fn every_activation_and_state() {
    assert_eq!(table(|activation| (activation, Vec::new())), SERVES);
}

/// A rule says the same whatever the member's own activation is, or leaves it alone.
#[test]
fn every_activation_of_a_rule() {
    for own in [Active, Disabled, Stopped] {
        let text = table(|activation| (own, vec![Some(activation), None]));
        assert_eq!(text, SERVES, "{own:?}");
    }
    let silent = table(|activation| (activation, vec![None, None]));
    assert_eq!(silent, SERVES);
}

fn table(set: impl Fn(Activation) -> (Activation, Vec<Option<Activation>>)) -> String {
    let mut table = String::from("\n     ACT  DIS  STP\n");
    for state in State::ALL {
        let cells = [Active, Disabled, Stopped].map(|activation| {
            let (own, rule) = set(activation);
            format!("{:4}", serves(state, own, &rule))
        });
        let line = format!("{:4} {}", short(state), cells.join(" "));
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}

/// What `a` serves beside `b`, which serves nothing.
fn serves(state: State, own: Activation, rule: &[Option<Activation>]) -> &'static str {
    let gets = |header: &str| {
        let balancer = in_state(state, false);
        balancer.slots[0].state.in_flight.store(9, Relaxed);
        balancer.set_activation(0, own);
        balancer.set_activation(1, Stopped);
        let sessions = if header.is_empty() {
            SessionIds::default()
        } else {
            cookie(header)
        };
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides {
                stateless: false,
                activations: rule,
            },
        };
        let chosen = balancer.choose(&selection, &Tried::default(), seconds(110));
        chosen.map(|chosen| {
            let effective = rule.first().copied().flatten().unwrap_or(own);
            assert_eq!((chosen.index, chosen.activation), (0, effective));
            chosen.sticky
        })
    };
    match (gets(""), gets("JSESSIONID=1.a")) {
        (Ok(false), Ok(true)) => "all",
        (Err(_), Ok(true)) => "own",
        (Err(_), Err(_)) => "-",
        other => panic!("{other:?}"),
    }
}
