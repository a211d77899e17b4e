//! Which members a request has tried in vain.

/// A set of member indices. Up to 64 members need no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    low: u64,
    high: Vec<u64>,
}

impl Tried {
    /// Whether this member is in the set.
    pub fn contains(&self, index: usize) -> bool {
        self.word(index).is_some_and(|word| word & bit(index) != 0)
    }

    /// Adds a member.
    pub fn insert(&mut self, index: usize) {
        match (index / 64).checked_sub(1) {
            None => self.low |= bit(index),
            Some(at) => {
                if self.high.len() <= at {
                    self.high.resize(at + 1, 0);
                }
                if let Some(word) = self.high.get_mut(at) {
                    *word |= bit(index);
                }
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, index: usize) {
        match (index / 64).checked_sub(1) {
            None => self.low &= !bit(index),
            Some(at) => {
                if let Some(word) = self.high.get_mut(at) {
                    *word &= !bit(index);
                }
            }
        }
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        self.low = 0;
        self.high.clear();
    }

    /// Whether no member is in the set.
    pub fn is_empty(&self) -> bool {
        self.low == 0 && self.high.iter().all(|word| *word == 0)
    }

    fn word(&self, index: usize) -> Option<u64> {
        match (index / 64).checked_sub(1) {
            None => Some(self.low),
            Some(at) => self.high.get(at).copied(),
        }
    }
}

fn bit(index: usize) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Tried;

    proptest! {
        #[test]
        fn behaves_like_a_set(ops in prop::collection::vec((any::<bool>(), 0..300_usize), 0..60)) {
            let (mut tried, mut model) = (Tried::default(), BTreeSet::new());
            for (add, index) in ops {
                if add {
                    tried.insert(index);
                    model.insert(index);
                } else {
                    tried.remove(index);
                    model.remove(&index);
                }
                prop_assert_eq!(tried.is_empty(), model.is_empty());
            }
            for index in 0..320 {
                prop_assert_eq!(tried.contains(index), model.contains(&index));
            }
            tried.clear();
            prop_assert!(tried.is_empty() && !tried.contains(70));
        }
    }
}
