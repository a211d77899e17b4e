//! Parts of an answer: `Range`, where httpd would have all of the answer before its head leaves.

use http::StatusCode;
use jkworkers::model::RangeLimits;

use crate::{
    answer::Answer,
    headers::Rules,
    http1::{Fields, Head, Heading, Outgoing},
    rescue::Stumble,
    static_files::{self, Part, Piece, Ranges},
};

/// The parts that the client asks for, where that makes sense. `is_head`: it wants the head alone,
/// also of a page that is asked for in another way.
///
/// # Errors
///
/// 416 where there are none of them.
pub(crate) fn take(
    mut response: Outgoing<Answer>,
    (request, is_head): (&Head, bool),
    rules: Rules<'_>,
) -> Result<Outgoing<Answer>, Stumble> {
    let head = &mut response.head;
    if head.status != StatusCode::OK {
        return Ok(response);
    }
    let Some(range) = request.headers.joined("range") else {
        return Ok(response);
    };
    if is_partial(head) || !is_current(head, &request.headers) {
        return Ok(response);
    }
    let sends = !is_head;
    let Some(whole) = response.body.whole(sends) else {
        return Ok(response);
    };
    match static_files::wanted_parts(&range, whole, limits(rules)) {
        Ranges::Whole => {}
        Ranges::Nothing => {
            // It was given as a whole, and nobody left it.
            response.body.cut(Vec::new());
            return Err(Stumble::NoSuchPart);
        }
        Ranges::Parts(parts) => {
            let pieces = cut(head, whole, &parts);
            let length = static_files::length(&pieces);
            head.fields
                .set(b"Content-Length", length.to_string().as_bytes());
            head.length = Some(length);
            head.status = StatusCode::PARTIAL_CONTENT;
            head.reason = None;
            response.body.cut(pieces);
        }
    }
    Ok(response)
}

/// `MaxRanges` and its relatives, of the last section about the request that says anything.
fn limits(Rules { host, asked }: Rules<'_>) -> RangeLimits {
    let own = host.settings.files.ranges;
    asked.map_or(own, |asked| host.files_about(asked).ranges)
}

/// Whether it is a part already, as far as its fields say so: not its type, which httpd keeps apart.
fn is_partial(head: &Heading) -> bool {
    let kind = head.fields.get("Content-Type");
    let parts = [&b"multipart/byteranges"[..], b"multipart/x-byteranges"];
    let begins = |kind: &[u8], with: &[u8]| {
        let start = kind.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    head.fields.contains("Content-Range")
        || kind.is_some_and(|kind| parts.iter().any(|with| begins(kind, with)))
}

/// `If-Range`: whether the answer is still the one of which the client has a part.
fn is_current(head: &Heading, asked: &Fields) -> bool {
    let Some(condition) = asked.get("if-range").filter(|_| asked.contains("range")) else {
        return true;
    };
    if condition.starts_with(b"\"") {
        return head.fields.get("ETag") == Some(condition);
    }
    let modified = head.fields.get("Last-Modified");
    static_files::is_date_of(condition, modified)
}

/// The pieces that are sent in place of a body of this length: a part by itself, or several with a
/// head for each (RFC 9110, section 14.6).
fn cut(head: &mut Heading, all: u64, parts: &[Part]) -> Vec<Piece> {
    if let [part] = parts {
        let range = format!("bytes {}-{}/{all}", part.first, part.last);
        head.fields.set(b"Content-Range", range.as_bytes());
        return vec![Piece::Part(*part)];
    }
    let boundary = static_files::boundary();
    let kind = head.content_type.as_deref().filter(|kind| !kind.is_empty());
    let kind = kind.map(String::from_utf8_lossy);
    let kind = kind
        .map(|kind| format!("Content-type: {kind}\r\n"))
        .unwrap_or_default();
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    for part in parts {
        let Part { first, last } = part;
        let text =
            format!("\r\n--{boundary}\r\n{kind}Content-range: bytes {first}-{last}/{all}\r\n\r\n");
        pieces.extend([Piece::Text(text.into()), Piece::Part(*part)]);
    }
    let end = format!("\r\n--{boundary}--\r\n");
    pieces.push(Piece::Text(end.into()));
    let kind = format!("multipart/byteranges; boundary={boundary}");
    head.content_type = Some(kind.into());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sent_of_what_the_client_has_begun() {
        let mut head = Heading::default();
        head.fields.add(b"ETag", b"\"a\"");
        head.fields
            .add(b"Last-Modified", b"Mon, 01 Jan 2001 00:00:00 GMT");
        for (condition, expected) in [
            ("\"a\"", true),
            ("\"x\", \"a\"", false),
            ("W/\"a\"", false),
            ("Mon, 01 Jan 2001 00:00:00 GMT", true),
            ("Sun, 31 Dec 2000 00:00:00 GMT", false),
            ("", false),
            ("*", false),
        ] {
            let mut asked = Fields::default();
            asked.add(b"Range", b"bytes=0-1");
            assert!(is_current(&head, &asked));
            asked.add(b"If-Range", condition.as_bytes());
            assert_eq!(is_current(&head, &asked), expected, "{condition}");
        }
    }
}
