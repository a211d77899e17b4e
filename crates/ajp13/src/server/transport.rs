//! One socket with its two buffers; it moves bytes and knows packets only by their frame.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::wire::PacketSize;
use crate::wire::frame::{self, Direction};

use super::Error;

/// Free space below which the input buffer grows, so that no read is tiny.
const MIN_READ: usize = 2 * 1024;
/// Space asked for when the input buffer grows.
const READ_SIZE: usize = 16 * 1024;
/// Output beyond this waits for the socket before more is encoded.
const HIGH_WATER: usize = 64 * 1024;
/// An output buffer that grew beyond this is given back between requests.
const KEEP_OUTPUT: usize = 16 * 1024;

pub(super) struct Transport<IO> {
    io: IO,
    input: BytesMut,
    /// Whole packets to send; the exchange appends to it.
    pub(super) output: BytesMut,
    pub(super) packet_size: PacketSize,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Transport<IO> {
    pub(super) fn new(io: IO, packet_size: PacketSize) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            output: BytesMut::new(),
            packet_size,
        }
    }

    /// Takes the payload of the next packet, if it has arrived completely.
    pub(super) fn take_packet(&mut self) -> Result<Option<Bytes>, Error> {
        let limit = self.packet_size.max_payload();
        let length = match frame::split(Direction::Request, &self.input, limit)? {
            Some(frame) => frame.packet_len(),
            None => return Ok(None),
        };
        let mut packet = self.input.split_to(length).freeze();
        packet.advance(frame::HEADER);
        Ok(Some(packet))
    }

    /// Whether bytes have arrived that no one has taken.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Reads once; `Ready(0)` is the end of the stream.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        if self.input.capacity() - self.input.len() < MIN_READ {
            self.input.reserve(self.missing().max(READ_SIZE));
        }
        let read = ready!(pin!(self.io.read_buf(&mut self.input)).poll(cx))?;
        Poll::Ready(Ok(read))
    }

    /// Bytes that the packet that has begun to arrive still lacks, as far as is known.
    fn missing(&self) -> usize {
        let limit = self.packet_size.max_payload();
        match frame::payload_len(Direction::Request, &self.input, limit) {
            Ok(Some(payload)) => (frame::HEADER + payload).saturating_sub(self.input.len()),
            _ => 0,
        }
    }

    /// Whether more may be encoded before the socket takes what there is.
    pub(super) fn has_room(&self) -> bool {
        self.output.len() < HIGH_WATER
    }

    /// Writes what there is; `Ready` when all of it is written. `moved` says whether any was.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        moved: &mut bool,
    ) -> Poll<Result<(), Error>> {
        while !self.output.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.output))?;
            if written == 0 {
                return Poll::Ready(Err(
                    std::io::Error::from(std::io::ErrorKind::WriteZero).into()
                ));
            }
            self.output.advance(written);
            *moved = true;
        }
        Pin::new(&mut self.io).poll_flush(cx).map_err(Error::from)
    }

    /// Gives back what a large response made the output buffer.
    pub(super) fn rest(&mut self) {
        if self.output.is_empty() && self.output.capacity() > KEEP_OUTPUT {
            self.output = BytesMut::new();
        }
    }

    /// Drops what has arrived.
    pub(super) fn discard_input(&mut self) {
        self.input.clear();
    }

    /// Says that nothing more will be sent.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io)
            .poll_shutdown(cx)
            .map_err(Error::from)
    }
}
