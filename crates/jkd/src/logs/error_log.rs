//! `ErrorLog`: lines that httpd would write, in the form of an `ErrorLogFormat`.

use std::{
    fmt, io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use jkworkers::{
    error_format::{ErrorFormat, ErrorFormats},
    model::{Asked, Host, LogTarget, Severity},
    uri_map::BadUri,
};

use super::{
    Logs, Record, Sink,
    error_line::{self, Line},
};
use crate::{
    answer::Visit,
    http1::Head,
    logging::{Printable, Within},
    peer::Peer,
    variables::Variables,
};

/// The `ErrorLog` of a host.
#[derive(Clone, Debug)]
pub(crate) struct ErrorLog {
    sink: Arc<Sink>,
    formats: ErrorFormats,
    /// The system puts the time in front of lines itself.
    is_syslog: bool,
}

/// What is said.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    /// The short name of httpd's module that would say it.
    pub(crate) module: &'a str,
    pub(crate) level: Severity,
    /// Where the program says it.
    pub(crate) source: Option<(&'a str, u32)>,
    /// What the system said.
    pub(crate) system: Option<&'a io::Error>,
    pub(crate) message: &'a str,
}

/// The request that a line is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    pub(crate) record: &'a Record,
    pub(crate) variables: Option<&'a Variables<'a>>,
    /// What it asks for: sections have levels of their own.
    pub(crate) asked: Asked<'a>,
}

impl ErrorLog {
    pub(crate) fn new(sink: Arc<Sink>, formats: ErrorFormats) -> Self {
        let is_syslog = matches!(sink.target, LogTarget::Syslog { .. });
        Self {
            sink,
            formats,
            is_syslog,
        }
    }

    /// Whether notices are written whatever the level, as in files.
    pub(crate) const fn has_all_notices(&self) -> bool {
        !self.is_syslog
    }

    /// Writes a line, and those that go before the first one about a connection or a request.
    pub(crate) fn say(&self, said: &Said<'_>, about: Option<&About<'_>>) {
        let now = SystemTime::now();
        let line = |said, about| Line { said, about, now };
        if let Some(about) = about {
            let first = about.gets_ids(now);
            for format in self
                .formats
                .connection
                .iter()
                .filter(|_| first.of_connection)
            {
                self.write(Some(format), &line(None, Some(about)), true);
            }
            for format in self.formats.request.iter().filter(|_| first.of_request) {
                self.write(Some(format), &line(None, Some(about)), false);
            }
        }
        self.write(self.formats.line.as_ref(), &line(Some(said), about), false);
    }

    fn write(&self, format: Option<&ErrorFormat>, line: &Line<'_>, of_connection: bool) {
        let mut text = Vec::with_capacity(256);
        match format {
            Some(format) => error_line::formatted(&mut text, format, line, of_connection),
            None => error_line::default(&mut text, line, !self.is_syslog),
        }
        if text.is_empty() {
            return;
        }
        let level = line.said.map_or(Severity::INFO, |said| said.level);
        // All of them into the same buffer, so that they stay in order.
        self.sink.line(0, |to| {
            if self.is_syslog {
                // The severities of the system's log end with `debug`.
                to.extend_from_slice(&[b'<', b'0' + level.number().min(7), b'>']);
            }
            to.extend_from_slice(&text);
            to.push(b'\n');
        });
    }
}

/// Whether a line is the first one.
struct First {
    of_connection: bool,
    of_request: bool,
}

impl<'a> About<'a> {
    /// A request of a visit that asks for `path`.
    pub(crate) fn new(
        host: &'a Host,
        visit: &'a Visit,
        record: &'a Record,
        path: &'a [u8],
    ) -> Self {
        Self {
            host,
            head: &visit.head,
            peer: &visit.peer,
            record,
            variables: None,
            asked: Asked::at(path),
        }
    }

    /// Its path is refused, in httpd's words.
    pub(crate) fn tells_of_path(&self, logs: &Logs, error: BadUri) {
        let path = Printable(self.head.path());
        if error.status() == 404 {
            let what = "AH00026: found %2f (encoded '/') in URI path";
            let what = format_args!("{what} ({path}), returning 404");
            self.say(logs, "core", Severity::INFO, what);
        } else {
            let what = format_args!("AH10244: invalid URI path ({path})");
            self.say(logs, "core", Severity::ERROR, what);
        }
    }

    /// Says it in the `ErrorLog` of the host, if its level is wanted; without one in the log of
    /// jkd's own lines.
    pub(crate) fn say(&self, logs: &Logs, module: &str, level: Severity, what: fmt::Arguments<'_>) {
        self.say_with(logs, module, level, None, what);
    }

    /// The same, with what the system said.
    pub(crate) fn say_with(
        &self,
        logs: &Logs,
        module: &str,
        level: Severity,
        system: Option<&io::Error>,
        what: fmt::Arguments<'_>,
    ) {
        let is_wanted = level <= self.host.log_levels(self.asked).of(module);
        let Some(log) = logs.error_of(self.host.number) else {
            if is_wanted {
                self.gets_ids(SystemTime::now());
            }
            return self.say_elsewhere(level, system, what);
        };
        if !is_wanted {
            return;
        }
        let said = Said {
            module,
            level,
            source: None,
            system,
            message: &what.to_string(),
        };
        log.say(&said, Some(self));
    }

    /// What connects lines about it, and about its connection, is made for the first one, wherever
    /// that goes.
    fn gets_ids(&self, now: SystemTime) -> First {
        let of_connection = self.peer.connection().log_id.set(log_id(now)).is_ok();
        let id = self.record.name().unwrap_or_else(|| log_id(now));
        First {
            of_connection,
            of_request: self.record.log_id.set(id).is_ok(),
        }
    }

    fn say_elsewhere(&self, level: Severity, system: Option<&io::Error>, what: fmt::Arguments<'_>) {
        let _within = Within::host(self.host.number, self.record.id());
        let (ip, port) = (&self.peer.ip_text, &self.peer.port_text);
        let system = system.map_or_else(String::new, |error| format!("{error}: "));
        match level {
            level if level <= Severity::ERROR => {
                tracing::error!("{system}[client {ip}:{port}] {what}");
            }
            level if level <= Severity::WARN => {
                tracing::warn!("{system}[client {ip}:{port}] {what}");
            }
            level if level <= Severity::INFO => {
                tracing::info!("{system}[client {ip}:{port}] {what}");
            }
            _ => tracing::debug!("{system}[client {ip}:{port}] {what}"),
        }
    }
}

/// What connects lines about the same request, or the same connection, as httpd makes it.
fn log_id(now: SystemTime) -> Box<str> {
    let micros = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = u64::try_from(micros.as_micros()).unwrap_or_default();
    let process = u64::from(std::process::id());
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    let thread = u64::from(thread.unsigned_abs());
    let id = micros ^ (process << 40) ^ (thread << 32);
    STANDARD_NO_PAD.encode(id.to_ne_bytes()).into()
}
