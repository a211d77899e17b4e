//! The client's half: `http::Request` to FORWARD_REQUEST, SEND_HEADERS to `http::Response`.

use std::fmt;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode};

use crate::error::{Error, ErrorKind};
use crate::facts::Reason;
use crate::wire::{self, ResponsePacket, SendHeaders};

/// The coded names of response headers, in the order of their codes.
static CODED: [HeaderName; 11] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::DATE,
    header::LAST_MODIFIED,
    header::LOCATION,
    header::SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
    HeaderName::from_static("servlet-engine"),
    HeaderName::from_static("status"),
    header::WWW_AUTHENTICATE,
];

/// Room for what web servers add (`Server`, `Date`, a cookie), so that the map need not grow.
const HEADROOM: usize = 3;

/// The head of a response whose values share the memory of `packet`, and the length of the body
/// that it announces.
///
/// # Errors
/// [`ErrorKind::Response`] for a name or value that HTTP does not allow: above all for CR, LF
/// and other control characters, by which a response could be split in two.
///
/// The same when two lengths differ: nobody could say where the response ends.
pub(crate) fn response_head(
    packet: &Bytes,
    head: &SendHeaders<'_>,
) -> Result<(Parts, Option<u64>), Error> {
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.headers = HeaderMap::with_capacity(head.headers.len() + HEADROOM);
    let mut length = None;
    for field in head.headers.iter() {
        let (name, value) = convert(packet, &field)?;
        if name == header::CONTENT_LENGTH {
            length = Some(same_length(length, value.as_bytes())?);
        }
        parts
            .headers
            .try_append(name, value)
            .map_err(|_| refused("too many headers"))?;
    }
    parts.status = status(head)?;
    if let Some(reason) = unusual_reason(parts.status, head.reason) {
        let reason = HeaderValue::from_maybe_shared(packet.slice_ref(reason))
            .map_err(|_| refused("the reason phrase holds a control character"))?;
        let reason = Bytes::copy_from_slice(reason.as_bytes());
        parts.extensions.insert(Reason(reason.into()));
    }
    Ok((parts, length))
}

/// The packet of a head, whose fields are as the container sent them: names in their case, in order,
/// with whatever is in their values.
#[derive(Clone)]
pub struct HeadPacket(Bytes);

impl From<Bytes> for HeadPacket {
    fn from(payload: Bytes) -> Self {
        Self(payload)
    }
}

impl HeadPacket {
    /// The payload: names that are no codes, and all values, lie in it.
    pub fn payload(&self) -> &Bytes {
        &self.0
    }

    /// What it says.
    pub fn head(&self) -> Option<SendHeaders<'_>> {
        match ResponsePacket::decode(&self.0) {
            Ok(ResponsePacket::SendHeaders(head)) => Some(head),
            _ => None,
        }
    }
}

impl fmt::Debug for HeadPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head().fmt(f)
    }
}

/// The same without the fields, of which only the announced length is looked at. As lenient as
/// `strtoll`: there may be blanks around the digits, and a plus in front of them.
///
/// # Errors
/// [`ErrorKind::Response`] for a length that is no number, two lengths that differ, and a status
/// that HTTP does not have.
pub(crate) fn bare_head(head: &SendHeaders<'_>) -> Result<(Parts, Option<u64>), Error> {
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = status(head)?;
    let is_length = |field: &wire::Header<'_>| match field.code() {
        Some(code) => code == CONTENT_LENGTH,
        None => field.name.eq_ignore_ascii_case(b"content-length"),
    };
    let mut length = None;
    for field in head.headers.iter().filter(is_length) {
        let digits = field.value.trim_ascii();
        length = Some(same_length(
            length,
            digits.strip_prefix(b"+").unwrap_or(digits),
        )?);
    }
    Ok((parts, length))
}

/// Its place in the table.
const CONTENT_LENGTH: u8 = 3;

fn convert(packet: &Bytes, field: &wire::Header<'_>) -> Result<(HeaderName, HeaderValue), Error> {
    let known = field
        .code()
        .and_then(|code| usize::from(code).checked_sub(1));
    let name = match known.and_then(|index| CODED.get(index)) {
        Some(name) => name.clone(),
        None => HeaderName::from_bytes(field.name).map_err(|_| bad_name(field.name))?,
    };
    let value = HeaderValue::from_maybe_shared(packet.slice_ref(field.value))
        .map_err(|_| bad_value(&name))?;
    Ok((name, value))
}

fn status(head: &SendHeaders<'_>) -> Result<StatusCode, Error> {
    StatusCode::from_u16(head.status).map_err(|_| refused("the status has not three digits"))
}

/// What a `Content-Length` header announces: as much as the one before it, if there was one.
fn same_length(known: Option<u64>, value: &[u8]) -> Result<u64, Error> {
    let length = number(value).ok_or_else(|| refused("invalid Content-Length"))?;
    if known.is_some_and(|other| other != length) {
        return Err(refused("two different Content-Length headers"));
    }
    Ok(length)
}

