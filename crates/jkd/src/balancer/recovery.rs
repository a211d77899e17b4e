//! Members in error that are asked in the background whether they work again, so that no client's
//! request has to find out.
//!
//! ```text
//!   OK ── fails ──► ERR ── probe_interval ──► asked ── an answer ──► OK
//!                    ▲                          │
//!                    └──────── no answer ───────┘
//! ```
//!
//! A member remembers why it is in error. One that could not be reached, or hung up, is back when
//! it answers a CPing over a new connection. To one that took a request and answered badly or not at
//! all a CPing says nothing: it is asked for `probe_uri`, or where there is none rests for
//! `recover_time`, after which a request tries it as in mod_jk.
//!
//! A member that fails again within `recover_time` of being back is asked half as often each time:
//! it answers, but it does not work.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU8, AtomicU32,
            Ordering::{AcqRel, Relaxed, Release},
        },
    },
    time::Duration,
};

use jkworkers::model::{self, AjpWorker};

use super::{
    Balancer, Slot,
    clock::{Now, Stamp},
    state::{Counter, State, Transition},
};

/// How long nothing is said about probes of one member that go on failing.
const QUIET: Duration = Duration::from_secs(600);

/// Doubts about a member that has answered a probe and no request yet: more than anybody can speak
/// for it.
const UNPROVEN: u32 = u32::MAX / 2;

/// What put a member in error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Cause {
    /// It could not be reached, or the connection was lost.
    Connection = 0,
    /// `fail_on_status`, `reply_timeout`: it is there, and does not do its work.
    Answer = 1,
}

/// How a member in error is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Not in the background.
    Never,
    /// By a CPing.
    Ping,
    /// For `probe_uri`.
    Uri,
}

/// What a member's state remembers for this.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    cause: AtomicU8,
    /// Whether somebody is asking just now.
    asked: AtomicBool,
    /// When it fell, or was last asked.
    since: Stamp,
    /// When a probe last brought it back.
    back: Stamp,
    /// How often in a row it fell soon after that.
    relapses: AtomicU32,
    /// When a failed probe was last worth telling.
    told: Stamp,
    answered: Counter,
    failed: Counter,
}

/// A probe that is under way. Dropped without an outcome it says nothing about the member.
#[derive(Debug)]
pub struct Probe {
    balancer: Arc<Balancer>,
    index: usize,
}

impl Balancer {
    /// The members that are to be asked now, with the time that they have waited for it.
    pub fn due_probes(&self, now: Now) -> impl Iterator<Item = (usize, Duration)> {
        let slots = self.slots.iter().filter(|_| self.states_block).enumerate();
        slots.filter_map(move |(index, slot)| Some((index, self.overdue(index, slot, now)?)))
    }

    /// Begins to ask a member; nobody else does then.
    pub fn begin_probe(self: &Arc<Self>, index: usize) -> Option<Probe> {
        let recovery = &self.slots.get(index)?.state.recovery;
        (!recovery.asked.swap(true, AcqRel)).then(|| Probe {
            balancer: Arc::clone(self),
            index,
        })
    }

    fn overdue(&self, index: usize, slot: &Slot, now: Now) -> Option<Duration> {
        let recovery = &slot.state.recovery;
        if !is_down(slot.state.state()) || !slot.is_asked() || recovery.asked.load(Relaxed) {
            return None;
        }
        let interval = self.config.members.get(index)?.worker.probe.interval?;
        let relapses = recovery.relapses.load(Relaxed);
        let wait = pause(interval, relapses, self.config.recover_time);
        let waited = recovery.since.age(now).unwrap_or(Duration::MAX);
        waited.checked_sub(wait)
    }

