//! Where lines wait until the writer takes them.
//!
//! One sink for each distinct file or program, with one buffer for each lane: a request locks the
//! buffer of its own lane, which nobody else does but the writer, for the moment of an exchange.
//! Lines of several lanes are put into the order in which they came when they are taken.
//! Buffers are bounded. What does not fit is counted, and said by the writer: a disk that is full
//! or a program that does not read must not stop requests.

use std::{
    fmt, mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::Thread,
};

use jkworkers::model::LogTarget;
use parking_lot::Mutex;
use tokio::time::Instant;

/// What waits of one lane at most, bytes; a line more may be begun.
const LIMIT: usize = 1 << 20;

/// From so many bytes on, the writer does not wait for more.
const URGENT: usize = LIMIT / 4;

/// Room for an ordinary line, bytes.
const ROOM: usize = 512;

/// The lines for one file or program.
pub(crate) struct Sink {
    pub(super) target: LogTarget,
    lanes: Box<[Mutex<Waiting>]>,
    waker: Arc<Waker>,
    /// Whether it has jkd's own lines: that it fails is then said on standard error.
    own: AtomicBool,
}

/// What waits.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Where each line ends, and when it came.
    lines: Vec<(Instant, usize)>,
    /// Lines that found no room.
    lost: u64,
}

/// Wakes the writer, but only one that sleeps until there is something to do.
#[derive(Debug, Default)]
pub(super) struct Waker {
    pub(super) idle: AtomicBool,
    pub(super) thread: OnceLock<Thread>,
}

impl Waker {
    pub(super) fn wake(&self) {
        self.idle.store(false, Ordering::Relaxed);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Sink {
    pub(super) fn new(target: LogTarget, lanes: usize, waker: Arc<Waker>) -> Self {
        Self {
            target,
            lanes: (0..lanes.max(1)).map(|_| Mutex::default()).collect(),
            waker,
            own: AtomicBool::new(false),
        }
    }

    /// Adds a line, which `write` puts at the end of the buffer, its line feed included.
    pub(crate) fn line(&self, lane: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let lane = self.lanes.get(lane).or_else(|| self.lanes.first());
        let Some(lane) = lane else { return };
        let length = {
            let mut waiting = lane.lock();
            if waiting.bytes.len() >= LIMIT {
                waiting.lost += 1;
                return;
            }
            // A line that grows it again and again costs more than the room.
            waiting.bytes.reserve(ROOM);
            write(&mut waiting.bytes);
            let length = waiting.bytes.len();
            if self.lanes.len() > 1 {
                waiting.lines.push((Instant::now(), length));
            }
            length
        };
        // Whoever goes to sleep looks at this buffer after it says so: the lock orders the two.
        if length >= URGENT || self.waker.idle.load(Ordering::Relaxed) {
            self.waker.wake();
        }
    }

    /// It has jkd's own lines.
    pub(crate) fn is_for_own_lines(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_own_lines(&self) -> bool {
        self.own.load(Ordering::Relaxed)
    }

    /// Moves what waits to the end of `batch`, in the order in which it came; returns how many lines
    /// found no room.
    pub(super) fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let lanes = self.lanes.iter();
        let taken = lanes.map(|lane| mem::take(&mut *lane.lock()));
        let mut taken: Vec<_> = taken
            .filter(|w| !w.bytes.is_empty() || w.lost > 0)
            .collect();
        let lost = taken.iter().map(|waiting| waiting.lost).sum();
        match taken.as_mut_slice() {
            [one] if batch.is_empty() => *batch = mem::take(&mut one.bytes),
            several => merge(several, batch),
        }
        lost
    }

    pub(super) fn has_any(&self) -> bool {
        let has = |lane: &Mutex<Waiting>| {
            let waiting = lane.lock();
            !waiting.bytes.is_empty() || waiting.lost > 0
        };
        self.lanes.iter().any(has)
    }
}

/// Puts lines of several lanes in order.
fn merge(lanes: &[Waiting], batch: &mut Vec<u8>) {
    let mut lines: Vec<(Instant, &[u8])> = Vec::new();
    for lane in lanes {
        let mut begin = 0;
        for &(came, end) in &lane.lines {
            lines.push((came, lane.bytes.get(begin..end).unwrap_or_default()));
            begin = end;
        }
        // With one lane nobody looks at the clock.
        if let Some(rest @ [_, ..]) = lane.bytes.get(begin..) {
            lines.push((Instant::now(), rest));
        }
    }
    // Stable: those of one lane stay as they are.
    lines.sort_by_key(|(came, _)| *came);
    for (_, line) in lines {
        batch.extend_from_slice(line);
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sink({})", self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let target = LogTarget::File("x".into());
        let sink = Sink::new(target, 2, Arc::default());
        let line = vec![b'x'; LIMIT / 4];
        for _ in 0..6 {
            sink.line(1, |buffer| buffer.extend_from_slice(&line));
        }
        sink.line(7, |buffer| buffer.extend_from_slice(b"first\n"));
        let mut batch = Vec::new();
        assert!(sink.has_any());
        assert_eq!(sink.take(&mut batch), 2);
        assert_eq!(batch.len(), LIMIT + 6);
        assert!(batch.ends_with(b"xfirst\n") && !sink.has_any());
    }

    #[test]
    fn lines_of_several_lanes_are_in_the_order_in_which_they_came() {
        let sink = Sink::new(LogTarget::File("x".into()), 3, Arc::default());
        let mut expected = String::new();
        for number in 0..100 {
            let line = format!("{number}\n");
            sink.line(number * 7 % 3, |buffer| {
                buffer.extend_from_slice(line.as_bytes());
            });
            expected += &line;
        }
        let mut batch = b"left\n".to_vec();
        assert_eq!(sink.take(&mut batch), 0);
        assert_eq!(
            String::from_utf8(batch).unwrap(),
            format!("left\n{expected}")
        );
    }
}
