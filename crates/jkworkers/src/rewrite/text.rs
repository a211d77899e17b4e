//! Test strings and substitutions: text with `$1`, `%1` and `%{NAME}` in it.

use std::sync::Arc;

/// A text that is made anew for each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(super) Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(String),
    /// `$N`: what the rule's pattern found.
    Rule(usize),
    /// `%N`: what the last condition found.
    Condition(usize),
    Header(Arc<str>),
    Variable(Arc<str>),
    /// A variable of mod_ssl.
    Tls(Arc<str>),
    /// `${map:key|default}`
    Map(Box<Look>),
    /// `%{LA-U:…}`, `%{LA-F:…}`: what it would be for the path, or the file, as it is now.
    Ahead {
        is_file: bool,
        of: Box<Self>,
    },
    Time(TimePart),
    Fact(Fact),
}

/// A look into a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(super) map: String,
    pub(super) key: Text,
    pub(super) otherwise: Option<Text>,
}

/// `%{TIME_…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    /// `TIME`: all of it, `YYYYMMDDhhmmss`.
    All,
    /// `TIME_YEAR`: four digits.
    Year,
    /// `TIME_MON`, `01` to `12`.
    Month,
    /// `TIME_DAY`, `01` to `31`.
    Day,
    /// `TIME_HOUR`, `00` to `23`.
    Hour,
    /// `TIME_MIN`.
    Minute,
    /// `TIME_SEC`.
    Second,
    /// `TIME_WDAY`: one digit, `0` is Sunday.
    Weekday,
}

/// What is known of a request without its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `DOCUMENT_ROOT`
    DocumentRoot,
    /// `HTTPS`: `on` or `off`.
    Https,
    /// `CONN_REMOTE_ADDR`
    ConnectionAddr,
    /// `REMOTE_ADDR`
    RemoteAddr,
    /// `REMOTE_HOST`: the address, where names are not looked up.
    RemoteHost,
    /// `REMOTE_PORT`
    RemotePort,
    /// `REQUEST_FILENAME`, `SCRIPT_FILENAME`: as far as rules have rewritten the path.
    Filename,
    /// `REQUEST_METHOD`
    Method,
    /// `REQUEST_SCHEME`
    Scheme,
    /// `REQUEST_URI`: the path before any rule.
    Uri,
    /// `QUERY_STRING`, as far as it is rewritten.
    Query,
    /// `SERVER_ADDR`
    ServerAddr,
    /// `SERVER_NAME`
    ServerName,
    /// `SERVER_PORT`
    ServerPort,
    /// `SERVER_PROTOCOL`
    Protocol,
    /// `THE_REQUEST`: the request line.
    TheRequest,
    /// `IPV6`: `on` or `off`.
    Ipv6,
    /// `IS_SUBREQ`: `true` where another request asks.
    IsSubrequest,
    /// `AUTH_TYPE`: in sections.
    AuthType,
    /// `CONTEXT_DOCUMENT_ROOT`: the directory of the `Alias`.
    ContextRoot,
    /// `CONTEXT_PREFIX`: its path.
    ContextPrefix,
    /// `PATH_INFO`: what stands in the path behind the file, in sections.
    PathInfo,
    /// `REMOTE_USER`: in sections.
    RemoteUser,
}

/// Why a text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadText {
    /// A variable that there is not.
    Name(String),
    /// Maps in maps in maps.
    Depth,
}

/// How deep maps may ask maps.
const MAX_DEPTH: usize = 16;

impl Text {
    /// Reads a text. A backslash takes the meaning of what follows it.
    pub(crate) fn new(text: &str) -> Result<Self, BadText> {
        Self::nested(text, 0)
    }

