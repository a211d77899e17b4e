//! The formats of access logs: httpd's `LogFormat` and mod_jk's `JkRequestLogFormat`, text to items.
//!
//! httpd keeps what it does not know behind a backslash, joins flags in any order
//! (`%!200,304>{Referer}i`), and compares nothing but the letter. What an item becomes for a
//! request is up to whoever writes the log.

mod read;

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A format, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    text: Arc<str>,
    items: Vec<Item>,
}

/// One part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it shows.
    pub token: Token,
    /// `%400,501…`, `%!200…`: for which statuses; `-` for all others. `None`: for all.
    pub statuses: Option<Statuses>,
    /// Whether it is about the request as it came, and not about what an internal redirect made
    /// of it: `<`, or the item's own rule.
    pub original: bool,
}

/// The statuses for which an item is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// Those that are named.
    pub named: Vec<u16>,
    /// `!`: for all others instead.
    pub negated: bool,
}

impl Statuses {
    /// Whether the item is shown for this one.
    pub fn allow(&self, status: u16) -> bool {
        self.named.contains(&status) != self.negated
    }
}

/// What no bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoBytes {
    /// `-`: `%b`.
    Dash,
    /// `-` where the answer has no body, else `0`: mod_jk's `%b`.
    DashWithoutBody,
    /// `0`: `%B`.
    Zero,
}

/// What an item shows. `-` stands for what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Constant text.
    Text(String),
    /// `%a`: the client's address.
    RemoteAddress,
    /// `%{c}a`: the address of the other end of the connection.
    ConnectionAddress,
    /// `%A`: our address.
    LocalAddress,
    /// `%b`, `%B`: bytes of the answer's body.
    BodyBytes(NoBytes),
    /// `%{NAME}C`: a cookie.
    Cookie(String),
    /// `%D`, `%T`, `%{ms}T`: how long it took.
    Took(Unit),
    /// `%{NAME}e`: a variable.
    Variable(String),
    /// `%f`: the file.
    File,
    /// `%h`: the client's name, if it was looked up, else its address; `%{c}h`: that of the
    /// connection.
    RemoteHost,
    /// `%H`: the protocol.
    Protocol,
    /// `%{NAME}i`: a header of the request.
    RequestHeader(String),
    /// `%{NAME}^ti`: a trailer of the request.
    RequestTrailer(String),
    /// `%k`: requests on this connection before it.
    Keepalives,
    /// `%l`: the client's name according to RFC 1413, which nobody asks for.
    Logname,
    /// `%L`: the id of the request's lines in the error log; `%{c}L`: of the connection's.
    LogId {
        /// The connection's.
        of_connection: bool,
    },
    /// `%m`: the method.
    Method,
    /// `%{NAME}n`: a note.
    Note(Note),
    /// `%{NAME}n`: a note that `Header note` makes.
    OwnNote(String),
    /// `%{NAME}o`: a header of the answer.
    ResponseHeader(String),
    /// `%{NAME}^to`: a trailer of the answer.
    ResponseTrailer(String),
    /// `%p`: the server's port.
    ServerPort,
    /// `%{local}p`: the port of the connection.
    LocalPort,
    /// `%{remote}p`: the client's port.
    RemotePort,
    /// `%P`: the process.
    ProcessId,
    /// `%{tid}P`, `%{hextid}P`: the thread.
    ThreadId {
        /// In hexadecimal digits.
        hex: bool,
    },
    /// `%q`: `?` and the query.
    Query,
    /// `%r`: the request line.
    RequestLine,
    /// `%R`: the handler.
    Handler,
    /// `%s`: the status.
    Status,
    /// `%t`, `%{…}t`: when.
    Time {
        /// Whether it is the end of the answer, and not the beginning of the request.
        end: bool,
        /// How it is shown.
        form: TimeForm,
    },
    /// `%u`: the user.
    User,
    /// `%U`: the path.
    Path,
    /// `%v`: the host's `ServerName`.
    CanonicalName,
    /// `%V`: the name that `UseCanonicalName` says.
    ServerName,
    /// `%X`: what becomes of the connection: `X`, `+` or `-`.
    Connection,
    /// `%I`: bytes that came, head included.
    BytesIn,
    /// `%O`: bytes that went, head included.
    BytesOut,
    /// `%S`: both.
    BytesBoth,
    /// `%^FB`: microseconds until the first byte of the answer.
    FirstByte,
    /// `%{NAME}x`, `%{NAME}c`: what is known about TLS.
    Tls(String),
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole seconds.
    Seconds,
    /// Whole milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
}

