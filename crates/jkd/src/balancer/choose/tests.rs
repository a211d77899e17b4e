use std::{collections::HashMap, sync::Arc, thread};

use jkworkers::model::Activation::{self, Active, Disabled, Stopped};
use proptest::prelude::*;

use super::{super::testing::*, *};
use crate::balancer::{State, Verdict};

mod sessions;

/// mod_jk's search by value, written down as plainly as possible.
struct Simulation {
    mults: Vec<u64>,
    values: Vec<u64>,
    offset: usize,
}

impl Simulation {
    fn new(factors: &[u32]) -> Self {
        let mut common = 1_u64;
        while factors
            .iter()
            .any(|f| !common.is_multiple_of(u64::from(*f)))
        {
            common += 1;
        }
        Self {
            mults: factors.iter().map(|f| common / u64::from(*f)).collect(),
            values: vec![0; factors.len()],
            offset: 0,
        }
    }

    fn next(&mut self) -> usize {
        let n = self.values.len();
        let mut candidate = None;
        for j in self.offset..self.offset + n {
            let i = j % n;
            if candidate.is_none_or(|c: usize| self.values[i] < self.values[c]) {
                candidate = Some(i);
            }
        }
        let candidate = candidate.unwrap();
        self.offset = candidate + 1;
        self.values[candidate] += self.mults[candidate];
        candidate
    }
}

#[test]
fn equal_members_take_turns() {
    assert_eq!(balancer(&[1, 1]).next_names(4, at(0)), "abab");
    assert_eq!(balancer(&[1, 1, 1]).next_names(7, at(0)), "abcabca");
}

#[test]
fn a_factor_of_two_gets_twice_as_many() {
    assert_eq!(balancer(&[2, 1]).next_names(6, at(0)), "ababaa");
}

#[test]
fn the_sequence_is_mod_jks() {
    for factors in [
        &[1, 1][..],
        &[2, 1],
        &[1, 2, 3],
        &[7, 1, 3],
        &[5, 5, 1, 9],
        &[1],
        &[10, 1, 1, 1, 1, 1],
        &[3, 3, 2],
        &[97, 89, 3],
    ] {
        let balancer = balancer(factors);
        let mut simulation = Simulation::new(factors);
        for step in 0..200 {
            let index = balancer.pick("", at(0)).unwrap().index;
            assert_eq!(index, simulation.next(), "{factors:?}, choice {step}");
        }
    }
}

#[test]
fn factors_without_common_multiple_keep_their_proportions() {
    let primes = [
        4_294_967_291_u32,
        4_294_967_279,
        4_294_967_231,
        2_147_483_647,
    ];
    let balancer = balancer(&primes);
    let mut counts = [0; 4];
    for _ in 0..7000 {
        counts[balancer.pick("", at(0)).unwrap().index] += 1;
    }
    for (count, expected) in counts.into_iter().zip([2000_i32, 2000, 2000, 1000]) {
        assert!((count - expected).abs() < 20, "{counts:?}");
    }
}

#[test]
fn a_full_counter_falls_for_all() {
    let balancer = balancer(&[1, 1]);
    let [a, b] = &*balancer.slots else { panic!() };
    a.change_load(|_| u64::MAX);
    b.change_load(|_| u64::MAX - 1);
    assert_eq!(balancer.next_names(6, at(0)), "bababa");
}

#[test]
fn far_members_wait_for_the_near_ones_to_fail() {
    let balancer = with(&[1, 1, 1], |c| c.members[0].distance = 1);
    assert_eq!(balancer.next_names(4, at(0)), "bcbc");
    balancer.record(1, Verdict::Failed, at(0));
    balancer.record(2, Verdict::NoEndpoint, at(0));
    // A busy member with a free place is back at the next request.
    assert_eq!(balancer.next_names(1, at(0)), "c");
    balancer.record(2, Verdict::Failed, at(0));
    assert_eq!(balancer.next_names(2, at(0)), "aa");
}

#[test]
fn members_that_were_tried_are_left_out() {
    let balancer = balancer(&[1, 1]);
    let sessions = cookie("JSESSIONID=1.a");
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    let mut tried = Tried::default();
    tried.insert(0);
    assert_eq!(balancer.choose(&selection, &tried, at(0)).unwrap().index, 1);
    tried.insert(1);
    assert_eq!(
        balancer.choose(&selection, &tried, at(0)),
        Err(NoMember::NoneUsable)
    );
}

#[test]
fn a_rule_may_be_stateless() {
    let balancer = balancer(&[3, 1]);
    let sessions = SessionIds::default();
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides {
            stateless: true,
            activations: &[],
        },
    };
    for expected in [0, 1, 0, 1] {
        let chosen = (balancer.choose(&selection, &Tried::default(), at(0))).unwrap();
        assert_eq!((chosen.index, chosen.new_session), (expected, false));
    }
}

#[test]
fn a_rule_may_change_activations() {
    let balancer = with(&[1, 1], |c| c.members[1].activation = Stopped);
    let sessions = SessionIds::default();
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides {
            stateless: false,
            activations: &[Some(Disabled), Some(Active)],
        },
    };
    for _ in 0..3 {
        let chosen = (balancer.choose(&selection, &Tried::default(), at(0))).unwrap();
        assert_eq!((chosen.index, chosen.activation), (1, Active));
    }
}

#[test]
fn a_rule_that_changes_a_member_changes_all_that_it_has_turned_into() {
    let balancer = with(&[1, 1, 1], |c| {
        c.members[1].configured = 0;
        c.members[2].configured = 1;
    });
    let sessions = SessionIds::default();
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides {
            stateless: false,
            activations: &[Some(Stopped), None],
        },
    };
    for _ in 0..3 {
        let chosen = (balancer.choose(&selection, &Tried::default(), at(0))).unwrap();
        assert_eq!((chosen.index, chosen.activation), (2, Active));
    }
}

