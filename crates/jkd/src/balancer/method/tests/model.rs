//! mod_jk's arithmetic once more, as plainly as can be, and a proof that the balancer does the same.

use std::sync::Arc;

use jkworkers::model::{Activation, Method};
use proptest::prelude::*;

use super::{METHODS, by};
use crate::balancer::{Balancer, InFlight, RuleOverrides, Selection, Tried, Verdict, testing::*};

/// Loads by the book: no atomics, no shortcuts.
struct Model {
    method: Method,
    mults: Vec<u64>,
    loads: Vec<u64>,
    active: Vec<bool>,
    next: usize,
    maintained: Option<u64>,
}

impl Model {
    fn new(method: Method, factors: &[u32]) -> Self {
        let divides = |n: u64| factors.iter().all(|f| n.is_multiple_of(u64::from(*f)));
        let common = (1..=1_000_000).find(|n| divides(*n)).unwrap();
        Self {
            method,
            mults: factors.iter().map(|f| common / u64::from(*f)).collect(),
            loads: vec![0; factors.len()],
            active: vec![true; factors.len()],
            next: 0,
            maintained: None,
        }
    }

    /// Starts at the member behind the last winner; only a smaller value beats the first.
    fn choose(&mut self, stateless: bool) -> Option<usize> {
        let count = self.loads.len();
        let mut winner: Option<usize> = None;
        for turn in 0..count {
            let index = (self.next + turn) % count;
            let beats = |best: usize| !stateless && self.loads[index] < self.loads[best];
            if self.active[index] && winner.is_none_or(beats) {
                winner = Some(index);
            }
        }
        self.next = (winner? + 1) % count;
        winner
    }

    fn before(&mut self, index: usize, new_session: bool) {
        self.loads[index] += match self.method {
            Method::Request | Method::Busyness => self.mults[index],
            Method::Session | Method::Next if new_session => self.mults[index],
            _ => 0,
        };
    }

    fn after(&mut self, index: usize, bytes: u64) {
        match self.method {
            Method::Traffic => self.loads[index] += bytes * self.mults[index],
            Method::Busyness => self.loads[index] -= self.mults[index],
            _ => {}
        }
    }

    fn maintain(&mut self, now: u64, interval: u64) {
        let intervals = self.maintained.map_or(1, |then| (now - then) / interval);
        self.maintained = Some(now);
        let usable = (self.loads.iter().zip(&self.active)).filter(|(_, active)| **active);
        let least = usable.map(|(load, _)| *load).min().unwrap_or(0);
        for load in &mut self.loads {
            match self.method {
                Method::Busyness => {}
                Method::Next => *load = load.saturating_sub(least),
                _ => (0..intervals.min(64)).for_each(|_| *load /= 2),
            }
        }
    }

    fn activate(&mut self, index: usize, active: bool) {
        if self.active[index] != active && self.method != Method::Busyness {
            self.loads.fill(0);
        }
        self.active[index] = active;
    }
}

#[derive(Clone, Debug)]
enum Event {
    /// A request without a session id, to be ended later.
    New {
        stateless: bool,
    },
    /// One with an id that names no route.
    Unrouted,
    /// One that belongs to this member, if there are so many.
    Owned(usize),
    /// One that finds no connection.
    NoEndpoint,
    /// The oldest request ends.
    End {
        bytes: u64,
        verdict: Option<Verdict>,
    },
    Maintain {
        after: u64,
    },
    Activate {
        index: usize,
        active: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let verdicts = [
        None,
        Some(Verdict::Ok),
        Some(Verdict::SoftStatus),
        Some(Verdict::ClientError),
    ];
    prop_oneof![
        8 => Just(Event::New { stateless: false }),
        1 => Just(Event::New { stateless: true }),
        2 => Just(Event::Unrouted),
        3 => (0..6_usize).prop_map(Event::Owned),
        1 => Just(Event::NoEndpoint),
        6 => (0..5000_u64, prop::sample::select(verdicts.to_vec()))
            .prop_map(|(bytes, verdict)| Event::End { bytes, verdict }),
        1 => (0..200_u64).prop_map(|after| Event::Maintain { after }),
        1 => (0..6_usize, any::<bool>())
            .prop_map(|(index, active)| Event::Activate { index, active }),
    ]
}

/// The balancer and the model side by side.
struct Twins {
    balancer: Arc<Balancer>,
    model: Model,
    under_way: Vec<InFlight>,
    now: u64,
}

impl Twins {
    fn new(method: Method, factors: &[u32]) -> Self {
        Self {
            balancer: by(method, factors),
            model: Model::new(method, factors),
            under_way: Vec::new(),
            now: 0,
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::New { stateless } => self.request("", *stateless),
            Event::Unrouted => self.request("JSESSIONID=9", false),
            Event::Owned(index) => self.owned(index % self.model.loads.len()),
            Event::NoEndpoint => {
                let before = self.under_way.len();
                self.request("", false);
                if self.under_way.len() > before {
                    self.take_back();
                }
            }
            Event::End { bytes, verdict } => self.end(*bytes, *verdict),
            Event::Maintain { after } => {
                self.now += after;
                let interval = std::time::Duration::from_secs(60);
                self.balancer.maintain(seconds(self.now), interval);
                self.model.maintain(self.now, 60);
            }
            Event::Activate { index, active } => {
                let index = index % self.model.loads.len();
                let activation = [Activation::Disabled, Activation::Active][usize::from(*active)];
                self.balancer.set_activation(index, activation);
                self.model.activate(index, *active);
            }
        }
        let view = self.balancer.view(seconds(self.now));
        let loads: Vec<_> = view.members.iter().map(|m| m.load).collect();
        assert_eq!(loads, self.model.loads, "{:?} {event:?}", self.model.method);
    }

