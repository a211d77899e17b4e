//! When the next request is due.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    sync::atomic::{AtomicBool, Ordering},
    task::{Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::Instant,
};

/// Hands out the moments at which requests are due.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<u32>,
    stopped: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    due: VecDeque<Instant>,
    /// Connections without a request. The last one to come is the first to get one: few
    /// connections stay warm, as with any pool.
    free: Vec<Waker>,
}

impl Pace {
    pub(super) fn new(rate: Option<u32>) -> Self {
        Self {
            rate,
            stopped: AtomicBool::new(false),
            queue: Mutex::default(),
        }
    }

    /// The moment from which the next request of a connection counts; `None` at the end. In closed
    /// loop that is `now`, when the connection has its answer.
    pub(super) async fn next(&self, now: Instant) -> Option<Instant> {
        if self.rate.is_none() {
            return (!self.stopped.load(Ordering::Relaxed)).then_some(now);
        }
        poll_fn(|cx| {
            let mut queue = self.queue.lock();
            if let Some(due) = queue.due.pop_front() {
                return Poll::Ready(Some(due));
            }
            if self.stopped.load(Ordering::Relaxed) {
                return Poll::Ready(None);
            }
            queue.free.push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Lets requests become due, at a fixed rate or never. The gaps are those of visitors who know
    /// nothing of each other: exponential, so that some come together.
    pub(super) async fn run(&self) -> io::Result<()> {
        let Some(rate) = self.rate else {
            return std::future::pending().await;
        };
        let timer = Timer::new()?;
        let mut gaps = Gaps::new(rate);
        let mut due = Instant::now();
        while !self.stopped.load(Ordering::Relaxed) {
            due += gaps.next();
            timer.wait_until(due).await?;
            let mut queue = self.queue.lock();
            queue.due.push_back(due);
            if let Some(free) = queue.free.pop() {
                free.wake();
            }
        }
        Ok(())
    }

    /// No further request is due. Those that wait are still sent.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Whoever looked before that is in the queue by now.
        let free = std::mem::take(&mut self.queue.lock().free);
        free.into_iter().for_each(Waker::wake);
    }

    /// Requests that were due and never sent.
    pub(super) fn waiting(&self) -> usize {
        self.queue.lock().due.len()
    }
}

/// A timer of the kernel: the runtime's own counts whole milliseconds.
struct Timer(AsyncFd<std::os::fd::OwnedFd>);

impl Timer {
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[allow(
            deprecated,
            reason = "sound for a descriptor that is owned; its successor is unsafe"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self(timer))
    }

    async fn wait_until(&self, due: Instant) -> io::Result<()> {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            },
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0; 8])?));
            if let Ok(read) = read {
                return read.map(drop);
            }
        }
    }
}

/// Exponential gaps with a mean, the same ones in each run.
#[derive(Debug)]
struct Gaps {
    mean: f64,
    state: u64,
}

impl Gaps {
    fn new(rate: u32) -> Self {
        Self {
            mean: 1.0 / f64::from(rate),
            state: 0x853C_49E6_748F_EA9B,
        }
    }

    fn next(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // Above 0 and up to 1.
        let uniform = ((self.state >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        Duration::from_secs_f64(-uniform.ln() * self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_their_mean() {
        let mut gaps = Gaps::new(1000);
        let all: Vec<_> = (0..100_000).map(|_| gaps.next()).collect();
        let mean = all.iter().sum::<Duration>() / 100_000;
        assert!((990..1010).contains(&mean.as_micros()), "{mean:?}");
        let long = all.iter().filter(|gap| gap.as_millis() >= 1).count();
        assert!(
            (35_000..38_500).contains(&long),
            "{long} gaps above the mean"
        );
    }

    #[tokio::test]
    async fn a_request_that_waits_counts_from_when_it_was_due() {
        let pace = Pace::new(Some(10));
        let (early, late) = (Instant::now(), Instant::now() + Duration::from_secs(1));
        pace.queue.lock().due.extend([early, late]);
        assert_eq!(pace.next(late).await, Some(early));
        assert_eq!((pace.next(late).await, pace.waiting()), (Some(late), 0));
        pace.stop();
        assert_eq!(pace.next(late).await, None);
    }
}
