//! What slots share: how many there may be, what is open, and the phases of the pool's life.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Notify, Semaphore};

use super::{Census, Idle, Lane, Limit, Phase, Shared, Slot, Witness};
use crate::conn::Conn;
use crate::error::Error;
use crate::pool::addresses::Addresses;
use crate::pool::retain::RetainOrMove;
use crate::pool::stats::{CloseReason, PoolStats};

impl<IO> Shared<IO> {
    pub(in crate::pool) fn new(
        max: Option<usize>,
        lanes: usize,
        addresses: Option<Addresses>,
    ) -> Self {
        let max = max.map(|max| max.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            lanes: (0..lanes.max(1)).map(|_| Lane::new()).collect(),
            limit: max.map(|max| Limit {
                max,
                permits: Semaphore::new(max),
            }),
            addresses,
            witness: Witness::default(),
            census: Census::new(),
            phase: Phase::new(),
            freed: Notify::new(),
        }
    }

    /// Takes a slot if one is free and nobody waits for it.
    pub(in crate::pool) fn try_slot(self: &Arc<Self>, lane: usize) -> Option<Slot<IO>> {
        if let Some(limit) = &self.limit {
            limit.permits.try_acquire().ok()?.forget();
        }
        Some(Slot::new(self, lane))
    }

    /// Takes a slot, waiting in the order of arrival; `None` when the pool is being drained.
    pub(in crate::pool) async fn slot(self: &Arc<Self>, lane: usize) -> Option<Slot<IO>> {
        if let Some(limit) = &self.limit {
            limit.permits.acquire().await.ok()?.forget();
        }
        Some(Slot::new(self, lane))
    }

    pub(in crate::pool) fn on_unasked(&self, told: Box<dyn Fn(&Error) + Send + Sync>) {
        self.witness.set(told);
    }

    pub(in crate::pool) fn is_draining(&self) -> bool {
        self.phase.is_draining()
    }

    /// Closes what is idle, now and as soon as it comes back. Slots are given out as before.
    pub(in crate::pool) fn retire(&self) {
        self.phase.retire();
        self.close_idle();
    }

    /// Refuses new slots, wakes those who wait for one, and closes what is idle.
    pub(in crate::pool) fn drain(&self) {
        self.phase.drain();
        if let Some(limit) = &self.limit {
            limit.permits.close();
        }
        self.close_idle();
    }

    fn close_idle(&self) {
        for lane in &self.lanes {
            let idle = lane.idle.clear();
            self.close_all(idle, CloseReason::Drained);
        }
    }

    /// Waits until no slot is in use.
    pub(in crate::pool) async fn all_free(&self) {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.lanes.iter().all(|lane| lane.busy.is_over()) {
                return;
            }
            freed.await;
        }
    }

    /// Whether the address that the connection leads to is still one of the container's.
    pub(in crate::pool) fn is_current(&self, conn: &mut Conn<IO>) -> bool {
        match (&self.addresses, &mut conn.remote) {
            (Some(addresses), Some(remote)) => addresses.still_has(remote),
            _ => true,
        }
    }

    /// Takes out the idle connections for which `expired` holds, as long as `min` remain.
    /// Those idle longest are asked first.
    pub(in crate::pool) fn prune(
        &self,
        min: usize,
        mut expired: impl FnMut(&mut Idle<IO>) -> Option<CloseReason>,
    ) {
        let mut spare = self.idle().saturating_sub(min);
        for lane in &self.lanes {
            let mut gone = Vec::new();
            lane.idle.lock().retain_mut_or_move(&mut gone, |idle| {
                let reason = expired(idle)?;
                if reason == CloseReason::Idle {
                    spare = spare.checked_sub(1)?;
                }
                Some(reason)
            });
            for (idle, reason) in gone {
                self.close(idle.conn, reason);
            }
        }
    }

    pub(in crate::pool) fn remember_max_open(&self, max_open: u64) {
        self.census.remember_max_open(max_open);
    }

    pub(in crate::pool) fn forget_max_open(&self) {
        self.census.forget_max_open();
    }

    pub(in crate::pool) fn stats(&self) -> PoolStats {
        let (opened, closed) = self.census.taken();
        PoolStats {
            idle: self.idle(),
            busy: self.lanes.iter().map(|lane| lane.busy.count()).sum(),
            opened,
            max_open: self.census.max_open(),
            reused: self.sum(|lane| lane.reused.load(Ordering::Relaxed)),
            closed,
        }
    }

    /// How many lanes there are.
    pub(in crate::pool) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn idle(&self) -> usize {
        self.lanes.iter().map(|lane| lane.idle.lock().len()).sum()
    }

    fn sum(&self, counter: impl Fn(&Lane<IO>) -> u64) -> u64 {
        self.lanes.iter().map(counter).sum()
    }

    pub(super) fn lane(&self, lane: usize) -> &Lane<IO> {
        #[expect(clippy::indexing_slicing, reason = "there is at least one lane")]
        &self.lanes[lane % self.lanes.len()]
    }

    fn close_all(&self, idle: Vec<Idle<IO>>, reason: CloseReason) {
        for idle in idle {
            self.close(idle.conn, reason);
        }
    }

    pub(super) fn close(&self, conn: Box<Conn<IO>>, reason: CloseReason) {
        if let Some(error) = conn.unasked() {
            self.witness.tell(&error);
        }
        drop(conn);
        self.census.closed(reason);
    }
}
