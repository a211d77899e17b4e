//! How Tomcat reads the path that it is sent.
//!
//! It goes another way than httpd: path parameters are taken out before anything is decoded,
//! then the path is decoded once, then slashes are collapsed and dot segments resolved. Where
//! that leads elsewhere than the way of the URI map, what was mapped and checked is not what
//! is executed. [`reads_as`] finds out.

use std::borrow::Cow;

use super::normalise::{escape, resolve, without_parameter};

/// The settings of a connector that decide how it reads a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connector {
    /// `encodedSolidusHandling`: what becomes of `%2F`.
    pub solidus: Encoded,
    /// `encodedReverseSolidusHandling`: what becomes of `%5C`.
    pub reverse_solidus: Encoded,
    /// `allowBackslash`: `\` is a `/` rather than a reason to refuse.
    pub allow_backslash: bool,
}

/// What a connector does with an encoded delimiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// `reject`: the request is answered with 400.
    Reject,
    /// `decode`.
    Decode,
    /// `passthrough`: it stays encoded, and every `%25` with it.
    PassThrough,
}

/// The path as a connector maps it to applications and servlets; `None` where it answers 400.
pub fn read(sent: &[u8], connector: Connector) -> Option<Cow<'_, [u8]>> {
    if !sent.starts_with(b"/") {
        return None;
    }
    if is_plain(sent) {
        return Some(Cow::Borrowed(sent));
    }
    let mut path = decode(&without_parameters(sent), connector)?;
    if path.contains(&0) {
        return None;
    }
    for byte in path.iter_mut().filter(|byte| **byte == b'\\') {
        if !connector.allow_backslash {
            return None;
        }
        *byte = b'/';
    }
    let mut resolved = resolve(&path, true, |segment| segment).ok()?;
    // Older versions keep this slash, as httpd and mod_jk do.
    if resolved.len() > 1 && (path.ends_with(b"/.") || path.ends_with(b"/..")) {
        resolved.pop();
    }
    Some(Cow::Owned(resolved))
}

/// Whether every connector that takes `sent` at all reads it as `path`, a path that went
/// through [`clean`](super::clean).
///
/// A connector that passes delimiters through leaves `%25` encoded, too. It means the same
/// path, in a text that still has to be decoded.
pub fn reads_as(sent: &[u8], path: &[u8]) -> bool {
    if is_plain(sent) {
        return sent == path;
    }
    let readings = if is_ambiguous(sent) {
        &READINGS[..]
    } else {
        &READINGS[..1]
    };
    readings.iter().all(|connector| {
        read(sent, *connector).is_none_or(|reading| {
            if connector.passes_through() {
                with_percents(&reading) == path
            } else {
                reading == path
            }
        })
    })
}

impl Connector {
    fn passes_through(self) -> bool {
        [self.solidus, self.reverse_solidus].contains(&Encoded::PassThrough)
    }
}

/// Connectors that take as much as any. Settings that reject more do not read otherwise.
const READINGS: [Connector; 4] = [
    taking(Encoded::Decode, Encoded::Decode),
    taking(Encoded::Decode, Encoded::PassThrough),
    taking(Encoded::PassThrough, Encoded::Decode),
    taking(Encoded::PassThrough, Encoded::PassThrough),
];

const fn taking(solidus: Encoded, reverse_solidus: Encoded) -> Connector {
    Connector {
        solidus,
        reverse_solidus,
        allow_backslash: true,
    }
}

/// Whether Tomcat takes a path as it stands. May say no too often, never yes.
fn is_plain(sent: &[u8]) -> bool {
    let mut previous = 0;
    for &byte in sent {
        match byte {
            0 | b'%' | b';' | b'\\' => return false,
            b'/' | b'.' if previous == b'/' => return false,
            _ => previous = byte,
        }
    }
    true
}

/// Whether there is an escape that connectors decode differently.
fn is_ambiguous(sent: &[u8]) -> bool {
    sent.windows(3)
        .any(|text| matches!(escape(text), Some(b'/' | b'\\' | b'%')))
}

fn without_parameters(sent: &[u8]) -> Cow<'_, [u8]> {
    if !sent.contains(&b';') {
        return Cow::Borrowed(sent);
    }
    let segments = sent.split(|&b| b == b'/').map(without_parameter);
    Cow::Owned(segments.collect::<Vec<_>>().join(&b'/'))
}

