//! One log as the writer sees it: a sink, and where its lines go.

use std::{io, mem, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    output::{Output, Program},
    sink::Sink,
};

/// How long a program that ended is left alone before it is started again, and a failure before it
/// is told again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Channel {
    sink: Arc<Sink>,
    output: Output,
    /// What could not be written yet; begins with a line, or with the rest of one.
    batch: Vec<u8>,
    /// Bytes of `batch` that are written.
    written: usize,
    /// Whether a line was cut by an error: the next one begins with a line feed.
    cut: bool,
    /// Lines lost and not told of yet.
    lost: u64,
    why: Option<io::Error>,
    told: Option<Instant>,
    started: Option<Instant>,
}

/// A program that gets no more lines.
pub(super) struct Retired(Program);

impl Channel {
    pub(super) fn new(sink: Arc<Sink>, output: Output) -> Self {
        Self {
            sink,
            output,
            batch: Vec::new(),
            written: 0,
            cut: false,
            lost: 0,
            why: None,
            told: None,
            started: None,
        }
    }

    pub(super) fn is_of(&self, sink: &Arc<Sink>) -> bool {
        Arc::ptr_eq(&self.sink, sink)
    }

    pub(super) fn is_program(&self) -> bool {
        matches!(self.output, Output::Program(_))
    }

    pub(super) fn has_any(&self) -> bool {
        self.sink.has_any()
    }

    /// Whether nobody can log here any more, and all is written.
    pub(super) fn is_unused(&mut self) -> bool {
        Arc::strong_count(&self.sink) == 1 && self.batch.is_empty() && !self.sink.has_any()
    }

    /// Writes what waits, or as much of it as can be written now. Returns whether there was
    /// anything.
    pub(super) fn write(&mut self, now: Instant) -> bool {
        self.look_after_program(now);
        let begins = self.batch.is_empty();
        if begins {
            self.lost += self.sink.take(&mut self.batch);
            if self.cut && !self.batch.is_empty() {
                self.batch.insert(0, b'\n');
                self.cut = false;
            }
        }
        let any = !self.batch.is_empty();
        self.send();
        self.tell(now);
        any
    }

    fn send(&mut self) {
        while let Some(rest @ [_, ..]) = self.batch.get(self.written..) {
            match self.output.write(rest) {
                Ok(0) => return self.fail(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    // A program that is slow: later.
                    io::ErrorKind::WouldBlock => return,
                    // A program that has ended: the one that follows gets the rest.
                    io::ErrorKind::BrokenPipe if self.is_program() => return self.rewind(),
                    _ => return self.fail(error),
                },
            }
        }
        self.batch.clear();
        self.written = 0;
    }

    /// What is left is lost.
    fn fail(&mut self, error: io::Error) {
        let rest = self.batch.get(self.written..).unwrap_or_default();
        self.lost += count_lines(rest);
        let written = self.batch.get(..self.written).unwrap_or_default();
        self.cut = written.last().is_some_and(|b| *b != b'\n');
        self.why = Some(error);
        self.batch.clear();
        self.written = 0;
    }

    /// Back to the beginning of the line that was not written whole.
    fn rewind(&mut self) {
        let written = self.batch.get(..self.written).unwrap_or_default();
        let whole = written.iter().rposition(|b| *b == b'\n');
        self.batch.drain(..whole.map_or(0, |at| at + 1));
        self.written = 0;
    }

    /// Starts a program that has ended again, though not more often than once a second.
    fn look_after_program(&mut self, now: Instant) {
        if !self.output.has_ended() || is_recent(self.started, now) {
            return;
        }
        self.started = Some(now);
        match Output::open(&self.sink.target) {
            Ok(output) => {
                self.rewind();
                self.output = output;
                self.say(format_args!(
                    "the program of the log {} has ended; it was started again",
                    self.sink.target
                ));
            }
            Err(error) => self.why = Some(error),
        }
    }

    fn tell(&mut self, now: Instant) {
        if self.lost == 0 || is_recent(self.told, now) {
            return;
        }
        self.told = Some(now);
        let lines = mem::take(&mut self.lost);
        let target = &self.sink.target;
        match self.why.take() {
            Some(error) => self.say(format_args!(
                "{lines} lines of the log {target} are lost: {error}"
            )),
            None => self.say(format_args!(
                "{lines} lines of the log {target} are lost: they came faster than they could be \
                 written"
            )),
        }
    }

    /// Not in a log that does not work.
    fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.sink.has_own_lines() {
            eprintln!("jkd: {what}");
        } else {
            tracing::error!("{what}");
        }
    }

    /// Goes on with another file or program.
    pub(super) fn replace(&mut self, output: Output) -> Option<Retired> {
        self.cut = false;
        if matches!(self.output, Output::Program(_)) {
            self.rewind();
        }
        retire(mem::replace(&mut self.output, output))
    }

    pub(super) fn close(self) -> Option<Retired> {
        retire(self.output)
    }
}

fn retire(output: Output) -> Option<Retired> {
    match output {
        Output::File(_) | Output::Syslog(_) => None,
        Output::Program(mut program) => {
            program.close();
            Some(Retired(program))
        }
    }
}

impl Retired {
    pub(super) fn has_ended(&mut self) -> bool {
        self.0.has_ended()
    }

    pub(super) fn wait(self, deadline: Instant) {
        self.0.wait(deadline);
    }
}

fn is_recent(moment: Option<Instant>, now: Instant) -> bool {
    moment.is_some_and(|moment| now.saturating_duration_since(moment) < PAUSE)
}

fn count_lines(bytes: &[u8]) -> u64 {
    let ends = bytes.split(|b| *b == b'\n').count().saturating_sub(1);
    u64::try_from(ends).unwrap_or(u64::MAX)
}