    fn request(&mut self, header: &str, stateless: bool) {
        let sessions = cookie(header);
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides {
                stateless,
                ..RuleOverrides::default()
            },
        };
        let now = seconds(self.now);
        let chosen = self.balancer.choose(&selection, &Tried::default(), now);
        let expected = self.model.choose(stateless);
        assert_eq!(
            chosen.map(|c| c.index).ok(),
            expected,
            "{:?}",
            self.model.method
        );
        if let (Ok(chosen), Some(index)) = (chosen, expected) {
            self.model.before(index, header.is_empty() && !stateless);
            self.under_way
                .push(self.balancer.begin(chosen, now).unwrap());
        }
    }

    fn owned(&mut self, index: usize) {
        let name = &self.balancer.config().members[index].route;
        let chosen = self
            .balancer
            .pick(&format!("JSESSIONID=1.{name}"), seconds(self.now));
        let chosen = chosen.unwrap();
        assert_eq!(chosen.index, index);
        self.model.before(index, false);
        self.under_way
            .push(self.balancer.begin(chosen, seconds(self.now)).unwrap());
    }

    /// The last request never got a connection. Makes the member usable again, too.
    fn take_back(&mut self) {
        let Some(mut guard) = self.under_way.pop() else {
            return;
        };
        let index = guard.chosen().index;
        let weight = match self.model.method {
            Method::Traffic => 0,
            _ => self.model.mults[index],
        };
        self.model.loads[index] -= weight;
        guard.record(Verdict::NoEndpoint, seconds(self.now));
        self.balancer
            .record(index, Verdict::Protocol, seconds(self.now));
    }

    fn end(&mut self, bytes: u64, verdict: Option<Verdict>) {
        if self.under_way.is_empty() {
            return;
        }
        let mut guard = self.under_way.remove(0);
        self.model.after(guard.chosen().index, bytes);
        guard.count_bytes(bytes / 3, bytes - bytes / 3);
        if let Some(verdict) = verdict {
            guard.record(verdict, seconds(self.now));
        }
    }
}

proptest! {
    #[test]
    fn every_method_is_the_books(
        factors in prop::collection::vec(1..12_u32, 1..6),
        events in prop::collection::vec(event(), 1..200),
    ) {
        for method in METHODS {
            let mut twins = Twins::new(method, &factors);
            for event in &events {
                twins.apply(event);
            }
        }
    }
}

/// 200 requests, each answered before the next one comes, and 200 that all stay.
#[test]
fn long_sequences_of_uneven_factors() {
    for factors in [
        &[2, 1][..],
        &[1, 2, 3],
        &[7, 1, 3],
        &[5, 5, 1, 9],
        &[10, 1, 1, 1, 1, 1],
        &[97, 89, 3],
    ] {
        for method in METHODS {
            for answered in [true, false] {
                let mut twins = Twins::new(method, factors);
                for turn in 0..200 {
                    twins.apply(&Event::New { stateless: false });
                    if answered {
                        twins.apply(&Event::End {
                            bytes: 700 + turn * 37 % 500,
                            verdict: Some(Verdict::Ok),
                        });
                    }
                }
            }
        }
    }
}
