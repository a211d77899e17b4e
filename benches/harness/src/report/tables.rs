//! The page: what was measured, with what, and the figures.

use std::{fmt::Write, path::Path};

use super::{peers, plots::Plot};
use crate::{
    aims,
    peer::Peer,
    ratio::Samples,
    record::{self, Line, Machine, Sample},
    scenario::{SCENARIOS, Scenario},
};

/// What ratios are taken to, where it was measured.
const BASE: &str = "mod_jk";

const INTRODUCTION: &str = "\
# Performance

What jkd costs beside other front ends, on one machine, in one run. `benches/run report` writes this page
from results; [`benches/README.md`](../benches/README.md) says how they come about, and how to measure
anew.

CPU time is what all processes of a front end used, in user space and in the kernel, by the kernel's own
accounting. Ratios, in parentheses, are taken within a round of the same run, and then the median of the
rounds. Times of the open loop count from when a request was due. Memory is PSS: what processes share is
divided between them. Absolute figures are those of this machine; ratios are what carries over.
";

/// All of it.
pub(super) fn page(lines: &[Line], samples: &Samples, plots: &[Plot], folder: &Path) -> String {
    let mut page = String::from(INTRODUCTION);
    let peers = peers(lines);
    machines(&mut page, lines);
    names(&mut page, &peers);
    reached(&mut page, lines);
    overview(&mut page, samples, &peers);
    for plot in plots {
        let path = folder.join(plot.file);
        let _ = write!(page, "\n![{}]({})\n", plot.title, path.display());
    }
    for scenario in &SCENARIOS {
        one(&mut page, samples, &peers, scenario);
    }
    calls(&mut page, lines);
    instructions(&mut page, lines);
    page
}

