use std::sync::Arc;

use jkworkers::model::Method;

use super::{
    super::{InFlight, testing::*},
    *,
};

/// The state that a verdict leads to from each of all, as texts.
fn leads_to(verdict: Verdict) -> String {
    let states: Vec<_> = State::ALL
        .iter()
        .map(|from| {
            let balancer = balancer(&[1, 1]);
            balancer.slots[0].state.set(*from);
            let transition = balancer.record(0, verdict, at(5));
            let to = balancer.slots[0].state.state();
            assert_eq!(transition.is_some(), *from != to);
            to.text()
        })
        .collect();
    states.join(" ")
}

#[test]
fn an_answer_heals_everything() {
    let healed = "OK OK OK OK OK OK OK";
    assert_eq!(leads_to(Verdict::Ok), healed);
    assert_eq!(leads_to(Verdict::SoftStatus), healed);
    assert_eq!(leads_to(Verdict::ClientError), healed);
}

#[test]
fn clients_that_leave_put_no_member_back() {
    let balancer = balancer(&[1, 1]);
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    let mut guard = balancer.begin(chosen, at(0)).unwrap();
    guard.works();
    balancer.record(0, Verdict::HardStatus, at(1));
    guard.client_leaves();
    drop(guard);
    assert_eq!(balancer.states(), "ERR OK/IDLE");
    assert_eq!(balancer.view(at(2)).members[0].counts.client_errors, 1);
}

#[test]
fn failures_of_an_idle_member_count_at_once() {
    let error = "ERR ERR ERR ERR ERR ERR ERR";
    assert_eq!(leads_to(Verdict::Failed), error);
    assert_eq!(leads_to(Verdict::HardStatus), error);
    assert_eq!(leads_to(Verdict::ReplyTimeout), error);
}

#[test]
fn what_says_little_leaves_errors_alone() {
    assert_eq!(leads_to(Verdict::Protocol), "OK OK OK OK OK ERR OK");
    let busy = "OK/BUSY OK/BUSY OK/BUSY OK/BUSY OK/BUSY ERR OK/BUSY";
    assert_eq!(leads_to(Verdict::Busy), busy);
    assert_eq!(leads_to(Verdict::NoEndpoint), busy);
}

#[test]
fn counters() {
    for (verdict, errors, client_errors, reply_timeouts) in [
        (Verdict::Ok, 0, 0, 0),
        (Verdict::ClientError, 0, 1, 0),
        (Verdict::SoftStatus, 0, 0, 0),
        (Verdict::HardStatus, 1, 0, 0),
        (Verdict::ReplyTimeout, 1, 0, 1),
        (Verdict::Busy, 0, 0, 0),
        (Verdict::NoEndpoint, 0, 0, 0),
        (Verdict::Protocol, 0, 0, 0),
        (Verdict::Failed, 1, 0, 0),
    ] {
        let balancer = balancer(&[1, 1]);
        balancer.record(1, verdict, at(0));
        let view = &balancer.view(at(0)).members[1];
        assert_eq!(
            (
                view.counts.errors,
                view.counts.client_errors,
                view.counts.reply_timeouts
            ),
            (errors, client_errors, reply_timeouts),
            "{verdict:?}"
        );
    }
}

/// A request that `a` has accepted and is working on.
fn long_request(balancer: &Arc<Balancer>) -> InFlight {
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    let mut guard = balancer.begin(chosen, at(0)).unwrap();
    guard.connected(at(0));
    guard
}

#[test]
fn requests_that_wait_for_a_connection_speak_for_nobody() {
    let balancer = balancer(&[1, 1]);
    let chosen = balancer.pick("", at(0)).unwrap();
    let _connecting = balancer.begin(chosen, at(0)).unwrap();
    let mut retrying = balancer.begin(chosen, at(0)).unwrap();
    retrying.connected(at(0));
    retrying.disconnected();
    let mut failing = balancer.begin(chosen, at(0)).unwrap();
    failing.connected(at(0));
    failing.record(Verdict::Failed, at(1));
    assert_eq!(balancer.states(), "ERR OK/IDLE");
    drop(failing);
    assert_eq!(balancer.slots[0].state.connected.load(Relaxed), 0);
}

