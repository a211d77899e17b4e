//! What a line says of what the client has asked for.

use std::borrow::Cow;

use http::Method;
use jkworkers::uri_map;

use super::{Transaction, escaped, foreign};
use crate::{
    forward::scheme,
    mapping::as_far_as_decoded,
    strict::{self, Refusal},
};

impl Transaction<'_> {
    /// For a worker, as mod_jk leaves it there: the last segment of the path.
    pub(super) fn file(&self, line: &mut Vec<u8>) -> bool {
        let file = self.record.extra().and_then(|e| e.file.get());
        if let Some(file) = file {
            return foreign(Some(file), line);
        }
        if !self.is_mapped() {
            return false;
        }
        let path = self.path();
        foreign(path.rsplit(|b| *b == b'/').next(), line)
    }

    /// Of a line that is too long, has not come or is badly ended httpd takes nothing for what it
    /// is.
    pub(super) fn is_readable(&self) -> bool {
        let line = self.head.line();
        self.head.framing().err() != Some(Refusal::LineLength)
            && !line.is_empty()
            && !line.ends_with(b"\n")
    }

    /// Shows a field as `RequestHeader` has left it. What stands behind a line that makes no sense
    /// is not read.
    pub(super) fn request_field(
        &self,
        name: &str,
        show: impl FnOnce(Option<&[u8]>) -> bool,
    ) -> bool {
        let is_odd = self.head.path().is_empty() && self.head.method != Method::CONNECT;
        if is_odd || self.refused() == Some(Refusal::Target) {
            return show(None);
        }
        let changed = self.record.extra().map(|extra| extra.asked.lock());
        let changed = changed.as_ref().and_then(|fields| {
            let mut fields = fields.iter();
            fields.find(|(known, _)| **known == *name)
        });
        match changed {
            Some((_, value)) => show(value.as_deref()),
            None => show(self.head.headers.joined(name).as_deref()),
        }
    }

    /// Why it was refused while it was read, if it was.
    fn refused(&self) -> Option<Refusal> {
        if self.status < 400 {
            return None;
        }
        let refused = strict::check(self.head, || scheme(self.host)).err();
        refused.filter(|why| why.is_of_reading())
    }

    pub(super) fn method(&self) -> Option<&[u8]> {
        let is_odd = self.head.framing().err() == Some(Refusal::Syntax);
        let odd = is_odd.then(|| self.head.line().split(|b| *b == b' ').next());
        let method = odd
            .flatten()
            .unwrap_or(self.head.method.as_str().as_bytes());
        Some(method).filter(|_| self.is_readable())
    }

    pub(super) fn shown_path(&self) -> Option<Cow<'_, [u8]>> {
        if !self.is_readable() {
            return None;
        }
        let path = self.path();
        Some(if path.is_empty() {
            Cow::Borrowed(b"/")
        } else {
            path
        })
    }

    pub(super) fn protocol(&self) -> &'static str {
        if !self.is_readable() {
            return "HTTP/1.0";
        }
        self.head.protocol()
    }

    pub(super) fn query(&self, line: &mut Vec<u8>) -> bool {
        let in_section = self.record.extra().and_then(|extra| extra.query.get());
        let rewritten = self.rewritten().map(|(_, query)| query);
        let made = in_section.or(rewritten).map(Option::as_deref);
        if made.is_none() && !self.is_readable() {
            return true;
        }
        if let Some(query) = made.unwrap_or_else(|| self.head.query()) {
            line.push(b'?');
            escaped(line, query);
        }
        true
    }

    /// As the client wrote it, but for a password. That of the client also where an error has led
    /// elsewhere.
    pub(super) fn request_line(&self, line: &mut Vec<u8>) -> bool {
        let written = self.asked.line();
        if written.is_empty() {
            return false;
        }
        match password(written) {
            Some((before, after)) => {
                escaped(line, before);
                line.extend_from_slice(b"XXXXXXXX");
                escaped(line, after);
            }
            None => escaped(line, written),
        }
        true
    }

    /// The path as httpd has it: decoded and resolved, or as it came where that is impossible.
    pub(super) fn path(&self) -> Cow<'_, [u8]> {
        let index = self.record.extra().and_then(|extra| extra.index.get());
        if let Some(path) = index {
            return Cow::Borrowed(path);
        }
        if let Some((path, _)) = self.rewritten() {
            return Cow::Borrowed(path);
        }
        if self.refused().is_some() && !self.head.path().is_empty() {
            return Cow::Borrowed(self.head.path());
        }
        match uri_map::decode(self.head.path(), self.host.uri_rules) {
            Ok(path) if !path.is_empty() => path,
            _ => Cow::Owned(as_far_as_decoded(self.head, self.host.uri_rules)),
        }
    }

    /// The path and the query that rules have made.
    fn rewritten(&self) -> Option<&(Vec<u8>, Option<Vec<u8>>)> {
        self.record.extra()?.rewritten.get()
    }
}

/// What stands before and behind the password of `METHOD scheme://user:password@host/ …`.
fn password(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let target = memchr::memchr(b' ', line)? + 1;
    if line.get(target) == Some(&b'/') {
        return None;
    }
    let scheme = line.get(target..)?.windows(3).position(|w| w == b"://")?;
    let start = target + scheme + 3;
    let rest = line.get(start..)?;
    let end = |b: &u8| matches!(b, b'/' | b'?' | b'#' | b' ');
    let authority = rest.iter().position(end);
    let authority = rest.get(..authority.unwrap_or(rest.len()))?;
    let at = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority.get(..at)?.iter().position(|b| *b == b':')?;
    Some((line.get(..=start + colon)?, line.get(start + at..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found() {
        for (target, expected) in [
            (
                "GET http://bob:secret@h/b?a HTTP/1.1",
                Some(("GET http://bob:", "@h/b?a HTTP/1.1")),
            ),
            ("GET http://bob:a@b@h", Some(("GET http://bob:", "@h"))),
            ("GET http://bob@h:80/x:y@z HTTP/1.1", None),
            ("GET /http://bob:secret@h/ HTTP/1.1", None),
            ("GET http://h/?u:p@x", None),
            ("OPTIONS * HTTP/1.1", None),
            ("nonsense", None),
        ] {
            let expected = expected.map(|(a, b)| (a.as_bytes(), b.as_bytes()));
            assert_eq!(password(target.as_bytes()), expected, "{target}");
        }
    }
}
