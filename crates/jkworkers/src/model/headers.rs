//! `Header` and `RequestHeader`: what is changed about the fields of requests and answers.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use crate::{
    diag::Origin,
    expr::{Expression, Text},
    pattern::{Pattern, Template},
};

/// The rules about fields of one server or one section, each list in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HeaderRules {
    /// `RequestHeader`: what backends get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<HeaderRule>,
    /// `Header always`: beside what a backend answers, and with error pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub always: Vec<HeaderRule>,
    /// `Header`, `Header onsuccess`: what a backend answers, or what is served instead. Not error
    /// pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on_success: Vec<HeaderRule>,
}

impl HeaderRules {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.always.is_empty() && self.on_success.is_empty()
    }

    /// Those of `base`, then these.
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            request: [base.request.as_slice(), &self.request].concat(),
            always: [base.always.as_slice(), &self.always].concat(),
            on_success: [base.on_success.as_slice(), &self.on_success].concat(),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &HeaderRule> {
        let answers = self.always.iter().chain(&self.on_success);
        self.request.iter().chain(answers)
    }
}

/// One `Header` or `RequestHeader`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct HeaderRule {
    /// What is done.
    pub action: HeaderAction,
    /// The field; empty for [`HeaderAction::Echo`].
    pub name: Arc<str>,
    /// When it is done.
    #[serde(skip_serializing_if = "When::is_always")]
    pub when: When,
    /// Where it was written.
    pub origin: Origin,
}

/// Values may be secrets: they are not shown.
impl fmt::Debug for HeaderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeaderRule")
            .field(&self.to_string())
            .finish()
    }
}

/// As it was written, without values.
impl fmt::Display for HeaderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action.word(), self.name)?;
        match &self.action {
            HeaderAction::Edit { pattern, .. } | HeaderAction::Echo(pattern) => {
                write!(f, "{pattern}")?;
            }
            _ => {}
        }
        match &self.when {
            When::Always => Ok(()),
            When::Early => f.write_str(" early"),
            When::Set(name) => write!(f, " env={name}"),
            When::NotSet(name) => write!(f, " env=!{name}"),
            When::Expression(expression) => write!(f, " expr={expression}"),
        }
    }
}

/// What is done to a field.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderAction {
    /// `add`: one more field, whatever is there.
    Add(Format),
    /// `append`: behind the value that is there, after `, `.
    Append(Format),
    /// `echo`: the fields of the request whose names match are answered as they came.
    Echo(Pattern),
    /// `edit` and `edit*`: what the expression finds is replaced, once or everywhere.
    Edit {
        /// What is looked for.
        pattern: Pattern,
        /// What is put in its place.
        value: Format,
        /// `edit*`
        everywhere: bool,
    },
    /// `merge`: as `append`, unless the value is in the list already.
    Merge(Format),
    /// `note`: what the field says becomes the note that the value names, for logs.
    Note(Format),
    /// `set`: instead of all that is there.
    Set(Format),
    /// `setifempty`: where there is none.
    SetIfEmpty(Format),
    /// `unset`.
    Unset,
}

impl HeaderAction {
    /// What it is called.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Append(_) => "append",
            Self::Echo(_) => "echo",
            Self::Edit {
                everywhere: false, ..
            } => "edit",
            Self::Edit { .. } => "edit*",
            Self::Merge(_) => "merge",
            Self::Note(_) => "note",
            Self::Set(_) => "set",
            Self::SetIfEmpty(_) => "setifempty",
            Self::Unset => "unset",
        }
    }

    /// The value that it makes.
    pub const fn format(&self) -> Option<&Format> {
        match self {
            Self::Add(value)
            | Self::Append(value)
            | Self::Edit { value, .. }
            | Self::Merge(value)
            | Self::Note(value)
            | Self::Set(value)
            | Self::SetIfEmpty(value) => Some(value),
            Self::Echo(_) | Self::Unset => None,
        }
    }
}

impl Serialize for HeaderAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// When a rule is applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Whenever there is an answer, or a request is about to be served.
    #[default]
    Always,
    /// `early`: before anything else looks at the request, and before there is an answer.
    Early,
    /// `env=NAME`: where the variable is set.
    Set(Arc<str>),
    /// `env=!NAME`: where it is not.
    NotSet(Arc<str>),
    /// `expr=…`: where it holds.
    #[serde(rename = "expr")]
    Expression(Expression),
}

impl When {
    const fn is_always(&self) -> bool {
        matches!(self, Self::Always)
    }

    /// The variable that it looks at.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Set(name) | Self::NotSet(name) => Some(name),
            Self::Always | Self::Early | Self::Expression(_) => None,
        }
    }
}

/// A value in pieces.
#[derive(Clone, PartialEq, Eq)]
pub struct Format(pub Vec<Piece>);

/// A part of a value.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text; in `edit` with `$1` in it.
    Text(Template),
    /// `%D`: how long the request has taken.
    Duration,
    /// `%t`: when it came.
    Time,
    /// `%l`: the load of the machine.
    Load,
    /// `%{NAME}e`: a variable.
    Variable(Arc<str>),
    /// `%{NAME}s`: what TLS says.
    Tls(Arc<str>),
    /// `expr=…`: the whole value.
    Expression(Text),
}

impl Format {
    /// The variables that it is made of.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(&**name),
            _ => None,
        })
    }
}
