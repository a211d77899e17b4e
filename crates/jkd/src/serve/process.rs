//! `jkd run`: the process around the daemon. Log, metrics, signals.

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use jkworkers::{
    LoadOptions, Loaded,
    diag::{Diagnostic, Diagnostics, Severity},
    files::{Recorder, Recording, System},
    model::{LogLevel, Model},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    runtime::{Builder, Runtime},
    select,
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
};

use super::{Running, Settings, StartError, account, reload::Reloading, start_with, supervisor};
use crate::{
    listener::{self, Inherited, Opened},
    logging::{Logging, Places, overrule},
    logs::Writer,
    scrape, secrets,
    stats::{self, Exporter},
};

/// Everything that `jkd run` is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to read, now and at each SIGHUP.
    pub load: LoadOptions,
    /// `--log-level`; wins over `JkLogLevel`.
    pub log_level: Option<LogLevel>,
    /// `--watch`: how often to look whether a file has changed; wins over `JkdReload`. Zero: never.
    pub watch: Option<Duration>,
    /// How to serve.
    pub settings: Settings,
}

/// Loads the configuration and serves it until SIGTERM or SIGINT. SIGHUP and
/// SIGUSR1 load it again and open all logs anew.
///
/// Exits with 0 after a regular end, 2 when the configuration cannot be served, 1 when an
/// address cannot be bound or the log cannot be written.
pub fn run(options: &Options) -> ExitCode {
    raise_file_limit();
    account::gain_nothing();
    // Before there are threads.
    let inherited = match Inherited::take() {
        Ok(inherited) => inherited,
        Err(error) => return failed(&StartError::Passed(error)),
    };
    let mut options = options.clone();
    options.load.passed = inherited.addresses();
    let (loaded, seen) = load(&options.load);
    let Some(model) = loaded.model else {
        eprint!("{}", loaded.diagnostics);
        return ExitCode::from(2);
    };
    match serve(&options, (model, inherited), seen, &loaded.diagnostics) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Files that may be open, where the system lets us decide: enough for the connections of clients that
/// are allowed by default, and for theirs to backends. Programs that get logs have the same limit, and
/// some go through all numbers of files that there may be: so it is not as high as it could be.
const FILES: u64 = 65_536;

fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX).min(FILES);
    if limit.current.is_some_and(|files| files < most) {
        let current = Some(most);
        // Where it cannot be raised, there is room for fewer clients.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
}

fn failed(error: &StartError) -> ExitCode {
    eprintln!("jkd: {error}");
    ExitCode::FAILURE
}

/// Reads the files, and remembers what they were.
pub(super) fn load(options: &LoadOptions) -> (Loaded, Recording) {
    let recorder = Recorder::new(&System);
    let loaded = secrets::checked(jkworkers::load_with(options, &recorder));
    (loaded, recorder.into_recording())
}

fn serve(
    options: &Options,
    (mut model, inherited): (Model, Inherited),
    seen: Recording,
    findings: &Diagnostics,
) -> Result<(), StartError> {
    if secrets::are_there(&model) {
        account::keep_out_of_dumps();
    }
    let writer = Arc::new(Writer::start(options.settings.lanes())?);
    overrule(&mut model, options.log_level);
    let places = Places::open(&model, &writer)?;
    let is_silent = places.are_elsewhere();
    let logging = Logging::start(places);
    log_findings(findings.iter());
    inherited.log_unused(&model.listen);
    let control = Builder::new_current_thread().enable_all().build()?;
    // Signals are caught before anybody can learn that the daemon is up.
    let signals = {
        let _context = control.enter();
        Signals::new()?
    };
    let metrics = Metrics::prepare(options.settings)?;
    let running = start_with(model, options.settings, inherited, writer.clone())?;
    if is_silent {
        // What is announced is there.
        writer.flush();
        announce(&running);
    }
    stats::note_config_read();
    if let Some(metrics) = metrics {
        metrics.offer(&control, &running)?;
    }
    let reloading = Reloading::start(options.clone(), logging, &running, seen)?;
    if options.settings.take_over {
        supervisor::warn_of_lost_handshakes();
    }
    control.spawn(supervisor::watch(running.daemon.lanes.clone()));
    supervisor::ready();
    control.block_on(signals.obey(reloading, running));
    // Asked twice to end, it has left a thread that still waits for requests.
    control.shutdown_background();
    tracing::info!("stopped");
    writer.close();
    Ok(())
}

/// The Prometheus endpoint, ready to serve.
struct Metrics {
    bound: Opened,
    exporter: Arc<Exporter>,
}

impl Metrics {
    /// Begins to measure: to be done before anything is made that counts.
    fn prepare(settings: Settings) -> Result<Option<Self>, StartError> {
        let Some(address) = settings.metrics else {
            return Ok(None);
        };
        let exporter = stats::install_recorder().map_err(|e| StartError::Metrics(e.into()))?;
        let bound = listener::bind_alone(address, settings.take_over);
        Ok(Some(Self {
            bound: bound.map_err(|e| StartError::Metrics(e.into()))?,
            exporter: Arc::new(exporter),
        }))
    }

    /// Lets scrapers in, now that there is something to tell.
    fn offer(self, control: &Runtime, running: &Running) -> Result<(), StartError> {
        let _context = control.enter();
        let listener = scrape::listen(self.bound).map_err(|e| StartError::Metrics(e.into()))?;
        let shared = running.daemon.shared.clone();
        control.spawn(scrape::keep_up(self.exporter.clone(), shared.clone()));
        control.spawn(scrape::serve(listener, self.exporter, shared));
        Ok(())
    }
}

/// Tells whoever started it by hand what otherwise only the log says.
fn announce(running: &Running) {
    let model = &running.snapshot().model;
    let logs = model.hosts.first().map(|host| &host.logs);
    let place = logs.and_then(|logs| logs.error.as_ref().or(logs.jk.file.as_ref()));
    let log = place.map_or_else(String::new, |place| place.to.to_string());
    for url in running.daemon.listeners.lock().urls() {
        eprintln!("jkd: listening on {url} (log: {log})");
    }
}

pub(super) fn log_findings<'a>(findings: impl Iterator<Item = &'a Diagnostic>) {
    for finding in findings {
        let help = finding.help.as_deref();
        match finding.severity {
            Severity::Error => {
                tracing::error!(at = %finding.origin, help, "{}", finding.message);
            }
            Severity::Warning => {
                tracing::warn!(at = %finding.origin, help, "{}", finding.message);
            }
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// httpd's graceful restart.
    graceful: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            graceful: signal(SignalKind::user_defined1())?,
        })
    }

    /// Reloads on SIGHUP and SIGUSR1; drains on the first SIGTERM or SIGINT and leaves at once on the second.
    async fn obey(mut self, reloading: Reloading, running: Running) {
        loop {
            select! {
                _ = self.hangup.recv() => reloading.ask(),
                _ = self.graceful.recv() => reloading.ask(),
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
            }
        }
        drop(reloading);
        supervisor::stopping();
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
