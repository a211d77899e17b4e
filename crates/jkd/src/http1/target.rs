//! The target in a request line (RFC 9112, section 3.2), as raw bytes.

use super::fields::Span;

/// Where a request target and its parts are in a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    raw: Span,
    form: Form,
    path: Span,
    query: Option<Span>,
}

/// A request target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    target: Target,
    text: &'a [u8],
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
    /// Finds the parts of the target at `place` in `text`. Any bytes are one: whether it makes sense
    /// is checked elsewhere.
    pub(super) fn new(text: &[u8], place: Span) -> Self {
        let raw = place.of(text);
        let (form, start) = form(raw);
        let rest = raw.get(start..).unwrap_or_default();
        let path = (rest.iter()).position(|b| matches!(b, b'?' | b'#'));
        let path = path.unwrap_or(rest.len());
        let query = match rest.get(path..) {
            Some([b'?', query @ ..]) => {
                let length = query.iter().position(|b| *b == b'#');
                Some((start + path + 1, length.unwrap_or(query.len())))
            }
            _ => None,
        };
        let within = |(start, length)| place.part(start, length);
        Self {
            raw: place,
            form: match form {
                Form::Absolute { scheme, authority } => Form::Absolute {
                    scheme: place.shifted(scheme),
                    authority: place.shifted(authority),
                },
                form => form,
            },
            path: within((start, path)),
            query: query.map(within),
        }
    }

    pub(super) const fn parts(self, text: &[u8]) -> Parts<'_> {
        Parts { target: self, text }
    }
}

impl<'a> Parts<'a> {
    /// As the client wrote it.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.target.raw.of(self.text)
    }

    /// The path; `/` where an absolute target has none, and nothing where a target makes no sense.
    pub(crate) fn path(&self) -> &'a [u8] {
        match (self.target.form, self.target.path.of(self.text)) {
            (Form::Absolute { .. }, b"") => b"/",
            (Form::Other, _) => b"",
            (_, path) => path,
        }
    }

    /// What stands behind the first `?`.
    pub(crate) fn query(&self) -> Option<&'a [u8]> {
        self.target.query.map(|query| query.of(self.text))
    }

    /// The scheme and the authority of an absolute target.
    pub(crate) fn absolute(&self) -> Option<(&'a [u8], &'a [u8])> {
        match self.target.form {
            Form::Absolute { scheme, authority } => {
                Some((scheme.of(self.text), authority.of(self.text)))
            }
            _ => None,
        }
    }

    /// Whether it is a path.
    pub(crate) const fn is_origin(&self) -> bool {
        matches!(self.target.form, Form::Origin)
    }

    /// Whether it is `*`, which is the server as a whole.
    pub(crate) const fn is_asterisk(&self) -> bool {
        matches!(self.target.form, Form::Asterisk)
    }

    /// Whether it has a fragment, which is nothing to be sent (RFC 9110, section 4.1).
    pub(crate) fn has_fragment(&self) -> bool {
        self.raw().contains(&b'#')
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
            let text = format!("GET {raw} HTTP/1.1");
            let target = Target::new(text.as_bytes(), Span::new(4, raw.len()).unwrap());
            let target = target.parts(text.as_bytes());
            let bytes = |(a, b): (&'static str, &'static str)| (a.as_bytes(), b.as_bytes());
            assert_eq!(target.path(), path.as_bytes(), "{raw}");
            assert_eq!(target.query(), query.map(str::as_bytes), "{raw}");
            assert_eq!(target.absolute(), absolute.map(bytes), "{raw}");
        }
    }

    #[test]
    fn any_byte_is_kept() {
        let raw = b"/<\xFF`>?\x80".as_slice();
        let target = Target::new(raw, Span::new(0, raw.len()).unwrap()).parts(raw);
        assert_eq!((target.path(), target.raw()), (&b"/<\xFF`>"[..], raw));
        assert_eq!(target.query(), Some(&b"\x80"[..]));
    }
}
