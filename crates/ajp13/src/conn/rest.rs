//! Whether a connection can be used again.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;

use tokio::task::coop::unconstrained;

use super::turn::Turn;
use super::{Conn, Event, Facts, Io};
use crate::error::Error;
use crate::exchange::{Exchange, NotReusable, Stage};
use crate::pool::CloseReason;
use crate::stream::Stream;
use crate::wire::{Code, frame};

/// What a connection that is put aside is good for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Ready for another request.
    Clean,
    /// All content has been read; only the end of the response is missing.
    Finishing,
    Dirty(CloseReason),
}

/// What an idle connection is good for now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Ready,
    NotYet,
    Dead(CloseReason),
}

impl<IO: Io> Conn<IO> {
    /// What the connection is good for, now that nobody reads its answer any more.
    pub(crate) fn rest(&mut self) -> Rest {
        let rest = self.judge();
        if rest == Rest::Clean {
            self.tidy();
        }
        rest
    }

    /// Gives the buffers of a connection back that has been idle for a while.
    pub(crate) fn trim(&mut self) {
        self.input.trim();
        self.output.trim();
    }

    /// What an idle connection is good for now. Costs no system call unless the socket has
    /// become readable.
    ///
    /// # Race window
    /// The container may close the connection at any moment after this check; that shows as an
    /// error for which [`Error::is_stale`] holds.
    pub(crate) fn probe(&mut self) -> Probe {
        if self.exchange.is_some() {
            match self.rest() {
                Rest::Clean => {}
                Rest::Finishing => return Probe::NotYet,
                Rest::Dirty(reason) => return Probe::Dead(reason),
            }
        }
        if self.is_quiet() {
            Probe::Ready
        } else {
            Probe::Dead(CloseReason::Stale)
        }
    }

    /// Whether there is nothing to read, not even the end of the stream.
    fn is_quiet(&mut self) -> bool {
        let mut bytes = [0; SAMPLE];
        let mut sample = ReadBuf::new(&mut bytes);
        let io = &mut self.io;
        let read = poll_fn(|cx| Pin::new(&mut *io).poll_read(cx, &mut sample));
        // To a task that has used up its budget every socket would look quiet.
        let read = pin!(unconstrained(read));
        let is_pending = read
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending();
        self.input.push(sample.filled());
        is_pending
    }

    fn judge(&mut self) -> Rest {
        if self.facts.failed {
            return Rest::Dirty(CloseReason::Broken);
        }
        loop {
            match self.exchange.as_ref().map(Exchange::stage) {
                None => return self.judge_buffers(),
                Some(Stage::BodyDelivered) => return self.judge_ended(),
                Some(Stage::HeadersReceived) if self.has_told_all() => {}
                Some(_) => return Rest::Dirty(CloseReason::Aborted),
            }
            match self.next_turn() {
                Ok(Turn::Event(Event::End | Event::Flush)) => {}
                Ok(Turn::More) => match self.poll_fill(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Rest::Dirty(CloseReason::Broken),
                    Poll::Pending => return Rest::Finishing,
                },
                // Whoever had the rest of the request's body is gone: an end of body now would
                // make a torn upload look whole.
                Ok(Turn::Event(_) | Turn::Owed) | Err(_) => {
                    return Rest::Dirty(CloseReason::Broken);
                }
            }
        }
    }

    /// Whether the answer has no more content and nobody has to send anything.
    fn has_told_all(&self) -> bool {
        let told = |exchange: &Exchange| {
            exchange.due().is_none() && self.facts.content == Some(exchange.body_received())
        };
        self.output.is_empty() && self.exchange.as_ref().is_some_and(told)
    }

    fn judge_ended(&self) -> Rest {
        match self.exchange.as_ref().map(Exchange::reuse) {
            Some(Err(NotReusable::ReuseForbidden)) => Rest::Dirty(CloseReason::Asked),
            Some(Err(_)) => Rest::Dirty(CloseReason::Broken),
            Some(Ok(())) | None => self.judge_buffers(),
        }
    }

    fn judge_buffers(&self) -> Rest {
        let clean = self.input.is_empty() && self.output.is_empty();
        if clean && self.facts.write_error.is_none() {
            Rest::Clean
        } else {
            Rest::Dirty(CloseReason::Broken)
        }
    }

    fn tidy(&mut self) {
        if self.exchange.take().is_some() {
            self.served = self.served.saturating_add(1);
        }
        self.facts = Facts::default();
    }
}

impl<IO> Conn<IO> {
    /// What came although nothing was asked, if anything did.
    pub(crate) fn unasked(&self) -> Option<Error> {
        let stage = self.exchange.as_ref().map(Exchange::stage);
        let is_idle = matches!(stage, None | Some(Stage::BodyDelivered));
        let said = self.input.bytes().get(frame::HEADER).copied().map(Code);
        (is_idle && !self.input.is_empty()).then(|| {
            let error = super::turn::unasked();
            error.with_peer(&self.peer).with_packet(said)
        })
    }
}

impl Conn<Stream> {
    /// Whether the other side says something, be it only that it closes, as the operating system sees
    /// it: the event loop may not have run since. The connection is of no use then.
    pub(crate) fn overhears(&mut self) -> bool {
        let mut bytes = [0; SAMPLE];
        match self.io.read_now(&mut bytes) {
            Err(cause) => cause.kind() != std::io::ErrorKind::WouldBlock,
            Ok(count) => {
                self.input.push(bytes.get(..count).unwrap_or_default());
                true
            }
        }
    }
}

/// So many bytes tell which packet they begin.
const SAMPLE: usize = 8;
