//! httpd's regular expressions, and the values that are made of what they find.
//!
//! httpd has PCRE, which may take for ever; the `regex` crate never does, but knows less. What it
//! does not know, or reads otherwise, is an error when the file is read, never another meaning.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use regex::bytes::{Regex, RegexBuilder};
use serde::{Serialize, Serializer};

/// The longest text of an expression, bytes.
const MAX_TEXT: usize = 8192;

/// The largest compiled expression, bytes.
const MAX_SIZE: usize = 1 << 20;

/// The largest cache that matching may fill, bytes.
const MAX_CACHE: usize = 1 << 18;

/// The longest value that a template makes, bytes: no packet holds more.
const MAX_VALUE: usize = 65_535;

/// A regular expression as httpd takes it: over bytes, `.` is any byte, `$` the end of the text.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    ignores_case: bool,
    /// It has no operator.
    is_plain: bool,
    regex: Regex,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is too long.
    #[error("it is longer than {MAX_TEXT} bytes")]
    Length,
    /// PCRE reads it otherwise.
    #[error("{0}")]
    Foreign(&'static str),
    /// It is broken, or asks for what only PCRE has.
    #[error("{0}")]
    Syntax(String),
}

impl BadPattern {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Length => "Write several lines.",
            Self::Foreign(_) => {
                "Write it in another way; a backslash makes an operator plain text."
            }
            Self::Syntax(_) => {
                "Correct the expression. Look-around, backreferences and possessive quantifiers \
                 are not supported."
            }
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
    /// [`BadPattern`] for all that is broken, too large, or would mean something else than to
    /// httpd.
    pub fn new(text: &str, ignores_case: bool) -> Result<Self, BadPattern> {
        if text.len() > MAX_TEXT {
            return Err(BadPattern::Length);
        }
        if let Some(why) = foreign(text) {
            return Err(BadPattern::Foreign(why));
        }
        let regex = RegexBuilder::new(text)
            .unicode(false)
            .dot_matches_new_line(true)
            .case_insensitive(ignores_case)
            .size_limit(MAX_SIZE)
            .dfa_size_limit(MAX_CACHE)
            .nest_limit(100)
            .build()
            .map_err(|error| BadPattern::Syntax(in_one_line(&error)))?;
        Ok(Self {
            text: text.into(),
            ignores_case,
            is_plain: is_plain(text),
            regex,
        })
    }

    /// Whether it has groups.
    pub(crate) fn has_groups(&self) -> bool {
        self.regex.captures_len() > 1
    }

    /// Whether it is found anywhere in `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// What it finds in `text`, if it does.
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<Groups<'t>> {
        let mut groups = [None; 10];
        if self.regex.captures_len() == 1 {
            groups[0] = Some(self.regex.find(text)?.as_bytes());
            return Some(Groups(groups));
        }
        let found = self.regex.captures(text)?;
        for (group, found) in groups.iter_mut().zip(found.iter()) {
            *group = found.map(|found| found.as_bytes());
        }
        Some(Groups(groups))
    }

    /// What it finds in `text`, if it does, and where.
    pub fn find_at<'t>(&self, text: &'t [u8]) -> Option<(Groups<'t>, Range<usize>)> {
        let place = self.regex.find(text)?.range();
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

/// A value with `$0` to `$9` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a value that goes with `pattern`. A backslash takes the meaning of what follows it.
    pub fn new(text: &str, pattern: &Pattern) -> Self {
        if pattern.is_plain() {
            return Self::literal(text);
        }
        Self::with_groups(text)
    }

    /// Reads a value that goes with any expression, whether it has operators or not.
    pub fn with_groups(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match (c, rest.peek().copied()) {
                ('$', Some(digit @ '0'..='9')) => {
                    rest.next();
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    let number = digit.to_digit(10).and_then(|n| usize::try_from(n).ok());
                    pieces.extend(number.map(Piece::Group));
                }
                ('\\', Some(next)) => {
                    rest.next();
                    plain.push(next);
                }
                _ => plain.push(c),
            }
        }
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Self(pieces)
    }

    /// The same text, whatever is found.
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// Reads what replaces something that is found, whatever the expression is. A backslash takes
    /// the meaning of what follows it.
    pub fn substitution(text: &str) -> Self {
        Self::with_groups(text)
    }

    /// The value for what was found; groups that found nothing are empty. `None` when it is longer
    /// than any packet.
    pub fn fill<'a>(&'a self, groups: &Groups<'a>) -> Option<Cow<'a, [u8]>> {
        let found = |number: usize| groups.0.get(number).copied().flatten();
        let pieces = || {
            self.0.iter().map(|piece| match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Group(number) => found(*number).unwrap_or_default(),
            })
        };
        let length = pieces().fold(0, |sum: usize, piece| sum.saturating_add(piece.len()));
        if length > MAX_VALUE {
            return None;
        }
        Some(match self.0.as_slice() {
            [] | [_] => Cow::Borrowed(pieces().next().unwrap_or_default()),
            _ => Cow::Owned(pieces().collect::<Vec<_>>().concat()),
        })
    }

    /// The value, where it is the same for all requests.
    pub fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As text, with `$1` for the first group.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Group(number) => write!(f, "${number}"),
        })
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

