//! What ends, maintenance and operators mean for a member.

use jkworkers::model::{Activation, Method};

use super::{Model, Time, Tried, is_settable};
use crate::balancer::{State, Verdict};

/// A request at a member.
#[derive(Clone, Debug)]
pub(in super::super) struct Guard {
    pub(in super::super) era: usize,
    pub(in super::super) choice: super::choice::Choice,
    pub(in super::super) connected: bool,
    recorded: bool,
    answered: bool,
    weighs: bool,
    bytes: u64,
}

impl Model {
    /// A request begins at a member. `None`: there are too many.
    pub(super) fn begin(
        &mut self,
        era: usize,
        choice: super::choice::Choice,
        now: Time,
    ) -> Option<Guard> {
        let limit = self.worker(era, choice.member).busy_limit;
        let life = self.life_mut(era, choice.member);
        life.in_flight += 1;
        life.elected.add(1);
        life.sessions.add(i64::from(choice.new_session));
        let in_flight = life.in_flight;
        self.busy += 1;
        if self.waiting(era, choice.member, in_flight) == 0 {
            self.max_busy = self.max_busy.max(self.busy);
        }
        let mut guard = Guard {
            era,
            choice,
            connected: false,
            recorded: false,
            answered: false,
            weighs: true,
            bytes: 0,
        };
        if limit == 0 || in_flight <= limit {
            return Some(guard);
        }
        self.record(&mut guard, Verdict::Busy, now);
        self.end(guard);
        None
    }

    pub(in super::super) fn can_be_sent(&mut self, guard: &Guard) {
        let in_flight = self.life(guard.era, guard.choice.member).in_flight;
        if self.waiting(guard.era, guard.choice.member, in_flight) == 0 {
            let life = self.life_mut(guard.era, guard.choice.member);
            life.max_busy = life.max_busy.max(in_flight);
        }
    }

    pub(in super::super) fn connect(&mut self, guard: &mut Guard, is_up: bool) {
        let life = self.life_mut(guard.era, guard.choice.member);
        life.connected += u32::from(is_up);
        life.connected -= u32::from(guard.connected);
        guard.connected = is_up;
    }

    pub(in super::super) fn client_leaves(&mut self, guard: &Guard) {
        let life = self.life_mut(guard.era, guard.choice.member);
        life.client_errors.add(1);
    }

    pub(in super::super) fn count_bytes(guard: &mut Guard, bytes: u64) {
        guard.bytes += bytes;
    }

    /// A request's end, however it came about.
    pub(in super::super) fn end(&mut self, mut guard: Guard) {
        self.connect(&mut guard, false);
        self.busy -= 1;
        let method = self.method(guard.era);
        let mult = self.eras[guard.era].mults[guard.choice.member];
        let life = self.life_mut(guard.era, guard.choice.member);
        life.in_flight -= 1;
        if guard.answered {
            life.doubts = 0;
        }
        if guard.choice.probe && !guard.recorded && life.state == State::Probe {
            life.state = State::Recover;
        }
        match method {
            Method::Traffic if guard.weighs => life.load += guard.bytes * mult,
            Method::Busyness if guard.weighs => life.load = life.load.saturating_sub(mult),
            _ => {}
        }
    }

    pub(in super::super) fn record(&mut self, guard: &mut Guard, verdict: Verdict, now: Time) {
        guard.recorded = true;
        let (era, member) = (guard.era, guard.choice.member);
        match verdict {
            Verdict::Ok | Verdict::SoftStatus => guard.answered = true,
            Verdict::ClientError => {}
            _ => guard.answered = false,
        }
        let others = {
            let life = self.life_mut(era, member);
            if verdict == Verdict::NoEndpoint {
                life.elected.add(-1);
                life.sessions.add(-i64::from(guard.choice.new_session));
                life.load = life.load.saturating_sub(guard.choice.charge);
                guard.weighs = false;
            }
            life.connected - u32::from(guard.connected)
        };
        self.judge(era, member, verdict, others, now);
    }

