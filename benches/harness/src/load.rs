//! The load generator: keep-alive connections on one thread, in closed loop or at a fixed rate.
//!
//! At a fixed rate the time of an answer counts from the moment at which its request was due, not
//! from the one at which a connection was free to send it: a front end that stalls cannot make the
//! generator wait for it and so hide what its clients would have seen.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{input::cut_off, scenario::Plan};
use answer::Answer;
use connection::{Connection, Fault};
use pace::Pace;
use request::Request;
use tally::Tally;
pub use tally::{Faults, Outcome};

mod answer;
mod connection;
mod idle;
mod pace;
mod request;
mod tally;

/// How long, apart from what connecting takes.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Load before measuring.
    pub warm_up: Duration,
    /// Load that is measured; longer only where nothing is answered in that time.
    pub measured: Duration,
}

/// What an observer is told of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// Load has run for half of the warm-up, and no idle connection is there yet.
    BeforeIdle,
    /// Measuring begins.
    Start,
    /// Measuring has ended; requests are in flight as before, idle connections open.
    End,
}

/// For how long requests in flight at the end may still be answered.
const DRAIN: Duration = Duration::from_secs(20);

/// Measuring goes on for so long until there is anything to measure.
const PATIENCE: Duration = Duration::from_secs(60);

/// After a fault a connection waits for so long: a front end that refuses is not flooded.
const AFTER_FAULT: Duration = Duration::from_millis(5);

/// What all connections share.
#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    plan: Plan,
    request: Request,
    tally: Mutex<Tally>,
    pace: Pace,
    sessions: AtomicU32,
}

/// Sends what `plan` says to `address`.
///
/// # Errors
/// When the machine has no timers. What goes wrong with requests is counted instead.
pub async fn run(
    address: SocketAddr,
    plan: &Plan,
    timing: Timing,
    mut observe: impl FnMut(Moment),
) -> io::Result<Outcome> {
    let shared = Arc::new(Shared {
        address,
        plan: *plan,
        request: Request::new(address, plan),
        tally: Mutex::default(),
        pace: Pace::new(plan.rate),
        sessions: AtomicU32::new(0),
    });
    let active: JoinSet<_> = (0..plan.connections)
        .map(|_| send_requests(Arc::clone(&shared)))
        .collect();
    let rest = async {
        sleep(Duration::from_secs(plan.ramp.into()) + timing.warm_up / 2).await;
        observe(Moment::BeforeIdle);
        let idle = idle::open(&shared).await;
        sleep(timing.warm_up / 2).await;
        observe(Moment::Start);
        let span = shared.measure(timing.measured).await;
        observe(Moment::End);
        (idle, span)
    };
    let (idle, span) = alongside(rest, shared.pace.run()).await?;
    let unanswered = shared.drain(active).await;
    let mut outcome = shared.tally.lock().outcome(span);
    outcome.faults.unanswered = unanswered;
    outcome.faults.idle = idle.lost();
    if plan.close {
        outcome.reconnects = 0;
    }
    Ok(outcome)
}

impl Shared {
    /// Counts what is answered in that time, and returns how long it really was.
    async fn measure(&self, time: Duration) -> Duration {
        let start = Instant::now();
        self.tally.lock().start();
        sleep_until(start + time).await;
        while self.tally.lock().is_empty() && start.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20)).await;
        }
        self.tally.lock().stop()
    }

    /// Waits for what is in flight, and returns how much of it was never answered.
    async fn drain(&self, mut active: JoinSet<()>) -> usize {
        self.pace.stop();
        let answered = async { while active.join_next().await.is_some() {} };
        match timeout(DRAIN, answered).await {
            Ok(()) => self.pace.waiting(),
            Err(_) => active.len() + self.pace.waiting(),
        }
    }
}

/// Waits for `work`, with `company` running beside it.
async fn alongside<T>(
    work: impl Future<Output = T>,
    company: impl Future<Output = io::Result<()>>,
) -> io::Result<T> {
    let (mut work, company) = (pin!(work), pin!(company));
    tokio::select! {
        done = &mut work => Ok(done),
        ended = company => {
            ended?;
            Ok(work.await)
        }
    }
}

/// One of the active connections, from the first request to the last.
async fn send_requests(shared: Arc<Shared>) {
    let mut connection = None;
    let mut bytes = shared.request.of_connection();
    let mut now = Instant::now();
    while let Some(due) = shared.pace.next(now).await {
        if shared.plan.sessions > 0 {
            let turn = shared.sessions.fetch_add(1, Ordering::Relaxed) % shared.plan.sessions;
            shared.request.put_session(bytes.to_mut(), turn);
        }
        let answered = ask(&mut connection, &shared, &bytes).await;
        now = Instant::now();
        match answered {
            Ok(answer) => shared.tally.lock().answered(now - due, &answer),
            Err(fault) => {
                connection = None;
                shared.tally.lock().failed(fault);
                sleep(AFTER_FAULT).await;
                now = Instant::now();
            }
        }
    }
}

/// One request and its answer, on the connection that is there or on a new one.
async fn ask(
    connection: &mut Option<Connection>,
    shared: &Shared,
    request: &[u8],
) -> Result<Answer, Fault> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(shared.address).await?),
    };
    let answer = open.ask(request).await?;
    if answer.status != 200 {
        return Err(Fault::Status(answer.status));
    }
    if answer.length != shared.plan.answer {
        return Err(Fault::Length(answer.length));
    }
    if shared.plan.close || answer.closes {
        *connection = None;
    }
    Ok(answer)
}

/// Sends one GET and returns the answer's status and body: for counters and probes.
///
/// # Errors
/// When nobody answers, or not in HTTP/1.1.
pub async fn get(address: SocketAddr, path: &str) -> io::Result<(u16, Vec<u8>)> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let end = memchr::memmem::find(&bytes, b"\r\n\r\n").ok_or_else(cut_off)?;
    let status = bytes
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(cut_off)?;
    Ok((status, bytes.split_off(end + 4)))
}
