//! httpd's regular expressions, and the values that are made of what they find.
//!
//! httpd has PCRE, which may take long; the `regex` crate never does, but knows less. What it does
//! not know, or reads otherwise, is left to PCRE, with a limit.

mod engine;
mod foreign;
mod template;

use std::{fmt, ops::Range, sync::Arc};

use serde::{Serialize, Serializer};

pub use engine::GaveUp;

use engine::Engine;
pub use template::Template;

/// The longest text of an expression, bytes.
const MAX_TEXT: usize = 8192;

/// A regular expression as httpd takes it: over bytes, `.` is any byte, `$` the end of the text.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    ignores_case: bool,
    /// It has no operator.
    is_plain: bool,
    /// The variables that groups with names set in sections, with the numbers of the groups.
    names: Arc<[(usize, String)]>,
    engine: Engine,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is too long.
    #[error("it is longer than {MAX_TEXT} bytes")]
    Length,
    /// It is broken.
    #[error("{0}")]
    Syntax(String),
}

impl BadPattern {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Length => "Write several lines.",
            Self::Syntax(_) => "Correct the expression; a backslash makes an operator plain text.",
        }
    }
}

/// What an expression found: the whole and up to nine groups.
#[derive(Clone, Copy, Debug, Default)]
pub struct Groups<'t>([Option<&'t [u8]>; 10]);

impl<'t> Groups<'t> {
    /// What was found before, and kept.
    pub(crate) const fn of(groups: [Option<&'t [u8]>; 10]) -> Self {
        Self(groups)
    }

    /// What a group found; the first one is the whole.
    pub fn get(&self, number: usize) -> Option<&'t [u8]> {
        self.0.get(number).copied().flatten()
    }
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// [`BadPattern`] for all that is broken or too long.
    pub fn new(text: &str, ignores_case: bool) -> Result<Self, BadPattern> {
        if text.len() > MAX_TEXT {
            return Err(BadPattern::Length);
        }
        let engine = Engine::new(text, ignores_case).map_err(BadPattern::Syntax)?;
        let variable = |(number, name): (usize, String)| {
            (number, format!("MATCH_{}", name.to_ascii_uppercase()))
        };
        let names = engine.names().into_iter();
        Ok(Self {
            text: text.into(),
            ignores_case,
            is_plain: is_plain(text),
            names: names.map(variable).collect(),
            engine,
        })
    }

    /// Whether it has groups.
    pub(crate) fn has_groups(&self) -> bool {
        self.engine.has_groups()
    }

    /// Whether groups have names.
    pub(crate) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// What groups with names find in `text`, under the names of the variables that sections set:
    /// `MATCH_` and the name in capitals.
    pub(crate) fn named<'p, 't>(&'p self, text: &'t [u8]) -> Vec<(&'p str, &'t [u8])> {
        let found = |(number, name): &'p (usize, String)| {
            Some((name.as_str(), self.engine.group(text, *number)?))
        };
        self.names.iter().filter_map(found).collect()
    }

    /// Whether it is found anywhere in `text`. Not, where PCRE gives up.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.engine.is_match(text).unwrap_or(false)
    }

    /// What it finds in `text`, if it does. Nothing, where PCRE gives up.
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<Groups<'t>> {
        self.search(text).ok().flatten()
    }

    /// The same for what decides whom to let in: who has PCRE give up must not gain by it.
    ///
    /// # Errors
    ///
    /// [`GaveUp`]: it would take too long.
    pub fn search<'t>(&self, text: &'t [u8]) -> Result<Option<Groups<'t>>, GaveUp> {
        self.engine.groups(text)
    }

    /// Whether it can be said if it is found in `text`.
    pub(crate) fn decides(&self, text: &[u8]) -> bool {
        self.engine.is_linear() || self.engine.is_match(text).is_ok()
    }

    /// What it finds in `text`, if it does, and where.
    pub fn find_at<'t>(&self, text: &'t [u8]) -> Option<(Groups<'t>, Range<usize>)> {
        let place = self.engine.place(text)?;
        Some((self.find(text)?, place))
    }

    /// Whether it is compared as plain text: httpd does not look for `$1` in the values that go
    /// with such an expression.
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.ignores_case) == (&other.text, other.ignores_case)
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As it was written, with `(?i)` in front where case makes no difference.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.ignores_case { "(?i)" } else { "" };
        write!(f, "{prefix}{}", self.text)
    }
}

