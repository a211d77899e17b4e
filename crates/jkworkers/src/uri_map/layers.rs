//! The rules of a virtual host: its own, and those that it copies from the main server.
//!
//! The copied ones are shared by all virtual hosts that copy them, however many there are.

use std::{cmp::Reverse, collections::HashSet, iter, sync::Arc};

use super::rules::Rules;
use crate::{
    diag::Origin,
    model::{Mount, MountSource},
};

/// Rules in matching order; between equal ones the host's own come first.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    own: Arc<Rules>,
    copied: Option<Copied>,
}

#[derive(Clone, Debug)]
struct Copied {
    rules: Arc<Rules>,
    /// Those in whose place the host has one of its own.
    replaced: Arc<HashSet<Replaced>>,
}

/// Where a rule was written, and its pattern.
pub(crate) type Replaced = (Origin, Arc<str>);

impl Layers {
    /// Own rules only, given in the order in which they were written.
    pub(super) fn new(rules: impl IntoIterator<Item = Mount>) -> Self {
        Self {
            own: Arc::new(Rules::new(rules)),
            copied: None,
        }
    }

    /// Adds the own rules of another host. Those that are replaced must be mounts with a
    /// counterpart here that has the same pattern and source: they cannot win anyway.
    pub(super) fn copying(self, from: &Self, replaced: HashSet<Replaced>) -> Self {
        Self {
            own: self.own,
            copied: Some(Copied {
                rules: Arc::clone(&from.own),
                replaced: Arc::new(replaced),
            }),
        }
    }

    /// The first rule that mounts this URI.
    pub(super) fn first_mount(&self, uri: &[u8]) -> Option<&Mount> {
        self.first(|rules| rules.first_mount(uri))
    }

    /// The first rule that takes this URI away from a mount's worker.
    pub(super) fn exclusion_of(&self, mount: &Mount, uri: &[u8]) -> Option<&Mount> {
        self.first(|rules| rules.exclusion_of(mount, uri))
    }

    fn first<'r>(&'r self, find: impl Fn(&'r Rules) -> Option<&'r Mount>) -> Option<&'r Mount> {
        let own = find(&self.own);
        let Some(copied) = &self.copied else {
            return own;
        };
        let copied = find(&copied.rules);
        own.into_iter().chain(copied).min_by_key(|rule| order(rule))
    }

    /// All rules, exclusions and disabled ones included.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Mount> {
        let mut own = self.own.iter().peekable();
        let copied = self.copied.iter().flat_map(Copied::iter);
        let mut copied = copied.peekable();
        iter::from_fn(move || match (own.peek(), copied.peek()) {
            (Some(one), Some(other)) if order(one) > order(other) => copied.next(),
            (Some(_), _) => own.next(),
            (None, _) => copied.next(),
        })
    }

    /// The rules that are not copied.
    pub(super) fn own(&self) -> &Arc<Rules> {
        &self.own
    }

    /// Whether rules of another host were added.
    pub(super) fn has_copied(&self) -> bool {
        self.copied.is_some()
    }

    /// Whether there is no rule.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl Copied {
    fn iter(&self) -> impl Iterator<Item = &Mount> {
        let is_replaced = |rule: &Mount| {
            let key = (rule.origin.clone(), Arc::clone(&rule.pattern));
            self.replaced.contains(&key)
        };
        self.rules.iter().filter(move |rule| !is_replaced(rule))
    }
}

/// What decides which of two rules comes first: the lesser one does.
pub(super) fn order(rule: &Mount) -> Reverse<(usize, usize, MountSource)> {
    let slashes = memchr::memchr_iter(b'/', rule.pattern.as_bytes()).count();
    Reverse((slashes, rule.pattern.len(), rule.source))
}