fn number(digits: &[u8]) -> Option<u64> {
    let only_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| only_digits)?
        .parse()
        .ok()
}

/// A reason worth keeping: neither empty, nor the phrase that belongs to the status, nor the
/// status as text, which is all that Tomcat sends.
fn unusual_reason(status: StatusCode, reason: Option<&[u8]>) -> Option<&[u8]> {
    let reason = reason?;
    let canonical = status.canonical_reason().unwrap_or_default().as_bytes();
    let usual = reason.is_empty() || reason == canonical || reason == status.as_str().as_bytes();
    (!usual).then_some(reason)
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Response).because(why)
}

fn bad_name(name: &[u8]) -> Error {
    let shown = name
        .get(..name.len().min(64))
        .unwrap_or(name)
        .escape_ascii();
    Error::new(ErrorKind::Response).because(format!("`{shown}` is no header name"))
}

fn bad_value(name: &HeaderName) -> Error {
    Error::new(ErrorKind::Response).because(format!("header {name} holds a control character"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{PacketSize, SendHeadersWriter};
    use bytes::BytesMut;

    fn head(status: u16, reason: &[u8], fields: &[(&str, &str)]) -> Result<Parts, Error> {
        head_and_length(status, reason, fields).map(|(parts, _)| parts)
    }

    fn head_and_length(
        status: u16,
        reason: &[u8],
        fields: &[(&str, &str)],
    ) -> Result<(Parts, Option<u64>), Error> {
        let mut packet = BytesMut::new();
        let mut writer =
            SendHeadersWriter::begin(&mut packet, PacketSize::DEFAULT, status, Some(reason));
        for (name, value) in fields {
            writer.header(name.as_bytes(), value.as_bytes());
        }
        writer.finish().unwrap();
        let payload = packet.freeze().slice(4..);
        let ResponsePacket::SendHeaders(head) = ResponsePacket::decode(&payload).unwrap() else {
            panic!("a head was written");
        };
        response_head(&payload, &head)
    }

    #[test]
    fn coded_names_mean_what_the_table_says() {
        let fields: Vec<_> = wire::RESPONSE_HEADERS
            .map(|name| match name {
                "Content-Length" => (name, "7"),
                name => (name, name),
            })
            .into();
        let parts = head(200, b"OK", &fields).unwrap();
        assert_eq!(parts.headers.len(), 11);
        for (name, value) in &parts.headers {
            let expected = match name.as_str() {
                "content-length" => "7",
                name => name,
            };
            assert!(value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()));
        }
    }

    #[test]
    fn repeated_headers_keep_their_order() {
        let fields = [
            ("Set-Cookie", "a"),
            ("X", "y"),
            ("set-cookie", "b"),
            ("SET-COOKIE", "c"),
        ];
        let parts = head(200, b"200", &fields).unwrap();
        let cookies: Vec<_> = parts.headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a", "b", "c"]);
    }

    #[test]
    fn only_an_unusual_reason_is_kept() {
        for (reason, kept) in [("", false), ("200", false), ("OK", false), ("Fine", true)] {
            let parts = head(200, reason.as_bytes(), &[]).unwrap();
            assert_eq!(
                parts.extensions.get::<Reason>().is_some(),
                kept,
                "{reason:?}"
            );
        }
        assert_eq!(
            head(200, b"a\r\nb: c", &[]).unwrap_err().kind(),
            ErrorKind::Response
        );
    }

    #[test]
    fn a_bare_head_is_as_it_came() {
        let mut packet = BytesMut::new();
        let mut writer = SendHeadersWriter::begin(&mut packet, PacketSize::DEFAULT, 200, None);
        writer.header(b"x-Odd", b"a\x01b");
        writer.header(b"content-length", b" +05 ");
        writer.finish().unwrap();
        let packet = HeadPacket::from(packet.freeze().slice(4..));
        let head = packet.head().unwrap();
        let (parts, length) = bare_head(&head).unwrap();
        assert_eq!((length, parts.headers.len()), (Some(5), 0));
        let fields: Vec<_> = head.headers.iter().map(|f| (f.name, f.value)).collect();
        let expected = [
            (&b"x-Odd"[..], &b"a\x01b"[..]),
            (b"Content-Length", b" +05 "),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn content_lengths_must_agree() {
        let length = |values: &[&str]| {
            let fields: Vec<_> = values
                .iter()
                .map(|value| ("Content-Length", *value))
                .collect();
            head_and_length(200, b"OK", &fields)
                .map(|(_, length)| length)
                .map_err(|e| e.kind())
        };
        assert_eq!(length(&[]), Ok(None));
        assert_eq!(length(&["7", "7"]), Ok(Some(7)));
        for wrong in [
            &["7", "8"][..],
            &[""],
            &["+7"],
            &["7 "],
            &["7, 7"],
            &["18446744073709551616"],
        ] {
            assert_eq!(length(wrong), Err(ErrorKind::Response), "{wrong:?}");
        }
    }
}
