//! Parts of HTTP/1 with texts in and out, for tries with arbitrary input.

use ajp13::HeadPacket;
use bytes::{Bytes, BytesMut};
use http::StatusCode;

use super::{
    BodyLength, Head, Heading,
    chunked::{Chunks, Step},
    parse,
    scan::{Bounds, Scan},
    write::{self, After, Asked, End, Manner},
};
use crate::{response, strict::Refusal};

/// What a head and the lines of chunks may take.
const BOUNDS: Bounds = Bounds {
    line: 200,
    fields: 8,
    field: 100,
};

/// What became of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It has not ended.
    More,
    /// It is refused with this status, for this reason.
    Refused(u16, String),
    /// It is one.
    Head(Box<ReadHead>),
}

/// A head that is a request's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadHead {
    /// Where its request line begins.
    pub begin: usize,
    /// Where its body begins.
    pub end: usize,
    /// The method.
    pub method: String,
    /// The target as it was written.
    pub target: Vec<u8>,
    /// Its path.
    pub path: Vec<u8>,
    /// Its query.
    pub query: Option<Vec<u8>>,
    /// The last digit of the version.
    pub minor: u8,
    /// The fields in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// How long its body is.
    pub body: Framed,
    /// Whether another request may follow.
    pub persists: bool,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed {
    /// There is none.
    None,
    /// As long as `Content-Length` says.
    Known(u64),
    /// As long as its chunks.
    Chunked,
}

/// A head that begins so, or what stands for it where it is none: logs tell of both.
pub(crate) fn any_head(input: &[u8]) -> Head {
    const BOUNDS: Bounds = Bounds {
        line: 8190,
        fields: 100,
        field: 8190,
    };
    let mut scan = Scan::default();
    match scan.go_on(input, &BOUNDS) {
        Ok(None) => parse::unreadable(scan.text(input), Refusal::Late),
        Err(refusal) => parse::unreadable(scan.text(input), refusal),
        Ok(Some(whole)) => {
            let text = input.get(whole.begin..whole.end).unwrap_or_default();
            parse::head(Bytes::copy_from_slice(text), whole.lines)
        }
    }
}

/// Reads a head that comes in pieces, which end at `cuts` and at the end of `input`.
pub fn head(input: &[u8], cuts: &[usize]) -> Judged {
    let mut scan = Scan::default();
    for end in cuts.iter().chain([&input.len()]) {
        let here = input.get(..*end).unwrap_or(input);
        match scan.go_on(here, &BOUNDS) {
            Ok(None) => {}
            Err(refusal) => {
                let head = parse::unreadable(scan.text(here), refusal);
                debug_assert!(head.framing().is_err());
                return Judged::Refused(refusal.status().as_u16(), refusal.to_string());
            }
            Ok(Some(whole)) => {
                let text = here.get(whole.begin..whole.end).unwrap_or_default();
                let head = parse::head(Bytes::copy_from_slice(text), whole.lines);
                return judged(&head, whole.begin, whole.end);
            }
        }
    }
    Judged::More
}

fn judged(head: &Head, begin: usize, end: usize) -> Judged {
    let framing = match head.framing() {
        Ok(framing) => framing,
        Err(refusal) => return Judged::Refused(refusal.status().as_u16(), refusal.to_string()),
    };
    let minor = head.protocol().bytes().last().unwrap_or_default();
    Judged::Head(Box::new(ReadHead {
        begin,
        end,
        method: head.method.to_string(),
        target: head.target().to_vec(),
        path: head.path().to_vec(),
        query: head.query().map(<[u8]>::to_vec),
        minor: minor.wrapping_sub(b'0'),
        fields: (head.fields())
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect(),
        body: match framing.body {
            BodyLength::None => Framed::None,
            BodyLength::Known(length) => Framed::Known(length),
            BodyLength::Chunked => Framed::Chunked,
        },
        persists: framing.persists,
    }))
}

/// What became of a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunked {
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// How it ended.
    pub end: ChunkedEnd,
}

/// How a chunked body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkedEnd {
    /// With its last chunk; this is what followed.
    Whole(Vec<u8>),
    /// Not yet.
    More,
    /// It is broken.
    Bad,
}

/// Reads a chunked body that comes in pieces, which end at `cuts` and at the end of `input`.
pub fn chunks(input: &[u8], cuts: &[usize]) -> Chunked {
    let (mut chunks, mut body, mut begin) = (Chunks::new(), Vec::new(), 0);
    let mut buffer = BytesMut::new();
    for end in cuts.iter().chain([&input.len()]) {
        buffer.extend_from_slice(input.get(begin..*end).unwrap_or_default());
        begin = *end;
        loop {
            let end = match chunks.next(&mut buffer, &BOUNDS) {
                Ok(Step::Data(data)) => {
                    body.extend_from_slice(&data);
                    continue;
                }
                Ok(Step::More) => break,
                Ok(Step::End) => {
                    buffer.extend_from_slice(input.get(begin..).unwrap_or_default());
                    ChunkedEnd::Whole(buffer.to_vec())
                }
                Err(_) => ChunkedEnd::Bad,
            };
            return Chunked { body, end };
        }
    }
    Chunked {
        body,
        end: ChunkedEnd::More,
    }
}

/// The head of an answer to a client of HTTP/1.1, from the payload of a backend's SEND_HEADERS.
/// `None` where a client gets an error instead.
pub fn answer(payload: &[u8]) -> Option<Vec<u8>> {
    let packet = HeadPacket::from(Bytes::copy_from_slice(payload));
    let status = packet.head()?.status;
    let status = StatusCode::from_u16(status).ok()?;
    let heading: Box<Heading> = response::heading(&packet, status).ok()?;
    let asked = Asked {
        head_only: false,
        knows_chunks: true,
    };
    let manner = Manner {
        end: write::end(&heading, None, asked),
        known: None,
        after: if heading.closes {
            After::Close
        } else {
            After::Stay
        },
    };
    let mut text = BytesMut::new();
    write::head(&mut text, &heading, manner);
    debug_assert!(manner.end != End::Close);
    Some(text.to_vec())
}