#[test]
fn work_in_progress_speaks_for_a_member() {
    let balancer = balancer(&[1, 1]);
    let other = long_request(&balancer);
    let failing = || {
        let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
        balancer.begin(chosen, at(0)).unwrap()
    };
    assert_eq!(failing().record(Verdict::Failed, seconds(1)), None);
    assert_eq!(failing().record(Verdict::Failed, seconds(30)), None);
    // 30 seconds after the first failure it counts all the same.
    let escalated = failing().record(Verdict::Failed, seconds(31)).unwrap();
    assert_eq!((escalated.from, escalated.to), (State::Ok, State::Error));
    drop(other);
}

/// Under load there is always somebody in flight, who may be about to fail as well.
#[test]
fn failures_in_a_row_outweigh_work_in_progress() {
    let balancer = balancer(&[1, 1]);
    let others = [long_request(&balancer), long_request(&balancer)];
    let record = |verdict| {
        let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
        balancer
            .begin(chosen, at(0))
            .unwrap()
            .record(verdict, at(0))
    };
    for _ in 0..3 {
        (0..12).for_each(|_| assert_eq!(record(Verdict::Failed), None));
        record(Verdict::Ok);
    }
    (0..12).for_each(|_| assert_eq!(record(Verdict::Failed), None));
    assert_eq!(record(Verdict::Failed).unwrap().to, State::Error);
    drop(others);
}

/// The head of an answer says that it works; that its body breaks off each time says it does not.
#[test]
fn answers_that_break_off_in_a_row_outweigh_their_heads() {
    let balancer = balancer(&[1, 1]);
    let _other = long_request(&balancer);
    let answer = |breaks: bool| {
        let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
        let mut guard = balancer.begin(chosen, at(0)).unwrap();
        guard.works();
        breaks
            .then(|| guard.record(Verdict::Failed, at(0)))
            .flatten()
    };
    (0..11).for_each(|_| assert_eq!(answer(true), None));
    answer(false);
    (0..11).for_each(|_| assert_eq!(answer(true), None));
    assert_eq!(answer(true).unwrap().to, State::Error);
}

#[test]
fn success_forgets_the_first_failure() {
    let balancer = balancer(&[1]);
    let _other = long_request(&balancer);
    let record = |verdict, now| {
        let chosen = balancer.pick("", now).unwrap();
        balancer.begin(chosen, now).unwrap().record(verdict, now);
    };
    record(Verdict::Failed, seconds(1));
    record(Verdict::Ok, seconds(20));
    record(Verdict::Failed, seconds(31));
    assert_eq!(balancer.states(), "OK");
    record(Verdict::Failed, seconds(61));
    assert_eq!(balancer.states(), "ERR");
}

#[test]
fn the_other_requests_attempts_count_not_ones_own() {
    let balancer = balancer(&[1, 1]);
    let chosen = balancer.pick("", at(0)).unwrap();
    let mut guard = balancer.begin(chosen, at(0)).unwrap();
    guard.record(Verdict::Failed, at(0));
    assert_eq!(balancer.states(), "ERR OK/IDLE");
}

#[test]
fn without_escalation_time_every_failure_counts() {
    let balancer = with(&[1, 1], |c| {
        c.error_escalation_time = std::time::Duration::ZERO;
    });
    let _other = long_request(&balancer);
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    let mut guard = balancer.begin(chosen, at(0)).unwrap();
    guard.record(Verdict::Failed, at(0));
    assert_eq!(balancer.states(), "ERR OK/IDLE");
}

#[test]
fn a_failed_probe_counts_as_any_failure() {
    let balancer = balancer(&[1, 1]);
    let _other = long_request(&balancer);
    balancer.record(0, Verdict::HardStatus, at(0));
    balancer.recover(0);
    let probe = balancer.pick("JSESSIONID=1.a", at(1)).unwrap();
    let mut guard = balancer.begin(probe, at(1)).unwrap();
    assert_eq!(balancer.states(), "ERR/PRB OK/IDLE");
    guard.record(Verdict::Failed, at(2));
    assert_eq!(balancer.states(), "ERR/PRB OK/IDLE");
    balancer.maintain(seconds(30), std::time::Duration::from_secs(60));
    assert_eq!(balancer.states(), "ERR OK/IDLE");
}

