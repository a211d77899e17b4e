//! What the end of an attempt means for the member.

use std::sync::atomic::Ordering::Relaxed;

use super::{
    Balancer, Slot,
    clock::Now,
    method,
    recovery::Cause,
    state::{State, Transition},
};

/// Failures in a row that may be stray ones, as long as other requests speak for the member. Each of
/// those makes up for one more.
const STRAY: u32 = 10;

/// How an attempt ended, as far as the member's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was answered.
    Ok,
    /// The client went away, sent nonsense, or its request does not fit a packet.
    ClientError,
    /// The answer's status is a negative one of `fail_on_status`.
    SoftStatus,
    /// The answer's status is a positive one of `fail_on_status`.
    HardStatus,
    /// No packet came within `reply_timeout`.
    ReplyTimeout,
    /// `busy_limit` is exceeded.
    Busy,
    /// No connection was free within `connection_acquire_timeout`: the attempt did not begin.
    NoEndpoint,
    /// The request left before the member could show what it is worth, or this machine lacks what a
    /// connection takes: the attempt did not begin.
    Undecided,
    /// What came was no AJP packet, or something failed on this side.
    Protocol,
    /// Connecting, the CPing, or sending failed, or the connection was lost.
    Failed,
}

impl Verdict {
    /// Whether the member did its work.
    pub(super) const fn is_answer(self) -> bool {
        matches!(self, Self::Ok | Self::SoftStatus)
    }
}

impl Balancer {
    /// Records how an attempt on this member ended that no [`InFlight`](super::InFlight) guard
    /// counts. With a guard in hand, ask the guard.
    ///
    /// Returns what changed about the member's state.
    pub fn record(&self, index: usize, verdict: Verdict, now: Now) -> Option<Transition> {
        let slot = self.slots.get(index)?;
        if verdict.is_answer() {
            slot.state.clear_doubts();
        }
        let others = slot.state.connected.load(Relaxed);
        self.judge(index, slot, verdict, others, now)
    }

    /// As `record`, told how many *other* requests the member has accepted and is working on.
    pub(super) fn judge(
        &self,
        index: usize,
        slot: &Slot,
        verdict: Verdict,
        others: u32,
        now: Now,
    ) -> Option<Transition> {
        let from = match verdict {
            Verdict::Ok | Verdict::SoftStatus => slot.works(),
            Verdict::ClientError => {
                slot.state.counters.client_errors.add(1);
                slot.works()
            }
            Verdict::HardStatus => self.falls(slot, now),
            Verdict::ReplyTimeout => self.misses_reply(slot, now),
            Verdict::Undecided => slot.state.state(),
            Verdict::Busy | Verdict::NoEndpoint => slot.state.set_unless_error(State::Busy),
            Verdict::Protocol => slot.state.set_unless_error(State::Ok),
            Verdict::Failed => self.fails(slot, others, now),
        };
        if !self.states_block {
            slot.notes_failure(verdict, now);
        }
        let to = slot.state.state();
        (from != to).then_some(Transition {
            member: index,
            from,
            to,
        })
    }

    fn misses_reply(&self, slot: &Slot, now: Now) -> State {
        let state = &slot.state;
        let recent = slot.missed_reply();
        // The value before this one: the first timeout beyond the allowed number counts.
        if recent >= self.config.max_reply_timeouts {
            return self.falls(slot, now);
        }
        state.set_unless_error(State::Ok)
    }

    /// A failure that may be a stray one: it counts at once only if nothing speaks for the member.
    ///
    /// What speaks for it are other requests whose connection is up, unless failures outnumber
    /// them without an answer in between. mod_jk counts all that are in flight, those that are
    /// failing in the same way included, so that under load a broken member is tried until
    /// `error_escalation_time` is over.
    ///
    /// The first failure after a probe in the background that was answered always does: the member
    /// was in error, and has done no work since.
    fn fails(&self, slot: &Slot, others: u32, now: Now) -> State {
        let state = &slot.state;
        let escalation = self.config.error_escalation_time;
        state.counters.errors.add(1);
        let doubts = state.doubts.fetch_add(1, Relaxed);
        let lasts = (state.first_error.age(now)).is_some_and(|age| age >= escalation)
            || doubts >= others.saturating_add(STRAY);
        state.first_error.set_first(now);
        state.last_error.set(now);
        if others == 0 || escalation.is_zero() || lasts {
            self.falls_by(slot, Cause::Connection, now);
            return state.set(State::Error);
        }
        slot.is_used()
    }

    /// The member is in error, whatever else it is working on.
    fn falls(&self, slot: &Slot, now: Now) -> State {
        self.falls_by(slot, Cause::Answer, now);
        slot.state.counters.errors.add(1);
        slot.state.first_error.set(now);
        slot.state.last_error.set(now);
        slot.state.set(State::Error)
    }

    /// Whether a request may find out if the member works again.
    pub(super) fn has_rested(&self, slot: &Slot, now: Now) -> bool {
        !slot.is_asked()
            && (slot.state.last_error.age(now)).is_none_or(|rest| rest > self.config.recover_time)
    }

    /// `ERR` becomes `ERR/REC`, with the load of the most loaded member so that it is not flooded.
    pub(super) fn let_recover(&self, slot: &Slot) -> bool {
        if !slot.state.change(State::Error, State::Recover) {
            return false;
        }
        self.begin_again(slot);
        true
    }

    /// The member's past no longer counts against it or for it.
    pub(super) fn begin_again(&self, slot: &Slot) {
        slot.state.recent_reply_timeouts.store(0, Relaxed);
        if method::is_settable(self.config.method) {
            let most = self.slots.iter().map(Slot::load).max().unwrap_or(0);
            slot.state.load.store(most, Relaxed);
        }
    }
}

impl Slot {
    /// A worker by itself remembers its last failure, whatever comes after, and counts those that
    /// a balancer does not hold against its members: others take over.
    fn notes_failure(&self, verdict: Verdict, now: Now) {
        let counters = &self.state.counters;
        match verdict {
            Verdict::Ok | Verdict::ClientError | Verdict::NoEndpoint | Verdict::Undecided => return,
            Verdict::Busy | Verdict::Protocol | Verdict::SoftStatus => counters.errors.add(1),
            Verdict::Failed | Verdict::HardStatus | Verdict::ReplyTimeout => {}
        }
        counters.last_failure.set(now);
    }

    /// Counts a reply that did not come in time; returns how many there were recently before.
    pub(super) fn missed_reply(&self) -> u32 {
        self.state.counters.reply_timeouts.add(1);
        self.state.recent_reply_timeouts.fetch_add(1, Relaxed)
    }

    /// It was used, as mod_jk has it; no change worth telling.
    fn is_used(&self) -> State {
        self.state.change(State::Idle, State::Ok);
        self.state.state()
    }

    /// The member answered: all errors are forgotten.
    fn works(&self) -> State {
        self.state.first_error.clear();
        self.state.last_error.clear();
        self.state.set(State::Ok)
    }

    /// Ends a state that a freed place has overtaken: true if the member can be used now.
    #[cold]
    pub(super) fn wake(&self) -> bool {
        match self.state.state() {
            State::Busy => self.has_place() && self.state.change(State::Busy, State::Ok),
            state => state.is_usable(),
        }
    }

    /// Whether another request fits under `busy_limit` and into the pool.
    fn has_place(&self) -> bool {
        self.places
            .is_none_or(|limit| self.state.in_flight() < limit)
    }
}

#[cfg(test)]
mod tests;
