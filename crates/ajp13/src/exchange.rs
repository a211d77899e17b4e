//! One request and its response on a connection, from the client's side, as a pure state machine.
//!
//! ```text
//!  NothingSent ── request_sent ──▶ RequestSent ── SEND_HEADERS ──▶ HeadersReceived
//!                                   │   ▲                           │   ▲      │
//!                       GET_BODY_CHUNK  data_sent       GET_BODY_CHUNK  data_sent
//!                                   ▼   │                           ▼   │      │
//!                                  one DATA owed                one DATA owed  END_RESPONSE
//!                                                               SEND_BODY_CHUNK│
//!                                                                  (data, flush)
//!                                                                              ▼
//!                                                                        BodyDelivered
//!  any other packet, anywhere ──▶ Violation: repeated for ever, the connection is never reused
//! ```
//!
//! Both directions run at once. The response side is driven by [`Exchange::feed`]. The request
//! body side is a debt: the container is owed one DATA packet right after a request that announces
//! a body of known length, and one for each GET_BODY_CHUNK; [`Exchange::due`] says which, and
//! [`Exchange::data_sent`] pays it. A DATA packet that is not owed must never be sent: on an idle
//! connection it is taken for a request and answered, and that answer for the next one's.
//!
//! What the machine leaves to its owner: time (a container can fall silent in the middle of a
//! response, so a timeout between packets is needed), bytes left over in the read buffer or half
//! written (a connection with either is not reusable), and the end of the stream (before
//! END_RESPONSE a response is not complete, whatever its `Content-Length` says). When the client
//! goes away while its body is unfinished, close the connection: an empty DATA packet would make
//! the truncated upload look complete.

use std::fmt;

use crate::wire::{PacketSize, ResponsePacket, SendBodyChunk, SendHeaders};

use request_body::RequestBody;

mod request_body;

/// How many packets of a kind that moves nothing are put up with: containers send one or two.
const CHATTER: u8 = 16;

/// How long the request body is, as the `content-length` header of the request says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Announced {
    /// `content-length: 0`. The container may ask all the same.
    None,
    /// So many bytes. When more than 0, the first DATA packet goes out unasked.
    Length(u64),
    /// No `content-length` header: nothing goes out unasked.
    Unknown,
}

/// How far an exchange got; decides whether the request may be tried again elsewhere.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Stage {
    /// Not a byte of the request was written.
    NothingSent,
    /// The request was written, at least in part; the container may have acted on it.
    RequestSent,
    /// The container answered with headers.
    HeadersReceived,
    /// The response is complete.
    BodyDelivered,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingSent => "nothing sent",
            Self::RequestSent => "request sent",
            Self::HeadersReceived => "headers received",
            Self::BodyDelivered => "response complete",
        })
    }
}

/// What a packet means for the response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// Status and headers: always the first step that concerns the response.
    Headers(SendHeaders<'a>),
    /// Body bytes, at least one.
    Data(&'a [u8]),
    /// Pass on what was received so far. Never an empty HTTP chunk, which would end the message.
    Flush,
    /// The container waits for a DATA packet: see [`Exchange::due`].
    WantBody {
        /// The most bytes to send; 0 when only the end of the body can be the answer.
        max: usize,
    },
    /// Nothing to do: a flush before the headers, an interim response, or data of a response that
    /// cannot have a body.
    Ignore,
    /// The response is complete; see [`Exchange::reuse`] for the connection.
    End,
}

/// The DATA packet the container waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Due {
    /// One packet of 1 to `max` body bytes; for a body of unknown length also its end.
    Data {
        /// The most bytes to send.
        max: usize,
    },
    /// The end-of-body packet, perhaps not for the first time: a container that reads to the end
    /// asks once more after the last byte.
    End,
}

