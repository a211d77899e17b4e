//! The target in a request line (RFC 9112, section 3.2), as raw bytes.

use bytes::Bytes;

use super::fields::Span;

/// A request target, and where its parts are.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    raw: Bytes,
    form: Form,
    path: Span,
    query: Option<Span>,
}

/// What kind of target it is.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// `/path?query`
    Origin,
    /// `http://authority/path?query`
    Absolute { scheme: Span, authority: Span },
    /// `*`
    Asterisk,
    /// None of these.
    Other,
}

impl Target {
    /// Finds the parts of a target. Any bytes are one: whether it makes sense is checked elsewhere.
    pub(crate) fn new(raw: Bytes) -> Self {
        let (form, start) = form(&raw);
        let rest = raw.get(start..).unwrap_or_default();
        let end = |stops: &[u8]| {
            let stop = rest.iter().position(|b| stops.contains(b));
            stop.unwrap_or(rest.len())
        };
        let (path, whole) = (end(b"?#"), end(b"#"));
        let query = (path < whole).then(|| Span::new(start + path + 1, whole - path - 1));
        Self {
            form,
            path: Span::new(start, path).unwrap_or_default(),
            query: query.flatten(),
            raw,
        }
    }

    /// As the client wrote it.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The path; `/` where an absolute target has none, and nothing where a target makes no sense.
    pub(crate) fn path(&self) -> &[u8] {
        match self.form {
            Form::Absolute { .. } if self.path.of(&self.raw).is_empty() => b"/",
            Form::Other => b"",
            _ => self.path.of(&self.raw),
        }
    }

    /// What stands behind the first `?`.
    pub(crate) fn query(&self) -> Option<&[u8]> {
        self.query.map(|query| query.of(&self.raw))
    }

    /// The scheme and the authority of an absolute target.
    pub(crate) fn absolute(&self) -> Option<(&[u8], &[u8])> {
        match self.form {
            Form::Absolute { scheme, authority } => {
                Some((scheme.of(&self.raw), authority.of(&self.raw)))
            }
            _ => None,
        }
    }

    /// Whether it is a path.
    pub(crate) const fn is_origin(&self) -> bool {
        matches!(self.form, Form::Origin)
    }

    /// Whether it is `*`, which is the server as a whole.
    pub(crate) const fn is_asterisk(&self) -> bool {
        matches!(self.form, Form::Asterisk)
    }
}

/// The form of a target, and where its path begins.
fn form(raw: &[u8]) -> (Form, usize) {
    match raw {
        [b'/', ..] => (Form::Origin, 0),
        b"*" => (Form::Asterisk, 0),
        _ => absolute(raw).unwrap_or((Form::Other, 0)),
    }
}

fn absolute(raw: &[u8]) -> Option<(Form, usize)> {
    let of_scheme = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let scheme = raw.iter().position(|b| !of_scheme(b))?;
    let rest = raw.get(scheme..)?.strip_prefix(b"://")?;
    let length = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let length = length.unwrap_or(rest.len());
    let start = scheme + 3;
    let form = Form::Absolute {
        scheme: Span::new(0, scheme)?,
        authority: Span::new(start, length)?,
    };
    Some((form, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        for (raw, path, query, absolute) in [
            ("/a/b", "/a/b", None, None),
            ("/a?b?c=/d#e", "/a", Some("b?c=/d"), None),
            ("/a?", "/a", Some(""), None),
            ("/a#?b", "/a", None, None),
            ("//h/p", "//h/p", None, None),
            ("*", "*", None, None),
            ("http://h:1/a?b", "/a", Some("b"), Some(("http", "h:1"))),
            ("HTTP://h", "/", None, Some(("HTTP", "h"))),
            ("http://h?b", "/", Some("b"), Some(("http", "h"))),
            ("http:///a", "/a", None, Some(("http", ""))),
            ("h:80", "", None, None),
            ("a/b", "", None, None),
            ("", "", None, None),
        ] {
            let target = Target::new(Bytes::copy_from_slice(raw.as_bytes()));
            let bytes = |(a, b): (&'static str, &'static str)| (a.as_bytes(), b.as_bytes());
            assert_eq!(target.path(), path.as_bytes(), "{raw}");
            assert_eq!(target.query(), query.map(str::as_bytes), "{raw}");
            assert_eq!(target.absolute(), absolute.map(bytes), "{raw}");
        }
    }

    #[test]
    fn any_byte_is_kept() {
        let raw = b"/<\xFF`>?\x80".as_slice();
        let target = Target::new(Bytes::from_static(raw));
        assert_eq!((target.path(), target.raw()), (&b"/<\xFF`>"[..], raw));
        assert_eq!(target.query(), Some(&b"\x80"[..]));
    }
}
