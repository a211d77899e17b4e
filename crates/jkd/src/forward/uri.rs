//! The URI as the backend gets it, under each of mod_jk's `JkOptions ForwardURI…`.
//!
//! Whatever the option: a URI leaves only if the backend reads it as the path that was mapped and
//! checked. Else a client could reach what is excluded, or kept from it by a `<Location>`.

use std::borrow::Cow;

use jkworkers::{
    model::ForwardUri,
    uri_map::{self, tomcat},
};

use crate::{logging::Printable, peer::Peer, rescue::Stumble};

/// A request's path at each of its stages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// As the client sent it.
    pub(crate) raw: &'a [u8],
    /// As httpd decodes it, path parameters still in it.
    pub(crate) decoded: &'a [u8],
    /// As it was mapped and checked.
    pub(crate) path: &'a [u8],
}

impl<'a> Seen<'a> {
    pub(crate) const fn new(raw: &'a [u8], decoded: &'a [u8], path: &'a [u8]) -> Self {
        Self { raw, decoded, path }
    }

    /// Whether the path is the same at each stage, and would be at every other.
    fn is_ordinary(self) -> bool {
        // Stages that change nothing borrow: no need to compare texts.
        let same = std::ptr::eq(self.raw, self.decoded) && std::ptr::eq(self.raw, self.path);
        same && uri_map::is_ordinary(self.raw)
    }
}

/// The path to forward. Paths that are already in the outgoing form, nearly all, are borrowed.
///
/// # Errors
///
/// [`Stumble::BadPath`], with a line in the log, where the backend could read another path.
pub(crate) fn forwarded<'a>(
    seen: Seen<'a>,
    option: ForwardUri,
    peer: &Peer,
) -> Result<Cow<'a, [u8]>, Stumble> {
    match outgoing(seen, option) {
        Ok(sent) => Ok(sent),
        Err(reason) => {
            tracing::info!(
                client = %peer.ip_text,
                path = %Printable(seen.raw),
                mapped_as = %Printable(seen.path),
                "request refused: {reason}"
            );
            Err(Stumble::BadPath)
        }
    }
}

/// The path to forward, or why it is not.
pub(crate) fn outgoing(seen: Seen<'_>, option: ForwardUri) -> Result<Cow<'_, [u8]>, Unsafe> {
    if seen.is_ordinary() {
        return Ok(Cow::Borrowed(seen.raw));
    }
    let sent = written(seen, option);
    check(&sent, seen)?;
    Ok(sent)
}

/// What mod_jk would send.
fn written(seen: Seen<'_>, option: ForwardUri) -> Cow<'_, [u8]> {
    match option {
        ForwardUri::Proxy => encode(seen.decoded, *b"0123456789ABCDEF"),
        ForwardUri::Escaped => encode(seen.decoded, *b"0123456789abcdef"),
        ForwardUri::Compat => Cow::Borrowed(seen.decoded),
        ForwardUri::CompatUnparsed => Cow::Borrowed(seen.raw),
    }
}

/// Why a path is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsafe {
    #[error("its path would leave with a control character")]
    Control,
    #[error("Tomcat would read its path differently")]
    Misread,
    #[error("its path has an ASCII character in overlong UTF-8")]
    Overlong,
}

fn check(sent: &[u8], seen: Seen<'_>) -> Result<(), Unsafe> {
    if sent.iter().any(u8::is_ascii_control) {
        Err(Unsafe::Control)
    } else if has_overlong_ascii(seen.decoded) {
        Err(Unsafe::Overlong)
    } else if tomcat::reads_as(sent, seen.path) {
        Ok(())
    } else {
        Err(Unsafe::Misread)
    }
}

/// Whether lenient decoders would find an ASCII character that is not there in plain: `%C0%AF` for
/// a slash. Other bytes that are no UTF-8 are the business of sites with older encodings.
fn has_overlong_ascii(path: &[u8]) -> bool {
    let continues = |b: &u8| matches!(b, 0x80..=0xBF);
    let mut rest = path;
    while let Some(start) = rest.iter().position(|&b| b >= 0xC0) {
        rest = rest.get(start..).unwrap_or_default();
        let found = match rest {
            [0xC0 | 0xC1, last, ..]
            | [0xE0, 0x80 | 0x81, last, ..]
            | [0xF0, 0x80, 0x80 | 0x81, last, ..]
            | [0xF8, 0x80, 0x80, 0x80 | 0x81, last, ..]
            | [0xFC, 0x80, 0x80, 0x80, 0x80 | 0x81, last, ..] => continues(last),
            _ => false,
        };
        if found {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// A path as httpd writes it into a `Location`.
pub(crate) fn encode_path(path: &[u8]) -> Cow<'_, [u8]> {
    encode(path, *b"0123456789abcdef")
}

/// What neither mod_jk nor httpd encode.
const fn keeps(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'~' | b'$'
                | b'-'
                | b'_'
                | b'.'
                | b'+'
                | b'!'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b','
                | b';'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'/'
        )
}

fn encode(plain: &[u8], digits: [u8; 16]) -> Cow<'_, [u8]> {
    if plain.iter().all(|b| keeps(*b)) {
        return Cow::Borrowed(plain);
    }
    let mut encoded = Vec::with_capacity(plain.len() + 8);
    for &b in plain {
        if keeps(b) {
            encoded.push(b);
        } else {
            let digit = |nibble: u8| digits.get(usize::from(nibble)).copied().unwrap_or(b'0');
            encoded.extend_from_slice(&[b'%', digit(b >> 4), digit(b & 15)]);
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests;
