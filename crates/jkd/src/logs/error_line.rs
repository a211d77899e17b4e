//! One line of an `ErrorLog`, field by field.

use std::{borrow::Cow, io::Write as _, time::SystemTime};

use jkworkers::error_format::{ErrorFormat, ErrorItem, ErrorToken, IdOf};

use super::{
    clock,
    error_log::{About, Said},
    notes,
};
use crate::{forward, strict};

/// What a line is made of.
pub(super) struct Line<'a> {
    /// `None` in the lines that go before.
    pub(super) said: Option<&'a Said<'a>>,
    pub(super) about: Option<&'a About<'a>>,
    pub(super) now: SystemTime,
}

/// A line as a format says. A field with an item that has nothing to show is left out. Adds nothing
/// where one lacks that has to be there.
pub(super) fn formatted(
    text: &mut Vec<u8>,
    format: &ErrorFormat,
    line: &Line<'_>,
    of_connection: bool,
) {
    let (mut field, mut skips) = (0, false);
    for item in format.items() {
        if item.begins_field {
            if !skips {
                field = text.len();
            }
            skips = false;
        }
        if let (ErrorToken::Message, Some(said)) = (&item.token, line.said) {
            escaped(text, said.message.as_bytes());
        } else if skips {
        } else if line.is_too_grave(item) {
            text.truncate(field);
            skips = true;
        } else if line.item(text, &item.token, of_connection).is_none() {
            if item.required {
                return text.clear();
            }
            if item.hyphen {
                text.push(b'-');
            } else {
                text.truncate(field);
                skips = true;
            }
        }
    }
}

/// A line as httpd has it without an `ErrorLogFormat`.
pub(super) fn default(text: &mut Vec<u8>, line: &Line<'_>, with_time: bool) {
    let Some(said) = line.said else { return };
    if with_time {
        text.push(b'[');
        line.time(text, true, false);
        text.extend_from_slice(b"] ");
    }
    let (module, level) = (said.module, said.level.name());
    let (process, thread) = (std::process::id(), thread());
    // Writing to a vector cannot fail.
    let _ = write!(text, "[{module}:{level}] [pid {process}:tid {thread}] ");
    if said.level >= jkworkers::model::Severity::DEBUG && line.source(text).is_some() {
        text.extend_from_slice(b": ");
    }
    if line.system(text).is_some() {
        text.extend_from_slice(b": ");
    }
    if let Some(About { peer, .. }) = line.about {
        let _ = write!(text, "[client {}:{}] ", peer.ip_text, peer.port_text);
    }
    escaped(text, said.message.as_bytes());
    if let Some(referer) = line.header("referer") {
        text.extend_from_slice(b", referer: ");
        escaped(text, &referer);
    }
}

fn thread() -> std::num::NonZeroI32 {
    rustix::thread::gettid().as_raw_nonzero()
}

impl Line<'_> {
    /// Whether an item is only for lines of less weight.
    fn is_too_grave(&self, item: &ErrorItem) -> bool {
        self.said
            .is_some_and(|said| item.least > said.level.number())
    }

    /// Adds what an item shows, if there is anything.
    #[allow(clippy::too_many_lines, reason = "a flat table")]
    fn item(&self, text: &mut Vec<u8>, token: &ErrorToken, of_connection: bool) -> Option<()> {
        let before = text.len();
        let request = self.about.filter(|_| !of_connection);
        match token {
            ErrorToken::Text(constant) => text.extend_from_slice(constant.as_bytes()),
            ErrorToken::Message => {}
            ErrorToken::RemoteAddress { .. } => {
                let peer = self.about?.peer;
                write!(text, "{}:{}", peer.ip_text, peer.port_text).ok()?;
            }
            ErrorToken::LocalAddress => {
                let peer = self.about?.peer;
                write!(text, "{}:{}", peer.local_text, peer.local.port()).ok()?;
            }
            ErrorToken::Variable(name) => escaped(text, request?.variable(name)?),
            ErrorToken::System => self.system(text)?,
            ErrorToken::Source => self.source(text)?,
            ErrorToken::Header(name) => escaped(text, &request.and_then(|_| self.header(name))?),
            ErrorToken::Keepalives => {
                let before = self.about?.peer.requests().saturating_sub(1);
                write!(text, "{before}").ok()?;
            }
            ErrorToken::Level => text.extend_from_slice(self.said?.level.name().as_bytes()),
            ErrorToken::LogId(of) => self.log_id(text, *of, request)?,
            ErrorToken::Module => text.extend_from_slice(self.said?.module.as_bytes()),
            // Those of mod_jk are made when a request has been served.
            ErrorToken::Note(_) => return None,
            ErrorToken::OwnNote(name) => {
                notes::of_header(request?.record, name, |value| escaped(text, value))?;
            }
            ErrorToken::ProcessId => write!(text, "{}", std::process::id()).ok()?,
            ErrorToken::ThreadId => write!(text, "{}", thread()).ok()?,
            ErrorToken::Time { micros, compact } => self.time(text, *micros, *compact),
            ErrorToken::CanonicalName => {
                let own = self.about?.host.server_name.as_ref();
                let name = own.map_or(&self.about?.peer.local_text, |own| &own.name);
                text.extend_from_slice(name.as_bytes());
            }
            ErrorToken::ServerName => text.extend_from_slice(request?.server_name().as_bytes()),
        }
        (text.len() > before).then_some(())
    }

    fn log_id(&self, text: &mut Vec<u8>, of: IdOf, request: Option<&About<'_>>) -> Option<()> {
        let id = match of {
            IdOf::Request => request?.record.log_id.get()?,
            IdOf::LoneConnection if request.is_some() => return None,
            IdOf::Connection | IdOf::LoneConnection => self.about?.peer.log_id.get()?,
        };
        text.extend_from_slice(id.as_bytes());
        Some(())
    }

    fn header(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.about?.head.headers.joined(name)
    }

    /// As httpd shows it: the number, and what it means.
    fn system(&self, text: &mut Vec<u8>) -> Option<()> {
        let error = self.said?.system?;
        let number = error.raw_os_error()?;
        let meaning = error.to_string();
        let meaning = meaning.split(" (os error").next().unwrap_or_default();
        write!(text, "({number}){meaning}").ok()
    }

    fn source(&self, text: &mut Vec<u8>) -> Option<()> {
        let (file, line) = self.said?.source?;
        let name = file.rsplit('/').next().unwrap_or(file);
        write!(text, "{name}({line})").ok()
    }

    fn time(&self, text: &mut Vec<u8>, micros: bool, compact: bool) {
        let format = match (compact, micros) {
            (true, true) => "%Y-%m-%d %H:%M:%S.%q",
            (true, false) => "%Y-%m-%d %H:%M:%S",
            (false, true) => "%a %b %d %H:%M:%S.%q %Y",
            (false, false) => "%a %b %d %H:%M:%S %Y",
        };
        let mut stamp = String::new();
        clock::stamp(&mut stamp, format, self.now);
        text.extend_from_slice(stamp.as_bytes());
    }
}

