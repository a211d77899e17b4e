//! The body of the present request, piece by piece as it comes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{Coming, Shared, Wire};
use crate::{
    http1::{
        Body, BodyLength, Framing,
        body::{BodyError, Source},
        chunked::{Chunks, Step},
    },
    limits::Limit,
};

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Begins the body of the request whose head came last.
    pub(in crate::http1) fn begin_body(&mut self, framing: &Framing) {
        self.coming = match framing.body {
            BodyLength::None => Coming::Nothing,
            BodyLength::Known(length) => Coming::Bytes(length),
            BodyLength::Chunked => Coming::Chunks(Chunks::new()),
        };
        self.owed = if framing.expects_continue {
            CONTINUE
        } else {
            b""
        };
    }

    /// From now on the answer is written: nothing may be said before it but the rest of what was
    /// begun, which this returns. And whether the client still waits for leave to send its body.
    pub(in crate::http1) fn begin_answer(&mut self) -> (bool, &'static [u8]) {
        let owed = std::mem::take(&mut self.owed);
        let waits = !owed.is_empty();
        (waits, if owed == CONTINUE { b"" } else { owed })
    }

    /// The next piece of the present request's body that is here.
    pub(super) fn decode(&mut self) -> Result<Step, BodyError> {
        let step = match &mut self.coming {
            Coming::Nothing => return Ok(Step::End),
            Coming::Lost => return Err(BodyError::Gone),
            Coming::Bytes(_) if self.input.is_empty() => return Ok(Step::More),
            Coming::Bytes(left) => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
                let data = self.input.split_to(wanted.min(self.input.len())).freeze();
                *left = left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
                let whole = *left == 0;
                (Step::Data(data), whole)
            }
            Coming::Chunks(chunks) => {
                let step = chunks.next(&mut self.input, &self.bounds);
                let step = step.map_err(BodyError::Chunk)?;
                let whole = step == Step::End;
                (step, whole)
            }
        };
        if step.1 {
            self.coming = Coming::Nothing;
        }
        Ok(step.0)
    }

    fn poll_body_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        if let Err(error) = ready!(self.poll_owed(cx)) {
            return Poll::Ready(Err(BodyError::Read(error)));
        }
        loop {
            match self.decode()? {
                Step::Data(data) => return Poll::Ready(Ok(Some(data))),
                Step::End => return Poll::Ready(Ok(None)),
                Step::More if self.ended => return Poll::Ready(Err(BodyError::Short)),
                Step::More if self.expired => {
                    self.expired = false;
                    self.reached = Some(Limit::BodyPace);
                    self.lose();
                    return Poll::Ready(Err(BodyError::Late));
                }
                Step::More => {}
            }
            match self.poll_gulp(cx) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(read)) => self.has_come(read),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(BodyError::Read(error))),
                Poll::Pending => {
                    self.set_body_limit();
                    self.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }

    pub(super) fn has_come(&mut self, read: usize) {
        let read = u64::try_from(read).unwrap_or(0);
        let (_, bytes) = self.pace.get_or_insert_with(|| (Instant::now(), 0));
        *bytes = bytes.saturating_add(read);
        self.due = None;
    }

    /// Until when more of a body must have come.
    pub(super) fn set_body_limit(&mut self) {
        if self.due.is_some() {
            return;
        }
        let now = Instant::now();
        let (start, bytes) = *self.pace.get_or_insert((now, 0));
        let pace = self.rules.body_pace.allows(bytes).map(|time| start + time);
        let stall = now + self.rules.timeout;
        self.due = Some(pace.map_or(stall, |pace| pace.min(stall)));
    }

    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.owed.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, self.owed))?;
            self.owed = self.owed.get(written.max(1)..).unwrap_or_default();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Source for Mutex<Wire<S>> {
    fn poll_data(
        &self,
        cx: &mut Context<'_>,
        request: u64,
    ) -> Poll<Result<Option<Bytes>, BodyError>> {
        let mut wire = self.lock();
        if wire.request != request {
            return Poll::Ready(Err(BodyError::Gone));
        }
        wire.poll_body_data(cx)
    }

    fn leave(&self, request: u64) {
        let mut wire = self.lock();
        if wire.request == request {
            (wire.due, wire.reader) = (None, None);
            wire.is_left = true;
        }
    }

    fn is_too_long(&self, request: u64) {
        let mut wire = self.lock();
        if wire.request == request {
            wire.reached = Some(Limit::Body);
        }
    }

    fn is_whole(&self, request: u64) -> bool {
        let wire = self.lock();
        wire.request == request && matches!(wire.coming, Coming::Nothing)
    }
}

/// The body of the present request, as somebody else may read it.
pub(in crate::http1) fn body<S>(wire: &Shared<S>, framing: &Framing) -> Body
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = {
        let mut locked = wire.lock();
        locked.begin_body(framing);
        locked.request
    };
    match framing.body {
        BodyLength::None => Body::none(),
        _ => Body::of(wire.clone(), request),
    }
}
