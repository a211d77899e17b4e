//! `ErrorDocument`: what is said instead of a page of the server's own.

use serde::Serialize;

use crate::expr::{BadExpression, Text};

/// What one server or section says, by status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ErrorDocuments(Vec<(u16, ErrorDocument)>);

/// What is said about one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorDocument {
    /// `default`: the server's own page, whatever is said around.
    Default,
    /// A text.
    Text(Text),
    /// A path with or without a query: the request is answered as if it were for that.
    Local(Text),
    /// A URL: the client is sent there.
    External(Text),
}

impl ErrorDocuments {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said about a status.
    pub fn get(&self, status: u16) -> Option<&ErrorDocument> {
        let mut all = self.0.iter();
        all.find_map(|(known, document)| (*known == status).then_some(document))
    }

    /// All of them, in the order in which they were written first.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &ErrorDocument)> {
        self.0.iter().map(|(status, document)| (*status, document))
    }

    /// The last line about a status counts.
    pub(crate) fn set(&mut self, status: u16, document: ErrorDocument) {
        match self.0.iter_mut().find(|(known, _)| *known == status) {
            Some((_, known)) => *known = document,
            None => self.0.push((status, document)),
        }
    }

    /// What holds in a virtual host that says `self`.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let mut merged = base.clone();
        for (status, document) in self.iter() {
            merged.set(status, document.clone());
        }
        merged
    }
}

impl ErrorDocument {
    /// What an argument of `ErrorDocument` means: httpd tells by how it begins, unless there is a
    /// blank in it. What follows may have variables in it.
    ///
    /// # Errors
    ///
    /// [`BadExpression`] for variables that are none.
    pub(crate) fn new(text: &str) -> Result<Self, BadExpression> {
        Ok(if text.eq_ignore_ascii_case("default") {
            Self::Default
        } else if text.starts_with('/') && !text.contains(' ') {
            Self::Local(Text::new(text)?)
        } else if is_url(text.as_bytes()) && !text.contains(' ') {
            Self::External(Text::new(text)?)
        } else {
            Self::Text(Text::new(text.strip_prefix('"').unwrap_or(text))?)
        })
    }

    /// What it is made of.
    pub const fn text(&self) -> Option<&Text> {
        match self {
            Self::Default => None,
            Self::Text(text) | Self::Local(text) | Self::External(text) => Some(text),
        }
    }
}

/// Whether a text begins with a scheme, as httpd sees it.
pub fn is_url(text: &[u8]) -> bool {
    let of_scheme = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let end = text.iter().position(|b| !of_scheme(b));
    end.is_some_and(|end| end > 0 && text.get(end) == Some(&b':'))
}

/// The statuses that httpd has a page for.
pub const fn has_page(status: u16) -> bool {
    matches!(
        status,
        300..=305
            | 307
            | 308
            | 400..=417
            | 421..=426
            | 428
            | 429
            | 431
            | 451
            | 500..=508
            | 510
            | 511
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_told_apart_by_how_they_begin() {
        let is = |text: &str, expected| {
            assert_eq!(ErrorDocument::new(text), Ok(expected), "{text}");
        };
        let made = |text| Text::new(text).unwrap();
        is("default", ErrorDocument::Default);
        is("Default", ErrorDocument::Default);
        is("/x?y", ErrorDocument::Local(made("/x?y")));
        is("http://a/", ErrorDocument::External(made("http://a/")));
        is("Sorry:x", ErrorDocument::External(made("Sorry:x")));
        is("/a b", ErrorDocument::Text(made("/a b")));
        is(
            "We are sorry: x",
            ErrorDocument::Text(made("We are sorry: x")),
        );
        is("\"old style", ErrorDocument::Text(made("old style")));
        is(":x", ErrorDocument::Text(made(":x")));
        is("/%{HTTPS}", ErrorDocument::Local(made("/%{HTTPS}")));
        is("%{HTTPS}://x", ErrorDocument::Text(made("%{HTTPS}://x")));
        assert!(ErrorDocument::new("/%{NOTHING}").is_err());
    }

    #[test]
    fn a_virtual_host_adds_and_replaces() {
        let mut base = ErrorDocuments::default();
        base.set(404, ErrorDocument::new("/a").unwrap());
        base.set(503, ErrorDocument::new("/b").unwrap());
        let mut own = ErrorDocuments::default();
        own.set(404, ErrorDocument::new("/c").unwrap());
        own.set(404, ErrorDocument::new("default").unwrap());
        let merged = own.over(&base);
        assert_eq!(merged.get(404), Some(&ErrorDocument::Default));
        assert_eq!(merged.get(503), Some(&ErrorDocument::new("/b").unwrap()));
        assert_eq!(merged.get(500), None);
    }

    #[test]
    fn not_every_number_is_a_status() {
        for (status, expected) in [
            (99, false),
            (404, true),
            (418, false),
            (451, true),
            (599, false),
        ] {
            assert_eq!(has_page(status), expected, "{status}");
        }
    }
}
