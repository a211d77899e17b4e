//! `Redirect` and `RedirectMatch`: requests that are answered with another address, or not at all.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    diag::Origin,
    expr::{BadExpression, Text},
    pattern::{Pattern, Template},
};

/// The redirections of one server or section, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Redirects(Vec<Redirect>);

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redirect {
    /// Which requests it is about.
    pub from: From,
    /// The status of the answer, one that httpd knows.
    pub status: u16,
    /// Where to; `None` for statuses that are about no other place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Arc<str>>,
    /// The same, where it is made of what an expression found.
    #[serde(skip)]
    template: Option<Template>,
    /// The same, where it is made of what is known of the request: in a line about a section.
    #[serde(skip)]
    text: Option<Text>,
    /// Where it was written.
    pub origin: Origin,
}

/// Which requests a redirection is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// All of the section around.
    Section,
    /// A path and everything below it. What is below is appended to the target.
    Path(String),
    /// What an expression finds.
    Pattern(Pattern),
}

/// A redirection that is about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirected<'a> {
    /// The line.
    pub by: &'a Redirect,
    /// The target as it was written, or as the expression made it: not encoded.
    pub to: Vec<u8>,
    /// What is to be encoded and appended: what stands below the path of the line.
    pub rest: Vec<u8>,
}

impl Redirects {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &Redirect> {
        self.0.iter()
    }

    /// The first one that is about `path`, decoded as httpd does it.
    pub fn find(&self, path: &[u8]) -> Option<Redirected<'_>> {
        self.0.iter().find_map(|redirect| redirect.apply(path))
    }

    /// The one that is about all of a section.
    pub fn of_section(&self) -> Option<Redirected<'_>> {
        let first = self.0.first().filter(|first| first.from == From::Section);
        first.and_then(|redirect| redirect.apply(b""))
    }

    /// Adds a line. The last one about a whole section counts, and before all others.
    pub(crate) fn add(&mut self, redirect: Redirect) {
        if redirect.from == From::Section {
            self.0.retain(|other| other.from != From::Section);
            self.0.insert(0, redirect);
        } else {
            self.0.push(redirect);
        }
    }

    /// What holds in a virtual host that says `self`: its own lines come first.
    pub(crate) fn over(&self, base: &Self) -> Self {
        Self(self.0.iter().chain(&base.0).cloned().collect())
    }
}

impl Redirect {
    /// # Errors
    ///
    /// [`BadExpression`] for variables in the target that are none.
    pub(crate) fn new(
        from: From,
        status: u16,
        to: Option<&str>,
        origin: &Origin,
    ) -> Result<Self, BadExpression> {
        let template = to.filter(|_| matches!(from, From::Pattern(_)));
        let text = to.filter(|_| from == From::Section);
        Ok(Self {
            from,
            status,
            to: to.map(Arc::from),
            template: template.map(Template::with_groups),
            text: text.map(Text::new).transpose()?,
            origin: origin.clone(),
        })
    }

    /// What the target is made of, where variables may be in it.
    pub const fn text(&self) -> Option<&Text> {
        self.text.as_ref()
    }

    /// Whether the target is as it was written, rather than made of what an expression found.
    pub const fn is_plain(&self) -> bool {
        self.template.is_none()
    }

    fn apply(&self, path: &[u8]) -> Option<Redirected<'_>> {
        let written = self.to.as_deref().unwrap_or_default();
        let (to, rest) = match &self.from {
            From::Section => (written.into(), Vec::new()),
            From::Path(own) => (written.into(), below(own.as_bytes(), path)?.to_vec()),
            From::Pattern(pattern) => {
                let groups = pattern.find(path)?;
                let filled = self.template.as_ref().map(|to| to.fill(&groups));
                // A target beyond all measure is as good as none.
                (filled.flatten().unwrap_or_default().into(), Vec::new())
            }
        };
        Some(Redirected { by: self, to, rest })
    }
}

