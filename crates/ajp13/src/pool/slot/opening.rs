//! Connections that are being opened.

use super::census::Census;

/// Counts a connection as open while it is being opened.
#[derive(Debug)]
pub(in crate::pool) struct Opening<'a>(Option<&'a Census>);

impl<'a> Opening<'a> {
    /// It is counted already.
    pub(super) fn new(census: &'a Census) -> Self {
        Self(Some(census))
    }

    /// The connection is open; it now counts until it is closed.
    pub(in crate::pool) fn done(mut self) {
        if let Some(census) = self.0.take() {
            census.opened();
        }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(census) = self.0 {
            census.failed();
        }
    }
}
