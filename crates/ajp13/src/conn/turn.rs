//! What the packets that have been read mean.

use http::StatusCode;

use super::{Conn, Event, Io, input::split};
use crate::convert::outbound as convert;
use crate::error::{Error, ErrorKind, hint};
use crate::exchange::Step;
use crate::wire::{self, Code, ResponsePacket, frame};

const SEND_BODY_CHUNK: u8 = 3;
const SEND_HEADERS: u8 = 4;
/// Payload bytes of a SEND_BODY_CHUNK without data.
const FLUSH: usize = 4;

/// What the packets at hand amount to.
pub(super) enum Turn {
    Event(Event),
    /// Body is owed: look after the upload first.
    Owed,
    /// More bytes are needed.
    More,
}

impl<IO: Io> Conn<IO> {
    /// Understands the packets that have been read, up to the next event.
    pub(super) fn next_turn(&mut self) -> Result<Turn, Error> {
        loop {
            let (length, kind) = match self.input.peek(self.size) {
                Ok(Some(frame)) => (frame.packet_len(), frame.payload.first().copied()),
                Ok(None) => return Ok(Turn::More),
                Err(cause) => {
                    self.facts.packet = None;
                    self.facts.count(frame::HEADER);
                    return Err(self.not_ajp(cause));
                }
            };
            self.facts.packet = kind.map(Code);
            // A packet that never gets whole is silence, however many bytes of it trickle in.
            self.patience.restart();
            let turn = match kind {
                Some(SEND_BODY_CHUNK | SEND_HEADERS) => self.sharing_turn(length)?,
                _ => self.plain_turn(length)?,
            };
            if let Some(turn) = turn {
                return Ok(turn);
            }
        }
    }

    /// A packet of which parts are handed out: it leaves the buffer as a shared slice.
    fn sharing_turn(&mut self, length: usize) -> Result<Option<Turn>, Error> {
        self.facts.count(length);
        let payload = self.input.take(length);
        let packet = ResponsePacket::decode(&payload)?;
        let Some(exchange) = &mut self.exchange else {
            return Err(unasked());
        };
        Ok(match exchange.feed(&packet)? {
            Step::Headers(head) => {
                let (parts, announced) = if self.facts.verbatim {
                    convert::bare_head(&head)?
                } else {
                    convert::response_head(&payload, &head)?
                };
                self.learn(parts.status, announced);
                self.gives_sign();
                self.facts.head = self.facts.verbatim.then(|| payload.into());
                Some(Turn::Event(Event::Head(parts)))
            }
            Step::Data(data) => Some(Turn::Event(Event::Data(payload.slice_ref(data)))),
            Step::Flush if self.tells_flushes() => Some(Turn::Event(Event::Flush)),
            _ => None,
        })
    }

    /// There is nothing to pass on where there can be no body.
    fn tells_flushes(&self) -> bool {
        self.facts.verbatim && !self.facts.bodiless
    }

    /// A packet that says all by itself.
    fn plain_turn(&mut self, length: usize) -> Result<Option<Turn>, Error> {
        let Some(frame) = self.input.peek(self.size)? else {
            return Ok(Some(Turn::More));
        };
        self.facts.count(length);
        let packet = ResponsePacket::decode(frame.payload)?;
        let Some(exchange) = &mut self.exchange else {
            return Err(unasked());
        };
        let turn = match exchange.feed(&packet)? {
            Step::WantBody { .. } => Some(Turn::Owed),
            Step::End => Some(Turn::Event(Event::End)),
            _ => None,
        };
        self.input.skip(length);
        Ok(turn)
    }

    pub(super) fn gives_sign(&self) {
        self.remote.as_ref().inspect(|remote| remote.signs.add());
    }

    fn learn(&mut self, status: StatusCode, announced: Option<u64>) {
        self.facts.bodiless = self.facts.head_only || matches!(status.as_u16(), 204 | 304);
        self.facts.content = if self.facts.bodiless {
            Some(0)
        } else {
            announced
        };
    }

    /// How many body bytes are left, when all packets up to the end have been read.
    pub(crate) fn rest_of_answer(&self) -> Option<u64> {
        let mut bytes = self.input.bytes();
        let mut total = 0;
        loop {
            let frame = split(bytes, self.size).ok()??;
            match ResponsePacket::decode(frame.payload).ok()? {
                ResponsePacket::SendBodyChunk(chunk)
                    if chunk.data.is_empty() && self.tells_flushes() =>
                {
                    return None;
                }
                ResponsePacket::SendBodyChunk(chunk) => total += chunk.data.len() as u64,
                ResponsePacket::EndResponse(_) => return Some(total),
                _ => return None,
            }
            bytes = frame.rest;
        }
    }

    /// Reads the end of the response if nothing but flushes stands before it and all of that has been
    /// received.
    pub(crate) fn take_end(&mut self) -> bool {
        // Neither an end nor a flush is longer. Most packets that wait here are, and are not looked
        // through.
        let is_short =
            matches!(self.input.peek(self.size), Ok(Some(frame)) if frame.payload.len() <= FLUSH);
        is_short
            && self.rest_of_answer() == Some(0)
            && matches!(self.next_turn(), Ok(Turn::Event(Event::End)))
    }

    pub(super) fn not_ajp(&self, cause: wire::Error) -> Error {
        let error = Error::from(cause);
        match self.input.bytes() {
            [b'H', b'T', ..] => error.with_hint(hint::HTTP),
            [0x15, 3, ..] => error.with_hint(hint::TLS),
            _ if matches!(cause, wire::Error::TooLong { .. }) => error.with_hint(hint::ANSWER_SIZE),
            _ => error,
        }
    }
}

/// As in mod_jk this says less of the container than a connection that is closed between packets.
pub(super) fn cut() -> Error {
    Error::new(ErrorKind::Protocol).because("the connection was closed in the middle of a packet")
}

/// The same, of one that stays open.
pub(super) fn stuck() -> Error {
    Error::new(ErrorKind::Protocol).because("the rest of a packet did not come in time")
}

pub(super) fn unasked() -> Error {
    Error::new(ErrorKind::Order).because("a packet came although nothing was asked")
}
