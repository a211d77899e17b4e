//! The URI map: which worker serves a URI. Pure; no sockets, no clock.
//!
//! Rules are tried in mod_jk's order: more slashes first, then longer patterns, then by the kind
//! of line they were (uriworkermap file, `JkMount`, worker definition), then as written. An exact
//! pattern does not beat one with wildcards. The first rule that matches is the answer, unless
//! any exclusion for its worker (or for `*`) matches too: then the URI is not mapped at all.
//! No rule is tried that cannot match: the index knows which ones can.

mod explain;
mod index;
mod layers;
mod normalise;
mod rules;
pub mod tomcat;
mod trie;
pub(crate) mod wildcard;

use std::{collections::HashSet, sync::Arc};

use serde::{Serialize, Serializer};

use self::layers::Layers;
pub(crate) use self::layers::Replaced;
pub use self::{
    explain::{Explanation, Loser, Reason},
    normalise::{
        BadUri, EncodedSlashes, UriRules, clean, decode, is_ordinary, normalise, resolved_at_least,
        without_session,
    },
};
use crate::model::{Copied, Mount};

/// URIs longer than this many bytes are not mapped: no packet can hold them. mod_jk stops at 4095,
/// behind which what is mounted would be looked for among the files.
pub const MAX_URI: usize = 65_535;

/// The rules of one host in matching order.
#[derive(Clone, Debug, Default)]
pub struct UriMap {
    rules: Layers,
    reject_unsafe: bool,
}

impl UriMap {
    /// Puts rules, given in the order in which they were written, in matching order.
    pub fn new(rules: impl IntoIterator<Item = Mount>) -> Self {
        Self {
            rules: Layers::new(rules),
            reject_unsafe: false,
        }
    }

    /// `JkMountCopy`: adds another host's own rules. Those that are replaced must be mounts, and
    /// have a counterpart here with the same pattern and source.
    #[must_use]
    pub(crate) fn copying(mut self, from: &Self, replaced: HashSet<Replaced>) -> Self {
        self.rules = self.rules.copying(&from.rules, replaced);
        self
    }

    /// `JkOptions RejectUnsafeURI`: URIs with `%` or `\` after decoding are not mapped.
    #[must_use]
    pub fn reject_unsafe(mut self, reject: bool) -> Self {
        self.reject_unsafe = reject;
        self
    }

    /// Whether URIs with `%` or `\` after decoding are not mapped.
    pub fn rejects_unsafe(&self) -> bool {
        self.reject_unsafe
    }

    /// The rule that serves a URI that went through [`normalise`] (or [`clean`]).
    pub fn find(&self, normalised: &[u8]) -> Option<&Mount> {
        if self.refusal(normalised).is_some() {
            return None;
        }
        let mount = self.rules.first_mount(normalised)?;
        match self.rules.exclusion_of(mount, normalised) {
            None => Some(mount),
            Some(_) => None,
        }
    }

    /// The same answer as [`find`](Self::find), with reasons.
    pub fn explain(&self, normalised: &[u8]) -> Explanation<'_> {
        explain::explain(self, normalised)
    }

    /// All rules in matching order, exclusions and disabled ones included.
    pub fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.rules.iter()
    }

    /// The same without those that are copied from another host (`JkMountCopy`).
    pub(crate) fn own(&self) -> impl Iterator<Item = &Mount> {
        self.rules.own().iter()
    }

    /// What a host has of the main server's rules, whose map is `main`.
    pub(crate) fn copied_from(&self, main: &Self) -> Copied {
        if Arc::ptr_eq(self.rules.own(), main.rules.own()) {
            Copied::Map
        } else if self.rules.has_copied() {
            Copied::Rules
        } else {
            Copied::Nothing
        }
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Why a URI is not looked up.
    fn refusal(&self, uri: &[u8]) -> Option<Refusal> {
        if uri.len() > MAX_URI {
            return Some(Refusal::TooLong);
        }
        let is_unsafe = self.reject_unsafe && uri.iter().any(|b| matches!(b, b'%' | b'\\'));
        is_unsafe.then_some(Refusal::Unsafe)
    }
}

/// Why a URI is not looked up at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is longer than [`MAX_URI`].
    TooLong,
    /// It has a `%` or `\` and `RejectUnsafeURI` is set.
    Unsafe,
}

impl Serialize for UriMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod tests;
