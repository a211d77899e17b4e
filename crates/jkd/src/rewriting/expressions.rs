//! `RewriteCond expr`: what expressions see of a request while it is rewritten.

use std::{borrow::Cow, net::IpAddr};

use jkworkers::{
    expr::{Expression, Fault, FileTest, Outcome, Request, Table, Variable},
    rewrite::SoFar,
};

use super::Subject;
use crate::expressions;

/// A request in the middle of its rules.
pub(super) struct Underway<'a> {
    subject: expressions::Subject<'a>,
    so_far: SoFar<'a>,
    is_subrequest: bool,
}

impl<'a> Underway<'a> {
    pub(super) fn new(subject: Subject<'a>, so_far: SoFar<'a>) -> Self {
        Self {
            subject: subject.expressing(subject.decoded, Some(so_far.filename)),
            so_far,
            is_subrequest: subject.on_behalf_of.is_some(),
        }
    }

    /// What an expression comes to.
    ///
    /// # Errors
    ///
    /// It cannot be said, which is told.
    pub(super) fn evaluate(&self, expression: &Expression) -> Result<Outcome, Fault> {
        let outcome = expression.evaluate(self);
        outcome.inspect_err(|fault| self.subject.tell(expression, *fault))
    }
}

impl Request for Underway<'_> {
    fn address(&self) -> IpAddr {
        self.subject.address()
    }

    fn variable(&self, variable: &Variable) -> Option<Cow<'_, [u8]>> {
        match variable {
            Variable::IsSubrequest if self.is_subrequest => Some(Cow::Borrowed(b"true")),
            Variable::PathInfo => Some(Cow::Borrowed(self.so_far.path_info)),
            Variable::Query => self.so_far.query.map(Cow::Borrowed),
            variable => self.subject.variable(variable),
        }
    }

    fn entry(&self, table: Table, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        let made = str::from_utf8(name)
            .ok()
            .filter(|_| table == Table::Environment)
            .and_then(|name| self.so_far.variable(name));
        match made {
            Some(value) => value.map(Cow::Borrowed),
            None => self.subject.entry(table, name),
        }
    }

    fn holds(&self, test: FileTest, path: &[u8]) -> bool {
        Request::holds(&self.subject, test, path)
    }

    fn content(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.subject.content(path)
    }

    fn size(&self, path: &[u8]) -> u64 {
        self.subject.size(path)
    }
}
