//! A pool beside a model of it: random checkouts, returns, cancellations, timeouts, maintenance and
//! ends. Waiters are served in the order of their arrival, whoever leaves the queue hands his turn
//! on, and never are there more connections than allowed.
//!
//! `PROPTEST_CASES` says how many stories are told.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ajp13::{Error, ErrorKind, PingPolicy, Pool, PoolOptions, PooledConn, SendOptions};
use bytes::Bytes;
use http_body_util::Empty;
use proptest::prelude::*;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::support::*;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// Somebody wants a connection, perhaps a new one.
    Ask {
        lane: usize,
        fresh: bool,
    },
    /// Somebody does, looks once, and leaves.
    Peep {
        lane: usize,
        fresh: bool,
    },
    /// Somebody does, and would not wait.
    Hurry {
        lane: usize,
    },
    /// One of those who wait leaves.
    Leave(usize),
    /// A connection comes back, unused or in the middle of an exchange.
    Return {
        which: usize,
        spoilt: bool,
    },
    /// A connection comes back, and who is next leaves before he has looked.
    LeaveCalled(usize),
    Maintain,
    Retire,
    Drain,
}

fn event() -> impl Strategy<Value = Event> {
    let asks = || (0..2_usize, any::<bool>());
    prop_oneof![
        12 => asks().prop_map(|(lane, fresh)| Event::Ask { lane, fresh: fresh && lane == 0 }),
        3 => asks().prop_map(|(lane, fresh)| Event::Peep { lane, fresh }),
        2 => (0..2_usize).prop_map(|lane| Event::Hurry { lane }),
        3 => (0..8_usize).prop_map(Event::Leave),
        10 => (0..8_usize, prop::bool::weighted(0.2))
            .prop_map(|(which, spoilt)| Event::Return { which, spoilt }),
        2 => (0..8_usize).prop_map(Event::LeaveCalled),
        2 => Just(Event::Maintain),
    ]
}

fn end() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Maintain),
        Just(Event::Retire),
        Just(Event::Drain)
    ]
}

/// What should be.
#[derive(Debug)]
struct Model {
    max: Option<usize>,
    min: usize,
    /// Idle connections of each lane.
    idle: Vec<usize>,
    busy: usize,
    opened: u64,
    closed: u64,
    reused: u64,
    max_open: u64,
    keeps: bool,
}

impl Model {
    fn new(max: Option<usize>, lanes: usize, min: usize) -> Self {
        Self {
            max,
            min,
            idle: vec![0; lanes],
            busy: 0,
            opened: 0,
            closed: 0,
            reused: 0,
            max_open: 0,
            keeps: true,
        }
    }

    fn has_place(&self) -> bool {
        self.max.is_none_or(|max| self.busy < max)
    }

    fn open(&self) -> u64 {
        self.opened - self.closed
    }

    fn may_open(&self) -> bool {
        self.max.is_none_or(|max| self.open() < max as u64)
    }

    /// Somebody with a slot takes a connection.
    fn take(&mut self, lane: usize, fresh: bool) {
        self.busy += 1;
        let lanes = self.idle.len();
        let lane = lane % lanes;
        if !fresh && self.idle[lane] > 0 {
            self.idle[lane] -= 1;
            self.reused += 1;
            return;
        }
        if !self.may_open() {
            let mut others = (0..lanes).map(|offset| (lane + offset) % lanes);
            let from = others.find(|lane| self.idle[*lane] > 0);
            self.idle[from.expect("room, or somebody idle")] -= 1;
            if !fresh {
                self.reused += 1;
                return;
            }
            self.closed += 1;
        }
        self.opened += 1;
        self.max_open = self.max_open.max(self.open());
    }

    /// As `take`, for somebody who leaves before a connection is open.
    fn peep(&mut self, lane: usize, fresh: bool) {
        let before = self.opened;
        let max_open = self.max_open;
        self.take(lane, fresh);
        if self.opened == before {
            self.give(lane, false);
        } else {
            (self.opened, self.max_open) = (before, max_open);
            self.busy -= 1;
        }
    }

