//! All interleavings of what threads do to the shared heart of a pool, and all values that their
//! reads may see: the very same files, over the types of a model checker.
//!
//! `LOOM_MAX_PREEMPTIONS` (here 3 where it is not set) says how often a thread is stopped in the
//! middle; larger ones take longer.

#[path = "census.rs"]
#[allow(clippy::duplicate_mod, dead_code, reason = "over other types")]
mod census;
#[path = "phase.rs"]
#[allow(clippy::duplicate_mod, dead_code, reason = "over other types")]
mod phase;
#[path = "shelf.rs"]
#[allow(clippy::duplicate_mod, dead_code, reason = "over other types")]
mod shelf;

use std::future::poll_fn;
use std::task::Poll;

use loom::future::{AtomicWaker, block_on};
use loom::sync::Arc;
use loom::thread;

use self::census::Census;
use self::phase::{Busy, Phase};
use self::shelf::Shelf;
use crate::pool::stats::CloseReason;

mod sync {
    pub(super) use loom::sync::MutexGuard;
    pub(super) use loom::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

    /// A lock that cannot be poisoned, as parking_lot's.
    #[derive(Debug)]
    pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(super) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(super) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}

fn explore(scene: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(scene);
}

/// A pool of connections that are numbers.
struct Heart {
    max: usize,
    census: Census,
    phase: Phase,
    lanes: [Lane; 2],
    freed: AtomicWaker,
}

struct Lane {
    idle: Shelf<u32>,
    busy: Busy,
}

impl Heart {
    fn new(max: usize) -> Arc<Self> {
        let lane = || Lane {
            idle: Shelf::new(),
            busy: Busy::new(),
        };
        Arc::new(Self {
            max,
            census: Census::new(),
            phase: Phase::new(),
            lanes: [lane(), lane()],
            freed: AtomicWaker::new(),
        })
    }

    /// One request on a lane, as `Pool::checkout_on` and the guards of slot and connection have it.
    /// There are never more at once than slots.
    fn request(&self, lane: usize) {
        let own = &self.lanes[lane];
        own.busy.enter();
        if !self.phase.is_draining() {
            let conn = self.checkout(lane);
            if own.idle.put(&self.phase, conn, <[_]>::len).is_err() {
                self.census.closed(CloseReason::Drained);
            }
        }
        if own.busy.leave(&self.phase) {
            self.freed.wake();
        }
    }

    /// Comes to its end: there is room, or there is an idle one.
    fn checkout(&self, lane: usize) -> u32 {
        if let Some(conn) = self.lanes[lane].idle.lock().pop() {
            return conn;
        }
        loop {
            if self.census.begin(self.max) {
                self.census.opened();
                return 0;
            }
            let mut any = [lane, 1 - lane].into_iter();
            if let Some(conn) = any.find_map(|lane| self.lanes[lane].idle.lock().pop()) {
                return conn;
            }
            thread::yield_now();
        }
    }

    fn close_idle(&self) {
        for lane in &self.lanes {
            for _ in lane.idle.clear() {
                self.census.closed(CloseReason::Idle);
            }
        }
    }

    async fn all_free(&self) {
        poll_fn(|cx| {
            self.freed.register_by_ref(cx.waker());
            if self.lanes.iter().all(|lane| lane.busy.is_over()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Connections that nobody has closed, and those that are idle.
    fn left(&self) -> (u64, usize) {
        let (opened, closed) = self.census.taken();
        let idle = self.lanes.iter().map(|lane| lane.idle.lock().len()).sum();
        (opened - closed.total(), idle)
    }
}

#[test]
fn who_waits_for_the_end_is_told_of_it() {
    explore(|| {
        let heart = Heart::new(2);
        let other = {
            let heart = Arc::clone(&heart);
            thread::spawn(move || heart.request(0))
        };
        heart.phase.drain();
        block_on(heart.all_free());
        heart.close_idle();
        other.join().unwrap();
        assert_eq!(heart.lanes[0].busy.count(), 0);
    });
}

#[test]
fn what_is_put_back_while_a_pool_retires_is_closed() {
    explore(|| {
        let heart = Heart::new(2);
        let other = {
            let heart = Arc::clone(&heart);
            thread::spawn(move || heart.request(0))
        };
        heart.phase.retire();
        heart.close_idle();
        other.join().unwrap();
        assert_eq!(heart.left(), (0, 0));
    });
}

#[test]
fn no_more_are_open_than_may_be() {
    for max in [1, 2] {
        explore(move || {
            let heart = Heart::new(max);
            let others: Vec<_> = (0..max)
                .map(|lane| {
                    let heart = Arc::clone(&heart);
                    thread::spawn(move || heart.request(lane))
                })
                .collect();
            heart.close_idle();
            let (open, _) = heart.left();
            assert!(open <= 2);
            for other in others {
                other.join().unwrap();
            }
            let (open, idle) = heart.left();
            assert_eq!(open, u64::try_from(idle).unwrap());
            assert!(heart.census.max_open() <= u64::try_from(max).unwrap());
        });
    }
}

/// Two that close and open with one place between them: there never seem to be two.
#[test]
fn the_most_that_were_open_never_exceeds_the_limit() {
    explore(|| {
        let census = Arc::new(Census::new());
        let turn = |census: &Census| {
            if census.begin(1) {
                census.opened();
                census.closed(CloseReason::Asked);
            }
        };
        let other = {
            let census = Arc::clone(&census);
            thread::spawn(move || {
                turn(&census);
                turn(&census);
            })
        };
        turn(&census);
        turn(&census);
        other.join().unwrap();
        assert!(census.max_open() <= 1);
        let (opened, closed) = census.taken();
        assert_eq!(opened, closed.total());
    });
}
