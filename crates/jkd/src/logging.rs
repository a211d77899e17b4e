//! Where the log goes and how much of it there is: `JkLogFile`, `JkLogLevel`, `--log-level`.
//!
//! Lines go through `tracing`. Text that a client or a backend chose is only logged through
//! `Printable`, so that it cannot break out of its line.

use std::{
    fmt::{self, Write as _},
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use jkworkers::model::LogLevel;
use tracing_subscriber::{
    EnvFilter, Registry, fmt::MakeWriter, layer::SubscriberExt as _, reload,
    util::SubscriberInitExt as _,
};

/// A handle on the running log: level and file can be changed at a reload.
#[derive(Debug)]
pub struct Logging {
    level: reload::Handle<EnvFilter, Registry>,
    sink: Sink,
}

impl Logging {
    /// Starts logging to standard error, or to `file`.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened for appending.
    pub fn start(level: LogLevel, file: Option<&Path>) -> io::Result<Self> {
        let sink = Sink::open(file)?;
        let (filter, handle) = reload::Layer::new(filter(level));
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .with_writer(sink.clone());
        // A second start in one process (tests) keeps the first subscriber.
        let _ = tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init();
        Ok(Self {
            level: handle,
            sink,
        })
    }

    /// Takes over level and file of a new configuration, and opens the file anew (log rotation).
    pub fn change(&self, level: LogLevel, file: Option<&Path>) {
        let _ = self.level.reload(filter(level));
        if let Err(error) = self.sink.reopen(file) {
            tracing::error!(%error, "the log file cannot be opened; logging goes on as before");
        }
    }
}

/// The level in `tracing`'s terms. `RUST_LOG` wins, for those who look for something special.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level_name(level)))
}

const fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error | LogLevel::Emerg => "error",
    }
}

/// Standard error or a file; one write per line.
#[derive(Clone, Debug)]
struct Sink {
    file: Arc<ArcSwap<Option<File>>>,
}

impl Sink {
    fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(append_to).transpose()?;
        Ok(Self {
            file: Arc::new(ArcSwap::from_pointee(file)),
        })
    }

    fn reopen(&self, path: Option<&Path>) -> io::Result<()> {
        let file = path.map(append_to).transpose()?;
        self.file.store(Arc::new(file));
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let explain = |error: io::Error| {
        let path: PathBuf = path.into();
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let mut options = OpenOptions::new();
    options
        .create(true)
        .append(true)
        .open(path)
        .map_err(explain)
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.file.load().as_ref() {
            Some(file) => (&*file).write(line),
            None => io::stderr().write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// So many lines a second, and a count of the others: where everything fails, the log must neither
/// fill the disk nor slow down what is left.
#[derive(Debug)]
pub(crate) struct Quota {
    /// Lines in a second.
    limit: u32,
    second: AtomicU64,
    lines: AtomicU32,
    withheld: AtomicU32,
}

impl Quota {
    pub(crate) const fn new(limit: u32) -> Self {
        Self {
            limit,
            second: AtomicU64::new(0),
            lines: AtomicU32::new(0),
            withheld: AtomicU32::new(0),
        }
    }

    /// Asks for a line. Where it is granted, tells how many were not since the last second in
    /// which lines were.
    pub(crate) fn take(&self, second: u64) -> Option<u32> {
        if self.second.swap(second, Relaxed) != second {
            self.lines.store(0, Relaxed);
        }
        match self.lines.fetch_add(1, Relaxed) {
            0 => Some(self.withheld.swap(0, Relaxed)),
            lines if lines < self.limit => Some(0),
            _ => {
                self.withheld.fetch_add(1, Relaxed);
                None
            }
        }
    }
}

/// Foreign bytes, made safe for a line of a log: everything but printable ASCII is escaped, and
/// after 200 bytes it ends.
pub(crate) struct Printable<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 200;
        for b in self.0.iter().take(LONGEST) {
            match b {
                b'\\' => f.write_str("\\\\")?,
                b' '..=b'~' => f.write_char(char::from(*b))?,
                _ => write!(f, "\\x{b:02x}")?,
            }
        }
        if self.0.len() > LONGEST {
            f.write_str("...")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_in_its_line() {
        let hostile = b"/a\r\nERROR all is lost\x1b[2J\xff\\".as_slice();
        let safe = Printable(hostile).to_string();
        assert_eq!(safe, "/a\\x0d\\x0aERROR all is lost\\x1b[2J\\xff\\\\");
        assert_eq!(Printable(&[b'a'; 300]).to_string().len(), 203);
    }

    #[test]
    fn failing_requests_cannot_flood_the_log() {
        let quota = Quota::new(20);
        let taken = |second| {
            (0..100)
                .filter_map(|_| quota.take(second))
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(7), [0; 20]);
        let next = taken(8);
        assert_eq!((next.len(), next[0], next[1]), (20, 80, 0));
    }

    #[test]
    fn a_log_file_is_appended_to_and_reopened() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a.log"), dir.path().join("b.log"));
        let mut sink = Sink::open(Some(&first)).unwrap();
        sink.write_all(b"one\n").unwrap();
        std::fs::rename(&first, &second).unwrap();
        sink.write_all(b"two\n").unwrap();
        sink.reopen(Some(&first)).unwrap();
        sink.write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&second).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "three\n");
        let missing = dir.path().join("no/such/dir");
        assert!(Sink::open(Some(&missing)).is_err());
    }
}
