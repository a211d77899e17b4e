//! With which of many texts another one begins. Pure.
//!
//! A tree whose edges carry text: texts that begin alike share the edges of what is alike. A walk
//! down takes at most as many steps as the text that is looked up has bytes, however many texts
//! the tree has.

/// Values by their keys, which are bytes.
#[derive(Clone, Debug)]
pub(super) struct Trie<V> {
    /// The first one is the root, if there is any.
    nodes: Vec<Node<V>>,
}

#[derive(Clone, Debug)]
struct Node<V> {
    /// What keys have here behind those of the parent. Empty for the root only.
    label: Box<[u8]>,
    /// The numbers of the nodes below by the first bytes of their labels, sorted.
    children: Vec<(u8, usize)>,
    value: Option<V>,
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

impl<V> Trie<V> {
    /// The values of all keys with which `text` begins, each with the key's length, the shortest
    /// key first.
    pub(super) fn along<T: Iterator<Item = u8>>(&self, text: T) -> Along<'_, V, T> {
        Along {
            trie: self,
            text,
            depth: 0,
            next: self.nodes.first(),
        }
    }

    /// Whether there is no key.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl<V: Default> Trie<V> {
    /// The value of a key; a new one if it has none.
    pub(super) fn entry(&mut self, key: &[u8]) -> &mut V {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(&[]));
        }
        let at = self.place(key);
        self.node(at).value.get_or_insert_default()
    }

    /// The number of the node of a key; that of a new one if there is none.
    fn place(&mut self, key: &[u8]) -> usize {
        let (mut at, mut rest) = (0, key);
        while let Some(first) = rest.first() {
            let Some(child) = self.node(at).child(*first) else {
                return self.add_leaf(at, rest);
            };
            let label = &self.node(child).label;
            let same = label.iter().zip(rest).take_while(|(a, b)| a == b).count();
            if same < label.len() {
                self.split(child, same);
            }
            at = child;
            rest = rest.get(same..).unwrap_or_default();
        }
        at
    }

    fn add_leaf(&mut self, parent: usize, label: &[u8]) -> usize {
        let leaf = self.nodes.len();
        self.node(parent).adopt(label, leaf);
        self.nodes.push(Node::new(label));
        leaf
    }

    /// Leaves `length` bytes of a node's label to it, and gives all else to a new node below.
    fn split(&mut self, at: usize, length: usize) {
        let below = self.nodes.len();
        let node = self.node(at);
        let (upper, lower) = node.label.split_at(length);
        let (upper, mut lower) = (Node::new(upper), Node::new(lower));
        let upper = std::mem::replace(node, upper);
        (lower.children, lower.value) = (upper.children, upper.value);
        self.node(at).adopt(&lower.label, below);
        self.nodes.push(lower);
    }

    #[allow(
        clippy::indexing_slicing,
        reason = "nodes are only added, and all numbers are those of nodes"
    )]
    fn node(&mut self, number: usize) -> &mut Node<V> {
        &mut self.nodes[number]
    }
}

impl<V> Node<V> {
    fn new(label: &[u8]) -> Self {
        Self {
            label: label.into(),
            children: Vec::new(),
            value: None,
        }
    }

    /// The child whose label begins with this byte.
    fn child(&self, first: u8) -> Option<usize> {
        let place = self
            .children
            .binary_search_by_key(&first, |(byte, _)| *byte);
        self.children.get(place.ok()?).map(|(_, child)| *child)
    }

    fn adopt(&mut self, label: &[u8], child: usize) {
        if let Some(first) = label.first() {
            let place = self.children.partition_point(|(byte, _)| byte < first);
            self.children.insert(place, (*first, child));
        }
    }
}

/// A walk down: see [`Trie::along`].
pub(super) struct Along<'t, V, T> {
    trie: &'t Trie<V>,
    /// What is ahead.
    text: T,
    /// How much is behind.
    depth: usize,
    /// The node that was reached.
    next: Option<&'t Node<V>>,
}

impl<'t, V, T: Iterator<Item = u8>> Along<'t, V, T> {
    /// Follows the edge that the text goes on with, to its end.
    fn step(&mut self, node: &'t Node<V>) -> Option<&'t Node<V>> {
        let child = node.child(self.text.next()?)?;
        let child = self.trie.nodes.get(child)?;
        let rest = child.label.get(1..)?;
        self.depth += child.label.len();
        let text = self.text.by_ref();
        rest.iter()
            .all(|byte| text.next() == Some(*byte))
            .then_some(child)
    }
}

impl<'t, V, T: Iterator<Item = u8>> Iterator for Along<'t, V, T> {
    type Item = (usize, &'t V);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(node) = self.next {
            let depth = self.depth;
            self.next = self.step(node);
            if let Some(value) = &node.value {
                return Some((depth, value));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn found(trie: &Trie<Vec<usize>>, text: &str) -> Vec<(usize, Vec<usize>)> {
        let along = trie.along(text.bytes());
        along.map(|(n, value)| (n, value.clone())).collect()
    }

    #[test]
    fn keys_are_found_from_the_shortest_on() {
        let mut trie = Trie::<Vec<usize>>::default();
        assert!(trie.is_empty() && found(&trie, "/").is_empty());
        for (n, key) in ["/app/", "/", "/ap", "/application", "/x", "/"]
            .iter()
            .enumerate()
        {
            trie.entry(key.as_bytes()).push(n);
        }
        let expected = [(1, vec![1, 5]), (3, vec![2]), (5, vec![0])];
        assert_eq!(found(&trie, "/app/x"), expected);
        assert_eq!(found(&trie, "/app"), expected[..2]);
        assert_eq!(found(&trie, "x"), []);
        assert_eq!(found(&trie, ""), []);
        trie.entry(b"").push(6);
        assert_eq!(found(&trie, "x"), [(0, vec![6])]);
    }

    proptest! {
        #[test]
        fn the_same_as_a_list_of_all_keys(keys: Vec<String>, abs in prop::collection::vec("[ab]{0,6}", 0..12), text in "[ab]{0,9}") {
            let mut trie = Trie::<usize>::default();
            let mut all = BTreeMap::new();
            for (n, key) in keys.iter().chain(&abs).enumerate() {
                *trie.entry(key.as_bytes()) = n;
                all.insert(key.as_str(), n);
            }
            for text in keys.iter().chain([&text]) {
                let expected = all.iter().filter(|(key, _)| text.starts_with(**key));
                let expected: Vec<_> = expected.map(|(key, n)| (key.len(), n)).collect();
                let found: Vec<_> = trie.along(text.bytes()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
