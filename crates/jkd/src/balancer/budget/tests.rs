use std::{sync::Arc, thread};

use proptest::prelude::*;

use http::Method;
use jkworkers::model::RecoveryOptions;

use super::*;
use crate::balancer::{
    Attempts, Balancer, RuleOverrides, Selection, SessionIds, Step, Verdict,
    retry::{Facts, Failure, Retry, Stage},
    testing::*,
};

/// How many of so many repetitions in a row are granted.
fn granted(budget: &Budget, wanted: usize, now: Now) -> usize {
    (0..wanted).filter(|_| budget.take_out(now)).count()
}

#[test]
fn few_requests_live_on_the_reserve() {
    let budget = Budget::new(20);
    assert_eq!(granted(&budget, 300, seconds(5)), 100);
    assert_eq!(granted(&budget, 300, seconds(6)), 10);
    assert_eq!(granted(&budget, 300, seconds(9)), 30);
    assert_eq!(granted(&budget, 300, seconds(3600)), 100);
    assert_eq!((budget.granted(), budget.refused()), (240, 960));
}

#[test]
fn many_requests_pay_for_their_own() {
    let budget = Budget::new(20);
    for _ in 0..1000 {
        budget.pay_in(seconds(1));
    }
    assert_eq!(granted(&budget, 1000, seconds(1)), 300);
}

#[test]
fn a_quiet_time_buys_no_storm() {
    let budget = Budget::new(20);
    for second in 0..600 {
        for _ in 0..2000 {
            budget.pay_in(seconds(second));
        }
    }
    // 400 a second, a tenth of which fades: 4000 of them and the reserve.
    let steady = Account::unpack(budget.books.account.load(Relaxed)).hundredths / WHOLE;
    assert!((4000..=4100).contains(&steady), "{steady}");
    assert_eq!(granted(&budget, 5000, seconds(700)), 100);
}

#[test]
fn the_ends_of_the_scale() {
    let nothing = Budget::new(0);
    nothing.pay_in(at(0));
    assert_eq!(granted(&nothing, 10, at(0)), 0);
    let everything = Budget::new(100);
    assert_eq!(granted(&everything, 1000, at(0)), 1000);
}

#[test]
fn older_clocks_and_large_numbers() {
    let budget = Budget::new(99);
    assert!(budget.take_out(seconds(100)));
    assert!(budget.take_out(seconds(1)));
    assert_eq!(
        Account::unpack(budget.books.account.load(Relaxed)).second,
        100
    );
    let full = Account {
        second: u32::MAX - 1,
        hundredths: u32::MAX,
    };
    assert_eq!(Account::unpack(full.pack()), full);
    assert!(full.at(u32::MAX).hundredths < u32::MAX);
    budget.books.account.store(full.pack(), Relaxed);
    budget.pay_in(Now::after_start(std::time::Duration::MAX));
}

