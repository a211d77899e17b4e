//! Reading the configuration again, and saying what is different.
//!
//! One thread does it, when it is asked to or when files have changed: one reload after the other,
//! and no thread that serves requests waits for a file. What is served was valid as a whole, always:
//! also where only one map is read again, it goes through the same reader, with all other files as
//! they were.

mod maps;
mod watch;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use jkworkers::{
    Loaded,
    diag::{Diagnostic, Severity},
    diff::{self, Changes},
    files::{Files as _, Recorder, Recording, Replay, System},
    model::Model,
};
use tokio::time::Instant;

use self::{maps::Maps, watch::Watch};
use super::{
    Daemon, Running, StartError,
    process::{Options, load, log_findings},
    supervisor,
};
use crate::{
    logging::{Logging, Places, overrule},
    secrets, stats,
};

/// Changes of one reload that have lines of their own in the log.
const LINES: usize = 50;

/// How long the thread sleeps when it has nothing to look at.
const LONG: Duration = Duration::from_secs(3600);

/// The thread that reloads. It ends when this is dropped, after the reload that is under way.
pub(super) struct Reloading {
    requests: Sender<()>,
}

impl Reloading {
    /// Waits for requests to reload `running`, which serves what `options` say and was read as
    /// `seen` has it, and for files that change.
    pub(super) fn start(
        options: Options,
        logging: Logging,
        running: &Running,
        seen: Recording,
    ) -> io::Result<Self> {
        let (requests, asked) = channel();
        let model = running.daemon.shared.configured();
        let reloader = Reloader {
            maps: Maps::new(&model, &seen, Instant::now()),
            watch: Watch::new(seen.clone(), Instant::now()),
            options,
            logging,
            daemon: running.daemon.clone(),
            model,
            seen,
        };
        let thread = thread::Builder::new().name("reload".into());
        thread.spawn(move || reloader.run(&asked))?;
        Ok(Self { requests })
    }

    /// Asks for a reload: SIGHUP.
    pub(super) fn ask(&self) {
        if self.requests.send(()).is_err() {
            tracing::error!("cannot reload any more: an earlier reload has failed; see above");
        }
    }
}

struct Reloader {
    options: Options,
    logging: Logging,
    daemon: Arc<Daemon>,
    /// What is configured at present.
    model: Arc<Model>,
    /// The files that say so.
    seen: Recording,
    maps: Maps,
    watch: Watch,
}

