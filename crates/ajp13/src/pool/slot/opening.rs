//! Connections that are being opened.

use std::sync::atomic::Ordering;

use super::Shared;

/// Counts a connection as open while it is being opened.
#[derive(Debug)]
pub(in crate::pool) struct Opening<'a, IO>(Option<&'a Shared<IO>>);

impl<'a, IO> Opening<'a, IO> {
    /// It is counted already.
    pub(super) fn new(shared: &'a Shared<IO>) -> Self {
        Self(Some(shared))
    }

    /// The connection is open; it now counts until it is closed.
    pub(in crate::pool) fn done(mut self) {
        if let Some(shared) = self.0.take() {
            let opened = shared.opened.fetch_add(1, Ordering::Relaxed) + 1;
            let open = opened.saturating_sub(shared.closed.snapshot().total());
            shared.max_open.fetch_max(open, Ordering::Relaxed);
        }
    }
}

impl<IO> Drop for Opening<'_, IO> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