    fn judge(&mut self, era: usize, member: usize, verdict: Verdict, others: u32, now: Time) {
        let max_timeouts = self.eras[era].config.max_reply_timeouts;
        let life = self.life_mut(era, member);
        match verdict {
            Verdict::Ok | Verdict::SoftStatus | Verdict::ClientError => {
                life.client_errors
                    .add(i64::from(verdict == Verdict::ClientError));
                life.state = State::Ok;
                (life.first_error, life.last_error) = (None, None);
            }
            Verdict::Busy | Verdict::NoEndpoint if life.state != State::Error => {
                life.state = State::Busy;
            }
            Verdict::Protocol if life.state != State::Error => life.state = State::Ok,
            Verdict::Busy | Verdict::NoEndpoint | Verdict::Protocol | Verdict::Undecided => {}
            Verdict::HardStatus => self.falls_by_answer(era, member, now),
            Verdict::ReplyTimeout => {
                life.reply_timeouts.add(1);
                life.recent_timeouts += 1;
                if life.recent_timeouts > max_timeouts {
                    self.falls_by_answer(era, member, now);
                } else if life.state != State::Error {
                    life.state = State::Ok;
                }
            }
            Verdict::Failed => self.fails(era, member, others, now),
        }
    }

    fn falls_by_answer(&mut self, era: usize, member: usize, now: Time) {
        self.falls(era, member, true, now);
        let life = self.life_mut(era, member);
        life.errors.add(1);
        (life.first_error, life.last_error) = (Some(now), Some(now));
        life.state = State::Error;
    }

    /// At once if nobody else is being served, or if it has gone on for long, or if it happens too
    /// often in a row.
    fn fails(&mut self, era: usize, member: usize, others: u32, now: Time) {
        let escalation = millis(self.eras[era].config.error_escalation_time);
        let life = self.life_mut(era, member);
        life.errors.add(1);
        let is_old = life
            .first_error
            .is_some_and(|first| now - first >= escalation);
        let is_frequent = life.doubts >= u64::from(others) + 10;
        life.doubts += 1;
        life.first_error.get_or_insert(now);
        life.last_error = Some(now);
        if others == 0 || escalation == 0 || is_old || is_frequent {
            self.falls(era, member, false, now);
            self.life_mut(era, member).state = State::Error;
        } else if life.state == State::Idle {
            life.state = State::Ok;
        }
    }

    /// It is about to be in error: remembers why, and how often it came to that.
    fn falls(&mut self, era: usize, member: usize, answers_badly: bool, now: Time) {
        let rest = millis(self.eras[era].config.recover_time);
        let life = self.life_mut(era, member);
        match life.state {
            State::Error if life.answers_badly => return,
            State::Idle | State::Ok | State::Busy => {
                let soon = life.back_by_probe.is_some_and(|back| now - back <= rest);
                life.relapses = if soon { life.relapses + 1 } else { 0 };
                life.asked_since = Some(now);
            }
            _ => {}
        }
        life.answers_badly = answers_badly;
    }

    /// Whether probes in the background decide when it is back.
    fn is_asked(&self, era: usize, member: usize) -> bool {
        let probe = &self.worker(era, member).probe;
        let by_uri = probe.uri.is_some();
        probe.interval.is_some() && (by_uri || !self.life(era, member).answers_badly)
    }

    /// Who is to be asked now.
    pub(in super::super) fn due_probes(&self, era: usize, now: Time) -> Vec<usize> {
        let config = &self.eras[era].config;
        let is_due = |member: &usize| {
            let life = self.life(era, *member);
            let down = matches!(life.state, State::Error | State::Recover | State::Forced);
            let Some(interval) = self.worker(era, *member).probe.interval.map(millis) else {
                return false;
            };
            let longest = millis(config.recover_time).max(interval);
            let mut wait = interval;
            (0..life.relapses).for_each(|_| wait = (wait * 2).min(longest));
            let waited = life.asked_since.is_none_or(|since| now - since >= wait);
            down && self.is_asked(era, *member) && !life.is_being_asked && waited
        };
        self.members(era).filter(is_due).collect()
    }

    /// Somebody who asked has an answer, or none.
    pub(in super::super) fn probed(&mut self, era: usize, member: usize, works: bool, now: Time) {
        let is_asked = self.is_asked(era, member);
        let life = self.life_mut(era, member);
        life.asked_since = Some(now);
        let down = matches!(life.state, State::Error | State::Recover | State::Forced);
        if !works || !down || !is_asked {
            return;
        }
        life.state = State::Ok;
        life.back_by_probe = Some(now);
        // More than anybody can speak for it.
        life.doubts = u64::from(u32::MAX / 2);
        (life.first_error, life.last_error) = (None, None);
        self.begins_again(era, member);
    }

    /// With the load of the most loaded member, so that it is not flooded.
    fn begins_again(&mut self, era: usize, member: usize) {
        let loads = self.members(era).map(|i| self.life(era, i).load);
        let most = loads.max().unwrap();
        let settable = is_settable(self.method(era));
        let life = self.life_mut(era, member);
        life.recent_timeouts = 0;
        if settable {
            life.load = most;
        }
    }

