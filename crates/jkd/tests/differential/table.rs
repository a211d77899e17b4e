//! The table of accepted differences: what `docs/differences.md` is made of.
//!
//! `table/*.md` are the sections of the page with three more columns in front of each table: the name of
//! the difference, the kind of its reason, and how it is shown. Everything else is the page's own.

use std::{fs, path::Path};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// One of [`KINDS`].
    pub(crate) kind: String,
    pub(crate) shown: Shown,
}

/// How a difference is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// By a case of `fidelity`.
    Scenario,
    /// By a configuration with which only one of both starts.
    Start,
    /// By tests of these names.
    Test(Vec<String>),
    /// On the wire, by a predicate over what is seen.
    Wire,
}

/// Reasons: plain bugs, and what protects requests, members, files or memory. There is no other
/// one: what jkd adds stands in `docs/compatibility.md`.
pub(crate) const KINDS: [&str; 2] = ["bug", "safety"];

const MARK: &str = "| Name | Kind | Shown ";

/// All rows of all sections.
pub(crate) fn rows() -> Vec<Row> {
    lines().iter().map(|line| row(line)).collect()
}

/// The rows as they are written.
pub(crate) fn lines() -> Vec<String> {
    let sections = sections();
    let lines = sections.iter().flat_map(|section| {
        let mut within = false;
        section.lines().filter(move |line| {
            let begins = line.starts_with(MARK);
            within = begins || within && line.starts_with('|');
            within && !begins && !line.starts_with("|---")
        })
    });
    lines.map(str::to_owned).collect()
}

/// The rows of differences that are shown so.
pub(crate) fn names(shown: &Shown) -> Vec<String> {
    let rows = rows().into_iter().filter(|row| row.shown == *shown);
    rows.map(|row| row.name).collect()
}

/// The page without what is only here.
pub(crate) fn page() -> String {
    let sections = sections();
    let pages = sections.iter().map(|section| {
        let mut within = false;
        let lines = section.lines().map(|line| {
            within = line.starts_with(MARK) || within && line.starts_with('|');
            let line = if within { after_cells(line, 3) } else { line };
            format!("{line}\n")
        });
        lines.collect::<String>()
    });
    pages.collect::<Vec<_>>().join("\n")
}

fn sections() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/table");
    let entries = fs::read_dir(directory).expect("the sections of the table");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let text = |file| fs::read_to_string(file).expect("a file of text");
    files.iter().map(text).collect()
}

/// What follows so many cells, with the bar in front of it.
fn after_cells(line: &str, count: usize) -> &str {
    let bars = line.match_indices('|').map(|(at, _)| at);
    let at = bars.clone().nth(count).expect("more cells");
    &line[at..]
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.split('|').skip(1).take(3).map(str::trim).collect();
    let [name, kind, shown] = cells[..] else {
        panic!("a row without name, kind and how it is shown: {line}");
    };
    Row {
        name: name.to_owned(),
        kind: kind.to_owned(),
        shown: match shown.split_once(' ') {
            Some(("test", names)) => Shown::Test(names.split(", ").map(str::to_owned).collect()),
            None if shown == "scenario" => Shown::Scenario,
            None if shown == "start" => Shown::Start,
            None if shown == "wire" => Shown::Wire,
            _ => panic!("no way to show a difference: {shown}"),
        },
    }
}
