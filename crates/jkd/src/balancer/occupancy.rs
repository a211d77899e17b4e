//! How many requests a balancer has in flight at all its members together.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Now, and at most so far. On a cache line of its own: every request writes to it.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Occupancy {
    now: AtomicU32,
    max: AtomicU32,
}

impl Occupancy {
    /// `waits`: it has to wait for a connection to be free.
    pub(super) fn enter(&self, waits: bool) {
        let now = self.now.fetch_add(1, Relaxed).saturating_add(1);
        // Reads first: the most is seldom passed.
        if !waits && now > self.max() {
            self.max.fetch_max(now, Relaxed);
        }
    }

    pub(super) fn leave(&self) {
        self.now.fetch_sub(1, Relaxed);
    }

    /// Forgets how many there were at most.
    pub(super) fn reset_max(&self) {
        self.max.store(0, Relaxed);
    }

    pub(super) fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    pub(super) fn max(&self) -> u32 {
        self.max.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_stays_when_requests_end() {
        let occupancy = Occupancy::default();
        occupancy.enter(false);
        occupancy.enter(false);
        assert_eq!((occupancy.now(), occupancy.max()), (2, 2));
        occupancy.enter(true);
        assert_eq!((occupancy.now(), occupancy.max()), (3, 2));
        occupancy.leave();
        occupancy.leave();
        occupancy.leave();
        occupancy.enter(false);
        assert_eq!((occupancy.now(), occupancy.max()), (1, 2));
        occupancy.reset_max();
        assert_eq!((occupancy.now(), occupancy.max()), (1, 0));
    }
}