    fn give(&mut self, lane: usize, spoilt: bool) {
        self.busy -= 1;
        if self.keeps && !spoilt {
            let lane = lane % self.idle.len();
            self.idle[lane] += 1;
        } else {
            self.closed += 1;
        }
    }

    /// Closes the idle ones that are too many.
    fn keep(&mut self, least: usize) {
        let mut spare = self.idle.iter().sum::<usize>().saturating_sub(least);
        for idle in &mut self.idle {
            let gone = spare.min(*idle);
            *idle -= gone;
            spare -= gone;
            self.closed += gone as u64;
        }
    }
}

type Checkout = Pin<Box<dyn Future<Output = Result<PooledConn, Error>>>>;

/// The pool, those who wait for it and those who have something of it.
struct Twins {
    pool: Pool,
    model: Model,
    waiting: VecDeque<(usize, bool, Checkout)>,
    held: Vec<(usize, PooledConn)>,
    drained: bool,
}

impl Twins {
    fn checkout(&self, lane: usize, fresh: bool) -> Checkout {
        let pool = self.pool.clone();
        Box::pin(async move {
            if fresh {
                pool.checkout_fresh(lane).await
            } else {
                pool.checkout_on(lane).await
            }
        })
    }

    async fn apply(&mut self, event: Event) {
        match event {
            Event::Ask { lane, fresh } => self.asks(lane, fresh),
            Event::Peep { lane, fresh } => self.peeps(lane, fresh),
            Event::Hurry { lane } => self.hurry(lane).await,
            Event::Leave(which) => {
                if let Some(which) = which.checked_rem(self.waiting.len()) {
                    drop(self.waiting.remove(which));
                }
            }
            Event::Return { which, spoilt } => self.gives(which, spoilt),
            Event::LeaveCalled(which) => {
                self.gives(which, false);
                drop(self.waiting.pop_front());
            }
            Event::Maintain => {
                self.model.keep(self.model.min);
                self.pool.maintain().await;
            }
            Event::Retire => {
                self.pool.retire();
                self.model.keeps = false;
                self.model.keep(0);
            }
            Event::Drain => {
                self.pool.drain();
                self.drained = true;
                self.model.keeps = false;
                self.model.keep(0);
            }
        }
        self.settle().await;
        self.check(event);
    }

    fn asks(&mut self, lane: usize, fresh: bool) {
        let mut asks = self.checkout(lane, fresh);
        match poll_once(&mut asks) {
            Poll::Ready(result) => self.has(lane, fresh, result),
            Poll::Pending => self.waiting.push_back((lane, fresh, asks)),
        }
    }

    fn peeps(&mut self, lane: usize, fresh: bool) {
        if !self.drained && self.model.has_place() {
            self.model.peep(lane, fresh);
        }
        let _ = poll_once(&mut self.checkout(lane, fresh));
    }

    /// Those whose turn it is get their connections, and nobody else does.
    async fn settle(&mut self) {
        while let Some((lane, fresh, mut asks)) = self.waiting.pop_front() {
            if !self.drained && !self.model.has_place() {
                let early = poll_once(&mut asks);
                assert!(early.is_pending(), "somebody is served out of turn");
                self.waiting.push_front((lane, fresh, asks));
                break;
            }
            let result = within(asks).await;
            self.has(lane, fresh, result);
        }
        for (.., asks) in &mut self.waiting {
            assert!(poll_once(asks).is_pending(), "somebody jumps the queue");
        }
    }