/// A table's head.
fn head(page: &mut String, title: &str, columns: &[&str]) {
    if !title.is_empty() {
        let _ = write!(page, "\n## {title}\n");
    }
    let _ = write!(
        page,
        "\n| {} |\n|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
}

fn machines(page: &mut String, lines: &[Line]) {
    head(page, "Measured on and with", &["", ""]);
    let mut rows = Vec::new();
    for line in lines {
        if let Line::Machine(machine) = line {
            for row in rows_of(machine) {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
    }
    for (name, value) in rows {
        let _ = writeln!(page, "| {name} | {value} |");
    }
}

fn rows_of(machine: &Machine) -> Vec<(String, String)> {
    let Machine {
        processor,
        cores,
        memory_gib,
        kernel,
        rustc,
        programs,
        pinned,
        segments,
    } = machine;
    let mut rows = vec![
        (
            "machine".to_owned(),
            format!("{processor}, {cores} cores, {memory_gib:.0} GiB"),
        ),
        ("kernel".to_owned(), kernel.clone()),
        ("compiler".to_owned(), rustc.clone()),
    ];
    rows.extend(programs.iter().cloned());
    rows.push(("cores (`--pin`)".into(), pinned.clone()));
    rows.push((
        "answers of the backend (`--segments`)".into(),
        segments.clone(),
    ));
    rows
}

fn names(page: &mut String, peers: &[&Peer]) {
    head(page, "Front ends", &["name", "what it is"]);
    for peer in peers {
        let _ = writeln!(page, "| {} | {} |", peer.name, peer.title);
    }
}

fn reached(page: &mut String, lines: &[Line]) {
    let reached: Vec<_> = (aims::reached(lines).into_iter())
        .filter(|one| one.value.is_some())
        .collect();
    if reached.is_empty() {
        return;
    }
    head(page, "Aims", &["scenario", "aim", "measured", ""]);
    for one in reached {
        let value = one.value.map_or_else(String::new, number);
        let verdict = if one.is_held { "held" } else { "**missed**" };
        let _ = writeln!(
            page,
            "| {} | {} | {value} | {verdict} |",
            one.what, one.bound
        );
    }
}

/// CPU time of all front ends in all scenarios.
fn overview(page: &mut String, samples: &Samples, peers: &[&Peer]) {
    let is_measured = |peer: &&&Peer| {
        SCENARIOS
            .iter()
            .any(|scenario| samples.count(scenario.name, peer.name) > 0)
    };
    let peers: Vec<_> = peers.iter().filter(is_measured).collect();
    let mut columns = vec!["scenario"];
    columns.extend(peers.iter().map(|peer| peer.name));
    head(page, "CPU time in ms for 1,000 requests", &columns);
    for scenario in &SCENARIOS {
        let cell = |peer: &&&Peer| {
            let name = scenario.name;
            let value = samples.median(name, peer.name, Sample::cpu_ms);
            let ratio = samples.ratio(name, peer.name, BASE, Sample::cpu_ms);
            with_ratio(value, ratio)
        };
        let cells: Vec<_> = peers.iter().map(cell).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let _ = writeln!(page, "| {} | {} |", scenario.title, cells.join(" | "));
        }
    }
}

fn with_ratio(value: Option<f64>, ratio: Option<f64>) -> String {
    match (value, ratio) {
        (None, _) => String::new(),
        (Some(value), None) => number(value),
        (Some(value), Some(ratio)) => format!("{} ({ratio:.2})", number(value)),
    }
}

/// Columns of a scenario's table.
const COLUMNS: [&str; 13] = [
    "front end",
    "rounds",
    "requests/s",
    "p50 µs",
    "p99 µs",
    "p99.9 µs",
    "CPU ms/1000",
    "user",
    "kernel",
    "memory MiB",
    "threads",
    "connections to nodes",
    "faults",
];

/// All figures of a scenario.
fn one(page: &mut String, samples: &Samples, peers: &[&Peer], scenario: &Scenario) {
    let is_measured = |peer: &&&Peer| samples.count(scenario.name, peer.name) > 0;
    let peers: Vec<_> = peers.iter().filter(is_measured).collect();
    if peers.is_empty() {
        return;
    }
    let mut columns = COLUMNS.to_vec();
    if scenario.plan.idle > 0 {
        columns.push("KiB per idle connection");
    }
    head(page, scenario.title, &columns);
    for peer in peers {
        let cells = cells(samples, scenario, peer.name);
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
}

fn cells(samples: &Samples, scenario: &Scenario, peer: &str) -> Vec<String> {
    let name = scenario.name;
    let median = |figure| {
        samples
            .median(name, peer, figure)
            .map_or_else(String::new, number)
    };
    let ratio = |figure| {
        let value = samples.median(name, peer, figure);
        with_ratio(value, samples.ratio(name, peer, BASE, figure))
    };
    let mut cells = vec![
        peer.to_owned(),
        samples.count(name, peer).to_string(),
        ratio(Sample::throughput),
        median(|sample| sample.outcome.p50),
        median(|sample| sample.outcome.p99),
        median(|sample| sample.outcome.p999),
        ratio(Sample::cpu_ms),
        median(|sample| sample.user_ms),
        median(|sample| sample.system_ms),
        median(|sample| sample.memory_kib as f64 / 1024.0),
        median(|sample| f64::from(sample.threads)),
        median(|sample| sample.backend.most_open as f64),
        samples.faults(name, peer).to_string(),
    ];
    if scenario.plan.idle > 0 {
        cells.push(median(aims::idle_kib));
    }
    cells
}

fn calls(page: &mut String, lines: &[Line]) {
    let calls = record::last_calls(lines);
    if calls.is_empty() {
        return;
    }
    let columns = [
        "scenario",
        "front end",
        "calls",
        "switches of threads",
        "which",
    ];
    head(page, "System calls for each request", &columns);
    for one in calls {
        let named = one
            .by_name
            .iter()
            .map(|(name, count)| format!("{name} {count:.2}"));
        let _ = writeln!(
            page,
            "| {} | {} | {:.2} | {:.2} | {} |",
            one.scenario,
            one.peer,
            one.calls,
            one.switches,
            named.collect::<Vec<_>>().join(", ")
        );
    }
}

fn instructions(page: &mut String, lines: &[Line]) {
    let counted = record::last_instructions(lines);
    if counted.is_empty() {
        return;
    }
    let columns = ["front end", "instructions"];
    head(
        page,
        "Instructions in user space for each request",
        &columns,
    );
    for one in counted {
        let _ = writeln!(page, "| {} | {} |", one.peer, number(one.instructions));
    }
}

/// Three digits or so.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if place > 0 && left % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratio::tests::sample;

    #[test]
    fn numbers_are_short() {
        let all = [0.184, 15.84, 159.6, 1_234_567.8, -1234.0].map(number);
        assert_eq!(all, ["0.18", "15.8", "160", "1,234,568", "-1,234"]);
    }

    #[test]
    fn the_page_has_values_and_ratios() {
        let machine = Machine {
            kernel: "Linux 6.1".into(),
            programs: vec![("nginx".into(), "1.22.1".into())],
            ..Machine::default()
        };
        let lines = [
            Line::Machine(machine),
            sample("mod_jk", "c64", 0, 80.0),
            sample("jkd", "c64", 0, 12.0),
            sample("jkd", "c64", 1, 13.0),
            sample("jkd", "idle", 0, 13.0),
        ];
        let samples = Samples::of(&lines);
        let plots = super::super::plots::all(&lines, &samples);
        let page = page(&lines, &samples, &plots, Path::new("performance"));
        for expected in [
            "| kernel | Linux 6.1 |",
            "| nginx | 1.22.1 |",
            "| GET 128 B, 64 connections | 80.0 (1.00) | 12.5 (0.15) |",
            "| c64, jkd: CPU per request | ≤ 0.18 × mod_jk | 0.15 | held |",
            "![CPU time in ms for 1,000 requests (shorter is better)](performance/cpu.svg)",
            "| jkd | 2 | 500 (1.00) |",
        ] {
            assert!(page.contains(expected), "{expected}\n{page}");
        }
        assert!(
            !page.contains("System calls") && !page.contains("sessions"),
            "{page}"
        );
    }
}
