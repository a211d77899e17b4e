//! The patience with a web server that owes something.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is registered once and moved only when it fires, so that progress costs no more
/// than reading the clock.
pub(super) struct Stall {
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    /// A stopped timer; without `timeout` it never fires.
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Self {
            timeout,
            deadline: None,
            timer: None,
        }
    }

    /// Something moved, or nothing is owed any more: starts anew at the next poll.
    pub(super) fn reset(&mut self) {
        self.deadline = None;
    }

    /// Ready once nothing has moved for the whole timeout.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timeout) = self.timeout else {
            return Poll::Pending;
        };
        if self.deadline.is_none() {
            self.deadline = Instant::now().checked_add(timeout);
        }
        // Beyond what a clock can hold is as good as never.
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                self.timer = None;
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{sleep, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn fires_when_nothing_moves() {
        let begun = Instant::now();
        let mut stall = Stall::new(Some(LIMIT));
        poll_fn(|cx| stall.poll_expired(cx)).await;
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_puts_it_off() {
        let mut stall = Stall::new(Some(LIMIT));
        for _ in 0..5 {
            let expired = poll_fn(|cx| stall.poll_expired(cx));
            assert!(timeout(Duration::from_secs(8), expired).await.is_err());
            stall.reset();
        }
        sleep(Duration::from_secs(60)).await;
        let expired = poll_fn(|cx| stall.poll_expired(cx));
        assert!(timeout(Duration::from_secs(8), expired).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_timeout_it_never_fires() {
        for endless in [None, Some(Duration::MAX)] {
            let mut stall = Stall::new(endless);
            let expired = poll_fn(|cx| stall.poll_expired(cx));
            assert!(timeout(Duration::from_secs(86_400), expired).await.is_err());
        }
    }
}
