//! Two lists whose items have names: what was added, what was removed, what stayed.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use serde_json::Value;

/// The items of two lists. Each that stayed comes with its counterpart, in the new order.
pub(super) struct Listed<T> {
    pub(super) removed: Vec<T>,
    pub(super) added: Vec<T>,
    pub(super) kept: Vec<(T, T)>,
    /// Whether those that stayed stand in another order.
    pub(super) reordered: bool,
}

impl<'a> Listed<&'a Value> {
    /// Compares two JSON arrays; anything else counts as an empty one.
    pub(super) fn of(old: &'a Value, new: &'a Value, key: impl Fn(&Value) -> String) -> Self {
        let items = |list: &'a Value| list.as_array().into_iter().flatten();
        let keyed = |list| items(list).map(|item| (key(item), item));
        let lists = Listed::of_keyed(keyed(old), keyed(new));
        let bare = |(_, item)| item;
        Self {
            removed: lists.removed.into_iter().map(bare).collect(),
            added: lists.added.into_iter().map(bare).collect(),
            kept: (lists.kept.into_iter())
                .map(|(old, new)| (old.1, new.1))
                .collect(),
            reordered: lists.reordered,
        }
    }
}

impl<K: Clone + Eq + Hash, V> Listed<(K, V)> {
    /// Compares two lists. Where several items have one key, the first goes with the first.
    pub(super) fn of_keyed(
        old: impl IntoIterator<Item = (K, V)>,
        new: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut waiting: HashMap<K, VecDeque<(usize, V)>> = HashMap::new();
        for (place, (key, item)) in old.into_iter().enumerate() {
            waiting.entry(key).or_default().push_back((place, item));
        }
        let (mut added, mut kept, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (key, item) in new {
            match waiting.get_mut(&key).and_then(VecDeque::pop_front) {
                Some((place, before)) => {
                    places.push(place);
                    kept.push(((key.clone(), before), (key, item)));
                }
                None => added.push((key, item)),
            }
        }
        let mut removed: Vec<_> = (waiting.into_iter())
            .flat_map(|(key, items)| items.into_iter().map(move |item| (key.clone(), item)))
            .collect();
        removed.sort_by_key(|(_, (place, _))| *place);
        Self {
            removed: (removed.into_iter())
                .map(|(key, (_, item))| (key, item))
                .collect(),
            added,
            kept,
            reordered: !places.is_sorted(),
        }
    }
}
