//! One line of a log of requests, token by token.

mod asked;

use std::{
    borrow::Cow,
    io::Write as _,
    time::{Duration, SystemTime},
};

use http::{Method, StatusCode};
use jkworkers::{
    expr::Expression,
    log_format::{LogFormat, NoBytes, TimeForm, Token, Unit},
    model::{Asked, CanonicalName, Host},
};
use tokio::time::Instant;

use super::{
    clock, cookie,
    escape::escaped,
    record::{Ending, Record},
};
use crate::{
    access::Claims,
    expressions::Subject,
    forward,
    http1::{Head, Length, is_bodiless},
    peer::Peer,
    snapshot::Group,
    strict::{self, Target},
    variables::Variables,
};

/// A request that has ended, and all that is known about it.
#[derive(Clone, Copy)]
pub(crate) struct Transaction<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    /// The head that the client has sent.
    pub(crate) asked: &'a Head,
    pub(crate) peer: &'a Peer,
    pub(crate) record: &'a Record,
    pub(crate) ending: &'a Ending,
    /// What it came to.
    pub(crate) status: u16,
    /// Whether the fields and the bytes of the answer are its own.
    pub(crate) has_fields: bool,
    /// Who the client says it is.
    pub(crate) user: Option<&'a [u8]>,
    /// Those who served it.
    pub(crate) group: Option<&'a Group>,
    pub(crate) member: Option<usize>,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// The time of day at its end.
    pub(crate) now: SystemTime,
}

