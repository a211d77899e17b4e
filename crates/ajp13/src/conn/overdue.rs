//! When there is no point in waiting any longer, and what the operator may look at then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::patience::Overdue;
use super::{Conn, Io, turn};
use crate::error::{Error, ErrorKind, hint};
use crate::wire::frame;

impl<IO: Io> Conn<IO> {
    /// Ready with an error when there is no point in waiting any longer.
    pub(super) fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if let Some(cause) = self.facts.write_error.take() {
            return Poll::Ready(self.hung_up(cause));
        }
        if self.due().is_some() && self.output.is_empty() {
            // It is the turn of the one who sends the request's body.
            self.patience.restart();
            return Poll::Pending;
        }
        let amid = !self.output.is_empty() || !self.input.is_empty();
        (self.patience.poll_overdue(cx, amid)).map(|which| self.overdue(which))
    }

    /// Ready with an error when somebody who has begun to doubt says that there is no point in
    /// waiting any longer.
    pub(crate) fn poll_given_up(
        &mut self,
        cx: &mut Context<'_>,
        justified: Option<Pin<&mut impl Future<Output = ()>>>,
    ) -> Poll<Error> {
        let Some(justified) = justified else {
            return Poll::Pending;
        };
        ready!(self.patience.poll_doubtful(cx));
        (justified.poll(cx)).map(|()| self.blame(Error::new(ErrorKind::GivenUp)))
    }

    fn overdue(&mut self, which: Overdue) -> Error {
        let likely = if self.is_proven() {
            hint::SLOW
        } else {
            hint::MUTE
        };
        match which {
            Overdue::Socket(_) if self.input.bytes().len() >= frame::HEADER => {
                self.facts.count(frame::HEADER);
                turn::stuck()
            }
            Overdue::Socket(limit) => Error::timeout(ErrorKind::Socket, limit).with_hint(likely),
            Overdue::Reply(limit) => Error::timeout(ErrorKind::Reply, limit).with_hint(likely),
        }
    }

    /// Whether the other side has shown that it speaks AJP13.
    fn is_proven(&self) -> bool {
        self.facts.answered || self.served > 0 || self.speaks
    }

    pub(super) fn hung_up(&self, cause: io::Error) -> Error {
        let error = Error::io(cause);
        if self.is_proven() {
            return error;
        }
        error.with_hint(hint::HANGS_UP)
    }
}
