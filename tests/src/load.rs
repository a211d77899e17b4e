//! A load that does not wait: requests are due at a fixed rate, whether the ones before have been
//! answered or not, and the time of each counts from when it was due. So a server that hangs is
//! seen as its clients see it, and does not slow down who measures it.
//!
//! Each request has a number of its own, which the nodes count, and out of which the answer is
//! made: an answer that is another request's, or not whole, is found out.

mod ask;
mod conn;
mod pattern;
mod report;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

use self::conn::{Conn, Ended};
pub use self::{
    ask::Ask,
    pattern::Pattern,
    report::{Outcome, Report, Sample},
};

/// An idle connection is not used again after this time: who serves may be about to close it.
const IDLE: Duration = Duration::from_secs(2);

/// Loads of this process so far: the numbers of requests begin with theirs.
static LOADS: AtomicU64 = AtomicU64::new(1);

/// What is asked for by the request of this place in the load.
type Asks = dyn Fn(u64) -> Ask + Send + Sync;

/// A load that has not begun.
pub struct Load {
    address: SocketAddr,
    rate: u32,
    lasts: Duration,
    patience: Duration,
    from_many: bool,
    asks: Arc<Asks>,
}

/// A load that is going on.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    thread: JoinHandle<Duration>,
}

/// What the requests of a load share.
struct Shared {
    load: Load,
    salt: u64,
    begin: Instant,
    idle: Mutex<Vec<(Conn, Instant)>>,
    samples: Mutex<Vec<Sample>>,
    stopped: AtomicBool,
}

impl Load {
    /// 200 GETs of `/` a second for five seconds, with clients that wait for three seconds.
    pub fn on(address: SocketAddr) -> Self {
        Self {
            address,
            rate: 200,
            lasts: Duration::from_secs(5),
            patience: Duration::from_secs(3),
            from_many: false,
            asks: Arc::new(|_| Ask::get("/")),
        }
    }

    /// Requests a second.
    #[must_use]
    pub fn rate(self, rate: u32) -> Self {
        Self { rate, ..self }
    }

    /// How long requests are due.
    #[must_use]
    pub fn lasting(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// How long a client waits for the whole of its answer.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The clients have many addresses of the loopback device, each with ports of its own.
    #[must_use]
    pub fn from_many(self) -> Self {
        Self {
            from_many: true,
            ..self
        }
    }

    /// What is asked for, by the request's place in the load, from 0 on.
    #[must_use]
    pub fn asking(self, asks: impl Fn(u64) -> Ask + Send + Sync + 'static) -> Self {
        Self {
            asks: Arc::new(asks),
            ..self
        }
    }

    /// Begins.
    pub fn begin(self) -> Running {
        let shared = Arc::new(Shared {
            load: self,
            salt: LOADS.fetch_add(1, SeqCst) << 32 | u64::from(std::process::id()) << 48,
            begin: Instant::now(),
            idle: Mutex::default(),
            samples: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let inner = shared.clone();
        let thread = thread::Builder::new().name("load".into());
        let thread = thread.spawn(move || run(&inner)).expect("a thread");
        Running { shared, thread }
    }

    /// Runs to its end.
    pub fn run(self) -> Report {
        self.begin().finish()
    }
}

impl Running {
    /// How long it has been going on: the clock of [`Sample::due`].
    pub fn elapsed(&self) -> Duration {
        self.shared.begin.elapsed()
    }

    /// Waits until this time of it.
    pub fn wait_until(&self, time: Duration) {
        thread::sleep(time.saturating_sub(self.elapsed()));
    }

    /// Requests that have ended so far.
    pub fn ended(&self) -> usize {
        self.shared.samples.lock().len()
    }

    /// What became of the requests that have ended so far.
    pub fn so_far(&self) -> Report {
        Report {
            samples: self.shared.samples.lock().clone(),
            lasted: self.elapsed(),
        }
    }

    /// No more requests are due from now on.
    pub fn stop(&self) {
        self.shared.stopped.store(true, SeqCst);
    }

    /// Waits for its end.
    pub fn finish(self) -> Report {
        let lasted = self.thread.join().expect("a load that ends");
        let samples = std::mem::take(&mut *self.shared.samples.lock());
        Report { samples, lasted }
    }
}

fn run(shared: &Arc<Shared>) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut requests = JoinSet::new();
        let mut lasted = Duration::ZERO;
        for place in 0.. {
            let due = Duration::from_secs(place) / shared.load.rate;
            if due >= shared.load.lasts || shared.stopped.load(SeqCst) {
                break;
            }
            sleep_until(shared.begin + due).await;
            requests.spawn(shared.clone().request(place, due));
            while requests.try_join_next().is_some() {}
            lasted = shared.begin.elapsed();
        }
        requests.join_all().await;
        lasted
    })
}

impl Shared {
    async fn request(self: Arc<Self>, place: u64, due: Duration) {
        let ask = (self.load.asks)(place);
        let begin = self.begin + due;
        let number = self.salt | place;
        let ended = timeout_at(begin + self.load.patience, self.ended(&ask, number)).await;
        let ended = ended.unwrap_or(Ended {
            outcome: Outcome::TimedOut,
            node: None,
            conn: None,
        });
        if let Some(conn) = ended.conn {
            self.idle.lock().push((conn, Instant::now()));
        }
        self.samples.lock().push(Sample {
            due,
            took: begin.elapsed(),
            outcome: ended.outcome,
            node: ended.node,
        });
    }

    async fn ended(&self, ask: &Ask, number: u64) -> Ended {
        let conn = match self.idle() {
            Some(conn) => Ok(conn),
            None => Conn::open(self.load.address, self.source(number)).await,
        };
        match conn {
            Ok(conn) => conn.ask(ask, number).await,
            Err(_) => Ended {
                outcome: Outcome::Refused,
                node: None,
                conn: None,
            },
        }
    }

    fn source(&self, number: u64) -> Option<Ipv4Addr> {
        let [.., high, low] = number.to_be_bytes();
        let source = Ipv4Addr::new(127, 1, high, low.max(1));
        self.load.from_many.then_some(source)
    }

    /// The connection that was used last, so that those which are too many grow old.
    fn idle(&self) -> Option<Conn> {
        let mut idle = self.idle.lock();
        let (conn, since) = idle.pop()?;
        if since.elapsed() < IDLE {
            return Some(conn);
        }
        idle.clear();
        None
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Load({} {}/s {:?})", self.address, self.rate, self.lasts)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load.fmt(f)
    }
}
