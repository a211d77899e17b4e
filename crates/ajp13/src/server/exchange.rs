//! One request and its response on a connection, both directions at once, on one task.
//!
//! ```text
//!                 service answers            body ends
//!   Waiting ─────────────────────► Streaming ─────────► Finished ──► END_RESPONSE
//!      └──────── no body to send (HEAD, 204, empty …) ─────▲    └ not before the packet that
//!                                                                 the web server still owes
//! ```

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use http::{Response, StatusCode, response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::convert::inbound::{ResponseHead, write_head};
use crate::wire::{Data, EndResponse, GetBodyChunk, SendBodyChunk};

use super::Error;
use super::admission::plain;
use super::request_body::{BodyError, Slot};
use super::transport::Transport;
use super::upload::Upload;

pin_project! {
    #[project = PhaseView]
    enum Phase<F, B: Body> {
        Waiting { #[pin] future: F },
        Streaming { #[pin] body: B, rest: Option<B::Data> },
        Finished,
    }
}

pub(super) struct Exchange<'c, IO> {
    pub(super) transport: &'c mut Transport<IO>,
    pub(super) stall: &'c mut Clock,
    pub(super) upload: Upload,
    /// Where the request body goes; without one it is swallowed.
    pub(super) slot: Option<Arc<Slot>>,
    pub(super) head_only: bool,
    /// Whether the server is to stop, which ends the connection with this response.
    pub(super) stop: Option<&'c watch::Receiver<bool>>,
    /// Whether the connection may be used again.
    pub(super) reuse: bool,
    /// `Content-Length` of the response and the bytes sent so far.
    pub(super) length: (Option<u64>, u64),
    pub(super) ended: bool,
}

impl<'c, IO: AsyncRead + AsyncWrite + Unpin> Exchange<'c, IO> {
    pub(super) fn new(
        transport: &'c mut Transport<IO>,
        stall: &'c mut Clock,
        content_length: Option<u64>,
        head_only: bool,
    ) -> Self {
        stall.restart();
        Self {
            transport,
            stall,
            upload: Upload::new(content_length),
            slot: None,
            head_only,
            stop: None,
            reuse: true,
            length: (None, 0),
            ended: false,
        }
    }

    /// Runs the service to the end of its response; whether the connection may be used again.
    pub(super) async fn run<F, B>(mut self, service: F) -> Result<bool, Error>
    where
        F: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let mut phase = pin!(Phase::Waiting { future: service });
        let result = poll_fn(|cx| self.poll(cx, phase.as_mut())).await;
        if let Some(slot) = self.slot.take() {
            slot.fail(match &result {
                Ok(()) => BodyError::ResponseComplete,
                Err(Error::Stalled) => BodyError::Stalled,
                Err(_) => BodyError::Disconnected,
            });
        }
        result.map(|()| self.reuse)
    }

    fn poll<F, B>(
        &mut self,
        cx: &mut Context<'_>,
        mut phase: Pin<&mut Phase<F, B>>,
    ) -> Poll<Result<(), Error>>
    where
        F: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        loop {
            let mut moved = self.poll_upload(cx)?;
            moved |= self.poll_response(cx, phase.as_mut())?;
            self.end_when_due(phase.as_ref().get_ref());
            let flushed = self.transport.poll_flush(cx, &mut moved)?;
            if self.ended && flushed.is_ready() {
                return Poll::Ready(Ok(()));
            }
            if moved {
                self.stall.restart();
            } else {
                return self.poll_stall(cx);
            }
        }
    }

    /// Asks for body when the service wants it, hands over what comes, and notices when the web
    /// server goes away.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let mut moved = false;
        if !self.upload.awaited() && self.is_body_wanted(cx) && self.upload.ask() {
            let ask = GetBodyChunk::full(self.transport.packet_size);
            self.transport.output.put_slice(&ask.to_bytes());
            moved = true;
        }
        loop {
            if self.upload.awaited() {
                if let Some(packet) = self.transport.take_packet()? {
                    self.take_data(&packet);
                    return Ok(true);
                }
            } else if self.transport.has_input() {
                // The next request came early; it stays where it is.
                return Ok(moved);
            }
            match self.transport.poll_fill(cx)? {
                Poll::Ready(0) => return Err(Error::Disconnected),
                Poll::Ready(_) => moved = true,
                Poll::Pending => return Ok(moved),
            }
        }
    }

    fn is_body_wanted(&self, cx: &mut Context<'_>) -> bool {
        !self.ended && self.slot.as_ref().is_some_and(|slot| slot.is_wanted(cx))
    }

    fn take_data(&mut self, packet: &Bytes) {
        let delivery = match Data::decode(packet) {
            Ok(data) => self.upload.deliver(packet.slice_ref(data.bytes())),
            Err(_) => Err(self.upload.give_up(BodyError::Malformed)),
        };
        match (delivery, &self.slot) {
            (Ok(delivery), Some(slot)) => slot.deliver(delivery),
            (Ok(_), None) => {}
            (Err(error), slot) => {
                tracing::debug!(%error, "the web server broke the rules of a request body");
                self.reuse = false;
                if let Some(slot) = slot {
                    slot.fail(error);
                }
            }
        }
    }

    fn poll_response<F, B>(
        &mut self,
        cx: &mut Context<'_>,
        mut phase: Pin<&mut Phase<F, B>>,
    ) -> Result<bool, Error>
    where
        F: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let mut moved = false;
        if let PhaseView::Waiting { future } = phase.as_mut().project() {
            let Poll::Ready(response) = future.poll(cx) else {
                return Ok(false);
            };
            let next = self.begin(response);
            phase.set(next);
            moved = true;
        }
        while self.transport.has_room() {
            let PhaseView::Streaming { mut body, rest } = phase.as_mut().project() else {
                break;
            };
            if let Some(data) = rest {
                if self.send_data(data) {
                    *rest = None;
                }
                moved = true;
                continue;
            }
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => *rest = frame.into_data().ok(),
                Poll::Ready(Some(Err(error))) => return Err(Error::ResponseBody(error.into())),
                Poll::Ready(None) => {
                    self.check_length(true)?;
                    phase.set(Phase::Finished);
                }
                Poll::Pending => break,
            }
            moved = true;
        }
        self.check_length(false)?;
        Ok(moved)
    }

    /// Writes the head and decides what follows it.
    fn begin<F, B: Body>(&mut self, response: Response<B>) -> Phase<F, B> {
        let (parts, body) = response.into_parts();
        let Some(head) = self.write_head(&parts, body.size_hint().exact()) else {
            return Phase::Finished;
        };
        self.length.0 = head.content_length;
        let is_empty = body.is_end_stream() && head.content_length.is_none_or(|length| length == 0);
        if !head.has_body || is_empty {
            return Phase::Finished;
        }
        Phase::Streaming { body, rest: None }
    }

    /// `None` when AJP13 cannot carry the head, so that an error was written in its place.
    fn write_head(&mut self, parts: &response::Parts, length: Option<u64>) -> Option<ResponseHead> {
        let size = self.transport.packet_size;
        let output = &mut self.transport.output;
        if parts.status.is_informational() {
            tracing::warn!(status = %parts.status, "AJP13 knows no interim responses: sent 500");
        } else {
            match write_head(output, size, parts, self.head_only, length) {
                Ok(head) => return Some(head),
                Err(error) => tracing::warn!(%error, "response headers are too large: sent 500"),
            }
        }
        let (parts, _) = plain(StatusCode::INTERNAL_SERVER_ERROR).into_parts();
        // A head of two short headers fits every packet size.
        let _ = write_head(output, size, &parts, self.head_only, Some(0));
        None
    }

    /// Encodes what there is room for; whether that was all of it. No bytes at all are a flush.
    fn send_data(&mut self, data: &mut impl Buf) -> bool {
        let output = &mut self.transport.output;
        if !data.has_remaining() {
            output.put_slice(&SendBodyChunk::FLUSH);
            return true;
        }
        let length = data.remaining().min(self.transport.packet_size.max_chunk());
        let Some(prefix) = SendBodyChunk::prefix(length) else {
            return true;
        };
        output.put_slice(&prefix);
        output.put(data.take(length));
        output.put_slice(&SendBodyChunk::SUFFIX);
        self.length.1 = self
            .length
            .1
            .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        !data.has_remaining()
    }

    /// A response that is not as long as announced must not look complete.
    fn check_length(&self, is_end: bool) -> Result<(), Error> {
        let (Some(announced), sent) = self.length else {
            return Ok(());
        };
        if sent > announced || (is_end && sent < announced) {
            return Err(Error::ResponseLength { announced, sent });
        }
        Ok(())
    }

    /// Ends the response, unless the web server owes a packet: it would be taken for the next
    /// request.
    fn end_when_due<F, B: Body>(&mut self, phase: &Phase<F, B>) {
        if !self.ended && matches!(phase, Phase::Finished) && !self.upload.awaited() {
            self.reuse &= !self.stop.is_some_and(|stop| *stop.borrow());
            let end = EndResponse { reuse: self.reuse };
            self.transport.output.put_slice(&end.to_bytes());
            self.ended = true;
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.upload.awaited() && self.transport.output.is_empty() {
            self.stall.restart();
            return Poll::Pending;
        }
        self.stall.poll_expired(cx).map(|()| Err(Error::Stalled))
    }
}
