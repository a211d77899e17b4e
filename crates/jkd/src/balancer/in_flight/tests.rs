//! However an attempt ends, it is counted out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
};

use http::Method as HttpMethod;
use jkworkers::model::Method;

use super::super::{
    Attempts, Balancer, RuleOverrides, Selection, SessionIds, Step,
    retry::{Facts, Failure, Retry, Stage},
    testing::*,
};

/// How far a request comes before it is dropped.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing was chosen.
    New,
    /// It looks for a connection.
    Chosen,
    /// It has one.
    Connected,
    /// The first try failed, and it waits for the second on the same member.
    Waiting,
    /// The second try.
    Again,
    /// It is at another member.
    Elsewhere,
    /// It is over, and was told so.
    GivenUp,
    /// It is being answered.
    Answered,
    /// Its answer is a failure of the client.
    Broken,
    /// No connection was free.
    Full,
}

const PHASES: [Phase; 10] = [
    Phase::New,
    Phase::Chosen,
    Phase::Connected,
    Phase::Waiting,
    Phase::Again,
    Phase::Elsewhere,
    Phase::GivenUp,
    Phase::Answered,
    Phase::Broken,
    Phase::Full,
];

/// A request that has come so far. What is returned holds what it holds.
fn reach(phase: Phase, balancer: &Arc<Balancer>) -> (Attempts, Option<super::InFlight>) {
    let mut attempts = Attempts::new(Arc::clone(balancer));
    if matches!(phase, Phase::New) {
        return (attempts, None);
    }
    step(&mut attempts);
    if matches!(phase, Phase::Chosen) {
        return (attempts, None);
    }
    attempts.in_flight().unwrap().connected(at(0));
    let mut guard = None;
    match phase {
        Phase::Waiting => assert!(again(&mut attempts)),
        Phase::Again => {
            assert!(again(&mut attempts));
            step(&mut attempts);
            connect(&mut attempts);
        }
        Phase::Elsewhere => {
            fail(&mut attempts, Failure::Unresponsive);
            connect(&mut attempts);
        }
        Phase::GivenUp => assert_eq!(fail(&mut attempts, Failure::TooLarge), Retry::No),
        Phase::Answered | Phase::Broken => {
            let mut answered = attempts.answered().unwrap();
            answered.count_bytes(10, 20);
            answered.works();
            if matches!(phase, Phase::Broken) {
                answered.client_leaves();
            }
            guard = Some(answered);
        }
        Phase::Full => assert_eq!(fail(&mut attempts, Failure::NoEndpoint), Retry::Elsewhere),
        Phase::New | Phase::Chosen | Phase::Connected => {}
    }
    (attempts, guard)
}

fn step(attempts: &mut Attempts) -> Step {
    let sessions = SessionIds::default();
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    attempts.step(&selection, at(1))
}

fn connect(attempts: &mut Attempts) {
    step(attempts);
    attempts.in_flight().unwrap().connected(at(0));
}

fn again(attempts: &mut Attempts) -> bool {
    matches!(fail(attempts, Failure::Ping), Retry::SameMember { .. })
}

fn fail(attempts: &mut Attempts, failure: Failure) -> Retry {
    let facts = Facts {
        stage: Stage::NothingSent,
        method: &HttpMethod::GET,
        body_consumed: false,
        body_asked: false,
        pooled: false,
    };
    attempts.failed(failure, &facts, at(1))
}

fn assert_at_rest(balancer: &Balancer, what: &str) {
    for slot in &*balancer.slots {
        assert_eq!(slot.state.in_flight(), 0, "{what}");
        assert_eq!(slot.state.connected.load(Relaxed), 0, "{what}");
        if balancer.config.method == Method::Busyness {
            assert_eq!(slot.load(), 0, "{what}");
        }
    }
}

#[test]
fn every_phase_is_counted_out() {
    for method in [Method::Busyness, Method::Request] {
        for phase in PHASES {
            let balancer = with(&[2, 1, 1], |c| c.method = method);
            let request = reach(phase, &balancer);
            let counted = matches!(phase, Phase::New | Phase::GivenUp | Phase::Full);
            assert_eq!(balancer.view(at(1)).busy == 0, counted, "{phase:?}");
            drop(request);
            assert_at_rest(&balancer, &format!("{method:?} {phase:?} dropped"));
        }
    }
}

/// As in mod_jk, which notices when it has an answer for them.
#[test]
fn clients_that_leave_are_counted_once_where_a_member_has_their_request() {
    for phase in PHASES {
        let balancer = with(&[2, 1, 1], |_| {});
        let (mut attempts, guard) = reach(phase, &balancer);
        let leaves = matches!(
            phase,
            Phase::Connected | Phase::Again | Phase::Elsewhere | Phase::Broken
        );
        drop((attempts, guard));
        let view = balancer.view(at(1));
        let counted: u64 = view.members.iter().map(|m| m.counts.client_errors).sum();
        let others = u64::from(matches!(phase, Phase::GivenUp));
        assert_eq!(counted, u64::from(leaves) + others, "{phase:?}");
        (attempts, _) = reach(Phase::Connected, &balancer);
        attempts.are_over();
        drop(attempts);
        let view = balancer.view(at(1));
        let after: u64 = view.members.iter().map(|m| m.counts.client_errors).sum();
        assert_eq!(after, counted, "time was up");
    }
}

#[test]
fn a_panic_counts_out_as_well() {
    for phase in PHASES {
        let balancer = with(&[2, 1, 1], |c| c.method = Method::Busyness);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _request = reach(phase, &balancer);
            resume_unwind(Box::new(()));
        }));
        assert!(panicked.is_err());
        assert_at_rest(&balancer, &format!("{phase:?} panicked"));
        // Nor is a lock left behind.
        assert!(balancer.pick("", at(1)).is_ok());
    }
}

#[test]
fn refusals_are_counted_out() {
    let balancer = with(&[1], |c| {
        c.method = Method::Busyness;
        edit(&mut c.members[0], |w| w.busy_limit = 1);
    });
    let chosen = balancer.pick("", at(0)).unwrap();
    let first = balancer.begin(chosen, at(0)).unwrap();
    let second = balancer.pick("", at(0)).unwrap();
    assert!(balancer.begin(second, at(0)).is_err());
    assert_eq!(balancer.view(at(0)).busy, 1);
    assert_eq!(balancer.slots[0].load(), 1);
    drop(first);
    assert_at_rest(&balancer, "refused");
}

/// Guards outlive the configuration that they began under.
#[test]
fn a_reload_counts_out_what_began_before() {
    let old = with(&[1, 1], |c| c.method = Method::Busyness);
    let request = reach(Phase::Answered, &old);
    let mut config = config(&[1, 1]);
    config.method = Method::Busyness;
    let mut new = Balancer::new(Arc::new(config));
    new.adopt(&old, false);
    drop(old);
    assert_eq!(new.view(at(1)).busy, 1);
    drop(request);
    assert_at_rest(&new, "after a reload");
}
