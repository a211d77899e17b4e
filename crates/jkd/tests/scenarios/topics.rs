//! All cases, by topic.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use parking_lot::Mutex;

use super::case::{self, Case};

const TOPICS: &[(&str, &str)] = &[
    ("scenarios", include_str!("scenarios.txt")),
    ("rules", include_str!("rules.txt")),
    ("sessions", include_str!("sessions.txt")),
    ("answers", include_str!("answers.txt")),
    ("connections", include_str!("connections.txt")),
    ("variables", include_str!("variables.txt")),
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
    let play = |case: &&Case| {
        let said = catch_unwind(AssertUnwindSafe(|| play(case)));
        let said = said.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>();
            format!("{}\n", text.map_or("a panic", |text| text))
        });
        match &*said {
            "" => said,
            _ => format!("\n== {}\n{said}", case.name),
        }
    };
    in_parallel(&cases, play)
}

/// What `work` says to all of the items, in their order.
pub(crate) fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> String + Sync) -> String {
    let said = Mutex::new(vec![String::new(); items.len()]);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(at) else { return };
                    let text = work(item);
                    said.lock()[at] = text;
                }
            });
        }
    });
    said.into_inner().concat()
}
