//! The one timer of a connection.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::on_call::OnCall;

/// Rings when a time is over that may be moved, or given up, at any moment.
///
/// Most of the time it is moved back before it is over. So the timer stays where it was, and is set
/// anew only when it rings too early, or would ring too late.
pub(super) struct Alarm {
    timer: Option<OnCall<Pin<Box<Sleep>>>>,
    set: Option<Instant>,
}

impl Alarm {
    pub(super) const fn new() -> Self {
        Self {
            timer: None,
            set: None,
        }
    }

    /// Ready once `due` is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, due: Option<Instant>) -> Poll<()> {
        if let Some(due) = due
            && self.set.is_none_or(|set| due < set)
        {
            self.set_to(due);
        }
        while let Some(timer) = &mut self.timer {
            if Pin::new(timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
            (self.timer, self.set) = (None, None);
            match due {
                None => return Poll::Pending,
                Some(due) if due <= Instant::now() => return Poll::Ready(()),
                Some(due) => self.set_to(due),
            }
        }
        Poll::Pending
    }

    fn set_to(&mut self, due: Instant) {
        self.set = Some(due);
        match &mut self.timer {
            Some(timer) => timer.again().as_mut().reset(due),
            None => self.timer = Some(OnCall::new(Box::pin(sleep_until(due)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The seconds after which it rings, if `due` says at each second when that should be.
    async fn rings(due: impl Fn(u64) -> Option<u64>) -> u64 {
        let begun = Instant::now();
        let mut alarm = Alarm::new();
        let mut ticks = tokio::time::interval(SECOND);
        poll_fn(|cx| {
            while ticks.poll_tick(cx).is_ready() {}
            let due = due(begun.elapsed().as_secs());
            alarm.poll(
                cx,
                due.map(|due| begun + SECOND * u32::try_from(due).unwrap()),
            )
        })
        .await;
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_the_time_is_over_wherever_it_was_moved() {
        assert_eq!(rings(|_| Some(5)).await, 5);
        assert_eq!(rings(|now| Some(if now < 3 { 5 } else { 9 })).await, 9);
        assert_eq!(rings(|now| Some(if now < 3 { 50 } else { 7 })).await, 7);
        assert_eq!(rings(|now| (now >= 3).then_some(6)).await, 6);
        assert_eq!(rings(|now| (!(2..=7).contains(&now)).then_some(5)).await, 8);
    }
}
