//! The balancer beside a model of it: whatever is configured and whatever happens, in whatever
//! order, both come to the same, and what must never happen does not.
//!
//! `PROPTEST_CASES` says how many stories are told.

mod checks;
mod events;
mod model;

use std::{sync::Arc, time::Duration};

use jkworkers::model as configured;
use proptest::prelude::*;

use self::{
    events::{Change, Event, Goes, Request},
    model::{Fault, Model, Way, WayStep, Wish},
};
use super::{
    Attempts, Balancer, InFlight, Probe, RuleOverrides, Selection, SessionIds, State, Step,
    Verdict, retry::Facts, testing::*,
};

/// `worker.maintain`.
const INTERVAL: Duration = Duration::from_secs(10);

/// The balancer and its model.
struct Twins {
    balancer: Arc<Balancer>,
    model: Model,
    requests: Vec<Twin>,
    probes: Vec<(Probe, usize, usize)>,
    now: u64,
    /// Loads are not predicted: `slow_start` has a say in them.
    warms_up: bool,
}

/// A request, and the same one in the model.
struct Twin {
    asks: Request,
    attempts: Attempts,
    way: Way,
    /// The guard of the answer that is on its way to the client.
    relayed: Option<InFlight>,
    is_trying: bool,
    history: History,
}

/// What has become of a request, to be judged by itself.
#[derive(Default)]
struct History {
    tries: u32,
    faults: Vec<Fault>,
    /// Whether any member had `recovery_options`.
    is_reckless: bool,
}

impl Twins {
    fn new(config: configured::Balancer) -> Self {
        let mut model = Model::default();
        let warms_up = !config.slow_start.is_zero();
        model.reload(config.clone(), false);
        Self {
            balancer: Arc::new(Balancer::new(Arc::new(config))),
            model,
            requests: Vec::new(),
            probes: Vec::new(),
            now: 0,
            warms_up,
        }
    }

    fn era(&self) -> usize {
        self.model.eras.len() - 1
    }

    fn apply(&mut self, event: &Event) {
        let (era, now) = (self.era(), self.now);
        let member = |which: &usize| which % self.balancer.config().members.len();
        match event {
            Event::Request(asks) => self.begin(asks),
            Event::Goes(which, goes) => self.goes(*which, goes),
            Event::Wait(time) => self.now += time,
            Event::Maintain => {
                self.balancer.maintain(at(now), INTERVAL);
                self.model.maintain(era, now, 10_000);
            }
            Event::Recover(which) => {
                self.balancer.recover(member(which));
                self.model.recover(era, member(which));
            }
            Event::Reset(which) => {
                self.balancer.reset(member(which), at(now));
                self.model.reset(era, member(which));
            }
            Event::ResetAll => self.reset_all(),
            Event::Activate(which, to) => {
                self.balancer.set_activation(member(which), *to);
                self.model.activate(era, member(which), *to);
            }
            Event::Ask(which) => self.ask(member(which)),
            Event::Asked(which, works) => self.asked(*which, *works),
            Event::Reload(change, is_edited) => self.reload(*change, *is_edited),
        }
        self.check(event);
    }

    fn begin(&mut self, asks: &Request) {
        let wish = Wish {
            has_session: !asks.cookie.is_empty(),
            routes: events::routes(asks.cookie),
            stateless: asks.stateless,
            rule: asks.rule.clone(),
        };
        self.requests.push(Twin {
            asks: asks.clone(),
            attempts: Attempts::new(Arc::clone(&self.balancer)),
            way: Way::new(self.era(), wish),
            relayed: None,
            is_trying: false,
            history: History::default(),
        });
        let last = self.requests.len() - 1;
        self.step(last);
    }

