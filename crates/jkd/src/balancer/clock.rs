//! Time as the balancer sees it: an argument.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// A moment, counted from a start that all callers share, in milliseconds.
///
/// The daemon takes its own start; tests take whatever they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(u64);

impl Now {
    /// The moment this long after the start.
    pub fn after_start(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX - 1))
    }

    pub(super) fn as_seconds(self) -> u32 {
        u32::try_from(self.0 / 1000).unwrap_or(u32::MAX)
    }

    /// The time since `earlier`; zero if that lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A moment that may not have come yet.
#[derive(Debug, Default)]
pub(super) struct Stamp(AtomicU64);

impl Stamp {
    pub(super) fn get(&self) -> Option<Now> {
        self.0.load(Relaxed).checked_sub(1).map(Now)
    }

    pub(super) fn set(&self, now: Now) {
        self.0.store(now.0.saturating_add(1), Relaxed);
    }

    /// Sets it unless it is set already.
    pub(super) fn set_first(&self, now: Now) {
        // Losing the race means that somebody else set it at the same moment.
        let _ = (self.0).compare_exchange(0, now.0.saturating_add(1), Relaxed, Relaxed);
    }

    /// Clears it. Reads first: the line stays shared between cores in the usual case.
    pub(super) fn clear(&self) {
        if self.0.load(Relaxed) != 0 {
            self.0.store(0, Relaxed);
        }
    }

    pub(super) fn age(&self, now: Now) -> Option<Duration> {
        self.get().map(|then| now.since(then))
    }
}