    /// The member is about to be in error. To be called before its state says so.
    pub(super) fn falls_by(&self, slot: &Slot, cause: Cause, now: Now) {
        let recovery = &slot.state.recovery;
        match slot.state.state() {
            // What only a request can disprove stays.
            State::Error if recovery.cause() == Cause::Answer => return,
            State::Idle | State::Ok | State::Busy => {
                let soon = |age| age <= self.config.recover_time;
                if recovery.back.age(now).is_some_and(soon) {
                    recovery.relapses.fetch_add(1, Relaxed);
                } else {
                    recovery.relapses.store(0, Relaxed);
                }
                recovery.told.clear();
                recovery.since.set(now);
            }
            _ => {}
        }
        recovery.cause.store(cause as u8, Relaxed);
    }

    /// The member has shown that it works.
    fn comes_back(&self, index: usize, now: Now) -> Option<Transition> {
        let _alone = self.cursor.lock();
        let slot = self.slots.get(index)?;
        let from = slot.state.state();
        if !is_down(from) || !slot.is_asked() || !slot.state.change(from, State::Ok) {
            return None;
        }
        slot.state.recovery.back.set(now);
        slot.state.doubts.store(UNPROVEN, Relaxed);
        slot.state.first_error.clear();
        slot.state.last_error.clear();
        self.begin_again(slot);
        slot.begin_warm_up(now);
        Some(Transition {
            member: index,
            from,
            to: State::Ok,
        })
    }
}

impl Slot {
    /// Whether probes decide when the member is back. Its `recover_time` means nothing then.
    pub(super) fn is_asked(&self) -> bool {
        match self.asks {
            Asks::Never => false,
            Asks::Ping => self.state.recovery.cause() == Cause::Connection,
            Asks::Uri => true,
        }
    }
}

impl Asks {
    pub(super) fn of(worker: &AjpWorker) -> Self {
        match &worker.probe {
            // Without a port there is nobody to ask.
            _ if worker.port == 0 => Self::Never,
            model::ProbeSettings { interval: None, .. } => Self::Never,
            model::ProbeSettings { uri: Some(_), .. } => Self::Uri,
            _ => Self::Ping,
        }
    }
}

impl Recovery {
    fn cause(&self) -> Cause {
        match self.cause.load(Relaxed) {
            0 => Cause::Connection,
            _ => Cause::Answer,
        }
    }

    /// Probes that were answered, and that were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.answered.total(), self.failed.total())
    }

    /// Counts on from where the probes of `old` are.
    pub(super) fn follow(&self, old: &Self) {
        self.answered.follow(&old.answered);
        self.failed.follow(&old.failed);
    }

    /// An operator wants everything forgotten.
    pub(super) fn forget(&self) {
        self.relapses.store(0, Relaxed);
        self.back.clear();
    }
}

impl Probe {
    /// The member's index.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The member answered as it should. Returns what that changed about its state: nothing where
    /// a request was faster, or found something that this answer does not disprove.
    pub fn answered(self, now: Now) -> Option<Transition> {
        let recovery = self.recovery()?;
        recovery.answered.add(1);
        recovery.since.set(now);
        self.balancer.comes_back(self.index, now)
    }

    /// The member did not. True if that is worth a line in the log.
    pub fn failed(self, now: Now) -> bool {
        let Some(recovery) = self.recovery() else {
            return false;
        };
        recovery.failed.add(1);
        recovery.since.set(now);
        let tell = recovery.told.age(now).is_none_or(|age| age >= QUIET);
        if tell {
            recovery.told.set(now);
        }
        tell
    }

    fn recovery(&self) -> Option<&Recovery> {
        let slot = self.balancer.slots.get(self.index)?;
        Some(&slot.state.recovery)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(recovery) = self.recovery() {
            recovery.asked.store(false, Release);
        }
    }
}

/// States out of which an answer leads. In `ERR/PRB` a request is finding out already.
const fn is_down(state: State) -> bool {
    matches!(state, State::Error | State::Recover | State::Forced)
}

/// The time between two probes: doubled with each relapse, up to `recover_time`.
fn pause(interval: Duration, relapses: u32, recover_time: Duration) -> Duration {
    let doubled = interval.saturating_mul(2_u32.saturating_pow(relapses));
    doubled.min(recover_time.max(interval))
}

#[cfg(test)]
mod tests;
