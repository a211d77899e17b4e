//! Requests in flight, counted by guards so that the count cannot drift.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use ajp13::GivenUp;

use super::{
    Balancer, Slot,
    choose::Chosen,
    clock::Now,
    method,
    state::{MemberState, State, Transition},
    verdict::Verdict,
};

/// One request on its way to a member, its answer included. Dropping it ends the count.
///
/// A guard that is dropped without a verdict about the member leaves the member's state alone, but gives a probe
/// back: the next request probes instead.
#[derive(Debug)]
pub struct InFlight {
    balancer: Arc<Balancer>,
    chosen: Chosen,
    bytes: u64,
    /// Since when the connection to the member is up.
    connected: Option<Now>,
    recorded: bool,
    /// Whether the last word about the member is that it answered.
    answered: bool,
    /// Whether the attempt weighs on the member's load until its end.
    weighs: bool,
    /// Whether it has noticed that the member is silent.
    pub(super) noticed: AtomicBool,
    /// What was carried for nothing.
    given_up: GivenUp,
}

/// The member refuses: `busy_limit` requests are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("busy_limit is exceeded")]
pub struct OverLimit(
    /// What this changed about the member's state.
    pub Option<Transition>,
);

impl Balancer {
    /// Begins an attempt on the chosen member.
    ///
    /// # Errors
    ///
    /// [`OverLimit`] when that would exceed the member's `busy_limit`; this is recorded.
    pub fn begin(self: &Arc<Self>, chosen: Chosen, now: Now) -> Result<InFlight, OverLimit> {
        let mut guard = InFlight {
            balancer: Arc::clone(self),
            chosen,
            bytes: 0,
            connected: None,
            recorded: false,
            answered: false,
            weighs: true,
            noticed: AtomicBool::new(false),
            given_up: GivenUp::default(),
        };
        let mut waits = false;
        let allowed = self.slots.get(chosen.index).is_none_or(|slot| {
            let count = slot.state.in_flight.fetch_add(1, Relaxed).saturating_add(1);
            slot.elect(chosen);
            let fits = slot.busy_limit == 0 || count <= slot.busy_limit;
            waits = self.waiting_of(chosen.index, count) > 0;
            fits
        });
        self.occupancy.enter(waits);
        if allowed {
            Ok(guard)
        } else {
            Err(OverLimit(guard.record(Verdict::Busy, now)))
        }
    }
}

impl Balancer {
    /// How many of so many requests at a member wait for a connection to be free. mod_jk does not
    /// take them for `busy`.
    pub(super) fn waiting_of(&self, index: usize, in_flight: u32) -> u32 {
        let places = self.slots.get(index).and_then(|slot| slot.places);
        // Mostly there are places for all, so that nothing else is looked at.
        if places.is_none_or(|places| in_flight <= places) {
            return 0;
        }
        let member = self.config.members.get(index);
        let size = member.and_then(|member| member.worker.pool.size);
        size.map_or(0, |size| in_flight.saturating_sub(size))
    }
}

impl InFlight {
    /// The member and how it was chosen.
    pub fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    /// The balancer.
    pub fn balancer(&self) -> &Arc<Balancer> {
        &self.balancer
    }

    /// The request can be sent: from now on the member is busy with it. As in mod_jk one that does
    /// not fit a packet counts for nothing.
    pub fn can_be_sent(&self) {
        let index = self.chosen.index;
        if let Some(slot) = self.balancer.slots.get(index) {
            let count = slot.state.in_flight.load(Relaxed);
            if self.balancer.waiting_of(index, count) == 0 {
                slot.state.counters.max_in_flight.fetch_max(count, Relaxed);
            }
        }
    }

    /// The connection to the member is up. From now on this request speaks for the member: while it
    /// goes on, stray failures of others do not put the member in error at once.
    pub fn connected(&mut self, now: Now) {
        self.set_connected(Some(now));
    }

    /// For how long the connection to the member is up, over which the request goes to it at once.
    pub fn connected_for(&self, now: Now) -> Option<Duration> {
        self.connected.map(|since| now.since(since))
    }

    /// The try failed, though the attempt may go on.
    pub(super) fn disconnected(&mut self) {
        self.set_connected(None);
    }

    /// The member did not reply in time, though it is tried again: mod_jk counts each try.
    pub(super) fn missed_reply(&mut self) {
        if let Some(slot) = self.balancer.slots.get(self.chosen.index) {
            slot.missed_reply();
        }
    }

