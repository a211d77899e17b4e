//! A member's health and counters: atomics only.
//!
//! ```text
//!            used                    recover_time is over
//!   OK/IDLE ------> OK          ERR ----------------------> ERR/REC
//!      ^            |            ^ \                           |  picked by a request
//!      '-- unused --'            |  \ everything is in error   v
//!                                |   '-----> ERR/FRC        ERR/PRB (one request probes)
//!                                |              |              |
//!   any state -- escalated failure           success        success or failure
//!   any state -- success --> OK                 v              v
//!   any but ERR -- no free place --> OK/BUSY    OK           OK or ERR
//!   OK/BUSY -- a place is free --> OK
//!   ERR, ERR/REC, ERR/FRC -- a probe in the background is answered --> OK
//! ```
//!
//! A member serves requests in the first four states of [`State`] only; its activation decides
//! which ones.

use std::sync::atomic::{
    AtomicU8, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use jkworkers::model::Activation;

use super::{clock::Stamp, recovery::Recovery, silence::Silence};

/// What the balancer thinks of a member's health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Fine, and not used since the last maintenance. The state at the start.
    #[default]
    Idle = 0,
    /// Fine.
    Ok = 1,
    /// Its rest is over: the next request probes it.
    Recover = 2,
    /// In error, but so is everybody else: tried nevertheless.
    Forced = 3,
    /// It has no free place right now.
    Busy = 4,
    /// It failed, and rests.
    Error = 5,
    /// One request is finding out whether it works again.
    Probe = 6,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Ok,
        Self::Recover,
        Self::Forced,
        Self::Busy,
        Self::Error,
        Self::Probe,
    ];

    /// mod_jk's text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Idle => "OK/IDLE",
            Self::Ok => "OK",
            Self::Recover => "ERR/REC",
            Self::Forced => "ERR/FRC",
            Self::Busy => "OK/BUSY",
            Self::Error => "ERR",
            Self::Probe => "ERR/PRB",
        }
    }

    /// Whether a member in this state may be given requests at all.
    pub const fn is_usable(self) -> bool {
        (self as u8) <= Self::Forced as u8
    }

    fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Idle,
            1 => Self::Ok,
            2 => Self::Recover,
            3 => Self::Forced,
            4 => Self::Busy,
            6 => Self::Probe,
            _ => Self::Error,
        }
    }
}

/// A change of a member's state, worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The member's index.
    pub member: usize,
    /// Its state before.
    pub from: State,
    /// Its state now.
    pub to: State,
}

/// Everything that changes about a member while it runs.
///
/// Choosing reads the first cache line only; the counters live behind it.
#[derive(Debug)]
#[repr(align(64))]
pub struct MemberState {
    pub(super) load: AtomicU64,
    pub(super) first_error: Stamp,
    pub(super) last_error: Stamp,
    /// When it was last given a request that may end an error: it warms up since.
    pub(super) back_since: Stamp,
    pub(super) in_flight: AtomicU32,
    /// Those of them whose connection is up and has not failed: they speak for the member.
    pub(super) connected: AtomicU32,
    /// Failures since an answer of its came to its end.
    pub(super) doubts: AtomicU32,
    /// Reply timeouts within the fading window that `max_reply_timeouts` is compared with.
    pub(super) recent_reply_timeouts: AtomicU32,
    state: AtomicU8,
    activation: AtomicU8,
    pub(super) silence: Silence,
    pub(super) recovery: Recovery,
    pub(super) counters: Counters,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) elected: Counter,
    pub(super) elected_at_maintenance: AtomicU64,
    pub(super) sessions: Counter,
    pub(super) errors: Counter,
    pub(super) client_errors: Counter,
    pub(super) reply_timeouts: Counter,
    pub(super) transferred: Counter,
    pub(super) read: Counter,
    pub(super) max_in_flight: AtomicU32,
    pub(super) last_reset: Stamp,
    /// The last failure, whatever came after it. Only a worker by itself keeps it.
    pub(super) last_failure: Stamp,
}

/// A count that an operator may reset while the total goes on: metrics must not run backwards.
#[derive(Debug, Default)]
pub(super) struct Counter {
    total: AtomicU64,
    at_reset: AtomicU64,
    /// The highest total that was told.
    told: AtomicU64,
}

impl Counter {
    pub(super) fn add(&self, count: u64) {
        self.total.fetch_add(count, Relaxed);
    }

    pub(super) fn take_back_one(&self) {
        self.total.fetch_sub(1, Relaxed);
    }

