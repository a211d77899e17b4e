//! What each method makes of the same requests.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
};

use jkworkers::model::Method;

use super::super::{Balancer, InFlight, Slot, Verdict, testing::*};

fn by(method: Method, factors: &[u32]) -> Arc<Balancer> {
    with(factors, |c| c.method = method)
}

fn begin(balancer: &Arc<Balancer>, cookie: &str) -> InFlight {
    let chosen = balancer.pick(cookie, at(0)).unwrap();
    balancer.begin(chosen, at(0)).unwrap()
}

/// The names of members that get requests with this cookie, each answered at once.
fn serve(balancer: &Arc<Balancer>, cookie: &str, count: usize, bytes: u64) -> String {
    (0..count)
        .map(|_| {
            let mut guard = begin(balancer, cookie);
            guard.count_bytes(bytes / 2, bytes / 2);
            guard.record(Verdict::Ok, at(0));
            balancer.name_of(Ok(*guard.chosen()))
        })
        .collect()
}

#[test]
fn sessions_weigh_nothing_once_they_exist() {
    for method in [Method::Session, Method::Next] {
        let balancer = by(method, &[1, 1]);
        serve(&balancer, "JSESSIONID=1.a", 5, 0);
        assert_eq!(serve(&balancer, "", 4, 0), "abab", "{method:?}");
        assert_eq!(balancer.view(at(0)).members[0].load, 2);
        // An id without a route is a session as well, though not one that leads anywhere.
        serve(&balancer, "JSESSIONID=9", 1, 0);
        let loads: u64 = balancer.view(at(0)).members.iter().map(|m| m.load).sum();
        assert_eq!(loads, 4);
    }
}

#[test]
fn all_requests_count_by_request() {
    let balancer = by(Method::Request, &[1, 1]);
    serve(&balancer, "JSESSIONID=1.a", 2, 0);
    assert_eq!(serve(&balancer, "", 4, 0), "bbab");
}

#[test]
fn traffic_counts_bytes_both_ways() {
    let balancer = by(Method::Traffic, &[2, 1]);
    assert_eq!(serve(&balancer, "", 1, 1000), "a");
    assert_eq!(serve(&balancer, "", 1, 1000), "b");
    assert_eq!(serve(&balancer, "", 2, 500), "aa");
    let view = balancer.view(at(0));
    let loads: Vec<_> = view.members.iter().map(|m| m.load).collect();
    assert_eq!(loads, [2000, 2000]);
    let a = &view.members[0];
    assert_eq!((a.counts.transferred, a.counts.read), (1000, 1000));
}

#[test]
fn busyness_counts_what_is_in_flight() {
    let balancer = by(Method::Busyness, &[2, 1]);
    let guards: Vec<_> = (0..6).map(|_| begin(&balancer, "")).collect();
    let busy: Vec<_> = balancer
        .view(at(0))
        .members
        .iter()
        .map(|m| m.busy)
        .collect();
    assert_eq!(busy, [4, 2]);
    drop(guards);
    let view = balancer.view(at(0));
    assert!(view.members.iter().all(|m| m.busy == 0 && m.load == 0));
    let _held = begin(&balancer, "JSESSIONID=1.a");
    assert_eq!(serve(&balancer, "", 3, 0), "bbb");
    assert_eq!(view.members[0].max_busy, 4);
}

/// Guards of many threads, some with a verdict, some dropped: nothing stays behind.
#[test]
fn counts_do_not_drift() {
    let balancer = by(Method::Busyness, &[3, 2, 1]);
    thread::scope(|scope| {
        for lane in 0..8 {
            let balancer = &balancer;
            scope.spawn(move || {
                for turn in 0..2000 {
                    let mut guard = begin(balancer, "");
                    if turn % 2 > 0 {
                        guard.connected();
                    }
                    if (turn + lane) % 3 > 0 {
                        guard.record(Verdict::Ok, at(turn));
                    }
                }
            });
        }
    });
    let view = balancer.view(at(0));
    let connected = |slot: &Slot| slot.state.connected.load(Relaxed);
    assert!(balancer.slots.iter().all(|slot| connected(slot) == 0));
    assert!(view.members.iter().all(|m| m.busy == 0 && m.load == 0));
    assert_eq!(
        view.members.iter().map(|m| m.counts.elected).sum::<u64>(),
        16_000
    );
    assert_eq!(
        view.members.iter().map(|m| m.counts.sessions).sum::<u64>(),
        16_000
    );
}
