//! What a tree says about a request.

use std::{borrow::Cow, net::IpAddr, str};

use super::{
    MAX_STRING, Request,
    functions::{self, number},
    names::{Function, Table, Variable},
    tree::{About, Condition, Glob, Word},
};
use crate::{
    pattern::{Groups, Pattern},
    uri_map::wildcard,
};

/// How deep httpd goes into a tree.
const MAX_LEVEL: usize = 20;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it holds.
    pub holds: bool,
    /// The fields of the request that were looked at and that caches have to know of.
    pub vary: Vec<Vec<u8>>,
    /// What its last regular expression with groups has found.
    pub found: Kept,
}

/// Why an expression comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It has more than 20 parts in a row, or inside of one another.
    #[error("Recursion limit reached")]
    Depth,
    /// A file cannot be read.
    #[error("Cannot read from file")]
    File,
    /// What it makes is too long.
    #[error("the value is too long")]
    Length,
    /// A regular expression takes too long.
    #[error("a regular expression takes too long")]
    Pattern,
}

/// What a regular expression has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept([Option<Vec<u8>>; 10]);

impl Kept {
    /// Keeps it.
    pub fn new(groups: &Groups<'_>) -> Self {
        Self(std::array::from_fn(|number| {
            groups.get(number).map(<[u8]>::to_vec)
        }))
    }

    /// To fill a template with.
    pub fn groups(&self) -> Groups<'_> {
        Groups::of(std::array::from_fn(|number| self.get(number)))
    }

    fn get(&self, number: usize) -> Option<&[u8]> {
        self.0.get(number)?.as_deref()
    }
}

/// One evaluation.
pub(super) struct Evaluation<'r, R> {
    request: &'r R,
    found: Kept,
    vary: Vec<Vec<u8>>,
}

type Value<'r> = Result<Cow<'r, [u8]>, Fault>;

impl<'r, R: Request> Evaluation<'r, R> {
    pub(super) fn new(request: &'r R) -> Self {
        Self::knowing(request, Kept::default())
    }

    /// With what was found before.
    pub(super) const fn knowing(request: &'r R, found: Kept) -> Self {
        let vary = Vec::new();
        Self {
            request,
            found,
            vary,
        }
    }

    pub(super) fn condition(mut self, root: &Condition) -> Result<Outcome, Fault> {
        let holds = self.holds(root, 1)?;
        Ok(Outcome {
            holds,
            vary: self.vary,
            found: self.found,
        })
    }

