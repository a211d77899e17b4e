//! `jkd run`.

use std::{net::SocketAddr, num::NonZeroUsize, process::ExitCode, time::Duration};

use jkworkers::model::LogLevel;

use super::load::Sources;
use crate::serve::{self, Options, Settings};

/// Serve a configuration
///
/// Without -f the options alone are enough: --listen, --workers and --mount.
/// The log, which begins with the addresses that it listens on, goes to standard error or JkLogFile.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Say this much in the log; wins over JkLogLevel
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<Level>,
    /// Read the files again when any of them has changed, looking every SECONDS (1 by default); wins
    /// over JkdReload, 0 switches it off
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1"
    )]
    watch: Option<u32>,
    /// Threads that serve requests; as many as there are cores by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Offer metrics for Prometheus at http://ADDR/metrics; choose an address that only it reaches
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// Share addresses with a jkd of the same user that listens there already; both of them serve clients
    /// until you end the old one: send it SIGTERM as soon as this one says that it listens
    #[arg(long)]
    take_over: bool,
    /// Seconds that requests in flight may take after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    drain: u64,
}

/// `JkLogLevel`'s names.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Emerg,
}

pub(super) fn main(args: Args) -> ExitCode {
    let mut settings = Settings {
        drain: Duration::from_secs(args.drain),
        metrics: args.metrics,
        take_over: args.take_over,
        ..Settings::default()
    };
    if let Some(threads) = args.threads {
        settings.threads = threads;
    }
    serve::run(&Options {
        load: args.sources.into_load_options(),
        watch: args
            .watch
            .map(|seconds| Duration::from_secs(seconds.into())),
        log_level: args.log_level.map(LogLevel::from),
        settings,
    })
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
            Level::Emerg => Self::Emerg,
        }
    }
}
