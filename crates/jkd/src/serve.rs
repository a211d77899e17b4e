//! The life of the process: start listeners, reload, drain, end.
//!
//! Requests are served by lanes. Each lane is one thread with a runtime of its own that accepts
//! from its own socket of a group that shares one port, so that cores share nothing but the
//! counters. [`Layout::Shared`] is one runtime over all threads instead.

use std::{
    env, fmt, io,
    net::SocketAddr,
    num::NonZeroUsize,
    process::ExitCode,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use arc_swap::ArcSwap;
use jkworkers::{
    LoadOptions,
    diag::Diagnostics,
    model::{Listen, LogLevel, Model},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    select,
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    listener,
    logging::Logging,
    maintain, scrape,
    snapshot::Snapshot,
    stats::{self, Exporter},
};

/// How requests are spread over threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// One single-threaded runtime per thread, each with its own socket on the shared port.
    #[default]
    Lanes,
    /// One multi-threaded runtime.
    Shared,
}

/// How to serve, apart from the configuration files.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads that serve requests.
    pub threads: NonZeroUsize,
    /// How requests are spread over them.
    pub layout: Layout,
    /// How long requests in flight may take after the end was asked for.
    pub drain: Duration,
    /// `--metrics`: where Prometheus may ask, if at all. Only [`run`] offers it.
    pub metrics: Option<SocketAddr>,
}

impl Default for Settings {
    /// One thread per core, 30 seconds to drain. `JKD_RUNTIME=shared` selects
    /// [`Layout::Shared`], for measurements.
    fn default() -> Self {
        Self {
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            layout: match env::var("JKD_RUNTIME").as_deref() {
                Ok("shared") => Layout::Shared,
                _ => Layout::Lanes,
            },
            drain: Duration::from_secs(30),
            metrics: None,
        }
    }
}

/// Everything that `jkd run` is told.
#[derive(Debug)]
pub struct Options {
    /// What to read, now and at each SIGHUP.
    pub load: LoadOptions,
    /// `--log-level`; wins over `JkLogLevel`.
    pub log_level: Option<LogLevel>,
    /// How to serve.
    pub settings: Settings,
}

/// Why serving did not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address of `Listen` cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address as it was written.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is no `Listen`.
    #[error("no address to listen on: add a Listen directive or --listen ADDRESS:PORT")]
    NoListener,
    /// The address of `--metrics` cannot be bound, or something else measures in this process.
    #[error("cannot offer metrics: {0}")]
    Metrics(Box<dyn std::error::Error + Send + Sync>),
    /// Threads or runtimes cannot be made.
    #[error("cannot start threads: {0}")]
    Threads(#[from] io::Error),
}

/// Loads the configuration and serves it until SIGTERM or SIGINT. SIGHUP loads it again.
///
/// Exits with 0 after a regular end, 2 when the configuration cannot be served, 1 when an
/// address cannot be bound or the log cannot be written.
pub fn run(options: &Options) -> ExitCode {
    let loaded = jkworkers::load(&options.load);
    let Some(model) = loaded.model else {
        eprint!("{}", loaded.diagnostics);
        return ExitCode::from(2);
    };
    match serve(options, model, &loaded.diagnostics) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jkd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options, model: Model, findings: &Diagnostics) -> Result<(), StartError> {
    let level = options.log_level.unwrap_or(model.global.log_level);
    let file = model
        .global
        .log_file
        .as_ref()
        .map(|(path, _)| path.as_path());
    let logging = Logging::start(level, file)?;
    log_findings(findings);
    let control = Builder::new_current_thread().enable_all().build()?;
    // Signals are caught before anybody can learn that the daemon is up.
    let signals = {
        let _context = control.enter();
        Signals::new()?
    };
    let metrics = Metrics::prepare(options.settings.metrics, &control)?;
    let running = start(model, options.settings)?;
    stats::note_config_read();
    if let Some(metrics) = metrics {
        metrics.offer(&control, &running);
    }
    control.block_on(signals.obey(options, &logging, running));
    // Asked twice to end, it has left a thread that still waits for requests.
    control.shutdown_background();
    tracing::info!("stopped");
    Ok(())
}

