//! mod_rewrite in the server and in virtual hosts: `RewriteRule`, `RewriteCond`.
//!
//! Rules are read by `httpd`; [`rewrite`] applies them to one request. It is pure: what it has to
//! know about the request it asks a [`Request`], and what only the file system knows ends it with
//! [`Unknown`], so that the caller finds out and asks again.

mod condition;
mod engine;
mod expand;
mod rule;
mod text;

pub(crate) use self::{
    condition::{Condition, FileTest as Test, Looks, Order, number_of},
    text::{BadText, Text},
};
pub use self::{
    engine::{End, MAX_ROUNDS, Redirect, Rewritten, rewrite},
    rule::{Escape, Flags, RewriteRule, Rewriting},
    text::{Fact, TimePart},
};

use std::borrow::Cow;

/// What a test of a file asks about.
pub use self::condition::FileTest;

/// What rules want to know about a request.
pub trait Request {
    /// A header; several of one name are joined.
    fn header(&self, name: &str) -> Option<Cow<'_, [u8]>>;
    /// A variable that was set before, or one of the process.
    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>>;
    /// Anything else. What is not there is empty.
    fn fact(&self, fact: Fact) -> Cow<'_, [u8]>;
    /// A part of the time of day, where the server is.
    fn time(&self, part: TimePart) -> String;
    /// Whether a name and a port are the ones of the server that the request is for.
    fn is_own(&self, name: &[u8], port: u16) -> bool;
    /// What is true of a file.
    ///
    /// # Errors
    ///
    /// [`Unknown`] where nobody has looked yet.
    fn holds(&self, test: FileTest, path: &[u8]) -> Result<bool, Unknown>;
}

/// A question about a file that has to be answered before rules can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What is asked.
    pub test: FileTest,
    /// Which file it is about.
    pub path: Vec<u8>,
}

#[cfg(test)]
mod tests;