    /// Asks both for the next step of a request that is not being tried.
    fn step(&mut self, which: usize) {
        let (now, warms_up) = (self.now, self.warms_up);
        let twin = &mut self.requests[which];
        let sessions = match twin.asks.cookie {
            "" => SessionIds::default(),
            header => cookie(header),
        };
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides {
                stateless: twin.asks.stateless,
                activations: &twin.asks.rule,
            },
        };
        let step = match twin.attempts.step(&selection, at(now)) {
            Step::Try(chosen) => WayStep::Try(chosen.index, chosen.sticky, chosen.probe),
            Step::Sleep(pause) => WayStep::Sleep(u64::try_from(pause.as_millis()).unwrap()),
            Step::GiveUp(why) => WayStep::GiveUp(why),
        };
        let hint = match step {
            WayStep::Try(member, ..) if warms_up => Some(member),
            _ => None,
        };
        let expected = twin.way.step(&mut self.model, hint, now);
        assert_eq!(step, expected, "{:?}", twin.asks);
        let over = matches!(step, WayStep::GiveUp(_));
        twin.is_trying = matches!(step, WayStep::Try(..));
        if twin.is_trying {
            let config = Arc::clone(twin.attempts.balancer().config());
            twin.history.begins(&config);
        }
        if over {
            drop(self.requests.remove(which));
        }
    }

    fn goes(&mut self, which: usize, goes: &Goes) {
        let Some(which) = which.checked_rem(self.requests.len()) else {
            return;
        };
        let twin = &mut self.requests[which];
        match (goes, twin.is_trying, &mut twin.relayed) {
            (Goes::Leaves, ..) => {
                let gone = self.requests.remove(which);
                gone.leaves(&mut self.model, self.now);
            }
            (Goes::On, false, None) => self.step(which),
            (Goes::Connects, true, _) => twin.connects(&mut self.model, self.now),
            (Goes::Answers, true, _) => twin.answers(&mut self.model, self.now),
            (Goes::Fails(fault), true, _) => {
                twin.fails(&mut self.model, fault, self.now);
                self.step(which);
            }
            (Goes::Moves(bytes), _, Some(guard)) => {
                guard.count_bytes(bytes / 3, bytes - bytes / 3);
                Model::count_bytes(twin.way.guard.as_mut().unwrap(), *bytes);
            }
            (Goes::Ends(verdict), _, Some(guard)) => {
                guard.record(*verdict, at(self.now));
                let own = twin.way.guard.as_mut().unwrap();
                self.model.record(own, *verdict, self.now);
                let gone = self.requests.remove(which);
                gone.leaves(&mut self.model, self.now);
            }
            _ => {}
        }
    }

    fn reset_all(&mut self) {
        self.balancer.reset_all(at(self.now));
        let era = self.era();
        (0..self.balancer.config().members.len()).for_each(|i| self.model.reset(era, i));
        self.model.max_busy = 0;
    }

    fn ask(&mut self, member: usize) {
        let era = self.era();
        let life = self.model.eras[era].lives[member];
        let probe = self.balancer.begin_probe(member);
        assert_eq!(probe.is_none(), self.model.lives[life].is_being_asked);
        if let Some(probe) = probe {
            self.model.lives[life].is_being_asked = true;
            self.probes.push((probe, era, member));
        }
    }

    fn asked(&mut self, which: usize, works: Option<bool>) {
        let Some(which) = which.checked_rem(self.probes.len()) else {
            return;
        };
        let (probe, era, member) = self.probes.remove(which);
        let life = self.model.eras[era].lives[member];
        match works {
            Some(true) => drop(probe.answered(at(self.now))),
            Some(false) => drop(probe.failed(at(self.now))),
            None => drop(probe),
        }
        self.model.lives[life].is_being_asked = false;
        if let Some(works) = works {
            self.model.probed(era, member, works, self.now);
        }
    }

    fn reload(&mut self, change: Change, is_edited: bool) {
        let config = events::changed(self.balancer.config(), change);
        let mut next = Balancer::new(Arc::new(config.clone()));
        next.adopt(&self.balancer, is_edited);
        self.balancer = Arc::new(next);
        self.model.reload(config, is_edited);
    }
}

impl Twin {
    fn connects(&mut self, model: &mut Model, now: u64) {
        let guard = self.attempts.in_flight().unwrap();
        let own = self.way.guard.as_mut().unwrap();
        guard.can_be_sent();
        model.can_be_sent(own);
        guard.connected(at(now));
        model.connect(own, true);
    }

    fn answers(&mut self, model: &mut Model, now: u64) {
        let mut guard = self.attempts.answered().unwrap();
        guard.works();
        model.record(self.way.guard.as_mut().unwrap(), Verdict::Ok, now);
        self.relayed = Some(guard);
        self.is_trying = false;
    }

    fn fails(&mut self, model: &mut Model, fault: &Fault, now: u64) {
        let facts = Facts {
            stage: fault.stage,
            method: &fault.method,
            body_consumed: fault.body_consumed,
            body_asked: fault.body_asked,
            pooled: fault.pooled,
        };
        let member = self.attempts.in_flight().unwrap().chosen().index;
        let before = self.attempts.balancer().member(member).unwrap().state();
        self.attempts.failed(fault.failure, &facts, at(now));
        self.way.failed(model, fault, now);
        self.is_trying = false;
        let after = self.attempts.balancer().member(member).unwrap().state();
        let by_client = fault.failure.verdict() == Verdict::ClientError;
        assert!(!by_client || after != State::Error, "{before:?}: {fault:?}");
        self.history.faults.push(fault.clone());
    }

    /// Everything that belongs to it is dropped where it is.
    fn leaves(mut self, model: &mut Model, now: u64) {
        if let (Some(guard), Some(own)) = (&mut self.relayed, &self.way.guard) {
            guard.client_leaves();
            model.client_leaves(own);
        } else if let Some(own) = self.way.guard.as_ref().filter(|own| own.connected) {
            model.client_leaves(own);
        }
        drop((self.relayed, self.attempts));
        self.way.put_back(model, now);
        if let Some(own) = self.way.guard {
            model.end(own);
        }
    }
}

fn tell(config: configured::Balancer, story: &[Event]) {
    let mut twins = Twins::new(config);
    for event in story {
        twins.apply(event);
    }
    twins.end();
}

proptest! {
    #[test]
    fn the_balancer_goes_by_the_book(
        config in events::config(false),
        story in prop::collection::vec(events::event(), 1..160),
    ) {
        tell(config, &story);
    }

    #[test]
    fn members_that_warm_up_break_no_rule(
        config in events::config(true),
        story in prop::collection::vec(events::event(), 1..160),
    ) {
        tell(config, &story);
    }
}
