//! A balancer at one moment, for the status page and the metrics.

use std::{sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use jkworkers::model::{self, Activation};

use super::{
    Balancer, Slot,
    clock::Now,
    slow_start,
    state::{Counter, Counters, State},
};

/// A balancer at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// What it was configured to be.
    pub config: Arc<model::Balancer>,
    /// Its members in configuration order.
    pub members: Vec<MemberView>,
    /// Requests in flight at all members, but for those that wait for a connection to be free.
    pub busy: u32,
    /// The same at most.
    pub max_busy: u32,
    /// Members by [`Health`]: good, degraded, bad.
    pub health: (usize, usize, usize),
    /// Requests that were sent again although a member had them.
    pub repeated: u64,
    /// Those that were not because `retry_budget` was used up.
    pub over_budget: u64,
    /// Time since the last maintenance, or else since the start.
    pub since_maintenance: Duration,
    /// Time since the last reset of all of it, or else since the start.
    pub since_reset: Duration,
}

/// A member at one moment.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// Its index.
    pub index: usize,
    /// Its activation now.
    pub activation: Activation,
    /// Its state now.
    pub state: State,
    /// What the two come to.
    pub health: Health,
    /// mod_jk's `lbmult`.
    pub mult: u64,
    /// mod_jk's `lbvalue`: its load.
    pub load: u64,
    /// Counts since the last reset.
    pub counts: Counts,
    /// Reply timeouts that count towards `max_reply_timeouts`: they fade, unless the worker is
    /// mounted by itself.
    pub recent_reply_timeouts: u64,
    /// Counts since the start, whatever was reset.
    pub totals: Counts,
    /// Requests in flight, but for those that wait for a connection to be free.
    pub busy: u32,
    /// The same at most.
    pub max_busy: u32,
    /// In `ERR`, unless probes bring it back: how much of its rest is left.
    pub recovers_in: Option<Duration>,
    /// In `ERR`, and asked in the background: it is back when it answers.
    pub is_asked: bool,
    /// `slow_start`: for how long it still warms up.
    pub warm_in: Option<Duration>,
    /// Time since the first error of the present series.
    pub since_first_error: Option<Duration>,
    /// Time since the last error of the present series.
    pub since_last_error: Option<Duration>,
    /// A worker by itself: time since its last failure, whatever came after it.
    pub since_failure: Option<Duration>,
    /// Time since the last reset, or else since the start.
    pub since_reset: Duration,
    /// Probes in the background since the start: answered ones, and others.
    pub probes: (u64, u64),
}

/// What happened to a member so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts.
    pub elected: u64,
    /// Attempts that may have begun a session.
    pub sessions: u64,
    /// Failures.
    pub errors: u64,
    /// Failures of clients.
    pub client_errors: u64,
    /// Reply timeouts.
    pub reply_timeouts: u64,
    /// Bytes sent to it.
    pub transferred: u64,
    /// Bytes received from it.
    pub read: u64,
}

/// mod_jk's three classes under the default `good` and `bad` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Active and not in error.
    Good,
    /// Neither good nor bad: disabled.
    Degraded,
    /// Stopped or in error.
    Bad,
}

impl Balancer {
    /// The balancer at this moment.
    pub fn view(&self, now: Now) -> View {
        let members: Vec<_> = (self.slots.iter().enumerate())
            .map(|(index, slot)| self.view_member(index, slot, now))
            .collect();
        let count = |health| members.iter().filter(|m| m.health == health).count();
        let waits = |(index, slot): (usize, &Slot)| self.waiting_of(index, slot.state.in_flight());
        let waiting = self.slots.iter().enumerate().map(waits).sum();
        View {
            config: Arc::clone(&self.config),
            busy: self.occupancy.now().saturating_sub(waiting),
            max_busy: self.occupancy.max(),
            health: (
                count(Health::Good),
                count(Health::Degraded),
                count(Health::Bad),
            ),
            repeated: self.budget.granted(),
            over_budget: self.budget.refused(),
            since_maintenance: (self.last_maintenance.age(now))
                .or_else(|| self.started.age(now))
                .unwrap_or_default(),
            since_reset: (self.last_reset.age(now))
                .or_else(|| self.started.age(now))
                .unwrap_or_default(),
            members,
        }
    }

    /// One member at this moment.
    pub(crate) fn member_view(&self, index: usize, now: Now) -> Option<MemberView> {
        let slot = self.slots.get(index)?;
        Some(self.view_member(index, slot, now))
    }

    fn view_member(&self, index: usize, slot: &Slot, now: Now) -> MemberView {
        let (state, activation) = (slot.state.state(), slot.state.activation());
        let counters = &slot.state.counters;
        let in_flight = slot.state.in_flight();
        let rest = slot.state.last_error.age(now).unwrap_or_default();
        MemberView {
            index,
            activation,
            state,
            health: health(activation, state),
            mult: slot.mult / slow_start::scale(&self.config),
            load: slot.load() / slow_start::scale(&self.config),
            counts: Counts::of(counters, Counter::get),
            recent_reply_timeouts: if self.states_block {
                u64::from(slot.state.recent_reply_timeouts.load(Relaxed))
            } else {
                counters.reply_timeouts.get()
            },
            totals: Counts::of(counters, Counter::tell),
            busy: in_flight.saturating_sub(self.waiting_of(index, in_flight)),
            max_busy: counters.max_in_flight.load(Relaxed),
            recovers_in: (state == State::Error && !slot.is_asked())
                .then(|| self.config.recover_time.saturating_sub(rest)),
            is_asked: state == State::Error && slot.is_asked(),
            warm_in: self.warm_in(slot, now),
            since_first_error: slot.state.first_error.age(now),
            since_last_error: slot.state.last_error.age(now),
            since_failure: counters.last_failure.age(now),
            since_reset: counters.last_reset.age(now).unwrap_or_default(),
            probes: slot.state.recovery.counts(),
        }
    }
}

impl Counts {
    fn of(counters: &Counters, value: impl Fn(&Counter) -> u64) -> Self {
        Self {
            elected: value(&counters.elected),
            sessions: value(&counters.sessions),
            errors: value(&counters.errors),
            client_errors: value(&counters.client_errors),
            reply_timeouts: value(&counters.reply_timeouts),
            transferred: value(&counters.transferred),
            read: value(&counters.read),
        }
    }
}

/// mod_jk's defaults: `good=a.o,a.i,a.b,a.r`, `bad=s,e`. A forced or probing member counts as
/// recovering.
fn health(activation: Activation, state: State) -> Health {
    match (activation, state) {
        (Activation::Stopped, _) | (_, State::Error) => Health::Bad,
        (Activation::Active, _) => Health::Good,
        (Activation::Disabled, _) => Health::Degraded,
    }
}