impl Transaction<'_> {
    /// Adds a line without its line feed. Items about the client's own request are about `first`,
    /// if that is another one.
    pub(super) fn write(&self, first: Option<&Self>, format: &LogFormat, line: &mut Vec<u8>) {
        for item in format.items() {
            let of = first.filter(|_| item.original).unwrap_or(self);
            let statuses = item.statuses.as_ref();
            let is_shown = statuses.is_none_or(|statuses| statuses.allow(self.status));
            if !(is_shown && of.token(&item.token, line)) {
                line.push(b'-');
            }
        }
    }

    /// Whether an expression holds.
    pub(super) fn meets(&self, expression: &Expression) -> bool {
        let extra = self.record.extra();
        let variables = Variables::noted(self.record.variables());
        let claims = Claims {
            user: self.user.map(<[u8]>::to_vec),
            ..Claims::default()
        };
        let path = self.path();
        let last = || path.rsplit(|b| *b == b'/').next();
        let file = extra.and_then(|extra| extra.file.get());
        let subject = Subject {
            variables: Some(&variables),
            file: file.map(|file| &**file).or_else(last),
            claims: Some(&claims),
            status: StatusCode::from_u16(self.ending.status).ok(),
            naming: self.record.naming(self.host),
            record: Some(self.record),
            ..Subject::new(self.host, self.head, self.peer, &path)
        };
        subject.holds(expression).is_some()
    }

    /// The value of a variable, if it was set.
    pub(super) fn variable(&self, name: &str) -> Option<&[u8]> {
        self.record.variable(name)
    }

    /// Adds what a token shows; `false` where there is nothing to show.
    #[allow(clippy::too_many_lines, reason = "a flat table")]
    fn token(&self, token: &Token, line: &mut Vec<u8>) -> bool {
        let peer = self.peer;
        match token {
            Token::Text(text) => plain(text, line),
            Token::RemoteAddress => plain(&peer.ip_text, line),
            Token::ConnectionAddress => plain(&peer.connection().ip_text, line),
            Token::RemoteHost => plain(self.remote_host(), line),
            Token::LocalAddress => plain(&peer.local_text, line),
            Token::BodyBytes(none) => self.body_bytes(*none, line),
            Token::Cookie(name) => self.request_field("cookie", |cookies| {
                foreign(cookies.and_then(|c| cookie::find(c, name)), line)
            }),
            Token::Took(unit) => number(whole(self.took(), *unit), line),
            Token::Variable(name) => foreign(self.variable(name), line),
            Token::File => self.file(line),
            Token::Protocol => plain(self.protocol(), line),
            Token::RequestHeader(name) => self.request_field(name, |value| foreign(value, line)),
            Token::Keepalives => number(self.keepalives(), line),
            Token::Method => foreign(self.method(), line),
            Token::Note(note) => self.note(*note, line),
            Token::OwnNote(name) => self.own_note(name, line),
            Token::ResponseHeader(name) => self.field(name, line),
            Token::ServerPort => number(u64::from(self.server_port()), line),
            Token::LocalPort => number(u64::from(peer.local.port()), line),
            Token::RemotePort => plain(&peer.port_text, line),
            Token::ProcessId => number(u64::from(std::process::id()), line),
            Token::ThreadId { hex } => thread_id(*hex, line),
            Token::Query => self.query(line),
            Token::RequestLine => self.request_line(line),
            Token::Handler => self.handler().is_some_and(|handler| plain(handler, line)),
            Token::Status => number(u64::from(self.status), line),
            Token::Time { end, form } => self.time(*end, form, line),
            Token::User => self.user(line),
            Token::Path => foreign(self.shown_path().as_deref(), line),
            Token::CanonicalName => plain(self.canonical_name(), line),
            Token::ServerName => foreign(Some(self.server_name().as_bytes()), line),
            Token::Connection => plain(self.connection(), line),
            Token::BytesIn => number(peer.wire().taken(), line),
            Token::BytesOut => number(peer.wire().sent(), line),
            Token::BytesBoth => number(peer.wire().taken() + peer.wire().sent(), line),
            Token::Tls(name) => foreign(self.tls(name).as_deref(), line),
            Token::FirstByte => self.first_byte(line),
            Token::LogId { of_connection } => {
                let id = if *of_connection {
                    peer.connection().log_id.get()
                } else {
                    self.record.log_id.get()
                };
                id.is_some_and(|id| plain(id, line))
            }
            Token::Logname | Token::RequestTrailer(_) | Token::ResponseTrailer(_) => false,
        }
    }

    fn body_bytes(&self, none: NoBytes, line: &mut Vec<u8>) -> bool {
        let bytes = if self.has_fields {
            self.ending.bytes
        } else {
            0
        };
        let shows_none = match none {
            NoBytes::Dash => false,
            NoBytes::DashWithoutBody => self.has_body(),
            NoBytes::Zero => true,
        };
        (bytes > 0 || shows_none) && number(bytes, line)
    }

    /// Whether its own answer has a body, if an empty one.
    fn has_body(&self) -> bool {
        let status = StatusCode::from_u16(self.ending.status);
        let may = !status.is_ok_and(is_bodiless) && self.head.method != Method::HEAD;
        may && self.has_fields && !self.ending.aborted
    }

    fn took(&self) -> Duration {
        self.ended.saturating_duration_since(self.began)
    }

    /// Without its parameters for the type; what came more than once joined for cookies only, as
    /// httpd does it.
    fn field(&self, name: &str, line: &mut Vec<u8>) -> bool {
        if let Some(field) = OfConnection::named(name) {
            return self.of_connection(field, line);
        }
        let fields = self.ending.fields.iter().filter(|_| self.has_fields);
        let mut values = fields
            .filter(|(known, _)| known.as_str().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_bytes());
        let Some(first) = values.next() else {
            return false;
        };
        if name.eq_ignore_ascii_case("content-type") {
            let end = first.iter().position(|b| *b == b';');
            let bare = first.get(..end.unwrap_or(first.len()));
            return foreign(bare.map(<[u8]>::trim_ascii_end), line);
        }
        escaped(line, first);
        if name.eq_ignore_ascii_case("set-cookie") {
            for value in values {
                line.extend_from_slice(b", ");
                escaped(line, value);
            }
        }
        true
    }

    /// Adds a field that only the connection itself can say; `false` where it has not said it.
    fn of_connection(&self, field: OfConnection, line: &mut Vec<u8>) -> bool {
        let wire = self.peer.wire();
        if !self.has_fields {
            return false;
        }
        match (field, wire.length()) {
            (OfConnection::Length, Length::Bytes(length)) => number(length, line),
            (OfConnection::Coding, Length::Chunks) => plain("chunked", line),
            (OfConnection::Stay, _) if !wire.stays() => plain("close", line),
            (OfConnection::Stay, _) if wire.tells_to_stay() => plain("Keep-Alive", line),
            _ => false,
        }
    }

    fn handler(&self) -> Option<&'static str> {
        let extra = self.record.extra();
        let said = extra.and_then(|extra| extra.handler.get().copied());
        if said.is_some() || self.is_mapped() {
            return said.or(Some("jakarta-servlet"));
        }
        extra?.is_directory.get()?;
        Some("httpd/unix-directory")
    }

    /// As httpd counts them: without the first request, and without one that closes.
    fn keepalives(&self) -> u64 {
        let before = self.peer.requests().saturating_sub(1);
        before.saturating_sub(u64::from(!self.peer.wire().stays()))
    }

    fn time(&self, end: bool, form: &TimeForm, line: &mut Vec<u8>) -> bool {
        let mut moment = clock::since_1970(self.now);
        if !end {
            moment = moment.saturating_sub(self.took());
        }
        match form {
            TimeForm::Clf => clock::common(line, moment),
            TimeForm::Since(unit) => return number(whole(moment, *unit), line),
            TimeForm::Fraction(Unit::Milliseconds) => {
                return write!(line, "{:03}", moment.subsec_millis()).is_ok();
            }
            TimeForm::Fraction(_) => return write!(line, "{:06}", moment.subsec_micros()).is_ok(),
            TimeForm::Strftime(format) => {
                let mut text = String::new();
                clock::strftime(&mut text, format, moment);
                line.extend_from_slice(text.as_bytes());
            }
        }
        true
    }

    fn user(&self, line: &mut Vec<u8>) -> bool {
        match self.user {
            Some(b"") => plain("\"\"", line),
            user => foreign(user, line),
        }
    }

    /// The client's name, where it was looked up, else its address.
    fn remote_host(&self) -> &str {
        let name = &self.peer.name;
        let lookups = || self.host.lookups(Asked::at(&self.path()));
        let named = name.is_known().then(|| name.by(lookups())).flatten();
        named.unwrap_or(&self.peer.ip_text)
    }

    fn canonical_name(&self) -> &str {
        let own = self.host.server_name.as_ref();
        own.map_or(&self.peer.local_text, |own| &own.name)
    }

    /// As `UseCanonicalName` says.
    fn server_name(&self) -> Cow<'_, str> {
        let naming = self.record.naming(self.host);
        if naming.name != CanonicalName::Off {
            let nobody = Target::default();
            return forward::server_name(&nobody, naming, self.host, self.peer);
        }
        let named = strict::named_anyway(self.head, || forward::scheme(self.host)).host;
        let named = named.filter(|_| self.is_readable());
        match named.map(|name| name.strip_suffix('.').unwrap_or(name)) {
            Some(name) => Cow::Owned(name.to_ascii_lowercase()),
            None => Cow::Borrowed(self.canonical_name()),
        }
    }

    /// mod_ssl's `%{…}x`, and its older `%{…}c`.
    fn tls(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let Some(tls) = self.peer.tls() else {
            return (name == "HTTPS").then_some(Cow::Borrowed(b"off"));
        };
        tls.value(match name {
            "version" => "SSL_PROTOCOL",
            "cipher" => "SSL_CIPHER",
            "subjectdn" => "SSL_CLIENT_S_DN",
            "issuerdn" => "SSL_CLIENT_I_DN",
            name => name,
        })
    }

    fn server_port(&self) -> u16 {
        let own = self.host.server_name.as_ref();
        own.and_then(|own| own.port)
            .unwrap_or_else(|| forward::default_port(self.host))
    }

    fn connection(&self) -> &'static str {
        match (self.ending.aborted, self.peer.wire().stays()) {
            (true, _) => "X",
            (false, true) => "+",
            (false, false) => "-",
        }
    }

    fn first_byte(&self, line: &mut Vec<u8>) -> bool {
        let Some(began) = self.ending.began else {
            return false;
        };
        let took = began.saturating_duration_since(self.began);
        number(whole(took, Unit::Microseconds), line)
    }
}