/// The Prometheus endpoint, ready to serve.
struct Metrics {
    listener: TcpListener,
    exporter: Arc<Exporter>,
}

impl Metrics {
    /// Begins to measure: to be done before anything is made that counts.
    fn prepare(at: Option<SocketAddr>, control: &Runtime) -> Result<Option<Self>, StartError> {
        let Some(address) = at else { return Ok(None) };
        let exporter = stats::install_recorder().map_err(|e| StartError::Metrics(e.into()))?;
        let listener = control.block_on(scrape::bind(address));
        Ok(Some(Self {
            listener: listener.map_err(|e| StartError::Metrics(e.into()))?,
            exporter: Arc::new(exporter),
        }))
    }

    fn offer(self, control: &Runtime, running: &Running) {
        control.spawn(scrape::keep_up(self.exporter.clone()));
        let shared = running.shared.clone();
        control.spawn(scrape::serve(self.listener, self.exporter, shared));
    }
}

fn log_findings(findings: &Diagnostics) {
    for finding in findings.iter() {
        let help = finding.help.as_deref().unwrap_or_default();
        tracing::warn!(at = %finding.origin, help, "{}", finding.message);
    }
}

/// Binds all listeners of `model` and serves it on threads of its own.
///
/// # Errors
///
/// [`StartError`]; nothing runs then.
pub fn start(model: Model, settings: Settings) -> Result<Running, StartError> {
    let lanes = match settings.layout {
        Layout::Lanes => settings.threads.get(),
        Layout::Shared => 1,
    };
    let (addresses, sockets) = bind_all(&model.listen, lanes)?;
    let shared = Arc::new(Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::new(Arc::new(model), None, lanes)),
    });
    let mut running = Running {
        addresses,
        shared,
        lanes,
        tasks: TaskTracker::new(),
        closing: CancellationToken::new(),
        threads: Vec::with_capacity(lanes),
    };
    for (index, sockets) in sockets.into_iter().enumerate() {
        running.add_lane(index, sockets, settings)?;
    }
    for address in &running.addresses {
        tracing::info!("listening on http://{address}");
    }
    Ok(running)
}

type Sockets = Vec<std::net::TcpListener>;

/// The addresses, and for each lane one socket of each.
fn bind_all(
    listen: &[Listen],
    lanes: usize,
) -> Result<(Vec<SocketAddr>, Vec<Sockets>), StartError> {
    if listen.is_empty() {
        return Err(StartError::NoListener);
    }
    let mut addresses = Vec::with_capacity(listen.len());
    let mut of_lanes: Vec<Sockets> = (0..lanes).map(|_| Vec::new()).collect();
    for listen in listen {
        let failed = |source| StartError::Bind {
            address: written(listen),
            source,
        };
        let sockets = listener::bind(listen, lanes).map_err(failed)?;
        if let Some(first) = sockets.first() {
            addresses.push(first.local_addr()?);
        }
        for (lane, socket) in of_lanes.iter_mut().zip(sockets) {
            lane.push(socket);
        }
    }
    Ok((addresses, of_lanes))
}

fn written(listen: &Listen) -> String {
    match listen.address {
        Some(address) => SocketAddr::new(address, listen.port).to_string(),
        None => format!("*:{}", listen.port),
    }
}

/// What all lanes share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The running configuration; replaced as a whole at a reload.
    pub(crate) snapshot: ArcSwap<Snapshot>,
}

/// A serving daemon. Dropping it stops it without waiting for requests in flight.
pub struct Running {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    lanes: usize,
    tasks: TaskTracker,
    closing: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// The bound addresses in the order of the listeners, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The configuration that is being served.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Serves `model` from the next request on. Members that are in both configurations keep
    /// their state, counters and connections.
    pub fn reload(&self, model: Model) {
        let old = self.shared.snapshot.load_full();
        if !same_listeners(&old.model.listen, &model.listen) {
            tracing::warn!("changed Listen directives take effect at the next start");
        }
        let new = Snapshot::new(Arc::new(model), Some(&old), self.lanes);
        self.shared.snapshot.store(Arc::new(new));
    }

