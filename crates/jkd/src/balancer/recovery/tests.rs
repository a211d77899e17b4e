use jkworkers::model::{Activation, Method};

use super::{
    super::{Tried, Verdict, testing::*},
    *,
};

/// Three members of which the first is asked each second, for this path if any.
fn asking(uri: Option<&str>) -> Arc<Balancer> {
    with(&[1, 1, 1], |config| {
        edit(&mut config.members[0], |worker| {
            worker.probe.interval = Some(Duration::from_secs(1));
            worker.probe.uri = uri.map(str::to_owned);
        });
    })
}

fn due(balancer: &Balancer, now: Now) -> Vec<usize> {
    balancer.due_probes(now).map(|(index, _)| index).collect()
}

fn probe(balancer: &Arc<Balancer>) -> Probe {
    balancer.begin_probe(0).unwrap()
}

#[test]
fn an_answer_brings_a_member_back_however_long_its_rest() {
    let balancer = asking(None);
    balancer.slots[1].change_load(|_| 40);
    balancer.record(0, Verdict::Failed, seconds(10));
    balancer.record(1, Verdict::Failed, seconds(10));
    assert!(due(&balancer, at(10_900)).is_empty());
    assert_eq!(due(&balancer, seconds(11)), [0], "the others ask nobody");
    let change = probe(&balancer).answered(seconds(11)).unwrap();
    assert_eq!((change.from, change.to), (State::Error, State::Ok));
    assert_eq!(balancer.states(), "OK ERR OK/IDLE");
    assert_eq!(balancer.slots[0].load(), 40, "it is not flooded");
    let member = &balancer.view(seconds(12)).members[0];
    assert_eq!(member.since_first_error, None);
    assert_eq!((member.probes, member.counts.errors), ((1, 0), 1));
}

#[test]
fn only_members_in_error_are_asked_whatever_their_activation() {
    for state in State::ALL {
        for activation in [Activation::Disabled, Activation::Stopped] {
            let balancer = asking(None);
            balancer.set_activation(0, activation);
            balancer.slots[0].state.set(state);
            let is_due = due(&balancer, seconds(99)) == [0];
            assert_eq!(is_due, is_down(state), "{state:?}");
            let changed = probe(&balancer).answered(seconds(99)).is_some();
            assert_eq!(changed, is_down(state), "{state:?}");
        }
    }
}

#[test]
fn a_request_finds_out_only_where_nobody_asks() {
    let balancer = asking(None);
    for member in [0, 1] {
        balancer.record(member, Verdict::Failed, seconds(0));
    }
    balancer.maintain(seconds(3600), Duration::from_secs(60));
    assert_eq!(balancer.states(), "ERR ERR/REC OK/IDLE");
    assert_eq!(balancer.next_names(4, seconds(3601)), "bccc");
    // Unless nobody else is left.
    for member in [1, 2] {
        balancer.record(member, Verdict::Failed, seconds(3602));
    }
    balancer.maintain(seconds(3603), Duration::from_secs(60));
    assert_eq!(balancer.states(), "ERR/FRC ERR/FRC ERR/FRC");
    assert_eq!(due(&balancer, seconds(3603)), [0]);
    let change = probe(&balancer).answered(seconds(3603)).unwrap();
    assert_eq!((change.from, change.to), (State::Forced, State::Ok));
}

#[test]
fn one_that_is_asked_is_not_forced_while_somebody_works() {
    for state in [State::Ok, State::Busy] {
        let balancer = asking(None);
        balancer.record(0, Verdict::Failed, seconds(0));
        balancer.record(1, Verdict::Failed, seconds(0));
        balancer.slots[2].state.set(state);
        let mut tried = Tried::default();
        tried.insert(2);
        assert_eq!(balancer.force_recovery(&mut tried), 1);
        assert_eq!(balancer.states(), format!("ERR ERR/FRC {}", state.text()));
        // Who is disabled is no help to new sessions.
        balancer.set_activation(2, Activation::Disabled);
        assert_eq!(balancer.force_recovery(&mut tried), 1);
        assert_eq!(balancer.slots[0].state.state(), State::Forced);
    }
}