/// Fields of answers that are made as they leave.
#[derive(Clone, Copy)]
enum OfConnection {
    Coding,
    Length,
    /// `Date` and `Server`, which httpd does not show.
    Unshown,
    Stay,
}

impl OfConnection {
    fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is("Date") => Some(Self::Unshown),
            6 if is("Server") => Some(Self::Unshown),
            10 if is("Connection") => Some(Self::Stay),
            14 if is("Content-Length") => Some(Self::Length),
            17 if is("Transfer-Encoding") => Some(Self::Coding),
            _ => None,
        }
    }
}

fn plain(text: &str, line: &mut Vec<u8>) -> bool {
    line.extend_from_slice(text.as_bytes());
    true
}

fn number(value: u64, line: &mut Vec<u8>) -> bool {
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    true
}

fn foreign(text: Option<&[u8]>, line: &mut Vec<u8>) -> bool {
    let Some(text) = text else { return false };
    escaped(line, text);
    true
}

fn whole(time: Duration, unit: Unit) -> u64 {
    let count = match unit {
        Unit::Seconds => return time.as_secs(),
        Unit::Milliseconds => time.as_millis(),
        Unit::Microseconds => time.as_micros(),
    };
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn thread_id(hex: bool, line: &mut Vec<u8>) -> bool {
    let id = rustix::thread::gettid().as_raw_nonzero();
    if hex {
        write!(line, "{id:x}").is_ok()
    } else {
        write!(line, "{id}").is_ok()
    }
}
