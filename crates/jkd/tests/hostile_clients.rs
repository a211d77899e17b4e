//! Thousands of clients that hold connections and do nothing useful with them, beside a hundred that
//! behave: what the hundred notice, what each of the others costs, and that all of it is given back.
//!
//! Times of answers are compared within one run: the 99th percentile of several windows with the
//! others (the median of the windows), against the same without them. Without them means: before they
//! have come, and at the same time at a second jkd where none of them is, whichever is more, so that a
//! machine that has other things to do is not taken for a slow jkd. Below 10 ms nothing is compared:
//! that is noise of the machine, too. `JKD_HOSTILE_CONNECTIONS` is how many connections are
//! opened and closed where nothing may be left of them (20,000 where it is not set).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "hostile_clients/crowd.rs"]
mod crowd;
#[path = "hostile_clients/honest.rs"]
mod honest;
#[path = "hostile_clients/stage.rs"]
mod stage;

use std::time::Duration;

use jkd_tests::wait_until;

use self::{
    crowd::{Crowd, Kind},
    honest::{Honest, percentiles},
    stage::Stage,
};

/// What the issue is about.
const MANY: usize = 5_000;

/// Answers are not compared below this.
const FLOOR: Duration = Duration::from_millis(10);

/// Nobody is given up while others are measured.
const PATIENT: &str = "RequestReadTimeout header=300 body=300\nTimeout 300\n";

/// Lets so many of them come beside a hundred who behave, and returns how many kB each one costs.
fn beside(kind: Kind, count: usize) -> u64 {
    let [stage, twin] = [Stage::new(PATIENT), Stage::new(PATIENT)];
    let [honest, others] = [&stage, &twin].map(|stage| Honest::begin(stage.jkd.address));
    let [before, _] = percentiles([&honest, &others], || {});
    let (files, memory) = (stage.files(), stage.memory());
    let mut crowd = Crowd::gather(kind, stage.jkd.address, count);
    wait_until("all of them to be inside", || {
        stage.files() >= files + count
    });
    let [with, elsewhere] = percentiles([&honest, &others], || crowd.go_on());
    let inside = stage.files().saturating_sub(files);
    let each = stage.memory().saturating_sub(memory) / u64::try_from(count).unwrap();
    let report = honest.finish();
    println!(
        "\n{kind:?}: {count} of them; the 99th percentile of those who behave is {with:?}, \
         {before:?} before, {elsewhere:?} elsewhere; {each} kB for each; {report}"
    );
    assert!(inside >= count, "{inside} are still inside");
    assert_eq!(report.failed, 0, "{report}\n{}", stage.jkd.log());
    let without = before.max(elsewhere).max(FLOOR);
    assert!(with <= without * 2, "{with:?}, {without:?} without them");
    others.finish();
    drop(crowd);
    wait_until("their files to be closed", || stage.files() <= files + 10);
    each
}

/// Heads that never end.
#[test]
#[ignore = "needs 20,000 open files: run tests/run"]
fn slowloris() {
    let each = beside(Kind::Heads, MANY);
    assert!(each <= 16, "{each} kB");
}

/// Bodies that never end.
#[test]
#[ignore = "needs 20,000 open files: run tests/run"]
fn bodies_byte_by_byte() {
    let each = beside(Kind::Bodies, MANY);
    assert!(each <= 48, "{each} kB");
}

/// FLT-32: answers that are taken byte by byte: each of them holds a connection to the backend, and what
/// was read of it at once.
#[test]
#[ignore = "needs 20,000 open files: run tests/run"]
fn answers_byte_by_byte() {
    let each = beside(Kind::Readers, MANY);
    assert!(each <= 100, "{each} kB");
}

/// FLT-40: connections that stay open after an answer.
#[test]
#[ignore = "needs 20,000 open files: run tests/run"]
fn idle_connections() {
    let each = beside(Kind::Idle, MANY);
    assert!(each <= 15, "{each} kB");
}

/// FLT-41: a thousand of each kind, until their time is over.
#[test]
#[ignore = "needs 20,000 open files: run tests/run"]
fn their_time_is_over() {
    const EACH: usize = 1_000;
    let lines = "RequestReadTimeout header=4-8,MinRate=500 body=4,MinRate=500\nTimeout 4\n";
    let stage = Stage::new(lines);
    let honest = Honest::begin(stage.jkd.address);
    let files = stage.files();
    let kinds = [Kind::Heads, Kind::Bodies, Kind::Readers];
    let mut crowds = kinds.map(|kind| Crowd::gather(kind, stage.jkd.address, EACH));
    wait_until("all of them to be given up", || {
        crowds.iter_mut().for_each(Crowd::go_on);
        std::thread::sleep(Duration::from_millis(100));
        // Those who behave may have got more connections to their backend meanwhile.
        stage.files() <= files + 200
    });
    let report = honest.finish();
    println!("\nFLT-41: {report}");
    assert_eq!(report.failed, 0, "{report}");
    let log = stage.jkd.log();
    for limit in [
        "RequestReadTimeout header",
        "RequestReadTimeout body",
        "Timeout, JkdSendMinRate",
    ] {
        let lines = log.matches(&format!("limit=\"{limit}\"")).count();
        assert!((1..20).contains(&lines), "{lines} lines about {limit}");
    }
}

/// FLT-43: connections come and go, in all the ways in which they can.
#[test]
#[ignore = "needs 20,000 open files: run tests/run"]
fn nothing_is_left_of_those_who_have_gone() {
    let count = std::env::var("JKD_HOSTILE_CONNECTIONS").ok();
    let count: usize = count.map_or(20_000, |count| count.parse().expect("a number"));
    let stage = Stage::new("LogLevel warn\n");
    crowd::come_and_go(stage.jkd.address, count / 4);
    let files = stage.settled_files();
    let memory = stage.memory();
    crowd::come_and_go(stage.jkd.address, count * 3 / 4);
    let (files_after, after) = (stage.settled_files(), stage.memory());
    println!("\nFLT-43: {count} connections; {memory} kB, then {after} kB");
    assert!(
        files_after <= files + 5,
        "{files} files, then {files_after}"
    );
    assert!(
        after <= memory + memory / 10 + 2048,
        "{memory} kB, then {after} kB"
    );
}