#[test]
fn reply_timeouts_may_be_tolerated() {
    let balancer = with(&[1, 1], |c| c.max_reply_timeouts = 2);
    for state in ["OK", "OK", "ERR"] {
        balancer.record(0, Verdict::ReplyTimeout, at(0));
        assert_eq!(balancer.states(), format!("{state} OK/IDLE"));
    }
    // What recovers begins anew.
    assert!(balancer.recover(0));
    balancer.record(0, Verdict::ReplyTimeout, at(0));
    assert_eq!(balancer.states(), "OK OK/IDLE");
    assert_eq!(balancer.view(at(0)).members[0].counts.reply_timeouts, 4);
}

#[test]
fn busy_members_wait_for_a_place() {
    let balancer = with(&[1, 1], |c| {
        edit(&mut c.members[0], |w| w.busy_limit = 1);
    });
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    let first = balancer.begin(chosen, at(0)).unwrap();
    let over = balancer.begin(chosen, at(0)).unwrap_err();
    assert_eq!(over.0.unwrap().to, State::Busy);
    assert_eq!(balancer.member(0).unwrap().in_flight(), 1);
    // Not even for its own sessions.
    let elsewhere = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    assert_eq!(elsewhere.index, 1);
    drop(first);
    assert_eq!(balancer.pick("JSESSIONID=1.a", at(0)).unwrap().index, 0);
    assert_eq!(balancer.states(), "OK OK/IDLE");
}

#[test]
fn a_full_pool_counts_as_busy_until_a_connection_is_free() {
    let balancer = with(&[1, 1], |c| {
        edit(&mut c.members[0], |w| w.pool.size = Some(1));
    });
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    let first = balancer.begin(chosen, at(0)).unwrap();
    let waiting = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    let mut second = balancer.begin(waiting, at(0)).unwrap();
    second.record(Verdict::NoEndpoint, at(0));
    drop(second);
    assert_eq!(balancer.pick("JSESSIONID=1.a", at(0)).unwrap().index, 1);
    drop(first);
    assert_eq!(balancer.pick("JSESSIONID=1.a", at(0)).unwrap().index, 0);
}

#[test]
fn an_attempt_without_endpoint_never_happened() {
    let balancer = balancer(&[1, 1]);
    let before = balancer.pick("", at(0)).unwrap();
    let mut guard = balancer.begin(before, at(0)).unwrap();
    assert_eq!(balancer.view(at(0)).members[0].max_busy, 0);
    guard.can_be_sent();
    guard.record(Verdict::NoEndpoint, at(0));
    drop(guard);
    let view = &balancer.view(at(0)).members[0];
    assert_eq!(
        (view.counts.elected, view.counts.sessions, view.load),
        (0, 0, 0)
    );
    assert_eq!(view.max_busy, 1);
}

#[test]
fn an_attempt_without_endpoint_takes_its_weight_back_once() {
    for method in [
        Method::Request,
        Method::Session,
        Method::Next,
        Method::Traffic,
        Method::Busyness,
    ] {
        let balancer = with(&[1, 1], |c| c.method = method);
        let _working = long_request(&balancer);
        let before = balancer.view(at(0)).members[0].load;
        let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
        let mut guard = balancer.begin(chosen, at(0)).unwrap();
        guard.record(Verdict::NoEndpoint, at(0));
        drop(guard);
        assert_eq!(balancer.view(at(0)).members[0].load, before, "{method:?}");
    }
}

#[test]
fn a_worker_by_itself_counts_refusals_as_errors() {
    let mut worker = worker("solo");
    worker.busy_limit = 1;
    let alone = Arc::new(Balancer::alone(Arc::new(worker)));
    let chosen = alone.pick("", at(0)).unwrap();
    let _first = alone.begin(chosen, at(0)).unwrap();
    assert!(alone.begin(chosen, at(0)).is_err());
    assert_eq!(alone.view(at(0)).members[0].counts.errors, 1);
}

#[test]
fn unknown_members_change_nothing() {
    let balancer = balancer(&[1]);
    assert_eq!(balancer.record(7, Verdict::Failed, at(0)), None);
    assert_eq!(balancer.states(), "OK/IDLE");
}
