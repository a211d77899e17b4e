//! Who looks for an expression: the `regex` crate, which never takes long, or else PCRE itself.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::{Groups, foreign::is_foreign};

/// The largest compiled expression, bytes.
const MAX_SIZE: usize = 1 << 20;

/// The largest cache that matching may fill, bytes.
const MAX_CACHE: usize = 1 << 18;

/// How many steps PCRE may go from one place of a text before it gives up.
const MAX_STEPS: usize = 1_000_000;

/// PCRE has given up: whether an expression is found in a text is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaveUp;

/// An expression, compiled.
#[derive(Clone)]
pub(super) enum Engine {
    /// Its time is linear in the length of the text.
    Linear(Regex),
    /// It has what only PCRE has (look-around, backreferences …), or means something else there.
    Pcre(pcre2::bytes::Regex),
}

impl Engine {
    /// Compiles an expression, by PCRE where the `regex` crate cannot, or reads it otherwise.
    ///
    /// # Errors
    ///
    /// What PCRE says of an expression that it cannot compile, whoever else could.
    pub(super) fn new(text: &str, ignores_case: bool) -> Result<Self, String> {
        compiled(text, ignores_case)?;
        match (!is_foreign(text)).then(|| linear(text, ignores_case)) {
            Some(Ok(regex)) => Ok(Self::Linear(regex)),
            _ => pcre(text, ignores_case).map(Self::Pcre),
        }
    }

    /// Whether it is found anywhere in `text`.
    pub(super) fn is_match(&self, text: &[u8]) -> Result<bool, GaveUp> {
        match self {
            Self::Linear(regex) => Ok(regex.is_match(text)),
            Self::Pcre(regex) => regex.is_match(text).map_err(|_| GaveUp),
        }
    }

    /// Whether it never gives up.
    pub(super) const fn is_linear(&self) -> bool {
        matches!(self, Self::Linear(_))
    }

    /// Whether it has groups.
    pub(super) fn has_groups(&self) -> bool {
        match self {
            Self::Linear(regex) => regex.captures_len() > 1,
            Self::Pcre(regex) => regex.captures_len() > 1,
        }
    }

    /// The groups that have names: their numbers and names.
    pub(super) fn names(&self) -> Vec<(usize, String)> {
        let numbered = |(number, name): (usize, Option<&str>)| Some((number, name?.to_owned()));
        match self {
            Self::Linear(regex) => regex
                .capture_names()
                .enumerate()
                .filter_map(numbered)
                .collect(),
            Self::Pcre(regex) => {
                let names = regex.capture_names().iter().map(Option::as_deref);
                names.enumerate().filter_map(numbered).collect()
            }
        }
    }

    /// What one group finds in `text`, whatever its number.
    pub(super) fn group<'t>(&self, text: &'t [u8], number: usize) -> Option<&'t [u8]> {
        match self {
            Self::Linear(regex) => Some(regex.captures(text)?.get(number)?.as_bytes()),
            Self::Pcre(regex) => {
                let found = regex.captures(text).ok()??;
                Some(found.get(number)?.as_bytes())
            }
        }
    }

    /// Where it is found in `text`, if it is.
    pub(super) fn place(&self, text: &[u8]) -> Option<Range<usize>> {
        match self {
            Self::Linear(regex) => regex.find(text).map(|found| found.range()),
            Self::Pcre(regex) => {
                let found = regex.find(text).ok()??;
                Some(found.start()..found.end())
            }
        }
    }

    /// What it finds in `text`, if it does.
    pub(super) fn groups<'t>(&self, text: &'t [u8]) -> Result<Option<Groups<'t>>, GaveUp> {
        let mut groups = [None; 10];
        match self {
            Self::Linear(regex) if regex.captures_len() == 1 => {
                let Some(found) = regex.find(text) else {
                    return Ok(None);
                };
                groups[0] = Some(found.as_bytes());
            }
            Self::Linear(regex) => {
                let Some(found) = regex.captures(text) else {
                    return Ok(None);
                };
                for (group, found) in groups.iter_mut().zip(found.iter()) {
                    *group = found.map(|found| found.as_bytes());
                }
            }
            Self::Pcre(regex) => {
                let Some(found) = regex.captures(text).map_err(|_| GaveUp)? else {
                    return Ok(None);
                };
                for (number, group) in groups.iter_mut().enumerate().take(found.len()) {
                    *group = found.get(number).map(|found| found.as_bytes());
                }
            }
        }
        Ok(Some(Groups(groups)))
    }
}

fn linear(text: &str, ignores_case: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .unicode(false)
        .dot_matches_new_line(true)
        .case_insensitive(ignores_case)
        .size_limit(MAX_SIZE)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(100)
        .build()
}

