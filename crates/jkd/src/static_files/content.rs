//! The bytes of a file while they are sent.

use std::{
    fs::File,
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::ranges::Part;
use crate::answer::Answer;

/// How much is read at once, bytes.
const AT_ONCE: u64 = 64 * 1024;

/// A piece of a body.
pub(super) enum Piece {
    Text(Bytes),
    Part(Part),
}

impl Piece {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Text(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Self::Part(part) => part.length(),
        }
    }
}

/// Reads the pieces one after the other, as the client takes them.
pub(super) fn content(file: File, pieces: Vec<Piece>) -> Answer {
    let left = pieces
        .iter()
        .fold(0u64, |sum, piece| sum.saturating_add(piece.length()));
    if left == 0 {
        return Answer::from(Full::default());
    }
    let reading = Reading {
        file: tokio::fs::File::from_std(file),
        pieces: pieces.into_iter(),
        rest: 0,
    };
    let stream = Box::pin(stream::try_unfold(reading, Reading::next));
    BodyExt::boxed_unsync(Measured { stream, left }).into()
}

/// The state between two reads.
struct Reading {
    file: tokio::fs::File,
    pieces: vec::IntoIter<Piece>,
    /// What is left of the part that is being read.
    rest: u64,
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            if self.rest > 0 {
                let read = self.read().await?;
                return Ok(Some((read, self)));
            }
            match self.pieces.next() {
                None => return Ok(None),
                Some(Piece::Text(text)) => return Ok(Some((text, self))),
                Some(Piece::Part(part)) => {
                    self.file.seek(SeekFrom::Start(part.first)).await?;
                    self.rest = part.length();
                }
            }
        }
    }

    /// A file that has become shorter breaks the answer off: nobody takes a part for the whole.
    async fn read(&mut self) -> io::Result<Bytes> {
        let wanted = self.rest.min(AT_ONCE);
        let mut buffer = BytesMut::with_capacity(usize::try_from(wanted).unwrap_or(0));
        let read = (&mut self.file).take(wanted).read_buf(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest -= u64::try_from(read).unwrap_or(self.rest).min(self.rest);
        Ok(buffer.freeze())
    }
}

/// A stream whose length is known.
struct Measured<S> {
    stream: Pin<Box<S>>,
    left: u64,
}

impl<S: Stream<Item = io::Result<Bytes>>> Body for Measured<S> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = ready!(self.stream.as_mut().poll_next(cx));
        if let Some(Ok(data)) = &next {
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.left = self.left.saturating_sub(length);
        }
        Poll::Ready(next.map(|read| read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
