//! Which of many patterns that match a URI comes first, without trying them all. Pure.
//!
//! A pattern with wildcards has a literal beginning, a literal end and something between them
//! that begins and ends with a wildcard. So rules are kept in a tree by their beginnings, those
//! with the same beginning in a tree by their ends, and there
//!
//! * those whose middle is wildcards alone (`/app/*`, `/*.jsp`, `/x/??.html`) by the lengths it
//!   may have: comparing lengths is all that is left to do;
//! * those with literals in their middle (`/*/admin/*`) in a tree by the rarest of these literals;
//!   a rule is compared as a whole where the URI has that literal.
//!
//! An exact pattern is a beginning that has to be all of the URI.
//!
//! # What a lookup costs
//!
//! Nothing is allocated. The URI is walked along once for the beginnings; for each of those that
//! it has it is walked back for the ends; for each pair of both that has rules with literal
//! middles, once more from each position. None of this depends on the number of rules. A rule is
//! compared as a whole at most once, and only if the URI has its beginning, its end and its rarest
//! literal, and no rule before it matched: see [`wildcard::matches`] for what that costs.

use std::{cmp::Reverse, collections::HashMap};

use memchr::memmem;

use super::{trie::Trie, wildcard};

/// A rule's place in matching order; the lowest wins.
pub(super) type Rank = usize;

/// Rules by their patterns.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    beginnings: Trie<Beginning>,
}

/// Rules with the same literal beginning.
#[derive(Clone, Debug, Default)]
struct Beginning {
    /// The first rule that has nothing else.
    exact: Option<Rank>,
    /// The first of all others.
    first: Option<Rank>,
    /// The others by their literal ends, read backwards.
    ends: Trie<Middles>,
}

/// Rules with the same literal beginning and end, and wildcards between them.
#[derive(Clone, Debug, Default)]
struct Middles {
    /// Rules with nothing but wildcards, in matching order.
    wild: Vec<Wild>,
    /// The others by the rarest of their literals, in matching order.
    literal: Trie<Vec<Literal>>,
}

/// A rule whose middle is wildcards alone.
#[derive(Clone, Copy, Debug)]
struct Wild {
    /// How many bytes the middle has.
    bytes: usize,
    /// Whether it may have more: there is a `*`.
    or_more: bool,
    rank: Rank,
}

/// A rule with literals in its middle.
#[derive(Clone, Debug)]
struct Literal {
    /// The middle, from its first to its last wildcard.
    middle: Box<[u8]>,
    rank: Rank,
}

impl Index {
    /// Takes patterns with their ranks, which have to ascend.
    pub(super) fn new<'p>(patterns: impl Iterator<Item = (Rank, &'p [u8])> + Clone) -> Self {
        let counts = count_literals(patterns.clone());
        let mut index = Self::default();
        for (rank, pattern) in patterns {
            index.add(rank, pattern, &counts);
        }
        index
    }

    fn add(&mut self, rank: Rank, pattern: &[u8], counts: &Counts<'_>) {
        let Some((begin, middle, end)) = split(pattern) else {
            let exact = &mut self.beginnings.entry(pattern).exact;
            *exact = exact.or(Some(rank));
            return;
        };
        let beginning = self.beginnings.entry(begin);
        beginning.first = beginning.first.or(Some(rank));
        let backwards: Vec<u8> = end.iter().rev().copied().collect();
        let middles = beginning.ends.entry(&backwards);
        match rarest(middle, counts) {
            Some(literal) => middles.literal.entry(literal).push(Literal {
                middle: middle.into(),
                rank,
            }),
            None => middles.add_wild(middle, rank),
        }
    }

    /// The first rule that matches.
    pub(super) fn first(&self, uri: &[u8]) -> Option<Rank> {
        let mut best = None;
        for (length, beginning) in self.beginnings.along(uri.iter().copied()) {
            if length == uri.len() {
                improve(&mut best, beginning.exact);
            }
            if is_better(beginning.first, best) {
                let rest = uri.get(length..).unwrap_or_default();
                beginning.search(rest, &mut best);
            }
        }
        best
    }
}

