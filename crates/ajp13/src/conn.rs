//! One AJP connection: a socket, a read buffer, a write buffer, and at most one exchange.
//!
//! Everything here is polled, never awaited, so that the task which reads the answer also feeds
//! the request's body. [`poll_event`](Conn::poll_event) does one round of
//!
//! ```text
//!   owed DATA? ─► take it from the request's body ─► write buffer ─► socket
//!   socket ─► read buffer ─► packet ─► exchange ─► head | body data | end
//! ```
//!
//! until there is something to tell or nothing more can be done without waiting.

mod input;
mod output;
mod overdue;
mod patience;
mod ping;
mod rest;
mod turn;
pub(crate) mod upload;

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Tally;
use crate::convert::outbound::HeadPacket;
use crate::error::{Error, ErrorKind};
use crate::exchange::{Announced, Due, Exchange, Stage};
use crate::pool::Remote;
use crate::wire::{CPING, Code, PacketSize, TooLarge, frame};
use input::Input;
use output::Output;
use patience::Patience;
use turn::Turn;
use upload::{Source, Upload};

pub use output::EndOfBody;
pub(crate) use patience::Limits;
pub(crate) use rest::{Probe, Rest};

/// What an AJP connection runs over: any asynchronous byte stream.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// One AJP connection over `IO`.
///
/// Normally a [`Pool`](crate::Pool) opens connections and hands them out. Use
/// [`new`](Self::new) to bring a stream of your own, and turn it into a
/// [`PooledConn`](crate::PooledConn) that belongs to no pool to send a request.
pub struct Conn<IO> {
    io: IO,
    input: Input,
    output: Output,
    patience: Patience,
    exchange: Option<Exchange>,
    /// Facts about the exchange that its packets do not tell.
    facts: Facts,
    peer: Arc<str>,
    /// The address to which a pool has connected it, where it had a choice.
    pub(crate) remote: Option<Remote>,
    size: PacketSize,
    end_of_body: EndOfBody,
    /// Exchanges begun before this one.
    served: u64,
    /// Whether a CPing has been answered.
    speaks: bool,
    /// CPings answered since the last exchange began: the next one counts them as its own.
    pings: u64,
}

/// Bytes of a CPing, and of a CPong.
const PING_BYTES: u64 = CPING.len() as u64;

/// What is known of the current exchange beside its packets.
#[derive(Debug, Default)]
struct Facts {
    head_only: bool,
    /// Whether a byte has come in answer.
    answered: bool,
    failed: bool,
    /// A write that failed; reported only when the container has nothing more to say.
    write_error: Option<io::Error>,
    /// Body bytes after which the answer has told all it has: its Content-Length, or 0 where
    /// there can be no body.
    content: Option<u64>,
    /// Bytes of packets that came in answer.
    read: u64,
    /// Whether heads and flushes are told as they come.
    verbatim: bool,
    /// Whether the answer can have no body, whatever its head says.
    bodiless: bool,
    /// The packet of such a head.
    head: Option<HeadPacket>,
    /// The last packet that came.
    packet: Option<Code>,
}

impl Facts {
    fn count(&mut self, packet: usize) {
        self.read = self.read.saturating_add(packet as u64);
    }
}

/// What an exchange has to tell.
#[derive(Debug)]
pub(crate) enum Event {
    Head(Parts),
    Data(Bytes),
    /// What has come so far is to be passed on: told only where somebody asks for it.
    Flush,
    End,
}

impl<IO> Conn<IO> {
    /// A connection over a connected stream. `peer` is what errors call the other side.
    pub fn new(io: IO, peer: impl Into<Arc<str>>, size: PacketSize) -> Self {
        Self {
            io,
            input: Input::default(),
            output: Output::default(),
            patience: Patience::default(),
            exchange: None,
            facts: Facts::default(),
            peer: peer.into(),
            remote: None,
            size,
            end_of_body: EndOfBody::default(),
            served: 0,
            speaks: false,
            pings: 0,
        }
    }

    /// The stream.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// The agreed packet size.
    pub fn packet_size(&self) -> PacketSize {
        self.size
    }

    /// What errors call the other side.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Whether a request has been served over this connection before.
    pub fn is_reused(&self) -> bool {
        self.served > 0
    }

    /// CPings that were sent for another reason than the next exchange.
    pub(crate) fn forget_pings(&mut self) {
        self.pings = 0;
    }

    /// What the exchange has carried so far.
    pub(crate) fn tally(&self) -> Tally {
        let exchange = self.exchange.as_ref();
        Tally {
            sent: exchange.map_or(0, Exchange::body_sent),
            received: exchange.map_or(0, Exchange::body_received),
            asked: exchange.is_some_and(Exchange::body_asked),
            written: self.output.written(),
            read: self.facts.read,
        }
    }

    /// Another packet size counts from the next exchange on.
    pub(crate) fn agree_on(&mut self, size: PacketSize) {
        self.size = size;
    }

    /// Leaves the fields of the answer's head in their packet, and tells its flushes.
    pub(crate) fn tell_verbatim(&mut self) {
        self.facts.verbatim = true;
    }

    /// Whether the answer can have no body.
    pub(crate) fn is_bodiless(&self) -> bool {
        self.facts.bodiless
    }

    /// The packet of the answer's head, where that was asked for, once.
    pub(crate) fn take_head(&mut self) -> Option<HeadPacket> {
        self.facts.head.take()
    }

