//! The life of the process: start listeners, reload, drain, end.
//!
//! Requests are served by lanes. Each lane is one thread with a runtime of its own that accepts
//! from its own socket of a group that shares one port, so that cores share nothing but the
//! counters. [`Layout::Shared`] is one runtime over all threads instead.

mod account;
mod listeners;
mod process;
mod reload;
mod shared;
mod supervisor;

use std::{
    env, fmt, io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{Arc, mpsc::channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use jkworkers::model::Model;
use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::account::AccountError;
pub use self::process::{Options, run};
pub(crate) use self::shared::{Change, Shared};
use self::{
    account::Account,
    listeners::{Bound, Listeners, Ready},
};
pub use crate::logs::OpenError;
use crate::{
    listener::{Inherited, Sources},
    logs::{Logs, Writer},
    maintain, names, probe,
    snapshot::Snapshot,
    tls,
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
    /// `--take-over`: addresses may be shared with another jkd of the same user that serves them at
    /// present. Whoever starts this one tells that one to end when this one is ready.
    pub take_over: bool,
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
            take_over: false,
        }
    }
}

impl Settings {
    /// Lanes: parts that share little.
    fn lanes(&self) -> usize {
        match self.layout {
            Layout::Lanes => self.threads.get(),
            Layout::Shared => 1,
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
    /// A log cannot be opened.
    #[error(transparent)]
    Logs(#[from] OpenError),
    /// The address of `--metrics` cannot be bound, or something else measures in this process.
    #[error("cannot offer metrics: {0}")]
    Metrics(Box<dyn std::error::Error + Send + Sync>),
    /// Sockets that were passed by the supervisor cannot be used.
    #[error("cannot use a socket that was passed (LISTEN_FDS): {0}")]
    Passed(io::Error),
    /// There is nobody who may serve clients.
    #[error("{0}")]
    Account(#[from] AccountError),
    /// Certificates or keys cannot be used.
    #[error("{0}")]
    Tls(jkworkers::diag::Diagnostics),
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
    let writer = Writer::start(settings.lanes())?;
    start_with(model, settings, Inherited::default(), Arc::new(writer))
}

/// The same with sockets and a writer of logs that there are already.
fn start_with(
    model: Model,
    settings: Settings,
    inherited: Inherited,
    writer: Arc<Writer>,
) -> Result<Running, StartError> {
    let lanes = settings.lanes();
    let account = Account::of(&model.global.account)?;
    let tls = Arc::new(tls::Hosts::new(&model).map_err(StartError::Tls)?);
    let logs = Arc::new(Logs::open(&model, &writer)?);
    let listeners = Listeners::from(Sources {
        inherited,
        beside: settings.take_over,
    });
    let bound = listeners.bind_added(&model.listen, lanes)?;
    let runtimes = (0..lanes).map(|_| runtime(settings, account.clone()));
    let runtimes: Vec<_> = runtimes.collect::<io::Result<_>>()?;
    let daemon = Daemon {
        listeners: Mutex::new(listeners),
        writer,
        shared: Shared::new(Arc::new(model), (logs, tls), lanes),
        lanes: runtimes.iter().map(|lane| lane.handle().clone()).collect(),
        tasks: TaskTracker::new(),
        closing: CancellationToken::new(),
    };
    let mut running = Running {
        daemon: Arc::new(daemon),
        threads: Vec::with_capacity(lanes),
    };
    for (index, runtime) in runtimes.into_iter().enumerate() {
        running.add_lane(index, (runtime, account.clone()), settings)?;
    }
    running.daemon.measure();
    // The first clients come when all is there for them.
    let ready = running.daemon.ready(bound)?;
    running.daemon.open(ready);
    Ok(running)
}

/// A serving daemon. Dropping it stops it without waiting for requests in flight.
pub struct Running {
    daemon: Arc<Daemon>,
    threads: Vec<JoinHandle<()>>,
}

/// What can be asked of a daemon while it runs.
pub(crate) struct Daemon {
    listeners: Mutex<Listeners>,
    /// Writes all logs.
    pub(crate) writer: Arc<Writer>,
    pub(crate) shared: Arc<Shared>,
    /// The runtime of each lane.
    lanes: Vec<Handle>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Running {
    /// The bound addresses in the order of the listeners, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.daemon.listeners.lock().addresses()
    }

    /// The configuration that is being served.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.daemon.shared.snapshot.load_full()
    }

    /// Serves `model` from the next request on. Members that are in both configurations keep
    /// their state, counters and connections.
    ///
    /// New addresses are bound before anything is given up, and their first client is served what
    /// is new. Those that are no longer wanted are closed; requests that came there are finished.
    ///
    /// # Errors
    ///
    /// When a new address cannot be bound; everything goes on as before then.
    pub fn reload(&self, model: Model) -> Result<(), StartError> {
        self.daemon.reload(&Arc::new(model))
    }

    /// Stops accepting, lets requests in flight finish within the limit, and returns when all
    /// threads have ended. Blocks.
    pub fn shutdown(mut self) {
        self.daemon.closing.cancel();
        for thread in self.threads.drain(..) {
            // A panic was reported when it happened.
            let _ = thread.join();
        }
        self.daemon.writer.flush();
    }

    fn add_lane(
        &mut self,
        index: usize,
        (runtime, account): (Runtime, Option<Account>),
        settings: Settings,
    ) -> io::Result<()> {
        let lane = Lane {
            index,
            shared: self.daemon.shared.clone(),
            tasks: self.daemon.tasks.clone(),
            closing: self.daemon.closing.clone(),
            drain: settings.drain,
        };
        let (told, begun) = channel();
        let work = move || {
            let taken = account.map_or(Ok(()), |account| account.take());
            let serves = taken.is_ok();
            let _ = told.send(taken);
            if serves {
                runtime.block_on(lane.serve());
            }
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name(format!("lane-{index}"));
        self.threads.push(thread.spawn(work)?);
        begun.recv().map_err(io::Error::other)?
    }
}

impl Daemon {
    /// As [`Running::reload`].
    pub(crate) fn reload(&self, model: &Arc<Model>) -> Result<(), StartError> {
        let tls = tls::Hosts::new(model).map_err(StartError::Tls)?;
        let mut change = self.shared.change();
        let lanes = self.lanes.len();
        let bound = self.listeners.lock().bind_added(&model.listen, lanes)?;
        let logs = Logs::open(model, &self.writer)?;
        // Before anybody is let in who would have to wait for them.
        let names = change.await_names(model);
        let ready = self.ready(bound)?;
        let limits = change.running().model.global.connections;
        change.serve(model.clone(), names, (Arc::new(logs), Arc::new(tls)));
        if limits != model.global.connections {
            self.measure();
        }
        self.open(ready);
        let mut listeners = self.listeners.lock();
        listeners.close_others(&model.listen);
        listeners.log_unused(&model.listen);
        Ok(())
    }

    /// How many clients there is room for.
    fn measure(&self) {
        let wanted = self.shared.snapshot.load().model.global.connections;
        self.shared.guests.measure(wanted);
    }

    fn ready(&self, bound: Vec<Bound>) -> Result<Vec<Ready>, StartError> {
        let bound = bound.into_iter();
        bound.map(|bound| bound.ready(&self.lanes)).collect()
    }

    fn open(&self, ready: Vec<Ready>) {
        let mut listeners = self.listeners.lock();
        for ready in ready {
            listeners.open(ready, self);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.daemon.closing.cancel();
    }
}

fn runtime(settings: Settings, account: Option<Account>) -> io::Result<Runtime> {
    let mut builder = match settings.layout {
        Layout::Lanes => Builder::new_current_thread(),
        Layout::Shared => Builder::new_multi_thread(),
    };
    if let Layout::Shared = settings.layout {
        builder.worker_threads(settings.threads.get());
    }
    if let Some(account) = account {
        // Also those that read files. One that remained root must not serve anybody.
        builder.on_thread_start(move || {
            if account.take().is_err() {
                tracing::error!("a thread cannot change to the user that serves clients");
                std::process::abort();
            }
        });
    }
    builder.enable_all().build()
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
    async fn serve(self) {
        if self.index == 0 {
            let maintenance = maintain::run(self.shared.clone(), self.closing.clone());
            self.tasks.spawn(maintenance);
            let names = names::run(self.shared.clone(), self.closing.clone());
            self.tasks.spawn(names);
            let probes = probe::run(self.shared.clone(), self.closing.clone());
            self.tasks.spawn(probes);
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
}

#[cfg(test)]
mod cancelled;
