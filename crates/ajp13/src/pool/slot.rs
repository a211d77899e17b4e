//! The shared heart of a pool: idle connections in lanes, and slots as guards.
//!
//! ```text
//!              take_slot                    fresh / idle
//!   (waiting) ───────────► Slot, no conn ───────────────► PooledConn ──┐ put_back
//!                            │ drop                          │ drop    ▼
//!                            ▼                               ▼       idle lane
//!                        slot free ◄──────────────────── conn closed, slot free
//! ```
//!
//! With a maximum, a slot is a permit of a semaphore, and a connection is only opened while
//! fewer than `max` are open. Whoever holds a slot but no connection therefore finds either
//! room for a new connection or an idle one, perhaps in another lane.
//!
//! What threads race for is in `census`, `phase` and `shelf`, and nothing else is: tests run these
//! three through all interleavings.

mod census;
mod opening;
mod phase;
mod shared;
mod shelf;
mod sync;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use self::census::Census;
use self::opening::Opening;
use self::phase::{Busy, Phase};
use self::shelf::Shelf;
use super::addresses::Addresses;
use super::stats::CloseReason;
use super::witness::Witness;
use crate::conn::{Conn, Probe, Rest};

/// How many idle connections from the top are looked at for one that can be used now.
const SCAN: usize = 8;

/// What the slots of one pool share.
#[derive(Debug)]
pub(crate) struct Shared<IO> {
    lanes: Box<[Lane<IO>]>,
    limit: Option<Limit>,
    /// What the container's name stands for, where somebody keeps an eye on it.
    addresses: Option<Addresses>,
    witness: Witness,
    census: Census,
    phase: Phase,
    freed: Notify,
}

#[derive(Debug)]
struct Limit {
    max: usize,
    permits: Semaphore,
}

/// Idle connections and counters that one thread mostly has to itself; aligned so that two
/// lanes never share a cache line.
#[derive(Debug)]
#[repr(align(128))]
struct Lane<IO> {
    idle: Shelf<Idle<IO>>,
    busy: Busy,
    reused: AtomicU64,
}

/// An idle connection; the one idle longest is at the front of its lane.
#[derive(Debug)]
pub(super) struct Idle<IO> {
    pub(super) conn: Box<Conn<IO>>,
    pub(super) since: Instant,
    /// When it last proved alive: used, or answered a CPing.
    pub(super) checked: Instant,
}

/// The right to have one connection; freed when dropped.
#[derive(Debug)]
pub(crate) struct Slot<IO> {
    shared: Arc<Shared<IO>>,
    lane: usize,
    /// Its connection serves one request.
    once: bool,
}

impl<IO> Lane<IO> {
    fn new() -> Self {
        Self {
            idle: Shelf::new(),
            busy: Busy::new(),
            reused: AtomicU64::new(0),
        }
    }
}

impl<IO> Slot<IO> {
    fn new(shared: &Arc<Shared<IO>>, lane: usize) -> Self {
        shared.lane(lane).busy.enter();
        Self {
            shared: Arc::clone(shared),
            lane,
            once: false,
        }
    }

    /// Takes the idle connection at `position` counted from the one idle longest.
    pub(super) fn take(&self, lane: usize, position: usize) -> Option<Idle<IO>> {
        let mut idle = self.shared.lane(lane).idle.lock();
        (position < idle.len()).then(|| idle.remove(position))
    }

    /// Puts an idle connection back among the longest idle ones, its age unchanged.
    pub(super) fn restore(&self, lane: usize, idle: Idle<IO>) {
        let since = idle.since;
        self.shelve(lane, idle, CloseReason::Drained, |list| {
            list.partition_point(|other| other.since <= since)
        });
    }

