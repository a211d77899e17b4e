//! The head of an answer, as text.

use std::{cell::Cell, time::SystemTime};

use bytes::BytesMut;
use http::StatusCode;
use memchr::memchr3;

use super::{Heading, framing::has_token};
use crate::http_date::http_date;

/// How the client learns where an answer's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is no body.
    Bodiless,
    /// It is so long.
    Length(u64),
    /// It comes in chunks.
    Chunks,
    /// With it the connection ends.
    Close,
}

/// What the client is told of a body's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many bytes.
    Bytes(u64),
    /// It comes in chunks.
    Chunks,
    /// Nothing.
    Unsaid,
}

/// What becomes of the connection after the answer, as the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It ends.
    Close,
    /// It stays: nothing needs to be said.
    Stay,
    /// The client has asked whether it stays: for so many seconds, and so many further requests.
    StayAsAsked(u64, Option<u32>),
}

/// What has to be known about a request for the head of its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// It was `HEAD`.
    pub(super) head_only: bool,
    /// Its client knows chunks.
    pub(super) knows_chunks: bool,
}

/// How the body ends. `known` is its length, where it is known without a field that says so.
pub(super) fn end(head: &Heading, known: Option<u64>, asked: Asked) -> End {
    if asked.head_only || is_bodiless(head.status) {
        return End::Bodiless;
    }
    debug_assert_eq!(head.length, head.announced(), "a length that nobody told");
    match head.length.or(known) {
        Some(length) => End::Length(length),
        None if asked.knows_chunks => End::Chunks,
        None => End::Close,
    }
}

/// Whether answers with this status have no body, whatever their fields say.
pub(crate) const fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// What the head of an answer depends on beside its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) end: End,
    /// The length of the body where no field says it.
    pub(super) known: Option<u64>,
    pub(super) after: After,
}

/// What the client is told of the length of the body.
pub(super) fn length(head: &Heading, manner: Manner) -> Length {
    if manner.end == End::Chunks {
        return Length::Chunks;
    }
    let length = head.length.or(manner.known);
    let told = length.filter(|length| manner.tells_length(head.status, *length == 0));
    told.map_or(Length::Unsaid, Length::Bytes)
}

/// Appends the whole head, in httpd's order.
pub(super) fn head(text: &mut BytesMut, head: &Heading, manner: Manner) {
    status_line(text, head);
    text.extend_from_slice(b"Date: ");
    text.extend_from_slice(&date());
    text.extend_from_slice(b"\r\n");
    if !head.server.is_empty() {
        field(text, b"Server: ", head.server.as_bytes());
    }
    fields(text, head, manner);
    text.extend_from_slice(b"\r\n");
}

fn fields(text: &mut BytesMut, head: &Heading, manner: Manner) {
    let mut says = Says::default();
    for (name, value) in head.fields.iter() {
        let leaves = match Special::of(name) {
            None => true,
            Some(Special::Ours) => false,
            Some(Special::Connection) => {
                says.connection = manner.after == After::Close && has_token(value, b"close");
                says.connection
            }
            Some(Special::Length) => {
                says.length = true;
                manner.tells_length(head.status, value == b"0")
            }
        };
        if leaves {
            line(text, name, value);
        }
    }
    let known = manner.known.filter(|_| !says.length);
    if let Some(length) = known.filter(|length| manner.tells_length(head.status, *length == 0)) {
        let mut digits = itoa::Buffer::new();
        field(text, b"Content-Length: ", digits.format(length).as_bytes());
    }
    if !says.connection {
        connection(text, manner.after);
    }
    if manner.end == End::Chunks {
        text.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    if !is_bodiless(head.status) {
        about_body(text, head);
    }
}

/// What is said about a body comes last.
fn about_body(text: &mut BytesMut, head: &Heading) {
    if let Some(kind) = head.content_type.as_ref().filter(|kind| !kind.is_empty()) {
        field(text, b"Content-Type: ", kind);
    }
    for (name, value) in head.described.iter() {
        line(text, name, value);
    }
}

/// What has been said already.
#[derive(Default)]
struct Says {
    connection: bool,
    length: bool,
}

impl Manner {
    /// Whether this length is said. Asked for a head alone nobody has made a body, and 0 would say
    /// nothing of its length.
    fn tells_length(self, status: StatusCode, is_nothing: bool) -> bool {
        match self.end {
            End::Length(_) => true,
            End::Chunks | End::Close => false,
            End::Bodiless => !is_bodiless(status) && !is_nothing,
        }
    }
}

/// Fields that do not simply leave.
enum Special {
    Connection,
    Length,
    /// What only the connection itself can say.
    Ours,
}

impl Special {
    fn of(name: &[u8]) -> Option<Self> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"Date") => Some(Self::Ours),
            6 if is(b"Server") => Some(Self::Ours),
            10 if is(b"Connection") => Some(Self::Connection),
            14 if is(b"Content-Length") => Some(Self::Length),
            17 if is(b"Transfer-Encoding") => Some(Self::Ours),
            _ => None,
        }
    }
}

