//! Rules about variables as the directives that say them.

use std::fmt::{self, Display};

use super::{Assignment, Condition, EnvVar, HIDDEN, Handler, Setting, Subject};

impl Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            pattern,
            assignments,
            origin: _,
        } = self;
        if let Subject::Expression(expression) = subject {
            write!(f, "SetEnvIfExpr {}", Word(expression))?;
        } else {
            write!(f, "SetEnvIf {} {}", Word(subject), Word(pattern))?;
        }
        assignments
            .iter()
            .try_for_each(|assignment| write!(f, " {}", Word(assignment)))
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoteAddr => f.write_str("Remote_Addr"),
            Self::ServerAddr => f.write_str("Server_Addr"),
            Self::RequestUri => f.write_str("Request_URI"),
            Self::RequestMethod => f.write_str("Request_Method"),
            Self::RequestProtocol => f.write_str("Request_Protocol"),
            Self::Named(name) => f.write_str(name),
            Self::AnyHeader(names) => names.fmt(f),
            Self::Expression(expression) => expression.fmt(f),
        }
    }
}

impl Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => write!(f, "!{}", self.name),
        }
    }
}

/// Without its value.
impl Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetEnv {} {HIDDEN}", self.name)
    }
}

/// Without the text of its default.
impl Display for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JkEnvVar {}", self.name)?;
        match self.default {
            Some(_) => write!(f, " {HIDDEN}"),
            None => Ok(()),
        }
    }
}

impl Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "default-handler",
            Self::Map => "None",
            Self::Jk => "jakarta-servlet",
            Self::Other => "(none that there is: 404)",
        })
    }
}

/// A word of a line: in quotes where it would be several.
struct Word<T>(T);

impl<T: Display> Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'');
        if !text.is_empty() && text.chars().all(plain) {
            f.write_str(&text)
        } else {
            write!(f, "\"{}\"", text.replace('"', "\\\""))
        }
    }
}
