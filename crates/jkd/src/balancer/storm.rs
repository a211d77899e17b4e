//! Everything at once on many threads: nothing gets stuck, and nothing is counted that is over.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use jkworkers::model::Method;

use super::{Balancer, State, Tried, Verdict, testing::*};

const VERDICTS: [Verdict; 9] = [
    Verdict::Ok,
    Verdict::ClientError,
    Verdict::SoftStatus,
    Verdict::HardStatus,
    Verdict::ReplyTimeout,
    Verdict::Busy,
    Verdict::NoEndpoint,
    Verdict::Protocol,
    Verdict::Failed,
];

/// Numbers that look random, the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        let sides = u64::try_from(among.len()).unwrap();
        among[usize::try_from(self.roll(sides)).unwrap()]
    }
}

fn stormy(method: Method) -> Arc<Balancer> {
    with(&[1, 2, 3], |config| {
        config.method = method;
        config.recover_time = Duration::from_secs(1);
        config.slow_start = Duration::from_secs(2);
        for member in &mut config.members[..2] {
            edit(member, |worker| {
                worker.busy_limit = 3;
                worker.probe.interval = Some(Duration::from_secs(1));
            });
        }
    })
}

/// Something that can happen, at a time that stands still now and then.
fn happen(balancer: &Arc<Balancer>, dice: &mut Dice, now: &mut u64) {
    *now += dice.roll(200);
    let (now, member) = (at(*now), dice.pick(&[0, 1, 2]));
    match dice.roll(40) {
        0 => drop(balancer.maintain(now, Duration::from_secs(1))),
        1 => drop(balancer.recover(member)),
        2 => balancer.reset(member, now),
        3 => drop(balancer.force_recovery(&mut Tried::default())),
        4..10 => {
            let Some(probe) = balancer.begin_probe(member) else {
                return;
            };
            match dice.roll(3) {
                0 => drop(probe.answered(now)),
                1 => drop(probe.failed(now)),
                _ => drop(probe),
            }
        }
        _ => request(balancer, dice, now),
    }
}

fn request(balancer: &Arc<Balancer>, dice: &mut Dice, now: super::Now) {
    let cookie = dice.pick(&["", "JSESSIONID=1.a", "JSESSIONID=1.c"]);
    let Ok(chosen) = balancer.pick(cookie, now) else {
        return;
    };
    let Ok(mut guard) = balancer.begin(chosen, now) else {
        return;
    };
    if dice.roll(4) > 0 {
        guard.connected(now);
    }
    if dice.roll(8) > 0 {
        guard.record(dice.pick(&VERDICTS), now);
        guard.count_bytes(dice.roll(1000), 0);
    }
}

#[test]
fn nothing_is_left_behind() {
    for method in [Method::Request, Method::Traffic, Method::Busyness] {
        let balancer = stormy(method);
        let ends = thread::scope(|scope| {
            let threads: Vec<_> = (1..=8)
                .map(|seed| {
                    let balancer = &balancer;
                    scope.spawn(move || {
                        let (mut dice, mut now) = (Dice(seed), 0);
                        (0..20_000).for_each(|_| happen(balancer, &mut dice, &mut now));
                        now
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).max()
        });
        let ends = ends.unwrap();
        // Escalates what has failed beside others, lost probes included.
        balancer.maintain(at(ends + 50_000), Duration::from_secs(1));
        assert_is_quiet(&balancer);
        assert_recovers(&balancer, ends);
    }
}

/// No request is on its way, and nobody waits for one that is.
fn assert_is_quiet(balancer: &Balancer) {
    for slot in &*balancer.slots {
        let state = &slot.state;
        assert_eq!((state.in_flight(), state.connected.load(Relaxed)), (0, 0));
        assert_ne!(state.state(), State::Probe);
        if balancer.config.method == Method::Busyness {
            assert_eq!(slot.load(), 0);
        }
    }
}

/// With time, a probe and a request everybody works, and has its share once it is warm.
fn assert_recovers(balancer: &Arc<Balancer>, ends: u64) {
    let now = |seconds: u64| at(ends + 100_000 + 1000 * seconds);
    balancer.maintain(now(0), Duration::from_secs(1));
    for (member, name) in ["a", "b", "c"].into_iter().enumerate() {
        balancer.begin_probe(member).unwrap().answered(now(1));
        let chosen = balancer.pick(&format!("JSESSIONID=1.{name}"), now(1));
        let chosen = chosen.unwrap();
        assert_eq!(chosen.index, member);
        balancer.begin(chosen, now(1)).unwrap().works();
    }
    assert_eq!(balancer.states(), "OK OK OK");
    for second in 60..120 {
        balancer.maintain(now(second), Duration::from_secs(1));
    }
    if balancer.config.method == Method::Request {
        let names = balancer.next_names(600, now(120));
        let count = |name| names.chars().filter(|n| *n == name).count();
        let shares = ['a', 'b', 'c'].map(count);
        let exact = [100_usize, 200, 300];
        let differ = shares.iter().zip(exact).map(|(a, b)| a.abs_diff(b));
        assert!(differ.max() <= Some(3), "{shares:?}");
    }
}