/// What PCRE takes in another sense than the `regex` crate.
fn foreign(text: &str) -> Option<&'static str> {
    let mut scan = Scan::default();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        let c = chars.next()?;
        rest = chars.as_str();
        if let Some(why) = scan.step(c, chars.next()) {
            return Some(why);
        }
        if c == '\\' {
            rest = chars.as_str();
        } else if c == '(' && scan.class.is_none() && has_foreign_flag(rest) {
            return Some("the flags `R`, `u` and `x` mean something else to httpd");
        } else if c == '[' && rest.starts_with(':') && scan.class.is_some() {
            // `[:alpha:]`
            rest = rest.split_once(":]").map_or(rest, |(_, behind)| behind);
        }
    }
}

/// Whether flags stand behind a `(` that PCRE takes for recursion, does not have, or does not
/// extend to `[…]`.
fn has_foreign_flag(behind: &str) -> bool {
    let flags = behind.strip_prefix('?').unwrap_or_default();
    let mut flags = flags
        .chars()
        .take_while(|c| matches!(c, 'A'..='Z' | 'a'..='z' | '-'));
    flags.any(|flag| matches!(flag, 'R' | 'u' | 'x'))
}

#[derive(Default)]
struct Scan {
    /// How many characters of a class in `[…]` have been seen.
    class: Option<usize>,
    /// The last character was a quantifier, and it is not known yet what kind.
    quantified: bool,
}

impl Scan {
    fn step(&mut self, c: char, next: Option<char>) -> Option<&'static str> {
        if (c, next) == ('\\', Some('v')) {
            return Some("`\\v` is more than one character to httpd");
        }
        match self.class {
            Some(seen) => self.within_class(c, next, seen),
            None => self.outside(c, next),
        }
    }

    fn within_class(&mut self, c: char, next: Option<char>, seen: usize) -> Option<&'static str> {
        self.class = match c {
            // `[^` and a `]` that stands first belong to the class.
            ']' if seen > 0 => None,
            '^' if seen == 0 => Some(0),
            _ => Some(seen + 1),
        };
        match (c, next) {
            ('[', Some(':')) => None,
            ('[', _) => Some("`[` inside […] needs a backslash"),
            ('&' | '-' | '~', Some(next)) if next == c => {
                Some("`&&`, `--` and `~~` inside […] need backslashes")
            }
            _ => None,
        }
    }

    fn outside(&mut self, c: char, next: Option<char>) -> Option<&'static str> {
        let was_quantified = std::mem::take(&mut self.quantified);
        match (c, next) {
            ('[', _) => self.class = Some(0),
            ('\\', Some('<' | '>')) => return Some("`\\<` and `\\>` are no escapes of httpd"),
            ('+', _) if was_quantified => return Some("possessive quantifiers are not supported"),
            ('*' | '+' | '?' | '}', _) => self.quantified = !was_quantified,
            _ => {}
        }
        None
    }
}

/// The last line of the crate's message: the others draw where it is.
fn in_one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default().trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
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
    fn what_means_something_else_is_refused() {
        for (text, expected) in [
            ("a++", "possessive quantifiers are not supported"),
            ("a{2}+", "possessive quantifiers are not supported"),
            ("a?+b", "possessive quantifiers are not supported"),
            ("[a[b]", "`[` inside […] needs a backslash"),
            ("[a&&b]", "`&&`, `--` and `~~` inside […] need backslashes"),
            ("[+--]", "`&&`, `--` and `~~` inside […] need backslashes"),
            ("\\v", "`\\v` is more than one character to httpd"),
            ("[\\v]", "`\\v` is more than one character to httpd"),
            (
                "a((?R)|b)",
                "the flags `R`, `u` and `x` mean something else to httpd",
            ),
            (
                "(?i-x:a)",
                "the flags `R`, `u` and `x` mean something else to httpd",
            ),
            ("\\<a", "`\\<` and `\\>` are no escapes of httpd"),
            (
                "(?!a)",
                "look-around, including look-ahead and look-behind, is not supported",
            ),
            ("(a)\\1", "backreferences are not supported"),
            ("(a", "unclosed group"),
            (
                "a{1000}{1000}",
                "Compiled regex exceeds size limit of 1048576 bytes.",
            ),
        ] {
            let error = Pattern::new(text, false).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
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
