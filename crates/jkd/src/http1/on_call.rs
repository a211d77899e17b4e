//! Futures that are looked at only when they ask for it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Polls a future once, and after that only when it has woken the task.
///
/// For timers and notifications that wait beside a busy socket: each event of the socket wakes
/// the task, and to look after all of them each time costs more than they do.
#[derive(Debug)]
pub(super) struct OnCall<F> {
    future: F,
    bell: Option<Arc<Bell>>,
}

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    task: Waker,
}

impl<F> OnCall<F> {
    pub(super) const fn new(future: F) -> Self {
        Self { future, bell: None }
    }

    /// The future, which is polled once more: something has changed about it.
    pub(super) fn again(&mut self) -> &mut F {
        self.bell = None;
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for OnCall<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell } = self.get_mut();
        let bell = match bell {
            Some(bell) if bell.task.will_wake(cx.waker()) => {
                if !bell.was_rung() {
                    return Poll::Pending;
                }
                bell
            }
            _ => bell.insert(Arc::new(Bell::new(cx.waker().clone()))),
        };
        let waker = Waker::from(Arc::clone(bell));
        Pin::new(future).poll(&mut Context::from_waker(&waker))
    }
}

impl Bell {
    const fn new(task: Waker) -> Self {
        Self {
            rung: AtomicBool::new(false),
            task,
        }
    }

    fn was_rung(&self) -> bool {
        // Only who finds it rung pays for the exchange.
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::poll_fn, pin::pin, time::Duration};

    use tokio::{
        sync::Notify,
        time::{Instant, sleep, timeout},
    };

    use super::*;

    #[tokio::test]
    async fn is_polled_once_and_then_when_it_asked() {
        let polls = Cell::new(0);
        let asked = Notify::new();
        let mut notified = pin!(asked.notified());
        let inner = pin!(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            notified.as_mut().poll(cx)
        }));
        let mut on_call = OnCall::new(inner);
        for _ in 0..5 {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut on_call).poll(cx))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(polls.get(), 1);
        asked.notify_waiters();
        on_call.await;
        assert_eq!(polls.get(), 2);
    }

    #[tokio::test]
    async fn another_task_can_go_on_waiting() {
        let asked = Notify::new();
        let notified = pin!(asked.notified());
        let mut on_call = OnCall::new(notified);
        let mut nobody = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut on_call).poll(&mut nobody).is_pending());
        let (found, ()) = tokio::join!(timeout(Duration::from_secs(30), on_call), async {
            tokio::task::yield_now().await;
            asked.notify_waiters();
        });
        assert!(found.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn timers_fire() {
        let begun = Instant::now();
        let timers = pin!(async {
            sleep(Duration::from_secs(3)).await;
            sleep(Duration::from_secs(4)).await;
        });
        OnCall::new(timers).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(7));
    }
}
