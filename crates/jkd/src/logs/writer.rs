//! The one thread that writes all logs.
//!
//! It sleeps until a line comes, writes what there is, one write for each file, and then looks
//! again every [`TICK`] as long as there is something: under load a batch is what has come
//! meanwhile, and no request pays for a wake-up.

use std::{
    io,
    sync::{Arc, Weak, atomic::Ordering, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use jkworkers::model::LogTarget;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::{
    channel::{Channel, Retired},
    output::Output,
    sink::{Sink, Waker},
};

/// How long lines wait for more of them.
const TICK: Duration = Duration::from_millis(50);

/// How often programs are looked after when nothing is logged.
const ROUND: Duration = Duration::from_secs(1);

/// How long programs may take to end when jkd ends.
const END: Duration = Duration::from_secs(5);

/// Opens logs, and writes them on a thread of its own until it is dropped.
#[derive(Debug)]
pub(crate) struct Writer {
    sinks: Mutex<FxHashMap<LogTarget, Weak<Sink>>>,
    orders: mpsc::Sender<Order>,
    waker: Arc<Waker>,
    lanes: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is told.
enum Order {
    /// Writes the lines of this sink there from now on.
    Write(Arc<Sink>, Output),
    /// Tells when all that waited has been written.
    Flush(mpsc::Sender<()>),
    /// Ends when all has been written.
    End,
}

impl Writer {
    /// Starts the thread. Each of `lanes` has buffers of its own.
    ///
    /// # Errors
    ///
    /// When there can be no more threads.
    pub(crate) fn start(lanes: usize) -> io::Result<Self> {
        let (orders, received) = mpsc::channel();
        let waker = Arc::<Waker>::default();
        let work = Work {
            orders: received,
            waker: waker.clone(),
            channels: Vec::new(),
            retired: Vec::new(),
        };
        let thread = thread::Builder::new().name("logs".into());
        let thread = thread.spawn(move || work.run())?;
        // Nobody else sets it.
        let _ = waker.thread.set(thread.thread().clone());
        Ok(Self {
            sinks: Mutex::default(),
            orders,
            waker,
            lanes,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The sink of a file or a program, opened if nobody uses it yet: one for each name.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub(crate) fn open(&self, target: &LogTarget) -> io::Result<Arc<Sink>> {
        let mut sinks = self.sinks.lock();
        if let Some(sink) = sinks.get(target).and_then(Weak::upgrade) {
            return Ok(sink);
        }
        let output = Output::open(target)?;
        let sink = Sink::new(target.clone(), self.lanes, self.waker.clone());
        let sink = Arc::new(sink);
        sinks.retain(|_, sink| sink.strong_count() > 0);
        sinks.insert(target.clone(), Arc::downgrade(&sink));
        self.order(Order::Write(sink.clone(), output));
        Ok(sink)
    }

    /// All logs that are open.
    pub(crate) fn all(&self) -> Vec<Arc<Sink>> {
        let sinks = self.sinks.lock();
        sinks.values().filter_map(Weak::upgrade).collect()
    }

    /// Opens files anew and starts programs anew: for those that rotate logs. What waits goes to
    /// the old ones. One that cannot be opened is used as before.
    pub(crate) fn reopen(&self, sinks: Vec<Arc<Sink>>) {
        // Besides this one and the one of the thread.
        let in_use = |sink: &Arc<Sink>| Arc::strong_count(sink) > 2;
        for sink in sinks.into_iter().filter(in_use) {
            match Output::open(&sink.target) {
                Ok(output) => self.order(Order::Write(sink, output)),
                Err(error) => tracing::error!(
                    log = %sink.target, %error,
                    "a log cannot be opened anew; logging goes on as before"
                ),
            }
        }
        // What is logged from now on goes to the new ones.
        self.flush();
    }

    /// Waits until all that was logged so far is written, or cannot be written now.
    pub(crate) fn flush(&self) {
        let (done, written) = mpsc::channel();
        self.order(Order::Flush(done));
        let _ = written.recv_timeout(END);
    }

    /// Writes the rest, lets programs read it and end, and ends the thread. What is logged after
    /// this is lost.
    pub(crate) fn close(&self) {
        if let Some(thread) = self.thread.lock().take() {
            self.order(Order::End);
            let _ = thread.join();
        }
    }

    fn order(&self, order: Order) {
        // The thread ends after this.
        let _ = self.orders.send(order);
        self.waker.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread has.
struct Work {
    orders: mpsc::Receiver<Order>,
    waker: Arc<Waker>,
    channels: Vec<Channel>,
    /// Programs that were replaced, and end when they have read all.
    retired: Vec<Retired>,
}

impl Work {
    fn run(mut self) {
        loop {
            let wrote = self.write();
            match self.obey() {
                Obeyed::Nothing if wrote => thread::park_timeout(TICK),
                Obeyed::Nothing => self.sleep(),
                Obeyed::Something => {}
                Obeyed::Over => return self.end(),
            }
        }
    }

    /// Writes what waits. Returns whether there was anything.
    fn write(&mut self) -> bool {
        let mut wrote = false;
        for channel in &mut self.channels {
            wrote |= channel.write(Instant::now());
        }
        self.retired.retain_mut(|program| !program.has_ended());
        // Nobody can log there any more.
        let unused = |channel: &mut Channel| channel.is_unused();
        for channel in self.channels.extract_if(.., unused) {
            self.retired.extend(channel.close());
        }
        wrote
    }

    fn obey(&mut self) -> Obeyed {
        let mut obeyed = Obeyed::Nothing;
        loop {
            match self.orders.try_recv() {
                Ok(Order::Write(sink, output)) => self.replace(sink, output),
                Ok(Order::Flush(done)) => {
                    self.write();
                    let _ = done.send(());
                }
                Err(mpsc::TryRecvError::Empty) => return obeyed,
                Ok(Order::End) | Err(mpsc::TryRecvError::Disconnected) => return Obeyed::Over,
            }
            obeyed = Obeyed::Something;
        }
    }

    /// What was logged before goes to the old file.
    fn replace(&mut self, sink: Arc<Sink>, output: Output) {
        let known = self.channels.iter_mut();
        let known = known.into_iter().find(|channel| channel.is_of(&sink));
        match known {
            Some(channel) => {
                channel.write(Instant::now());
                self.retired.extend(channel.replace(output));
            }
            None => self.channels.push(Channel::new(sink, output)),
        }
    }

    fn sleep(&self) {
        self.waker.idle.store(true, Ordering::Relaxed);
        if self.channels.iter().any(Channel::has_any) {
            self.waker.idle.store(false, Ordering::Relaxed);
            return;
        }
        if self.channels.iter().any(Channel::is_program) || !self.retired.is_empty() {
            thread::park_timeout(ROUND);
        } else {
            thread::park();
        }
        self.waker.idle.store(false, Ordering::Relaxed);
    }

    fn end(mut self) {
        let deadline = Instant::now() + END;
        while self.write() && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(1));
        }
        for channel in self.channels.drain(..) {
            self.retired.extend(channel.close());
        }
        for program in self.retired.drain(..) {
            program.wait(deadline);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Obeyed {
    Nothing,
    Something,
    Over,
}

#[cfg(test)]
mod tests;
