//! A backend's answer on its way to the client.

mod telling;

use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use ajp13::ErrorKind;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use jkworkers::model::JkOptions;
use tokio::time::timeout;

use super::{Visit, held::Held};
use crate::{
    attempt::failure_of,
    balancer::{InFlight, Transition, Verdict},
    compress::Fed,
    http1::Heading,
    response::{self, BadField},
    snapshot,
    static_files::Piece,
};

/// A backend's answer. Frames go on as they come; an answer that breaks off is an error, so that
/// the client's connection breaks off too and nobody takes a part for the whole.
#[derive(Debug)]
pub(crate) struct Relay {
    status: StatusCode,
    /// The head is passed on before anything of the body.
    head_first: bool,
    flushes: Flushes,
    held: Held,
    /// Broke off after what is held.
    error: Option<ajp13::Error>,
    /// Whether the length is told: it was announced, or everything is there.
    is_measured: bool,
    body: ajp13::Body,
    /// Counts the request as in flight.
    guard: Option<InFlight>,
    broken: bool,
    /// Whether the log says already that Tomcat itself refused the request.
    refusal_told: bool,
}

/// How long the end of an answer is waited for of which all else is there.
const END: Duration = Duration::from_secs(1);

/// Bytes of the packet that ends an answer.
const END_RESPONSE: u64 = 6;

impl Relay {
    pub(crate) fn new(response: Response<ajp13::Body>, options: JkOptions) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            flushes: Flushes::by(options),
            head_first: false,
            held: Held::default(),
            error: None,
            is_measured: false,
            body,
            guard: None,
            broken: false,
            refusal_told: false,
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The head, once.
    ///
    /// # Errors
    ///
    /// Where it cannot be sent.
    pub(crate) fn take_head(&mut self) -> Result<Box<Heading>, BadField> {
        let packet = self.body.take_head().ok_or(BadField::None)?;
        response::heading(&packet, self.status)
    }

