//! The body of a request, as it comes from the client.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;

use super::chunked::BadChunk;

/// The body of a request. It is read from the socket when it is asked for, and not before.
pub(crate) struct Body {
    /// Where it comes from, and the number of its request; `None` where there is none.
    source: Option<(Arc<dyn Source>, u64)>,
    /// How much of it may still come.
    room: u64,
}

/// Where bodies come from.
pub(super) trait Source: Send + Sync {
    /// The next piece of the body of this request; `None` at its end.
    fn poll_data(
        &self,
        cx: &mut Context<'_>,
        request: u64,
    ) -> Poll<Result<Option<Bytes>, BodyError>>;

    /// Nobody wants more of it.
    fn leave(&self, request: u64);

    /// There is more of it than there may be.
    fn is_too_long(&self, request: u64);

    /// Whether all of it has been read.
    fn is_whole(&self, request: u64) -> bool;
}

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the connection failed")]
    Read(#[source] io::Error),
    #[error("its framing is wrong")]
    Chunk(#[source] BadChunk),
    #[error("the client ended the connection in the middle of it")]
    Short,
    #[error("it came too slowly")]
    Late,
    #[error("it is longer than LimitRequestBody")]
    Long,
    #[error("its request is over")]
    Gone,
}

impl Body {
    /// The body of a request that has none.
    pub(super) const fn none() -> Self {
        Self {
            source: None,
            room: 0,
        }
    }

    pub(super) fn of(source: Arc<dyn Source>, request: u64) -> Self {
        Self {
            source: Some((source, request)),
            room: u64::MAX,
        }
    }

    /// Fails as soon as there is more than `most` bytes of it.
    pub(crate) const fn limit(mut self, most: u64) -> Self {
        self.room = most;
        self
    }

    fn is_too_long(&self) -> BodyError {
        if let Some((source, request)) = &self.source {
            source.is_too_long(*request);
        }
        BodyError::Long
    }

    fn has_room_for(&mut self, data: &Bytes) -> bool {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let room = self.room.checked_sub(length);
        self.room = room.unwrap_or(0);
        room.is_some()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some((source, request)) = &self.source else {
            return Poll::Ready(None);
        };
        let data = ready!(source.poll_data(cx, *request)).transpose();
        Poll::Ready(data.map(|data| match data {
            Ok(data) if !self.has_room_for(&data) => Err(self.is_too_long()),
            data => data.map(Frame::data),
        }))
    }

    fn is_end_stream(&self) -> bool {
        let source = self.source.as_ref();
        source.is_none_or(|(source, request)| source.is_whole(*request))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some((source, request)) = &self.source {
            source.leave(*request);
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}
