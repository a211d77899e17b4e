//! What a node counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// Live counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    open: AtomicU64,
    connections: AtomicU64,
    most_open: AtomicU64,
    requests: AtomicU64,
    pings: AtomicU64,
    misrouted: AtomicU64,
    malformed: AtomicU64,
}

/// What all nodes have counted since they were asked to begin anew.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Connections that were opened.
    pub connections: u64,
    /// Connections open at once, summed over the nodes.
    pub most_open: u64,
    /// Requests.
    pub requests: u64,
    /// CPings.
    pub pings: u64,
    /// Requests whose session belongs to another node.
    pub misrouted: u64,
    /// Connections that broke the protocol.
    pub malformed: u64,
}

impl Counters {
    pub(super) fn opened(&self) {
        self.connections.fetch_add(1, Relaxed);
        let open = self.open.fetch_add(1, Relaxed) + 1;
        self.most_open.fetch_max(open, Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn ping(&self) {
        self.pings.fetch_add(1, Relaxed);
    }

    pub(super) fn misrouted(&self) {
        self.misrouted.fetch_add(1, Relaxed);
    }

    pub(super) fn malformed(&self) {
        self.malformed.fetch_add(1, Relaxed);
    }

    pub(super) fn reset(&self) {
        let Self {
            open,
            connections,
            most_open,
            requests,
            pings,
            misrouted,
            malformed,
        } = self;
        for counter in [connections, requests, pings, misrouted, malformed] {
            counter.store(0, Relaxed);
        }
        most_open.store(open.load(Relaxed), Relaxed);
    }

    pub(super) fn add_to(&self, counts: &mut Counts) {
        counts.connections += self.connections.load(Relaxed);
        counts.most_open += self.most_open.load(Relaxed);
        counts.requests += self.requests.load(Relaxed);
        counts.pings += self.pings.load(Relaxed);
        counts.misrouted += self.misrouted.load(Relaxed);
        counts.malformed += self.malformed.load(Relaxed);
    }
}