    fn nested(text: &str, depth: usize) -> Result<Self, BadText> {
        if depth > MAX_DEPTH {
            return Err(BadText::Depth);
        }
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let behind = rest.get(c.len_utf8()..).unwrap_or_default();
            let piece = match c {
                '\\' if !behind.is_empty() => {
                    let next = behind.chars().next().unwrap_or_default();
                    plain.push(next);
                    rest = behind.get(next.len_utf8()..).unwrap_or_default();
                    continue;
                }
                '$' | '%' => special(c, behind, depth)?,
                _ => None,
            };
            if let Some((piece, tail)) = piece {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                pieces.extend(piece);
                rest = tail;
            } else {
                plain.push(c);
                rest = behind;
            }
        }
        pieces.push(Piece::Plain(plain));
        pieces.retain(|piece| *piece != Piece::Plain(String::new()));
        Ok(Self(pieces))
    }

    /// The variables in it.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names.into_iter()
    }

    fn collect<'t>(&'t self, names: &mut Vec<&'t str>) {
        for piece in &self.0 {
            match piece {
                Piece::Variable(name) => names.push(name),
                Piece::Ahead { of, .. } => {
                    if let Piece::Variable(name) = &**of {
                        names.push(name);
                    }
                }
                Piece::Map(look) => {
                    look.key.collect(names);
                    if let Some(otherwise) = &look.otherwise {
                        otherwise.collect(names);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether it begins with two slashes.
    pub(super) fn begins_with_slashes(&self) -> bool {
        matches!(self.0.as_slice(), [Piece::Plain(text), ..] if text.starts_with("//"))
    }

    /// Whether the first part of the path that it makes is written here, or the directory of
    /// documents, rather than found in a request.
    pub(super) fn begins_as_written(&self) -> bool {
        match self.0.as_slice() {
            [Piece::Fact(Fact::DocumentRoot), ..] => true,
            [Piece::Plain(text), rest @ ..] => {
                let mut parts = text.trim_start_matches('/').splitn(2, '/');
                let first = parts.next().unwrap_or_default();
                !first.is_empty()
                    && !first.contains(':')
                    && (rest.is_empty() || parts.next().is_some())
            }
            _ => false,
        }
    }
}

/// A piece, if it is one that says something, and the text behind it.
type Special<'t> = Option<(Option<Piece>, &'t str)>;

/// What stands behind a `$` or `%`, and the text behind it. `None`: nothing special.
fn special(c: char, behind: &str, depth: usize) -> Result<Special<'_>, BadText> {
    if let Some(digit) = behind.chars().next().and_then(|c| c.to_digit(10)) {
        let number = usize::try_from(digit).unwrap_or_default();
        let piece = match c {
            '$' => Piece::Rule(number),
            _ => Piece::Condition(number),
        };
        return Ok(Some((Some(piece), behind.get(1..).unwrap_or_default())));
    }
    let inner = behind.strip_prefix('{').unwrap_or_default();
    let Some((inner, tail)) = outside(inner, '}') else {
        return Ok(None);
    };
    if c == '%' {
        return Ok(Some((variable(inner)?, tail)));
    }
    let Some((map, key)) = outside(inner, ':') else {
        return Ok(None);
    };
    let (key, otherwise) = match outside(key, '|') {
        Some((key, otherwise)) => (key, Some(Text::nested(otherwise, depth + 1)?)),
        None => (key, None),
    };
    let look = Look {
        map: map.to_owned(),
        key: Text::nested(key, depth + 1)?,
        otherwise,
    };
    Ok(Some((Some(Piece::Map(Box::new(look))), tail)))
}

/// What stands before and behind the first `end` that is not in braces of its own.
fn outside(text: &str, end: char) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            c if c == end && depth == 0 => {
                return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
            }
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The variable of a name; none for what is always empty.
fn variable(name: &str) -> Result<Option<Piece>, BadText> {
    let upper = name.to_ascii_uppercase();
    if let Some((kind, name)) = name.split_once(':') {
        return match &*kind.to_ascii_uppercase() {
            "ENV" => Ok(Some(Piece::Variable(name.into()))),
            "HTTP" => Ok(Some(Piece::Header(name.into()))),
            "SSL" => Ok(Some(Piece::Tls(name.into()))),
            kind @ ("LA-U" | "LA-F") => Ok(variable(name)?.map(|of| match of {
                Piece::Ahead { .. } => of,
                of => Piece::Ahead {
                    is_file: kind == "LA-F",
                    of: Box::new(of),
                },
            })),
            _ => Err(BadText::Name(upper)),
        };
    }
    if let Some(header) = header(&upper) {
        return Ok(Some(Piece::Header(header.into())));
    }
    if let Some(part) = time(&upper) {
        return Ok(Some(Piece::Time(part)));
    }
    if let Some(fact) = fact(&upper) {
        return Ok(Some(Piece::Fact(fact)));
    }
    match &*upper {
        // Nobody asks clients for it.
        "REMOTE_IDENT" => Ok(None),
        "SERVER_SOFTWARE" => Ok(Some(Piece::Plain("jkd".to_owned()))),
        "SERVER_ADMIN" => Ok(Some(Piece::Plain("[no address given]".to_owned()))),
        _ => Err(BadText::Name(upper)),
    }
}

fn header(name: &str) -> Option<&'static str> {
    Some(match name {
        "HTTP_ACCEPT" => "Accept",
        "HTTP_COOKIE" => "Cookie",
        "HTTP_FORWARDED" => "Forwarded",
        "HTTP_HOST" => "Host",
        "HTTP_PROXY_CONNECTION" => "Proxy-Connection",
        "HTTP_REFERER" => "Referer",
        "HTTP_USER_AGENT" => "User-Agent",
        _ => return None,
    })
}

fn time(name: &str) -> Option<TimePart> {
    Some(match name {
        "TIME" => TimePart::All,
        "TIME_YEAR" => TimePart::Year,
        "TIME_MON" => TimePart::Month,
        "TIME_DAY" => TimePart::Day,
        "TIME_HOUR" => TimePart::Hour,
        "TIME_MIN" => TimePart::Minute,
        "TIME_SEC" => TimePart::Second,
        "TIME_WDAY" => TimePart::Weekday,
        _ => return None,
    })
}

fn fact(name: &str) -> Option<Fact> {
    Some(match name {
        "AUTH_TYPE" => Fact::AuthType,
        "CONTEXT_DOCUMENT_ROOT" => Fact::ContextRoot,
        "CONTEXT_PREFIX" => Fact::ContextPrefix,
        "DOCUMENT_ROOT" => Fact::DocumentRoot,
        "PATH_INFO" => Fact::PathInfo,
        "REMOTE_USER" => Fact::RemoteUser,
        "HTTPS" => Fact::Https,
        "CONN_REMOTE_ADDR" => Fact::ConnectionAddr,
        "REMOTE_ADDR" => Fact::RemoteAddr,
        "REMOTE_HOST" => Fact::RemoteHost,
        "REMOTE_PORT" => Fact::RemotePort,
        "REQUEST_FILENAME" | "SCRIPT_FILENAME" => Fact::Filename,
        "REQUEST_METHOD" => Fact::Method,
        "REQUEST_SCHEME" => Fact::Scheme,
        "REQUEST_URI" => Fact::Uri,
        "QUERY_STRING" => Fact::Query,
        "SERVER_ADDR" => Fact::ServerAddr,
        "SERVER_NAME" => Fact::ServerName,
        "SERVER_PORT" => Fact::ServerPort,
        "SERVER_PROTOCOL" => Fact::Protocol,
        "THE_REQUEST" => Fact::TheRequest,
        "IPV6" => Fact::Ipv6,
        "IS_SUBREQ" => Fact::IsSubrequest,
        _ => return None,
    })
}
