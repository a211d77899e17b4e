use jkworkers::model::Method;

use super::{
    super::{Verdict, testing::*},
    *,
};

const MINUTE: Duration = Duration::from_secs(60);

fn loads(balancer: &Balancer) -> Vec<u64> {
    balancer.slots.iter().map(Slot::load).collect()
}

fn set_loads(balancer: &Balancer, loads: &[u64]) {
    for (slot, load) in balancer.slots.iter().zip(loads) {
        slot.change_load(|_| *load);
    }
}

#[test]
fn loads_are_halved_once_an_interval() {
    let balancer = balancer(&[1, 1]);
    set_loads(&balancer, &[40, 9]);
    balancer.maintain(seconds(60), MINUTE);
    assert_eq!(loads(&balancer), [20, 4]);
    // A timer may be a little early or late.
    balancer.maintain(at(119_990), MINUTE);
    assert_eq!(loads(&balancer), [10, 2]);
    balancer.maintain(at(240_010), MINUTE);
    assert_eq!(loads(&balancer), [2, 0]);
    balancer.maintain(seconds(241), MINUTE);
    assert_eq!(loads(&balancer), [2, 0]);
    // A minute that has just begun does not count.
    set_loads(&balancer, &[40, 9]);
    balancer.maintain(seconds(241 + 119), MINUTE);
    assert_eq!(loads(&balancer), [20, 4]);
    set_loads(&balancer, &[u64::MAX, 1]);
    balancer.maintain(seconds(1_000_000), MINUTE);
    assert_eq!(loads(&balancer), [0, 0]);
}

#[test]
fn without_interval_nothing_fades() {
    let balancer = balancer(&[1, 1]);
    balancer.maintain(seconds(60), Duration::ZERO);
    set_loads(&balancer, &[40, 9]);
    balancer.maintain(seconds(600), Duration::ZERO);
    assert_eq!(loads(&balancer), [40, 9]);
}

#[test]
fn each_method_fades_in_its_own_way() {
    for (method, expected) in [
        (Method::Request, [20, 5]),
        (Method::Session, [20, 5]),
        (Method::Traffic, [20, 5]),
        (Method::Next, [30, 0]),
        (Method::Busyness, [40, 10]),
    ] {
        let balancer = with(&[1, 1], |c| c.method = method);
        set_loads(&balancer, &[40, 10]);
        balancer.maintain(seconds(60), MINUTE);
        assert_eq!(loads(&balancer), expected, "{method:?}");
    }
}

#[test]
fn next_keeps_differences_among_the_usable() {
    let balancer = with(&[1, 1, 1], |c| {
        c.method = Method::Next;
        c.members[0].activation = Activation::Disabled;
    });
    set_loads(&balancer, &[1, 5, 9]);
    balancer.maintain(seconds(60), MINUTE);
    assert_eq!(loads(&balancer), [0, 0, 4]);
}

#[test]
fn members_recover_after_their_rest() {
    let balancer = balancer(&[1, 1]);
    balancer.record(0, Verdict::Failed, seconds(10));
    set_loads(&balancer, &[0, 64]);
    assert_eq!(balancer.maintain(seconds(70), MINUTE), []);
    assert_eq!(balancer.states(), "ERR OK/IDLE");
    let changes = balancer.maintain(seconds(130), MINUTE);
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].from, changes[0].to),
        (State::Error, State::Recover)
    );
    // It joins at the load of the busiest one: 64 halved twice.
    assert_eq!(loads(&balancer), [16, 16]);
}

#[test]
fn busyness_recovers_with_its_own_load() {
    let balancer = with(&[1, 1], |c| c.method = Method::Busyness);
    balancer.record(0, Verdict::Failed, seconds(10));
    set_loads(&balancer, &[1, 64]);
    balancer.maintain(seconds(130), MINUTE);
    assert_eq!(loads(&balancer), [1, 64]);
}

#[test]
fn unused_members_turn_idle() {
    let balancer = balancer(&[1, 1]);
    for now in [1, 2] {
        let chosen = balancer.pick("", seconds(now)).unwrap();
        let mut guard = balancer.begin(chosen, seconds(now)).unwrap();
        guard.record(Verdict::Ok, seconds(now));
    }
    balancer.maintain(seconds(60), MINUTE);
    assert_eq!(balancer.states(), "OK OK");
    let chosen = balancer.pick("JSESSIONID=1.b", seconds(61)).unwrap();
    drop(balancer.begin(chosen, seconds(61)));
    balancer.maintain(seconds(120), MINUTE);
    assert_eq!(balancer.states(), "OK/IDLE OK");
}