impl Reloader {
    fn run(mut self, asked: &Receiver<()>) {
        loop {
            match asked.recv_timeout(self.pause(Instant::now())) {
                Ok(()) => {
                    // All that have asked until now get the same files.
                    while asked.try_recv().is_ok() {}
                    self.reload();
                }
                Err(RecvTimeoutError::Timeout) => self.look(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The time until files have to be looked at.
    fn pause(&self, now: Instant) -> Duration {
        let due = match self.watch_interval() {
            Some(interval) => Some(self.watch.due(interval)),
            None => self.maps.due(),
        };
        due.map_or(LONG, |due| due.saturating_duration_since(now))
    }

    /// Whoever watches all files watches the maps, too, as often as they want it.
    fn watch_interval(&self) -> Option<Duration> {
        let interval = self.options.watch.or(self.model.global.reload);
        let interval = interval.filter(|interval| !interval.is_zero())?;
        Some(
            self.maps
                .shortest()
                .map_or(interval, |of_maps| interval.min(of_maps)),
        )
    }

    fn look(&mut self, now: Instant) {
        if let Some(interval) = self.watch_interval() {
            if self.watch.due(interval) <= now && self.watch.look(&System, now) {
                tracing::info!("files have changed: reading the configuration again");
                self.reload();
            }
            return;
        }
        for path in self.maps.changed(&System, now) {
            self.reload_map(&path);
        }
    }

    /// Reads everything.
    fn reload(&mut self) {
        supervisor::reloading();
        let writer = self.daemon.writer.clone();
        let open = writer.all();
        let (loaded, seen) = load(&self.options.load);
        log_findings(loaded.diagnostics.iter());
        self.watch = Watch::new(seen.clone(), Instant::now());
        let accepted = self.accept(loaded, seen);
        match accepted {
            Ok(changes) => {
                self.maps = Maps::new(&self.model, &self.seen, Instant::now());
                writer.reopen(open);
                log_changes("configuration reloaded", &changes);
            }
            Err(problem) => {
                tracing::error!("{problem}; the running configuration stays");
                // A log that was rotated is opened anew, whatever the files say.
                writer.reopen(open);
            }
        }
        supervisor::ready();
    }

    /// Reads one uriworkermap file.
    fn reload_map(&mut self, path: &Path) {
        let name = path.display();
        if System.stamp(path).is_none() {
            return tracing::error!("{name} is gone; its rules stay");
        }
        let anew = BTreeSet::from([PathBuf::from(path)]);
        let replay = Replay::new(&self.seen, &anew, &System);
        let recorder = Recorder::new(&replay);
        let loaded = secrets::checked(jkworkers::load_with(&self.options.load, &recorder));
        let seen = recorder.into_recording();
        let file = name.to_string();
        // All else was said before, but for errors: a file that cannot be read is one of the line
        // that names it.
        let is_new = |finding: &&Diagnostic| {
            finding.severity == Severity::Error || *finding.origin.file == *file
        };
        log_findings(loaded.diagnostics.iter().filter(is_new));
        match self.accept(loaded, seen) {
            Ok(changes) => log_changes(&format!("{name} reloaded"), &changes),
            Err(problem) => tracing::error!("{problem}; the rules that {name} had stay"),
        }
    }

    /// Serves what was read.
    fn accept(&mut self, loaded: Loaded, seen: Recording) -> Result<Changes, Refused> {
        let accepted = self.serve(loaded);
        stats::count_reload(accepted.is_ok());
        let changes = accepted?;
        stats::note_config_read();
        self.seen = seen;
        Ok(changes)
    }

    fn serve(&mut self, loaded: Loaded) -> Result<Changes, Refused> {
        let mut model = loaded.model.ok_or(Refused::Invalid)?;
        let known = missing(&self.model);
        if let Some(name) = missing(&model).difference(&known).next() {
            return Err(Refused::Worker(name.to_string()));
        }
        overrule(&mut model, self.options.log_level);
        let model = Arc::new(model);
        let places = Places::open(&model, &self.daemon.writer);
        let places = places.map_err(StartError::from)?;
        self.daemon.reload(&model)?;
        self.logging.change(places);
        let changes = diff::models(&self.model, &model);
        self.model = model;
        Ok(changes)
    }
}

/// Why a configuration is not served.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the new configuration is invalid")]
    Invalid,
    /// As where a file is read that is being written, or a name was mistyped.
    #[error("the new configuration mounts `{0}`, which is no worker that it has")]
    Worker(String),
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Names that are mounted, and that no worker has. At the start there is nothing to lose, and their
/// requests are answered with 500, as by mod_jk; at a reload a server that works would lose them.
fn missing(model: &Model) -> BTreeSet<&str> {
    let mounts = model.hosts.iter().flat_map(|host| host.uri_map.iter());
    let names = mounts.filter(|mount| !mount.exclusion);
    let names = names.map(|mount| &*mount.worker);
    names.filter(|name| model.worker(name).is_none()).collect()
}

fn log_changes(what: &str, changes: &Changes) {
    if changes.is_empty() {
        return tracing::info!("{what}: nothing changed");
    }
    for change in changes.iter().take(LINES) {
        tracing::info!("{change}");
    }
    if let Some(more @ 1..) = changes.len().checked_sub(LINES) {
        tracing::info!("and {more} more changes");
    }
    tracing::info!(changes = changes.len(), "{what}");
}