impl About<'_> {
    fn variable(&self, name: &str) -> Option<&[u8]> {
        match self.variables {
            Some(variables) => variables.get(name),
            None => self.record.variable(name),
        }
    }

    fn server_name(&self) -> Cow<'_, str> {
        let checked = strict::check(self.head, || forward::scheme(self.host));
        let target = checked.map_or_else(|_| strict::Target::default(), |c| c.target);
        let naming = self.host.naming(self.asked);
        forward::server_name(&target, naming, self.host, self.peer)
    }
}

/// Foreign bytes as httpd writes them there: quotes stay as they are.
fn escaped(text: &mut Vec<u8>, foreign: &[u8]) {
    for (index, part) in foreign.split(|b| *b == b'"').enumerate() {
        if index > 0 {
            text.push(b'"');
        }
        super::escape::escaped(text, part);
    }
}

#[cfg(test)]
mod tests {
    use std::{io, time::UNIX_EPOCH};

    use jkworkers::model::Severity;

    use super::*;

    fn shown(format: &str, said: Option<&Said<'_>>) -> String {
        let format = ErrorFormat::read(format, said.is_some()).unwrap();
        let line = Line {
            said,
            about: None,
            now: UNIX_EPOCH,
        };
        let mut text = Vec::new();
        formatted(&mut text, &format, &line, false);
        String::from_utf8(text).unwrap()
    }

    const SAID: Said<'static> = Said {
        module: "core",
        level: Severity::ERROR,
        source: Some(("src/x/y.rs", 7)),
        system: None,
        message: "a \"b\"\n\\c",
    };

    #[test]
    fn fields_without_anything_are_left_out() {
        assert_eq!(shown("%M [x%a] z%%", Some(&SAID)), "a \"b\"\\n\\\\c z%");
        assert_eq!(shown("[%a] %M", Some(&SAID)), " a \"b\"\\n\\\\c");
        assert_eq!(
            shown("%M %-a %l:%m %F", Some(&SAID)),
            "a \"b\"\\n\\\\c - error:core y.rs(7)"
        );
        assert_eq!(shown("%M% x%a y% z", Some(&SAID)), "a \"b\"\\n\\\\c yz");
        assert_eq!(shown("before %+{Referer}i", None), "");
        // Only in lines of `debug` and less.
        assert_eq!(shown("%M %7F %3l", Some(&SAID)), "a \"b\"\\n\\\\c error");
        assert_eq!(shown("before %v", None), "before");
    }

    #[test]
    fn what_the_system_said() {
        let said = Said {
            system: Some(&io::Error::from_raw_os_error(13)),
            ..SAID
        };
        assert_eq!(
            shown("%E: %l %M", Some(&said)),
            "(13)Permission denied: error a \"b\"\\n\\\\c"
        );
        let line = Line {
            said: Some(&said),
            about: None,
            now: UNIX_EPOCH,
        };
        let mut text = Vec::new();
        default(&mut text, &line, false);
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("[core:error] [pid "), "{text}");
        assert!(
            text.ends_with("] (13)Permission denied: a \"b\"\\n\\\\c"),
            "{text}"
        );
    }
}
