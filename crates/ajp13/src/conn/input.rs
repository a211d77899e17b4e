//! What has been read and not yet understood.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::wire::{self, PacketSize, frame};

/// The first packet of an answer. As in mod_jk its payload alone may have the agreed size: some
/// containers leave the header out of the count.
///
/// # Errors
/// As [`frame::split`].
pub(super) fn split(
    bytes: &[u8],
    size: PacketSize,
) -> Result<Option<frame::Frame<'_>>, wire::Error> {
    frame::split(frame::Direction::Response, bytes, size.max_packet())
}

/// Bytes asked for by a first read.
const SMALL: usize = 8 * 1024;
/// Bytes asked for at most. More is not read in less time, and it is what somebody holds who does not
/// read an answer.
const LARGE: usize = 32 * 1024;
/// Reads in a row that must stay far below the size before it shrinks.
const PATIENCE: u8 = 4;

/// A read buffer whose reads grow while they come back full, and shrink again.
///
/// Whole packets are cut off as shared slices: body data is not copied.
#[derive(Debug, Default)]
pub(super) struct Input {
    buffer: BytesMut,
    /// How often [`SMALL`] is doubled.
    doublings: u8,
    lean_reads: u8,
}

impl Input {
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The whole packet at the front, left in place.
    pub(super) fn peek(&self, size: PacketSize) -> Result<Option<frame::Frame<'_>>, wire::Error> {
        split(&self.buffer, size)
    }

    /// Drops a packet of this length.
    pub(super) fn skip(&mut self, packet: usize) {
        self.buffer.advance(packet.min(self.buffer.len()));
    }

    /// Cuts off a packet of this length and returns its payload.
    pub(super) fn take(&mut self, packet: usize) -> Bytes {
        let mut bytes = self.buffer.split_to(packet.min(self.buffer.len()));
        bytes.advance(frame::HEADER.min(bytes.len()));
        bytes.freeze()
    }

    /// Reads once; 0 is the end of the stream.
    pub(super) fn poll_fill<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let size = self.read_size();
        if self.buffer.capacity() - self.buffer.len() < size / 2 {
            self.buffer.reserve(size);
        }
        let room = self.buffer.capacity() - self.buffer.len();
        let read = pin!(io.read_buf(&mut self.buffer)).poll(cx);
        if let Poll::Ready(Ok(count)) = read {
            self.adapt(count, room);
        }
        read
    }

    /// Adds bytes that were read elsewhere.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives memory back that an idle connection does not need.
    pub(super) fn trim(&mut self) {
        if self.buffer.is_empty() {
            *self = Self::default();
        }
    }

    fn read_size(&self) -> usize {
        (SMALL << self.doublings.min(8)).min(LARGE)
    }

    fn adapt(&mut self, count: usize, room: usize) {
        let size = self.read_size();
        if count >= room && size < LARGE {
            self.doublings += 1;
        }
        self.lean_reads = if count < size / 4 {
            self.lean_reads + 1
        } else {
            0
        };
        if self.lean_reads >= PATIENCE {
            self.lean_reads = 0;
            self.doublings = self.doublings.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn fill(input: &mut Input, mut from: &[u8]) -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        match input.poll_fill(&mut from, &mut cx) {
            Poll::Ready(Ok(count)) => count,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_grow_with_large_answers_and_shrink_with_small_ones() {
        let mut input = Input::default();
        let much = vec![0; LARGE * 2];
        assert!(fill(&mut input, &much) < LARGE);
        for _ in 0..4 {
            input.skip(usize::MAX);
            fill(&mut input, &much);
        }
        assert_eq!(input.read_size(), LARGE);
        for _ in 0..u32::from(PATIENCE) * 3 {
            input.skip(usize::MAX);
            fill(&mut input, b"little");
        }
        assert_eq!(input.read_size(), SMALL);
    }

    #[test]
    fn a_packet_is_cut_off_without_copying() {
        let mut input = Input::default();
        fill(&mut input, b"AB\0\x02\x05\x01AB\0");
        let length = input
            .peek(PacketSize::default())
            .unwrap()
            .unwrap()
            .packet_len();
        let at = input.bytes().as_ptr();
        let payload = input.take(length);
        assert_eq!(&payload[..], b"\x05\x01");
        assert_eq!(payload.as_ptr(), at.wrapping_add(4));
        assert_eq!(input.peek(PacketSize::default()), Ok(None));
        assert_eq!(input.bytes(), b"AB\0");
    }
}