    /// Takes what is there of the body, for once.
    ///
    /// # Errors
    ///
    /// When the answer is broken already.
    pub(crate) fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), ajp13::Error> {
        if let Poll::Ready(Some(frame)) = Pin::new(&mut self.body).poll_frame(cx) {
            self.hold_frame(frame?);
        }
        Ok(())
    }

    /// Holds back what comes of the body, as httpd does, until there is more than it would keep, the
    /// backend flushes it, or it ends. Where there is no body, only the end counts.
    ///
    /// # Errors
    ///
    /// When the answer breaks off before anything of it has been passed on.
    pub(crate) async fn hold(&mut self, announced: Option<u64>) -> Result<(), ajp13::Error> {
        self.is_measured = announced.is_some() || self.is_bodiless();
        if self.flushes.head && !self.body.is_bodiless() {
            self.head_first = true;
            return Ok(());
        }
        while !self.held.may_go() && !self.body.is_end_stream() {
            match self.next_frame(announced).await {
                Some(Ok(frame)) => self.hold_frame(frame),
                // The client is to see that its length is another.
                Some(Err(error)) if self.is_cut_short(announced, &error) => {
                    self.error = Some(error);
                    break;
                }
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        self.is_measured |= self.is_kept() && self.body.is_end_stream();
        Ok(())
    }

    /// The next frame. Where only the end of what was announced is missing, it has not long to come.
    async fn next_frame(&mut self, announced: Option<u64>) -> Next {
        let lacks_end = announced.is_some() && self.body.size_hint().exact() == Some(0);
        let next = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
        if !lacks_end {
            return next.await;
        }
        timeout(END, next).await.unwrap_or_else(|_| {
            self.held.release();
            None
        })
    }

    fn is_cut_short(&self, announced: Option<u64>, error: &ajp13::Error) -> bool {
        announced.is_some() && error.kind() == ErrorKind::Length && !self.held.is_empty()
    }

    fn hold_frame(&mut self, frame: Frame<Bytes>) {
        // AJP has no trailers: all that comes is data.
        let data = frame.into_data().unwrap_or_default();
        let flushed = data.is_empty() || self.flushes.packets;
        self.held.push(data);
        if flushed {
            self.held.release();
        }
    }

    /// Whether no more than `most` bytes are all of the body, and httpd would not have passed on
    /// anything of it yet.
    pub(super) fn is_small(&self, most: u64) -> bool {
        let length = u64::try_from(self.held.length()).unwrap_or(u64::MAX);
        let is_all = self.error.is_none() && self.body.is_end_stream();
        is_all && self.is_kept() && length <= most
    }

    /// The next piece for whoever makes something else of the body, and calls [`Self::tell`].
    pub(super) fn poll_fed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Fed, ajp13::Error>> {
        if mem::take(&mut self.head_first) {
            return Poll::Ready(Ok(Fed::Flush));
        }
        loop {
            if let Some(data) = self.held.shift() {
                return Poll::Ready(Ok(Fed::Data(data)));
            }
            if self.held.take_flush() {
                return Poll::Ready(Ok(Fed::Flush));
            }
            if let Some(error) = self.error.take() {
                return Poll::Ready(Err(error));
            }
            let next = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()?;
            let Some(frame) = next else {
                return Poll::Ready(Ok(Fed::End));
            };
            self.hold_frame(frame);
        }
    }

    /// Whether httpd would not have passed on anything of it yet.
    fn is_kept(&self) -> bool {
        !self.head_first && !self.held.may_go()
    }

    /// Whether it is known that nothing of it follows.
    fn is_bodiless(&self) -> bool {
        matches!(
            self.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) || self.held.is_empty() && self.body.size_hint().exact() == Some(0) && !self.flushes.head
    }

    /// All of the body, where nothing of it would have been passed on yet.
    pub(super) fn whole(&self) -> Option<u64> {
        let is_whole = self.is_kept() && self.body.size_hint().exact() == Some(0);
        let length = || u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        is_whole.then(length)
    }

    /// Puts these pieces of the whole body in its place.
    pub(super) fn cut(&mut self, pieces: Vec<Piece>) {
        let whole = Bytes::from(self.held.to_vec());
        let pieces = pieces.into_iter().map(|piece| piece.of(&whole));
        self.held = pieces.collect::<Vec<_>>().into();
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.error.is_none() && self.body.is_end_stream()
    }

    /// Reads the rest and throws it away, so that the connection can be used again. Returns what
    /// it changed about the member's state that it broke off.
    pub(crate) async fn discard(&mut self) -> Option<Transition> {
        self.held.clear();
        // Nobody takes it for the whole, and whoever stops reading is not the client.
        self.broken = true;
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
            if let Err(error) = frame {
                return self.record(failure_of(&error).verdict());
            }
        }
        let excess = self.body.excess()?;
        self.record(failure_of(&excess).verdict())
    }

    /// Nobody wants it: closes the connection to the member.
    pub(crate) fn close(&mut self) {
        self.body.close();
    }

    /// Counts the request as in flight until the end of its answer. `guard` was given out for the
    /// try that is being answered.
    pub(crate) fn count(&mut self, guard: InFlight) {
        self.guard = Some(guard);
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        visit: &Visit,
    ) -> Poll<Option<Result<Frame<Bytes>, ajp13::Error>>> {
        let polled = loop {
            if let Some(data) = self.held.pop() {
                break Some(Ok(Frame::data(data)));
            }
            if let Some(polled) = ready!(self.poll_more(cx)) {
                break polled;
            }
        };
        if let Some(Err(error)) = &polled {
            self.breaks_off(error, visit);
        }
        self.tell(visit);
        Poll::Ready(polled)
    }

    /// Takes a step forward, and tells what there is to tell besides what is held.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let polled = match self.error.take() {
            Some(error) => Some(Err(error)),
            None => ready!(Pin::new(&mut self.body).poll_frame(cx)),
        };
        let next = match polled {
            Some(Ok(frame)) => {
                self.hold_frame(frame);
                None
            }
            // Behind what is still here.
            Some(Err(error)) if !self.held.is_empty() => {
                self.error = Some(error);
                None
            }
            None if !self.held.is_empty() => None,
            end => Some(end),
        };
        if self.body.is_end_stream() || self.error.is_some() {
            self.held.release();
        }
        Poll::Ready(next)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if self.error.is_some() {
            return SizeHint::default();
        }
        let held = u64::try_from(self.held.length()).unwrap_or(u64::MAX);
        match self.body.size_hint().exact() {
            Some(rest) if self.is_measured => SizeHint::with_exact(rest.saturating_add(held)),
            _ => SizeHint::default(),
        }
    }

    /// It broke off before anything of it was passed on. Returns what that changed.
    pub(crate) fn is_broken(&mut self, verdict: Verdict) -> Option<Transition> {
        self.broken = true;
        self.record(verdict)
    }

    fn record(&mut self, verdict: Verdict) -> Option<Transition> {
        self.guard.as_mut()?.record(verdict, snapshot::now())
    }

    /// The member that answers.
    pub(crate) fn member(&self) -> Option<usize> {
        self.guard.as_ref().map(|guard| guard.chosen().index)
    }

    /// What was carried so far.
    pub(crate) fn tally(&self) -> ajp13::Tally {
        self.body.tally()
    }

    /// The backend has done its part, or nobody waits for it any more.
    fn settle(&mut self) {
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        let tally = self.body.tally();
        // Where only the end is missing, the pool waits for it.
        let end = if self.is_whole() && !self.body.is_end_stream() {
            END_RESPONSE
        } else {
            0
        };
        guard.count_bytes(tally.written, tally.read + end);
    }

    /// Whether it has come as a whole, without the body that was announced.
    pub(crate) fn is_empty_reset(&self) -> bool {
        self.status == StatusCode::RESET_CONTENT && self.is_end_stream()
    }

    /// Whether the backend has given all it had to give.
    fn is_whole(&self) -> bool {
        self.held.is_empty()
            && self.error.is_none()
            && (self.body.is_end_stream() || self.body.size_hint().exact() == Some(0))
    }
}

/// What comes out next: a frame, an error, or the end.
type Next = Option<Result<Frame<Bytes>, ajp13::Error>>;

/// `FlushHeader`, `FlushPackets`: what httpd holds back otherwise goes on at once.
#[derive(Clone, Copy, Debug)]
struct Flushes {
    head: bool,
    packets: bool,
}

impl Flushes {
    const fn by(options: JkOptions) -> Self {
        Self {
            head: options.flush_header,
            packets: options.flush_packets,
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if !self.is_whole() && !self.broken {
            self.guard.as_mut().map(InFlight::client_leaves);
        }
        self.settle();
    }
}
