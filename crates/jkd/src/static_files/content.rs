//! The bytes of a file while they are sent.

use std::{
    fmt,
    fs::File,
    io::{self, SeekFrom},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::ranges::Part;
use crate::answer::Answer;

/// How much is read at once, bytes.
const AT_ONCE: u64 = 64 * 1024;

/// A piece of a body.
pub(crate) enum Piece {
    Text(Bytes),
    Part(Part),
}

impl Piece {
    /// The bytes, where the whole is here already. Nothing for a part that is not.
    pub(crate) fn of(self, whole: &Bytes) -> Bytes {
        let part = match self {
            Self::Text(text) => return text,
            Self::Part(part) => part,
        };
        let first = usize::try_from(part.first).unwrap_or(usize::MAX);
        let last = usize::try_from(part.last).unwrap_or(usize::MAX);
        if first <= last && last < whole.len() {
            whole.slice(first..=last)
        } else {
            Bytes::new()
        }
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Text(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Self::Part(part) => part.length(),
        }
    }
}

/// How many bytes pieces have together.
pub(crate) fn length(pieces: &[Piece]) -> u64 {
    let lengths = pieces.iter().map(Piece::length);
    lengths.fold(0, u64::saturating_add)
}

/// All of a file of this size. `has_parts`: the client may get parts of it.
pub(super) fn content(file: File, size: u64, has_parts: bool) -> Answer {
    let Some(last) = size.checked_sub(1) else {
        return Answer::from(Full::default());
    };
    let all = vec![Piece::Part(Part { first: 0, last })];
    let body = FileBody {
        source: Source::Unread(file, all),
        left: size,
        has_parts,
    };
    body.into()
}

/// A file while it is sent, or what the client gets of it.
pub(crate) struct FileBody {
    source: Source,
    /// How much is left of it.
    left: u64,
    has_parts: bool,
}

enum Source {
    Unread(File, Vec<Piece>),
    Read(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
    Nothing,
}

impl FileBody {
    /// The size of a file of which the client may get parts.
    pub(crate) const fn whole(&self) -> Option<u64> {
        match self.source {
            Source::Unread(..) if self.has_parts => Some(self.left),
            _ => None,
        }
    }

    /// Sends these pieces in place of the whole, of which nothing has been read yet.
    pub(crate) fn cut(&mut self, new: Vec<Piece>) {
        if let Source::Unread(_, pieces) = &mut self.source {
            self.left = length(&new);
            *pieces = new;
        }
    }
}

impl fmt::Debug for FileBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBody")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// The pieces one after the other, as the client takes them.
    fn read(&mut self) -> Option<Pin<&mut (dyn Stream<Item = io::Result<Bytes>> + Send)>> {
        *self = match mem::replace(self, Self::Nothing) {
            Self::Unread(file, pieces) => {
                let reading = Reading {
                    file: tokio::fs::File::from_std(file),
                    pieces: pieces.into_iter(),
                    rest: 0,
                };
                Self::Read(Box::pin(stream::try_unfold(reading, Reading::next)))
            }
            begun => begun,
        };
        match self {
            Self::Read(stream) => Some(stream.as_mut()),
            Self::Unread(..) | Self::Nothing => None,
        }
    }
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

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(stream) = self.source.read() else {
            return Poll::Ready(None);
        };
        let next = ready!(stream.poll_next(cx));
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
