//! jkd's own lines: `JkLogFile`, `JkLogLevel`, `JkLogStampFormat`, `ErrorLog`, `--log-level`.
//!
//! Lines go through `tracing`. Text that a client or a backend chose is only logged through
//! `Printable`, so that it cannot break out of its line. Files are written by the thread that
//! writes all logs; lines for standard error are written at once.

mod lines;
mod places;

use std::{
    fmt::{self, Write as _},
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use jkworkers::model::LogLevel;
use tracing::callsite::rebuild_interest_cache;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use self::lines::Lines;
pub(crate) use self::{
    lines::Within,
    places::{Places, overrule},
};

/// A handle on the running log: levels and files can be changed at a reload.
#[derive(Debug)]
pub struct Logging {
    places: Arc<ArcSwap<Places>>,
}

impl Logging {
    /// Starts logging to standard error.
    pub fn to_standard_error(level: LogLevel) -> Self {
        Self::start(Places::standard_error(level))
    }

    /// Starts logging.
    pub(crate) fn start(places: Places) -> Self {
        let places = Arc::new(ArcSwap::from_pointee(places));
        // For those who look for something special.
        let special = EnvFilter::try_from_default_env().ok();
        let lines = Lines {
            places: places.clone(),
            all: special.is_some(),
        };
        // A second start in one process (tests) keeps the first subscriber.
        let _ = tracing_subscriber::registry()
            .with(lines)
            .with(special)
            .try_init();
        Self { places }
    }

    /// Takes over levels and files of a new configuration.
    pub(crate) fn change(&self, places: Places) {
        self.places.store(Arc::new(places));
        rebuild_interest_cache();
    }
}

/// Runs `work`, with all lines about this host, and about a request with this id.
pub(crate) async fn within<F: Future>(host: usize, id: Option<Arc<str>>, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _within = Within::host(host, id.clone());
        work.as_mut().poll(cx)
    })
    .await
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
}