/// The container broke the protocol. The connection must be closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A packet before the request was sent.
    #[error("a packet came before the request was sent")]
    BeforeRequest,
    /// Body bytes before the headers.
    #[error("response data came before the headers")]
    DataBeforeHeaders,
    /// END_RESPONSE without SEND_HEADERS: what some containers make of headers that do not fit
    /// a packet.
    #[error("the response ended without headers")]
    NoHeaders,
    /// A second SEND_HEADERS. There are no interim responses in AJP13.
    #[error("the headers came twice")]
    HeadersTwice,
    /// Headers with the status 0.
    #[error("the headers have no status")]
    NoStatus,
    /// A status that HTTP does not have, or 101, with which the client would talk in another
    /// protocol.
    #[error("status {0} is not that of a response")]
    Status(u16),
    /// CPONG in a response.
    #[error("a CPong came in the middle of a response")]
    CPong,
    /// A packet after END_RESPONSE.
    #[error("a packet came after the end of the response")]
    AfterEnd,
    /// GET_BODY_CHUNK over and over, although the end of the body was sent or without taking what
    /// was asked for.
    #[error("request body was asked for over and over, beyond its end or without taking it")]
    TooManyAsks,
    /// Flush after flush, and no headers.
    #[error("flush came after flush before the headers")]
    TooManyFlushes,
    /// Interim response after interim response, and no final one.
    #[error("interim responses came one after the other, and no final one")]
    TooManyInterims,
}

/// A DATA packet that must not be sent. The connection must be closed instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The container does not wait for one.
    #[error("the container did not ask for request body")]
    NotAsked,
    /// More bytes than the request announced, or than the container asked for.
    #[error("the request body is longer than announced or asked for")]
    TooLong,
    /// The end of the body before all announced bytes were sent. Sent all the same, the container
    /// would take the truncated body for the whole.
    #[error("the request body ended before its announced length")]
    TooShort,
}

/// Why a connection must be closed rather than used again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReusable {
    /// There was no END_RESPONSE yet.
    #[error("the response is not complete")]
    Unfinished,
    /// END_RESPONSE forbids it. The container does not close by itself: we must.
    #[error("the container ended the response with reuse=0")]
    ReuseForbidden,
    /// The response ended while the container waits for request body: it would take the next
    /// request for that.
    #[error("the response ended while a body packet was owed")]
    BodyOwed,
    /// The container broke the protocol.
    #[error("{0}")]
    Violated(Violation),
}

/// One request and its response. See the [module](self) for the drawing.
#[derive(Clone, Debug)]
pub struct Exchange {
    stage: Stage,
    /// Whether the response can have no body, whatever its status.
    head_only: bool,
    drop_data: bool,
    /// What END_RESPONSE left of the connection.
    reuse: Result<(), NotReusable>,
    violation: Option<Violation>,
    request: RequestBody,
    received: u64,
    /// Flushes before the headers.
    early_flushes: u8,
    /// Heads with a status below 200.
    interims: u8,
}

impl Exchange {
    /// An exchange of which nothing was sent yet.
    ///
    /// `head_only` is for the answer to HEAD, which has no body whatever its headers say.
    pub fn new(body: Announced, head_only: bool, size: PacketSize) -> Self {
        Self {
            stage: Stage::NothingSent,
            head_only,
            drop_data: false,
            reuse: Err(NotReusable::Unfinished),
            violation: None,
            request: RequestBody::new(body, size),
            received: 0,
            early_flushes: 0,
            interims: 0,
        }
    }

    /// The socket took a byte of the FORWARD_REQUEST packet. A body of known length owes its first
    /// DATA packet from now on; it may go out in the same write.
    pub fn request_sent(&mut self) {
        if self.stage == Stage::NothingSent {
            self.stage = Stage::RequestSent;
            self.request.begin();
        }
    }

    /// A DATA packet with so many body bytes goes out; 0 for the end of the body.
    ///
    /// # Errors
    /// [`BodyError`] when it must not be sent; nothing changes then.
    pub fn data_sent(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.request.pay(bytes)
    }

