//! httpd's expressions: what `<If>`, `Require expr` and `expr=` look at.
//!
//! A text becomes a tree when files are read; the tree is evaluated for each request. Both are
//! bounded: texts by their length, trees by their depth, and evaluation by the depth that httpd
//! itself allows. Nothing is looked up here: what has to be known of a request is asked of a
//! [`Request`].

mod evaluate;
mod functions;
mod names;
mod parse;
mod scan;
mod string;
mod tree;

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc};

use serde::{Serialize, Serializer};

use self::{
    evaluate::Evaluation,
    parse::Parser,
    tree::{Condition, Uses, Word},
};
pub use self::{
    evaluate::{Fault, Kept, Outcome},
    names::{FileTest, Table, Variable},
};
use crate::pattern::BadPattern;

/// The longest string in an expression, and the longest value that one makes, bytes.
const MAX_STRING: usize = 8191;

/// What expressions want to know about a request. What is not there is empty.
pub trait Request {
    /// The client's address, for `-R`.
    fn address(&self) -> IpAddr;
    /// A variable.
    fn variable(&self, variable: &Variable) -> Option<Cow<'_, [u8]>>;
    /// What a table of the request has under a name.
    fn entry(&self, table: Table, name: &[u8]) -> Option<Cow<'_, [u8]>>;
    /// What is true of a file.
    fn holds(&self, test: FileTest, path: &[u8]) -> bool;
    /// What is in a file; `None` where it cannot be read.
    fn content(&self, path: &[u8]) -> Option<Vec<u8>>;
    /// How many bytes a regular file has.
    fn size(&self, path: &[u8]) -> u64;
}

/// An expression that holds or not.
#[derive(Clone)]
pub struct Expression {
    written: Arc<str>,
    root: Arc<Condition>,
    uses: Uses,
}

/// A text with variables in it: what `expr=` says of a value.
#[derive(Clone)]
pub struct Text {
    written: Arc<str>,
    root: Arc<Word>,
    uses: Uses,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// [`BadExpression`] for what httpd would not take either, and for what only httpd knows.
    pub fn new(text: &str) -> Result<Self, BadExpression> {
        let mut parser = Parser::new(text);
        let root = parser.whole_condition()?;
        Ok(Self {
            written: text.into(),
            root: Arc::new(root),
            uses: parser.uses(),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.written
    }

    /// Whether it holds for a request.
    ///
    /// # Errors
    ///
    /// [`Fault`]: it cannot be said. httpd logs it; where the expression decides, it does not hold.
    pub fn evaluate(&self, request: &impl Request) -> Result<Outcome, Fault> {
        Evaluation::new(request).condition(&self.root)
    }

    /// Whether `REMOTE_USER` is in it: somebody who is asked for a name might be let in.
    pub const fn wants_user(&self) -> bool {
        self.uses.user
    }

    /// Whether fields of the answer are in it.
    pub const fn wants_answer(&self) -> bool {
        self.uses.answer
    }

    /// The variables of the environment that it looks at by name; `None`: any.
    pub fn variables(&self) -> Option<&[Arc<str>]> {
        self.uses.variables()
    }
}

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// As [`Expression::new`].
    pub fn new(text: &str) -> Result<Self, BadExpression> {
        let mut parser = Parser::new(text);
        let root = parser.whole_text()?;
        Ok(Self {
            written: text.into(),
            root: Arc::new(root),
            uses: parser.uses(),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.written
    }

    /// What it is, where it is the same for all requests.
    pub fn constant(&self) -> Option<&[u8]> {
        match &*self.root {
            Word::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// What it is for a request.
    ///
    /// # Errors
    ///
    /// [`Fault`]: it cannot be said.
    pub fn evaluate(&self, request: &impl Request) -> Result<Vec<u8>, Fault> {
        Evaluation::new(request).text(&self.root)
    }

    /// The same, with what a regular expression has found before.
    ///
    /// # Errors
    ///
    /// [`Fault`]: it cannot be said.
    pub fn evaluate_with(&self, request: &impl Request, found: Kept) -> Result<Vec<u8>, Fault> {
        Evaluation::knowing(request, found).text(&self.root)
    }

    /// The variables of the environment that it looks at by name; `None`: any.
    pub fn variables(&self) -> Option<&[Arc<str>]> {
        self.uses.variables()
    }
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadExpression {
    /// A character that nothing begins with.
    #[error("parse error near {0:?}")]
    Character(char),
    /// A number behind a backslash that is no byte.
    #[error("bad escape sequence")]
    Escape,
    /// A string that is too long.
    #[error("a string is longer than {MAX_STRING} bytes")]
    Length,
    /// No name of a variable.
    #[error("invalid character in variable name {0:?}")]
    Name(char),
    /// Too many brackets.
    #[error("it is nested too deep")]
    Nested,
    /// What httpd knows, and nobody here.
    #[error("{kind} '{name}' is not known here")]
    NotHere {
        /// What it is.
        kind: &'static str,
        /// What it is called.
        name: String,
    },
    /// A regular expression that cannot be used.
    #[error("cannot use the regular expression: {0}")]
    Pattern(BadPattern),
    /// A network that is none.
    #[error("parsing of subnet/netmask failed")]
    Subnet,
    /// A network that a request would name.
    #[error("-{0} requires subnet/netmask as constant argument")]
    SubnetConstant(&'static str),
    /// Something that cannot stand where it does.
    #[error("syntax error, unexpected {found}, expecting {expected}")]
    Syntax {
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// What nobody knows.
    #[error("{kind} '{name}' does not exist")]
    Unknown {
        /// What it is.
        kind: &'static str,
        /// What it is called.
        name: String,
    },
    /// A quote, a brace or a delimiter that is missing.
    #[error("unterminated {0}")]
    Unterminated(&'static str),
}

impl BadExpression {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Character(_) | Self::Syntax { .. } => {
                "Put texts in quotes, and write conditions such as %{REQUEST_URI} == '/x', \
                 -n req('Name') or true, joined by && and ||."
            }
            Self::Escape => "Write \\\\ for a backslash, or up to three octal digits.",
            Self::Length => "Write several lines.",
            Self::Name(_) => "Write %{NAME} or %{function:text}.",
            Self::Nested => "Write it with fewer brackets.",
            Self::NotHere { .. } => {
                "Write it without: `docs/compatibility.md` lists what expressions may look at."
            }
            Self::Pattern(bad) => bad.remedy(),
            Self::Subnet | Self::SubnetConstant(_) => {
                "Write an address or a network in quotes, such as '10.0.0.0/8'."
            }
            Self::Unknown { .. } => "Correct the name.",
            Self::Unterminated(_) => "Close it.",
        }
    }
}

macro_rules! as_written {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.written)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.written, f)
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.written == other.written
            }
        }

        impl Eq for $type {}

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.written)
            }
        }
    };
}

as_written!(Expression);
as_written!(Text);

#[cfg(test)]
mod tests;