impl Beginning {
    /// Looks for a better rule for a URI that has this beginning and then `rest`.
    fn search(&self, rest: &[u8], best: &mut Option<Rank>) {
        for (length, middles) in self.ends.along(rest.iter().rev().copied()) {
            let middle = rest.len().checked_sub(length);
            if let Some(middle) = middle.and_then(|end| rest.get(..end)) {
                middles.search(middle, best);
            }
        }
    }
}

impl Middles {
    fn add_wild(&mut self, middle: &[u8], rank: Rank) {
        let bytes = memchr::memchr_iter(b'?', middle).count();
        let or_more = middle.contains(&b'*');
        let covers = |wild: &Wild| wild.bytes == bytes && wild.or_more == or_more;
        if !self.wild.iter().any(covers) {
            self.wild.push(Wild {
                bytes,
                or_more,
                rank,
            });
        }
    }

    fn search(&self, middle: &[u8], best: &mut Option<Rank>) {
        let wild = self.wild.iter().find(|wild| wild.fits(middle.len()));
        improve(best, wild.map(|wild| wild.rank));
        if self.literal.is_empty() {
            return;
        }
        for at in 0..middle.len() {
            let ahead = middle.get(at..).unwrap_or_default();
            for (length, rules) in self.literal.along(ahead.iter().copied()) {
                let first = rules.first().map(|rule| rule.rank);
                if is_better(first, *best) && is_new(middle, at, length) {
                    let better = |rule: &&Literal| is_better(Some(rule.rank), *best);
                    let mut rules = rules.iter().take_while(better);
                    let rule = rules.find(|rule| wildcard::matches(&rule.middle, middle));
                    improve(best, rule.map(|rule| rule.rank));
                }
            }
        }
    }
}

impl Wild {
    fn fits(self, length: usize) -> bool {
        length == self.bytes || self.or_more && length > self.bytes
    }
}

/// Whether the `length` bytes at `at` stand nowhere before: else their rules were compared there.
fn is_new(middle: &[u8], at: usize, length: usize) -> bool {
    let end = at + length;
    let (Some(literal), Some(before)) = (middle.get(at..end), middle.get(..end.saturating_sub(1)))
    else {
        return true;
    };
    memmem::find(before, literal).is_none()
}

fn is_better(rank: Option<Rank>, best: Option<Rank>) -> bool {
    rank.is_some_and(|rank| best.is_none_or(|best| rank < best))
}

fn improve(best: &mut Option<Rank>, rank: Option<Rank>) {
    if is_better(rank, *best) {
        *best = rank;
    }
}

/// The literal beginning, the middle and the literal end of a pattern with wildcards.
fn split(pattern: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first = pattern.iter().position(is_wildcard)?;
    let last = pattern.iter().rposition(is_wildcard)?;
    let (before, end) = pattern.split_at_checked(last + 1)?;
    let (begin, middle) = before.split_at_checked(first)?;
    Some((begin, middle, end))
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "called for items of slices"
)]
fn is_wildcard(byte: &u8) -> bool {
    matches!(byte, b'*' | b'?')
}

/// How many literals of middles there are of each text.
type Counts<'p> = HashMap<&'p [u8], usize>;

fn count_literals<'p>(patterns: impl Iterator<Item = (Rank, &'p [u8])>) -> Counts<'p> {
    let mut counts = Counts::new();
    for (_, middle, _) in patterns.filter_map(|(_, pattern)| split(pattern)) {
        for literal in literals(middle) {
            *counts.entry(literal).or_default() += 1;
        }
    }
    counts
}

/// The literal that the fewest other rules have; of several the longest, of these the first.
fn rarest<'m>(middle: &'m [u8], counts: &Counts<'_>) -> Option<&'m [u8]> {
    literals(middle).min_by_key(|literal| (counts.get(literal), Reverse(literal.len())))
}

fn literals(middle: &[u8]) -> impl Iterator<Item = &[u8]> {
    let texts = middle.split(is_wildcard);
    texts.filter(|text| !text.is_empty())
}
