//! Counting answers, their times, and what went wrong.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{answer::Answer, connection::Fault};

/// Nanoseconds; whatever takes longer counts as this.
const LONGEST: u64 = 120_000_000_000;

/// What became of the requests so far.
#[derive(Debug)]
pub(super) struct Tally {
    started: Option<Instant>,
    times: Histogram<u64>,
    body_bytes: u64,
    reconnects: u64,
    faults: Faults,
}

/// What went wrong, over the whole run, warm-up included.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Faults {
    /// Connections that could not be opened.
    pub connect: usize,
    /// Connections that broke, and answers that are not HTTP.
    pub broken: usize,
    /// Answers with another status than 200.
    pub status: usize,
    /// Answers with another length.
    pub length: usize,
    /// Requests that were due, and had no answer by long after the end.
    pub unanswered: usize,
    /// Idle connections that were closed.
    pub idle: usize,
    /// The first of them, in words.
    pub first: Option<String>,
}

/// What was measured. Times in microseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Outcome {
    /// Requests that were answered while measuring.
    pub requests: u64,
    /// Seconds that measuring took.
    pub seconds: f64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Half of them were answered within this time.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// All of them.
    pub longest: f64,
    /// Connections that the front end closed with an answer although it was not asked to.
    pub reconnects: u64,
    /// What went wrong.
    pub faults: Faults,
}

impl Default for Tally {
    fn default() -> Self {
        let times = Histogram::new_with_max(LONGEST, 3);
        Self {
            started: None,
            times: times.expect("the bounds are good ones"),
            body_bytes: 0,
            reconnects: 0,
            faults: Faults::default(),
        }
    }
}

impl Tally {
    pub(super) fn start(&mut self) {
        self.started = Some(Instant::now());
    }

    /// Ends measuring, and returns how long it took.
    pub(super) fn stop(&mut self) -> Duration {
        self.started
            .take()
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether neither an answer nor a fault was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty() && self.faults.count() == 0
    }

    pub(super) fn answered(&mut self, after: Duration, answer: &Answer) {
        if self.started.is_some() {
            let nanoseconds = after.as_nanos().try_into().unwrap_or(LONGEST);
            self.times.saturating_record(nanoseconds);
            self.body_bytes += answer.length;
            self.reconnects += u64::from(answer.closes);
        }
    }

    pub(super) fn failed(&mut self, fault: Fault) {
        let faults = &mut self.faults;
        let (count, what) = match fault {
            Fault::Connect(error) => (&mut faults.connect, format!("cannot connect: {error}")),
            Fault::Broken(error) => (&mut faults.broken, format!("broken: {error}")),
            Fault::Status(status) => (&mut faults.status, format!("status {status}")),
            Fault::Length(length) => (&mut faults.length, format!("{length} bytes of body")),
        };
        *count += 1;
        faults.first.get_or_insert(what);
    }

    pub(super) fn outcome(&self, span: Duration) -> Outcome {
        let microseconds = |quantile| self.times.value_at_quantile(quantile) as f64 / 1000.0;
        Outcome {
            requests: self.times.len(),
            seconds: span.as_secs_f64(),
            body_bytes: self.body_bytes,
            p50: microseconds(0.5),
            p99: microseconds(0.99),
            p999: microseconds(0.999),
            longest: self.times.max() as f64 / 1000.0,
            reconnects: self.reconnects,
            faults: self.faults.clone(),
        }
    }
}

impl Faults {
    /// All of them together.
    pub fn count(&self) -> usize {
        self.connect + self.broken + self.status + self.length + self.unanswered + self.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_answered_while_measuring_counts() {
        let mut tally = Tally::default();
        tally.answered(Duration::from_secs(9), &Answer::default());
        tally.start();
        for milliseconds in 1..=1000 {
            tally.answered(Duration::from_millis(milliseconds), &Answer::default());
        }
        let span = tally.stop();
        tally.answered(Duration::from_secs(9), &Answer::default());
        let outcome = tally.outcome(span);
        assert_eq!(outcome.requests, 1000);
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.002;
        assert!(
            near(outcome.p50, 500e3) && near(outcome.p99, 990e3),
            "{outcome:?}"
        );
        assert!(
            near(outcome.p999, 999e3) && near(outcome.longest, 1000e3),
            "{outcome:?}"
        );
    }

    #[test]
    fn faults_count_at_any_time() {
        let mut tally = Tally::default();
        tally.failed(Fault::Status(503));
        tally.failed(Fault::Length(7));
        let faults = tally.outcome(Duration::ZERO).faults;
        assert_eq!(
            (faults.count(), faults.first.as_deref()),
            (2, Some("status 503"))
        );
    }
}
