//! Where jkd's own lines go, and which: of each host.

use std::sync::Arc;

use jkworkers::model::{Host, LogLevel, LogPlace, Model, StampFormat};
use tracing::{Metadata, level_filters::LevelFilter};

use crate::logs::{self, OpenError, Sink, Writer};

/// The logs of all hosts. Without any, lines go to standard error.
#[derive(Debug)]
pub(crate) struct Places {
    /// In the order of the model: the first one is the main server's.
    hosts: Vec<Place>,
    /// The most that any of them wants.
    pub(super) most: LevelFilter,
}

/// The logs of a host.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// `JkLogFile`.
    jk: Option<Arc<Sink>>,
    jk_level: LevelFilter,
    stamp: StampFormat,
    /// `ErrorLog`.
    error: Option<Arc<Sink>>,
    error_level: LevelFilter,
}

/// How a line looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form<'a> {
    /// As in mod_jk's log.
    Jk(&'a StampFormat),
    /// As in httpd's.
    Httpd,
}

impl Places {
    /// Opens the logs that `model` names. `level` wins over all that it says.
    ///
    /// # Errors
    ///
    /// [`OpenError`], for the first one that cannot be opened.
    pub(crate) fn open(
        model: &Model,
        writer: &Writer,
        level: Option<LogLevel>,
    ) -> Result<Self, OpenError> {
        let hosts = model.hosts.iter();
        let hosts = hosts.map(|host| Place::open(host, writer, level));
        Ok(Self::new(hosts.collect::<Result<_, _>>()?))
    }

    /// Everything of this level to standard error.
    pub(crate) fn standard_error(level: LogLevel) -> Self {
        Self::new(vec![Place {
            jk: None,
            jk_level: filter(level),
            stamp: StampFormat::default(),
            error: None,
            error_level: filter(level),
        }])
    }

    fn new(hosts: Vec<Place>) -> Self {
        let most = hosts.iter().map(|p| p.jk_level.max(p.error_level)).max();
        let most = most.unwrap_or(LevelFilter::INFO).max(LevelFilter::INFO);
        Self { hosts, most }
    }

    /// Whether nothing goes to standard error.
    pub(crate) fn are_elsewhere(&self) -> bool {
        let main = self.hosts.first();
        main.is_some_and(|main| main.jk.is_some() || main.error.is_some())
    }

    /// The logs of a host; those of the main server for one that there is not.
    pub(super) fn of(&self, host: usize) -> Option<&Place> {
        self.hosts.get(host).or_else(|| self.hosts.first())
    }
}

impl Place {
    fn open(host: &Host, writer: &Writer, level: Option<LogLevel>) -> Result<Self, OpenError> {
        let open = |place: &Option<LogPlace>| {
            let place = place.as_ref();
            let sink = place.map(|place| logs::open(writer, &place.to, &place.origin));
            let sink = sink.transpose()?;
            if let Some(sink) = &sink {
                sink.is_for_own_lines();
            }
            Ok(sink)
        };
        let logs = &host.logs;
        Ok(Self {
            jk: open(&logs.jk.file)?,
            jk_level: filter(level.unwrap_or(logs.jk.level)),
            stamp: logs.jk.stamp.clone(),
            error: open(&logs.error)?,
            error_level: filter(level.unwrap_or(logs.error_level)),
        })
    }

    /// Whether there is a line.
    pub(super) fn wants(&self, line: &Metadata<'_>) -> bool {
        let level = if self.is_for_httpd(line) {
            // What httpd calls a notice is logged whatever the level.
            let notice = is_about_the_process(line);
            self.error_level.max(if notice {
                LevelFilter::INFO
            } else {
                LevelFilter::OFF
            })
        } else {
            self.jk_level
        };
        *line.level() <= level
    }

    /// Where a line goes; `None` for standard error.
    pub(super) fn of(&self, line: &Metadata<'_>) -> (Option<&Arc<Sink>>, Form<'_>) {
        match (&self.jk, &self.error) {
            (_, Some(error)) if self.is_for_httpd(line) => (Some(error), Form::Httpd),
            (None, Some(error)) => (Some(error), Form::Httpd),
            (jk, _) => (jk.as_ref(), Form::Jk(&self.stamp)),
        }
    }

    /// Whether httpd would say it, and not mod_jk, and has a log for it.
    fn is_for_httpd(&self, line: &Metadata<'_>) -> bool {
        const HTTPDS: &[&str] = &[
            "jkd::access",
            "jkd::auth",
            "jkd::files",
            "jkd::http1",
            "jkd::listener",
            "jkd::logs",
            "jkd::serve",
            "jkd::static_files",
        ];
        self.error.is_some() && HTTPDS.iter().any(|own| line.target().starts_with(own))
    }
}

fn is_about_the_process(line: &Metadata<'_>) -> bool {
    line.target().starts_with("jkd::serve")
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Emerg => LevelFilter::ERROR,
    }
}
