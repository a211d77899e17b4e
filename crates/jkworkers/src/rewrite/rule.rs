//! Rules as they are read.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use super::{condition::Condition, text::Text};
use crate::{diag::Origin, model::variables::Handler, pattern::Pattern};

/// The rules of one server, in order; none where `RewriteEngine` is not on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rewriting(pub(crate) Arc<[RewriteRule]>);

impl Rewriting {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules.
    pub fn rules(&self) -> &[RewriteRule] {
        &self.0
    }

    /// The variables that rules read.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let conditions = self.0.iter().flat_map(|rule| &rule.conditions);
        let made = self
            .0
            .iter()
            .flat_map(|rule| rule.to.iter().chain(&rule.flags.variables));
        let texts = conditions.map(|condition| &condition.subject).chain(made);
        texts.flat_map(Text::variables)
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

/// What stands in `[…]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `R`: the status to redirect with.
    pub(crate) redirect: Option<u16>,
    /// `F`, `G`, or `R` with a status that does not redirect: the answer.
    pub(crate) status: Option<u16>,
    /// `L`
    pub(crate) last: bool,
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
    /// `H`
    pub(crate) handler: Option<Handler>,
}

/// `B`: how what was found is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escape {
    /// `B=…`: only these; `None`: all but letters, digits and `_`.
    pub(crate) only: Option<String>,
    /// `BNP`: a blank becomes `%20`.
    pub(crate) no_plus: bool,
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
