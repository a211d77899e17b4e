//! Rules in sections: what holds where several sections are about one request.

use std::{borrow::Cow, sync::Arc};

use serde::Serialize;

use super::{condition::Condition, rule::RewriteRule, text::Text};
use crate::expr::Expression;

/// What mod_rewrite is told in one section, or about all of them in a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SectionRewriting {
    /// `RewriteEngine`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<bool>,
    /// `RewriteOptions`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// `RewriteBase`: the path of requests that stands for the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Arc<str>>,
    /// Its rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Arc<RewriteRule>>,
    /// Anything is said: it takes the place of what sections around say.
    #[serde(skip)]
    pub(crate) is_told: bool,
    /// `RewriteCond` lines that wait for their rule.
    #[serde(skip)]
    pub(crate) pending: SectionDraft,
}

/// Conditions that wait for their rule. They are no part of what a section says.
#[derive(Clone, Debug, Default)]
pub(crate) struct SectionDraft(pub(crate) Vec<Condition>);

impl PartialEq for SectionDraft {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SectionDraft {}

/// `RewriteOptions`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct Options {
    /// `Inherit`: rules around come behind one's own.
    pub inherit: bool,
    /// `InheritBefore`: before them.
    pub inherit_before: bool,
    /// `InheritDown`: those inside inherit as with `Inherit`.
    pub inherit_down: bool,
    /// `InheritDownBefore`
    pub inherit_down_before: bool,
    /// `IgnoreInherit`: whatever is said around about inheriting.
    pub ignore_inherit: bool,
    /// `AllowNoSlash`: rules are about a directory without its slash, too.
    pub no_slash: bool,
    /// `AllowAnyURI`
    pub any_uri: bool,
    /// `MergeBase`
    pub merge_base: bool,
    /// `IgnoreContextInfo`
    pub ignore_context: bool,
    /// `UnsafePrefixStat`
    pub any_file: bool,
}

/// Where rules of somebody around come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inherit {
    No,
    After,
    Before,
}

impl Options {
    /// What is said here, besides.
    pub(crate) const fn and(self, more: Self) -> Self {
        Self {
            inherit: self.inherit | more.inherit,
            inherit_before: self.inherit_before | more.inherit_before,
            inherit_down: self.inherit_down | more.inherit_down,
            inherit_down_before: self.inherit_down_before | more.inherit_down_before,
            ignore_inherit: self.ignore_inherit | more.ignore_inherit,
            no_slash: self.no_slash | more.no_slash,
            any_uri: self.any_uri | more.any_uri,
            merge_base: self.merge_base | more.merge_base,
            ignore_context: self.ignore_context | more.ignore_context,
            any_file: self.any_file | more.any_file,
        }
    }

    /// What these make of the rules of somebody around who says `base`.
    pub(crate) const fn inherits(self, base: Self) -> Inherit {
        let told = !self.ignore_inherit;
        if self.inherit || base.inherit_down && told {
            Inherit::After
        } else if self.inherit_before || base.inherit_down_before && told {
            Inherit::Before
        } else {
            Inherit::No
        }
    }
}

impl Inherit {
    pub(crate) fn join<T: Clone>(self, own: &[T], base: &[T]) -> Vec<T> {
        match self {
            Self::No => own.to_vec(),
            Self::After => [own, base].concat(),
            Self::Before => [base, own].concat(),
        }
    }
}

impl SectionRewriting {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        !self.is_told
    }

    /// The variables that rules read.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter();
        rules
            .flat_map(|rule| rule.texts())
            .flat_map(Text::variables)
    }

    /// The expressions that rules evaluate.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.rules.iter().flat_map(|rule| rule.expressions())
    }

    /// What holds where this is said inside of what says `base`.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let options = self.options.or(base.options);
        let merged = options.unwrap_or_default();
        let inherits = merged.inherits(base.options.unwrap_or_default());
        let around = base.base.as_ref().filter(|_| merged.merge_base);
        Self {
            engine: self.engine.or(base.engine),
            options,
            base: self.base.as_ref().or(around).cloned(),
            rules: inherits.join(&self.rules, &base.rules),
            is_told: self.is_told || base.is_told,
            pending: SectionDraft::default(),
        }
    }
}

/// The rules of sections that are about one request.
#[derive(Clone, Debug)]
pub struct InSection<'h> {
    /// What they say together.
    pub said: Cow<'h, SectionRewriting>,
    /// The argument of the last one, with a slash at its end.
    pub directory: String,
}

impl InSection<'_> {
    /// Whether the rules look at a request for this file. Those of a directory do not look at the
    /// directory itself without its slash.
    pub fn is_about(&self, filename: &[u8]) -> bool {
        let options = self.said.options.unwrap_or_default();
        let own = self.directory.as_bytes();
        options.no_slash || own.strip_suffix(b"/") != Some(filename)
    }
}

/// Where a request is, as rules in sections see it.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'r> {
    /// The rules.
    pub rules: &'r InSection<'r>,
    /// The file, as far as it is there.
    pub filename: &'r [u8],
    /// What stands in the path behind the file.
    pub path_info: &'r [u8],
    /// The directory and the path of the `Alias` that has led here.
    pub context: Option<(&'r [u8], &'r [u8])>,
}
