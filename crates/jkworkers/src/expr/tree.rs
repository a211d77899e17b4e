//! What an expression is made of.

use std::{cmp::Ordering, sync::Arc};

use super::names::{FileTest, Function, Variable};
use crate::{model::Net, pattern::Pattern};

/// Something that holds or not.
pub(super) enum Condition {
    All(Vec<Self>),
    Always(bool),
    Any(Vec<Self>),
    Compare(Word, Compared, Word),
    File(FileTest, Word),
    /// `-R`, and `-ipmatch` with a text.
    In(Option<Word>, Net),
    /// `in { … }`
    Listed(Word, Vec<Word>),
    /// `=~`
    Matches(Word, Pattern),
    Not(Box<Self>),
    /// `-fnmatch` and its relatives.
    Wildcard(Word, Glob, Word),
    /// `-n`, `-z`, `-T`
    Word(About, Word),
}

/// Which order of two words will do, and how it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) numbers: bool,
    pub(super) order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
}

impl Order {
    pub(super) const fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::NotEqual => order.is_ne(),
        }
    }
}

/// What is asked about one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Empty,
    NotEmpty,
    /// `-T`: neither empty nor `0`, `off`, `false`, `no`.
    True,
}

/// How wildcards are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glob {
    /// No wildcard is a `/`.
    Path,
    Text,
    TextIgnoringCase,
}

/// Something with a value.
pub(super) enum Word {
    /// What the last regular expression with groups has found.
    Found(usize),
    Call(Function, Box<Self>),
    Joined(Vec<Self>),
    Literal(Vec<u8>),
    Variable(Variable),
}

/// What has to be known for an expression, beside what a request says itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    pub(super) user: bool,
    /// Fields of the answer.
    pub(super) answer: bool,
    /// Some variable of the environment is looked at whose name is made for each request.
    pub(super) any_variable: bool,
    pub(super) names: Vec<Arc<str>>,
}

impl Uses {
    pub(super) fn variables(&self) -> Option<&[Arc<str>]> {
        (!self.any_variable).then_some(&self.names)
    }
}