    /// Keeps an idle connection at its place, or closes it if the pool keeps none.
    fn shelve(
        &self,
        lane: usize,
        idle: Idle<IO>,
        reason: CloseReason,
        place: impl FnOnce(&[Idle<IO>]) -> usize,
    ) {
        let shelf = &self.shared.lane(lane).idle;
        if let Err(idle) = shelf.put(&self.shared.phase, idle, place) {
            self.close(idle.conn, reason);
        }
    }

    /// Makes room for a new connection, or says that the maximum is open already.
    pub(super) fn begin_open(&self) -> Option<Opening<'_>> {
        let max = (self.shared.limit.as_ref()).map_or(usize::MAX, |limit| limit.max);
        (self.shared.census.begin(max)).then(|| Opening::new(&self.shared.census))
    }

    /// Its connection is closed after the present request.
    pub(super) const fn use_once(&mut self) {
        self.once = true;
    }

    /// Counts a checkout that needed no new connection.
    pub(super) fn count_reuse(&self) {
        self.shared
            .lane(self.lane)
            .reused
            .fetch_add(1, Ordering::Relaxed);
    }

    /// Closes a connection of this pool.
    pub(super) fn close(&self, conn: Box<Conn<IO>>, reason: CloseReason) {
        self.shared.close(conn, reason);
    }
}

impl<IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Slot<IO> {
    /// The idle connection used last that can be used now; dead ones on the way are closed.
    pub(super) fn pop(&self) -> Option<Idle<IO>> {
        self.pop_from(self.lane)
    }

    /// An idle connection of any lane, for when no new one may be opened. One that still waits
    /// for the end of an answer nobody needs is closed, which makes room.
    pub(super) fn steal(&self) -> Option<Idle<IO>> {
        let found = self.pop_anywhere();
        if found.is_none() {
            let unfinished = (0..self.shared.lanes()).find_map(|lane| self.take(lane, 0));
            if let Some(idle) = unfinished {
                self.close(idle.conn, CloseReason::Aborted);
            }
        }
        found
    }

    /// An idle connection of any lane, the own one first.
    pub(super) fn pop_anywhere(&self) -> Option<Idle<IO>> {
        let lanes = 0..self.shared.lanes();
        lanes
            .map(|offset| self.lane.wrapping_add(offset))
            .find_map(|lane| self.pop_from(lane))
    }

    fn pop_from(&self, lane: usize) -> Option<Idle<IO>> {
        let mut list = self.shared.lane(lane).idle.lock();
        let bottom = list.len().saturating_sub(SCAN);
        let mut position = list.len();
        while position > bottom {
            position -= 1;
            let conn = &mut list.get_mut(position)?.conn;
            let probe = if self.shared.is_current(conn) {
                conn.probe()
            } else {
                Probe::Dead(CloseReason::Moved)
            };
            match probe {
                Probe::Ready => return Some(list.remove(position)),
                Probe::NotYet => {}
                Probe::Dead(reason) => {
                    let idle = list.remove(position);
                    self.close(idle.conn, reason);
                }
            }
        }
        None
    }

    /// Keeps the connection for the next request if it can be used again, closes it otherwise.
    pub(crate) fn put_back(&self, mut conn: Box<Conn<IO>>) {
        let reason = match conn.rest() {
            Rest::Dirty(reason) => return self.close(conn, reason),
            Rest::Clean | Rest::Finishing if !self.shared.is_current(&mut conn) => {
                return self.close(conn, CloseReason::Moved);
            }
            Rest::Clean | Rest::Finishing => CloseReason::Drained,
        };
        if self.once {
            return self.close(conn, reason);
        }
        let now = Instant::now();
        let idle = Idle {
            conn,
            since: now,
            checked: now,
        };
        self.shelve(self.lane, idle, reason, <[_]>::len);
    }
}

impl<IO> Drop for Slot<IO> {
    fn drop(&mut self) {
        let shared = &*self.shared;
        let tell = shared.lane(self.lane).busy.leave(&shared.phase);
        if let Some(limit) = &shared.limit {
            limit.permits.add_permits(1);
        }
        if tell {
            shared.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod interleavings;