#[test]
fn a_cping_says_nothing_about_what_a_request_got() {
    for verdict in [Verdict::HardStatus, Verdict::ReplyTimeout] {
        let balancer = asking(None);
        balancer.record(0, verdict, seconds(0));
        assert!(due(&balancer, seconds(50)).is_empty());
        assert_eq!(probe(&balancer).answered(seconds(50)), None);
        // A refused connect meanwhile changes nothing about that.
        balancer.record(0, Verdict::Failed, seconds(50));
        assert!(due(&balancer, seconds(60)).is_empty());
        balancer.maintain(seconds(111), Duration::from_secs(60));
        assert_eq!(balancer.states(), "ERR/REC OK/IDLE OK/IDLE");

        let balancer = asking(Some("/health"));
        balancer.record(0, verdict, seconds(0));
        balancer.maintain(seconds(3600), Duration::from_secs(60));
        assert_eq!(balancer.states(), "ERR OK/IDLE OK/IDLE");
        assert_eq!(due(&balancer, seconds(1)), [0]);
        assert!(probe(&balancer).answered(seconds(3600)).is_some());
    }
}

#[test]
fn a_status_counts_until_a_request_disproves_it() {
    let minute = Duration::from_secs(60);
    let balancer = asking(None);
    for member in 0..3 {
        balancer.record(member, Verdict::HardStatus, seconds(0));
    }
    balancer.maintain(seconds(1), minute);
    assert_eq!(balancer.states(), "ERR/FRC ERR/FRC ERR/FRC");
    balancer.maintain(seconds(31), minute);
    assert_eq!(balancer.slots[0].state.recovery.cause(), Cause::Answer);

    let balancer = asking(None);
    balancer.record(0, Verdict::HardStatus, seconds(0));
    balancer.maintain(seconds(61), minute);
    assert!(balancer.pick("JSESSIONID=1.a", seconds(61)).unwrap().probe);
    balancer.maintain(seconds(62), minute);
    assert_eq!(balancer.states(), "ERR OK/IDLE OK/IDLE");
    assert!(due(&balancer, seconds(70)).is_empty());
}

#[test]
fn a_verdict_that_comes_during_a_cping_counts() {
    let balancer = asking(None);
    balancer.record(0, Verdict::Failed, seconds(0));
    let asked = probe(&balancer);
    balancer.slots[0].state.set(State::Forced);
    balancer.record(0, Verdict::HardStatus, seconds(1));
    assert_eq!(asked.answered(seconds(1)), None);
    assert_eq!(balancer.states(), "ERR OK/IDLE OK/IDLE");
}

#[test]
fn one_at_a_time_and_a_pause_after_each() {
    let balancer = asking(None);
    balancer.record(0, Verdict::Failed, seconds(0));
    let asked = probe(&balancer);
    assert!(balancer.begin_probe(0).is_none());
    assert!(due(&balancer, seconds(5)).is_empty());
    drop(asked);
    assert_eq!(due(&balancer, seconds(5)), [0], "given up, not failed");
    assert!(probe(&balancer).failed(seconds(5)));
    assert!(due(&balancer, at(5900)).is_empty());
    let waits: Vec<_> = balancer.due_probes(seconds(8)).collect();
    assert_eq!(waits, [(0, Duration::from_secs(2))]);
    assert_eq!(balancer.states(), "ERR OK/IDLE OK/IDLE");
}

#[test]
fn failed_probes_are_told_once_and_then_rarely() {
    let balancer = asking(None);
    balancer.record(0, Verdict::Failed, seconds(0));
    let told = |from, to| (from..to).filter(|s| probe(&balancer).failed(seconds(*s)));
    assert_eq!(told(1, 1000).collect::<Vec<_>>(), [1, 601]);
    let counts = balancer.view(seconds(1000)).members[0].clone();
    assert_eq!((counts.probes, counts.totals.errors), ((0, 999), 1));
    // The next outage is a new story.
    probe(&balancer).answered(seconds(1000));
    balancer.record(0, Verdict::Failed, seconds(1001));
    assert!(probe(&balancer).failed(seconds(1002)));
}

