//! What jkd is to reach, beside what it does reach.

use crate::{
    ratio::{Figure, Samples},
    record::{self, Line, Sample},
};

/// One of them.
#[derive(Debug)]
pub struct Aim {
    scenario: &'static str,
    peer: &'static str,
    what: &'static str,
    measure: Measure,
    /// As much as this, at most; at least where the measure is throughput.
    bound: f64,
}

#[derive(Debug)]
enum Measure {
    /// CPU time as a share of another front end's.
    Cpu(&'static str),
    /// CPU time as a share of what jkd itself takes in another scenario.
    CpuOf(&'static str),
    /// Throughput as a share of another front end's.
    Throughput(&'static str),
    /// A time as a share of the best that any other front end has.
    Best(Figure),
    /// Memory as a share of another front end's.
    Memory(&'static str),
    /// A figure by itself.
    Value(Figure),
    /// System calls.
    Calls,
    /// Instructions.
    Instructions,
}

/// What came of an aim.
#[derive(Debug, PartialEq)]
pub struct Reached {
    /// What it is about.
    pub what: String,
    /// What it is to be.
    pub bound: String,
    /// What it is; `None`: not measured.
    pub value: Option<f64>,
    /// Whether that is good enough.
    pub is_held: bool,
}

const fn cpu(scenario: &'static str, base: &'static str, bound: f64) -> Aim {
    Aim {
        scenario,
        peer: "jkd",
        what: "CPU per request",
        measure: Measure::Cpu(base),
        bound,
    }
}

const fn aim(scenario: &'static str, what: &'static str, measure: Measure, bound: f64) -> Aim {
    Aim {
        scenario,
        peer: "jkd",
        what,
        measure,
        bound,
    }
}

/// Another way to run jkd costs nearly the same.
const fn variant(peer: &'static str, base: &'static str, bound: f64) -> Aim {
    Aim {
        peer,
        ..cpu("c64", base, bound)
    }
}

static AIMS: [Aim; 37] = [
    cpu("c16", "mod_jk", 0.18),
    cpu("c16", "nginx", 0.90),
    cpu("c16", "floor", 1.35),
    aim("c16", "throughput", Measure::Throughput("nginx"), 1.0),
    cpu("c64", "mod_jk", 0.18),
    cpu("c64", "nginx", 0.90),
    cpu("c64", "floor", 1.35),
    aim("c64", "throughput", Measure::Throughput("nginx"), 1.0),
    cpu("c256", "mod_jk", 0.18),
    cpu("c256", "nginx", 0.90),
    cpu("c256", "floor", 1.35),
    aim("c256", "throughput", Measure::Throughput("nginx"), 1.0),
    cpu("c1000", "mod_jk", 0.25),
    cpu("c1000", "nginx", 0.85),
    cpu("headers", "mod_jk", 0.20),
    cpu("get16k", "mod_jk", 0.22),
    cpu("get16k", "nginx", 0.95),
    cpu("get1m", "mod_jk", 0.50),
    cpu("get1m", "nginx", 0.80),
    cpu("post8k", "mod_jk", 0.26),
    cpu("post1m", "mod_jk", 0.58),
    aim(
        "rate",
        "p99",
        Measure::Best(|sample| sample.outcome.p99),
        1.0,
    ),
    aim(
        "rate",
        "p99.9",
        Measure::Best(|sample| sample.outcome.p999),
        1.0,
    ),
    cpu("close", "mod_jk", 0.29),
    aim("idle", "memory", Measure::Memory("nginx"), 1.0),
    aim(
        "idle",
        "KiB per idle connection",
        Measure::Value(idle_kib),
        2.0,
    ),
    aim(
        "slow",
        "p99 in ms",
        Measure::Value(|sample| sample.outcome.p99 / 1000.0),
        215.0,
    ),
    aim("slow", "memory", Measure::Memory("nginx"), 1.0),
    aim(
        "slow",
        "requests without an answer",
        Measure::Value(|sample| sample.faults() as f64),
        0.0,
    ),
    aim("sticky", "CPU per request", Measure::CpuOf("c64"), 1.05),
    variant("jkd-large", "jkd", 1.05),
    variant("jkd-observed", "jkd", 1.08),
    variant("jkd-threads-2", "jkd-threads-1", 1.10),
    variant("jkd-threads-4", "jkd-threads-1", 1.10),
    variant("jkd-threads-8", "jkd-threads-1", 1.10),
    aim("c64", "system calls per request", Measure::Calls, 4.5),
    aim(
        "c64",
        "instructions per request",
        Measure::Instructions,
        16_000.0,
    ),
];

/// Memory of an idle connection.
pub(crate) fn idle_kib(sample: &Sample) -> f64 {
    let idle = crate::scenario::find(&sample.scenario).map_or(0, |scenario| scenario.plan.idle);
    let grown = sample.memory_kib as f64 - sample.memory_before_idle_kib as f64;
    grown / idle.max(1) as f64
}

/// What came of all of them.
pub fn reached(lines: &[Line]) -> Vec<Reached> {
    let samples = Samples::of(lines);
    AIMS.iter()
        .map(|aim| aim.reached(lines, &samples))
        .collect()
}

impl Aim {
    fn reached(&self, lines: &[Line], samples: &Samples) -> Reached {
        let value = self.value(lines, samples);
        let is_most = !matches!(self.measure, Measure::Throughput(_));
        let is_held = value.is_some_and(|value| {
            if is_most {
                value <= self.bound
            } else {
                value >= self.bound
            }
        });
        let than = match self.measure {
            Measure::Cpu(base) | Measure::Memory(base) | Measure::Throughput(base) => {
                format!(" × {base}")
            }
            Measure::CpuOf(scenario) => format!(" × {scenario}"),
            Measure::Best(_) => " × the best other".into(),
            Measure::Value(_) | Measure::Calls | Measure::Instructions => String::new(),
        };
        let sign = if is_most { '≤' } else { '≥' };
        Reached {
            what: format!("{}, {}: {}", self.scenario, self.peer, self.what),
            bound: format!("{sign} {}{than}", self.bound),
            value,
            is_held,
        }
    }

    fn value(&self, lines: &[Line], samples: &Samples) -> Option<f64> {
        let (scenario, peer) = (self.scenario, self.peer);
        match self.measure {
            Measure::Cpu(base) => samples.ratio(scenario, peer, base, Sample::cpu_ms),
            Measure::CpuOf(other) => {
                samples.ratio_between((scenario, peer), (other, peer), Sample::cpu_ms)
            }
            Measure::Throughput(base) => samples.ratio(scenario, peer, base, Sample::throughput),
            Measure::Memory(base) => {
                samples.ratio(scenario, peer, base, |sample| sample.memory_kib as f64)
            }
            Measure::Value(figure) => samples.median(scenario, peer, figure),
            Measure::Best(figure) => OTHERS
                .iter()
                .filter_map(|other| samples.ratio(scenario, peer, other, figure))
                .max_by(f64::total_cmp),
            Measure::Calls => record::last_calls(lines)
                .iter()
                .find(|calls| calls.peer == peer && calls.scenario == scenario)
                .map(|calls| calls.calls),
            Measure::Instructions => record::last_instructions(lines)
                .iter()
                .find(|counted| counted.peer == peer)
                .map(|counted| counted.instructions),
        }
    }
}

/// Front ends that people run, and that read requests.
const OTHERS: [&str; 4] = ["mod_jk", "mod_proxy_ajp", "nginx", "haproxy"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        peer,
        ratio::tests::sample,
        record::{Calls, Machine},
        scenario,
    };

    #[test]
    fn aims_are_about_what_there_is() {
        for aim in &AIMS {
            assert!(scenario::find(aim.scenario).is_some(), "{aim:?}");
            assert!(peer::find(aim.peer).is_some(), "{aim:?}");
        }
        assert!(OTHERS.iter().all(|name| peer::find(name).is_some()));
    }

    #[test]
    fn what_is_measured_is_compared() {
        let calls = Calls {
            peer: "jkd".into(),
            scenario: "c64".into(),
            calls: 4.4,
            ..Calls::default()
        };
        let lines = [
            Line::Machine(Machine::default()),
            sample("mod_jk", "c64", 0, 100.0),
            sample("nginx", "c64", 0, 20.0),
            sample("jkd", "c64", 0, 19.0),
            sample("nginx", "rate", 0, 20.0),
            sample("mod_jk", "rate", 0, 100.0),
            sample("jkd", "rate", 0, 25.0),
            Line::Calls(calls),
        ];
        let reached = reached(&lines);
        let one = |what: &str, bound: &str| {
            let found = reached
                .iter()
                .find(|one| one.what == what && one.bound.ends_with(bound));
            let found = found.unwrap();
            (found.value, found.is_held)
        };
        assert_eq!(
            one("c64, jkd: CPU per request", "mod_jk"),
            (Some(0.19), false)
        );
        assert_eq!(
            one("c64, jkd: CPU per request", "nginx"),
            (Some(0.95), false)
        );
        assert_eq!(one("c64, jkd: throughput", "nginx"), (Some(1.0), true));
        assert_eq!(
            one("c64, jkd: system calls per request", "4.5"),
            (Some(4.4), true)
        );
        assert_eq!(one("rate, jkd: p99", "best other"), (Some(1.25), false));
        assert_eq!(one("c16, jkd: CPU per request", "mod_jk"), (None, false));
    }
}
