//! An answer on its way to the client, framed as it was announced.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::Gone;
use crate::{
    http1::{output::Output, slow::Slow, wire::Shared, write::End},
    limits::Limit,
};

/// How long whoever makes a body may take for its end, when the client has the whole answer.
const END: Duration = Duration::from_secs(1);

/// An answer on its way.
pub(super) struct Sending<B> {
    pub(super) output: Output,
    pub(super) body: B,
    pub(super) end: End,
    /// How much of an announced length is still to come.
    left: u64,
    /// All of it is in `output`.
    done: bool,
    /// Nothing more comes from where it is made.
    ended: bool,
    /// The rest will never come.
    broken: bool,
    /// The client has not taken yet what it was offered last.
    waits: Option<Slow>,
    /// It has taken a part of it.
    behind: bool,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Sending<B> {
    pub(super) fn new(body: B) -> Self {
        Self {
            output: Output::default(),
            body,
            end: End::Bodiless,
            left: 0,
            done: false,
            ended: false,
            broken: false,
            waits: None,
            behind: false,
        }
    }

    /// What is there of the body already.
    pub(super) fn look(&mut self, cx: &mut Context<'_>) -> Result<Option<Bytes>, Gone> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Ok(frame.into_data().ok()),
            Poll::Ready(Some(Err(_))) => Err(Gone),
            Poll::Ready(None) | Poll::Pending => Ok(None),
        }
    }

    pub(super) fn begin(&mut self, end: End) {
        self.end = end;
        self.left = match end {
            End::Length(length) => length,
            _ => 0,
        };
        self.done = matches!(end, End::Bodiless | End::Length(0));
    }

    /// Adds a piece of the body. One that goes beyond what was announced is an end in the middle.
    pub(super) fn push(&mut self, data: Option<Bytes>) -> Result<(), Gone> {
        let Some(data) = data.filter(|data| !data.is_empty() && !self.done) else {
            self.finish_if_ended();
            return Ok(());
        };
        match self.end {
            End::Bodiless => {}
            End::Close => self.output.push(data),
            End::Length(_) => {
                let length = u64::try_from(data.len()).map_err(|_| Gone)?;
                self.left = self.left.checked_sub(length).ok_or(Gone)?;
                self.output.push(data);
                self.done = self.left == 0;
            }
            End::Chunks => {
                let size = format_hex(data.len());
                self.output.text().extend_from_slice(&size);
                self.output.push(data);
                self.output.text().extend_from_slice(b"\r\n");
            }
        }
        self.finish_if_ended();
        Ok(())
    }

    fn finish_if_ended(&mut self) {
        if !self.done && self.body.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if self.end == End::Chunks && !self.done {
            self.output.text().extend_from_slice(b"0\r\n\r\n");
        }
        self.done = true;
    }

    pub(super) fn poll<S>(
        &mut self,
        cx: &mut Context<'_>,
        wire: &Shared<S>,
    ) -> Poll<Result<(), Gone>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            // No more is taken from whoever makes the body than what fits: a client that does not read
            // costs no more memory than that.
            if self.waits.is_none() {
                self.broken |= self.fill(cx).is_err();
            }
            let mut wire = wire.lock();
            if wire.expired {
                if !self.output.is_empty() {
                    wire.reached = Some(Limit::Sending);
                }
                return Poll::Ready(Err(Gone));
            }
            let written = self.output.poll_write(cx, &mut wire.stream);
            self.waits = if written.is_pending() {
                self.waits.take().or_else(|| Some(Slow::new()))
            } else {
                None
            };
            self.behind = !self.output.is_empty();
            if self.broken && !matches!(written, Poll::Ready(Ok(1..))) {
                return Poll::Ready(Err(Gone));
            }
            match written {
                Poll::Ready(Ok(0)) if self.done => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(0)) => return wire.poll_gone(cx).map(|()| Err(Gone)),
                Poll::Ready(Ok(_)) if self.output.is_empty() => wire.due = None,
                Poll::Ready(Ok(written)) => wire.has_left(written),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Gone)),
                Poll::Pending => {
                    wire.waits_for_reader();
                    return Poll::Pending;
                }
            }
        }
    }

    /// What is behind an announced length is nothing for the client, but whoever makes the body may
    /// be done with its work only then.
    fn see_the_end(&mut self, cx: &mut Context<'_>) {
        if self.done && !self.ended {
            let next = Pin::new(&mut self.body).poll_frame(cx);
            self.ended = matches!(next, Poll::Ready(None | Some(Err(_))));
        }
    }

    /// Waits for that end: the next request finds the work for this one done, and counted. It is
    /// not the client's concern any more, who may have left with its answer.
    pub(super) async fn end(mut self) {
        if !self.ended {
            let _ = timeout(END, poll_fn(|cx| self.poll_end(cx))).await;
        }
    }

    /// A body that is not for the client is thrown away.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.ended {
            let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
            self.ended = !matches!(next, Some(Ok(_))) || self.end != End::Bodiless;
        }
        Poll::Ready(())
    }

    /// Takes what is there of the body, as far as there is room. Nothing while the client is behind:
    /// each block that the body was read into is kept as long as anything of it has to be sent.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), Gone> {
        while !self.behind && !self.done && !self.broken && !self.output.is_full() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.push(frame.into_data().ok())?,
                Poll::Ready(Some(Err(_))) => return Err(Gone),
                // Less than was announced: the client must be able to see it.
                Poll::Ready(None) if matches!(self.end, End::Length(_)) => return Err(Gone),
                Poll::Ready(None) => {
                    self.ended = true;
                    self.finish();
                }
                Poll::Pending => break,
            }
        }
        self.see_the_end(cx);
        Ok(())
    }
}

/// The line before a chunk.
fn format_hex(length: usize) -> Vec<u8> {
    format!("{length:x}\r\n").into_bytes()
}
