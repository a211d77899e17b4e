//! Processes that are measured: started on a core, ended by their ids.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::account;

/// A program that was started, with all that it has started.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// After SIGTERM a program has so many tenths of a second.
const TENTHS_TO_END: u32 = 100;

impl Process {
    /// Starts a command in a folder, which gets its output, too; on one core, if one is named.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &[String], core: Option<usize>, directory: &Path) -> io::Result<Self> {
        let mut words = Vec::new();
        if let Some(core) = core {
            // taskset becomes the program: it has the same id.
            words.extend(["taskset".to_owned(), "-c".into(), core.to_string()]);
        }
        words.extend(command.iter().cloned());
        let log = directory.join("output.log");
        let output = File::create(&log)?;
        let child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn();
        let with_name = |error| io::Error::other(format!("cannot start {}: {error}", words[0]));
        Ok(Self {
            child: child.map_err(with_name)?,
            log,
        })
    }

    /// Its id, and those of all that it has started.
    pub fn ids(&self) -> Vec<u32> {
        account::tree(self.child.id())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of what it has printed.
    pub fn said(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let from = text.len().saturating_sub(500);
        text.chars().skip(from).collect()
    }

    /// Asks it to end, and sees to it that it does.
    pub fn end(&mut self) {
        if self.has_ended() {
            return;
        }
        let all = self.ids();
        signal(self.child.id(), Signal::TERM);
        for _ in 0..TENTHS_TO_END {
            if self.has_ended() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        all.into_iter().for_each(|id| signal(id, Signal::KILL));
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A process that has ended meanwhile needs no signal.
pub(crate) fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, signal);
    }
}
