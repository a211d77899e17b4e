//! Logs: where lines go and what they hold.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::{Serialize, Serializer};

use crate::{
    diag::Origin,
    error_format::{ErrorFormats, ErrorToken},
    expr::Expression,
    log_format::{LogFormat, Token},
};

use super::Levels;

/// All logs of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Logs {
    /// `CustomLog`, `TransferLog` and `GlobalLog`: one line for each request. A virtual host with
    /// one of its own has those, and the main server's `GlobalLog`s; any other has all of the main
    /// server's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<AccessLog>,
    /// What mod_jk logs.
    pub jk: JkLog,
    /// `ErrorLog`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<LogPlace>,
    /// `LogLevel`: what goes into the `ErrorLog`.
    pub error_level: Levels,
    /// `ErrorLogFormat`
    #[serde(skip_serializing_if = "ErrorFormats::is_default")]
    pub error_format: ErrorFormats,
    /// `LogIOTrackTTFB`: whether `%^FB` is known.
    pub first_byte: bool,
}

/// mod_jk's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JkLog {
    /// `JkLogFile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<LogPlace>,
    /// `JkLogLevel`.
    pub level: LogLevel,
    /// `JkLogStampFormat`.
    pub stamp: StampFormat,
    /// `JkRequestLogFormat`: one line for each request that is for a worker, whatever the level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<LogFormat>,
}

impl Default for JkLog {
    fn default() -> Self {
        Self {
            file: None,
            level: LogLevel::Info,
            stamp: StampFormat::default(),
            requests: None,
        }
    }
}

/// One log of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessLog {
    /// Where its lines go.
    pub to: LogTarget,
    /// What they hold.
    pub format: LogFormat,
    /// `env=`: which requests have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<OnlyIf>,
    /// `expr=`: the same.
    #[serde(rename = "expr", skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// Where it was written.
    pub origin: Origin,
}

/// `env=NAME` or `env=!NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnlyIf {
    /// The variable.
    pub variable: Arc<str>,
    /// Whether it must not be set.
    pub negated: bool,
}

/// Where lines go, and where that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogPlace {
    /// Where lines go.
    pub to: LogTarget,
    /// Where it was written.
    pub origin: Origin,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogTarget {
    /// The end of a file.
    File(PathBuf),
    /// `|program`: its standard input.
    Program {
        /// The program and its arguments.
        command: String,
        /// `|$program`: whether a shell runs it.
        shell: bool,
    },
    /// `syslog:FACILITY:TAG`: the system's log. Lines of an `ErrorLog` only.
    Syslog {
        /// The number of the facility.
        facility: u8,
        /// What the lines begin with, if not the name of the program.
        tag: Option<String>,
    },
}

impl fmt::Display for LogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Program { command, shell } => {
                write!(f, "|{}{command}", if *shell { "$" } else { "" })
            }
            Self::Syslog { facility, tag } => {
                let name = FACILITIES.iter().find(|(_, number)| number == facility);
                write!(f, "syslog:{}", name.map_or("local7", |(name, _)| *name))?;
                tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
            }
        }
    }
}

/// The facilities of the system's log.
const FACILITIES: [(&str, u8); 20] = [
    ("auth", 4),
    ("authpriv", 10),
    ("cron", 9),
    ("daemon", 3),
    ("ftp", 11),
    ("kern", 0),
    ("lpr", 6),
    ("mail", 2),
    ("news", 7),
    ("syslog", 5),
    ("user", 1),
    ("uucp", 8),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

impl LogTarget {
    /// `syslog[:FACILITY[:TAG]]`, as httpd reads it. `None`: it is no such thing. An error where
    /// there is no such facility.
    pub(crate) fn syslog(word: &str) -> Option<Result<Self, String>> {
        let start = word.get(..6)?;
        let rest = word.get(6..)?;
        if !start.eq_ignore_ascii_case("syslog") || !(rest.is_empty() || rest.starts_with(':')) {
            return None;
        }
        let rest = rest.strip_prefix(':').unwrap_or_default();
        let (name, tag) = rest.split_once(':').unwrap_or((rest, ""));
        let name = if name.is_empty() { "local7" } else { name };
        let mut known = FACILITIES.iter();
        let facility = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
        Some(match facility {
            Some((_, facility)) => Ok(Self::Syslog {
                facility: *facility,
                tag: (!tag.is_empty()).then(|| tag.to_owned()),
            }),
            None => Err(name.to_owned()),
        })
    }
}

impl Serialize for LogTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `JkLogStampFormat`: what stands before each line of mod_jk's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct StampFormat(Arc<str>);

impl StampFormat {
    /// mod_jk's default.
    pub const DEFAULT: &str = "[%a %b %d %H:%M:%S.%Q %Y] ";

    /// As mod_jk reads it: one of more than 63 bytes is the default instead.
    pub fn new(text: &str) -> Self {
        const LONGEST: usize = 63;
        Self(if text.len() > LONGEST {
            Self::DEFAULT.into()
        } else {
            text.into()
        })
    }

    /// Its text, for `strftime`; `%Q` and `%q`, whichever comes first and once, are
    /// milliseconds and microseconds.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Default for StampFormat {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

/// `JkLogLevel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Every packet.
    Trace,
    /// Every decision.
    Debug,
    /// What an operator wants to know: mod_jk's default.
    #[default]
    Info,
    /// What may need attention.
    Warn,
    /// What failed.
    Error,
    /// What stops the server.
    Emerg,
}

impl LogLevel {
    /// As mod_jk writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Emerg => "emerg",
        }
    }
}

impl Logs {
    /// The variables that somebody looks at.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let shown = self.access.iter().flat_map(|log| log.format.items());
        let shown = shown.filter_map(|item| match &item.token {
            Token::Variable(name) => Some(&**name),
            _ => None,
        });
        let asked = self.access.iter().filter_map(|log| log.only.as_ref());
        let errors = self.error_format.items();
        let errors = errors.filter_map(|item| match &item.token {
            ErrorToken::Variable(name) => Some(&**name),
            _ => None,
        });
        shown.chain(asked.map(|only| &*only.variable)).chain(errors)
    }
}
