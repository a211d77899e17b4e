//! [`http::Response`] to `SEND_HEADERS`.

use bytes::BytesMut;
use http::header::{self, HeaderName};
use http::{StatusCode, response};

use crate::facts::Reason;
use crate::wire::{PacketSize, SendHeadersWriter, TooLarge};

/// What the head of a response says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResponseHead {
    /// Whether a body may follow; not after HEAD, 204, 205, 304.
    pub(crate) has_body: bool,
    /// The `Content-Length` that the service set, for the body it sends.
    pub(crate) content_length: Option<u64>,
}

/// Appends the packet for a response whose body has exactly `body_length` bytes, if it knows.
///
/// Headers of the connection are left out: they would speak about a connection that the web
/// server, not this side, has with the browser. A missing `Content-Length` is added when it is
/// known. `Err` when the headers do not fit a packet, with the buffer as it was.
pub(crate) fn write_head(
    buffer: &mut BytesMut,
    size: PacketSize,
    parts: &response::Parts,
    head_only: bool,
    body_length: Option<u64>,
) -> Result<ResponseHead, TooLarge> {
    let has_body = !head_only && may_have_body(parts.status);
    let declared = declared_length(parts);
    let reason = reason(parts);
    let mut writer = SendHeadersWriter::begin(buffer, size, parts.status.as_u16(), Some(reason));
    for (name, value) in &parts.headers {
        if is_forwarded(name) && (*name != header::CONTENT_LENGTH || declared.is_some()) {
            writer.header(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    let added = body_length.filter(|&length| {
        declared.is_none() && (has_body || (head_only && length > 0 && may_have_body(parts.status)))
    });
    if let Some(length) = added {
        writer.header(b"Content-Length", length.to_string().as_bytes());
    }
    writer.finish()?;
    Ok(ResponseHead {
        has_body,
        content_length: declared.or(added).filter(|_| has_body),
    })
}

fn may_have_body(status: StatusCode) -> bool {
    !matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    )
}

/// The one `Content-Length`, if there is one and it is a number.
fn declared_length(parts: &response::Parts) -> Option<u64> {
    let mut values = parts.headers.get_all(header::CONTENT_LENGTH).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    value.parse().ok()
}

fn reason(parts: &response::Parts) -> &[u8] {
    let own = parts
        .extensions
        .get::<Reason>()
        .map(|reason| reason.0.as_bytes());
    let is_line = |reason: &&[u8]| !reason.is_empty() && !reason.iter().any(u8::is_ascii_control);
    let canonical = || parts.status.canonical_reason().map(str::as_bytes);
    own.filter(is_line)
        .or_else(canonical)
        .unwrap_or_else(|| parts.status.as_str().as_bytes())
}

/// Whether a header is about the message rather than the connection.
fn is_forwarded(name: &HeaderName) -> bool {
    !matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
    ) && !matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;
    use crate::wire::{ResponsePacket, SendHeaders, frame};

    fn written(
        response: Response<()>,
        head_only: bool,
        length: Option<u64>,
    ) -> (BytesMut, ResponseHead) {
        let mut buffer = BytesMut::new();
        let (parts, ()) = response.into_parts();
        let head = write_head(&mut buffer, PacketSize::DEFAULT, &parts, head_only, length).unwrap();
        (buffer, head)
    }

    fn decoded(buffer: &BytesMut) -> SendHeaders<'_> {
        match ResponsePacket::decode(&buffer[frame::HEADER..]).unwrap() {
            ResponsePacket::SendHeaders(headers) => headers,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn headers_of_the_connection_stay_behind() {
        let response = Response::builder()
            .header("connection", "close")
            .header("transfer-encoding", "chunked")
            .header("keep-alive", "timeout=5")
            .header("x-own", "1")
            .body(())
            .unwrap();
        let (buffer, _) = written(response, false, None);
        let headers: Vec<_> = decoded(&buffer)
            .headers
            .iter()
            .map(|h| h.name.to_vec())
            .collect();
        assert_eq!(headers, [b"x-own"]);
    }

    #[test]
    fn a_known_length_is_announced() {
        let (buffer, head) = written(Response::new(()), false, Some(5));
        assert_eq!(
            decoded(&buffer).headers.get(b"content-length"),
            Some(&b"5"[..])
        );
        assert_eq!(
            head,
            ResponseHead {
                has_body: true,
                content_length: Some(5)
            }
        );
        let (buffer, head) = written(Response::new(()), true, Some(0));
        assert!(
            decoded(&buffer).headers.is_empty(),
            "an empty HEAD body says nothing"
        );
        assert_eq!(
            head,
            ResponseHead {
                has_body: false,
                content_length: None
            }
        );
    }

    #[test]
    fn a_length_that_is_no_number_is_not_announced() {
        for wrong in ["abc", "-1", "+1", "", "99999999999999999999"] {
            let response = Response::builder()
                .header("content-length", wrong)
                .body(())
                .unwrap();
            let (buffer, head) = written(response, false, None);
            assert!(decoded(&buffer).headers.is_empty(), "{wrong}");
            assert_eq!(head.content_length, None);
        }
        let twice = Response::builder()
            .header("content-length", "1")
            .header("content-length", "1");
        assert!(
            decoded(&written(twice.body(()).unwrap(), false, None).0)
                .headers
                .is_empty()
        );
    }

    #[test]
    fn statuses_without_body_have_none_announced_or_sent() {
        for status in [204, 205, 304] {
            let response = Response::builder().status(status).body(()).unwrap();
            let (buffer, head) = written(response, false, Some(10));
            assert!(decoded(&buffer).headers.is_empty());
            assert!(!head.has_body);
        }
    }

    #[test]
    fn the_reason_is_the_phrase_of_the_status_or_ones_own() {
        let reason = |response| {
            decoded(&written(response, false, None).0)
                .reason
                .map(<[u8]>::to_vec)
        };
        assert_eq!(reason(Response::new(())), Some(b"OK".to_vec()));
        let odd = Response::builder().status(299).body(()).unwrap();
        assert_eq!(reason(odd), Some(b"299".to_vec()));
        let own = Response::builder()
            .extension(Reason("Fine".into()))
            .body(())
            .unwrap();
        assert_eq!(reason(own), Some(b"Fine".to_vec()));
        let split = Response::builder()
            .extension(Reason("a\r\nb".into()))
            .body(())
            .unwrap();
        assert_eq!(reason(split), Some(b"OK".to_vec()));
    }

    #[test]
    fn headers_that_do_not_fit_leave_nothing_behind() {
        let response = Response::builder()
            .header("x-long", "x".repeat(8192))
            .body(())
            .unwrap();
        let (parts, ()) = response.into_parts();
        let mut buffer = BytesMut::from(&b"before"[..]);
        assert!(write_head(&mut buffer, PacketSize::DEFAULT, &parts, false, None).is_err());
        assert_eq!(&buffer[..], b"before");
    }
}
