//! What is drawn.

use super::peers;
use crate::{
    plot::Group,
    ratio::{Figure, Samples},
    record::{self, Line, Sample},
    scenario::SCENARIOS,
};

/// A drawing.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    pub(super) digits: usize,
    pub(super) groups: Vec<Group>,
}

/// A drawing of figures of samples: file, title, digits behind the point, scenarios (none: all),
/// figure.
type Drawing = (
    &'static str,
    &'static str,
    usize,
    &'static [&'static str],
    Figure,
);

const DRAWINGS: [Drawing; 4] = [
    (
        "cpu.svg",
        "CPU time in ms for 1,000 requests (shorter is better)",
        1,
        &[],
        Sample::cpu_ms,
    ),
    (
        "throughput.svg",
        "Requests a second (longer is better)",
        0,
        &[
            "c1", "c16", "c64", "c256", "c1000", "get16k", "post8k", "close",
        ],
        Sample::throughput,
    ),
    (
        "latency.svg",
        "p99.9 in ms at 5,000 requests a second (shorter is better)",
        2,
        &["rate"],
        |sample| sample.outcome.p999 / 1000.0,
    ),
    (
        "memory.svg",
        "Memory in MiB (shorter is better)",
        1,
        &["c64", "idle", "slow"],
        |sample| sample.memory_kib as f64 / 1024.0,
    ),
];

/// All for which there is something to draw.
pub(super) fn all(lines: &[Line], samples: &Samples) -> Vec<Plot> {
    let of_samples = |(file, title, digits, only, figure): Drawing| Plot {
        file,
        title,
        digits,
        groups: groups(lines, samples, only, figure),
    };
    let mut plots: Vec<_> = DRAWINGS.into_iter().map(of_samples).collect();
    plots.push(calls(lines));
    plots.push(instructions(lines));
    plots.retain(|plot| !plot.groups.is_empty());
    plots
}

/// A group for each scenario that is among these, or for all, with a bar for each front end.
fn groups(lines: &[Line], samples: &Samples, only: &[&str], figure: Figure) -> Vec<Group> {
    let peers = peers(lines);
    let mut groups = Vec::new();
    for scenario in &SCENARIOS {
        if !only.is_empty() && !only.contains(&scenario.name) {
            continue;
        }
        let bar = |name: &str| {
            Some((
                name.to_owned(),
                samples.median(scenario.name, name, figure)?,
            ))
        };
        let bars: Vec<_> = peers.iter().filter_map(|peer| bar(peer.name)).collect();
        if !bars.is_empty() {
            let title = scenario.title.to_owned();
            groups.push(Group { title, bars });
        }
    }
    groups
}

fn calls(lines: &[Line]) -> Plot {
    let all = record::last_calls(lines);
    let bars = |scenario: &str| -> Vec<_> {
        let calls = all.iter().filter(|calls| calls.scenario == scenario);
        calls
            .map(|calls| (calls.peer.clone(), calls.calls))
            .collect()
    };
    let group = |scenario: &crate::scenario::Scenario| Group {
        title: scenario.title.to_owned(),
        bars: bars(scenario.name),
    };
    Plot {
        file: "calls.svg",
        title: "System calls for each request (shorter is better)",
        digits: 2,
        groups: SCENARIOS
            .iter()
            .map(group)
            .filter(|group| !group.bars.is_empty())
            .collect(),
    }
}

fn instructions(lines: &[Line]) -> Plot {
    let bars: Vec<_> = (record::last_instructions(lines).iter())
        .map(|counted| (counted.peer.clone(), counted.instructions))
        .collect();
    let title = "GET 128 B, 8 connections in step".to_owned();
    Plot {
        file: "instructions.svg",
        title: "Instructions in user space for each request (shorter is better)",
        digits: 0,
        groups: (!bars.is_empty())
            .then_some(Group { title, bars })
            .into_iter()
            .collect(),
    }
}