    pub(in super::super) fn recover(&mut self, era: usize, member: usize) {
        if self.life(era, member).state == State::Error {
            self.life_mut(era, member).state = State::Recover;
            self.begins_again(era, member);
        }
    }

    /// Everybody in error gets another chance, unless somebody works and probes will tell.
    pub(super) fn force(&mut self, era: usize, tried: &mut Tried) -> bool {
        let fine = |life: &super::Life| {
            life.activation == Activation::Active
                && matches!(life.state, State::Idle | State::Ok | State::Busy)
        };
        let somebody_works = self.members(era).any(|i| fine(self.life(era, i)));
        let mut any = false;
        for member in self.members(era) {
            let spared = somebody_works && self.is_asked(era, member);
            let life = self.life_mut(era, member);
            if life.state == State::Error && !spared {
                life.state = State::Forced;
                life.recent_timeouts = 0;
                tried.remove(&member);
                any = true;
            }
        }
        any
    }

    pub(in super::super) fn maintain(&mut self, era: usize, now: Time, interval: Time) {
        let since = self.eras[era].maintained.replace(now);
        let periods = since.map_or(1, |then| (now - then + 500) / 1000 * 1000 / interval);
        self.decay(era, periods);
        for member in self.members(era) {
            self.maintain_member(era, member, now);
        }
        let all_down = (self.members(era)).all(|i| self.life(era, i).state == State::Error);
        if all_down {
            self.force(era, &mut Tried::new());
        }
    }

    fn decay(&mut self, era: usize, periods: u64) {
        let serves = |life: &&super::Life| {
            let up = [State::Idle, State::Ok, State::Recover, State::Forced];
            life.activation == Activation::Active && up.contains(&life.state)
        };
        let lives = self.members(era).map(|i| self.life(era, i));
        let least = lives.filter(serves).map(|life| life.load).min();
        let method = self.method(era);
        for member in self.members(era) {
            let life = self.life_mut(era, member);
            match method {
                Method::Busyness => {}
                Method::Next => life.load = life.load.saturating_sub(least.unwrap_or(0)),
                _ => life.load = (0..periods.min(64)).fold(life.load, |load, _| load / 2),
            }
            for _ in 0..periods.min(32) {
                life.recent_timeouts /= 2;
            }
        }
    }

    fn maintain_member(&mut self, era: usize, member: usize, now: Time) {
        let config = &self.eras[era].config;
        let escalation = millis(config.error_escalation_time);
        let rest = millis(config.recover_time);
        let is_asked = self.is_asked(era, member);
        let life = self.life_mut(era, member);
        let used = life.elected.total != life.seen;
        life.seen = life.elected.total;
        let lasts = life
            .first_error
            .is_some_and(|first| now - first >= escalation);
        let rested = life.last_error.is_none_or(|last| now - last > rest);
        match life.state {
            State::Error if !is_asked && rested => {
                life.state = State::Recover;
                self.begins_again(era, member);
            }
            State::Error | State::Recover => {}
            State::Forced | State::Probe if lasts => life.state = State::Error,
            _ if lasts => {
                self.falls(era, member, false, now);
                self.life_mut(era, member).state = State::Error;
            }
            State::Ok if !used => life.state = State::Idle,
            _ => {}
        }
    }

    pub(in super::super) fn reset(&mut self, era: usize, member: usize) {
        let settable = is_settable(self.method(era));
        let life = self.life_mut(era, member);
        let tallies = [
            &mut life.elected,
            &mut life.sessions,
            &mut life.errors,
            &mut life.client_errors,
            &mut life.reply_timeouts,
        ];
        tallies.into_iter().for_each(super::Tally::reset);
        (life.first_error, life.last_error, life.back_by_probe) = (None, None, None);
        (
            life.recent_timeouts,
            life.relapses,
            life.doubts,
            life.max_busy,
        ) = (0, 0, 0, 0);
        life.state = State::Idle;
        if settable {
            life.load = 0;
        }
    }

    pub(in super::super) fn activate(&mut self, era: usize, member: usize, to: Activation) {
        if self.life(era, member).activation == to {
            return;
        }
        self.life_mut(era, member).activation = to;
        if is_settable(self.method(era)) {
            let lives = self.eras[era].lives.clone();
            for life in lives {
                self.lives[life].load = 0;
            }
        }
    }
}

pub(super) fn millis(time: std::time::Duration) -> Time {
    Time::try_from(time.as_millis()).unwrap()
}
