//! Reading the configuration again, and saying what is different.
//!
//! One thread does it, when it is asked to: one reload after the other, and no thread that serves
//! requests waits for a file.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use jkworkers::{
    diff::{self, Changes},
    model::Model,
};

use super::{
    Daemon, Running,
    process::{Options, log_findings},
};
use crate::{logging::Logging, stats};

/// Changes of one reload that have lines of their own in the log.
const LINES: usize = 50;

/// The thread that reloads. It ends when this is dropped, after the reload that is under way.
pub(super) struct Reloading {
    requests: Sender<()>,
}

impl Reloading {
    /// Waits for requests to reload `running`, which serves what `options` say.
    pub(super) fn start(options: Options, logging: Logging, running: &Running) -> io::Result<Self> {
        let (requests, asked) = channel();
        let reloader = Reloader {
            options,
            logging,
            daemon: running.daemon.clone(),
        };
        let thread = thread::Builder::new().name("reload".into());
        thread.spawn(move || reloader.run(&asked))?;
        Ok(Self { requests })
    }

    /// Asks for a reload: SIGHUP.
    pub(super) fn ask(&self) {
        // Without its thread there is nothing that could be done.
        let _ = self.requests.send(());
    }
}

struct Reloader {
    options: Options,
    logging: Logging,
    daemon: Arc<Daemon>,
}

impl Reloader {
    fn run(self, asked: &Receiver<()>) {
        while asked.recv().is_ok() {
            // All that have asked until now get the same files.
            while asked.try_recv().is_ok() {}
            let accepted = self.reload();
            stats::count_reload(accepted);
        }
    }

    /// Whether what the files say is served now.
    fn reload(&self) -> bool {
        let loaded = jkworkers::load(&self.options.load);
        log_findings(&loaded.diagnostics);
        let Some(model) = loaded.model else {
            tracing::error!("the new configuration is invalid; the running one stays");
            return false;
        };
        let model = Arc::new(model);
        match self.daemon.reload(&model) {
            Err(error) => {
                tracing::error!("{error}; the running configuration stays");
                false
            }
            Ok(old) => {
                self.follow(&old, &model);
                true
            }
        }
    }

    /// What else depends on the configuration: the log, which also says what has changed.
    fn follow(&self, old: &Model, new: &Model) {
        let level = self.options.log_level.unwrap_or(new.global.log_level);
        let file = new.global.log_file.as_ref();
        self.logging
            .change(level, file.map(|(path, _)| path.as_path()));
        stats::note_config_read();
        log_changes(&diff::models(old, new));
    }
}

fn log_changes(changes: &Changes) {
    if changes.is_empty() {
        return tracing::info!("configuration reloaded: nothing changed");
    }
    for change in changes.iter().take(LINES) {
        tracing::info!("{change}");
    }
    if let Some(more @ 1..) = changes.len().checked_sub(LINES) {
        tracing::info!("and {more} more changes");
    }
    tracing::info!(changes = changes.len(), "configuration reloaded");
}
