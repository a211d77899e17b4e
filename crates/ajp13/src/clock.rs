//! Patience with the other side, without a timer registration per packet or per request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Measures how long the other side has been silent while something was expected of it.
///
/// The timer is registered once and left alone: that it fires only means that it is time to look
/// whether the silence has really lasted so long, and if not, to set it anew.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    limit: Option<Duration>,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// A stopped clock; without a limit it never expires.
    #[cfg(any(test, feature = "server"))]
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Sets the limit for a new exchange.
    #[cfg(any(test, feature = "client"))]
    pub(crate) fn set(&mut self, limit: Option<Duration>) {
        self.limit = limit;
        self.since = None;
    }

    /// The other side has sent something, or it is not its turn.
    pub(crate) fn restart(&mut self) {
        self.since = None;
    }

    /// Ready once the limit has passed since the first call after the last restart.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        // Beyond what a clock can hold is as good as never.
        let Some(deadline) = since.checked_add(limit) else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::{advance, sleep, timeout};

    const LIMIT: Duration = Duration::from_secs(10);

    async fn expires_within(clock: &mut Clock, limit: Duration) -> bool {
        timeout(limit, poll_fn(|cx| clock.poll_expired(cx)))
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn counts_from_the_last_restart_with_the_timer_of_old() {
        let mut clock = Clock::default();
        clock.set(Some(LIMIT));
        assert!(!expires_within(&mut clock, Duration::from_secs(9)).await);
        clock.restart();
        let armed_for = |clock: &Clock| clock.timer.as_ref().unwrap().deadline();
        let before = armed_for(&clock);
        assert!(!expires_within(&mut clock, Duration::ZERO).await);
        assert_eq!(armed_for(&clock), before);
        assert!(!expires_within(&mut clock, Duration::from_secs(9)).await);
        assert!(expires_within(&mut clock, Duration::from_millis(1100)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_waited_does_not_count() {
        let mut clock = Clock::default();
        clock.set(Some(LIMIT));
        assert!(!expires_within(&mut clock, Duration::from_secs(1)).await);
        clock.restart();
        advance(LIMIT * 3).await;
        assert!(!expires_within(&mut clock, Duration::from_secs(9)).await);
        clock.set(Some(Duration::from_secs(1)));
        assert!(expires_within(&mut clock, Duration::from_millis(1100)).await);
        clock.set(None);
        assert!(!expires_within(&mut clock, LIMIT * 100).await);
    }

    #[tokio::test(start_paused = true)]
    async fn fires_when_nothing_moves() {
        let begun = Instant::now();
        let mut clock = Clock::new(Some(LIMIT));
        poll_fn(|cx| clock.poll_expired(cx)).await;
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_puts_it_off() {
        let mut clock = Clock::new(Some(LIMIT));
        for _ in 0..5 {
            let expired = poll_fn(|cx| clock.poll_expired(cx));
            assert!(timeout(Duration::from_secs(8), expired).await.is_err());
            clock.restart();
        }
        sleep(Duration::from_secs(60)).await;
        let expired = poll_fn(|cx| clock.poll_expired(cx));
        assert!(timeout(Duration::from_secs(8), expired).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_timeout_it_never_fires() {
        for endless in [None, Some(Duration::MAX)] {
            let mut clock = Clock::new(endless);
            let expired = poll_fn(|cx| clock.poll_expired(cx));
            assert!(timeout(Duration::from_secs(86_400), expired).await.is_err());
        }
    }
}
