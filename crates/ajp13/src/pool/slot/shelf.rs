//! Where idle connections wait.

use super::phase::Phase;
use super::sync::{Mutex, MutexGuard};

/// What is kept for later, the longest kept first.
#[derive(Debug)]
pub(super) struct Shelf<T>(Mutex<Vec<T>>);

impl<T> Shelf<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock()
    }

    /// Keeps something at the place that `place` names.
    ///
    /// # Errors
    /// Gives it back where the pool keeps nothing any more. That is looked at under the lock:
    /// nothing is put in behind the back of whoever [clears](Self::clear) the shelf afterwards.
    pub(super) fn put(
        &self,
        phase: &Phase,
        item: T,
        place: impl FnOnce(&[T]) -> usize,
    ) -> Result<(), T> {
        let mut list = self.lock();
        if !phase.keeps() {
            return Err(item);
        }
        let place = place(&list).min(list.len());
        list.insert(place, item);
        Ok(())
    }

    /// Takes everything.
    pub(super) fn clear(&self) -> Vec<T> {
        std::mem::take(&mut *self.lock())
    }
}
