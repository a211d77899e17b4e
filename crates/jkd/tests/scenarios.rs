//! The balancer's scenarios over real sockets: scripted backends, a daemon, a client.
//!
//! The cases are the files in `scenarios/`, and `fidelity.rs` plays the same ones with mod_jk, too.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::unwrap_used,
    dead_code,
    reason = "these are tests"
)]

#[path = "scenarios/case.rs"]
mod case;
#[path = "scenarios/server.rs"]
mod server;
#[path = "scenarios/stage.rs"]
mod stage;
#[path = "scenarios/topics.rs"]
mod topics;

use std::fmt::Write as _;

use jkd_tests::Cast;

use self::{
    case::Case,
    server::Jkd,
    stage::{Stage, is_expected},
};

#[test]
fn the_daemon_does_what_the_cases_say() {
    let failures = topics::each_case(|case| {
        let seen = play(case);
        let mut report = String::new();
        for (step, seen) in case.steps.iter().zip(seen) {
            if !is_expected(&seen, &step.jkd) {
                let _ = write!(
                    report,
                    "> {}\n{}\ninstead of\n{}\n",
                    step.what,
                    seen.join("\n"),
                    step.jkd.join("\n")
                );
            }
        }
        report
    });
    assert!(failures.is_empty(), "{failures}");
}

fn play(case: &Case) -> Vec<Vec<String>> {
    let cast = Cast::new(&case.servers);
    let workers = case.workers(cast.addresses()) + &case.only_for_jkd();
    let jkd = Jkd::start(&workers, &case.jk_conf(), &[]);
    Stage::new(&jkd, cast).play(case)
}