    /// Whether the member is in error, though it may be tried nevertheless.
    pub(super) fn is_in_error(&self) -> bool {
        let blocks = self.balancer.states_block;
        let state = self.state().filter(|_| blocks).map(MemberState::state);
        state.is_some_and(|s| matches!(s, State::Error | State::Forced | State::Probe))
    }

    fn set_connected(&mut self, since: Option<Now>) {
        let before = mem::replace(&mut self.connected, since);
        let Some(state) = self.state() else { return };
        match (before.is_some(), since.is_some()) {
            (false, true) => state.connected.fetch_add(1, Relaxed),
            (true, false) => state.connected.fetch_sub(1, Relaxed),
            _ => return,
        };
    }

    /// Records how the attempt ended. Returns what changed about the member's state.
    pub fn record(&mut self, verdict: Verdict, now: Now) -> Option<Transition> {
        self.recorded = verdict != Verdict::Undecided;
        if !self.recorded {
            // It is noticed, and somebody else finds out.
            *self.noticed.get_mut() = false;
        }
        if !matches!(verdict, Verdict::ClientError | Verdict::Undecided) {
            self.answered = verdict.is_answer();
        }
        let slot = self.balancer.slots.get(self.chosen.index)?;
        if matches!(verdict, Verdict::NoEndpoint | Verdict::Undecided) {
            slot.unelect(self.chosen);
            self.weighs = false;
        }
        let own = u32::from(self.connected.is_some());
        let others = slot.state.connected.load(Relaxed).saturating_sub(own);
        // Who waits for the same silence speaks for nobody.
        let others = if slot.state.silence.is_noticed() {
            0
        } else {
            others
        };
        (self.balancer).judge(self.chosen.index, slot, verdict, others, now)
    }

    /// Records [`Verdict::Ok`], for which nobody need read a clock.
    pub fn works(&mut self) -> Option<Transition> {
        self.record(Verdict::Ok, Now::default())
    }

    /// The client has left in the middle of its answer. Those who give up on a member that hangs
    /// must not put it back: its state stays.
    pub fn client_leaves(&mut self) {
        if let Some(state) = self.state() {
            state.counters.client_errors.add(1);
        }
    }

    /// Who notes what is carried by a try that is given up; it is counted at the end.
    pub(crate) fn given_up(&self) -> &GivenUp {
        &self.given_up
    }

    /// Counts bytes, AJP framing included, that went to the member and came from it.
    pub fn count_bytes(&mut self, transferred: u64, read: u64) {
        self.bytes = self.bytes.saturating_add(transferred).saturating_add(read);
        if let Some(state) = self.state() {
            state.counters.transferred.add(transferred);
            state.counters.read.add(read);
        }
    }

    /// Whether the connection to the member is up and has not failed.
    pub(super) const fn is_connected(&self) -> bool {
        self.connected.is_some()
    }

    pub(super) fn state(&self) -> Option<&MemberState> {
        (self.balancer.slots.get(self.chosen.index)).map(|slot| &*slot.state)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let (transferred, read) = self.given_up.take();
        self.count_bytes(transferred, read);
        self.balancer.occupancy.leave();
        self.disconnected();
        let Some(slot) = self.balancer.slots.get(self.chosen.index) else {
            return;
        };
        slot.state.in_flight.fetch_sub(1, Relaxed);
        if *self.noticed.get_mut() && !self.recorded {
            slot.state.silence.ends();
        }
        if self.answered {
            slot.state.clear_doubts();
        }
        if self.chosen.probe && !self.recorded {
            slot.state.change(State::Probe, State::Recover);
        }
        let by = self.balancer.config.method;
        if self.weighs && method::counts_after(by) {
            slot.change_load(|load| method::after(by, load, slot.mult, self.bytes));
        }
    }
}

impl Slot {
    fn elect(&self, chosen: Chosen) {
        let counters = &self.state.counters;
        counters.elected.add(1);
        if chosen.new_session {
            counters.sessions.add(1);
        }
    }

    /// Takes back what choosing the member counted: the attempt did not begin.
    fn unelect(&self, chosen: Chosen) {
        let counters = &self.state.counters;
        counters.elected.take_back_one();
        if chosen.new_session {
            counters.sessions.take_back_one();
        }
        self.change_load(|load| load.saturating_sub(chosen.charge));
    }
}

#[cfg(test)]
mod tests;
