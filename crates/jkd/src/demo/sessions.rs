//! Sessions that all nodes share, as if replicated.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use parking_lot::Mutex;

/// The most sessions kept; beyond it the one unused for longest goes.
const MAX_SESSIONS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: Mutex<Known>,
    /// Keyed from the operating system's randomness, so that ids cannot be guessed.
    key: (RandomState, RandomState),
}

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, Session>,
    /// Counts visits; the time of this small world.
    now: u64,
}

#[derive(Debug)]
struct Session {
    count: u64,
    node: Arc<str>,
    visited: u64,
}

/// One visit to a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Visit {
    /// Id without route.
    pub(super) id: String,
    /// Visits so far, this one included.
    pub(super) count: u64,
    /// The node of the visit before, if there was one.
    pub(super) before: Option<Arc<str>>,
}

impl Sessions {
    /// Counts a visit to the first session of `ids` that exists, or to a new one.
    pub(super) fn visit<'a>(
        &self,
        mut ids: impl Iterator<Item = &'a str>,
        node: &Arc<str>,
    ) -> Visit {
        let mut known = self.known.lock();
        known.now += 1;
        let now = known.now;
        let id = ids.find(|id| known.by_id.contains_key(*id)).map_or_else(
            || {
                known.make_room();
                self.new_id(now)
            },
            str::to_owned,
        );
        let session = known
            .by_id
            .entry(id.clone())
            .or_insert_with(|| Session::new(node));
        let before = (session.count > 0).then(|| session.node.clone());
        session.count += 1;
        session.node = node.clone();
        session.visited = now;
        Visit {
            id,
            count: session.count,
            before,
        }
    }

    fn new_id(&self, number: u64) -> String {
        let (left, right) = &self.key;
        format!(
            "{:016X}{:016X}",
            left.hash_one(number),
            right.hash_one(number)
        )
    }
}

impl Known {
    fn make_room(&mut self) {
        if self.by_id.len() < MAX_SESSIONS {
            return;
        }
        let oldest = self.by_id.iter().min_by_key(|(_, session)| session.visited);
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            self.by_id.remove(&id);
        }
    }
}

impl Session {
    fn new(node: &Arc<str>) -> Self {
        Self {
            count: 0,
            node: node.clone(),
            visited: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn a_session_is_counted_and_follows_its_visitor() {
        let sessions = Sessions::default();
        let first = sessions.visit([].into_iter(), &node("a"));
        assert_eq!((first.count, first.before), (1, None));
        let second = sessions.visit(["unknown", &first.id].into_iter(), &node("b"));
        assert_eq!((second.count, second.before), (2, Some(node("a"))));
        let third = sessions.visit([first.id.as_str()].into_iter(), &node("b"));
        assert_eq!((third.count, third.before), (3, Some(node("b"))));
    }

    #[test]
    fn ids_are_made_here_and_differ() {
        let sessions = Sessions::default();
        let mine = sessions.visit(["chosen-by-visitor"].into_iter(), &node("a"));
        assert_ne!(mine.id, "chosen-by-visitor");
        assert_ne!(mine.id, sessions.visit([].into_iter(), &node("a")).id);
        assert_ne!(
            mine.id,
            Sessions::default().visit([].into_iter(), &node("a")).id
        );
        assert_eq!(mine.id.len(), 32);
    }

    #[test]
    fn their_number_is_limited() {
        let sessions = Sessions::default();
        let first = sessions.visit([].into_iter(), &node("a"));
        for _ in 0..MAX_SESSIONS {
            sessions.visit([].into_iter(), &node("a"));
        }
        assert_eq!(sessions.known.lock().by_id.len(), MAX_SESSIONS);
        assert_eq!(
            sessions
                .visit([first.id.as_str()].into_iter(), &node("a"))
                .count,
            1
        );
    }
}