    /// Stops accepting, lets requests in flight finish within the limit, and returns when all
    /// threads have ended. Blocks.
    pub fn shutdown(mut self) {
        self.closing.cancel();
        for thread in self.threads.drain(..) {
            // A panic was reported when it happened.
            let _ = thread.join();
        }
    }

    fn add_lane(&mut self, index: usize, sockets: Sockets, settings: Settings) -> io::Result<()> {
        let runtime = runtime(settings)?;
        let lane = Lane {
            index,
            shared: self.shared.clone(),
            tasks: self.tasks.clone(),
            closing: self.closing.clone(),
            drain: settings.drain,
        };
        let work = move || {
            runtime.block_on(lane.serve(sockets));
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name(format!("lane-{index}"));
        self.threads.push(thread.spawn(work)?);
        Ok(())
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

fn same_listeners(old: &[Listen], new: &[Listen]) -> bool {
    let key = |listen: &Listen| (listen.address, listen.port);
    old.iter().map(key).eq(new.iter().map(key))
}

fn runtime(settings: Settings) -> io::Result<Runtime> {
    match settings.layout {
        Layout::Lanes => Builder::new_current_thread().enable_all().build(),
        Layout::Shared => Builder::new_multi_thread()
            .worker_threads(settings.threads.get())
            .enable_all()
            .build(),
    }
}

/// One thread's share of the work.
struct Lane {
    index: usize,
    shared: Arc<Shared>,
    /// Connections of all lanes.
    tasks: TaskTracker,
    closing: CancellationToken,
    drain: Duration,
}

impl Lane {
    /// A lane's whole life. It ends when the connections of all lanes have ended, because a
    /// backend connection belongs to the runtime that opened it, whoever uses it now.
    async fn serve(self, sockets: Sockets) {
        for socket in sockets {
            match TcpListener::from_std(socket) {
                Ok(listener) => self.accept_from(listener),
                Err(error) => tracing::error!(%error, "a listener is lost"),
            }
        }
        if self.index == 0 {
            let maintenance = maintain::run(self.shared.clone(), self.closing.clone());
            self.tasks.spawn(maintenance);
        }
        self.closing.cancelled().await;
        self.tasks.close();
        let drained = timeout(self.drain, self.tasks.wait()).await;
        if drained.is_err() && self.index == 0 {
            tracing::warn!(
                connections = self.tasks.len(),
                "time is up; closing what is open"
            );
        }
    }

    fn accept_from(&self, listener: TcpListener) {
        let (shared, tasks) = (self.shared.clone(), self.tasks.clone());
        let accept = listener::accept(listener, shared, self.index, tasks, self.closing.clone());
        self.tasks.spawn(accept);
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads on SIGHUP; drains on the first SIGTERM or SIGINT and leaves at once on the second.
    async fn obey(mut self, options: &Options, logging: &Logging, running: Running) {
        loop {
            select! {
                _ = self.hangup.recv() => reload(options, logging, &running),
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
            }
        }
        tracing::info!("stopping: no new connections, requests in flight may finish");
        select! {
            _ = spawn_blocking(|| running.shutdown()) => {}
            () = self.asked_to_end() => tracing::warn!("asked twice; leaving at once"),
        }
    }

    async fn asked_to_end(&mut self) {
        select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn reload(options: &Options, logging: &Logging, running: &Running) {
    let loaded = jkworkers::load(&options.load);
    let Some(model) = loaded.model else {
        for finding in loaded.diagnostics.iter() {
            let help = finding.help.as_deref().unwrap_or_default();
            tracing::error!(at = %finding.origin, help, "{}", finding.message);
        }
        tracing::error!("the new configuration is invalid; the running one stays");
        stats::count_reload(false);
        return;
    };
    log_findings(&loaded.diagnostics);
    let level = options.log_level.unwrap_or(model.global.log_level);
    let file = model
        .global
        .log_file
        .as_ref()
        .map(|(path, _)| path.as_path());
    logging.change(level, file);
    running.reload(model);
    stats::count_reload(true);
    stats::note_config_read();
    tracing::info!("configuration reloaded");
}
