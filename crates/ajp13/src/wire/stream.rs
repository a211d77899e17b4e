//! Walks the recorded bytes of one direction of a connection, packet by packet.
//!
//! For tools and tests: a connection at work knows its own state and uses the decoders directly.
//!
//! # How DATA is told apart
//! A DATA packet has no type byte, and what makes it expected, GET_BODY_CHUNK, is in the other
//! direction. From the client's bytes alone the walk decides so, first rule that applies:
//!
//! 1. The packet after a FORWARD_REQUEST with a valid `content-length` above 0 is DATA.
//! 2. An empty payload, or the payload `00 00`, is the end of a body: no other packet looks so.
//! 3. A payload that is exactly a length and so many bytes is DATA, except where its first byte is
//!    a packet type and the request before it can have no body bytes left: none was announced, or
//!    fewer than these. A body of unknown length counts as endless, but a payload that is to its
//!    last byte a well-formed FORWARD_REQUEST is taken for one there.
//! 4. Anything else begins with a type byte.
//!
//! So only a body of unknown length that was made to look like a request head is misread, and DATA
//! with bytes after its end is not recognised unless it is the first one.
//!
//! ```
//! use ajp13::wire::frame::Direction;
//! use ajp13::wire::stream::{self, Secrets};
//!
//! let recorded = b"AB\x00\x04\x03\x00\x00\x00AB\x00\x02\x05\x01";
//! for item in stream::packets(Direction::Response, recorded) {
//!     println!("{}", item.show(Secrets::Redacted));
//!     item.verify()?;
//! }
//! # Ok::<(), stream::Mismatch>(())
//! ```

use std::fmt;

use bytes::BytesMut;

pub use show::{Secrets, Show};

use super::frame::{self, Direction};
use super::{Data, Error, ForwardRequest, PacketSize, RequestPacket, ResponsePacket};

mod show;

/// The packets of a recorded stream in order. A packet that is malformed inside does not stop the
/// walk; bytes that are no packet at all end it as one last item.
pub fn packets(direction: Direction, bytes: &[u8]) -> Packets<'_> {
    Packets {
        direction,
        rest: bytes,
        offset: 0,
        body: Body::default(),
    }
}

/// The iterator of [`packets`].
#[derive(Clone)]
pub struct Packets<'a> {
    direction: Direction,
    rest: &'a [u8],
    offset: usize,
    body: Body,
}

/// One packet of a recorded stream. `Debug` shows it without its secrets.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Item<'a> {
    /// Where the packet begins in the stream.
    pub offset: usize,
    /// All its bytes, frame header included.
    pub bytes: &'a [u8],
    /// What it is.
    pub content: Content<'a>,
}

/// What the bytes of an [`Item`] are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Content<'a> {
    /// A packet of the client.
    Request(RequestPacket<'a>),
    /// A packet of the container.
    Response(ResponsePacket<'a>),
    /// A packet whose payload is wrong; the walk goes on after it. With [`Error::BadMagic`] the
    /// bytes are all that is left of the stream.
    Malformed(Error),
    /// The stream ends in the middle of this packet.
    Incomplete,
}

/// Why a packet encoded again is not what was recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The packet cannot be decoded, hence not encoded.
    #[error("byte {offset}: {error}")]
    Malformed {
        /// Where the packet begins in the stream.
        offset: usize,
        /// What is wrong with it.
        error: Error,
    },
    /// The stream ends inside the packet.
    #[error("byte {offset}: the stream ends in the middle of a packet")]
    Incomplete {
        /// Where the packet begins in the stream.
        offset: usize,
    },
    /// A byte differs.
    #[error("byte {offset}: recorded {}, encoded {}", hex(*recorded), hex(*encoded))]
    Differs {
        /// Where the first differing byte is in the stream.
        offset: usize,
        /// The byte there; `None` when the recorded packet is shorter.
        recorded: Option<u8>,
        /// The byte of the new encoding; `None` when that is shorter.
        encoded: Option<u8>,
    },
}

