//! All cases, by topic.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use parking_lot::Mutex;

use super::case::{self, Case};

const TOPICS: [(&str, &str); 3] = [
    ("scenarios", include_str!("scenarios.txt")),
    ("sessions", include_str!("sessions.txt")),
    ("answers", include_str!("answers.txt")),
];

/// Most cases wait for time limits, so many of them run at once.
const AT_ONCE: usize = 8;

/// Gives all cases to `play`, and returns what it has to complain about.
pub(crate) fn each_case(play: impl Fn(&Case) -> String + Sync) -> String {
    let only = std::env::var("JKD_CASE").ok();
    let cases: Vec<_> = TOPICS
        .iter()
        .flat_map(|(_, text)| case::read(text))
        .collect();
    let wanted = |case: &&Case| only.as_ref().is_none_or(|only| case.name.starts_with(only));
    let cases: Vec<_> = cases.iter().filter(wanted).collect();
    assert!(!cases.is_empty(), "no such case");
    let (next, complaints) = (
        AtomicUsize::new(0),
        Mutex::new(vec![String::new(); cases.len()]),
    );
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, case)) = {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    cases.get(at).map(|case| (at, case))
                } {
                    let said = catch_unwind(AssertUnwindSafe(|| play(case)));
                    let said = said.unwrap_or_else(|panic| {
                        let text = panic.downcast_ref::<String>();
                        format!("{}\n", text.map_or("a panic", |text| text))
                    });
                    if !said.is_empty() {
                        complaints.lock()[at] = format!("\n== {}\n{said}", case.name);
                    }
                }
            });
        }
    });
    complaints.into_inner().concat()
}
