//! Parts of an answer: `Range`, where httpd would have all of the answer before its head leaves.

use bytes::Bytes;
use http::{Method, StatusCode};
use jkworkers::model::RangeLimits;

use crate::{
    answer::Answer,
    headers::Rules,
    http1::{Fields, Head, Heading, Outgoing},
    rescue::Stumble,
    static_files::{self, Part, Ranges},
};

/// The parts that the client asks for, where that makes sense.
///
/// # Errors
///
/// 416 where there are none of them.
pub(crate) fn take(
    mut response: Outgoing<Answer>,
    request: &Head,
    rules: Rules<'_>,
) -> Result<Outgoing<Answer>, Stumble> {
    let head = &mut response.head;
    if head.extensions.get::<Cut>().is_some() {
        move_range_back(&mut head.fields);
    }
    // A file is there also where only its head is wanted.
    let has_body = request.method != Method::HEAD || response.body.is_compressed();
    if head.status != StatusCode::OK || !has_body {
        return Ok(response);
    }
    let Some(range) = request.headers.joined("range") else {
        return Ok(response);
    };
    if is_partial(head) || !is_current(head, &request.headers) {
        return Ok(response);
    }
    let Some(whole) = response.body.whole() else {
        return Ok(response);
    };
    let limits = limits(rules);
    match static_files::wanted_parts(&range, length(&whole), limits) {
        Ranges::Whole => {}
        Ranges::Nothing => {
            // It was given as a whole, and nobody left it.
            response.body.replace(Vec::new());
            return Err(Stumble::NoSuchPart);
        }
        Ranges::Parts(parts) => {
            let pieces = cut(head, &whole, &parts);
            let length: usize = pieces.iter().map(Bytes::len).sum();
            let digits = length.to_string();
            head.fields.set(b"Content-Length", digits.as_bytes());
            head.length = u64::try_from(length).ok();
            head.status = StatusCode::PARTIAL_CONTENT;
            head.reason = None;
            response.body.replace(pieces);
        }
    }
    Ok(response)
}

/// A file of which parts are taken already, although that comes after all that changes answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// The length of the whole, bytes.
    pub(crate) of: u64,
}

fn move_range_back(fields: &mut Fields) {
    if let Some(range) = fields.get("Content-Range").map(<[u8]>::to_vec) {
        fields.remove(b"Content-Range");
        fields.add(b"Content-Range", &range);
    }
}

/// `MaxRanges` and its relatives, of the last section about the request that says anything.
fn limits(Rules { host, asked }: Rules<'_>) -> RangeLimits {
    let own = host.settings.files.ranges;
    asked.map_or(own, |asked| host.files_about(asked).ranges)
}

fn length(whole: &Bytes) -> u64 {
    u64::try_from(whole.len()).unwrap_or(u64::MAX)
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

fn cut(head: &mut Heading, whole: &Bytes, parts: &[Part]) -> Vec<Bytes> {
    let piece = |part: &Part| {
        let first = usize::try_from(part.first).unwrap_or(usize::MAX);
        let last = usize::try_from(part.last).unwrap_or(usize::MAX);
        let is_there = first <= last && last < whole.len();
        if is_there {
            whole.slice(first..=last)
        } else {
            Bytes::new()
        }
    };
    let all = whole.len();
    if let [part] = parts {
        let range = format!("bytes {}-{}/{all}", part.first, part.last);
        head.fields.set(b"Content-Range", range.as_bytes());
        return vec![piece(part)];
    }
    let boundary = static_files::boundary();
    let kind = head
        .values("content-type")
        .next()
        .map(String::from_utf8_lossy);
    let kind = kind
        .map(|kind| format!("Content-type: {kind}\r\n"))
        .unwrap_or_default();
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    for part in parts {
        let Part { first, last } = part;
        let text =
            format!("\r\n--{boundary}\r\n{kind}Content-range: bytes {first}-{last}/{all}\r\n\r\n");
        pieces.extend([text.into(), piece(part)]);
    }
    pieces.push(format!("\r\n--{boundary}--\r\n").into());
    let kind = format!("multipart/byteranges; boundary={boundary}");
    head.content_type = Some(kind.into());
    pieces
}
