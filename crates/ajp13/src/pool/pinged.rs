//! A connection during its CPing.

use std::time::Duration;

use tokio::time::Instant;

use super::slot::{Idle, Slot};
use super::stats::CloseReason;
use crate::error::Error;
use crate::stream::Stream;

/// A connection during its CPing; closed and counted if that fails or is given up.
pub(super) struct Pinged<'s> {
    slot: &'s Slot<Stream>,
    idle: Option<Idle<Stream>>,
}

impl<'s> Pinged<'s> {
    pub(super) fn new(slot: &'s Slot<Stream>, idle: Idle<Stream>) -> Self {
        Self {
            slot,
            idle: Some(idle),
        }
    }

    pub(super) async fn ping(&mut self, limit: Duration) -> Result<(), Error> {
        if let Some(idle) = &mut self.idle {
            idle.conn.ping(limit).await?;
            idle.checked = Instant::now();
        }
        Ok(())
    }

    pub(super) fn keep(mut self) -> Option<Idle<Stream>> {
        self.idle.take()
    }
}

impl Drop for Pinged<'_> {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.take() {
            self.slot.close(idle.conn, CloseReason::Ping);
        }
    }
}