/// As httpd decides it: no operator that is not escaped, and nothing else escaped.
fn is_plain(text: &str) -> bool {
    let mut escaped = false;
    for c in text.chars() {
        let is_operator = matches!(
            c,
            '^' | '.' | '$' | '|' | '(' | ')' | '[' | ']' | '*' | '+' | '?' | '{' | '}'
        );
        if c != '\\' && is_operator != escaped {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text, false).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn values_are_made_of_what_was_found() {
        for (text, template, subject, expected) in [
            ("^/(a)(b)?", "$1-$2-\\$1-$0", "/acc", "a--$1-/a"),
            ("^/(a)", "$1$1$9", "/a", "aa"),
            ("^/", "constant", "/a", "constant"),
            ("^/", "$", "/a", "$"),
            ("^/", "a$x&\\", "/a", "a$x&\\"),
            // Without an operator nothing is replaced.
            ("/a", "$0", "/a", "$0"),
            ("/a\\.b", "$0\\", "/a.b", "$0\\"),
            ("(?i)A(.*)$", "$1", "xa\nb", "\nb"),
        ] {
            let pattern = pattern(text);
            let template = Template::new(template, &pattern);
            let groups = pattern.find(subject.as_bytes()).unwrap();
            let value = template.fill(&groups).unwrap();
            assert_eq!(
                value.escape_ascii().to_string(),
                expected.escape_default().to_string()
            );
        }
    }

    #[test]
    fn bytes_are_bytes() {
        assert!(pattern("^.$").is_match(b"\xFF"));
        assert!(pattern("é").is_match("é".as_bytes()));
        assert!(!pattern("a$").is_match(b"a\n"));
        assert!(Pattern::new("^AbC$", true).unwrap().is_match(b"aBc"));
    }

    #[test]
    fn groups_with_names_are_variables_of_sections() {
        let text = "^/(?<Site>[a-z]+)(/(?P<rest>.*))?$";
        for text in [text, &text.replace("a-z]+", "a-z]++")] {
            let pattern = pattern(text);
            assert!(pattern.has_names());
            let (site, rest) = (("MATCH_SITE", &b"a"[..]), ("MATCH_REST", &b"b/c"[..]));
            assert_eq!(pattern.named(b"/a/b/c"), [site, rest], "{text}");
            assert_eq!(pattern.named(b"/a"), [site], "{text}");
            assert_eq!(pattern.named(b"/1"), [], "{text}");
        }
        assert!(!pattern("(a)").has_names());
    }

    #[test]
    fn plain_expressions() {
        for (text, plain) in [
            ("abc", true),
            ("a\\.b", true),
            ("a\\\\b", true),
            ("a.b", false),
            ("^a", false),
            ("a\\d", false),
            ("", true),
        ] {
            assert_eq!(is_plain(text), plain, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert_eq!(
            Pattern::new(&"a".repeat(9000), false),
            Err(BadPattern::Length)
        );
    }

    #[test]
    fn what_looks_like_it_is_not() {
        for (text, subject) in [
            ("\\++", "++"),
            ("[+]+", "+"),
            ("[]a]+$", "]a"),
            ("[^]a]+", "b"),
            ("[[:alpha:]]+[[:digit:]]", "ab1"),
            ("[[:alpha:]*+]$", "+"),
            ("a*?", ""),
            ("[\\[]", "["),
            ("(?P<x>a)(?<Ru>b)(?i:C)", "abc"),
            ("\\(?R[(?u]", "R?"),
            ("\\\\v", "\\v"),
            ("a-{1}-", "a--"),
        ] {
            assert!(pattern(text).is_match(subject.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_value_longer_than_any_packet_is_none() {
        let pattern = pattern("^(.*)$");
        for (template, length, fits) in [
            ("$1", 65_535, true),
            ("$1", 65_536, false),
            ("$1$1", 32_767, true),
            ("$1$1", 32_768, false),
            ("$1$1$1", 30_000, false),
        ] {
            let long = vec![b'x'; length];
            let template = Template::new(template, &pattern);
            let value = template.fill(&pattern.find(&long).unwrap());
            assert_eq!(value.is_some(), fits, "{template:?} of {length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_expression_or_an_error(text in "[-a^$.*+?(){}\\[\\]|\\\\:&]{0,12}", subject: Vec<u8>) {
            if let Ok(pattern) = Pattern::new(&text, false) {
                let found = pattern.find(&subject);
                prop_assert_eq!(found.is_some(), pattern.is_match(&subject));
            }
        }
    }
}
