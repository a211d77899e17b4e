//! What each method makes of the same requests.

mod model;

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
};

use jkworkers::model::Method;

use super::super::{
    Balancer, InFlight, RuleOverrides, Selection, SessionIds, Slot, Tried, Verdict, testing::*,
};

const METHODS: [Method; 5] = [
    Method::Request,
    Method::Session,
    Method::Next,
    Method::Traffic,
    Method::Busyness,
];

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

/// What `event` leaves of the load of `a`, whose multiplier is 2, under each of [`METHODS`].
fn adds(event: impl Fn(&Arc<Balancer>)) -> [u64; 5] {
    METHODS.map(|method| {
        let balancer = with(&[1, 2], |c| {
            c.method = method;
            edit(&mut c.members[0], |w| w.busy_limit = 1);
        });
        event(&balancer);
        balancer.view(at(0)).members[0].load
    })
}

#[test]
fn when_loads_grow() {
    // Request, Session, Next, Traffic, Busyness.
    let answered = |cookie: &'static str| {
        adds(|balancer| {
            let mut guard = begin(balancer, cookie);
            guard.count_bytes(10, 20);
            guard.works();
        })
    };
    assert_eq!(answered(""), [2, 2, 2, 60, 0], "a new session");
    assert_eq!(
        answered("JSESSIONID=9"),
        [2, 0, 0, 60, 0],
        "an id without a route"
    );
    assert_eq!(
        answered("JSESSIONID="),
        [2, 2, 2, 60, 0],
        "an empty id is none"
    );
    assert_eq!(
        answered("JSESSIONID=9.a"),
        [2, 0, 0, 60, 0],
        "its own session"
    );
}

#[test]
fn when_loads_grow_in_spite_of_failures() {
    let held = adds(|balancer| std::mem::forget(begin(balancer, "")));
    assert_eq!(held, [2, 2, 2, 0, 2], "before the end of the call");
    let fails = adds(|balancer| {
        begin(balancer, "").record(Verdict::Failed, at(0));
    });
    assert_eq!(fails, [2, 2, 2, 0, 0], "a failed attempt");
    let full = adds(|balancer| {
        let _working = balancer.slots[0].state.in_flight.fetch_add(1, Relaxed);
        let chosen = balancer.pick("", at(0)).unwrap();
        assert!(balancer.begin(chosen, at(0)).is_err());
    });
    assert_eq!(full, [2, 2, 2, 0, 0], "refused because of busy_limit");
    let unconnected = adds(|balancer| {
        begin(balancer, "").record(Verdict::NoEndpoint, at(0));
    });
    assert_eq!(unconnected, [0; 5], "no endpoint");
    let stateless = adds(|balancer| {
        let sessions = SessionIds::default();
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides {
                stateless: true,
                ..RuleOverrides::default()
            },
        };
        let chosen = balancer.choose(&selection, &Tried::default(), at(0));
        let mut guard = balancer.begin(chosen.unwrap(), at(0)).unwrap();
        guard.count_bytes(10, 20);
    });
    assert_eq!(stateless, [2, 0, 0, 60, 0], "a rule with stateless");
}

#[test]
fn when_sessions_are_counted() {
    for method in METHODS {
        let balancer = by(method, &[1, 1]);
        for (cookie, sessions) in [("JSESSIONID=1.a", 0), ("JSESSIONID=1", 0), ("", 1)] {
            let before = balancer.view(at(0));
            serve(&balancer, cookie, 1, 0);
            let count = |view: &crate::balancer::View| -> u64 {
                view.members.iter().map(|m| m.counts.sessions).sum()
            };
            let counted = count(&balancer.view(at(0))) - count(&before);
            assert_eq!(counted, sessions, "{method:?} {cookie}");
        }
    }
}

#[test]
fn multipliers() {
    for (factors, mults) in [
        (&[1, 1][..], &[1, 1][..]),
        (&[2, 1], &[1, 2]),
        (&[4, 6, 10], &[15, 10, 6]),
        (&[3, 3, 3], &[1, 1, 1]),
        (&[1, 100], &[100, 1]),
        (&[7, 11, 13], &[143, 91, 77]),
    ] {
        let view = balancer(factors).view(at(0));
        let actual: Vec<_> = view.members.iter().map(|m| m.mult).collect();
        assert_eq!(actual, mults, "{factors:?}");
    }
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
    for guard in &guards {
        guard.can_be_sent();
    }
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
                        guard.connected(at(0));
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
