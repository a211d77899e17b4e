//! What is to be written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::wire::Data;

/// Pieces of at least this many bytes are written from where they are instead of being copied.
const WORTH_SHARING: usize = 4096;
const PREFIX: usize = 6;

/// How the end of a request's body is written.
///
/// Tomcat and Undertow read both forms alike; old Jetty containers wait for six bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndOfBody {
    /// `12 34 00 00`, as mod_jk writes it.
    #[default]
    Short,
    /// `12 34 00 02 00 00`, as mod_proxy_ajp writes it.
    Long,
}

/// Encoded packets, and at most one piece of body behind them that is written without copying.
#[derive(Debug, Default)]
pub(super) struct Output {
    buffer: BytesMut,
    body: Bytes,
    /// Bytes of the FORWARD_REQUEST that are still to be written.
    head: usize,
    /// Whether a DATA packet waits to be written.
    has_data: bool,
    /// Bytes written since the last FORWARD_REQUEST began.
    written: u64,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.body.is_empty()
    }

    /// Lets `write` append the FORWARD_REQUEST packet.
    pub(super) fn head<E>(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        self.clear();
        write(&mut self.buffer).inspect_err(|_| self.buffer.clear())?;
        self.head = self.buffer.len();
        Ok(())
    }

    /// A request begins, for which so many bytes have been written already.
    pub(super) fn begin(&mut self, written: u64) {
        self.written = written;
    }

    /// Whether all of the FORWARD_REQUEST has been handed to the operating system.
    pub(super) fn head_is_out(&self) -> bool {
        self.head == 0
    }

    /// Bytes handed to the operating system since the FORWARD_REQUEST began.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Whether a DATA packet may be added: one at a time, so that a container which asks without
    /// reading cannot pile them up.
    pub(super) fn takes_data(&self) -> bool {
        !self.has_data
    }

    pub(super) fn raw(&mut self, packet: &[u8]) {
        self.buffer.extend_from_slice(packet);
    }

    /// Begins a DATA packet.
    pub(super) fn data(&mut self) -> DataPacket<'_> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; PREFIX]);
        DataPacket {
            output: self,
            start,
            length: 0,
        }
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.body.clear();
        self.has_data = false;
    }

    /// Gives memory back that an idle connection does not need.
    pub(super) fn trim(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Writes as much as the socket takes.
    pub(super) fn poll_flush<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let count = if self.body.is_empty() {
                ready!(Pin::new(&mut *io).poll_write(cx, &self.buffer))?
            } else {
                let slices = [IoSlice::new(&self.buffer), IoSlice::new(&self.body)];
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(count);
        }
        self.has_data = false;
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, count: usize) {
        self.head = self.head.saturating_sub(count);
        self.written = self.written.saturating_add(count as u64);
        let encoded = count.min(self.buffer.len());
        self.body.advance((count - encoded).min(self.body.len()));
        if encoded == self.buffer.len() {
            // Unlike advancing to the end, this makes the whole capacity usable again.
            self.buffer.clear();
        } else {
            self.buffer.advance(encoded);
        }
    }
}

/// A DATA packet that is being put together from pieces; nothing of it stays when it is dropped
/// before it is finished.
#[derive(Debug)]
pub(super) struct DataPacket<'o> {
    output: &'o mut Output,
    start: usize,
    length: usize,
}

impl DataPacket<'_> {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        self.length += piece.len();
        let shared = std::mem::take(&mut self.output.body);
        self.output.buffer.extend_from_slice(&shared);
        if shared.is_empty() && self.length == piece.len() && piece.len() >= WORTH_SHARING {
            self.output.body = piece;
        } else {
            self.output.buffer.extend_from_slice(&piece);
        }
    }

    /// Completes the packet; without bytes it is the end of the body.
    pub(super) fn finish(mut self, end: EndOfBody) {
        let prefix = Data::prefix(self.length);
        debug_assert!(prefix.is_some(), "callers stay within the packet size");
        self.output.has_data = true;
        let start = std::mem::replace(&mut self.start, usize::MAX);
        let place = self.output.buffer.get_mut(start..start + PREFIX);
        if let (Some(place), Some(prefix)) = (place, prefix) {
            place.copy_from_slice(&prefix);
        }
        if self.length == 0 && end == EndOfBody::Short {
            self.output.buffer.truncate(start);
            self.output.buffer.extend_from_slice(&SHORT_END);
        }
    }
}

impl Drop for DataPacket<'_> {
    fn drop(&mut self) {
        if self.start != usize::MAX {
            self.output.buffer.truncate(self.start);
            self.output.body.clear();
        }
    }
}

const SHORT_END: [u8; 4] = [0x12, 0x34, 0, 0];

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn written(output: &mut Output) -> Vec<u8> {
        let mut sink = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(output.poll_flush(&mut sink, &mut cx).is_ready());
        assert!(output.is_empty() && output.head_is_out());
        sink
    }

    #[test]
    fn small_pieces_join_large_ones_are_shared() {
        let mut output = Output::default();
        let mut packet = output.data();
        packet.push(Bytes::from_static(b"ab"));
        packet.push(Bytes::from_static(b"cd"));
        packet.finish(EndOfBody::Short);
        assert_eq!(written(&mut output), b"\x12\x34\0\x06\0\x04abcd");

        let large = Bytes::from(vec![7; 5000]);
        let mut packet = output.data();
        packet.push(large.clone());
        packet.finish(EndOfBody::Short);
        assert_eq!(output.body.as_ptr(), large.as_ptr());
        let bytes = written(&mut output);
        assert_eq!(bytes.len(), 5006);
        assert_eq!(bytes[..6], [0x12, 0x34, 0x13, 0x8a, 0x13, 0x88]);

        let mut packet = output.data();
        packet.push(large.clone());
        packet.push(Bytes::from_static(b"x"));
        packet.finish(EndOfBody::Short);
        assert_eq!(written(&mut output)[6..], [&large[..], b"x"].concat());
    }

    #[test]
    fn both_ends_of_body() {
        let mut output = Output::default();
        output.data().finish(EndOfBody::Short);
        assert_eq!(written(&mut output), [0x12, 0x34, 0, 0]);
        output.data().finish(EndOfBody::Long);
        assert_eq!(written(&mut output), [0x12, 0x34, 0, 2, 0, 0]);
    }

    #[test]
    fn an_unfinished_packet_leaves_nothing() {
        let mut output = Output::default();
        output.raw(b"head");
        let mut packet = output.data();
        packet.push(Bytes::from(vec![7; 5000]));
        drop(packet);
        assert_eq!(written(&mut output), b"head");
    }
}
