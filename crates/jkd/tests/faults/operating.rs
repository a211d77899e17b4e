//! Operators, sessions, and a machine that is out of breath.

use std::{path::Path, process::Command, thread};

use jkd_tests::{Ask, Leashed, Outcome, Request};

use crate::rig::{Rig, ms, rate, secs, told};

/// Adds the status page.
const STATUS: &str = "worker.list=status\nworker.status.type=status\n";

impl Rig {
    fn activate(&self, member: char, activation: char) {
        let path = format!("/jk?mime=prop&cmd=update&w=lb&sw={member}&vwa={activation}");
        let answer = self.jkd.http().send(Request::new("GET", &path)).text();
        assert!(answer.contains("type=OK"), "{answer}");
    }

    fn activation(&self, member: char) -> String {
        let page = self.jkd.http().get("/jk?mime=prop&cmd=list").text();
        let name = format!("worker.{member}.activation=");
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("{page}")).to_owned()
    }

    fn assert_nobody_is_in_error(&self) {
        let log = self.jkd.log();
        assert!(!log.contains("member is in error"), "{log}");
    }
}

/// A request of a session at `a`.
fn of_a(path: &str) -> Ask {
    Ask::get(path).field("Cookie", "JSESSIONID=0123456789.a")
}

/// FLT-45: an operator who cannot make up his mind.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn activations_change_all_the_time() {
    let rig = Rig::new(STATUS);
    let load = rig.load(secs(3)).begin();
    for time in 0..50 {
        rig.activate('a', ['s', 'a', 'd'][time % 3]);
        load.wait_until(ms(50 * time as u64));
    }
    rig.activate('a', 's');
    let report = told("FLT-45", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(rig.activation('a'), "STP");
}

/// FLT-46: the node of a session dies: the session moves, unless it must not.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn sessions_move() {
    for force in [false, true] {
        let rig = Rig::new(&format!("worker.lb.sticky_session_force={force}\n"));
        let load = rig.load(secs(3)).asking(|_| of_a("/id")).begin();
        load.wait_until(secs(1));
        rig.a.kill();
        let killed = load.elapsed();
        let report = told("FLT-46", load.finish());
        let (before, after) = (report.due(ms(0)..ms(900)), report.due(killed..secs(9)));
        assert_eq!(before.by('a'), before.total(), "{before}");
        if force {
            assert_eq!(after.with(Outcome::Answered(503)), after.total(), "{after}");
        } else {
            assert_eq!(report.failed(), 0, "{report}");
            assert_eq!(after.by('b'), after.total(), "{after}");
        }
    }
}

/// FLT-47: a node is taken out in steps: no new sessions, then none at all.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn taken_out_in_steps() {
    let rig = Rig::new(STATUS);
    let load = rig.load(secs(4)).asking(|place| match place % 2 {
        0 => of_a("/own").after_ms(100),
        _ => Ask::get("/new").after_ms(100),
    });
    let load = load.begin();
    load.wait_until(secs(1));
    rig.activate('a', 'd');
    let disabled = load.elapsed();
    load.wait_until(ms(2500));
    rig.activate('a', 's');
    let stopped = load.elapsed();
    let report = told("FLT-47", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let between = report.due(disabled..ms(2400));
    // Own sessions, and nothing else.
    assert!(between.by('a').abs_diff(between.by('b')) <= 1, "{between}");
    let after = report.due(stopped..secs(9));
    assert_eq!(after.by('a'), 0, "{after}");
}

/// FLT-48: a large upload is refused before it is read.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn upload_refused_early() {
    let rig = Rig::new("");
    let load = rig.load(secs(2)).rate(50).patience(secs(20));
    let load = load.asking(|_| Ask::post("/upload", 100_000_000).early().status(413));
    let report = told("FLT-48", load.run());
    assert_eq!(
        report.with(Outcome::Answered(413)),
        report.total(),
        "{report}"
    );
}

/// FLT-49: jkd itself is stopped for a while, and does not blame others for it.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn stopped_itself() {
    let rig = Rig::new("");
    let load = rig
        .load(secs(5))
        .rate(rate().min(500))
        .patience(secs(20))
        .begin();
    load.wait_until(secs(1));
    rig.jkd.process().signal("STOP");
    load.wait_until(secs(4));
    rig.jkd.process().signal("CONT");
    let report = told("FLT-49", load.finish());
    assert_eq!(report.failed(), 0, "{report}\n{}", rig.jkd.log());
    rig.assert_nobody_is_in_error();
}

/// FLT-36: others take all of the processors.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn processors_taken() {
    let rig = Rig::alone("");
    let directory = tempfile::tempdir().expect("a directory");
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let loops: Vec<_> = (0..2 * cores)
        .map(|number| busy(directory.path(), number))
        .collect();
    let load = rig.load(secs(4)).rate(rate().min(500)).patience(secs(20));
    let report = told("FLT-36", load.run());
    drop(loops);
    assert_eq!(report.failed(), 0, "{report}\n{}", rig.jkd.log());
    rig.assert_nobody_is_in_error();
}

fn busy(directory: &Path, number: usize) -> Leashed {
    let mut command = Command::new("sh");
    command.args(["-c", "while :; do :; done"]);
    Leashed::start(&command, &directory.join(format!("{number}.out"))).expect("sh")
}
