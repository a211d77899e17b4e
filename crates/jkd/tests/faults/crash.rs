//! Nodes that die, and come back.

use std::collections::BTreeMap;

use jkd_tests::{Ask, Node, Outcome};

use crate::rig::{Rig, assert_nobody_waits, ms, rate, secs, told};

/// FLT-01: killed with idle connections in the pool, and started again.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn killed_between_requests() {
    let rig = Rig::new("");
    let load = rig.load(secs(7)).begin();
    load.wait_until(secs(2));
    rig.a.kill();
    load.wait_until(secs(4));
    rig.a.start();
    let started = load.elapsed();
    let report = told("FLT-01", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let (before, during) = (report.due(ms(500)..ms(1900)), report.due(secs(2)..secs(3)));
    assert!(
        during.p99() <= before.p99() * 3 + ms(100),
        "{before}\n{during}"
    );
    let back = report.back_after('a', started);
    println!("  the node answers again after {back:?}");
    assert!(back.is_some_and(|back| back < secs(5)), "{back:?}");
}

/// FLT-02: killed with requests in flight that take their time.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn killed_amid_requests() {
    let rig = Rig::new("");
    let load = rig
        .load(secs(3))
        .asking(|_| Ask::get("/slow").after_ms(200))
        .begin();
    load.wait_until(ms(1500));
    rig.a.kill();
    let report = told("FLT-02", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let mut times = BTreeMap::<_, usize>::new();
    for executed in [rig.a.executed(), rig.b.executed()].concat() {
        *times.entry(executed.number).or_default() += 1;
    }
    assert!(times.values().all(|times| *times <= 2));
    assert!(
        times.values().any(|times| *times == 2),
        "nothing was in flight"
    );
}

/// FLT-03: killed amid long answers: they break off, and none of them looks whole.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn killed_amid_answers() {
    let rig = Rig::new("");
    let load = rig.load(secs(3)).rate(30).asking(|place| {
        let big = Ask::get("/big").size(2_000_000).drip_ms(400);
        // Half of them do not say how long they are.
        if place % 2 == 0 { big } else { big.chunked() }
    });
    let load = load.begin();
    load.wait_until(ms(1500));
    let at = load.elapsed();
    rig.a.kill();
    let report = told("FLT-03", load.finish());
    let wrong = report.count(|sample| matches!(sample.outcome, Outcome::Wrong(_)));
    assert_eq!(wrong, 0, "{report}");
    let cut = report.with(Outcome::Cut(200));
    assert!(cut > 0, "no answer was under way: {report}");
    assert_eq!(report.failed(), cut, "{report}");
    assert!(cut <= report.under_way(at), "{report}");
}

/// FLT-04: killed under POSTs: none is executed twice, and only those fail that it had.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn killed_under_posts() {
    let rig = Rig::new("");
    let load = rig
        .load(secs(4))
        .asking(|_| Ask::post("/order", 20_000))
        .begin();
    load.wait_until(ms(1500));
    let from = load.elapsed();
    rig.a.kill();
    let until = load.elapsed();
    load.wait_until(ms(2500));
    rig.a.start();
    let report = told("FLT-04", load.finish());
    assert_eq!(rig.twice(), [""; 0]);
    // Whatever was due while it was being killed may have reached it.
    let in_flight = report.count(|sample| sample.due <= until && sample.due + sample.took >= from);
    assert!(report.failed() <= in_flight, "{report}");
    assert_eq!(
        report.failed(),
        report.with(Outcome::Answered(502)),
        "{report}"
    );
}

/// FLT-05: nodes are stopped in peace and started again, one after the other.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn restarted_in_turn() {
    let rig = Rig::new("");
    // Of those that may be repeated: a POST that meets the end of its connection is not.
    let load = rig.load(secs(7)).asking(|_| Ask::get("/id")).begin();
    for (node, from) in [(&rig.a, 1), (&rig.b, 4)] {
        load.wait_until(secs(from));
        node.terminate();
        load.wait_until(secs(from) + ms(700));
        node.start();
    }
    let report = told("FLT-05", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(rig.twice(), [""; 0]);
}

/// FLT-11: nobody listens from the start.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn refused_from_the_start() {
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), "");
    let witness = rig.witness(secs(3));
    let report = told("FLT-11", rig.load(secs(3)).run());
    assert_eq!(report.failed(), 0, "{report}");
    assert_nobody_waits(&report, &witness.finish());
    assert!(rig.jkd.log().contains("refused"), "{}", rig.jkd.log());
}

/// FLT-15: nobody is left for a while.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn all_down() {
    let rig = Rig::new("");
    let load = rig.load(secs(6)).begin();
    load.wait_until(secs(1));
    rig.a.kill();
    rig.b.kill();
    let from = load.elapsed();
    load.wait_until(secs(4));
    rig.a.start();
    let started = load.elapsed();
    let report = told("FLT-15", load.finish());
    let down = report.due(from + ms(200)..secs(3));
    println!("  while nobody was there: {down}");
    assert_eq!(down.with(Outcome::Answered(503)), down.total(), "{down}");
    assert_nobody_waits(&down, &report.due(ms(0)..ms(900)));
    let back = report.back_after('a', started);
    println!("  answered again after {back:?}");
    assert!(back.is_some_and(|back| back < secs(2)), "{back:?}");
    let after = report.due(started + secs(1)..secs(9));
    assert_eq!(after.failed(), 0, "{after}");
}

/// FLT-16: one goes up and down.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn flapping() {
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), "");
    let load = rig.load(secs(8)).begin();
    for time in 0..8 {
        load.wait_until(secs(time));
        rig.a.start();
        load.wait_until(secs(time) + ms(500));
        rig.a.kill();
    }
    let report = told("FLT-16", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let log = rig.jkd.log();
    let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    let changes = lines("member is in error") + lines("member works again");
    let lost = lines("request failed at a member");
    println!(
        "  {changes} changes of state; {} of {} requests went there, and {lost} in vain",
        report.by('a'),
        report.total()
    );
    assert!(changes <= 20, "{log}");
    assert!(lost * 100 <= report.total() * 5, "{log}");
}

/// FLT-17: one that is cold gets its share little by little.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn slow_start() {
    let settings = "worker.lb.slow_start=10\n";
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), settings);
    let load = rig.load(secs(5)).begin();
    load.wait_until(secs(1));
    rig.a.start();
    let started = load.elapsed();
    let report = told("FLT-17", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let back = started + report.back_after('a', started).expect("it is used");
    let first = report.due(back..back + secs(1));
    println!("  in its first second {first}");
    assert!(first.by('a') * 10 <= first.total() * 3, "{first}");
}

/// Some requests of a rate for the tests that need a number of them.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn the_load_reaches_its_rate() {
    let rig = Rig::new("");
    let report = told("baseline", rig.load(secs(2)).run());
    assert_eq!(report.failed(), 0, "{report}");
    assert!(report.rate() >= f64::from(rate()) * 0.8, "{report}");
}