    fn has(&mut self, lane: usize, fresh: bool, result: Result<PooledConn, Error>) {
        if self.drained {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Draining);
        } else {
            self.model.take(lane, fresh);
            self.held.push((lane, result.unwrap()));
        }
    }

    async fn hurry(&mut self, lane: usize) {
        let options = PoolOptions {
            acquire_timeout: Duration::ZERO,
            ..self.pool.options().clone()
        };
        let result = within(self.pool.with_options(options).checkout_on(lane)).await;
        if self.drained || self.model.has_place() {
            self.has(lane, false, result);
        } else {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Acquire);
        }
    }

    fn gives(&mut self, which: usize, spoilt: bool) {
        let Some(which) = which.checked_rem(self.held.len()) else {
            return;
        };
        let (lane, conn) = self.held.remove(which);
        self.model.give(lane, spoilt);
        if spoilt {
            let sends = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
            let mut sends = Box::pin(sends);
            assert!(
                sends
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
    }

    /// Everybody leaves, and those who wait for that are told.
    async fn end(mut self) {
        self.waiting.clear();
        let Self { pool, held, .. } = self;
        pool.drain();
        let drained = pool.clone();
        let ended = tokio::spawn(async move { drained.drained().await });
        tokio::task::yield_now().await;
        drop(held);
        within(ended).await.unwrap();
        assert_eq!((pool.stats().busy, pool.stats().open()), (0, 0));
    }

    fn check(&self, event: Event) {
        let (stats, model) = (self.pool.stats(), &self.model);
        let real = (stats.busy, stats.idle, stats.reused, stats.max_open);
        let idle = model.idle.iter().sum();
        let expected = (model.busy, idle, model.reused, model.max_open);
        assert_eq!(real, expected, "{event:?}");
        let real = (stats.opened, stats.closed.total());
        assert_eq!(real, (model.opened, model.closed), "{event:?}");
        let max = model.max.map_or(u64::MAX, |max| max as u64);
        assert!(stats.open() <= max && stats.max_open <= max, "{event:?}");
        assert_eq!(stats.busy, self.held.len(), "{event:?}");
    }
}

fn poll_once(asks: &mut Checkout) -> Poll<Result<PooledConn, Error>> {
    asks.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Takes all connections and counts those that are open.
async fn listen(backend: Backend, open: Arc<AtomicU64>) {
    let mut peers = JoinSet::new();
    loop {
        let mut peer = backend.accept_any().await;
        let open = Arc::clone(&open);
        open.fetch_add(1, SeqCst);
        peers.spawn(async move {
            let _ = peer.io.read_to_end(&mut Vec::new()).await;
            open.fetch_sub(1, SeqCst);
        });
    }
}

async fn tell(max: Option<usize>, lanes: usize, min: usize, story: &[Event]) {
    let backend = Backend::bind().await;
    let pool = backend.pool(PoolOptions {
        max,
        min,
        lanes,
        idle_timeout: Some(Duration::ZERO),
        acquire_timeout: Duration::from_secs(3600),
        connect_timeout: Some(PATIENCE),
        ping: PingPolicy::NEVER,
        ..PoolOptions::default()
    });
    let open = Arc::<AtomicU64>::default();
    let mut server = JoinSet::new();
    server.spawn(listen(backend, Arc::clone(&open)));
    let mut twins = Twins {
        pool,
        model: Model::new(max, lanes, min),
        waiting: VecDeque::new(),
        held: Vec::new(),
        drained: false,
    };
    for event in story {
        twins.apply(*event).await;
    }
    twins.end().await;
    // Who left while it was opening a connection has closed it, too.
    let quiet = async {
        while open.load(SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(quiet).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_pool_keeps_to_its_order(
        max in prop::option::weighted(0.9, 1..4_usize),
        lanes in 1..3_usize,
        min in 0..2_usize,
        story in prop::collection::vec(event(), 1..60),
        ends in prop::option::of(end()),
        after in prop::collection::vec(event(), 0..15),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let story = [story, ends.into_iter().collect(), after].concat();
        runtime.block_on(tell(max, lanes, min, &story));
    }
}

/// Each of them opens connections: fewer than of those that only count.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(64)
}
