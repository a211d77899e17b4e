//! The target in a request line (RFC 9112, section 3.2), as raw bytes.

use super::fields::Span;

/// Where a request target and its parts are in a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    raw: Span,
    form: Form,
    path: Span,
    query: Option<Span>,
    /// It is about the server as a whole, though it is not `*` (RFC 9112, section 3.2.4).
    is_empty_options: bool,
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
    /// `/path?query`, or no more than a query
    Origin,
    /// `http:/path?query`: nobody's name is in it
    Nameless { scheme: Span },
    /// `http://authority/path?query`
    Absolute { scheme: Span, authority: Span },
    /// `*`
    Asterisk,
    /// None of these.
    Other,
}

impl Target {
    /// Finds the parts of the target at `place` in `text`. Any bytes are one: whether it makes sense
    /// is checked elsewhere. Without a path it is about the server where `is_options`.
    pub(super) fn new(text: &[u8], place: Span, is_options: bool) -> Self {
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
                Form::Nameless { scheme } => Form::Nameless {
                    scheme: place.shifted(scheme),
                },
                form => form,
            },
            is_empty_options: is_options && path == 0 && !matches!(form, Form::Other),
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

    /// The path; `/` where a target has none, but with `OPTIONS` `*`, and nothing where a target
    /// makes no sense.
    pub(crate) fn path(&self) -> &'a [u8] {
        match (self.target.form, self.target.path.of(self.text)) {
            (Form::Other, _) => b"",
            (_, b"") if self.target.is_empty_options => b"*",
            (_, b"") => b"/",
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

    /// The scheme of a target that has one.
    pub(crate) fn scheme(&self) -> Option<&'a [u8]> {
        match self.target.form {
            Form::Absolute { scheme, .. } | Form::Nameless { scheme } => Some(scheme.of(self.text)),
            _ => None,
        }
    }

    /// Whether it is a path.
    pub(crate) const fn is_origin(&self) -> bool {
        matches!(self.target.form, Form::Origin)
    }

    /// Whether it is `*`, which is the server as a whole.
    pub(crate) const fn is_asterisk(&self) -> bool {
        matches!(self.target.form, Form::Asterisk) || self.target.is_empty_options
    }

    /// Whether it has a fragment, which is nothing to be sent (RFC 9110, section 4.1).
    pub(crate) fn has_fragment(&self) -> bool {
        self.raw().contains(&b'#')
    }
}

/// The form of a target, and where its path begins.
fn form(raw: &[u8]) -> (Form, usize) {
    match raw {
        [b'/' | b'?', ..] => (Form::Origin, 0),
        b"*" => (Form::Asterisk, 0),
        _ => absolute(raw).unwrap_or((Form::Other, 0)),
    }
}

fn absolute(raw: &[u8]) -> Option<(Form, usize)> {
    let of_scheme = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let scheme = raw.iter().position(|b| !of_scheme(b))?;
    let rest = raw.get(scheme..)?.strip_prefix(b":")?;
    let Some(rest) = rest.strip_prefix(b"//") else {
        return nameless(rest, scheme);
    };
    let length = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let length = length.unwrap_or(rest.len());
    let start = scheme + 3;
    let form = Form::Absolute {
        scheme: Span::new(0, scheme)?,
        authority: Span::new(start, length)?,
    };
    Some((form, start + length))
}

/// Behind the scheme there is a path, or none.
fn nameless(rest: &[u8], scheme: usize) -> Option<(Form, usize)> {
    if !matches!(rest, [] | [b'/' | b'?' | b'#', ..]) {
        return None;
    }
    let form = Form::Nameless {
        scheme: Span::new(0, scheme)?,
    };
    Some((form, scheme + 1))
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
            ("?a?b", "/", Some("a?b"), None),
            ("http:/a?b", "/a", Some("b"), None),
            ("http:?b", "/", Some("b"), None),
            ("http:", "/", None, None),
            ("h:80", "", None, None),
            ("a/b", "", None, None),
            ("", "", None, None),
        ] {
            let text = format!("GET {raw} HTTP/1.1");
            let place = Span::new(4, raw.len()).unwrap();
            let target = Target::new(text.as_bytes(), place, false);
            let target = target.parts(text.as_bytes());
            let bytes = |(a, b): (&'static str, &'static str)| (a.as_bytes(), b.as_bytes());
            assert_eq!(target.path(), path.as_bytes(), "{raw}");
            assert_eq!(target.query(), query.map(str::as_bytes), "{raw}");
            assert_eq!(target.absolute(), absolute.map(bytes), "{raw}");
        }
    }

    #[test]
    fn options_without_a_path_are_about_the_server() {
        for (raw, expected) in [
            ("*", true),
            ("?x", true),
            ("http://h", true),
            ("http://h?x", true),
            ("http:", true),
            ("/", false),
            ("http://h/", false),
            ("x", false),
        ] {
            let place = Span::new(0, raw.len()).unwrap();
            let target = Target::new(raw.as_bytes(), place, true).parts(raw.as_bytes());
            assert_eq!(target.is_asterisk(), expected, "{raw}");
            assert_eq!(target.path() == b"*", expected, "{raw}");
        }
    }

    #[test]
    fn any_byte_is_kept() {
        let raw = b"/<\xFF`>?\x80".as_slice();
        let target = Target::new(raw, Span::new(0, raw.len()).unwrap(), false).parts(raw);
        assert_eq!((target.path(), target.raw()), (&b"/<\xFF`>"[..], raw));
        assert_eq!(target.query(), Some(&b"\x80"[..]));
    }
}
