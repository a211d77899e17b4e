//! Rules in matching order, and how they are found.

use std::{collections::HashMap, sync::Arc};

use super::{
    index::{Index, Rank},
    layers::order,
    wildcard,
};
use crate::model::Mount;

/// Rules in matching order.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    all: Vec<Mount>,
    /// Those that mount.
    mounts: Index,
    /// Those that exclude, by their workers.
    exclusions: HashMap<Arc<str>, Index>,
}

/// The worker of an exclusion that is for all workers.
const ANY: &str = "*";

impl Rules {
    /// Puts rules, given in the order in which they were written, in matching order.
    pub(super) fn new(rules: impl IntoIterator<Item = Mount>) -> Self {
        let mut all: Vec<_> = rules.into_iter().collect();
        all.sort_by_cached_key(order);
        let enabled = || (0..).zip(&all).filter(|(_, rule)| !rule.disabled);
        let mounts = Index::new(patterns(enabled().filter(|(_, rule)| !rule.exclusion)));
        let mut exclusions = HashMap::<_, Vec<_>>::new();
        for (rank, rule) in enabled().filter(|(_, rule)| rule.exclusion) {
            let of_worker = exclusions.entry(Arc::clone(&rule.worker)).or_default();
            of_worker.push((rank, rule));
        }
        let exclusions = exclusions.into_iter();
        Self {
            mounts,
            exclusions: exclusions
                .map(|(worker, rules)| (worker, Index::new(patterns(rules.iter().copied()))))
                .collect(),
            all,
        }
    }

    /// The first rule that mounts this URI.
    pub(super) fn first_mount(&self, uri: &[u8]) -> Option<&Mount> {
        self.all.get(self.mounts.first(uri)?)
    }

    /// The first rule that takes this URI away from a mount's worker.
    pub(super) fn exclusion_of(&self, mount: &Mount, uri: &[u8]) -> Option<&Mount> {
        if self.exclusions.is_empty() {
            return None;
        }
        let first = |worker: &str| self.exclusions.get(worker)?.first(uri);
        let ranks = [first(ANY), first(&mount.worker)];
        self.all.get(ranks.into_iter().flatten().min()?)
    }

    /// All rules, exclusions and disabled ones included.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.all.iter()
    }
}

fn patterns<'m>(
    rules: impl Iterator<Item = (Rank, &'m Mount)> + Clone,
) -> impl Iterator<Item = (Rank, &'m [u8])> + Clone {
    rules.map(|(rank, rule)| (rank, rule.pattern.as_bytes()))
}

impl Mount {
    /// Whether the pattern is that of a URI, whatever the rule does with it.
    pub(super) fn matches(&self, uri: &[u8]) -> bool {
        wildcard::matches(self.pattern.as_bytes(), uri)
    }
}
