//! The phases of a pool's life, and who is still at work at its end.

use super::sync::{
    AtomicU8, AtomicUsize,
    Ordering::{AcqRel, Acquire},
};

/// In the first phase the pool keeps connections for the next request.
const KEEPING: u8 = 0;
/// It serves whoever asks, and keeps no connection.
const RETIRED: u8 = 1;
/// It serves nobody any more.
const DRAINING: u8 = 2;

/// The phase that a pool is in; each one is later than the one before, and none comes back.
#[derive(Debug)]
pub(super) struct Phase(AtomicU8);

impl Phase {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(KEEPING))
    }

    pub(super) fn keeps(&self) -> bool {
        self.0.load(Acquire) == KEEPING
    }

    pub(super) fn is_draining(&self) -> bool {
        self.0.load(Acquire) == DRAINING
    }

    pub(super) fn retire(&self) {
        self.0.fetch_max(RETIRED, AcqRel);
    }

    pub(super) fn drain(&self) {
        self.0.fetch_max(DRAINING, AcqRel);
    }
}

/// How many slots of one lane are in use.
#[derive(Debug)]
pub(super) struct Busy(AtomicUsize);

impl Busy {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    pub(super) fn enter(&self) {
        self.0.fetch_add(1, AcqRel);
    }

    /// One less. True where somebody may wait for that.
    pub(super) fn leave(&self, phase: &Phase) -> bool {
        self.0.fetch_sub(1, AcqRel);
        phase.is_draining()
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Acquire)
    }

    /// Whether nobody is at work any more, for one who has the pool drained and waits to be told.
    ///
    /// A change rather than a look: it comes before or after each [`leave`](Self::leave). Either
    /// that one sees that the pool is being drained, and tells, or it is seen here. Of two looks at
    /// what the other one wrote both may come too early.
    pub(super) fn is_over(&self) -> bool {
        self.0.fetch_add(0, AcqRel) == 0
    }
}