fn pcre(text: &str, ignores_case: bool) -> Result<pcre2::bytes::Regex, String> {
    let limited = format!("(*LIMIT_MATCH={MAX_STEPS}){}", ending(text));
    compiled(&limited, ignores_case)
}

/// As it is written, so that an error tells the place in it.
fn compiled(text: &str, ignores_case: bool) -> Result<pcre2::bytes::Regex, String> {
    let mut builder = pcre2::bytes::RegexBuilder::new();
    let built = builder.dotall(true).caseless(ignores_case).build(text);
    built.map_err(|error| explained(&error))
}

/// httpd's `$` is the very end of a text, PCRE's may stand before a last line feed.
fn ending(text: &str) -> String {
    // Where flags make it the end of each line, it stays what it is.
    if text.contains("(?") && text.split("(?").skip(1).any(has_lines) {
        return text.to_owned();
    }
    let mut ending = String::with_capacity(text.len() + 8);
    let mut in_class = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                ending.push(c);
                ending.extend(chars.next());
                continue;
            }
            '$' if !in_class => {
                ending.push_str("\\z");
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        ending.push(c);
    }
    ending
}

/// Whether what follows a `(?` is flags with `m`.
fn has_lines(flags: &str) -> bool {
    let mut flags = flags
        .chars()
        .take_while(|c| c.is_ascii_alphabetic() || *c == '-');
    flags.any(|flag| flag == 'm')
}

/// What PCRE says, without its name.
fn explained(error: &pcre2::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("PCRE2: ").unwrap_or(&text);
    let text = text
        .strip_prefix("error compiling pattern ")
        .unwrap_or(text);
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(text: &str) -> Engine {
        Engine::new(text, false).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_only_pcre_has_is_found() {
        for (text, subject, expected) in [
            ("^/(?!public/)", "/private/x", true),
            ("^/(?!public/)", "/public/x", false),
            ("(?<=/)b", "/b", true),
            ("(?<!/)b", "/b", false),
            ("(.)\\1", "xaab", true),
            ("(.)\\1", "xab", false),
            ("a++b", "aab", true),
            ("a++a", "aaa", false),
            ("(?>a|ab)c", "abc", false),
            ("^\\/[^\\/]+\\/\\Qa.b\\E", "/x/a.b", true),
            ("[a[b]+z", "[bz", true),
            ("[a&&b]", "&", true),
            ("(?!x)[$]$", "$", true),
            ("a(?!x)$", "a\n", false),
            ("(?m)a(?!x)$", "a\nb", true),
        ] {
            let engine = engine(text);
            assert!(matches!(engine, Engine::Pcre(_)), "{text}");
            assert_eq!(engine.is_match(subject.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn all_else_never_takes_long() {
        for text in ["^/app/(.*)$", "(?i)\\.(gif|png)$", "[[:alpha:]]+", "a*?b"] {
            assert!(matches!(engine(text), Engine::Linear(_)), "{text}");
        }
    }

    #[test]
    fn groups_of_pcre_are_those_of_regex() {
        let text = b"/shop/basket";
        let linear = engine("^/([a-z]+)/(x)?(.*)$");
        let pcre = engine("^/([a-z]++)/(x)?(.*)$");
        assert!(matches!(pcre, Engine::Pcre(_)));
        let (linear, pcre) = (linear.groups(text), pcre.groups(text));
        let (linear, pcre) = (linear.unwrap().unwrap(), pcre.unwrap().unwrap());
        for number in 0..10 {
            assert_eq!(linear.get(number), pcre.get(number), "{number}");
        }
        assert_eq!(engine("p(?=/b)").place(text), Some(4..5));
    }

    #[test]
    fn what_would_take_for_ever_is_given_up() {
        let text = [b"a".repeat(200), b"!".to_vec()].concat();
        let engine = engine("^(?!b)(a+)+$");
        // Without a limit this test would never end.
        assert_eq!(engine.is_match(&text), Err(GaveUp));
        assert_eq!(engine.groups(&text).err(), Some(GaveUp));
    }

    #[test]
    fn errors_say_what_and_where() {
        for (text, expected) in [
            ("(a", "at offset 2: missing closing parenthesis"),
            (
                "*",
                "at offset 0: quantifier does not follow a repeatable item",
            ),
            ("a\\2", "at offset 2: reference to non-existent subpattern"),
            // The `regex` crate takes these.
            (
                "a**",
                "at offset 2: quantifier does not follow a repeatable item",
            ),
            (
                "a$?",
                "at offset 2: quantifier does not follow a repeatable item",
            ),
        ] {
            assert_eq!(Engine::new(text, false).err().as_deref(), Some(expected));
        }
    }
}
