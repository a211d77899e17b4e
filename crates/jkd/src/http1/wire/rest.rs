//! What comes while nobody reads: bodies that are not wanted, the next request, or the end.

use std::{
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{Coming, SIP, Wire};
use crate::http1::chunked::Step;

/// So much of a body that nobody wants is read all the same, so that the next request can be found,
/// bytes.
const UNWANTED: u64 = 1024 * 1024;

/// And for so long.
const UNWANTED_TIME: Duration = Duration::from_secs(30);

/// What was done to find the end of a body that nobody wants.
#[derive(Debug, Default)]
pub(in crate::http1) struct Rest {
    /// What was read of it, bytes.
    read: u64,
    /// Until when it is read.
    end: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Whether more is announced of a body that nobody wants than is worth reading.
    pub(in crate::http1) fn is_too_much(&self) -> bool {
        let here = u64::try_from(self.input.len()).unwrap_or(u64::MAX);
        let left = match self.coming {
            Coming::Bytes(left) => left.saturating_sub(here),
            Coming::Nothing | Coming::Chunks(_) | Coming::Lost => 0,
        };
        self.is_left && left > UNWANTED
    }

    /// Reads what is left of the present request's body, and throws it away. Ready with whether the
    /// next request can be found. `rest` is kept between the polls.
    pub(in crate::http1) fn poll_end(
        &mut self,
        cx: &mut Context<'_>,
        rest: &mut Rest,
    ) -> Poll<bool> {
        loop {
            let is_over = self.ended || self.expired || rest.read > UNWANTED;
            match self.decode() {
                Ok(Step::Data(_)) => continue,
                Ok(Step::End) => break,
                Ok(Step::More) if !is_over => {}
                Ok(Step::More) | Err(_) => {
                    self.lose();
                    return Poll::Ready(false);
                }
            }
            match self.poll_gulp(cx) {
                Poll::Ready(Ok(read @ 1..)) => {
                    self.has_come(read);
                    rest.read = rest.read.saturating_add(u64::try_from(read).unwrap_or(0));
                }
                Poll::Ready(_) => self.ended = true,
                Poll::Pending => {
                    self.set_body_limit();
                    let end = *rest
                        .end
                        .get_or_insert_with(|| Instant::now() + UNWANTED_TIME);
                    self.due = self.due.map(|due| due.min(end));
                    return Poll::Pending;
                }
            }
        }
        (self.due, self.pace, self.reader) = (None, None, None);
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Poll::Ready(true)
    }

    /// How much has come of what follows the present request, as far as its end is known. Where the
    /// connection ends after it (`stays`), nobody reads the rest of its body either.
    pub(in crate::http1) fn unread(&self, stays: bool) -> usize {
        match self.coming {
            Coming::Nothing => self.input.len(),
            Coming::Lost => self.behind,
            Coming::Bytes(_) | Coming::Chunks(_) if !stays => self.input.len(),
            Coming::Bytes(_) | Coming::Chunks(_) => 0,
        }
    }

    /// Whether more may come of what nobody wants. `perhaps`: where nothing says so, too.
    pub(in crate::http1) fn may_come_more(&self, perhaps: bool) -> bool {
        !self.ended
            && (perhaps || !matches!(self.coming, Coming::Nothing) || !self.input.is_empty())
    }

    /// Ready when the client is gone while its request is being answered.
    ///
    /// One that has ended its own side may still read (RFC 9112, section 9.6), or have closed it
    /// all: that shows only when something is written. So it is given some time.
    pub(in crate::http1) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !matches!(self.coming, Coming::Nothing) {
            return Poll::Pending;
        }
        while !self.ended {
            // A little of the next request hides nobody's end; the rest is read when it is due.
            if self.input.len() >= SIP {
                return Poll::Pending;
            }
            match ready!(self.poll_sip(cx)) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(_) => return Poll::Ready(()),
            }
        }
        if self.expired {
            return Poll::Ready(());
        }
        self.waits_for_reader();
        Poll::Pending
    }

    /// Reads what still comes and throws it away. Ready when the client has closed, or the time is
    /// over: `silence` after the last bytes, and `end` in any case.
    pub(in crate::http1) fn poll_scrap(
        &mut self,
        cx: &mut Context<'_>,
        silence: Duration,
        end: Instant,
    ) -> Poll<()> {
        let mut scrap = [MaybeUninit::uninit(); SIP];
        while !self.expired {
            let mut scrap = ReadBuf::uninit(&mut scrap);
            match Pin::new(&mut self.stream).poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() => self.due = None,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    let quiet = || (Instant::now() + silence).min(end);
                    self.due.get_or_insert_with(quiet);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(())
    }
}