fn status_line(text: &mut BytesMut, head: &Heading) {
    let forced = head.forces_version;
    text.extend_from_slice(if forced { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    text.extend_from_slice(head.status.as_str().as_bytes());
    let own = head.reason.as_deref();
    field(text, b" ", own.unwrap_or_else(|| reason(head.status)));
}

/// What httpd calls a status.
fn reason(status: StatusCode) -> &'static [u8] {
    let usual = || status.canonical_reason().unwrap_or("Unknown Reason");
    match status {
        StatusCode::NON_AUTHORITATIVE_INFORMATION => b"Non-Authoritative Information",
        StatusCode::PAYLOAD_TOO_LARGE => b"Request Entity Too Large",
        StatusCode::URI_TOO_LONG => b"Request-URI Too Long",
        StatusCode::RANGE_NOT_SATISFIABLE => b"Requested Range Not Satisfiable",
        StatusCode::IM_A_TEAPOT | StatusCode::TOO_EARLY => b"Unknown Reason",
        _ => usual().as_bytes(),
    }
}

fn connection(text: &mut BytesMut, after: After) {
    match after {
        After::Stay => {}
        After::Close => text.extend_from_slice(b"Connection: close\r\n"),
        After::StayAsAsked(seconds, left) => {
            let mut digits = itoa::Buffer::new();
            text.extend_from_slice(b"Keep-Alive: timeout=");
            text.extend_from_slice(digits.format(seconds).as_bytes());
            if let Some(left) = left {
                text.extend_from_slice(b", max=");
                text.extend_from_slice(digits.format(left).as_bytes());
            }
            text.extend_from_slice(b"\r\nConnection: Keep-Alive\r\n");
        }
    }
}

fn line(text: &mut BytesMut, name: &[u8], value: &[u8]) {
    text.extend_from_slice(name);
    field(text, b": ", value);
}

fn field(text: &mut BytesMut, before: &[u8], value: &[u8]) {
    text.extend_from_slice(before);
    // Whoever adds a field sees to it; but where one did not, an answer would become two.
    if memchr3(b'\r', b'\n', 0, value).is_none() {
        text.extend_from_slice(value);
    } else {
        let harmless = |b: &u8| {
            if matches!(b, b'\r' | b'\n' | 0) {
                b' '
            } else {
                *b
            }
        };
        text.extend(value.iter().map(harmless));
    }
    text.extend_from_slice(b"\r\n");
}

/// The present second, as `Date` says it.
fn date() -> [u8; 29] {
    const NONE: (u64, [u8; 29]) = (u64::MAX, [0; 29]);
    thread_local!(static DATE: Cell<(u64, [u8; 29])> = const { Cell::new(NONE) });
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let second = since.map_or(0, |since| since.as_secs());
    DATE.with(|cell| {
        let (known, text) = cell.get();
        if known == second {
            return text;
        }
        let mut text = [b' '; 29];
        let written = http_date(now);
        for (to, from) in text.iter_mut().zip(written.bytes()) {
            *to = from;
        }
        cell.set((second, text));
        text
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::{super::Outgoing, *};

    const ASKED: Asked = Asked {
        head_only: false,
        knows_chunks: true,
    };

    const HEAD: Asked = Asked {
        head_only: true,
        knows_chunks: true,
    };

    fn heading(status: u16, fields: &[(&'static str, &'static str)]) -> Box<Heading> {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let mut head = Outgoing::from(response.body(()).unwrap()).head;
        head.server = "x";
        head
    }

    /// Without its date.
    fn written(head: &Heading, known: Option<u64>, asked: Asked, after: After) -> String {
        let mut text = BytesMut::new();
        let end = end(head, known, asked);
        let manner = Manner { end, known, after };
        super::head(&mut text, head, manner);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let (before, rest) = text.split_once("Date: ").unwrap();
        assert!(rest[..31].ends_with(" GMT\r\n"), "{rest}");
        let rest = rest[31..].strip_prefix("Server: x\r\n").unwrap();
        format!("{before}{rest}")
    }

    #[test]
    fn no_value_makes_two_answers_of_one() {
        let mut head = heading(200, &[]);
        head.reason = Some(Bytes::from_static(b"OK\nX-A: 1"));
        head.content_type = Some(Bytes::from_static(b"text/plain\r\n\r\n<b>"));
        head.fields.add(b"X-B", b"1\r\nX-C: \x002");
        let text = written(&head, Some(0), ASKED, After::Stay);
        let lines: Vec<_> = text.split("\r\n").collect();
        let expected = [
            "HTTP/1.1 200 OK X-A: 1",
            "X-B: 1  X-C:  2",
            "Content-Length: 0",
            "Content-Type: text/plain    <b>",
            "",
            "",
        ];
        assert_eq!(lines, expected);
        assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
    }

    #[test]
    fn a_body_ends_where_the_client_is_told() {
        let end = |status, fields: &[_], known, asked| end(&heading(status, fields), known, asked);
        let length = [("content-length", "5")];
        assert_eq!(end(200, &length, None, ASKED), End::Length(5));
        assert_eq!(end(200, &[], Some(6), ASKED), End::Length(6));
        assert_eq!(end(200, &[], None, ASKED), End::Chunks);
        let old = Asked {
            knows_chunks: false,
            ..ASKED
        };
        assert_eq!(end(200, &[], None, old), End::Close);
        assert_eq!(end(200, &length, None, HEAD), End::Bodiless);
        assert_eq!(end(204, &[], Some(0), ASKED), End::Bodiless);
        assert_eq!(end(304, &length, None, ASKED), End::Bodiless);
    }

    #[test]
    fn heads_are_written_as_httpd_writes_them() {
        let fields = [
            ("content-type", "a/b"),
            ("etag", "\"1\""),
            ("x-a", "1"),
            ("x-a", "2"),
            ("connection", "x"),
        ];
        let ordinary = written(&heading(200, &fields), None, ASKED, After::Stay);
        assert_eq!(
            ordinary,
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\nContent-Type: a/b\r\n\r\n"
        );
        let mut own = heading(404, &[]);
        own.reason = Some("Gone \u{e9}".into());
        assert_eq!(
            written(&own, Some(3), ASKED, After::Close),
            "HTTP/1.1 404 Gone \u{e9}\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        );
        let asked = After::StayAsAsked(5, Some(99));
        let stays = written(&heading(599, &[]), Some(0), ASKED, asked);
        assert_eq!(
            stays,
            "HTTP/1.1 599 Unknown Reason\r\nContent-Length: 0\r\nKeep-Alive: timeout=5, max=99\r\nConnection: Keep-Alive\r\n\r\n"
        );
        let nothing = written(&heading(204, &[]), Some(0), ASKED, After::Stay);
        assert_eq!(nothing, "HTTP/1.1 204 No Content\r\n\r\n");
    }

    #[test]
    fn what_is_not_sent_is_announced_as_httpd_does() {
        let of_head = |known| written(&heading(200, &[]), known, HEAD, After::Stay);
        assert_eq!(
            of_head(Some(7)),
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
        );
        assert_eq!(of_head(Some(0)), "HTTP/1.1 200 OK\r\n\r\n");
        let none = heading(200, &[("content-length", "0")]);
        assert_eq!(
            written(&none, None, HEAD, After::Stay),
            "HTTP/1.1 200 OK\r\n\r\n"
        );
        let fields = [
            ("x-a", "1"),
            ("vary", "b"),
            ("content-type", "a/b"),
            ("etag", "c"),
        ];
        assert_eq!(
            written(&heading(304, &fields), None, ASKED, After::Stay),
            "HTTP/1.1 304 Not Modified\r\nX-A: 1\r\nVary: b\r\nETag: c\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_says_once_that_the_connection_ends() {
        let mut head = heading(200, &[("content-length", "1")]);
        head.fields.add(b"connection", b"close");
        head.fields.add(b"X", b"y");
        let text = written(&head, None, ASKED, After::Close);
        assert!(
            text.ends_with("Content-Length: 1\r\nconnection: close\r\nX: y\r\n\r\n"),
            "{text}"
        );
    }
}