/// Decodes once; `None` where that cannot be done or the connector does not want it.
fn decode(path: &[u8], connector: Connector) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            result.push(byte);
            rest = tail;
            continue;
        }
        let value = escape(rest)?;
        let (text, tail) = rest.split_at_checked(3)?;
        rest = tail;
        let handling = match value {
            b'/' => connector.solidus,
            b'\\' => connector.reverse_solidus,
            b'%' if connector.passes_through() => Encoded::PassThrough,
            _ => Encoded::Decode,
        };
        match handling {
            Encoded::Reject => return None,
            Encoded::Decode => result.push(value),
            Encoded::PassThrough => result.extend_from_slice(text),
        }
    }
    Some(result)
}

/// Decodes `%25`, which a connector that passes something through has left.
fn with_percents(reading: &[u8]) -> Cow<'_, [u8]> {
    const ENCODED: &[u8] = b"%25";
    if !reading.windows(3).any(|text| text == ENCODED) {
        return Cow::Borrowed(reading);
    }
    let mut result = Vec::with_capacity(reading.len());
    let mut rest = reading;
    while let Some((&byte, tail)) = rest.split_first() {
        result.push(byte);
        rest = rest.strip_prefix(ENCODED).unwrap_or(tail);
    }
    Cow::Owned(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENIENT: Connector = taking(Encoded::Decode, Encoded::Decode);

    fn reading(sent: &str, connector: Connector) -> Option<String> {
        let path = read(sent.as_bytes(), connector)?;
        Some(String::from_utf8(path.into_owned()).unwrap())
    }

    #[test]
    fn parameters_go_before_decoding_and_slashes_collapse_after_it() {
        for (sent, expected) in [
            ("/a/b", Some("/a/b")),
            ("/a;x=%2F/b;y", Some("/a/b")),
            ("/a%3Bx/b", Some("/a;x/b")),
            ("/a/..;x/b", Some("/b")),
            ("/a//../b", Some("/b")),
            ("/a/;/../b", Some("/b")),
            ("/a/%2e%2E/b/./", Some("/b/")),
            ("/b/.", Some("/b")),
            ("/a/b/..", Some("/a")),
            ("/a/..", Some("/")),
            ("/a%2F..%2Fb", Some("/b")),
            ("/a\\..%5Cb", Some("/b")),
            ("/%252e%252e/b", Some("/%2e%2e/b")),
            ("/..", None),
            ("/a%00", None),
            ("/a%4", None),
            ("/a%zz", None),
            ("a", None),
        ] {
            assert_eq!(reading(sent, LENIENT).as_deref(), expected, "{sent}");
        }
    }

    #[test]
    fn delimiters_are_as_the_connector_says() {
        let of = |solidus, reverse_solidus, allow_backslash| Connector {
            solidus,
            reverse_solidus,
            allow_backslash,
        };
        let strict = of(Encoded::Reject, Encoded::Decode, false);
        let passing = of(Encoded::PassThrough, Encoded::Reject, true);
        for (sent, by_strict, by_passing) in [
            ("/a%2fb", None, Some("/a%2fb")),
            ("/a%5cb", None, None),
            ("/a\\b", None, Some("/a/b")),
            ("/a%25b%41", Some("/a%bA"), Some("/a%25bA")),
            ("/a;%2f", Some("/a"), Some("/a")),
        ] {
            assert_eq!(reading(sent, strict).as_deref(), by_strict, "{sent}");
            assert_eq!(reading(sent, passing).as_deref(), by_passing, "{sent}");
        }
    }

    #[test]
    fn a_path_that_connectors_read_differently_is_read_as_nothing() {
        assert!(reads_as(b"/a%20b;x", b"/a b"));
        assert!(reads_as(b"/a%25b", b"/a%b"));
        assert!(reads_as(b"/a%2525b", b"/a%25b"));
        assert!(
            reads_as(b"/a%zz", b"/whatever"),
            "every connector refuses it"
        );
        for path in [&b"/a/b"[..], b"/a%2Fb"] {
            assert!(!reads_as(b"/a%2Fb", path));
        }
        assert!(!reads_as(b"/a\\b", b"/a\\b"));
        assert!(!reads_as(b"/a%3Bb", b"/a"));
        assert!(!reads_as(b"/a/b/..;x", b"/a/"));
    }
}
