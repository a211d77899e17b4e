//! Where jkd's own lines go, and which: of each host.

use std::sync::Arc;

use jkworkers::model::{Host, Levels, LogLevel, Model, Severity, StampFormat};
use tracing::{Level, Metadata, level_filters::LevelFilter};

use crate::logs::{self, ErrorLog, OpenError, Sink, Writer};

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
    error: Option<ErrorLog>,
    error_level: Levels,
}

/// Where a line goes, and how it looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form<'a> {
    /// As in mod_jk's log; without one to standard error.
    Jk(Option<&'a Arc<Sink>>, &'a StampFormat),
    /// As in httpd's.
    Httpd(&'a ErrorLog),
}

impl Places {
    /// Opens the logs that `model` names.
    ///
    /// # Errors
    ///
    /// [`OpenError`], for the first one that cannot be opened.
    pub(crate) fn open(model: &Model, writer: &Writer) -> Result<Self, OpenError> {
        let hosts = model.hosts.iter();
        let hosts = hosts.map(|host| Place::open(host, writer));
        Ok(Self::new(hosts.collect::<Result<_, _>>()?))
    }

    /// Everything of this level to standard error.
    pub(crate) fn standard_error(level: LogLevel) -> Self {
        Self::new(vec![Place {
            jk: None,
            jk_level: filter(level),
            stamp: StampFormat::default(),
            error: None,
            error_level: Levels::default(),
        }])
    }

    fn new(hosts: Vec<Place>) -> Self {
        let most = hosts.iter().map(Place::most).max();
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
    fn open(host: &Host, writer: &Writer) -> Result<Self, OpenError> {
        let logs = &host.logs;
        let jk = logs.jk.file.as_ref();
        let jk = jk.map(|place| logs::open(writer, &place.to, &place.origin));
        let jk = jk.transpose()?;
        if let Some(sink) = &jk {
            sink.is_for_own_lines();
        }
        Ok(Self {
            jk,
            jk_level: filter(logs.jk.level),
            stamp: logs.jk.stamp.clone(),
            error: logs::error_log(host, writer)?,
            error_level: logs.error_level.clone(),
        })
    }

    /// The most that its logs want.
    fn most(&self) -> LevelFilter {
        let error = match self.error_level.most() {
            level if level <= Severity::ERROR => LevelFilter::ERROR,
            level if level <= Severity::NOTICE => LevelFilter::WARN,
            Severity::INFO => LevelFilter::INFO,
            Severity::DEBUG => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        self.jk_level.max(error)
    }

    /// Whether there is a line.
    pub(super) fn wants(&self, line: &Metadata<'_>) -> bool {
        let Some(log) = self.error.as_ref().filter(|_| self.is_for_httpd(line)) else {
            return *line.level() <= self.jk_level;
        };
        let level = severity(line);
        let is_notice = level == Severity::NOTICE && log.has_all_notices();
        is_notice || level <= self.error_level.of(MODULE)
    }

    /// Where a line goes.
    pub(super) fn of(&self, line: &Metadata<'_>) -> Form<'_> {
        match (&self.jk, &self.error) {
            (_, Some(error)) if self.is_for_httpd(line) => Form::Httpd(error),
            (None, Some(error)) => Form::Httpd(error),
            (jk, _) => Form::Jk(jk.as_ref(), &self.stamp),
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

/// Which of httpd's modules lines of jkd's own would be from: there is none.
pub(super) const MODULE: &str = "jkd";

/// httpd's word for the level of a line. What is said about the process itself is a notice.
pub(super) fn severity(line: &Metadata<'_>) -> Severity {
    match *line.level() {
        Level::ERROR => Severity::ERROR,
        Level::WARN => Severity::WARN,
        Level::INFO if line.target().starts_with("jkd::serve") => Severity::NOTICE,
        Level::INFO => Severity::INFO,
        Level::DEBUG => Severity::DEBUG,
        Level::TRACE => Severity::TRACE,
    }
}

/// `--log-level` wins over all that files say.
pub(crate) fn overrule(model: &mut Model, level: Option<LogLevel>) {
    let Some(level) = level else { return };
    let severity = match level {
        LogLevel::Trace => Severity::TRACE,
        LogLevel::Debug => Severity::DEBUG,
        LogLevel::Info => Severity::INFO,
        LogLevel::Warn => Severity::WARN,
        LogLevel::Error | LogLevel::Emerg => Severity::ERROR,
    };
    for host in &mut model.hosts {
        host.logs.jk.level = level;
        host.logs.error_level = Levels::all(severity);
        for section in &mut host.sections {
            section.settings.log_levels = Levels::default();
        }
    }
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
