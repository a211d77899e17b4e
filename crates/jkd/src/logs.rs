//! Logs: lines about requests, and the thread that writes all lines.
//!
//! What a line needs to know is collected while a request is served, as far as a log of its host
//! asks for it ([`Record`]). At its end the line is written into a buffer of the lane ([`sink`]);
//! the rest happens elsewhere ([`writer`]).

mod channel;
mod clock;
mod cookie;
mod error_line;
mod error_log;
mod escape;
pub(crate) mod fuzzing;
mod line;
mod notes;
mod output;
mod record;
mod redirected;
mod sink;
mod syslog;
mod writer;

use std::{io, sync::Arc, time::SystemTime};

use http::HeaderName;
use jkworkers::{
    diag::Origin,
    expr::Expression,
    log_format::{LogFormat, Token},
    model::{Host, LogPlace, LogTarget, Model, OnlyIf, StampFormat, variables::OwnVariable},
};

pub(crate) use self::{
    clock::stamp,
    error_log::{About, ErrorLog, Said},
    line::Transaction,
    record::{Ending, Record},
    redirected::Redirected,
    sink::Sink,
    writer::Writer,
};

/// The logs of all hosts, open.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    /// In the order of the model.
    hosts: Vec<HostLogs>,
    /// Whether jkd's own lines about virtual hosts go elsewhere, or are others.
    own_lines_differ: bool,
}

/// The logs of a host.
#[derive(Debug, Default)]
pub(crate) struct HostLogs {
    access: Vec<AccessLog>,
    /// `JkRequestLogFormat`.
    requests: Option<RequestLog>,
    error: Option<ErrorLog>,
    pub(crate) wants: Wants,
}

#[derive(Debug)]
struct AccessLog {
    sink: Arc<Sink>,
    format: LogFormat,
    only: Option<OnlyIf>,
    when: Option<Expression>,
}

#[derive(Debug)]
struct RequestLog {
    sink: Arc<Sink>,
    format: LogFormat,
    stamp: StampFormat,
}

/// What the lines of a host need to know beyond what is known of every request.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    /// Variables that are shown, or decide whether there is a line.
    pub(crate) variables: Vec<Arc<str>>,
    /// Those among them that a request has by itself once a worker is told of it.
    pub(crate) own: Vec<(Arc<str>, OwnVariable)>,
    /// All variables: a name is made for each request.
    pub(crate) all_variables: bool,
    /// Fields of answers.
    pub(crate) fields: Vec<HeaderName>,
    /// Fields of requests.
    pub(crate) asked: Vec<String>,
    /// What mod_jk notes.
    pub(crate) notes: bool,
    /// Who handles it.
    pub(crate) handler: bool,
    /// When the answer begins.
    pub(crate) first_byte: bool,
    /// The same where no section says whether.
    pub(crate) first_bytes: bool,
}

/// A log that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: cannot open the log {target}: {source}")]
pub struct OpenError {
    /// Where it was written.
    pub origin: Origin,
    /// The file or the program.
    pub target: String,
    /// What the system says.
    pub source: io::Error,
}

impl Logs {
    /// Opens all logs of requests that `model` has.
    ///
    /// # Errors
    ///
    /// [`OpenError`], for the first one that cannot be opened.
    pub(crate) fn open(model: &Model, writer: &Writer) -> Result<Self, OpenError> {
        let hosts = model.hosts.iter().map(|host| HostLogs::open(host, writer));
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            own_lines_differ: own_lines_differ(model),
        })
    }

    /// Whether jkd's own lines about virtual hosts go elsewhere, or are others.
    pub(crate) const fn own_lines_differ(&self) -> bool {
        self.own_lines_differ
    }

    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.hosts.iter().any(|logs| !logs.is_empty())
    }

    /// Those of the host with this place in the model.
    pub(crate) fn of(&self, host: usize) -> Option<&HostLogs> {
        self.hosts.get(host).filter(|logs| !logs.is_empty())
    }
}

impl Logs {
    /// The `ErrorLog` of the host with this place in the model.
    pub(crate) fn error_of(&self, host: usize) -> Option<&ErrorLog> {
        self.hosts.get(host)?.error.as_ref()
    }
}

fn own_lines_differ(model: &Model) -> bool {
    let place = |host: &Host| {
        let logs = &host.logs;
        let to = |place: &Option<LogPlace>| place.as_ref().map(|place| place.to.clone());
        let places = (to(&logs.jk.file), to(&logs.error));
        let levels = (logs.jk.level, logs.error_level.clone());
        let forms = (logs.jk.stamp.clone(), logs.error_format.clone());
        (places, levels, forms)
    };
    let mut hosts = model.hosts.iter().map(place);
    let main = hosts.next();
    hosts.any(|host| Some(host) != main)
}

