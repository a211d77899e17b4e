//! A backend's answer as HTTP allows it to leave: hop-by-hop fields stay here, and what httpd says
//! about itself is ours to say.

use std::{borrow::Cow, time::SystemTime};

use ajp13::{HeadPacket, wire::Header};
use bytes::Bytes;
use http::StatusCode;

use crate::{
    http_date::http_date,
    http1::{Fields, Heading, number},
    static_files,
};

/// A field of a backend's answer that cannot be sent: what it says could be taken for another
/// field, or for the end of the head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadField {
    #[error("`{0}` is no header name")]
    Name(String),
    #[error("header {0} holds a control character")]
    Value(String),
    #[error("there is no head")]
    None,
}

/// Room for what is put beside the backend's fields.
const HEADROOM: usize = 3;

/// The head of a backend's answer as it leaves. Nothing of it is copied that is sent as it is.
///
/// # Errors
///
/// Where a field cannot be sent.
pub(crate) fn heading(packet: &HeadPacket, status: StatusCode) -> Result<Box<Heading>, BadField> {
    let head = packet.head().ok_or(BadField::None)?;
    let payload = packet.payload();
    let reason = head.reason.map(until_nul);
    // As in httpd one that cannot be sent is left out.
    let reason = reason.filter(|reason| !reason.is_empty() && is_text(reason));
    let mut made = Box::new(Heading {
        status,
        reason: reason.map(|reason| payload.slice_ref(reason)),
        fields: Fields::with_capacity(payload.clone(), head.headers.len() + HEADROOM),
        ..Heading::default()
    });
    let mut about = None;
    for field in head.headers.iter() {
        let field = &field;
        let name = name(field).ok_or_else(|| BadField::Name(shown(field.name)))?;
        let value = unfolded(field.value).ok_or_else(|| BadField::Value(shown(name)))?;
        match Special::of(name) {
            None => made.fields.add(name, &value),
            Some(Special::Connection) => {
                let known = about.get_or_insert_with(About::default);
                if known.read(&value) {
                    made.fields.add(name, b"close");
                }
            }
            Some(special) => special.put(&mut made, payload, &value),
        }
    }
    if let Some(about) = about {
        about.apply(&mut made);
    }
    Ok(made)
}

/// Fields that do not simply leave.
#[derive(Clone, Copy)]
enum Special {
    Connection,
    Length,
    Location,
    Modified,
    /// It belongs to one connection (RFC 9110, section 7.6.1), or httpd overwrites it as well.
    StaysHere,
    Type,
}

impl Special {
    fn of(name: &[u8]) -> Option<Self> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            2 if is(b"TE") => Some(Self::StaysHere),
            4 if is(b"Date") => Some(Self::StaysHere),
            6 if is(b"Server") => Some(Self::StaysHere),
            7 if is(b"Upgrade") || is(b"Trailer") => Some(Self::StaysHere),
            8 if is(b"Location") => Some(Self::Location),
            10 if is(b"Connection") => Some(Self::Connection),
            10 if is(b"Keep-Alive") => Some(Self::StaysHere),
            12 if is(b"Content-Type") => Some(Self::Type),
            13 if is(b"Last-Modified") => Some(Self::Modified),
            14 if is(b"Content-Length") => Some(Self::Length),
            16 if is(b"Proxy-Connection") => Some(Self::StaysHere),
            17 if is(b"Transfer-Encoding") => Some(Self::StaysHere),
            18 if is(b"Proxy-Authenticate") => Some(Self::StaysHere),
            _ => None,
        }
    }

    /// Of these the last one counts, as in httpd.
    fn put(self, head: &mut Heading, payload: &Bytes, value: &[u8]) {
        match self {
            Self::Connection | Self::StaysHere => {}
            Self::Length => {
                let length = plain_length(value);
                head.length = number(&length);
                head.fields.set(b"Content-Length", &length);
            }
            Self::Location => head.fields.set(b"Location", value),
            Self::Modified => head
                .fields
                .set(b"Last-Modified", &date(value, SystemTime::now)),
            Self::Type => head.content_type = Some(content_type(payload, value)),
        }
    }
}

/// What `Connection` says.
#[derive(Default)]
struct About {
    closes: bool,
    names: Vec<Vec<u8>>,
}

impl About {
    /// Whether this says that the connection ends, and nothing else has said it.
    fn read(&mut self, value: &[u8]) -> bool {
        let before = self.closes;
        for name in value.split(|b| *b == b',') {
            let name = name.trim_ascii();
            self.closes |= name.eq_ignore_ascii_case(b"close");
            self.names.push(name.to_vec());
        }
        self.closes && !before
    }

