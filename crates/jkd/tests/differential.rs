//! jkd and a real Apache httpd with mod_jk, with the same files, in front of the same backends:
//! what backends and clients get is compared, and must be equal.
//!
//! The cases are in `differential/cases`; `differential/README.md` explains their form. Nothing is
//! expected in them but differences that are accepted, by name.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::unwrap_used,
    reason = "these are tests"
)]

#[path = "differential/accepted.rs"]
mod accepted;
#[path = "differential/case.rs"]
mod case;
#[path = "fidelity/chance.rs"]
#[allow(dead_code, reason = "other suites need more of it")]
mod chance;
#[path = "differential/compare.rs"]
mod compare;
#[path = "differential/generated.rs"]
mod generated;
#[path = "differential/packed.rs"]
mod packed;
#[path = "differential/pair.rs"]
mod pair;
#[path = "differential/play.rs"]
mod play;
#[path = "differential/starts.rs"]
mod starts;
#[path = "differential/table.rs"]
mod table;
#[path = "differential/table_tests.rs"]
mod table_tests;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use parking_lot::Mutex;

use self::{case::Configuration, compare::Verdict, play::Pace};

/// Most of the time is spent waiting: for servers that start, and for time limits.
const AT_ONCE: usize = 6;

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn jkd_and_mod_jk_do_the_same() {
    let configurations = configurations();
    let requests: usize = configurations.iter().map(Configuration::requests).sum();
    let mut verdicts = in_parallel(&configurations, |it| verdict(it, Pace::Quick));
    for (configuration, verdict) in configurations.iter().zip(&mut verdicts) {
        play_again(configuration, verdict);
    }
    let reports: String = verdicts.iter().map(|verdict| &*verdict.report).collect();
    say(&format!(
        "{requests} requests compared under {} configurations",
        configurations.len()
    ));
    assert!(reports.is_empty(), "{reports}");
    if std::env::var_os("JKD_CASE").is_none() {
        let occurred: BTreeSet<_> = verdicts.iter().flat_map(|v| &v.occurred).copied().collect();
        accepted::all_occurred(&occurred);
    }
}

/// Where both differ, once more, by itself, and with patience: mod_jk gives its connection back, and
/// counts, a little after its client has the whole answer, which shows on a machine that is busy.
/// What differs without such haste differs again.
fn play_again(configuration: &Configuration, verdict: &mut Verdict) {
    for _ in 0..2 {
        if verdict.report.is_empty() {
            return;
        }
        say(&format!(
            "{}\nplayed again: {}",
            verdict.report, configuration.title
        ));
        *verdict = self::verdict(configuration, Pace::Patient);
    }
}

/// Prints a line also where tests that succeed are silent.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error");
}

/// All configurations of all topics, or those whose `TOPIC: TITLE` begins with `JKD_CASE`. Topics in
/// `coming` are asked for by name only.
fn configurations() -> Vec<Configuration> {
    let only = std::env::var("JKD_CASE").unwrap_or_default();
    let mut all = topics("");
    all.extend(generated::configurations(&all));
    if only.starts_with("coming/") {
        all = topics("coming/");
    }
    let wanted: Vec<_> = all
        .into_iter()
        .filter(|c| c.title.starts_with(&only))
        .collect();
    assert!(!wanted.is_empty(), "no such case");
    wanted
}

fn topics(directory: &str) -> Vec<Configuration> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/cases");
    let entries = fs::read_dir(cases.join(directory)).expect("the directory of cases");
    let files = entries.map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some()).collect();
    files.sort();
    let topics = files.iter().flat_map(|file| {
        let topic = file.file_stem().expect("a name").to_string_lossy();
        let text = fs::read_to_string(file).expect("a file of text");
        case::read(&format!("{directory}{topic}"), &text)
    });
    topics.collect()
}

fn verdict(configuration: &Configuration, pace: Pace) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| {
        let (mod_jk, jkd) = pair::play(configuration, pace);
        compare::compare(configuration, &mod_jk, &jkd)
    }))
    .unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map_or("a panic", |text| text);
        Verdict {
            report: format!("\n{}: {text}\n", configuration.title),
            ..Verdict::default()
        }
    })
}

/// What `work` makes of the items, in their order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let done = Mutex::new(items.iter().map(|_| None).collect::<Vec<_>>());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = work(item);
                    done.lock()[at] = Some(result);
                }
            });
        }
    });
    let done = done.into_inner().into_iter();
    done.map(|result| result.expect("all were done")).collect()
}
