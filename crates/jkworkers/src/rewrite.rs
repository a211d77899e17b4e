//! mod_rewrite: `RewriteRule`, `RewriteCond`, `RewriteMap`.
//!
//! Rules are read by `httpd`; [`rewrite`] applies those of a server to one request, and
//! [`rewrite_in`] those of sections. Both are pure: what they have to know about the request they
//! ask a [`Request`], and what has to be looked up somewhere ends them with [`Unknown`], so that
//! the caller finds out and asks again.

mod condition;
mod effects;
mod ending;
mod engine;
mod expand;
mod map;
mod rule;
mod section;
mod text;
mod url;

pub(crate) use self::{
    condition::{Condition, FileTest as Test, Looks, Order, number_of},
    section::Inherit,
    text::{BadText, Text},
};
pub use self::{
    effects::Cookie,
    ending::{End, Redirect, Rewritten},
    engine::{MAX_ROUNDS, rewrite, rewrite_in},
    map::{Map, Maps, find as find_in_map},
    rule::{Escape, Flags, RewriteRule, Rewriting},
    section::{InSection, Options, SectionRewriting, Spot},
    text::{Fact, TimePart},
};

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use crate::expr::{Expression, Fault, Outcome};

/// What a test of a file asks about.
pub use self::condition::FileTest;

/// What rules want to know about a request.
pub trait Request {
    /// A header; several of one name are joined.
    fn header(&self, name: &str) -> Option<Cow<'_, [u8]>>;
    /// A variable that was set before, or one of the process.
    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>>;
    /// A variable of mod_ssl.
    fn tls(&self, name: &str) -> Option<Cow<'_, [u8]>>;
    /// What an expression comes to, for the request as far as it is rewritten.
    ///
    /// # Errors
    ///
    /// [`Fault`]: it cannot be said.
    fn evaluate(&self, expression: &Expression, so_far: SoFar<'_>) -> Result<Outcome, Fault>;
    /// Anything else. What is not there is empty.
    fn fact(&self, fact: Fact) -> Cow<'_, [u8]>;
    /// A part of the time of day, where the server is.
    fn time(&self, part: TimePart) -> String;
    /// Whether a name and a port are the ones of the server that the request is for.
    fn is_own(&self, name: &[u8], port: u16) -> bool;
    /// A path as it is encoded in a URL.
    fn escape(&self, path: &[u8]) -> Vec<u8>;
    /// A number below `count`, by chance.
    fn pick(&self, count: usize) -> usize;
    /// Whether it is asked on behalf of another one: for an index file, or to look ahead.
    fn is_subrequest(&self) -> bool;
    /// What is true of a file.
    ///
    /// # Errors
    ///
    /// [`Unknown`] where nobody has looked yet.
    fn holds(&self, test: FileTest, path: &[u8]) -> Result<bool, Unknown>;
    /// What the file of a map has for a key.
    ///
    /// # Errors
    ///
    /// [`Unknown`] where nobody has looked yet.
    fn mapped(&self, file: &Path, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Unknown>;
    /// What would become of a request for this path, or for this file.
    ///
    /// # Errors
    ///
    /// [`Unknown`] where nobody has looked yet.
    fn ahead(&self, target: &Ahead) -> Result<&Seen, Unknown>;
}

/// A request, as far as it is rewritten.
#[derive(Clone, Copy, Debug)]
pub struct SoFar<'a> {
    /// Its path, or in sections its file.
    pub filename: &'a [u8],
    /// What stands in its path behind the file, in sections.
    pub path_info: &'a [u8],
    /// Its query.
    pub query: Option<&'a [u8]>,
    /// The variables that rules have set or taken away, the last one last.
    pub variables: &'a [(String, Option<Vec<u8>>)],
}

impl SoFar<'_> {
    /// What rules have made of a variable; `None` where they have not touched it.
    pub fn variable(&self, name: &str) -> Option<Option<&[u8]>> {
        let mut set = self.variables.iter().rev();
        let found = set.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_deref())
    }
}

/// A question that has to be answered before rules can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// What is true of a file.
    File {
        /// What is asked.
        test: FileTest,
        /// Which file it is about.
        path: Vec<u8>,
    },
    /// What the file of a map has for a key.
    Map {
        /// The file.
        file: PathBuf,
        /// The key.
        key: Vec<u8>,
    },
    /// What would become of a request.
    Ahead(Ahead),
}

/// A request that might be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// A path of this server, or the name of a file.
    pub target: Vec<u8>,
    /// Whether it is the name of a file.
    pub is_file: bool,
    /// The file of the request that asks, as far as it is rewritten: what lies beside it has a path.
    pub beside: Vec<u8>,
    /// The variables that rules have set or taken away so far, the last one last.
    pub variables: Vec<(String, Option<Vec<u8>>)>,
}

/// What would become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether it may be made at all: else nothing of it can be said.
    pub is_made: bool,
    /// The status, as far as it is known before it is answered.
    pub status: u16,
    /// Whether its file is there.
    pub exists: bool,
    /// The file that it leads to.
    pub filename: Vec<u8>,
    /// What stands in its path behind the file.
    pub path_info: Vec<u8>,
    /// Its path.
    pub uri: Vec<u8>,
    /// Its query.
    pub query: Option<Vec<u8>>,
    /// The user who would have been let in.
    pub user: Option<Vec<u8>>,
    /// How the user has proved it.
    pub auth_type: Option<Vec<u8>>,
    /// The variables that would be set.
    pub variables: Vec<(String, Vec<u8>)>,
    /// The fields that it would have, where they are others than those of the request that asks.
    pub fields: Option<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Seen {
    /// Whether it would be answered with what it is for.
    pub(crate) fn is_had(&self, is_file: bool) -> bool {
        let most = if is_file { 300 } else { 400 };
        self.is_made && self.status < most && (self.exists || !is_file)
    }

    /// The values of a field, joined as httpd does it. `None`: it has the request's own.
    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        let fields = self.fields.as_ref()?;
        let named = |field: &&(Vec<u8>, Vec<u8>)| field.0.eq_ignore_ascii_case(name.as_bytes());
        let values: Vec<&[u8]> = fields.iter().filter(named).map(|(_, v)| &**v).collect();
        Some(values.join(&b", "[..]))
    }
}

#[cfg(test)]
mod tests;