    /// Takes the next packet of the container.
    ///
    /// # Errors
    /// [`Violation`] when the packet is out of order; from then on every packet is answered so.
    pub fn feed<'a>(&mut self, packet: &ResponsePacket<'a>) -> Result<Step<'a>, Violation> {
        if let Some(violation) = self.violation {
            return Err(violation);
        }
        let step = match self.stage {
            Stage::NothingSent => Err(Violation::BeforeRequest),
            Stage::RequestSent => self.before_headers(packet),
            Stage::HeadersReceived => self.after_headers(packet),
            Stage::BodyDelivered => Err(Violation::AfterEnd),
        };
        self.violation = step.err();
        step
    }

    /// The DATA packet the container waits for, if it waits for one.
    pub fn due(&self) -> Option<Due> {
        self.request.due()
    }

    /// How far the exchange got.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the connection may carry another request: as far as the packets tell. A byte left
    /// in the read buffer, a packet half written or the end of the stream forbid it as well.
    ///
    /// # Errors
    /// The reason why it may not.
    pub fn reuse(&self) -> Result<(), NotReusable> {
        match self.violation {
            Some(violation) => Err(NotReusable::Violated(violation)),
            None => self.reuse,
        }
    }

    /// Whether the container asked for request body with GET_BODY_CHUNK.
    pub const fn body_asked(&self) -> bool {
        self.request.asked
    }

    /// Request body bytes sent.
    pub const fn body_sent(&self) -> u64 {
        self.request.sent
    }

    /// Response body bytes received, those to drop left out.
    pub const fn body_received(&self) -> u64 {
        self.received
    }

    fn before_headers<'a>(&mut self, packet: &ResponsePacket<'a>) -> Result<Step<'a>, Violation> {
        match packet {
            ResponsePacket::SendHeaders(headers) => self.headers(headers),
            ResponsePacket::GetBodyChunk(ask) => self.request.ask(*ask),
            ResponsePacket::SendBodyChunk(SendBodyChunk { data: [] }) => self.early_flush(),
            ResponsePacket::SendBodyChunk(_) => Err(Violation::DataBeforeHeaders),
            ResponsePacket::EndResponse(_) => Err(Violation::NoHeaders),
            ResponsePacket::CPong => Err(Violation::CPong),
        }
    }

    fn after_headers<'a>(&mut self, packet: &ResponsePacket<'a>) -> Result<Step<'a>, Violation> {
        match packet {
            ResponsePacket::SendBodyChunk(chunk) => Ok(self.chunk(chunk.data)),
            ResponsePacket::GetBodyChunk(ask) => self.request.ask(*ask),
            ResponsePacket::EndResponse(end) => {
                self.stage = Stage::BodyDelivered;
                self.reuse = self.request.close(end.reuse);
                Ok(Step::End)
            }
            ResponsePacket::SendHeaders(_) => Err(Violation::HeadersTwice),
            ResponsePacket::CPong => Err(Violation::CPong),
        }
    }

    /// An interim head is skipped: passed on as the only one, it would leave the HTTP client waiting
    /// for ever.
    fn headers<'a>(&mut self, headers: &SendHeaders<'a>) -> Result<Step<'a>, Violation> {
        match headers.status {
            0 => return Err(Violation::NoStatus),
            100 | 102..=199 => return self.interim(),
            200..=999 => {}
            status => return Err(Violation::Status(status)),
        }
        self.stage = Stage::HeadersReceived;
        self.drop_data = self.head_only || matches!(headers.status, 204 | 304);
        Ok(Step::Headers(*headers))
    }

    /// Containers have no reason to send any, let alone many.
    fn interim<'a>(&mut self) -> Result<Step<'a>, Violation> {
        self.interims = self.interims.saturating_add(1);
        if self.interims > CHATTER {
            return Err(Violation::TooManyInterims);
        }
        Ok(Step::Ignore)
    }

    /// No container has a reason to flush what it has not begun.
    fn early_flush<'a>(&mut self) -> Result<Step<'a>, Violation> {
        self.early_flushes = self.early_flushes.saturating_add(1);
        if self.early_flushes > CHATTER {
            return Err(Violation::TooManyFlushes);
        }
        Ok(Step::Ignore)
    }

    fn chunk<'a>(&mut self, data: &'a [u8]) -> Step<'a> {
        if data.is_empty() {
            return Step::Flush;
        }
        if self.drop_data {
            return Step::Ignore;
        }
        self.received = self.received.saturating_add(count(data.len()));
        Step::Data(data)
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