    pub(crate) fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_ref()
    }

    /// Adds to an error where, how far and on what kind of connection it happened.
    pub(crate) fn blame(&self, error: Error) -> Error {
        let stage = match self.exchange.as_ref().map(Exchange::stage) {
            // Without all of its head the container cannot have begun with a request.
            Some(Stage::RequestSent) if !self.output.head_is_out() => Stage::NothingSent,
            Some(stage) => stage,
            None => Stage::NothingSent,
        };
        error
            .with_peer(&self.peer)
            .at(stage, self.facts.answered, self.served > 0)
            .after_asking(self.exchange.as_ref().is_some_and(Exchange::body_asked))
            .with_packet(self.facts.packet)
    }

    /// The same, and the connection is not used any more.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        self.facts.failed = true;
        self.blame(error)
    }
}

impl<IO: Io> Conn<IO> {
    /// Begins an exchange: `write` appends the FORWARD_REQUEST, which goes out with the first
    /// poll, together with the first piece of body if there is one by then.
    pub(crate) fn begin(
        &mut self,
        announced: Announced,
        head_only: bool,
        limits: Limits,
        end_of_body: EndOfBody,
        write: impl FnOnce(&mut BytesMut, PacketSize) -> Result<(), TooLarge>,
    ) -> Result<(), Error> {
        if !self.input.is_empty() {
            return Err(self.fail(turn::unasked()));
        }
        let pings = mem::take(&mut self.pings);
        self.facts = Facts {
            head_only,
            read: pings * PING_BYTES,
            ..Facts::default()
        };
        let size = self.size;
        self.output.begin(pings * PING_BYTES);
        if let Err(cause) = self.output.head(|buffer| write(buffer, size)) {
            return Err(self.blame(cause.into()));
        }
        let mut exchange = Exchange::new(announced, head_only, size);
        exchange.request_sent();
        self.exchange = Some(exchange);
        self.end_of_body = end_of_body;
        self.patience.set(limits);
        Ok(())
    }

    /// Drives both directions until the exchange has something to tell.
    pub(crate) fn poll_event<S: Source>(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Upload<S>,
    ) -> Poll<Result<Event, Error>> {
        loop {
            if let Err(error) = self.push(cx, upload) {
                return Poll::Ready(Err(self.fail(error)));
            }
            match self.next_turn() {
                Ok(Turn::Event(event)) => return Poll::Ready(Ok(event)),
                Ok(Turn::Owed) => continue,
                Ok(Turn::More) => {}
                Err(error) => return Poll::Ready(Err(self.fail(error))),
            }
            match self.poll_fill(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.fail(error))),
                Poll::Pending => return self.poll_overdue(cx).map(|error| Err(self.fail(error))),
            }
        }
    }

    /// Reads once if bytes are there; tells whether the whole rest of the answer is at hand.
    pub(crate) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Option<u64> {
        if self.rest_of_answer().is_none() {
            // An end of stream or an error will show again when the body is read.
            let _ = self.input.poll_fill(&mut self.io, cx);
        }
        self.rest_of_answer()
    }

    /// Fills an owed DATA packet if the body has something, and writes what the socket takes.
    fn push<S: Source>(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Upload<S>,
    ) -> Result<(), Error> {
        loop {
            let waits_for_body = self.pay(cx, upload)?.is_pending();
            self.flush(cx);
            // One that was written just now may have been in the way of the next.
            if waits_for_body || !self.output.takes_data() || self.due().is_none() {
                return Ok(());
            }
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        if self.facts.write_error.is_some() {
            return;
        }
        let before = self.output.written();
        if let Poll::Ready(Err(cause)) = self.output.poll_flush(&mut self.io, cx) {
            self.facts.write_error = Some(cause);
        }
        if self.output.written() > before {
            self.patience.bytes_moved();
        }
    }

    fn due(&self) -> Option<Due> {
        self.exchange.as_ref().and_then(Exchange::due)
    }

    /// Puts an owed DATA packet together if there is room for one; pending while the request's
    /// body has nothing for it.
    fn pay<S: Source>(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Upload<S>,
    ) -> Result<Poll<()>, Error> {
        let Some(due) = self.due().filter(|_| self.output.takes_data()) else {
            return Ok(Poll::Ready(()));
        };
        let packet = match due {
            Due::End => self.output.data(),
            Due::Data { max } => match upload.poll_packet(cx, max, &mut self.output) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(packet) => packet?,
            },
        };
        if let Some(exchange) = &mut self.exchange {
            exchange
                .data_sent(packet.len())
                .map_err(|cause| Error::new(ErrorKind::RequestBody).because(cause))?;
        }
        packet.finish(self.end_of_body);
        self.patience.restart();
        Ok(Poll::Ready(()))
    }

    /// Body bytes that the head promised; 0 where no body can be.
    pub(crate) fn content(&self) -> Option<u64> {
        self.facts.content
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let read = self.input.poll_fill(&mut self.io, cx);
        read.map(|read| match read {
            Ok(0) if self.input.bytes().len() >= frame::HEADER => {
                self.facts.count(frame::HEADER);
                Err(turn::cut())
            }
            Ok(0) => Err(self.hung_up(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {
                self.facts.answered = true;
                self.patience.bytes_moved();
                Ok(())
            }
            Err(cause) => Err(self.hung_up(cause)),
        })
    }
}

impl<IO> fmt::Debug for Conn<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("peer", &self.peer)
            .field("exchange", &self.exchange)
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}
