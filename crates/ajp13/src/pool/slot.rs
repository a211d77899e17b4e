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

mod opening;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use self::opening::Opening;
use super::addresses::Addresses;
use super::stats::{CloseReason, Closed};
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
    open: AtomicUsize,
    opened: AtomicU64,
    max_open: AtomicU64,
    closed: Closed,
    phase: AtomicU8,
    freed: Notify,
}

/// The phases of a pool's life, each of them later than the one before. In the first one it keeps
/// connections for the next request.
const KEEPING: u8 = 0;
/// It serves whoever asks, and keeps no connection.
const RETIRED: u8 = 1;
/// It serves nobody any more.
const DRAINING: u8 = 2;

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
    idle: Mutex<Vec<Idle<IO>>>,
    busy: AtomicUsize,
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
            idle: Mutex::new(Vec::new()),
            busy: AtomicUsize::new(0),
            reused: AtomicU64::new(0),
        }
    }
}

impl<IO> Slot<IO> {
    fn new(shared: &Arc<Shared<IO>>, lane: usize) -> Self {
        shared.lane(lane).busy.fetch_add(1, Ordering::AcqRel);
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
        let mut list = self.shared.lane(lane).idle.lock();
        if !self.shared.keeps() {
            drop(list);
            return self.close(idle.conn, CloseReason::Drained);
        }
        let position = list.partition_point(|other| other.since <= idle.since);
        list.insert(position, idle);
    }

    /// Makes room for a new connection, or says that the maximum is open already.
    pub(super) fn begin_open(&self) -> Option<Opening<'_, IO>> {
        let max = self
            .shared
            .limit
            .as_ref()
            .map_or(usize::MAX, |limit| limit.max);
        let one_more = |open| (open < max).then_some(open + 1);
        self.shared
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .ok()
            .map(|_| Opening::new(&self.shared))
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
        let lanes = self.shared.lanes();
        let found = (0..lanes).find_map(|offset| self.pop_from(self.lane.wrapping_add(offset)));
        if found.is_none() {
            let unfinished = (0..lanes).find_map(|lane| self.take(lane, 0));
            if let Some(idle) = unfinished {
                self.close(idle.conn, CloseReason::Aborted);
            }
        }
        found
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
        let now = Instant::now();
        let mut list = self.shared.lane(self.lane).idle.lock();
        if self.once || !self.shared.keeps() {
            drop(list);
            return self.close(conn, reason);
        }
        list.push(Idle {
            conn,
            since: now,
            checked: now,
        });
    }
}

impl<IO> Drop for Slot<IO> {
    fn drop(&mut self) {
        let shared = &*self.shared;
        shared.lane(self.lane).busy.fetch_sub(1, Ordering::AcqRel);
        if let Some(limit) = &shared.limit {
            limit.permits.add_permits(1);
        }
        if shared.is_draining() {
            shared.freed.notify_waiters();
        }
    }
}
