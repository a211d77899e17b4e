//! mod_jk's book about balancing once more, with what jkd does otherwise, as plainly as can be: no
//! atomics, no locks, no guards, nothing that is not looked for in the obvious way.

mod choice;
mod health;
mod way;

use std::collections::BTreeSet;

use jkworkers::model::{self, Activation, Member, Method};

pub(super) use self::{
    choice::Wish,
    health::Guard,
    way::{Fault, Way, WayStep},
};
use super::super::State;

/// Milliseconds since the start.
pub(super) type Time = u64;

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Each Tomcat that there ever was.
    pub(super) lives: Vec<Life>,
    /// Each configuration that there ever was; the last one is the present one.
    pub(super) eras: Vec<Era>,
    pub(super) busy: u32,
    pub(super) max_busy: u32,
    pub(super) account: Account,
}

/// A configuration, and what is its own.
#[derive(Debug)]
pub(super) struct Era {
    pub(super) config: model::Balancer,
    /// Which of the lives its members are.
    pub(super) lives: Vec<usize>,
    mults: Vec<u64>,
    cursor: usize,
    maintained: Option<Time>,
}

/// What is known of one Tomcat.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) state: State,
    pub(super) activation: Activation,
    pub(super) load: u64,
    pub(super) in_flight: u32,
    pub(super) connected: u32,
    pub(super) max_busy: u32,
    pub(super) elected: Tally,
    /// Its elections at the last maintenance.
    seen: i64,
    pub(super) sessions: Tally,
    pub(super) errors: Tally,
    pub(super) client_errors: Tally,
    pub(super) reply_timeouts: Tally,
    pub(super) recent_timeouts: u32,
    pub(super) first_error: Option<Time>,
    pub(super) last_error: Option<Time>,
    /// Failures since it last did its work.
    doubts: u64,
    /// It is in error for what it answered, not because it was out of reach.
    answers_badly: bool,
    /// Somebody asks it right now.
    pub(super) is_being_asked: bool,
    asked_since: Option<Time>,
    back_by_probe: Option<Time>,
    relapses: u32,
}

/// A count that may be set to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    total: i64,
    at_reset: i64,
}

impl Tally {
    pub(super) fn get(self) -> u64 {
        u64::try_from(self.total - self.at_reset).unwrap_or(0)
    }

    fn add(&mut self, count: i64) {
        self.total += count;
    }

    fn reset(&mut self) {
        self.at_reset = self.total;
    }
}

/// What may be spent on repetitions, in hundredths of one.
#[derive(Debug)]
pub(super) struct Account {
    balance: i64,
    second: Time,
    pub(super) granted: u64,
    pub(super) refused: u64,
    pub(super) requests: u64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            balance: 10_000,
            second: 0,
            granted: 0,
            refused: 0,
            requests: 0,
        }
    }
}

impl Account {
    /// Second by second it comes nearer to its reserve.
    fn advance(&mut self, now: Time) {
        while self.second < now / 1000 {
            self.second += 1;
            let excess = self.balance - 10_000;
            if excess > 0 {
                self.balance -= (excess + 9) / 10;
            } else {
                self.balance = (self.balance + 1000).min(10_000);
            }
        }
    }

    fn pay_in(&mut self, percent: u32, now: Time) {
        self.requests += 1;
        self.advance(now);
        if percent < 100 {
            self.balance += i64::from(percent);
        }
    }

    fn take_out(&mut self, percent: u32, now: Time) -> bool {
        self.advance(now);
        let granted = match percent {
            0 => false,
            1..100 => self.balance >= 100,
            _ => true,
        };
        if granted {
            self.granted += 1;
            self.balance -= if percent < 100 { 100 } else { 0 };
        } else {
            self.refused += 1;
        }
        granted
    }

    fn put_back(&mut self, percent: u32, now: Time) {
        self.advance(now);
        self.granted -= 1;
        self.balance += if percent < 100 { 100 } else { 0 };
    }
}

