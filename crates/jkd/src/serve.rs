//! The life of the process: start listeners, reload, drain, end.
//!
//! Requests are served by lanes. Each lane is one thread with a runtime of its own that accepts
//! from its own socket of a group that shares one port, so that cores share nothing but the
//! counters. [`Layout::Shared`] is one runtime over all threads instead.

mod process;

use std::{
    env, fmt, io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use arc_swap::ArcSwap;
use jkworkers::model::{Listen, Model};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::process::{Options, run};
use crate::{listener, maintain, snapshot::Snapshot};

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