/// The time from each fall to the first probe, when it always answers and always fails then.
#[test]
fn one_that_relapses_is_asked_ever_more_rarely() {
    let balancer = asking(None);
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..9 {
        balancer.record(0, Verdict::Failed, seconds(now));
        let wait = (0..100).find(|wait| !due(&balancer, seconds(now + wait)).is_empty());
        waits.push(wait.unwrap());
        now += wait.unwrap();
        probe(&balancer).answered(seconds(now));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    // Sound for longer than recover_time, it is trusted again.
    now += 61;
    balancer.record(0, Verdict::Failed, seconds(now));
    assert_eq!(due(&balancer, seconds(now + 1)), [0]);
}

#[test]
fn who_answers_probes_and_fails_at_work_is_in_error_at_once() {
    let balancer = asking(None);
    let mut others = Vec::new();
    let mut begin = || {
        let chosen = balancer.pick("JSESSIONID=1.a", seconds(1)).unwrap();
        let mut working = balancer.begin(chosen, seconds(1)).unwrap();
        working.connected(seconds(1));
        others.push(working);
    };
    balancer.record(0, Verdict::Failed, seconds(0));
    for _ in 0..2 {
        probe(&balancer).answered(seconds(1));
        begin();
        balancer.record(0, Verdict::Failed, seconds(1));
        assert_eq!(balancer.states(), "ERR OK/IDLE OK/IDLE");
    }
    // One request that is answered proves it.
    probe(&balancer).answered(seconds(1));
    begin();
    balancer.record(0, Verdict::Ok, seconds(1));
    balancer.record(0, Verdict::Failed, seconds(1));
    assert_eq!(balancer.states(), "OK OK/IDLE OK/IDLE");
}

#[test]
fn traffic_to_a_forced_member_does_not_put_its_probe_off() {
    let balancer = asking(None);
    balancer.record(0, Verdict::Failed, seconds(0));
    for millis in (100..1000).step_by(100) {
        balancer.slots[0].state.set(State::Forced);
        balancer.record(0, Verdict::Failed, at(millis));
    }
    assert_eq!(due(&balancer, seconds(1)), [0]);
}

#[test]
fn a_failure_that_lasts_is_a_failure_of_the_connection() {
    let balancer = asking(None);
    let chosen = balancer.pick("JSESSIONID=1.a", seconds(0)).unwrap();
    let mut working = balancer.begin(chosen, seconds(0)).unwrap();
    working.connected(at(0));
    balancer.record(0, Verdict::Failed, seconds(0));
    assert_eq!(balancer.states(), "OK OK/IDLE OK/IDLE");
    balancer.maintain(seconds(31), Duration::from_secs(60));
    assert_eq!(balancer.states(), "ERR OK/IDLE OK/IDLE");
    assert_eq!(due(&balancer, seconds(32)), [0]);
}

#[test]
fn a_worker_by_itself_and_one_without_a_port_are_not_asked() {
    let mut worker = worker("w");
    worker.probe.interval = Some(Duration::from_secs(1));
    let alone = Arc::new(Balancer::alone(Arc::new(worker)));
    alone.record(0, Verdict::Failed, seconds(0));
    assert!(due(&alone, seconds(99)).is_empty());

    let unknown = with(&[1], |config| {
        edit(&mut config.members[0], |worker| {
            worker.port = 0;
            worker.probe.interval = Some(Duration::from_secs(1));
        });
    });
    unknown.record(0, Verdict::Failed, seconds(0));
    assert!(due(&unknown, seconds(99)).is_empty());
}

#[test]
fn the_load_of_busyness_stays() {
    let balancer = with(&[1, 1], |config| {
        config.method = Method::Busyness;
        edit(&mut config.members[0], |worker| {
            worker.probe.interval = Some(Duration::from_secs(1));
        });
    });
    balancer.slots[1].change_load(|_| 7);
    balancer.record(0, Verdict::Failed, seconds(0));
    probe(&balancer).answered(seconds(1));
    assert_eq!(balancer.slots[0].load(), 0);
}