#[test]
fn threads_share_one_account() {
    let budget = Budget::new(50);
    let granted: usize = thread::scope(|scope| {
        let work = || {
            (0..1000)
                .filter(|_| {
                    budget.pay_in(at(0));
                    budget.take_out(at(0))
                })
                .count()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    // Exactly half of the requests and the reserve: nothing is lost and nothing made up.
    assert_eq!(granted, 8000 / 2 + 100);
}

proptest! {
    /// The promise at the top of this file, at every moment.
    #[test]
    fn repetitions_are_bounded(
        percent in 0..100_u32,
        steps in prop::collection::vec((0..3_u64, 0..200_u64, 0..200_u64), 1..60),
    ) {
        let budget = Budget::new(percent);
        let (mut now, mut requests) = (0, 0);
        for (pause, coming, failing) in steps {
            now += pause;
            requests += coming;
            (0..coming).for_each(|_| budget.pay_in(seconds(now)));
            granted(&budget, failing.try_into().unwrap(), seconds(now));
            let limit = requests * u64::from(percent) / 100 + 100 + 10 * now;
            prop_assert!(budget.granted() <= limit);
        }
    }
}

/// A request that is being served.
struct Visit {
    attempts: Attempts,
    member: usize,
}

impl Visit {
    /// Asks until there is a member. Nobody waits here: pauses are over at once.
    fn begin(balancer: &Arc<Balancer>, now: Now) -> Self {
        let mut visit = Self {
            attempts: Attempts::new(Arc::clone(balancer)),
            member: 0,
        };
        assert!(visit.goes_on(now), "somebody is up");
        visit
    }

    /// Whether it is sent to a member, perhaps once more.
    fn goes_on(&mut self, now: Now) -> bool {
        let sessions = SessionIds::default();
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides::default(),
        };
        loop {
            match self.attempts.step(&selection, now) {
                Step::Try(chosen) => {
                    self.member = chosen.index;
                    return true;
                }
                Step::Sleep(_) => {}
                Step::GiveUp(_) => return false,
            }
        }
    }

    /// Whether it reaches `b`, while `a` refuses connections.
    fn is_up(&mut self, now: Now) -> bool {
        while self.goes_on(now) {
            if self.member == 1 {
                return true;
            }
            self.fails(Failure::Connect, Stage::NothingSent, now);
        }
        false
    }

    fn fails(&mut self, failure: Failure, stage: Stage, now: Now) -> Retry {
        let facts = Facts {
            stage,
            method: &Method::GET,
            body_consumed: false,
            body_asked: false,
            pooled: true,
        };
        self.attempts.failed(failure, &facts, now)
    }

    fn succeeds(&mut self, now: Now) {
        let mut guard = self.attempts.answered().unwrap();
        guard.record(Verdict::Ok, now);
    }
}

fn limited(factors: &[u32], percent: u32) -> Arc<Balancer> {
    with(factors, |c| c.retry_budget = percent)
}

#[test]
fn a_repetition_that_nobody_is_left_for_costs_nothing() {
    for percent in [20, 100] {
        let balancer = with(&[1, 1], |c| {
            c.retry_budget = percent;
            c.retries.attempts = 1;
        });
        let mut visit = Visit::begin(&balancer, at(0));
        for is_left in [true, false] {
            let retry = visit.fails(Failure::SoftStatus, Stage::HeadersReceived, at(0));
            assert_eq!(retry, Retry::Elsewhere);
            assert_eq!(visit.goes_on(at(0)), is_left);
        }
        assert_eq!(balancer.view(at(0)).repeated, 1);
        let left = granted(&balancer.budget, 200, at(0));
        assert_eq!(left, if percent == 100 { 200 } else { 99 });
    }
}

#[test]
fn what_was_not_sent_costs_nothing() {
    let balancer = limited(&[1, 1], 0);
    let mut visit = Visit::begin(&balancer, at(0));
    for _ in 0..2 {
        let retry = visit.fails(Failure::Connect, Stage::NothingSent, at(0));
        assert!(!matches!(retry, Retry::No | Retry::OverBudget));
        assert!(visit.goes_on(at(0)));
    }
    assert_eq!(visit.member, 1);
    let view = balancer.view(at(0));
    assert_eq!((view.repeated, view.over_budget), (0, 0));
}

#[test]
fn beyond_the_budget_a_failure_is_final() {
    let balancer = limited(&[1, 1], 0);
    let mut visit = Visit::begin(&balancer, at(0));
    let retry = visit.fails(Failure::Closed, Stage::RequestSent, at(0));
    assert_eq!(retry, Retry::OverBudget);
    assert!(!visit.goes_on(at(0)));
    let view = balancer.view(at(0));
    assert_eq!((view.repeated, view.over_budget), (0, 1));
    assert_eq!(
        balancer.states(),
        "ERR OK/IDLE",
        "the member is judged all the same"
    );
    // What would not be repeated anyhow is no matter of the budget.
    let mut visit = Visit::begin(&balancer, at(0));
    let retry = visit.fails(Failure::ReplyTimeout, Stage::RequestSent, at(0));
    assert_eq!((retry, balancer.view(at(0)).over_budget), (Retry::No, 1));
}

/// 2000 requests a second, each of which takes so many milliseconds; then member `a` is gone with
/// all that it was working on. Returns the requests that failed.
fn kill_one(after: u64, takes: u64, limit: u32) -> usize {
    let balancer = limited(&[1, 1], limit);
    let mut under_way: Vec<(u64, Visit)> = Vec::new();
    let mut failed = 0;
    for now in 0..after + 2 * takes {
        if now == after {
            for (_, visit) in under_way.iter_mut().filter(|(_, v)| v.member == 0) {
                visit.fails(Failure::Closed, Stage::RequestSent, at(now));
                failed += usize::from(!visit.is_up(at(now)));
            }
        }
        for _ in 0..2 {
            let mut visit = Visit::begin(&balancer, at(now));
            if now >= after && visit.member == 0 {
                visit.fails(Failure::Connect, Stage::NothingSent, at(now));
                assert!(visit.is_up(at(now)), "refused connections cost nothing");
            }
            under_way.push((now + takes, visit));
        }
        under_way.retain_mut(|(end, visit)| {
            let over = *end <= now;
            if over && visit.attempts.in_flight().is_some() {
                visit.succeeds(at(now));
            }
            !over
        });
    }
    failed
}

#[test]
fn a_killed_member_costs_no_request() {
    // 64, 128 and 256 requests in flight, soon after the start and later.
    for takes in [32, 64, 128] {
        for after in [takes, 1000, 15_000] {
            assert_eq!(
                kill_one(after, takes, 20),
                0,
                "{takes} ms, killed after {after} ms"
            );
        }
    }
    assert!(kill_one(1000, 64, 0) > 50, "this test can fail");
}

fn behaviour() -> impl Strategy<Value = Option<(Failure, Stage)>> {
    prop_oneof![
        Just(None),
        Just(Some((Failure::Connect, Stage::NothingSent))),
        Just(Some((Failure::Closed, Stage::RequestSent))),
        Just(Some((Failure::Framing, Stage::RequestSent))),
        Just(Some((Failure::ReplyTimeout, Stage::RequestSent))),
        Just(Some((Failure::HardStatus, Stage::HeadersReceived))),
        Just(Some((Failure::SoftStatus, Stage::HeadersReceived))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever members do and under whichever rule: members get no more requests than clients send
    /// and the budget allows.
    #[test]
    fn transmissions_are_bounded(
        percent in 0..100_u32,
        explicit in any::<bool>(),
        bursts in prop::collection::vec((0..3_u64, 1..120_usize, behaviour(), behaviour()), 1..12),
    ) {
        let balancer = with(&[2, 1], |c| {
            c.retry_budget = percent;
            for member in &mut c.members {
                edit(member, |w| w.recovery_options = explicit.then(RecoveryOptions::default));
            }
        });
        let (mut now, mut requests, mut transmissions) = (0, 0, 0);
        for (pause, count, a, b) in bursts {
            now += pause;
            for _ in 0..count {
                requests += 1;
                let mut visit = Visit {
                    attempts: Attempts::new(Arc::clone(&balancer)),
                    member: 0,
                };
                while visit.goes_on(seconds(now)) {
                    let behaviour = [a, b][visit.member];
                    let sent = behaviour.is_none_or(|(_, stage)| stage > Stage::NothingSent);
                    transmissions += u64::from(sent);
                    match behaviour {
                        Some((failure, stage)) => {
                            visit.fails(failure, stage, seconds(now));
                        }
                        None => visit.succeeds(seconds(now)),
                    }
                }
            }
            let repeated = requests * u64::from(percent) / 100 + 100 + 10 * now;
            prop_assert!(transmissions <= requests + repeated.min(7 * requests * u64::from(percent > 0)));
        }
    }
}
