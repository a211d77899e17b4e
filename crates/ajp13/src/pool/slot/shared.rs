//! What slots share: how many there may be, what is open, and the phases of the pool's life.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};

use super::{DRAINING, Idle, KEEPING, Lane, Limit, RETIRED, Shared, Slot};
use crate::conn::Conn;
use crate::pool::addresses::Addresses;
use crate::pool::retain::RetainOrMove;
use crate::pool::stats::{CloseReason, Closed, PoolStats};

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
            open: AtomicUsize::new(0),
            opened: AtomicU64::new(0),
            max_open: AtomicU64::new(0),
            closed: Closed::default(),
            phase: AtomicU8::new(KEEPING),
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

    pub(in crate::pool) fn is_draining(&self) -> bool {
        self.phase.load(Ordering::Acquire) == DRAINING
    }

    pub(super) fn keeps(&self) -> bool {
        self.phase.load(Ordering::Acquire) == KEEPING
    }

    /// Closes what is idle, now and as soon as it comes back. Slots are given out as before.
    pub(in crate::pool) fn retire(&self) {
        self.phase.fetch_max(RETIRED, Ordering::AcqRel);
        self.close_idle();
    }

    /// Refuses new slots, wakes those who wait for one, and closes what is idle.
    pub(in crate::pool) fn drain(&self) {
        self.phase.store(DRAINING, Ordering::Release);
        if let Some(limit) = &self.limit {
            limit.permits.close();
        }
        self.close_idle();
    }

    fn close_idle(&self) {
        for lane in &self.lanes {
            let idle = std::mem::take(&mut *lane.idle.lock());
            self.close_all(idle, CloseReason::Drained);
        }
    }

    /// Waits until no slot is in use.
    pub(in crate::pool) async fn all_free(&self) {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.busy() == 0 {
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
        self.max_open.fetch_max(max_open, Ordering::Relaxed);
    }

    pub(in crate::pool) fn forget_max_open(&self) {
        self.max_open.store(0, Ordering::Relaxed);
    }

    pub(in crate::pool) fn stats(&self) -> PoolStats {
        PoolStats {
            idle: self.idle(),
            busy: self.busy(),
            opened: self.opened.load(Ordering::Relaxed),
            max_open: self.max_open.load(Ordering::Relaxed),
            reused: self.sum(|lane| lane.reused.load(Ordering::Relaxed)),
            closed: self.closed.snapshot(),
        }
    }

    /// How many lanes there are.
    pub(in crate::pool) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn idle(&self) -> usize {
        self.lanes.iter().map(|lane| lane.idle.lock().len()).sum()
    }

    fn busy(&self) -> usize {
        let busy = |lane: &Lane<IO>| lane.busy.load(Ordering::Acquire);
        self.lanes.iter().map(busy).sum()
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
        drop(conn);
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.closed.count(reason);
    }
}
