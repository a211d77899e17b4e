//! `ErrorLogFormat`: text to items.
//!
//! A blank begins a new field, and belongs to it. Where an item of a field has nothing to show,
//! the whole field is left out, unless the item says that it is shown as `-` (`%-`), or that there
//! is no line then (`%+`). What becomes of an item is up to whoever writes the log.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::log_format::Note;

/// The formats of an `ErrorLog`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErrorFormats {
    /// Of the lines themselves; `None` is httpd's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<ErrorFormat>,
    /// `connection`: lines before the first one about a connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connection: Vec<ErrorFormat>,
    /// `request`: lines before the first one about a request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<ErrorFormat>,
}

impl ErrorFormats {
    /// Whether all is httpd's default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// All items.
    pub fn items(&self) -> impl Iterator<Item = &ErrorItem> {
        let formats = self.line.iter().chain(&self.connection);
        formats
            .chain(&self.request)
            .flat_map(|format| &format.items)
    }
}

/// One format, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFormat {
    text: Arc<str>,
    items: Vec<ErrorItem>,
}

/// One part of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorItem {
    /// What it shows.
    pub token: ErrorToken,
    /// Whether a field begins with it.
    pub begins_field: bool,
    /// `+`: where there is nothing to show, there is no line.
    pub required: bool,
    /// `-`: where there is nothing to show, it is `-`.
    pub hyphen: bool,
    /// A number: only in lines of this level, or of less weight.
    pub least: u8,
}

/// What an item shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorToken {
    /// Constant text.
    Text(String),
    /// `%M`: the message.
    Message,
    /// `%a`: the client's address and port; `%{c}a`: those of the connection.
    RemoteAddress {
        /// Those of the connection.
        of_connection: bool,
    },
    /// `%A`: our address and port.
    LocalAddress,
    /// `%{NAME}e`: a variable.
    Variable(String),
    /// `%E`: what the system said.
    System,
    /// `%F`: file and line of the program's source.
    Source,
    /// `%{NAME}i`: a header of the request.
    Header(String),
    /// `%k`: requests on this connection before it.
    Keepalives,
    /// `%l`: the level.
    Level,
    /// `%L`: the id of the request; `%{c}L`: of the connection.
    LogId(IdOf),
    /// `%m`: the module.
    Module,
    /// `%{NAME}n`: a note of mod_jk.
    Note(Note),
    /// `%{NAME}n`: a note that `Header note` makes.
    OwnNote(String),
    /// `%P`: the process.
    ProcessId,
    /// `%T`, `%{g}T`: the thread.
    ThreadId,
    /// `%t`, `%{u}t`, `%{cu}t`: when.
    Time {
        /// With microseconds.
        micros: bool,
        /// As ISO 8601 has it.
        compact: bool,
    },
    /// `%v`: the host's `ServerName`.
    CanonicalName,
    /// `%V`: the name that `UseCanonicalName` says.
    ServerName,
}

impl Default for ErrorToken {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// Whose id is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdOf {
    /// The request's.
    Request,
    /// `c`: the connection's.
    Connection,
    /// `C`: the connection's, in lines that are about no request.
    LoneConnection,
}

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorFormatError {
    /// A letter without a meaning.
    #[error("Unrecognized error log format directive %{0}")]
    Unknown(char),
    /// The text ends in the middle.
    #[error("Ran off end of error log format parsing args to some directive")]
    Cut,
    /// Without `%M`.
    #[error("main ErrorLogFormat must contain message format string '%M'")]
    NoMessage,
    /// `%+` in lines with `%M`.
    #[error("The '+' flag cannot be used in the main error log format")]
    Required,
    /// `%M` in a line before.
    #[error("%M cannot be used in once-per-request or once-per-connection formats")]
    Message,
}