/// What stands behind `own` in `path`, which has to be in it up to the end of a segment. As many
/// slashes as there are count as one.
pub(crate) fn below<'p>(own: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    let (mut own_rest, mut rest) = (own, path);
    while let Some((&expected, tail)) = own_rest.split_first() {
        let (&found, behind) = rest.split_first()?;
        if expected != found {
            return None;
        }
        (own_rest, rest) = (tail, behind);
        if expected == b'/' {
            own_rest = without_slashes(own_rest);
            rest = without_slashes(rest);
        }
    }
    let whole = own.ends_with(b"/") || rest.is_empty() || rest.starts_with(b"/");
    (whole && !own.is_empty()).then_some(rest)
}

fn without_slashes(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b"/") {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(found: Option<Redirected<'_>>) -> Option<(String, String)> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        found.map(|found| (text(found.to), text(found.rest)))
    }

    fn redirects(lines: &[(From, Option<&str>)]) -> Redirects {
        let origin = Origin::new("test", 1);
        let mut redirects = Redirects::default();
        for (from, to) in lines {
            redirects.add(Redirect::new(from.clone(), 302, *to, &origin).unwrap());
        }
        redirects
    }

    #[test]
    fn paths_are_compared_by_segments() {
        for (own, path, expected) in [
            ("/a", "/a", Some("")),
            ("/a", "/a/b", Some("/b")),
            ("/a", "/ab", None),
            ("/a/", "/a", None),
            ("/a/", "/a/b", Some("b")),
            ("/a//b", "/a/b/c", Some("/c")),
            ("/a/b", "/a///b//c", Some("//c")),
            ("/", "/x", Some("x")),
            ("/a", "/a;x", None),
            ("", "/", None),
        ] {
            let rest = below(own.as_bytes(), path.as_bytes());
            assert_eq!(rest, expected.map(str::as_bytes), "{own} {path}");
        }
    }

    #[test]
    fn the_first_line_counts_and_a_whole_section_before_all() {
        let path = |path: &str| From::Path(path.to_owned());
        let lines = redirects(&[(path("/a"), Some("/1")), (path("/a/b"), Some("/2"))]);
        let expected = Some(("/1".to_owned(), "/b".to_owned()));
        assert_eq!(text(lines.find(b"/a/b")), expected);
        assert_eq!(lines.find(b"/c"), None);
        let lines = redirects(&[
            (path("/a"), Some("/1")),
            (From::Section, Some("http://x/")),
            (From::Section, Some("http://y/")),
        ]);
        let expected = Some(("http://y/".to_owned(), String::new()));
        assert_eq!(text(lines.find(b"/a/b")), expected);
        assert_eq!(lines.iter().count(), 2);
    }

    #[test]
    fn expressions_fill_the_target() {
        let pattern = |text| From::Pattern(Pattern::new(text, false).unwrap());
        let lines = redirects(&[
            (pattern("^/rm/(.*)$"), Some(r"/to/$1?x=$1&y=\$1")),
            (pattern("^/plain"), Some("/$0")),
            (pattern(r"\.bak$"), None),
        ]);
        let found = |path: &[u8]| text(lines.find(path)).map(|(to, _)| to);
        assert_eq!(found(b"/rm/a b").as_deref(), Some("/to/a b?x=a b&y=$1"));
        assert_eq!(found(b"/plain/x").as_deref(), Some("//plain"));
        assert_eq!(found(b"/x.bak").as_deref(), Some(""));
        assert_eq!(found(b"/x.bak2"), None);
    }

    #[test]
    fn a_virtual_host_comes_first() {
        let path = |path: &str| From::Path(path.to_owned());
        let base = redirects(&[(path("/a"), Some("/base"))]);
        let own = redirects(&[(path("/a/b"), Some("/own"))]);
        let merged = own.over(&base);
        assert_eq!(merged.find(b"/a/b").unwrap().to, b"/own");
        assert_eq!(merged.find(b"/a/c").unwrap().to, b"/base");
    }
}