    /// The application may end the client's connection, and nothing else about it.
    fn apply(self, head: &mut Heading) {
        head.closes = self.closes;
        for name in self.names {
            let is_framing = [&b"Content-Length"[..], b"Connection"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
            if name.eq_ignore_ascii_case(b"Content-Type") {
                head.content_type = None;
            } else if !is_framing {
                head.fields.remove(&name);
            }
        }
    }
}

/// The name, if HTTP allows it (RFC 9110, section 5.6.2).
fn name<'a>(field: &Header<'a>) -> Option<&'a [u8]> {
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"-_!#$%&'*+.^`|~".contains(b);
    let is_name = |name: &[u8]| !name.is_empty() && name.iter().all(is_token);
    if field.code().is_some() || is_name(field.name) {
        return Some(field.name);
    }
    Some(until_nul(field.name)).filter(|name| is_name(name))
}

/// So much of a name as a reader wants.
fn shown(name: &[u8]) -> String {
    name.get(..name.len().min(64))
        .unwrap_or(name)
        .escape_ascii()
        .to_string()
}

/// For mod_jk texts end there.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|b| *b == 0).next().unwrap_or_default()
}

/// Whether there are no control characters but tabs.
pub(crate) fn is_text(value: &[u8]) -> bool {
    !value.iter().any(|b| b.is_ascii_control() && *b != b'\t')
}

/// A value on one line: as in httpd a line break with blanks behind it becomes one blank. `None` for
/// other control characters.
fn unfolded(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    if is_text(value) {
        return Some(Cow::Borrowed(value));
    }
    let mut line = Vec::with_capacity(value.len());
    let mut rest = until_nul(value);
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if let Some(folded) = rest.strip_prefix(b"\n").filter(|_| *byte == b'\r') {
            let blanks = folded.iter().take_while(|b| matches!(b, b' ' | b'\t'));
            let blanks = blanks.count();
            rest = folded.get(blanks..).filter(|_| blanks > 0)?;
            line.push(b' ');
        } else {
            line.push(*byte);
        }
    }
    is_text(&line).then_some(Cow::Owned(line))
}

/// A length without what only some understand. It is known to be a number.
fn plain_length(value: &[u8]) -> Cow<'_, [u8]> {
    let is_plain =
        matches!(value, [b'0'] | [b'1'..=b'9', ..]) && value.iter().all(u8::is_ascii_digit);
    if is_plain {
        return Cow::Borrowed(value);
    }
    let digits = value.trim_ascii();
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let zeros = digits.iter().take_while(|b| **b == b'0').count();
    let zeros = zeros.min(digits.len().saturating_sub(1));
    Cow::Borrowed(digits.get(zeros..).unwrap_or_default())
}

/// httpd writes types in lower case; parameters stay as they are.
fn content_type(payload: &Bytes, value: &[u8]) -> Bytes {
    let end = value.iter().position(|b| *b == b';');
    let end = end.unwrap_or(value.len());
    let upper = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_uppercase);
    let lies_there = payload.as_ptr_range().contains(&value.as_ptr());
    if lies_there && !value.get(..end).is_some_and(upper) {
        return payload.slice_ref(value);
    }
    let mut lower = value.to_vec();
    if let Some(kind) = lower.get_mut(..end) {
        kind.make_ascii_lowercase();
    }
    lower.into()
}

/// Nothing was changed in the future (RFC 9110, section 8.8.2.1), and dates have one form. What is
/// no date stays.
fn date(value: &[u8], now: impl FnOnce() -> SystemTime) -> Cow<'_, [u8]> {
    match static_files::parse_date(value) {
        Some(date) => Cow::Owned(http_date(date.min(now())).into_bytes()),
        None => Cow::Borrowed(value),
    }
}

/// Adds to what `Vary` says, in front of it, and in front of all fields: as in httpd, where it is
/// said before anybody answers.
pub(crate) fn vary_first(fields: &mut Fields, first: &str) {
    let mut all = first.as_bytes().to_vec();
    for value in fields.get_all("Vary") {
        all.push(b',');
        all.extend_from_slice(value);
    }
    fields.remove(b"Vary");
    fields.add_behind(0, b"Vary", &all);
}

/// The same for these names, if there are any.
pub(crate) fn vary_by(names: &[u8], fields: &mut Fields) {
    if !names.is_empty() {
        vary_first(fields, &String::from_utf8_lossy(names));
    }
}

/// A `Vary` with more names is left alone: each is compared with all others.
const MOST_NAMES: usize = 1000;

/// One `Vary` with each name once, as httpd sends it.
pub(crate) fn join_vary(fields: &mut Fields) {
    let mut names: Vec<&[u8]> = Vec::new();
    for value in fields.get_all("Vary") {
        let parts = value.split(|b| *b == b',' || b.is_ascii_whitespace());
        for name in parts.filter(|name| !name.is_empty()) {
            if names.len() >= MOST_NAMES {
                return;
            }
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return;
    }
    let joined = names.join(&b',');
    fields.set(b"Vary", &joined);
}

/// `set_session_cookie`: a cookie that leads the session's next request back to this member.
pub(crate) fn session_cookie(name: &str, route: &str, path: &str) -> Option<String> {
    let path = match path {
        "" => String::new(),
        path => format!(";PATH={path}"),
    };
    let cookie = format!("{name}=.{route}{path};HttpOnly");
    is_text(cookie.as_bytes()).then_some(cookie)
}

#[cfg(test)]
mod tests;
