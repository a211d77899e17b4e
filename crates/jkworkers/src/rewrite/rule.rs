//! Rules as they are read.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use super::{
    condition::{Condition, Looks},
    text::Text,
};
use crate::{diag::Origin, expr::Expression, model::variables::Handler, pattern::Pattern};

/// The rules of one server, in order; none where `RewriteEngine` is on nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rewriting {
    pub(crate) rules: Arc<[Arc<RewriteRule>]>,
    /// `RewriteEngine On`, outside of sections.
    #[serde(skip)]
    pub(crate) is_on: bool,
    /// Somebody reads `SCRIPT_URL` or `SCRIPT_URI`, which are set wherever it is on.
    #[serde(skip)]
    pub(crate) is_read: bool,
}

impl Rewriting {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && !(self.is_on && self.is_read)
    }

    /// Whether there is no rule.
    pub fn has_no_rules(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules.
    pub fn rules(&self) -> &[Arc<RewriteRule>] {
        &self.rules
    }

    /// The variables that rules read.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let texts = self.rules.iter().flat_map(|rule| rule.texts());
        texts.flat_map(Text::variables)
    }

    /// The expressions that rules evaluate.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.rules.iter().flat_map(|rule| rule.expressions())
    }
}

/// `RewriteRule` with the `RewriteCond` lines before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewriteRule {
    pub(crate) pattern: Pattern,
    /// `!`: it is about what the pattern does not find.
    pub(crate) negated: bool,
    pub(crate) conditions: Vec<Condition>,
    /// `None`: `-`, the path stays.
    pub(crate) to: Option<Text>,
    pub(crate) flags: Flags,
    /// Its arguments as they were written.
    pub(crate) written: String,
    /// Where it was written.
    pub origin: Origin,
}

impl RewriteRule {
    /// All texts that are made for a request.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let flags = &self.flags;
        let subjects = self.conditions.iter().map(|condition| &condition.subject);
        let marks = flags.variables.iter().chain(&flags.cookies);
        subjects.chain(&self.to).chain(marks).chain(&flags.kind)
    }

    /// All expressions that are evaluated for a request.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let conditions = self.conditions.iter();
        conditions.filter_map(|condition| match &condition.looks {
            Looks::Expression(expression) => Some(expression),
            _ => None,
        })
    }
}

/// What stands in `[…]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `R`: the status to redirect with.
    pub(crate) redirect: Option<u16>,
    /// `F`, `G`, or `R` with a status that does not redirect: the answer.
    pub(crate) status: Option<u16>,
    /// `R`, whatever its status: no request on behalf of another one is asked about.
    pub(crate) not_on_behalf: bool,
    /// `L`
    pub(crate) last: bool,
    /// `END`: no rule at all looks at the request any more.
    pub(crate) end: bool,
    /// `N`: so many rounds at most.
    pub(crate) again: Option<u32>,
    /// `C`
    pub(crate) chain: bool,
    /// `S`
    pub(crate) skip: usize,
    /// `NE`
    pub(crate) no_escape: bool,
    /// `QSA`
    pub(crate) append_query: bool,
    /// `QSD`
    pub(crate) discard_query: bool,
    /// A `?` at the end of the substitution, or `QSD` without one: there is no query.
    pub(crate) no_query: bool,
    /// `QSL`
    pub(crate) last_mark: bool,
    /// `PT`
    pub(crate) pass: bool,
    /// `UnsafeAllow3F`
    pub(crate) allow_mark: bool,
    /// `UnsafePrefixStat`
    pub(crate) allow_any_file: bool,
    /// `B` and its relatives.
    pub(crate) escape: Option<Escape>,
    /// `E`: names, and values behind a `:`.
    pub(crate) variables: Vec<Text>,
    /// `CO`
    pub(crate) cookies: Vec<Text>,
    /// `T`
    pub(crate) kind: Option<Text>,
    /// `H`
    pub(crate) handler: Option<Handler>,
    /// `DPI`
    pub(crate) no_path_info: bool,
    /// `NS`
    pub(crate) not_ahead: bool,
    /// `UNC`: slashes at the beginning stay as many as they are.
    pub(crate) keeps_slashes: bool,
}

/// `B`: how what was found is encoded. Letters, digits and `_` never are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escape {
    /// `B=…`: these.
    pub(crate) only: Option<String>,
    /// `BCTLS`: blanks and control characters, and these alone unless `B=` names more.
    pub(crate) controls: bool,
    /// `BNE=…`: never these.
    pub(crate) never: String,
    /// `BNP`: a blank becomes `%20`.
    pub(crate) no_plus: bool,
    /// `B` or `BCTLS` is written: anything is encoded at all.
    pub(crate) is_on: bool,
}

impl Escape {
    /// Whether a byte is encoded, unless it never is.
    pub(super) fn is_about(&self, byte: u8) -> bool {
        let named = self.only.as_ref();
        let is_control = byte <= b' ' || byte == 0x7F;
        let by_default = if self.controls {
            is_control
        } else {
            named.is_none()
        };
        self.is_on
            && (by_default || named.is_some_and(|only| only.as_bytes().contains(&byte)))
            && !self.never.as_bytes().contains(&byte)
    }
}

/// As it was written.
impl fmt::Display for RewriteRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for RewriteRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
