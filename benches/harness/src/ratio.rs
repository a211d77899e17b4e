//! Medians, and ratios that are taken within a round: what was measured minutes apart on a machine
//! that does other things, too, is not compared.

use std::collections::BTreeMap;

use crate::record::{Line, Sample};

/// What is looked at in a sample.
pub type Figure = fn(&Sample) -> f64;

/// All samples that have figures.
#[derive(Debug, Default)]
pub struct Samples {
    /// By scenario and front end; the key of each is its run and its round.
    all: BTreeMap<(String, String), BTreeMap<(usize, usize), Sample>>,
}

impl Samples {
    /// Those among the lines. Each description of the machine begins another run.
    pub fn of(lines: &[Line]) -> Self {
        let mut samples = Self::default();
        let mut run = 0;
        for line in lines {
            match line {
                Line::Machine(_) => run += 1,
                Line::Sample(sample) if sample.failed.is_none() => {
                    let key = (sample.scenario.clone(), sample.peer.clone());
                    let rounds = samples.all.entry(key).or_default();
                    rounds.insert((run, sample.repeat), (**sample).clone());
                }
                _ => {}
            }
        }
        samples
    }

    fn rounds(
        &self,
        scenario: &str,
        peer: &str,
    ) -> impl Iterator<Item = (&(usize, usize), &Sample)> {
        let key = (scenario.to_owned(), peer.to_owned());
        self.all.get(&key).into_iter().flatten()
    }

    /// How many there are.
    pub fn count(&self, scenario: &str, peer: &str) -> usize {
        self.rounds(scenario, peer).count()
    }

    /// The median of a figure.
    pub fn median(&self, scenario: &str, peer: &str, figure: Figure) -> Option<f64> {
        median(
            self.rounds(scenario, peer)
                .map(|(_, sample)| figure(sample)),
        )
    }

    /// The median of the ratios to another front end, each within one round.
    pub fn ratio(&self, scenario: &str, peer: &str, base: &str, figure: Figure) -> Option<f64> {
        self.ratio_between((scenario, peer), (scenario, base), figure)
    }

    /// The same between two scenarios.
    pub fn ratio_between(
        &self,
        (scenario, peer): (&str, &str),
        (other_scenario, base): (&str, &str),
        figure: Figure,
    ) -> Option<f64> {
        let base: BTreeMap<_, _> = self.rounds(other_scenario, base).collect();
        let ratios = self.rounds(scenario, peer).filter_map(|(round, sample)| {
            let base = figure(base.get(round)?);
            (base > 0.0).then(|| figure(sample) / base)
        });
        median(ratios)
    }

    /// What was wrong in all of them together.
    pub fn faults(&self, scenario: &str, peer: &str) -> u64 {
        self.rounds(scenario, peer)
            .map(|(_, sample)| sample.faults())
            .sum()
    }
}

/// The value in the middle, or between the two in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    if values.len() % 2 == 1 {
        return values.get(upper).copied();
    }
    let lower = upper.checked_sub(1)?;
    Some(f64::midpoint(values[lower], values[upper]))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A sample with CPU and memory.
    pub(crate) fn sample(peer: &str, scenario: &str, repeat: usize, cpu: f64) -> Line {
        let mut sample = Sample {
            peer: peer.into(),
            scenario: scenario.into(),
            repeat,
            user_ms: cpu,
            memory_kib: 2048,
            ..Sample::default()
        };
        sample.outcome.requests = 1000;
        sample.outcome.seconds = 2.0;
        sample.outcome.p99 = cpu * 100.0;
        Line::Sample(Box::new(sample))
    }

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // Everything takes ten times as long in the second round.
        let lines = [
            Line::Machine(crate::record::Machine::default()),
            sample("a", "c64", 0, 10.0),
            sample("b", "c64", 0, 5.0),
            sample("b", "c64", 1, 50.0),
            sample("a", "c64", 1, 100.0),
            sample("b", "c64", 2, 1.0),
            Line::Machine(crate::record::Machine::default()),
            sample("b", "c64", 0, 600.0),
            sample("a", "c64", 0, 1000.0),
        ];
        let samples = Samples::of(&lines);
        assert_eq!(samples.ratio("c64", "b", "a", Sample::cpu_ms), Some(0.5));
        assert_eq!(samples.median("c64", "a", Sample::cpu_ms), Some(100.0));
        assert_eq!(samples.median("c64", "b", Sample::throughput), Some(500.0));
        assert_eq!(
            (samples.count("c64", "b"), samples.count("c1", "b")),
            (4, 0)
        );
        assert_eq!(samples.ratio("c1", "b", "a", Sample::cpu_ms), None);
    }

    #[test]
    fn what_failed_is_no_sample() {
        let Line::Sample(mut failed) = sample("a", "c1", 0, 1.0) else {
            unreachable!()
        };
        failed.failed = Some("does not start".into());
        let samples = Samples::of(&[Line::Sample(failed)]);
        assert_eq!(samples.count("c1", "a"), 0);
    }
}
