//! Counts that others keep, as counters of the exporter.

use std::{collections::HashMap, mem};

use metrics::{Label, counter};

use super::names::Metric;

/// What was reported last, so that what has come since is added. Whoever counts may begin anew: a
/// member that comes back, a pool with other settings. Its counter goes on.
#[derive(Debug, Default)]
pub struct Tally {
    last: HashMap<Series, u64>,
    present: HashMap<Series, u64>,
}

/// A metric, its labels, and who counts.
type Series = (&'static str, Vec<Label>, usize);

impl Tally {
    /// Reports a count. What is reported twice counts once: an endpoint of two balancers.
    pub(super) fn count(&mut self, metric: Metric, labels: Vec<Label>, count: u64) {
        self.count_of(0, metric, labels, count);
    }

    /// The same where several may count for one series: `id` tells them apart.
    pub(super) fn count_of(&mut self, id: usize, metric: Metric, labels: Vec<Label>, count: u64) {
        let series = (metric.name, labels, id);
        if self.present.contains_key(&series) {
            return;
        }
        let before = self.last.get(&series).filter(|before| **before <= count);
        let more = count - before.copied().unwrap_or(0);
        counter!(metric.name, series.1.clone()).increment(more);
        self.present.insert(series, count);
    }

    /// As [`count`](Self::count), for somebody who never begins anew, but takes back: what comes next
    /// makes up for it.
    pub(super) fn count_on(&mut self, metric: Metric, labels: Vec<Label>, count: u64) {
        let series = (metric.name, labels, 0);
        let before = self.last.get(&series).copied().unwrap_or(0);
        self.count(metric, series.1, count.max(before));
    }

    /// All has been reported. What was not begins at zero when it comes back.
    pub fn end(&mut self) {
        self.last = mem::take(&mut self.present);
    }
}
