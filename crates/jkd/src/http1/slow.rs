//! How many clients do not take what they are offered just now.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What is kept for so many of them does not matter.
const FEW: usize = 32;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether what is kept for each of them matters.
pub(super) fn are_many() -> bool {
    COUNT.load(Relaxed) > FEW
}

/// One of them, as long as this lives.
#[derive(Debug)]
pub(super) struct Slow(());

impl Slow {
    pub(super) fn new() -> Self {
        COUNT.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Relaxed);
    }
}