    pub(super) fn text(mut self, root: &Word) -> Result<Vec<u8>, Fault> {
        if let Word::Literal(text) = root {
            return Ok(text.clone());
        }
        self.word(root, 1).map(Cow::into_owned)
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each kind")]
    fn holds(&mut self, condition: &Condition, level: usize) -> Result<bool, Fault> {
        if level > MAX_LEVEL {
            return Err(Fault::Depth);
        }
        let below = level + 1;
        Ok(match condition {
            Condition::Always(holds) => *holds,
            Condition::Not(inner) => !self.holds(inner, level)?,
            Condition::Any(all) => self.find(all, level, true)?,
            Condition::All(all) => !self.find(all, level, false)?,
            Condition::Compare(one, compared, other) => {
                let (one, other) = (self.word(one, below)?, self.word(other, below)?);
                let order = if compared.numbers {
                    number(&one).cmp(&number(&other))
                } else {
                    one.cmp(&other)
                };
                compared.order.allows(order)
            }
            Condition::Listed(word, list) => self.is_listed(word, list, below)?,
            Condition::Matches(word, pattern) => {
                let word = self.word(word, below)?;
                self.matches(&word, pattern)?
            }
            Condition::Wildcard(word, glob, pattern) => {
                let (word, pattern) = (self.word(word, below)?, self.word(pattern, below)?);
                is_like(&word, *glob, &pattern)
            }
            Condition::Word(about, word) => is_so(*about, &self.word(word, below)?),
            Condition::File(test, word) => {
                let path = self.word(word, below)?;
                self.request.holds(*test, &path)
            }
            Condition::In(None, net) => net.contains(self.request.address().to_canonical()),
            Condition::In(Some(word), net) => {
                let word = self.word(word, below)?;
                let address = str::from_utf8(&word)
                    .ok()
                    .and_then(|text| text.parse().ok());
                address.is_some_and(|ip: IpAddr| net.contains(ip.to_canonical()))
            }
        })
    }

    /// Whether one of the conditions is as it is wanted. In httpd each is inside of the next.
    fn find(&mut self, all: &[Condition], level: usize, wanted: bool) -> Result<bool, Fault> {
        for (condition, behind) in all.iter().zip((0..all.len()).rev()) {
            if self.holds(condition, level + behind)? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_listed(&mut self, word: &Word, list: &[Word], level: usize) -> Result<bool, Fault> {
        let word = self.word(word, level)?;
        for item in list {
            if self.word(item, level)? == word {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What was found before stays unless there are groups.
    fn matches(&mut self, word: &[u8], pattern: &Pattern) -> Result<bool, Fault> {
        let groups = pattern.search(word).map_err(|_| Fault::Pattern)?;
        if pattern.has_groups() {
            self.found = groups.as_ref().map(Kept::new).unwrap_or_default();
        }
        Ok(groups.is_some())
    }

    fn word(&mut self, word: &Word, level: usize) -> Value<'r> {
        if level > MAX_LEVEL {
            return Err(Fault::Depth);
        }
        Ok(match word {
            Word::Literal(text) => Cow::Owned(text.clone()),
            Word::Found(number) => Cow::Owned(self.found.get(*number).unwrap_or_default().to_vec()),
            Word::Variable(variable) => self.variable(variable),
            Word::Call(function, argument) => {
                let argument = self.word(argument, level + 1)?;
                self.call(*function, &argument)?
            }
            Word::Joined(parts) => {
                let mut joined = Vec::new();
                for part in parts {
                    joined.extend_from_slice(&self.word(part, level + 1)?);
                    if joined.len() > MAX_VALUE {
                        return Err(Fault::Length);
                    }
                }
                Cow::Owned(joined)
            }
        })
    }

    fn variable(&mut self, variable: &Variable) -> Cow<'r, [u8]> {
        if let Variable::Header(name) = variable {
            self.has_seen(name.as_bytes());
        }
        self.request.variable(variable).unwrap_or_default()
    }

    /// That an answer depends on `Host` goes without saying.
    fn has_seen(&mut self, name: &[u8]) {
        if !name.eq_ignore_ascii_case(b"host") {
            self.vary.push(name.to_vec());
        }
    }

    fn call(&mut self, function: Function, argument: &[u8]) -> Value<'r> {
        let request = self.request;
        let made = match function {
            Function::Table(table, counts) => {
                if counts {
                    self.has_seen(argument);
                }
                return Ok(request.entry(table, argument).unwrap_or_default());
            }
            Function::Env => {
                let tables = [Table::Notes, Table::Environment, Table::Process];
                let mut found = tables.iter().filter_map(|t| request.entry(*t, argument));
                return Ok(found.next().unwrap_or_default());
            }
            Function::File => request.content(argument).ok_or(Fault::File)?,
            Function::FileSize => request.size(argument).to_string().into_bytes(),
            Function::Base64 => functions::base64(argument),
            Function::Escape => functions::escape(argument),
            Function::Ldap => functions::ldap(argument),
            Function::Lower => argument.to_ascii_lowercase(),
            Function::Md5 => functions::md5(argument),
            Function::Sha1 => functions::sha1(argument),
            Function::Unbase64 => functions::unbase64(argument),
            Function::Unescape => functions::unescape(argument).unwrap_or_default(),
            Function::Upper => argument.to_ascii_uppercase(),
        };
        Ok(Cow::Owned(made))
    }
}

/// The longest value that is put together, bytes: a file may be in it.
const MAX_VALUE: usize = 16 * (1 << 20) + MAX_STRING;

fn is_so(about: About, word: &[u8]) -> bool {
    match about {
        About::Empty => word.is_empty(),
        About::NotEmpty => !word.is_empty(),
        About::True => {
            let mut no = [&b""[..], b"0", b"off", b"no", b"false"].into_iter();
            !no.any(|no| word.eq_ignore_ascii_case(no))
        }
    }
}

fn is_like(word: &[u8], glob: Glob, pattern: &[u8]) -> bool {
    match glob {
        Glob::Path => wildcard::glob(pattern, word),
        Glob::Text => wildcard::fnmatch(pattern, word),
        Glob::TextIgnoringCase => {
            wildcard::fnmatch(&pattern.to_ascii_lowercase(), &word.to_ascii_lowercase())
        }
    }
}
