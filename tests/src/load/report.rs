//! What became of the requests of a load.

use std::{collections::BTreeMap, fmt, ops::Range, time::Duration};

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it was due, from the begin of the load.
    pub due: Duration,
    /// How long it took from then on: a load that is late does not make answers look faster.
    pub took: Duration,
    /// What became of it.
    pub outcome: Outcome,
    /// The last letter of the name of the node that answered.
    pub node: Option<char>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A whole answer with this status; one of a node has the bytes that were asked for.
    Answered(u16),
    /// An answer that looks whole, and is another one than was asked for.
    Wrong(u16),
    /// The connection ended inside the answer.
    Cut(u16),
    /// The connection ended before the answer.
    Lost,
    /// So it did, and it had been used before: whoever closes idle connections may do that.
    Stale,
    /// There was no connection.
    Refused,
    /// The client's patience was over.
    TimedOut,
}

/// All requests of a load, in the order in which they ended.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Them.
    pub samples: Vec<Sample>,
    /// How long the load lasted.
    pub lasted: Duration,
}

impl Sample {
    /// Whether it was answered with 200.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Answered(200)
    }
}

impl Report {
    /// Requests.
    pub fn total(&self) -> usize {
        self.samples.len()
    }

    /// Requests that were not answered with 200.
    pub fn failed(&self) -> usize {
        self.count(|sample| !sample.is_ok())
    }

    /// Requests of which this is true.
    pub fn count(&self, which: impl Fn(&Sample) -> bool) -> usize {
        self.samples.iter().filter(|sample| which(sample)).count()
    }

    /// Requests with this outcome.
    pub fn with(&self, outcome: Outcome) -> usize {
        self.count(|sample| sample.outcome == outcome)
    }

    /// Requests that the node of this letter answered with 200.
    pub fn by(&self, node: char) -> usize {
        self.count(|sample| sample.is_ok() && sample.node == Some(node))
    }

    /// Only the requests of which this is true.
    #[must_use]
    pub fn only(&self, which: impl Fn(&Sample) -> bool) -> Self {
        let samples = self.samples.iter().filter(|sample| which(sample)).copied();
        Self {
            samples: samples.collect(),
            lasted: self.lasted,
        }
    }

    /// Only the requests that were due within this time.
    #[must_use]
    pub fn due(&self, within: Range<Duration>) -> Self {
        self.only(|sample| within.contains(&sample.due))
    }

    /// The time within which this many of a thousand requests ended.
    pub fn per_mille(&self, part: usize) -> Duration {
        let mut times: Vec<_> = self.samples.iter().map(|sample| sample.took).collect();
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        times.get(last * part / 1000).copied().unwrap_or_default()
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.per_mille(500)
    }

    /// 99 of 100 ended within this time.
    pub fn p99(&self) -> Duration {
        self.per_mille(990)
    }

    /// The slowest one.
    pub fn slowest(&self) -> Duration {
        self.per_mille(1000)
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.samples.len() as f64 / self.lasted.as_secs_f64().max(0.001)
    }

    /// Requests for each outcome.
    pub fn outcomes(&self) -> BTreeMap<Outcome, usize> {
        let mut outcomes = BTreeMap::new();
        for sample in &self.samples {
            *outcomes.entry(sample.outcome).or_default() += 1;
        }
        outcomes
    }

    /// Answers of 200 for each node.
    pub fn nodes(&self) -> BTreeMap<char, usize> {
        let mut nodes = BTreeMap::new();
        for sample in self.samples.iter().filter(|sample| sample.is_ok()) {
            *nodes.entry(sample.node.unwrap_or('?')).or_default() += 1;
        }
        nodes
    }

    /// How long after this time the node answered for the first time.
    pub fn back_after(&self, node: char, from: Duration) -> Option<Duration> {
        let by = |sample: &&Sample| sample.is_ok() && sample.node == Some(node);
        let times = self.samples.iter().filter(by);
        let after = times.filter_map(|sample| (sample.due + sample.took).checked_sub(from));
        after.min()
    }

    /// Requests that were under way at this time.
    pub fn under_way(&self, at: Duration) -> usize {
        self.count(|sample| sample.due <= at && sample.due + sample.took >= at)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(
            f,
            "{} failed of {} ({:.0}/s), p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms, {:?}, by node {:?}",
            self.failed(),
            self.total(),
            self.rate(),
            ms(self.p50()),
            ms(self.p99()),
            ms(self.slowest()),
            self.outcomes(),
            self.nodes(),
        )
    }
}
