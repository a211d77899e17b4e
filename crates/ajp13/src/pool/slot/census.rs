//! How many connections are open, and how many were.

use super::sync::{
    AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use crate::pool::stats::{CloseReason, ClosedStats};

/// Counts connections. At no time are more open than allowed, as far as the counts tell, too.
#[derive(Debug)]
pub(in crate::pool) struct Census {
    /// Open or being opened.
    open: AtomicUsize,
    opened: AtomicU64,
    max_open: AtomicU64,
    /// By reason; closing is rare, so the counts are shared by all threads.
    closed: [AtomicU64; CloseReason::ALL.len()],
}

impl Census {
    pub(super) fn new() -> Self {
        Self {
            open: AtomicUsize::new(0),
            opened: AtomicU64::new(0),
            max_open: AtomicU64::new(0),
            closed: CloseReason::ALL.map(|_| AtomicU64::new(0)),
        }
    }

    /// A connection is about to be opened, unless `max` are. To be followed by
    /// [`opened`](Self::opened) or [`failed`](Self::failed).
    pub(super) fn begin(&self, max: usize) -> bool {
        let one_more = |open| (open < max).then_some(open + 1);
        self.open.fetch_update(AcqRel, Acquire, one_more).is_ok()
    }

    /// It is open.
    ///
    /// Whoever has opened another one before is waited for (`AcqRel`), and with it is known of all
    /// that had been closed by then: the difference is never more than `max`.
    pub(super) fn opened(&self) {
        let opened = self.opened.fetch_add(1, AcqRel) + 1;
        let open = opened.saturating_sub(self.closed_stats().total());
        self.max_open.fetch_max(open, Relaxed);
    }

    /// It could not be opened.
    pub(super) fn failed(&self) {
        self.open.fetch_sub(1, AcqRel);
    }

    /// A connection is closed. It is counted before its place is free, lest there seem to be one
    /// more.
    pub(super) fn closed(&self, reason: CloseReason) {
        if let Some(count) = self.closed.get(reason as usize) {
            count.fetch_add(1, Relaxed);
        }
        self.open.fetch_sub(1, AcqRel);
    }

    /// How many were opened and closed. Those that were closed are read last, so that the
    /// difference is not too large.
    pub(super) fn taken(&self) -> (u64, ClosedStats) {
        let opened = self.opened.load(Acquire);
        (opened, self.closed_stats())
    }

    pub(super) fn max_open(&self) -> u64 {
        self.max_open.load(Relaxed)
    }

    pub(super) fn remember_max_open(&self, max_open: u64) {
        self.max_open.fetch_max(max_open, Relaxed);
    }

    pub(super) fn forget_max_open(&self) {
        self.max_open.store(0, Relaxed);
    }

    fn closed_stats(&self) -> ClosedStats {
        let mut stats = ClosedStats::default();
        for (reason, count) in CloseReason::ALL.into_iter().zip(&self.closed) {
            *stats.of_mut(reason) = count.load(Relaxed);
        }
        stats
    }
}
