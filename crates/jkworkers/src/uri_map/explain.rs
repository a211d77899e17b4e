//! Why a URI is served by a worker, rule by rule.

use serde::Serialize;

use super::{Refusal, UriMap};
use crate::model::Mount;

/// What became of one URI.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation<'a> {
    /// The rule that serves the URI.
    pub winner: Option<&'a Mount>,
    /// The exclusion because of which nothing does.
    pub exclusion: Option<&'a Mount>,
    /// Why no rule was looked at.
    pub refusal: Option<Refusal>,
    /// The other rules whose patterns match, in matching order.
    pub losers: Vec<Loser<'a>>,
}

/// A rule whose pattern matches and that has no say.
#[derive(Clone, Debug, Serialize)]
pub struct Loser<'a> {
    /// The rule.
    pub rule: &'a Mount,
    /// Why.
    pub reason: Reason,
}

/// Why a rule that matches has no say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is switched off (`-`).
    Disabled,
    /// It would have won, but an exclusion takes the URI away from its worker.
    Excluded,
    /// It is an exclusion, for another worker than the winner's.
    OtherWorker,
    /// Another rule comes first.
    Outranked,
    /// It is an exclusion, but nothing was mapped or another exclusion came first.
    NothingToExclude,
}

impl Reason {
    /// The reason in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Disabled => "disabled by a leading -",
            Self::Excluded => "taken away by an exclusion",
            Self::OtherWorker => "excludes another worker only",
            Self::Outranked => "comes later in matching order",
            Self::NothingToExclude => "nothing left to exclude",
        }
    }
}

pub(super) fn explain<'a>(map: &'a UriMap, uri: &[u8]) -> Explanation<'a> {
    let refusal = map.refusal(uri);
    let asked = refusal.is_none();
    let first = map.rules.first_mount(uri).filter(|_| asked);
    let exclusion = first.and_then(|mount| map.rules.exclusion_of(mount, uri));
    let winner = first.filter(|_| exclusion.is_none());
    let decided = |rule: &Mount| {
        let is = |other: Option<&Mount>| other.is_some_and(|other| std::ptr::eq(other, rule));
        is(winner) || is(exclusion)
    };
    let losers = map
        .iter()
        .filter(|rule| asked && rule.matches(uri) && !decided(rule))
        .map(|rule| Loser {
            rule,
            reason: reason(rule, first, exclusion),
        })
        .collect();
    Explanation {
        winner,
        exclusion,
        refusal,
        losers,
    }
}

fn reason(rule: &Mount, first: Option<&Mount>, exclusion: Option<&Mount>) -> Reason {
    if rule.disabled {
        return Reason::Disabled;
    }
    match (first, rule.exclusion) {
        (Some(first), false) if std::ptr::eq(first, rule) => Reason::Excluded,
        (_, false) => Reason::Outranked,
        (Some(first), true) if exclusion.is_none() && first.worker != rule.worker => {
            Reason::OtherWorker
        }
        (_, true) => Reason::NothingToExclude,
    }
}
