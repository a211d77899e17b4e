//! The differences that are accepted, and how each shows.

use std::collections::BTreeSet;

use crate::{accepted::wire::WIRE, play::Seen};

#[path = "accepted/answers.rs"]
mod answers;
#[path = "accepted/balancing.rs"]
mod balancing;
#[path = "accepted/edges.rs"]
mod edges;
#[path = "accepted/hops.rs"]
mod hops;
#[path = "accepted/paths.rs"]
mod paths;
#[path = "accepted/requests.rs"]
mod requests;
#[path = "accepted/status.rs"]
mod status;
#[path = "accepted/wire.rs"]
mod wire;

pub(crate) use self::status::STATUS;

/// A difference that shows in what clients and backends get.
pub(crate) struct Difference {
    /// The name by which cases and the table refer to it.
    pub(crate) name: &'static str,
    /// Whether it occurs wherever it can, so that no case names it.
    pub(crate) everywhere: bool,
    /// Whether it is there, between mod_jk and jkd. What is explained by it is made equal in both,
    /// and nothing else is.
    explains: Explains,
}

type Explains = fn(mod_jk: &mut Seen, jkd: &mut Seen) -> bool;

impl Difference {
    const fn everywhere(name: &'static str, explains: Explains) -> Self {
        Self {
            name,
            everywhere: true,
            explains,
        }
    }

    const fn named(name: &'static str, explains: Explains) -> Self {
        Self {
            name,
            everywhere: false,
            explains,
        }
    }

    pub(crate) fn explains(&self, mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
        (self.explains)(mod_jk, jkd)
    }
}

/// The difference of this name, unless it is one of the status pages.
pub(crate) fn wire(name: &str) -> Option<&'static Difference> {
    assert!(
        names().any(|known| known == name),
        "no difference is called {name:?}"
    );
    WIRE.iter().find(|difference| difference.name == name)
}

/// Those that occur wherever they can.
pub(crate) fn everywhere() -> impl Iterator<Item = &'static Difference> {
    WIRE.iter().filter(|difference| difference.everywhere)
}

/// All their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let wire = WIRE.iter().map(|difference| difference.name);
    wire.chain(STATUS.iter().map(|difference| difference.name))
}

/// Fails where a difference of the table has not occurred.
pub(crate) fn all_occurred(occurred: &BTreeSet<&'static str>) {
    let missing: Vec<_> = names().filter(|name| !occurred.contains(name)).collect();
    assert!(
        missing.is_empty(),
        "differences that no longer occur: {missing:?}"
    );
}
