//! The head of an answer, as text.

use std::{cell::Cell, time::SystemTime};

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, StatusCode, header, response};
use hyper::ext::ReasonPhrase;

use super::framing::has_token;

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
pub(super) fn end(head: &response::Parts, known: Option<u64>, asked: Asked) -> End {
    if asked.head_only || is_bodiless(head.status) {
        return End::Bodiless;
    }
    match announced(&head.headers).or(known) {
        Some(length) => End::Length(length),
        None if asked.knows_chunks => End::Chunks,
        None => End::Close,
    }
}

/// Whether answers with this status have no body, whatever their fields say.
pub(super) const fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Whether the answer itself says that the connection ends.
pub(super) fn closes(headers: &HeaderMap) -> bool {
    // Hardly any answer says anything about it, and to pass by all names costs less than to look
    // this one up.
    let said = headers
        .iter()
        .filter(|(name, _)| *name == header::CONNECTION);
    said.map(|(_, value)| value)
        .any(|value| has_token(value.as_bytes(), b"close"))
}

/// Appends the whole head. `known` is the length of the body where no field says it.
pub(super) fn head(
    text: &mut BytesMut,
    head: &response::Parts,
    end: End,
    known: Option<u64>,
    after: After,
) {
    status_line(text, head);
    text.extend_from_slice(b"Date: ");
    text.extend_from_slice(&date());
    text.extend_from_slice(b"\r\n");
    for (name, value) in &head.headers {
        if !is_ours(name) {
            spell(text, name);
            field(text, b": ", value.as_bytes());
        }
    }
    let unsaid = known.filter(|_| !head.headers.contains_key(header::CONTENT_LENGTH));
    match (end, unsaid) {
        (End::Chunks, _) => text.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        // Asked for a head alone nobody has made a body, which says nothing of its length.
        (End::Close, _) | (_, None) | (End::Bodiless, Some(0)) => {}
        (End::Bodiless, Some(_)) if is_bodiless(head.status) => {}
        (_, Some(length)) => {
            let mut digits = itoa::Buffer::new();
            field(text, b"Content-Length: ", digits.format(length).as_bytes());
        }
    }
    connection(text, after);
    text.extend_from_slice(b"\r\n");
}

fn status_line(text: &mut BytesMut, head: &response::Parts) {
    text.extend_from_slice(b"HTTP/1.1 ");
    text.extend_from_slice(head.status.as_str().as_bytes());
    let own = head.extensions.get().map(ReasonPhrase::as_bytes);
    let usual = || {
        head.status
            .canonical_reason()
            .unwrap_or_default()
            .as_bytes()
    };
    field(text, b" ", own.unwrap_or_else(usual));
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

/// What only the connection itself can say.
fn is_ours(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION | header::TRANSFER_ENCODING | header::DATE
    )
}

fn field(text: &mut BytesMut, before: &[u8], value: &[u8]) {
    text.extend_from_slice(before);
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}

/// Writes a name as it is usually written.
fn spell(text: &mut BytesMut, name: &HeaderName) {
    let known: &[u8] = match *name {
        header::ETAG => b"ETag",
        header::WWW_AUTHENTICATE => b"WWW-Authenticate",
        header::TE => b"TE",
        // The others here are only quicker this way.
        header::CONTENT_TYPE => b"Content-Type",
        header::CONTENT_LENGTH => b"Content-Length",
        header::SERVER => b"Server",
        header::SET_COOKIE => b"Set-Cookie",
        header::CACHE_CONTROL => b"Cache-Control",
        _ => b"",
    };
    if !known.is_empty() {
        return text.extend_from_slice(known);
    }
    let start = text.len();
    text.extend_from_slice(name.as_str().as_bytes());
    let mut begins = true;
    for byte in text.iter_mut().skip(start) {
        if begins {
            byte.make_ascii_uppercase();
        }
        begins = *byte == b'-';
    }
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
        let written = httpdate::fmt_http_date(now);
        for (to, from) in text.iter_mut().zip(written.bytes()) {
            *to = from;
        }
        cell.set((second, text));
        text
    })
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    const ASKED: Asked = Asked {
        head_only: false,
        knows_chunks: true,
    };

    fn parts(status: u16, fields: &[(&'static str, &'static str)]) -> response::Parts {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        response.body(()).unwrap().into_parts().0
    }

    /// Without its date.
    fn written(parts: &response::Parts, known: Option<u64>, asked: Asked, after: After) -> String {
        let mut text = BytesMut::new();
        head(&mut text, parts, end(parts, known, asked), known, after);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let (before, rest) = text.split_once("Date: ").unwrap();
        assert!(rest[..31].ends_with(" GMT\r\n"), "{rest}");
        format!("{before}{}", &rest[31..])
    }

    #[test]
    fn a_body_ends_where_the_client_is_told() {
        let end = |status, fields: &[_], known, asked| end(&parts(status, fields), known, asked);
        let length = [("content-length", "5")];
        assert_eq!(end(200, &length, None, ASKED), End::Length(5));
        assert_eq!(end(200, &[], Some(6), ASKED), End::Length(6));
        assert_eq!(end(200, &[], None, ASKED), End::Chunks);
        let old = Asked {
            knows_chunks: false,
            ..ASKED
        };
        assert_eq!(end(200, &[], None, old), End::Close);
        let head_only = Asked {
            head_only: true,
            ..ASKED
        };
        assert_eq!(end(200, &length, None, head_only), End::Bodiless);
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
        let ordinary = written(&parts(200, &fields), None, ASKED, After::Stay);
        assert_eq!(
            ordinary,
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nETag: \"1\"\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let mut own = parts(404, &[]);
        own.extensions
            .insert(ReasonPhrase::try_from("Gone \u{e9}".as_bytes()).unwrap());
        let mut text = BytesMut::new();
        head(&mut text, &own, End::Length(3), Some(3), After::Close);
        assert!(text.starts_with("HTTP/1.1 404 Gone \u{e9}\r\n".as_bytes()));
        assert!(text.ends_with(b"Content-Length: 3\r\nConnection: close\r\n\r\n"));
        let asked = After::StayAsAsked(5, Some(99));
        let stays = written(&parts(599, &[]), Some(0), ASKED, asked);
        assert_eq!(
            stays,
            "HTTP/1.1 599 \r\nContent-Length: 0\r\nKeep-Alive: timeout=5, max=99\r\nConnection: Keep-Alive\r\n\r\n"
        );
        let nothing = written(&parts(204, &[]), Some(0), ASKED, After::Stay);
        assert_eq!(nothing, "HTTP/1.1 204 No Content\r\n\r\n");
        let head_only = Asked {
            head_only: true,
            ..ASKED
        };
        let of_head = written(&parts(200, &[]), Some(7), head_only, After::Stay);
        assert_eq!(of_head, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    }
}