impl Model {
    /// The configuration is served from now on, instead of the one before.
    pub(super) fn reload(&mut self, config: model::Balancer, is_edited: bool) {
        let old = self.eras.last();
        let lives: Vec<_> = (config.members.iter())
            .map(|member| self.life_of(member, old, is_edited))
            .collect();
        let mut era = Era {
            mults: mults(&config.members),
            cursor: 0,
            maintained: old.and_then(|old| old.maintained),
            lives: Vec::new(),
            config,
        };
        let (mut keeps, mut other_method) = (is_edited, false);
        if let Some(old) = old {
            other_method = old.config.method != era.config.method;
            let alike = lives
                .iter()
                .map(|(life, _)| *life)
                .eq(old.lives.iter().map(|l| Some(*l)));
            keeps |= !other_method && alike && era.mults == old.mults;
            era.cursor = if keeps { old.cursor % lives.len() } else { 0 };
        }
        let has_past = old.is_some();
        for (known, new) in lives {
            let life = known.unwrap_or(self.lives.len());
            if known.is_none() {
                self.lives.push(Life::default());
            }
            self.lives[life].activation = new;
            era.lives.push(life);
        }
        if has_past && !keeps && (other_method || is_settable(era.config.method)) {
            era.lives.iter().for_each(|l| self.lives[*l].load = 0);
        }
        self.eras.push(era);
    }

    /// A member of the same name is the same Tomcat at the same address. What an operator says of
    /// its activation counts until files say something else than before.
    fn life_of(
        &self,
        member: &Member,
        old: Option<&Era>,
        is_edited: bool,
    ) -> (Option<usize>, Activation) {
        let Some((before, life)) = old.and_then(|old| old.of_name(&member.worker.name)) else {
            return (None, member.activation);
        };
        let running = self.lives[life].activation;
        let said = if before.activation == member.activation {
            running
        } else {
            member.activation
        };
        let is_same = before.worker.port == member.worker.port;
        ((is_same || is_edited).then_some(life), said)
    }

    pub(super) fn life(&self, era: usize, member: usize) -> &Life {
        &self.lives[self.eras[era].lives[member]]
    }

    fn life_mut(&mut self, era: usize, member: usize) -> &mut Life {
        &mut self.lives[self.eras[era].lives[member]]
    }

    fn members(&self, era: usize) -> std::ops::Range<usize> {
        0..self.eras[era].lives.len()
    }

    fn worker(&self, era: usize, member: usize) -> &model::AjpWorker {
        &self.eras[era].config.members[member].worker
    }

    fn method(&self, era: usize) -> Method {
        self.eras[era].config.method
    }

    /// How many of so many requests wait for a connection.
    pub(super) fn waiting(&self, era: usize, member: usize, in_flight: u32) -> u32 {
        let size = self.worker(era, member).pool.size;
        size.map_or(0, |size| in_flight.saturating_sub(size))
    }
}

impl Era {
    fn of_name(&self, name: &str) -> Option<(&Member, usize)> {
        let mut members = self.config.members.iter().zip(&self.lives);
        let (member, life) = members.find(|(member, _)| &*member.worker.name == name)?;
        Some((member, *life))
    }
}

/// The smallest numbers whose proportions are the inverse of those of the factors.
fn mults(members: &[Member]) -> Vec<u64> {
    let divides = |n: &u64| (members.iter()).all(|m| n.is_multiple_of(u64::from(m.lbfactor)));
    let common = (1..=1_000_000).find(divides).unwrap();
    (members.iter())
        .map(|m| common / u64::from(m.lbfactor))
        .collect()
}

/// Loads that count what is in flight are what they are.
fn is_settable(method: Method) -> bool {
    method != Method::Busyness
}

/// Members that a request has tried in vain.
pub(super) type Tried = BTreeSet<usize>;