#[test]
fn lasting_failures_escalate() {
    let balancer = balancer(&[1, 1]);
    let chosen = balancer.pick("", at(0)).unwrap();
    let mut other = balancer.begin(chosen, at(0)).unwrap();
    other.connected(at(0));
    let mut failing = balancer.begin(chosen, at(0)).unwrap();
    failing.record(Verdict::Failed, seconds(10));
    balancer.maintain(seconds(39), MINUTE);
    assert_eq!(balancer.states(), "OK OK/IDLE");
    balancer.maintain(seconds(40), MINUTE);
    assert_eq!(balancer.states(), "ERR OK/IDLE");
}

#[test]
fn escalation_spares_those_that_are_to_be_probed() {
    let balancer = balancer(&[1, 1, 1, 1]);
    for index in 0..3 {
        balancer.record(index, Verdict::Failed, seconds(1));
    }
    balancer.slots[0].state.set(State::Recover);
    balancer.slots[1].state.set(State::Probe);
    balancer.slots[2].state.set(State::Forced);
    balancer.maintain(seconds(60), MINUTE);
    assert_eq!(balancer.states(), "ERR/REC ERR ERR OK/IDLE");
}

#[test]
fn all_in_error_are_forced() {
    let balancer = balancer(&[1, 1]);
    balancer.record(0, Verdict::Failed, seconds(50));
    balancer.record(1, Verdict::Failed, seconds(55));
    let changes = balancer.maintain(seconds(60), MINUTE);
    assert_eq!(balancer.states(), "ERR/FRC ERR/FRC");
    assert_eq!(changes.len(), 2);
}

#[test]
fn reply_timeouts_fade() {
    let balancer = with(&[1, 1], |c| c.max_reply_timeouts = 2);
    balancer.record(0, Verdict::ReplyTimeout, at(0));
    balancer.record(0, Verdict::ReplyTimeout, at(0));
    balancer.maintain(seconds(60), MINUTE);
    for state in ["OK", "ERR"] {
        balancer.record(0, Verdict::ReplyTimeout, seconds(61));
        assert_eq!(balancer.states(), format!("{state} OK/IDLE"));
    }
}

#[test]
fn force_gives_everybody_in_error_another_chance() {
    let balancer = balancer(&[1, 1, 1]);
    balancer.record(0, Verdict::Failed, at(0));
    balancer.record(1, Verdict::Failed, at(0));
    let mut tried = Tried::default();
    tried.insert(0);
    tried.insert(2);
    assert_eq!(balancer.force_recovery(&mut tried), 2);
    assert_eq!(balancer.states(), "ERR/FRC ERR/FRC OK/IDLE");
    assert!(!tried.contains(0) && tried.contains(2));
}

#[test]
fn commands() {
    let balancer = balancer(&[1, 1]);
    assert!(!balancer.recover(0));
    assert!(!balancer.recover(9));
    balancer.next_names(5, at(0));
    balancer.record(0, Verdict::Failed, at(0));
    assert!(balancer.recover(0));
    assert_eq!(loads(&balancer), [3, 2]);
    balancer.reset(0, seconds(9));
    assert_eq!(
        (balancer.states(), loads(&balancer)),
        ("OK/IDLE OK/IDLE".into(), vec![0, 2])
    );
    let view = &balancer.view(seconds(10)).members[0];
    assert_eq!((view.counts.errors, view.since_first_error), (0, None));
    assert_eq!(view.totals.errors, 1);
    assert_eq!(view.since_reset, Duration::from_secs(1));
    // An activation that is set to what it is changes nothing.
    balancer.set_activation(1, Activation::Active);
    assert_eq!(loads(&balancer), [0, 2]);
    balancer.set_activation(1, Activation::Disabled);
    assert_eq!(loads(&balancer), [0, 0]);
}

#[test]
fn the_view_tells_what_is_left_of_a_rest() {
    let balancer = with(&[1, 1, 1], |c| {
        c.members[2].activation = Activation::Disabled;
    });
    balancer.record(0, Verdict::Failed, seconds(5));
    let view = balancer.view(seconds(25));
    assert_eq!(view.members[0].recovers_in, Some(Duration::from_secs(40)));
    assert_eq!(
        view.members[0].since_first_error,
        Some(Duration::from_secs(20))
    );
    assert_eq!(view.members[1].recovers_in, None);
    assert_eq!(view.health, (1, 1, 1));
    let late = balancer.view(seconds(100));
    assert_eq!(late.members[0].recovers_in, Some(Duration::ZERO));
}
