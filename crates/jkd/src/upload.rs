//! The request's body on its way to a backend, with its beginning kept for a second try.
//!
//! AJP sends the first packet of a body of known length unasked. That packet is read from the
//! client before a backend is chosen, so that it can be sent again to another one as long as the
//! backend has not asked for more. Bodies of unknown length are never read ahead.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use crate::http1::{self, BodyError};

/// The client broke off, or its framing is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the request's body cannot be read from the client")]
    Read(#[source] BodyError),
    #[error("the request's body ended before its announced length")]
    Short,
}

/// A request body that can be sent from its beginning again until more than its first packet
/// was taken. Most requests have none, and it is handed from one to the other: hence the box.
#[derive(Debug)]
pub(crate) struct Upload<B = http1::Body>(Option<Box<Loaded<B>>>);

/// A request body that there is.
#[derive(Debug)]
struct Loaded<B> {
    /// The first packet's data; empty for bodies of unknown length.
    first: Bytes,
    /// What came from the client together with the end of `first`.
    surplus: Bytes,
    rest: Option<B>,
    progress: Progress,
    /// The announced length, and how much of it is still to be given to the backend.
    announced: Option<u64>,
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Untouched,
    FirstTaken,
    RestTaken,
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    /// Reads the first packet, at most `max_data` bytes, of a body of known length.
    pub(crate) async fn begin(
        mut rest: B,
        announced: Option<u64>,
        max_data: usize,
    ) -> Result<Self, ClientError> {
        let length = announced.unwrap_or(0);
        let wanted = usize::try_from(length).map_or(max_data, |n| n.min(max_data));
        let mut first = read_at_least(&mut rest, wanted).await?;
        let surplus = first.split_off(wanted);
        Ok(Self(Some(Box::new(Loaded {
            first,
            surplus,
            rest: Some(rest),
            progress: Progress::Untouched,
            announced,
            left: length,
        }))))
    }
}

impl<B> Upload<B> {
    /// The body of a request that has none.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// A body that fits one packet.
    fn whole(first: Bytes) -> Self {
        let length = first.len() as u64;
        let loaded = (length > 0).then(|| Loaded {
            first,
            surplus: Bytes::new(),
            rest: None,
            progress: Progress::Untouched,
            announced: Some(length),
            left: length,
        });
        Self(loaded.map(Box::new))
    }

    /// All of it, if it is here.
    fn to_whole(&self) -> Option<Bytes> {
        let first = self.0.as_ref().map(|loaded| loaded.first.clone());
        (self.is_at_hand()).then(|| first.unwrap_or_default())
    }

    /// Whether all of it is here: nobody waits for the client then.
    pub(crate) fn is_at_hand(&self) -> bool {
        (self.0.as_ref())
            .is_none_or(|loaded| loaded.announced == u64::try_from(loaded.first.len()).ok())
    }

    /// Whether more than the first packet has left: then there is no second try.
    fn is_consumed(&self) -> bool {
        let progress = self.0.as_ref().map(|loaded| loaded.progress);
        progress == Some(Progress::RestTaken)
    }

    /// Back to the first byte, for another try.
    fn rewind(&mut self) {
        if let Some(loaded) = &mut self.0 {
            loaded.progress = Progress::Untouched;
            loaded.left = loaded.announced.unwrap_or(0);
        }
    }
}

impl<B> Loaded<B> {
    /// Accounts for data that leaves; more than was announced does not come from the client.
    fn hand_out(&mut self, data: Bytes) -> Frame<Bytes> {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(length);
        Frame::data(data)
    }
}

/// What is left of a request's body between two tries.
#[derive(Debug)]
pub(crate) struct Replay<B = http1::Body> {
    upload: Option<Upload<B>>,
    /// The whole body, where it fits one packet: it can be made again from this.
    whole: Option<Bytes>,
    /// More of it has been taken than can be sent again.
    consumed: bool,
}

impl<B> Replay<B> {
    /// Before the first try.
    pub(crate) fn new(upload: Upload<B>) -> Self {
        Self {
            whole: upload.to_whole(),
            upload: Some(upload),
            consumed: false,
        }
    }

    /// The body, from its first byte.
    pub(crate) fn take(&mut self) -> Upload<B> {
        let whole = || Upload::whole(self.whole.clone().unwrap_or_default());
        self.upload.take().unwrap_or_else(whole)
    }

    /// Takes back what a failed try has left of it, if anything.
    pub(crate) fn restore(&mut self, upload: Option<Upload<B>>) {
        match upload {
            Some(upload) if upload.is_consumed() => self.consumed = true,
            Some(mut upload) => {
                upload.rewind();
                self.upload = Some(upload);
            }
            None if self.whole.is_none() => self.consumed = true,
            None => {}
        }
    }

    /// Whether it cannot be sent again.
    pub(crate) const fn is_consumed(&self) -> bool {
        self.consumed
    }
}

/// At least `wanted` bytes, in one piece; without a copy when they came in one piece.
async fn read_at_least<B>(body: &mut B, wanted: usize) -> Result<Bytes, ClientError>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while whole.len() + joined.len() < wanted {
        let frame = body.frame().await.ok_or(ClientError::Short)?;
        let Ok(data) = frame.map_err(ClientError::Read)?.into_data() else {
            continue; // trailers have no place in AJP
        };
        if whole.is_empty() && joined.is_empty() {
            whole = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(wanted.max(whole.len() + data.len()));
            joined.extend_from_slice(&std::mem::take(&mut whole));
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() {
        whole
    } else {
        joined.freeze()
    })
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        match &mut self.0 {
            Some(loaded) => loaded.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        let Some(loaded) = &self.0 else {
            return true;
        };
        match loaded.announced {
            Some(_) => loaded.left == 0,
            None => loaded.rest.as_ref().is_none_or(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            None => SizeHint::with_exact(0),
            Some(loaded) if loaded.announced.is_some() => SizeHint::with_exact(loaded.left),
            Some(_) => SizeHint::default(),
        }
    }
}

impl<B> Loaded<B>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        if self.progress == Progress::Untouched {
            self.progress = Progress::FirstTaken;
            if !self.first.is_empty() {
                let first = self.first.clone();
                return Poll::Ready(Some(Ok(self.hand_out(first))));
            }
        }
        let Some(rest) = self
            .rest
            .as_mut()
            .filter(|_| self.announced.is_none() || self.left > 0)
        else {
            return Poll::Ready(None);
        };
        self.progress = Progress::RestTaken;
        if !self.surplus.is_empty() {
            let surplus = std::mem::take(&mut self.surplus);
            return Poll::Ready(Some(Ok(self.hand_out(surplus))));
        }
        let error = loop {
            match ready!(Pin::new(&mut *rest).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(self.hand_out(data)))),
                    Err(_trailers) => {}
                },
                Some(Err(error)) => break ClientError::Read(error),
                None if self.left == 0 => return Poll::Ready(None),
                None => break ClientError::Short,
            }
        };
        Poll::Ready(Some(Err(error)))
    }
}

#[cfg(test)]
mod tests;
