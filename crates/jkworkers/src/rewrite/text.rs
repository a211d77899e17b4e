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
    Time(TimePart),
    Fact(Fact),
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
    /// `IS_SUBREQ`: always `false`.
    IsSubrequest,
}

/// Why a text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadText {
    /// `${map:key}`
    Map,
    /// `%{LA-U:…}`, `%{LA-F:…}`
    LookAhead,
    /// A variable that depends on what is not there.
    Name(String),
}

impl Text {
    /// Reads a text. A backslash takes the meaning of what follows it.
    pub(crate) fn new(text: &str) -> Result<Self, BadText> {
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
                '$' | '%' => special(c, behind)?,
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
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(&**name),
            _ => None,
        })
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

/// What stands behind a `$` or `%`, and the text behind it. `None`: nothing special.
fn special(c: char, behind: &str) -> Result<Option<(Option<Piece>, &str)>, BadText> {
    if let Some(digit) = behind.chars().next().and_then(|c| c.to_digit(10)) {
        let number = usize::try_from(digit).unwrap_or_default();
        let piece = match c {
            '$' => Piece::Rule(number),
            _ => Piece::Condition(number),
        };
        return Ok(Some((Some(piece), behind.get(1..).unwrap_or_default())));
    }
    let Some((name, tail)) = behind.strip_prefix('{').and_then(|t| t.split_once('}')) else {
        return Ok(None);
    };
    match c {
        '$' if name.contains(':') => Err(BadText::Map),
        '$' => Ok(None),
        _ => Ok(Some((variable(name)?, tail))),
    }
}

/// The variable of a name; none for what is always empty.
fn variable(name: &str) -> Result<Option<Piece>, BadText> {
    let upper = name.to_ascii_uppercase();
    if let Some((kind, name)) = name.split_once(':') {
        return match &*kind.to_ascii_uppercase() {
            "ENV" => Ok(Some(Piece::Variable(name.into()))),
            "HTTP" => Ok(Some(Piece::Header(name.into()))),
            // There is no TLS.
            "SSL" => Ok(None),
            "LA-U" | "LA-F" => Err(BadText::LookAhead),
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
        // Nobody knows these before a request is mapped.
        "REMOTE_USER" | "AUTH_TYPE" | "PATH_INFO" | "REMOTE_IDENT" => Ok(None),
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
        "CONTEXT_DOCUMENT_ROOT" | "DOCUMENT_ROOT" => Fact::DocumentRoot,
        "HTTPS" => Fact::Https,
        "CONN_REMOTE_ADDR" | "REMOTE_ADDR" => Fact::RemoteAddr,
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
