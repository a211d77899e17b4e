//! Many threads that choose at once spread requests as one thread would.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use jkworkers::model::Method;

use super::{Balancer, InFlight, RuleOverrides, Selection, SessionIds, Tried, Verdict, testing::*};

const THREADS: usize = 8;
const FACTORS: [&[u32]; 4] = [&[1, 1], &[5, 3, 2], &[1, 7], &[3, 3, 2, 1, 1]];

/// Runs `work` on all threads at once; they wait for each other at the barrier. So it must not
/// panic: the others would wait for ever.
fn at_once<T: Send>(work: impl Fn(usize, &Barrier) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let (work, barrier) = (&work, &barrier);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || work(thread, barrier)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

fn begin(balancer: &Arc<Balancer>) -> InFlight {
    let chosen = balancer.pick("", at(0)).unwrap();
    balancer.begin(chosen, at(0)).unwrap()
}

fn elected(balancer: &Balancer) -> Vec<u64> {
    let view = balancer.view(at(0));
    view.members.iter().map(|m| m.counts.elected).collect()
}

fn loads(balancer: &Balancer) -> Vec<u64> {
    let view = balancer.view(at(0));
    view.members.iter().map(|m| m.load).collect()
}

fn spread(values: &[u64]) -> u64 {
    values.iter().max().unwrap() - values.iter().min().unwrap()
}

fn max_mult(balancer: &Balancer) -> u64 {
    let view = balancer.view(at(0));
    view.members.iter().map(|m| m.mult).max().unwrap()
}

/// After each round, whatever its size, each member has exactly what one thread would have given
/// it.
#[test]
fn requests_and_sessions_are_spread_exactly() {
    for (method, factors) in [Method::Request, Method::Session, Method::Next]
        .into_iter()
        .flat_map(|method| FACTORS.map(|factors| (method, factors)))
    {
        let of_many = with(factors, |c| c.method = method);
        let of_one = with(factors, |c| c.method = method);
        let rounds = at_once(|thread, barrier| {
            let mut seen = Vec::new();
            for round in 1..40 {
                (0..round).for_each(|_| drop(begin(&of_many)));
                barrier.wait();
                if thread == 0 {
                    (0..round * THREADS).for_each(|_| drop(begin(&of_one)));
                    seen.push((elected(&of_many), elected(&of_one)));
                }
                barrier.wait();
            }
            seen
        });
        for (many, one) in rounds.concat() {
            assert_eq!(many, one, "{method:?} {factors:?}");
        }
    }
}

/// All of them in flight: nobody has one more than its share.
#[test]
fn what_is_in_flight_is_spread_exactly() {
    for factors in FACTORS {
        let busyness = || with(factors, |c| c.method = Method::Busyness);
        let (of_many, of_one) = (busyness(), busyness());
        let busy = |balancer: &Balancer| -> Vec<u32> {
            let view = balancer.view(at(0));
            view.members.iter().map(|m| m.busy).collect()
        };
        let rounds = at_once(|thread, barrier| {
            let mut seen = Vec::new();
            for round in 1..20 {
                let guards: Vec<_> = (0..round).map(|_| begin(&of_many)).collect();
                barrier.wait();
                if thread == 0 {
                    let alike: Vec<_> = (0..round * THREADS).map(|_| begin(&of_one)).collect();
                    seen.push((busy(&of_many), busy(&of_one)));
                    drop(alike);
                }
                barrier.wait();
                drop(guards);
                barrier.wait();
            }
            seen
        });
        for (many, one) in rounds.concat() {
            let differ = |(a, b): (&u32, &u32)| a.abs_diff(*b);
            let most = many.iter().zip(&one).map(differ).max();
            assert!(most <= Some(1), "{factors:?}: {many:?} {one:?}");
        }
        assert_eq!(spread(&loads(&of_many)), 0);
    }
}

/// Bytes are known at the end only: what is in flight until then is the most that members differ.
#[test]
fn traffic_is_spread_up_to_what_is_in_flight() {
    const BYTES: u64 = 1000;
    for factors in FACTORS {
        let balancer = with(factors, |c| c.method = Method::Traffic);
        at_once(|_, _| {
            for _ in 0..500 {
                begin(&balancer).count_bytes(BYTES / 2, BYTES / 2);
            }
        });
        let in_flight = u64::try_from(THREADS).unwrap() * BYTES * max_mult(&balancer);
        assert!(spread(&loads(&balancer)) <= in_flight, "{factors:?}");
    }
}

/// Requests that fail and go elsewhere, with and without having counted.
#[test]
fn failures_do_not_tip_the_balance() {
    for (method, factors) in [
        Method::Request,
        Method::Session,
        Method::Next,
        Method::Busyness,
    ]
    .into_iter()
    .flat_map(|method| FACTORS.map(|factors| (method, factors)))
    {
        let balancer = with(factors, |c| c.method = method);
        at_once(|thread, _| (0..500).for_each(|turn| with_failures(&balancer, thread * 7 + turn)));
        let step = max_mult(&balancer);
        let most = u64::try_from(THREADS + 2).unwrap() * step;
        assert!(spread(&loads(&balancer)) <= most, "{method:?} {factors:?}");
        // Nothing is left behind: soon they take turns as ever.
        (0..200).for_each(|_| drop(begin(&balancer)));
        assert!(spread(&loads(&balancer)) <= step, "{method:?} {factors:?}");
        assert_eq!(balancer.view(at(0)).busy, 0);
    }
}

/// One request in twenty fails at its first member in one way, one in another.
fn with_failures(balancer: &Arc<Balancer>, turn: usize) {
    let sessions = SessionIds::default();
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    let mut tried = Tried::default();
    let verdict = match turn % 20 {
        0 => Some(Verdict::NoEndpoint),
        1 => Some(Verdict::Protocol),
        _ => None,
    };
    if let Some(verdict) = verdict {
        let chosen = balancer.choose(&selection, &tried, at(0)).unwrap();
        let mut guard = balancer.begin(chosen, at(0)).unwrap();
        guard.record(verdict, at(0));
        tried.insert(chosen.index);
    }
    if let Ok(chosen) = balancer.choose(&selection, &tried, at(0)) {
        drop(balancer.begin(chosen, at(0)));
    }
}
