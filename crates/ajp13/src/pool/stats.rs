//! What a pool counts.

/// A snapshot of a pool's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Connections open and waiting for use.
    pub idle: usize,
    /// Slots in use: connections with a request on them, being opened or being checked.
    pub busy: usize,
    /// Connections opened so far.
    pub opened: u64,
    /// Connections that were open at the same time, at most.
    pub max_open: u64,
    /// Checkouts so far that were served by a connection that was there already.
    pub reused: u64,
    /// Connections closed so far, by reason.
    pub closed: ClosedStats,
}

impl PoolStats {
    /// Connections that are open now.
    pub fn open(&self) -> u64 {
        self.opened.saturating_sub(self.closed.total())
    }
}

/// Connections that a pool has closed, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedStats {
    /// The request or the answer was given up half-way.
    pub aborted: u64,
    /// The container asked for it (`END_RESPONSE` with reuse 0).
    pub asked: u64,
    /// The connection or the protocol broke during a request.
    pub broken: u64,
    /// The pool was drained, or the connection was for one request.
    pub drained: u64,
    /// Idle for too long.
    pub idle: u64,
    /// The container's name does not stand for their address any more.
    pub moved: u64,
    /// A CPing was not answered.
    pub ping: u64,
    /// Found closed, or with unexpected bytes, while idle.
    pub stale: u64,
}

impl ClosedStats {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self {
            aborted,
            asked,
            broken,
            drained,
            idle,
            moved,
            ping,
            stale,
        } = self;
        aborted + asked + broken + drained + idle + moved + ping + stale
    }
}

/// Why a connection is closed rather than kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    Aborted,
    Asked,
    Broken,
    Drained,
    Idle,
    Moved,
    Ping,
    Stale,
}

impl CloseReason {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 8] = [
        Self::Aborted,
        Self::Asked,
        Self::Broken,
        Self::Drained,
        Self::Idle,
        Self::Moved,
        Self::Ping,
        Self::Stale,
    ];
}

impl ClosedStats {
    pub(super) const fn of_mut(&mut self, reason: CloseReason) -> &mut u64 {
        match reason {
            CloseReason::Aborted => &mut self.aborted,
            CloseReason::Asked => &mut self.asked,
            CloseReason::Broken => &mut self.broken,
            CloseReason::Drained => &mut self.drained,
            CloseReason::Idle => &mut self.idle,
            CloseReason::Moved => &mut self.moved,
            CloseReason::Ping => &mut self.ping,
            CloseReason::Stale => &mut self.stale,
        }
    }
}
