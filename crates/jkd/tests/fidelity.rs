//! jkd side by side with a real Apache with mod_jk: the same files, the same backends, the same
//! requests.
//!
//! Where the two differ, the case names the difference by the name that it has in the table of
//! accepted differences (`differential/table`). A difference that no case names fails the suite, and
//! so does one that no longer occurs.

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
#[path = "fidelity/status.rs"]
mod status;
#[path = "differential/table.rs"]
#[allow(dead_code, reason = "another suite compares it with the documentation")]
mod table;
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
    table::Shown,
    topics::in_parallel,
};

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
    let used = used.into_inner();
    let known: BTreeSet<_> = table::rows().into_iter().map(|row| row.name).collect();
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "differences without a row: {unknown:?}");
    let rows = table::names(&Shown::Scenario);
    let missing: Vec<_> = rows.iter().filter(|name| !used.contains(*name)).collect();
    assert!(
        missing.is_empty(),
        "differences that no longer occur: {missing:?}"
    );
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