impl ErrorFormat {
    /// Reads a format. `is_main` says whether it is the one with the message.
    ///
    /// # Errors
    ///
    /// [`ErrorFormatError`], in httpd's words.
    pub fn read(text: &str, is_main: bool) -> Result<Self, ErrorFormatError> {
        let mut rest = text;
        let mut items = Vec::new();
        while !rest.is_empty() {
            items.push(item(&mut rest)?);
        }
        let has_message = items.iter().any(|item| item.token == ErrorToken::Message);
        if is_main && items.iter().any(|item| item.required) {
            return Err(ErrorFormatError::Required);
        }
        match (is_main, has_message) {
            (true, false) => Err(ErrorFormatError::NoMessage),
            (false, true) => Err(ErrorFormatError::Message),
            _ => Ok(Self {
                text: text.into(),
                items,
            }),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its parts in order.
    pub fn items(&self) -> &[ErrorItem] {
        &self.items
    }
}

impl Serialize for ErrorFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn item(rest: &mut &str) -> Result<ErrorItem, ErrorFormatError> {
    let mut begins_field = false;
    while let Some(after) = rest.strip_prefix("% ") {
        *rest = after;
        begins_field = true;
    }
    let mut item = match rest.strip_prefix('%') {
        None => ErrorItem {
            begins_field: rest.starts_with(' '),
            token: ErrorToken::Text(text(rest)),
            ..ErrorItem::default()
        },
        Some(after) => {
            *rest = after;
            directive(rest)?
        }
    };
    item.begins_field |= begins_field;
    Ok(item)
}

/// Constant text, up to a `%`, or to a blank that begins the next field.
fn text(rest: &mut &str) -> String {
    let mut text = String::new();
    let mut chars = rest.chars();
    let mut is_at_start = true;
    loop {
        let before = chars.as_str();
        let Some(c) = chars.next() else { break };
        match c {
            '%' => {
                *rest = before;
                return text;
            }
            ' ' if !is_at_start => {
                *rest = before;
                return text;
            }
            '\\' => text.push(match chars.next() {
                Some('r') => '\r',
                Some('n') => '\n',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            }),
            c => {
                is_at_start &= c == ' ';
                text.push(c);
            }
        }
    }
    *rest = "";
    text
}

fn directive(rest: &mut &str) -> Result<ErrorItem, ErrorFormatError> {
    let mut item = ErrorItem::default();
    let mut argument = String::new();
    if let Some(after) = rest.strip_prefix('%') {
        *rest = after;
        item.token = ErrorToken::Text("%".to_owned());
        return Ok(item);
    }
    loop {
        let mut chars = rest.chars();
        let c = chars.next().ok_or(ErrorFormatError::Cut)?;
        *rest = chars.as_str();
        match c {
            '{' => {
                let (inside, after) = rest.split_once('}').unwrap_or((*rest, ""));
                inside.clone_into(&mut argument);
                *rest = after;
            }
            '+' => item.required = true,
            '-' => item.hyphen = true,
            '0'..='9' => {
                let digit = c.to_digit(10).and_then(|digit| u8::try_from(digit).ok());
                item.least = digit.unwrap_or(0);
                while let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(10)) {
                    *rest = rest.get(1..).unwrap_or_default();
                    let digit = u8::try_from(digit).unwrap_or(0);
                    item.least = item.least.saturating_mul(10).saturating_add(digit);
                }
            }
            letter => {
                item.token = token(letter, argument).ok_or(ErrorFormatError::Unknown(letter))?;
                return Ok(item);
            }
        }
    }
}

fn token(letter: char, argument: String) -> Option<ErrorToken> {
    Some(match letter {
        'M' => ErrorToken::Message,
        'a' => ErrorToken::RemoteAddress {
            of_connection: argument.starts_with('c'),
        },
        'A' => ErrorToken::LocalAddress,
        'e' => ErrorToken::Variable(argument),
        'E' => ErrorToken::System,
        'F' => ErrorToken::Source,
        'i' => ErrorToken::Header(argument),
        'k' => ErrorToken::Keepalives,
        'l' => ErrorToken::Level,
        'L' => ErrorToken::LogId(match &*argument {
            "c" => IdOf::Connection,
            "C" => IdOf::LoneConnection,
            _ => IdOf::Request,
        }),
        'm' => ErrorToken::Module,
        'n' => match Note::named(&argument) {
            Some(note) => ErrorToken::Note(note),
            None => ErrorToken::OwnNote(argument),
        },
        'P' => ErrorToken::ProcessId,
        'T' => ErrorToken::ThreadId,
        't' => ErrorToken::Time {
            micros: argument.contains('u'),
            compact: argument.contains('c'),
        },
        'v' => ErrorToken::CanonicalName,
        'V' => ErrorToken::ServerName,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(bool, ErrorToken)> {
        let format = ErrorFormat::read(text, true).unwrap();
        let items = format.items.into_iter();
        items.map(|item| (item.begins_field, item.token)).collect()
    }

    fn constant(text: &str) -> ErrorToken {
        ErrorToken::Text(text.to_owned())
    }

    #[test]
    fn blanks_begin_fields_and_belong_to_them() {
        let expected = [
            (false, constant("[")),
            (
                false,
                ErrorToken::Time {
                    micros: true,
                    compact: true,
                },
            ),
            (false, constant("]")),
            (true, constant("  [a")),
            (true, constant(" b:")),
            (true, ErrorToken::Level),
            (false, constant("] x\ty")),
            (true, constant(" ")),
            (false, ErrorToken::Message),
            (false, constant("%")),
        ];
        assert_eq!(read(r"[%{cu}t]  [a b:% %l]\ x\ty %M%%"), expected);
    }

    #[test]
    fn flags_of_items() {
        let format = ErrorFormat::read("%+A%-a%{Referer}i%7F%12-+{c}L", false).unwrap();
        let flags = |item: &ErrorItem| (item.required, item.hyphen, item.least);
        let found: Vec<_> = format.items().iter().map(flags).collect();
        let expected = [
            (true, false, 0),
            (false, true, 0),
            (false, false, 0),
            (false, false, 7),
            (true, true, 12),
        ];
        assert_eq!(found, expected);
        assert_eq!(format.items[4].token, ErrorToken::LogId(IdOf::Connection));
        assert_eq!(format.items[2].token, ErrorToken::Header("Referer".into()));
    }

    #[test]
    fn what_cannot_be_read() {
        for (text, is_main, error) in [
            ("%t", true, ErrorFormatError::NoMessage),
            ("", true, ErrorFormatError::NoMessage),
            ("%+M", true, ErrorFormatError::Required),
            ("%M", false, ErrorFormatError::Message),
            ("%M %y", true, ErrorFormatError::Unknown('y')),
            ("%M %{x", true, ErrorFormatError::Cut),
            ("%M %", true, ErrorFormatError::Cut),
        ] {
            assert_eq!(
                ErrorFormat::read(text, is_main).unwrap_err(),
                error,
                "{text}"
            );
        }
        assert!(ErrorFormat::read("", false).is_ok());
    }
}
