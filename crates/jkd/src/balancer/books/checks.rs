//! What has to hold after each event, and at the end.

use std::sync::atomic::Ordering::Relaxed;

use jkworkers::model as configured;

use super::{
    Event, Fault, History, INTERVAL, Twins,
    model::{Guard, Life, Tally},
};
use crate::balancer::{
    MemberView, State,
    retry::{Failure, Stage},
    testing::at,
};

impl History {
    /// Rules of repetition, each by itself.
    pub(super) fn begins(&mut self, config: &configured::Balancer) {
        let most = config.retries.attempts * config.lb_retries.max(1);
        let tries = (config.members.iter())
            .map(|m| m.worker.retries.attempts.max(2))
            .max();
        self.tries += 1;
        assert!(self.tries <= most * tries.unwrap(), "{} tries", self.tries);
        let reckless = |m: &configured::Member| m.worker.recovery_options.is_some();
        self.is_reckless |= config.members.iter().any(reckless);
        if self.is_reckless || self.faults.is_empty() {
            return;
        }
        let status = |f: &Fault| matches!(f.failure, Failure::HardStatus | Failure::SoftStatus);
        let sent = self.faults.iter().filter(|f| f.stage > Stage::NothingSent);
        assert!(
            sent.clone().all(|f| f.method != http::Method::POST),
            "a POST twice"
        );
        assert!(
            sent.clone().filter(|f| !status(f)).count() <= 1,
            "sent too often"
        );
        for fault in sent {
            assert!(status(fault) || fault.stage < Stage::HeadersReceived);
            assert!(!matches!(
                fault.failure,
                Failure::ReplyTimeout | Failure::Stalled
            ));
            assert!(!fault.body_consumed && !fault.body_asked);
        }
    }
}

/// What has to hold after each event.
impl Twins {
    pub(super) fn check(&mut self, event: &Event) {
        let era = self.era();
        let view = self.balancer.view(at(self.now));
        for (index, member) in view.members.iter().enumerate() {
            let load = self.balancer.slots[index].load();
            if self.warms_up {
                let life = self.model.eras[era].lives[index];
                self.model.lives[life].load = load;
            }
            let life = self.model.life(era, index);
            let real = (member.state, member.activation, load);
            let by_book = (life.state, life.activation, life.load);
            assert_eq!(real, by_book, "{index}: {event:?}");
            check_tallies(member, life, event);
        }
        let due = self.balancer.due_probes(at(self.now));
        let due: Vec<_> = due.map(|(member, _)| member).collect();
        assert_eq!(due, self.model.due_probes(era, self.now), "{event:?}");
        let account = &self.model.account;
        let by_book = (account.granted, account.refused, self.model.max_busy);
        let real = (view.repeated, view.over_budget, view.max_busy);
        assert_eq!(real, by_book, "{event:?}");
        self.check_counts(event);
        self.check_budget();
    }

    /// In flight is what is in flight, counted by going through all requests.
    fn check_counts(&self, event: &Event) {
        let guards: Vec<_> = (self.requests.iter())
            .filter_map(|r| r.way.guard.as_ref())
            .collect();
        let life_of = |g: &&Guard| self.model.eras[g.era].lives[g.choice.member];
        for (index, slot) in self.balancer.slots.iter().enumerate() {
            let life = self.model.eras[self.era()].lives[index];
            let own = || guards.iter().copied().filter(|g| life_of(g) == life);
            let in_flight = usize::try_from(slot.state.in_flight()).unwrap();
            assert_eq!(in_flight, own().count(), "{event:?}");
            let connected = usize::try_from(slot.state.connected.load(Relaxed)).unwrap();
            assert_eq!(
                connected,
                own().filter(|g| g.connected).count(),
                "{event:?}"
            );
            let limit = usize::try_from(slot.busy_limit).unwrap();
            assert!(limit == 0 || in_flight <= limit, "{event:?}");
        }
        let all = usize::try_from(self.balancer.occupancy.now()).unwrap();
        assert_eq!(all, guards.len(), "{event:?}");
    }

    /// A broken cluster does not get a multiple of its load.
    fn check_budget(&self) {
        let percent = u64::from(self.balancer.config().retry_budget);
        let account = &self.model.account;
        if percent < 100 {
            let most = account.requests * percent / 100 + 100 + 10 * (self.now / 1000 + 1);
            assert!(account.granted <= most);
        }
    }

    /// Everybody leaves: nothing is left behind, and with time everybody is back.
    pub(super) fn end(mut self) {
        while let Some(request) = self.requests.pop() {
            request.leaves(&mut self.model, self.now);
        }
        self.probes.clear();
        for slot in &self.balancer.slots {
            assert_eq!(
                (slot.state.in_flight(), slot.state.connected.load(Relaxed)),
                (0, 0)
            );
        }
        assert_eq!(self.balancer.occupancy.now(), 0);
        for _ in 0..6 {
            self.now += 100_000;
            self.balancer.maintain(at(self.now), INTERVAL);
            let due: Vec<_> = self
                .balancer
                .due_probes(at(self.now))
                .map(|(i, _)| i)
                .collect();
            for member in due {
                self.balancer
                    .begin_probe(member)
                    .unwrap()
                    .answered(at(self.now));
            }
        }
        for (index, slot) in self.balancer.slots.iter().enumerate() {
            let state = slot.state.state();
            let up = state.is_usable() || state == State::Busy;
            assert!(up, "{index} stays {state:?}");
            self.balancer
                .set_activation(index, configured::Activation::Active);
        }
        self.balancer.pick("", at(self.now)).unwrap();
    }
}

fn check_tallies(member: &MemberView, life: &Life, event: &Event) {
    let counts = &member.counts;
    let real = [
        counts.elected,
        counts.sessions,
        counts.errors,
        counts.client_errors,
        counts.reply_timeouts,
    ];
    let by_book = [
        life.elected,
        life.sessions,
        life.errors,
        life.client_errors,
        life.reply_timeouts,
    ];
    assert_eq!(real, by_book.map(Tally::get), "{event:?}");
    let real = (member.recent_reply_timeouts, member.max_busy);
    let by_book = (u64::from(life.recent_timeouts), life.max_busy);
    assert_eq!(real, by_book, "{event:?}");
}
