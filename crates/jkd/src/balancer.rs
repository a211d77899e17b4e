//! Which member gets a request, and what became of it.
//!
//! Pure decisions: nothing here waits, opens a socket or reads a clock. A request's way through
//! this module is [`Attempts`]: it asks for the next member ([`Balancer::choose`]), counts the
//! request as in flight ([`Balancer::begin`]), records the [`Verdict`], and decides by
//! [`retry`] whether and where to try again.
//!
//! All state is in atomics, one cache line a member. One lock a balancer is held for the scan that
//! chooses a member, and for nothing else.

mod adopt;
pub mod attempts;
mod budget;
mod choose;
mod clock;
mod in_flight;
mod maintain;
mod method;
mod occupancy;
mod recovery;
pub mod retry;
mod silence;
mod slow_start;
mod state;
pub mod sticky;
mod tried;
mod verdict;
mod view;

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use jkworkers::model;
use parking_lot::Mutex;

pub use self::{
    attempts::{Attempts, GiveUp, Step},
    choose::{Chosen, NoMember, RuleOverrides, Selection},
    clock::Now,
    in_flight::{InFlight, OverLimit},
    recovery::Probe,
    silence::Question,
    state::{MemberState, State, Transition},
    sticky::SessionIds,
    tried::Tried,
    verdict::Verdict,
    view::{Counts, Health, MemberView, View},
};
use self::{budget::Budget, clock::Stamp, occupancy::Occupancy};

/// A running balancer: its configuration and the state of its members.
#[derive(Debug)]
pub struct Balancer {
    config: Arc<model::Balancer>,
    /// One for each member, in configuration order.
    slots: Box<[Slot]>,
    /// Members by route; where two share one, the first comes first.
    routes: Box<[(Arc<str>, usize)]>,
    has_domains: bool,
    /// False for a worker that is mounted by itself: there is nobody else, so that its state keeps
    /// no request from it.
    states_block: bool,
    /// Where the next search among equals begins. Its lock makes choosing and counting one step.
    cursor: Mutex<usize>,
    /// Since when it counts.
    started: Stamp,
    last_maintenance: Stamp,
    /// When all of it was reset.
    last_reset: Stamp,
    /// Requests in flight at all members together.
    occupancy: Arc<Occupancy>,
    budget: Budget,
}

/// What choosing needs to know about one member, side by side in memory.
#[derive(Debug)]
struct Slot {
    state: Arc<MemberState>,
    mult: u64,
    distance: i32,
    /// The member's place among those that are configured.
    configured: usize,
    /// `busy_limit`; 0 is none.
    busy_limit: u32,
    /// Requests that fit: `busy_limit` or the pool's size, whichever is smaller.
    places: Option<u32>,
    /// How it is asked whether it works again.
    asks: recovery::Asks,
}

impl Balancer {
    /// A balancer whose members are all unused.
    pub fn new(config: Arc<model::Balancer>) -> Self {
        let members = &config.members;
        let scale = slow_start::scale(&config);
        let mults = method::multipliers(members);
        let mults = mults.into_iter().map(|mult| mult.saturating_mul(scale));
        Self {
            states_block: true,
            slots: members.iter().zip(mults).map(Slot::new).collect(),
            routes: routes(members),
            has_domains: members.iter().any(|m| m.domain.is_some()),
            cursor: Mutex::new(0),
            started: Stamp::default(),
            last_maintenance: Stamp::default(),
            last_reset: Stamp::default(),
            occupancy: Arc::default(),
            budget: Budget::new(config.retry_budget),
            config,
        }
    }

    /// A worker that is mounted by itself, as a balancer of one that never refuses a request
    /// because of the worker's state: that is shown only.
    pub fn alone(worker: Arc<model::AjpWorker>) -> Self {
        Self {
            states_block: false,
            ..Self::new(Arc::new(only_member(worker)))
        }
    }

    /// It serves from now on: what has no past begins to count.
    pub fn start(&self, now: Now) {
        self.started.set_first(now);
        for slot in &self.slots {
            slot.state.counters.last_reset.set_first(now);
        }
    }

    /// What it was configured to be.
    pub fn config(&self) -> &Arc<model::Balancer> {
        &self.config
    }

    /// The running state of a member.
    pub fn member(&self, index: usize) -> Option<&MemberState> {
        self.slots.get(index).map(|slot| &*slot.state)
    }

    fn index_of_route(&self, route: &[u8]) -> Option<usize> {
        let at = (self.routes).partition_point(|(known, _)| known.as_bytes() < route);
        let (known, index) = self.routes.get(at)?;
        (known.as_bytes() == route).then_some(*index)
    }

    /// Adds to a member's load. At the end of the counter's range all members fall together, which
    /// keeps their differences.
    fn add_load(&self, slot: &Slot, charge: u64) {
        if slot.load().checked_add(charge).is_none() {
            let least = self.slots.iter().map(Slot::load).min().unwrap_or(0);
            (self.slots.iter()).for_each(|s| s.change_load(|load| load.saturating_sub(least)));
        }
        slot.change_load(|load| load.saturating_add(charge));
    }
}

impl Slot {
    fn new((member, mult): (&model::Member, u64)) -> Self {
        let worker = &member.worker;
        let limit = Some(worker.busy_limit).filter(|limit| *limit > 0);
        Self {
            state: Arc::new(MemberState::new(member.activation)),
            mult,
            distance: member.distance,
            configured: member.configured,
            busy_limit: worker.busy_limit,
            places: limit.into_iter().chain(worker.pool.size).min(),
            asks: recovery::Asks::of(worker),
        }
    }

    fn load(&self) -> u64 {
        self.state.load.load(Relaxed)
    }

    fn change_load(&self, change: impl Fn(u64) -> u64) {
        // Never refuses, so that it cannot fail.
        let _ = (self.state.load).fetch_update(Relaxed, Relaxed, |load| Some(change(load)));
    }
}

fn only_member(worker: Arc<model::AjpWorker>) -> model::Balancer {
    let member = model::Member {
        lbfactor: 1,
        distance: 0,
        route: Arc::clone(&worker.name),
        domain: None,
        redirect: None,
        activation: model::Activation::Active,
        configured: 0,
        worker,
    };
    model::Balancer {
        method: model::Method::Request,
        lock: model::Lock::Optimistic,
        sticky: model::StickySettings::default(),
        recover_time: Duration::ZERO,
        error_escalation_time: Duration::ZERO,
        max_reply_timeouts: 0,
        retries: model::Retries {
            attempts: 1,
            interval: Duration::ZERO,
        },
        lb_retries: 1,
        retry_budget: 100,
        slow_start: Duration::ZERO,
        members: vec![member],
    }
}

fn routes(members: &[model::Member]) -> Box<[(Arc<str>, usize)]> {
    let mut routes: Vec<_> = (members.iter().enumerate())
        .map(|(index, member)| (Arc::clone(&member.route), index))
        .collect();
    routes.sort();
    routes.into_boxed_slice()
}

#[cfg(test)]
mod books;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod storm;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod transitions;
