//! What happens to a balancer at every maintenance, and on an operator's command.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use jkworkers::model::Activation;

use super::{
    Balancer, Slot,
    clock::Now,
    method,
    recovery::Cause,
    state::{Counter, State, Transition},
    tried::Tried,
};

impl Balancer {
    /// Global maintenance: loads fade, members recover, escalate or turn idle.
    ///
    /// `interval` is `worker.maintain`: loads are halved once for each interval since the
    /// previous maintenance. Returns the changes of state.
    pub fn maintain(&self, now: Now, interval: Duration) -> Vec<Transition> {
        let _alone = self.cursor.lock();
        let periods = intervals(self.last_maintenance.age(now), interval);
        self.last_maintenance.set(now);
        self.decay(periods);
        let mut changes = Vec::new();
        for (member, slot) in self.slots.iter().enumerate() {
            let from = slot.state.state();
            let to = self.maintain_member(slot, from, now);
            if from != to {
                changes.push(Transition { member, from, to });
            }
        }
        if self.slots.iter().all(|s| s.state.state() == State::Error) {
            self.force(|index| changes.push(forced(index)));
        }
        changes
    }

    fn decay(&self, periods: u32) {
        let least = (self.slots.iter())
            .filter(|slot| slot.state.state().is_usable())
            .filter(|slot| slot.state.activation() == Activation::Active)
            .map(Slot::load)
            .min()
            .unwrap_or(0);
        for slot in &*self.slots {
            slot.change_load(|load| method::decay(self.config.method, load, periods, least));
            let recent = &slot.state.recent_reply_timeouts;
            let left = recent.load(Relaxed).checked_shr(periods).unwrap_or(0);
            recent.store(left, Relaxed);
        }
    }

    fn maintain_member(&self, slot: &Slot, from: State, now: Now) -> State {
        let state = &slot.state;
        let used = slot.was_used();
        let lasts = || (state.first_error.age(now)).is_some_and(|age| age >= self.escalation());
        match from {
            // Nothing but a request tells whether a worker by itself works again.
            State::Error if !self.states_block => {}
            State::Error if self.has_rested(slot, now) => {
                self.let_recover(slot);
            }
            State::Error | State::Recover => {}
            _ if lasts() => {
                // Of one that is being tried nothing new is known.
                if !matches!(from, State::Forced | State::Probe) {
                    self.falls_by(slot, Cause::Connection, now);
                }
                state.change(from, State::Error);
            }
            State::Ok if !used => {
                state.change(State::Ok, State::Idle);
            }
            _ => {}
        }
        state.state()
    }

    fn escalation(&self) -> Duration {
        self.config.error_escalation_time
    }

    /// Nobody can be used: gives every member in error another chance, those that this request
    /// has tried included. Returns how many there are.
    ///
    /// A member that is asked in the background has just shown that it does not work. As long as
    /// somebody else does, it is spared: with its chance others' requests would come, too.
    pub fn force_recovery(&self, tried: &mut Tried) -> usize {
        let mut count = 0;
        self.force(|index| {
            tried.remove(index);
            count += 1;
        });
        count
    }

    fn force(&self, mut each: impl FnMut(usize)) {
        if !self.states_block {
            return;
        }
        let somebody_works = self.slots.iter().any(Slot::is_fine);
        for (index, slot) in self.slots.iter().enumerate() {
            if somebody_works && slot.is_asked() {
                continue;
            }
            if slot.state.change(State::Error, State::Forced) {
                slot.state.recent_reply_timeouts.store(0, Relaxed);
                each(index);
            }
        }
    }

    /// `cmd=recover`: ends the rest of a member in error. False if it is in no error.
    pub fn recover(&self, index: usize) -> bool {
        let _alone = self.cursor.lock();
        (self.slots.get(index)).is_some_and(|slot| self.let_recover(slot))
    }

    /// `cmd=reset`: state, load and counters begin anew. Requests in flight stay counted.
    pub fn reset(&self, index: usize, now: Now) {
        let _alone = self.cursor.lock();
        if let Some(slot) = self.slots.get(index) {
            slot.reset(now);
            if method::is_settable(self.config.method) {
                slot.state.load.store(0, Relaxed);
            }
        }
    }

    /// `cmd=reset` of a balancer: all its members and what is known of them together.
    pub fn reset_all(&self, now: Now) {
        for index in 0..self.slots.len() {
            self.reset(index, now);
        }
        self.occupancy.reset_max();
        self.last_reset.set(now);
    }

    /// Changes a member's activation, after which all members begin with the same load.
    pub fn set_activation(&self, index: usize, activation: Activation) {
        let _alone = self.cursor.lock();
        let Some(slot) = self.slots.get(index) else {
            return;
        };
        if slot.state.activation() == activation {
            return;
        }
        slot.state.set_activation(activation);
        if method::is_settable(self.config.method) {
            (self.slots.iter()).for_each(|slot| slot.state.load.store(0, Relaxed));
        }
    }
}

impl Slot {
    /// Whether it serves everybody, though perhaps not this moment.
    fn is_fine(&self) -> bool {
        self.state.activation() == Activation::Active
            && matches!(self.state.state(), State::Idle | State::Ok | State::Busy)
    }

    /// Whether a request reached the member since the previous maintenance.
    fn was_used(&self) -> bool {
        let counters = &self.state.counters;
        let elected = counters.elected.total();
        counters.elected_at_maintenance.swap(elected, Relaxed) != elected
    }

    fn reset(&self, now: Now) {
        let state = &self.state;
        let counters = &state.counters;
        counters.all().into_iter().for_each(Counter::reset);
        counters.max_in_flight.store(0, Relaxed);
        counters.last_reset.set(now);
        state.recent_reply_timeouts.store(0, Relaxed);
        state.first_error.clear();
        state.last_error.clear();
        state.clear_doubts();
        state.silence.ends();
        state.recovery.forget();
        state.set(State::Idle);
    }
}

/// Whole intervals that have passed, counted in whole seconds: a timer that is a few milliseconds
/// early must not lose one. The first maintenance counts as one interval.
fn intervals(passed: Option<Duration>, interval: Duration) -> u32 {
    let Some(passed) = passed else { return 1 };
    (passed.saturating_add(Duration::from_millis(500)).as_secs())
        .checked_div(interval.as_secs())
        .map_or(0, |periods| u32::try_from(periods).unwrap_or(u32::MAX))
}

fn forced(member: usize) -> Transition {
    Transition {
        member,
        from: State::Error,
        to: State::Forced,
    }
}

#[cfg(test)]
mod tests;
