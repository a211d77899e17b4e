//! From the text of a format to its items.

use super::{FormatError, Item, LogFormat, NoBytes, Note, Statuses, TimeForm, Token, Unit};

pub(super) fn httpd(text: &str) -> Result<LogFormat, FormatError> {
    read(text, httpd_item)
}

pub(super) fn mod_jk(text: &str) -> Result<LogFormat, FormatError> {
    read(text, mod_jk_item)
}

fn read(
    text: &str,
    item: impl Fn(&mut Cursor<'_>) -> Result<Item, FormatError>,
) -> Result<LogFormat, FormatError> {
    let mut cursor = Cursor(text);
    let mut items: Vec<Item> = Vec::new();
    while let Some(c) = cursor.next() {
        if c == '%' {
            let item = item(&mut cursor)?;
            match (&item.token, item.statuses.is_none()) {
                (Token::Text(text), true) => constant(&mut items).push_str(text),
                _ => items.push(item),
            }
        } else {
            literal(c, &mut cursor, constant(&mut items));
        }
    }
    Ok(LogFormat {
        text: text.into(),
        items,
    })
}

/// The text at the end, begun where there is none.
fn constant(items: &mut Vec<Item>) -> &mut String {
    let ends_in_text = matches!(
        items.last(),
        Some(Item {
            token: Token::Text(_),
            statuses: None,
            ..
        })
    );
    if !ends_in_text {
        items.push(Item::plain(Token::Text(String::new())));
    }
    match items.last_mut().map(|item| &mut item.token) {
        Some(Token::Text(text)) => text,
        _ => unreachable!("one was pushed"),
    }
}

/// One character outside of an item. What a backslash makes of an unknown one is both.
fn literal(c: char, cursor: &mut Cursor<'_>, text: &mut String) {
    let escaped = (c == '\\').then(|| cursor.peek()).flatten();
    let meant = match escaped {
        Some('\\') => '\\',
        Some('n') => '\n',
        Some('t') => '\t',
        _ => return text.push(c),
    };
    cursor.next();
    text.push(meant);
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        self.0 = chars.as_str();
        Some(first)
    }

    /// Takes `text` if it comes next.
    fn take(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A number that begins with `first`; one beyond all statuses is none.
    fn number(&mut self, first: u32) -> u16 {
        let mut value = first;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.next();
            value = value.saturating_mul(10).saturating_add(digit);
        }
        u16::try_from(value).unwrap_or(u16::MAX)
    }

    /// All up to `}`, which is taken, or to the end.
    fn argument(&mut self) -> String {
        let (argument, rest) = self.0.split_once('}').unwrap_or((self.0, ""));
        let argument = argument.to_owned();
        self.0 = rest;
        argument
    }
}

impl Item {
    fn plain(token: Token) -> Self {
        Self {
            token,
            statuses: None,
            original: false,
        }
    }
}

/// What stands behind a `%` in a `LogFormat`.
fn httpd_item(cursor: &mut Cursor<'_>) -> Result<Item, FormatError> {
    let (mut original, mut negated) = (None, false);
    let (mut named, mut argument) = (Vec::new(), String::new());
    loop {
        let c = cursor.next().ok_or(FormatError::Cut)?;
        match c {
            '!' => negated = !negated,
            '<' => original = Some(true),
            '>' => original = Some(false),
            ',' => {}
            '{' => argument = cursor.argument(),
            c => {
                if let Some(digit) = c.to_digit(10) {
                    named.push(cursor.number(digit));
                    continue;
                }
                let letter =
                    Letter::take(c, cursor).ok_or_else(|| FormatError::Unknown(c.into()))?;
                let statuses = (!named.is_empty()).then_some(Statuses { named, negated });
                return Ok(Item {
                    token: letter.token(argument),
                    statuses,
                    original: original.unwrap_or_else(|| letter.is_about_the_original()),
                });
            }
        }
    }
}

/// What stands behind a `%` in a `JkRequestLogFormat`.
fn mod_jk_item(cursor: &mut Cursor<'_>) -> Result<Item, FormatError> {
    let c = cursor.next().ok_or(FormatError::Cut)?;
    let token = match c {
        'b' => Token::BodyBytes(NoBytes::DashWithoutBody),
        'B' | 'H' | 'm' | 'p' | 'q' | 'r' | 's' | 'U' | 'V' | 'v' => {
            Letter::One(c).token(String::new())
        }
        'R' => Token::Note(Note::WorkerRoute),
        'T' => Token::Note(Note::Duration),
        'w' => Token::Note(Note::WorkerName),
        _ => return Err(FormatError::Unknown(c.into())),
    };
    Ok(Item::plain(token))
}

