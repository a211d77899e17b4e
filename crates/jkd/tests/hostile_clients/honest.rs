//! A hundred clients that behave, and how long their answers take.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::stage::ANSWER;

const CLIENTS: u32 = 100;

/// Each of them asks as often, whether its answer has taken long or not.
const PERIOD: Duration = Duration::from_millis(500);

/// Times are looked at in windows, so that a moment in which the machine does something else counts
/// for one of them only.
const WINDOWS: usize = 5;
const WINDOW: Duration = Duration::from_millis(800);

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// The 99th percentile of the times that answers take, for each of them at the same time: the median
/// of several windows.
pub(crate) fn percentiles<const N: usize>(
    of: [&Honest; N],
    mut meanwhile: impl FnMut(),
) -> [Duration; N] {
    let windows: Vec<_> = (0..WINDOWS)
        .map(|_| {
            let from = of.map(Honest::answered);
            let begun = Instant::now();
            while begun.elapsed() < WINDOW {
                meanwhile();
                thread::sleep(Duration::from_millis(50));
            }
            std::array::from_fn::<_, N, _>(|n| of[n].percentile(from[n]))
        })
        .collect();
    std::array::from_fn(|n| {
        let mut all: Vec<_> = windows.iter().map(|window| window[n]).collect();
        all.sort_unstable();
        all[WINDOWS / 2]
    })
}

/// They go on until they are told to stop.
pub(crate) struct Honest {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    took: Mutex<Vec<Duration>>,
    failed: Mutex<Vec<String>>,
    stop: AtomicBool,
}

/// What became of their requests.
pub(crate) struct Report {
    pub(crate) failed: usize,
    total: usize,
    first: Option<String>,
}

impl Honest {
    pub(crate) fn begin(address: SocketAddr) -> Self {
        let shared = Arc::<Shared>::default();
        let inner = shared.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mut clients = JoinSet::new();
                for number in 0..CLIENTS {
                    clients.spawn(inner.clone().client(address, number));
                }
                clients.join_all().await;
            });
        });
        Self { shared, thread }
    }

    fn answered(&self) -> usize {
        self.shared.took.lock().len()
    }

    /// That of all answers from this one on.
    fn percentile(&self, from: usize) -> Duration {
        let mut took = self.shared.took.lock()[from..].to_vec();
        took.sort_unstable();
        // Without one answer in all of a window the clients have waited for longer than that.
        let at = (took.len() * 99).div_ceil(100).saturating_sub(1);
        took.get(at).copied().unwrap_or(WINDOW)
    }

    pub(crate) fn finish(self) -> Report {
        self.shared.stop.store(true, SeqCst);
        self.thread.join().unwrap();
        let failed = self.shared.failed.lock();
        Report {
            failed: failed.len(),
            total: self.shared.took.lock().len() + failed.len(),
            first: failed.first().cloned(),
        }
    }
}

impl Shared {
    async fn client(self: Arc<Self>, address: SocketAddr, number: u32) {
        let mut due = Instant::now() + PERIOD * number / CLIENTS;
        let mut stream = None;
        while !self.stop.load(SeqCst) {
            sleep_until(due).await;
            let asked = timeout(Duration::from_secs(20), ask(&mut stream, address)).await;
            match asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(()) => self.took.lock().push(due.elapsed()),
                Err(error) => {
                    self.failed.lock().push(error.to_string());
                    stream = None;
                }
            }
            due = (due + PERIOD).max(Instant::now());
        }
    }
}

async fn ask(stream: &mut Option<TcpStream>, address: SocketAddr) -> io::Result<()> {
    let stream = match stream {
        Some(stream) => stream,
        None => stream.insert(TcpStream::connect(address).await?),
    };
    stream.write_all(ASK).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(ANSWER.as_bytes()) {
        if stream.read_buf(&mut answer).await? == 0 {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            return Err(io::Error::other(format!("closed after {answer:?}")));
        }
    }
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Err(io::Error::other(answer))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, {} failed", self.total, self.failed)?;
        let first = self.first.iter();
        first
            .into_iter()
            .try_for_each(|first| write!(f, ": {first}"))
    }
}