#[test]
fn a_recovering_member_gets_one_request() {
    let balancer = balancer(&[1, 1]);
    balancer.record(0, Verdict::Failed, seconds(1));
    assert_eq!(balancer.next_names(2, seconds(2)), "bb");
    assert!(balancer.recover(0));
    // It starts with the load of the other one.
    assert_eq!(balancer.next_names(3, seconds(3)), "abb");
    assert_eq!(balancer.states(), "ERR/PRB OK/IDLE");
    balancer.record(0, Verdict::Ok, seconds(4));
    assert_eq!(balancer.next_names(3, seconds(5)), "aba");
}

#[test]
fn maintenance_lets_a_member_recover() {
    let balancer = balancer(&[1, 1]);
    balancer.record(0, Verdict::Failed, seconds(1));
    assert_eq!(balancer.next_names(2, seconds(61)), "bb");
    assert_eq!(balancer.next_names(2, at(61_001)), "bb");
    balancer.maintain(at(61_001), std::time::Duration::from_secs(60));
    let chosen = balancer.pick("JSESSIONID=1.a", at(61_001)).unwrap();
    assert!(chosen.probe && chosen.sticky && chosen.index == 0);
    let next = balancer.pick("JSESSIONID=1.a", at(61_002)).unwrap();
    assert!(!next.probe && next.index == 1);
}

#[test]
fn threads_share_the_exact_sequence() {
    let factors = [5, 3, 2];
    let balancer = balancer(&factors);
    let counts = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| count(&balancer, 2500)))
            .collect();
        threads.into_iter().fold([0_i32; 3], |sum, thread| {
            let part = thread.join().unwrap();
            [sum[0] + part[0], sum[1] + part[1], sum[2] + part[2]]
        })
    });
    assert_eq!(counts, [10_000, 6_000, 4_000]);
}

fn count(balancer: &Balancer, requests: usize) -> [i32; 3] {
    let mut counts = [0; 3];
    for _ in 0..requests {
        counts[balancer.pick("", at(0)).unwrap().index] += 1;
    }
    counts
}

#[test]
fn many_members() {
    let names: Vec<u32> = vec![1; 200];
    let mut config = config(&names);
    for (index, member) in config.members.iter_mut().enumerate() {
        member.route = format!("node{index}").into();
    }
    let balancer = Arc::new(Balancer::new(Arc::new(config)));
    for index in [0, 63, 64, 128, 199] {
        let cookie = format!("JSESSIONID=1.node{index}");
        let chosen = balancer.pick(&cookie, at(0)).unwrap();
        assert_eq!((chosen.index, chosen.sticky), (index, true));
    }
    let mut seen: HashMap<usize, u32> = HashMap::new();
    for _ in 0..395 {
        *seen
            .entry(balancer.pick("", at(0)).unwrap().index)
            .or_default() += 1;
    }
    // 195 catch up with the five that had a session each; then all take one more turn.
    assert_eq!(seen.len(), 200);
    assert!(seen.values().all(|n| *n <= 2));
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(Active), Just(Disabled), Just(Stopped)]
}

fn verdict() -> impl Strategy<Value = Option<Verdict>> {
    prop_oneof![
        Just(None),
        Just(Some(Verdict::Ok)),
        Just(Some(Verdict::Failed)),
        Just(Some(Verdict::NoEndpoint)),
        Just(Some(Verdict::HardStatus)),
    ]
}

proptest! {
    /// Whoever is chosen serves this kind of request; if nobody is, nobody would.
    #[test]
    fn nobody_is_chosen_who_must_not_be(
        members in prop::collection::vec((1_u32..9, activation(), verdict(), 0..3_i32), 1..6),
        redirect in prop::option::of(0..6_usize),
        session in prop::option::of(0..7_usize),
        force in any::<bool>(),
    ) {
        let factors: Vec<_> = members.iter().map(|m| m.0).collect();
        let balancer = with(&factors, |c| {
            c.sticky.force = force;
            for (member, (_, activation, _, distance)) in c.members.iter_mut().zip(&members) {
                member.activation = *activation;
                member.distance = *distance;
                member.redirect = redirect.map(|r| "abcdefg"[r..=r].into());
                // No place ever: a busy member stays busy.
                edit(member, |w| w.pool.size = Some(0));
            }
        });
        for (index, (_, _, verdict, _)) in members.iter().enumerate() {
            verdict.map(|v| balancer.record(index, v, at(0)));
        }
        let before: Vec<State> = balancer.slots.iter().map(|s| s.state.state()).collect();
        let cookie = session.map_or(String::new(), |s| format!("JSESSIONID=1.{}", &"abcdefg"[s..=s]));
        match balancer.pick(&cookie, at(0)) {
            Ok(chosen) => {
                prop_assert!(before[chosen.index].is_usable());
                prop_assert_ne!(members[chosen.index].1, Stopped);
                if chosen.sticky && members.len() > 1 {
                    prop_assert_eq!(session, Some(chosen.index));
                }
                let nearer_is_up = members.iter().zip(&before).any(|((_, activation, _, distance), state)|
                    state.is_usable() && *activation == Active && *distance < members[chosen.index].3);
                let free_choice = session.is_none() && members[chosen.index].1 == Active;
                prop_assert!(!(free_choice && nearer_is_up));
            }
            Err(NoMember::SessionLost) => prop_assert!(force && session.is_some()),
            Err(NoMember::NoneUsable) => prop_assert!(
                !members.iter().zip(&before).any(|(m, state)| state.is_usable() && m.1 == Active)
            ),
        }
    }
}