/// The name of an item.
enum Letter {
    One(char),
    FirstByte,
    TrailerIn,
    TrailerOut,
}

impl Letter {
    fn take(c: char, cursor: &mut Cursor<'_>) -> Option<Self> {
        const KNOWN: &str = "%aAbBcCDefhHiIkLlmnoOpPqrRsStTuUvVxX";
        match c {
            '^' if cursor.take("FB") => Some(Self::FirstByte),
            '^' if cursor.take("ti") => Some(Self::TrailerIn),
            '^' if cursor.take("to") => Some(Self::TrailerOut),
            '^' => None,
            c => KNOWN.contains(c).then_some(Self::One(c)),
        }
    }

    fn is_about_the_original(&self) -> bool {
        matches!(self, Self::One(c) if "DLrRsTU".contains(*c))
    }

    #[allow(clippy::too_many_lines, reason = "a flat table")]
    fn token(&self, argument: String) -> Token {
        let Self::One(c) = self else {
            return match self {
                Self::TrailerIn => Token::RequestTrailer(argument),
                Self::TrailerOut => Token::ResponseTrailer(argument),
                _ => Token::FirstByte,
            };
        };
        match c {
            'a' if argument == "c" => Token::ConnectionAddress,
            'a' => Token::RemoteAddress,
            'A' => Token::LocalAddress,
            'b' => Token::BodyBytes(NoBytes::Dash),
            'B' => Token::BodyBytes(NoBytes::Zero),
            'C' => Token::Cookie(argument),
            'D' => Token::Took(Unit::Microseconds),
            'e' => Token::Variable(argument),
            'f' => Token::File,
            'h' => Token::RemoteHost,
            'H' => Token::Protocol,
            'i' => Token::RequestHeader(argument),
            'I' => Token::BytesIn,
            'k' => Token::Keepalives,
            'l' => Token::Logname,
            'L' => Token::LogId {
                of_connection: argument == "c",
            },
            'm' => Token::Method,
            'n' => Note::named(&argument).map_or(Token::OwnNote(argument), Token::Note),
            'o' => Token::ResponseHeader(argument),
            'O' => Token::BytesOut,
            'p' => port(argument),
            'P' => process(argument),
            'q' => Token::Query,
            'r' => Token::RequestLine,
            'R' => Token::Handler,
            's' => Token::Status,
            'S' => Token::BytesBoth,
            't' => time(&argument),
            'T' => took(argument),
            'u' => Token::User,
            'U' => Token::Path,
            'v' => Token::CanonicalName,
            'V' => Token::ServerName,
            'x' | 'c' => Token::Tls(argument),
            'X' => Token::Connection,
            _ => Token::Text("%".to_owned()),
        }
    }
}

/// `%{…}p`. httpd shows an argument that it does not know.
fn port(argument: String) -> Token {
    match &*argument.to_ascii_lowercase() {
        "" | "canonical" => Token::ServerPort,
        "local" => Token::LocalPort,
        "remote" => Token::RemotePort,
        _ => Token::Text(argument),
    }
}

fn process(argument: String) -> Token {
    match &*argument {
        "" | "pid" => Token::ProcessId,
        "tid" => Token::ThreadId { hex: false },
        "hextid" => Token::ThreadId { hex: true },
        _ => Token::Text(argument),
    }
}

fn took(argument: String) -> Token {
    Token::Took(match &*argument.to_ascii_lowercase() {
        "" | "s" => Unit::Seconds,
        "ms" => Unit::Milliseconds,
        "us" => Unit::Microseconds,
        _ => return Token::Text(argument),
    })
}

fn time(argument: &str) -> Token {
    let (end, rest) = match argument.strip_prefix("end:") {
        Some(rest) => (true, rest),
        None => (false, argument.strip_prefix("begin:").unwrap_or(argument)),
    };
    let form = match rest {
        "" => TimeForm::Clf,
        "sec" => TimeForm::Since(Unit::Seconds),
        "msec" => TimeForm::Since(Unit::Milliseconds),
        "usec" => TimeForm::Since(Unit::Microseconds),
        "msec_frac" => TimeForm::Fraction(Unit::Milliseconds),
        "usec_frac" => TimeForm::Fraction(Unit::Microseconds),
        text => TimeForm::Strftime(text.to_owned()),
    };
    Token::Time { end, form }
}