impl HostLogs {
    fn open(host: &Host, writer: &Writer) -> Result<Self, OpenError> {
        let access = host.logs.access.iter().map(|log| {
            Ok(AccessLog {
                sink: open(writer, &log.to, &log.origin)?,
                format: log.format.clone(),
                only: log.only.clone(),
                when: log.when.clone(),
            })
        });
        let access: Vec<_> = access.collect::<Result<_, _>>()?;
        let jk = &host.logs.jk;
        let requests = jk.requests.as_ref().map(|format| {
            let place = jk.file.as_ref().or(host.logs.error.as_ref());
            let sink = match place {
                Some(place) => open(writer, &place.to, &place.origin),
                None => open(writer, &standard_error(), &host.origin),
            };
            Ok(RequestLog {
                sink: sink?,
                format: format.clone(),
                stamp: jk.stamp.clone(),
            })
        });
        let requests = requests.transpose()?;
        let mut wants = Wants::default();
        for log in &access {
            wants.those_of(&log.format);
            wants.condition_of(log);
        }
        if let Some(log) = &requests {
            wants.those_of(&log.format);
            // Whether it is for a worker.
            wants.notes = true;
        }
        wants.first_byte &= host.logs.first_byte || host.said.times_first_bytes;
        wants.first_bytes = host.logs.first_byte;
        Ok(Self {
            access,
            requests,
            error: error_log(host, writer)?,
            wants,
        })
    }

    fn is_empty(&self) -> bool {
        self.access.is_empty() && self.requests.is_none()
    }

    /// Writes the lines of a request that has ended. `first` is what the client asked for, where an
    /// internal redirect has made another request of it.
    pub(crate) fn write(&self, of: &Transaction<'_>, first: Option<&Transaction<'_>>) {
        for log in &self.access {
            // As in httpd: what the client asked for decides whether there is a line.
            if log.is_for(first.unwrap_or(of)) {
                log.sink.line(of.peer.lane, |line| {
                    of.write(first, &log.format, line);
                    line.push(b'\n');
                });
            }
        }
        // mod_jk knows of the request that the client has made, and only where it had that itself.
        let of = first.unwrap_or(of);
        let is_for_worker = of.is_for_worker() && !of.record.has_begun_anew();
        if let Some(log) = self.requests.as_ref().filter(|_| is_for_worker) {
            log.sink.line(of.peer.lane, |line| {
                let mut stamp = String::new();
                self::stamp(&mut stamp, log.stamp.text(), SystemTime::now());
                line.extend_from_slice(stamp.as_bytes());
                of.write(None, &log.format, line);
                line.push(b'\n');
            });
        }
    }
}

impl AccessLog {
    fn is_for(&self, of: &Transaction<'_>) -> bool {
        let only = self.only.as_ref();
        let when = self.when.as_ref();
        only.is_none_or(|only| of.variable(&only.variable).is_some() != only.negated)
            && when.is_none_or(|when| of.meets(when))
    }
}

impl Wants {
    /// What decides whether there is a line.
    fn condition_of(&mut self, log: &AccessLog) {
        self.variable(log.only.as_ref().map(|only| &only.variable));
        let when = log.when.as_ref().map(Expression::variables);
        self.all_variables |= when.is_some_and(|names| names.is_none());
        for name in when.flatten().into_iter().flatten() {
            self.variable(Some(name));
        }
    }

    fn those_of(&mut self, format: &LogFormat) {
        for item in format.items() {
            match &item.token {
                Token::Variable(name) => self.variable(Some(&name.as_str().into())),
                Token::ResponseHeader(name) => {
                    self.fields.extend(name.parse::<HeaderName>().ok());
                }
                Token::RequestHeader(name) => self.asked.push(name.clone()),
                Token::Cookie(_) => self.asked.push("cookie".to_owned()),
                Token::Note(_) => self.notes = true,
                Token::Handler => self.handler = true,
                Token::FirstByte => self.first_byte = true,
                _ => {}
            }
        }
    }

    fn variable(&mut self, name: Option<&Arc<str>>) {
        let is_known = |name: &&Arc<str>| self.variables.iter().any(|known| known == *name);
        if let Some(name) = name.filter(|name| !is_known(name)) {
            let own = OwnVariable::named(name);
            self.own.extend(own.map(|own| (name.clone(), own)));
            self.variables.push(name.clone());
        }
    }
}

/// The `ErrorLog` of a host, if it has one.
///
/// # Errors
///
/// When it cannot be opened.
pub(crate) fn error_log(host: &Host, writer: &Writer) -> Result<Option<ErrorLog>, OpenError> {
    let Some(place) = &host.logs.error else {
        return Ok(None);
    };
    let sink = open(writer, &place.to, &place.origin)?;
    sink.is_for_own_lines();
    let formats = host.logs.error_format.clone();
    Ok(Some(ErrorLog::new(sink, formats)))
}

fn standard_error() -> LogTarget {
    LogTarget::File("/dev/stderr".into())
}

/// Opens a log that was written somewhere.
///
/// # Errors
///
/// When it cannot be opened.
pub(crate) fn open(
    writer: &Writer,
    target: &LogTarget,
    origin: &Origin,
) -> Result<Arc<Sink>, OpenError> {
    writer.open(target).map_err(|source| OpenError {
        origin: origin.clone(),
        target: target.to_string(),
        source,
    })
}

/// A moment in a format of `%{…}t`, for tries with arbitrary input.
pub fn strftime(format: &str, since_1970: std::time::Duration) -> String {
    let mut text = String::new();
    clock::strftime(&mut text, format, since_1970);
    text
}