    /// Since the start.
    pub(super) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// The same for somebody who takes less than before for a counter that begins anew: what is
    /// taken back is made up for by what comes next.
    pub(super) fn tell(&self) -> u64 {
        let total = self.total();
        self.told.fetch_max(total, Relaxed).max(total)
    }

    /// Since the last reset.
    pub(super) fn get(&self) -> u64 {
        let total = self.total();
        total.saturating_sub(self.at_reset.load(Relaxed))
    }

    pub(super) fn reset(&self) {
        self.at_reset.store(self.total(), Relaxed);
    }

    /// Begins anew where `old` is now.
    pub(super) fn follow(&self, old: &Self) {
        self.total.store(old.total(), Relaxed);
        self.told.store(old.tell(), Relaxed);
        self.reset();
    }
}

impl Counters {
    pub(super) const fn all(&self) -> [&Counter; 7] {
        [
            &self.elected,
            &self.sessions,
            &self.errors,
            &self.client_errors,
            &self.reply_timeouts,
            &self.transferred,
            &self.read,
        ]
    }

    /// Begins anew, with the totals of `old`.
    pub(super) fn follow(&self, old: &Self) {
        for (new, old) in self.all().into_iter().zip(old.all()) {
            new.follow(old);
        }
        let elected = self.elected.total();
        self.elected_at_maintenance.store(elected, Relaxed);
    }
}

impl MemberState {
    pub(super) fn new(activation: Activation) -> Self {
        Self {
            load: AtomicU64::new(0),
            first_error: Stamp::default(),
            last_error: Stamp::default(),
            back_since: Stamp::default(),
            in_flight: AtomicU32::new(0),
            connected: AtomicU32::new(0),
            doubts: AtomicU32::new(0),
            recent_reply_timeouts: AtomicU32::new(0),
            state: AtomicU8::new(State::Idle as u8),
            activation: AtomicU8::new(activation as u8),
            silence: Silence::default(),
            recovery: Recovery::default(),
            counters: Counters::default(),
        }
    }

    /// Its health.
    pub fn state(&self) -> State {
        State::from_u8(self.state.load(Acquire))
    }

    /// Its activation.
    pub fn activation(&self) -> Activation {
        match self.activation.load(Relaxed) {
            0 => Activation::Active,
            1 => Activation::Disabled,
            _ => Activation::Stopped,
        }
    }

    /// Whether it serves everything right now: what nearly all members answer nearly always.
    pub(super) fn is_active_and_up(&self) -> bool {
        self.state.load(Acquire) <= State::Forced as u8
            && self.activation.load(Relaxed) == Activation::Active as u8
    }

    /// It has answered, to the end.
    pub(super) fn clear_doubts(&self) {
        // Reads first, as `Stamp::clear`.
        if self.doubts.load(Relaxed) != 0 {
            self.doubts.store(0, Relaxed);
        }
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn set_activation(&self, activation: Activation) {
        self.activation.store(activation as u8, Relaxed);
    }

    /// Sets the state and says what it was. Writes only when something changes.
    pub(super) fn set(&self, to: State) -> State {
        let from = self.state();
        if from != to {
            self.state.store(to as u8, Release);
            self.leaves(from);
        }
        from
    }

    /// Moves from one state to another; false if it was in a third one.
    pub(super) fn change(&self, from: State, to: State) -> bool {
        let changed = (self.state)
            .compare_exchange(from as u8, to as u8, Release, Relaxed)
            .is_ok();
        if changed {
            self.leaves(from);
        }
        changed
    }

    /// Whatever led out of `ERR`: that the member was silent counts no more, or nobody would choose it
    /// beside others and find out.
    fn leaves(&self, from: State) {
        if from == State::Error {
            self.silence.ends();
        }
    }

    /// Moves anywhere but out of `ERR`; returns the state before.
    pub(super) fn set_unless_error(&self, to: State) -> State {
        let from = self.state();
        if from == State::Error || from == to || self.change(from, to) {
            return from;
        }
        self.set_unless_error(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_does_not_run_backwards_where_it_is_told() {
        let counter = Counter::default();
        counter.add(2);
        assert_eq!((counter.get(), counter.tell()), (2, 2));
        counter.take_back_one();
        assert_eq!((counter.get(), counter.tell()), (1, 2));
        let moved = Counter::default();
        moved.follow(&counter);
        assert_eq!((moved.get(), moved.tell()), (0, 2));
        counter.add(1);
        assert_eq!((counter.get(), counter.tell()), (2, 2));
        counter.add(1);
        assert_eq!((counter.get(), counter.tell()), (3, 3));
    }
}
