//! From events to lines: stamp, process, level, message, fields.

use std::{
    cell::{Cell, RefCell},
    fmt::{self, Write as _},
    io::Write as _,
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use jkworkers::model::StampFormat;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{Layer, layer::Context};

use super::places::{Form, MODULE, Places, severity};
use crate::logs::{ErrorLog, Said, stamp};

thread_local! {
    /// The host that this thread serves just now.
    static HOST: Cell<usize> = const { Cell::new(0) };
    /// What its present request is called.
    static ID: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Until it is dropped, lines of this thread are about this host, and about a request with this id.
pub(crate) struct Within {
    before: (usize, Option<Arc<str>>),
}

impl Within {
    pub(crate) fn host(number: usize, id: Option<Arc<str>>) -> Self {
        Self {
            before: (HOST.replace(number), ID.replace(id)),
        }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        HOST.set(self.before.0);
        ID.set(self.before.1.take());
    }
}

/// Writes lines where they belong.
pub(super) struct Lines {
    pub(super) places: Arc<ArcSwap<Places>>,
    /// `RUST_LOG` says which lines there are.
    pub(super) all: bool,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn register_callsite(&self, line: &'static Metadata<'static>) -> Interest {
        let most = self.places.load().most;
        if self.all {
            Interest::always()
        } else if *line.level() <= most {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, line: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let places = self.places.load();
        let place = places.of(HOST.get());
        self.all || place.is_none_or(|place| place.wants(line))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        (!self.all).then(|| self.places.load().most)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let places = self.places.load();
        let Some(place) = places.of(HOST.get()) else {
            return;
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = event.metadata();
        let (sink, stamp) = match place.of(line) {
            Form::Httpd(log) => return say(log, line, &fields),
            Form::Jk(sink, stamp) => (sink, stamp),
        };
        let mut text = String::with_capacity(256);
        write_line(&mut text, stamp, line, &fields);
        match sink {
            // All of them into the same buffer, so that they stay in order.
            Some(sink) => sink.line(0, |line| line.extend_from_slice(text.as_bytes())),
            None => {
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
        }
    }
}

/// As httpd writes it.
fn say(log: &ErrorLog, line: &Metadata<'_>, fields: &Fields) {
    let said = Said {
        module: MODULE,
        level: severity(line),
        source: line.file().zip(line.line()),
        system: None,
        message: &[&*fields.message, &fields.others].concat(),
    };
    log.say(&said, None);
}

/// As mod_jk writes it.
fn write_line(text: &mut String, form: &StampFormat, line: &Metadata<'_>, fields: &Fields) {
    let level = name(*line.level());
    let (process, thread) = (std::process::id(), rustix::thread::gettid());
    let thread = thread.as_raw_nonzero();
    stamp(text, form.text(), SystemTime::now());
    ID.with_borrow(|id| {
        if let Some(id) = id {
            // Writing to a string cannot fail.
            let _ = write!(text, "[{id}] ");
        }
    });
    let _ = write!(text, "[{process}:{thread}] [{level}] ");
    for part in [&fields.message, &fields.others] {
        one_line(text, part);
    }
    text.push('\n');
}

/// mod_jk's words for levels.
const fn name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// Whatever a message holds, it stays in its line.
fn one_line(text: &mut String, part: &str) {
    for c in part.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
}

/// The message, and behind it ` name=value` for each field.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_in_its_line() {
        let mut text = String::new();
        one_line(&mut text, "a\r\nb\u{1b}[2Jé\u{85}");
        assert_eq!(text, "a\\r\\nb\\u{1b}[2Jé\\u{85}");
    }

    #[test]
    fn a_thread_is_back_where_it_was() {
        let outer = Within::host(3, Some("id".into()));
        {
            let _inner = Within::host(7, None);
            assert!(ID.take().is_none());
            assert_eq!(HOST.get(), 7);
        }
        assert_eq!(HOST.get(), 3);
        assert_eq!(ID.with_borrow(Clone::clone).as_deref(), Some("id"));
        drop(outer);
        assert_eq!(HOST.get(), 0);
    }
}