impl Item<'_> {
    /// A description of one or more lines, without a line break at the end.
    pub const fn show(&self, secrets: Secrets) -> Show<'_> {
        Show::new(self, secrets)
    }

    /// Encodes the packet again and compares.
    ///
    /// # Errors
    /// The first byte that differs, or why it cannot be encoded. Some packets that are read well
    /// are not written so: bytes after the end of a packet other than DATA, a missing NUL, a flag
    /// that is neither 0 nor 1.
    pub fn verify(&self) -> Result<(), Mismatch> {
        let offset = self.offset;
        let mut again = BytesMut::with_capacity(self.bytes.len());
        let size = PacketSize::MAX;
        let limit = match &self.content {
            Content::Request(packet) => packet.encode(&mut again, size),
            Content::Response(packet) => packet.encode(&mut again, size),
            Content::Malformed(error) => {
                return Err(Mismatch::Malformed {
                    offset,
                    error: *error,
                });
            }
            Content::Incomplete => return Err(Mismatch::Incomplete { offset }),
        };
        limit.map_err(|too_large| {
            let error = Error::TooLong {
                length: self.bytes.len(),
                limit: too_large.limit,
            };
            Mismatch::Malformed { offset, error }
        })?;
        self.keep_surplus(&mut again);
        self.compare(&again)
    }

    /// Bytes after the announced ones of a DATA packet mean nothing, and some clients send a NUL
    /// there: they are written again as they are.
    fn keep_surplus(&self, again: &mut BytesMut) {
        if !matches!(
            self.content,
            Content::Request(RequestPacket::Data(Data::Bytes(_)))
        ) {
            return;
        }
        let Some(surplus) = self
            .bytes
            .get(again.len()..)
            .filter(|bytes| !bytes.is_empty())
        else {
            return;
        };
        again.extend_from_slice(surplus);
        let payload = again.len().saturating_sub(frame::HEADER);
        if let (Ok(length), Some(field)) = (u16::try_from(payload), again.get_mut(2..4)) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }

    fn compare(&self, again: &[u8]) -> Result<(), Mismatch> {
        let longer = self.bytes.len().max(again.len());
        let at = |bytes: &[u8], index: usize| bytes.get(index).copied();
        let differs = (0..longer).find(|&index| at(self.bytes, index) != at(again, index));
        match differs {
            None => Ok(()),
            Some(index) => Err(Mismatch::Differs {
                offset: self.offset + index,
                recorded: at(self.bytes, index),
                encoded: at(again, index),
            }),
        }
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.show(Secrets::Redacted), f)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (length, content) = match frame::split(self.direction, self.rest, frame::MAX_PAYLOAD) {
            Ok(Some(frame)) => (frame.packet_len(), self.decode(frame.payload)),
            Ok(None) => (self.rest.len(), Content::Incomplete),
            Err(error) => (self.rest.len(), Content::Malformed(error)),
        };
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        let item = Item {
            offset: self.offset,
            bytes,
            content,
        };
        self.rest = rest;
        self.offset += length;
        Some(item)
    }
}

impl fmt::Debug for Packets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            direction,
            rest,
            offset,
            ..
        } = self;
        write!(
            f,
            "Packets({direction:?} at {offset}, {} bytes left)",
            rest.len()
        )
    }
}

impl<'a> Packets<'a> {
    fn decode(&mut self, payload: &'a [u8]) -> Content<'a> {
        if self.direction == Direction::Response {
            return ResponsePacket::decode(payload)
                .map_or_else(Content::Malformed, Content::Response);
        }
        let packet = if self.body.expects(payload) {
            Data::decode(payload).map(RequestPacket::Data)
        } else {
            RequestPacket::decode(payload)
        };
        self.body.note(&packet);
        packet.map_or_else(Content::Malformed, Content::Request)
    }
}

/// What is known of the body of the request that was seen last.
#[derive(Clone, Debug, Default)]
struct Body {
    /// The next packet is its first DATA.
    announced: bool,
    left: Left,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Left {
    Known(u64),
    Unknown,
}

impl Default for Left {
    fn default() -> Self {
        Self::Known(0)
    }
}

impl Body {
    /// Whether this payload is DATA: the rules of the [module](self).
    fn expects(&self, payload: &[u8]) -> bool {
        if self.announced || payload.is_empty() {
            return true;
        }
        let Some((&length, bytes)) = payload.split_first_chunk::<2>() else {
            return false;
        };
        let length = u16::from_be_bytes(length);
        if usize::from(length) != bytes.len() {
            return false;
        }
        match self.left {
            _ if !is_type(payload) => true,
            Left::Known(left) => u64::from(length) <= left,
            Left::Unknown => !is_exact_request(payload),
        }
    }

    fn note(&mut self, packet: &Result<RequestPacket<'_>, Error>) {
        self.announced = false;
        match packet {
            Ok(RequestPacket::Data(data)) => self.take(data.bytes().len()),
            Ok(RequestPacket::ForwardRequest(request)) => self.begin(request),
            // A body whose pieces cannot be read any more may still go on.
            Err(_) => {}
            Ok(_) => self.left = Left::Known(0),
        }
    }

    fn begin(&mut self, request: &ForwardRequest<'_>) {
        let length = request.content_length();
        self.announced = matches!(length, Ok(Some(1..)));
        self.left = match length {
            Ok(Some(length)) => Left::Known(length),
            Ok(None) => Left::Unknown,
            // The container refuses such a request.
            Err(_) => Left::Known(0),
        };
    }

    fn take(&mut self, bytes: usize) {
        if let Left::Known(left) = &mut self.left {
            *left = left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

fn hex(byte: Option<u8>) -> String {
    byte.map_or_else(|| "nothing".to_owned(), |byte| format!("{byte:02x}"))
}

fn is_type(payload: &[u8]) -> bool {
    matches!(payload.first(), Some(2 | 7 | 8 | 10))
}

/// Whether the payload is a request head that fills it to the last byte.
fn is_exact_request(payload: &[u8]) -> bool {
    let mut again = BytesMut::new();
    ForwardRequest::decode(payload)
        .is_ok_and(|request| request.encode(&mut again, PacketSize::MAX).is_ok())
        && again.get(frame::HEADER..) == Some(payload)
}

#[cfg(test)]
mod tests;
