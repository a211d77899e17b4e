//! Signs of life of one address.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Counts the signs of life of one of the addresses that a name stands for: heads of answers and
/// CPongs, over any connection that a pool has there. Two equal counts mean silence in between.
#[derive(Clone, Debug, Default)]
pub struct Signs(Arc<AtomicU32>);

impl Signs {
    /// So many so far, as far as they count in 32 bits.
    pub fn count(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Whether a connection counts here, or somebody looks.
    pub(super) fn are_of_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}
