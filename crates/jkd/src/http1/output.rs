//! What is still to be written to a client.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::slow;

/// Pieces of up to so many bytes are put together: one `send` is cheaper than a `writev` of several
/// pieces, and costs more only where much has to be copied.
const SMALL: usize = 1024;

/// With so much waiting no more is asked for, bytes.
const FULL: usize = 32 * 1024;

/// The same where many clients do not read.
const FULL_OF_MANY: usize = 8 * 1024;

/// So many pieces are written at once.
const PIECES: usize = 16;

/// Text and data on their way to a client, in order. Data is not copied unless there is little.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// What comes first.
    queue: VecDeque<Bytes>,
    /// What comes last.
    text: BytesMut,
    queued: usize,
}

impl Output {
    /// Where more text goes.
    pub(super) const fn text(&mut self) -> &mut BytesMut {
        &mut self.text
    }

    /// Adds data behind all others.
    pub(super) fn push(&mut self, data: Bytes) {
        if data.len() <= SMALL {
            self.text.extend_from_slice(&data);
        } else {
            self.seal();
            self.queued += data.len();
            self.queue.push_back(data);
        }
    }

    /// Whether more should wait until some of this is gone.
    pub(super) fn is_full(&self) -> bool {
        let full = if slow::are_many() { FULL_OF_MANY } else { FULL };
        self.queued + self.text.len() >= full
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.text.is_empty()
    }

    fn seal(&mut self) {
        if !self.text.is_empty() {
            let text = self.text.split().freeze();
            self.queued += text.len();
            self.queue.push_back(text);
        }
    }

    /// Writes some of it: says how much, or that nothing is left.
    pub(super) fn poll_write<S>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<usize>>
    where
        S: AsyncWrite + Unpin,
    {
        if self.is_empty() {
            // TLS may hold back what the socket had no room for.
            ready!(Pin::new(stream).poll_flush(cx))?;
            return Poll::Ready(Ok(0));
        }
        let mut stream = Pin::new(stream);
        let written = if self.queue.is_empty() {
            ready!(stream.as_mut().poll_write(cx, &self.text))?
        } else {
            self.seal();
            let mut slices = [IoSlice::new(&[]); PIECES];
            for (slice, piece) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(piece);
            }
            let pieces = self.queue.len().min(PIECES);
            let slices = slices.get(..pieces).unwrap_or_default();
            ready!(stream.as_mut().poll_write_vectored(cx, slices))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(written))
    }

    fn advance(&mut self, mut written: usize) {
        while written > 0 {
            let Some(first) = self.queue.front_mut() else {
                self.text.advance(written.min(self.text.len()));
                return;
            };
            let gone = written.min(first.len());
            first.advance(gone);
            written -= gone;
            self.queued -= gone;
            if first.is_empty() {
                self.queue.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn through(pieces: &[Vec<u8>], room: usize) -> Vec<u8> {
        let (mut ours, mut theirs) = tokio::io::duplex(room);
        let mut output = Output::default();
        for (index, piece) in pieces.iter().enumerate() {
            if index % 2 == 0 {
                output.text().extend_from_slice(piece);
            } else {
                output.push(Bytes::copy_from_slice(piece));
            }
        }
        let write = async move {
            while std::future::poll_fn(|cx| output.poll_write(cx, &mut ours))
                .await
                .unwrap()
                > 0
            {}
            assert!(output.is_empty() && output.queued == 0);
        };
        let mut read = Vec::new();
        let ((), got) = tokio::join!(write, theirs.read_to_end(&mut read));
        got.unwrap();
        read
    }

    proptest! {
        #[test]
        fn all_of_it_leaves_in_order(
            sizes in proptest::collection::vec(0_usize..3000, 0..40),
            room in 1_usize..5000,
        ) {
            let piece = |(n, size): (usize, usize)| vec![u8::try_from(n).unwrap(); size];
            let pieces: Vec<_> = sizes.into_iter().enumerate().map(piece).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(through(&pieces, room));
            prop_assert!(read == pieces.concat());
        }
    }
}
