//! jkd side by side with a real Apache with mod_jk: the same files, the same backends, the same
//! requests.
//!
//! Where the two differ, the case names the difference, and [`DIFFERENCES`] the row of
//! `docs/differences.md` that explains it. A difference that no case names fails the suite, and so
//! does one that no longer occurs.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::unwrap_used,
    reason = "these are tests"
)]

#[path = "scenarios/case.rs"]
mod case;
#[path = "fidelity/chance.rs"]
mod chance;
#[path = "fidelity/failures.rs"]
mod failures;
#[path = "fidelity/methods.rs"]
mod methods;
#[path = "scenarios/server.rs"]
mod server;
#[path = "scenarios/stage.rs"]
mod stage;
#[path = "scenarios/topics.rs"]
mod topics;
#[path = "fidelity/uris.rs"]
mod uris;
#[path = "fidelity/variables.rs"]
mod variables;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use jkd_tests::{Cast, Httpd};
use parking_lot::Mutex;

use self::{
    case::{Case, Step},
    server::Jkd,
    stage::{Stage, is_expected},
    topics::in_parallel,
};

/// Names of differences, and the subject of the row of `docs/differences.md` about each.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "broken answer",
        "The connection is lost after the headers of an answer",
    ),
    (
        "broken packet",
        "A broken packet, with bit 1 of `recovery_options`",
    ),
    (
        "cookies",
        "Cookies of `set_session_cookie` after a failover",
    ),
    (
        "END_RESPONSE alone",
        "An answer that ends without a head (END_RESPONSE alone)",
    ),
    ("unresponsive", "Connect or CPing took too long"),
    ("fail_on_status", "`fail_on_status`"),
    (
        "lost connection",
        "Sent, and the connection is lost before headers",
    ),
    ("reply timeout", "No answer within `reply_timeout`"),
    (
        "route",
        "The `route` attribute after a failover or in a domain",
    ),
];

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn jkd_and_mod_jk_do_what_the_cases_say() {
    let (used, compared) = (Mutex::new(BTreeSet::new()), AtomicUsize::new(0));
    let failures = topics::each_case(|case| {
        compared.fetch_add(case.requests(), Ordering::SeqCst);
        let mut report = complaints("jkd", case, &jkd(case), |step| step.jkd.clone());
        report += &complaints("mod_jk", case, &mod_jk(case), |step| match &step.mod_jk {
            Some((names, seen)) => {
                used.lock().extend(names.iter().cloned());
                seen.clone()
            }
            None => step.jkd.clone(),
        });
        report + &pretended(case)
    });
    println!("{} requests compared", compared.into_inner());
    assert!(failures.is_empty(), "{failures}");
    let known: BTreeSet<_> = DIFFERENCES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(
        used.into_inner(),
        known,
        "differences that occur, and those that are known"
    );
}

#[test]
fn each_difference_has_a_row_in_the_documentation() {
    let rows = include_str!("../../../docs/differences.md");
    for (name, subject) in DIFFERENCES {
        assert!(
            rows.contains(&format!("| {subject} |")),
            "{name}: no row {subject:?}"
        );
    }
}

fn jkd(case: &Case) -> Vec<Vec<String>> {
    let cast = Cast::new(&case.servers);
    let workers = case.workers(cast.addresses()) + &case.only_for_jkd();
    let jkd = Jkd::start(&workers, &case.jk_conf(), &[]);
    Stage::new(&jkd, cast).play(case)
}

fn mod_jk(case: &Case) -> Vec<Vec<String>> {
    let cast = Cast::new(&case.servers);
    let workers = case.workers(cast.addresses());
    let httpd = Httpd::start(&[("workers.properties", &workers)], &case.jk_conf());
    Stage::new(&httpd, cast).play(case)
}

fn complaints(
    who: &str,
    case: &Case,
    seen: &[Vec<String>],
    expected: impl Fn(&Step) -> Vec<String>,
) -> String {
    let mut report = String::new();
    for (step, seen) in case.steps.iter().zip(seen) {
        let expected = expected(step);
        if !is_expected(seen, &expected) {
            let (what, seen, expected) = (&step.what, seen.join("\n"), expected.join("\n"));
            let _ = write!(
                report,
                "> {what}\n{seen}\nby {who} instead of\n{expected}\n"
            );
        }
    }
    report
}

/// Steps that name a difference where there is none.
fn pretended(case: &Case) -> String {
    let pretends =
        |step: &&Step| matches!(&step.mod_jk, Some((_, seen)) if is_expected(seen, &step.jkd));
    let steps = case.steps.iter().filter(pretends);
    let lines = steps.map(|step| format!("> {}\nis no difference\n", step.what));
    lines.collect::<Vec<_>>().concat()
}