/// How a moment is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// `[21/Nov/2026:18:44:00 +0000]`.
    Clf,
    /// Since 1970.
    Since(Unit),
    /// `msec_frac`, three digits, or `usec_frac`, six.
    Fraction(Unit),
    /// A format of `strftime`.
    Strftime(String),
}

/// A note of mod_jk about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// `JK_WORKER_NAME`.
    WorkerName,
    /// `JK_WORKER_TYPE`.
    WorkerType,
    /// `JK_WORKER_ROUTE`.
    WorkerRoute,
    /// `JK_REQUEST_DURATION`.
    Duration,
    /// `JK_LB_FIRST_…`: a member after the first attempt.
    First(MemberNote),
    /// `JK_LB_LAST_…`: a member after the last attempt.
    Last(MemberNote),
}

/// What a note says about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberNote {
    /// `NAME`.
    Name,
    /// `VALUE`: its load.
    Value,
    /// `ACCESSED`.
    Accessed,
    /// `SESSIONS`.
    Sessions,
    /// `READ`: bytes.
    Read,
    /// `TRANSFERRED`: bytes.
    Transferred,
    /// `ERRORS`.
    Errors,
    /// `BUSY`.
    Busy,
    /// `ACTIVATION`.
    Activation,
    /// `STATE`.
    State,
}

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A letter without a meaning.
    #[error("Unrecognized LogFormat directive %{0}")]
    Unknown(String),
    /// The text ends in the middle.
    #[error("Ran off end of LogFormat parsing args to some directive")]
    Cut,
}

impl LogFormat {
    /// httpd's default: the common log format.
    pub const COMMON: &str = "%h %l %u %t \"%r\" %>s %b";

    /// Reads a `LogFormat`.
    ///
    /// # Errors
    ///
    /// [`FormatError`], in httpd's words.
    pub fn httpd(text: &str) -> Result<Self, FormatError> {
        read::httpd(text)
    }

    /// Reads a `JkRequestLogFormat`: letters without flags.
    ///
    /// # Errors
    ///
    /// [`FormatError`].
    pub fn mod_jk(text: &str) -> Result<Self, FormatError> {
        read::mod_jk(text)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its parts in order. No two constant texts stand side by side.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

impl Serialize for LogFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Note {
    /// The note of this name, whatever its case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let member = |prefix| name.strip_prefix(prefix).and_then(MemberNote::named);
        Some(match &*name {
            "JK_WORKER_NAME" => Self::WorkerName,
            "JK_WORKER_TYPE" => Self::WorkerType,
            "JK_WORKER_ROUTE" => Self::WorkerRoute,
            "JK_REQUEST_DURATION" => Self::Duration,
            _ => {
                let first = member("JK_LB_FIRST_").map(Self::First);
                return first.or_else(|| member("JK_LB_LAST_").map(Self::Last));
            }
        })
    }
}

impl MemberNote {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "NAME" => Self::Name,
            "VALUE" => Self::Value,
            "ACCESSED" => Self::Accessed,
            "SESSIONS" => Self::Sessions,
            "READ" => Self::Read,
            "TRANSFERRED" => Self::Transferred,
            "ERRORS" => Self::Errors,
            "BUSY" => Self::Busy,
            "ACTIVATION" => Self::Activation,
            "STATE" => Self::State,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
