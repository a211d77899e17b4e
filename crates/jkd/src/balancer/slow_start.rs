//! `slow_start`: a member that comes back from an error gets its share little by little.
//!
//! mod_jk gives it its whole share at once. A Tomcat that has just started compiles its pages and
//! fills its caches then, and may fail again under what the others take with ease.
//!
//! While a member warms up it counts as if its factor were smaller: that part of it which has
//! passed of `slow_start`, at least a hundredth. Nothing is saved up meanwhile: once it is warm it
//! takes turns with the others as if it had always had its share. What decides is the member that
//! would be chosen *now*, so that a member without much to do is not kept waiting for what it would
//! have had to wait at the begin.
//!
//! The probe itself is no part of it, nor are requests of the member's own sessions. With
//! `stateless` members just take turns; with `distance` a nearer member gets everything in spite of
//! it.

use std::time::Duration;

use jkworkers::model;

use super::{Balancer, Slot, clock::Now, method};

/// By what all multipliers are raised where members may warm up, so that parts of one can be told
/// apart.
const FINE: u64 = 128;

/// By what multipliers and loads are larger than mod_jk's.
pub(super) fn scale(config: &model::Balancer) -> u64 {
    if config.slow_start.is_zero() { 1 } else { FINE }
}

impl Balancer {
    /// The load by which a member is compared with others.
    pub(super) fn load_now(&self, slot: &Slot, now: Now) -> u64 {
        slot.load().saturating_add(self.handicap(slot, now))
    }

    /// For how long a member that is back still warms up, if it does.
    pub(super) fn warm_in(&self, slot: &Slot, now: Now) -> Option<Duration> {
        let age = slot.state.back_since.age(now)?;
        let rest = self.config.slow_start.saturating_sub(age);
        (!rest.is_zero() && slot.state.state().is_usable()).then_some(rest)
    }

    /// What a chosen member's load takes over of its handicap. It is brought up to the load of the
    /// others, but for one step of theirs, lest a handicap that has shrunk turns into a debt of
    /// theirs and into a flood.
    pub(super) fn settle(&self, slot: &Slot, now: Now) -> u64 {
        let whole = self.config.slow_start;
        let Some(age) = slot.state.back_since.age(now).filter(|_| !whole.is_zero()) else {
            return 0;
        };
        if age >= whole {
            slot.state.back_since.clear();
        }
        let load = slot.load();
        let Some(level) = self.level_of_others(slot, now) else {
            return 0;
        };
        self.load_now(slot, now).max(level).saturating_sub(load)
    }

    /// The least load of the others that might have been chosen, less one request of theirs.
    #[cold]
    fn level_of_others(&self, slot: &Slot, now: Now) -> Option<u64> {
        let others = || {
            (self.slots.iter())
                .filter(|other| !std::ptr::eq(*other, slot) && other.distance == slot.distance)
                .filter(|other| other.state.is_active_and_up())
        };
        let least = others().map(|other| self.load_now(other, now)).min()?;
        let step = |other: &Slot| {
            let unit = other.unit(self.config.method);
            unit.saturating_add(self.handicap(other, now))
        };
        let step = others().map(step).max()?;
        Some(least.saturating_sub(step))
    }

    /// What a member that warms up has on top of its load: what it would have more after one more
    /// request if its factor were smaller.
    fn handicap(&self, slot: &Slot, now: Now) -> u64 {
        let whole = self.config.slow_start;
        if whole.is_zero() {
            return 0;
        }
        match slot.state.back_since.age(now) {
            Some(age) if age < whole => slot.extra(self.config.method, age, whole),
            _ => 0,
        }
    }
}

impl Slot {
    /// The member is back, or will be if this request is answered: from now on it warms up.
    pub(super) fn begin_warm_up(&self, now: Now) {
        self.state.back_since.set(now);
    }

    #[cold]
    fn extra(&self, by: model::Method, age: Duration, whole: Duration) -> u64 {
        let unit = self.unit(by);
        let age = age.max(whole / 100).as_millis().max(1);
        let rest = whole.as_millis().saturating_sub(age);
        let extra = u128::from(unit).saturating_mul(rest) / age;
        u64::try_from(extra).unwrap_or(u64::MAX)
    }

    fn unit(&self, by: model::Method) -> u64 {
        method::unit(by, self.load(), self.mult, || self.mean_bytes())
    }

    /// Bytes of one request and its answer, on average.
    fn mean_bytes(&self) -> u64 {
        let counters = &self.state.counters;
        let bytes = (counters.transferred.total()).saturating_add(counters.read.total());
        bytes / counters.elected.total().max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jkworkers::model::Method;

    use super::*;
    use crate::balancer::{Verdict, testing::*};

    const WHOLE: u64 = 100;

    /// `b` comes back at second 100 of a time in which `a` has had a lot to do.
    fn back(by: Method, factors: &[u32]) -> Arc<Balancer> {
        let balancer = with(factors, |c| {
            c.method = by;
            c.slow_start = Duration::from_secs(WHOLE);
        });
        balancer.record(1, Verdict::Failed, seconds(1));
        (0..1000).for_each(|_| serve(&balancer, seconds(2)));
        balancer.recover(1);
        let probe = balancer.pick("JSESSIONID=1.b", seconds(100)).unwrap();
        assert!(probe.probe);
        let mut guard = balancer.begin(probe, seconds(100)).unwrap();
        guard.count_bytes(500, 500);
        guard.works();
        drop(guard);
        balancer
    }

    /// One request, answered at once with 1000 bytes.
    fn serve(balancer: &Arc<Balancer>, now: Now) {
        let chosen = balancer.pick("", now).unwrap();
        balancer.begin(chosen, now).unwrap().count_bytes(500, 500);
    }

    /// How many of `count` requests at one moment `b` gets.
    fn share(balancer: &Arc<Balancer>, second: u64, count: u64) -> u64 {
        let elected = || balancer.view(at(0)).members[1].counts.elected;
        let before = elected();
        (0..count).for_each(|_| serve(balancer, seconds(second)));
        elected() - before
    }

    #[test]
    fn the_share_grows_evenly() {
        for by in [
            Method::Request,
            Method::Session,
            Method::Next,
            Method::Traffic,
        ] {
            let balancer = back(by, &[1, 1]);
            for (age, percent) in [(0, 1), (10, 10), (25, 25), (50, 50), (75, 75), (99, 99)] {
                // Of 100 + p requests p are b's.
                let count = 10 * (100 + percent);
                let expected = 10 * percent;
                let got = share(&balancer, 100 + age, count);
                let about = expected - 2..=expected + 2;
                assert!(about.contains(&got), "{by:?} {age}: {got} of {count}");
            }
        }
    }

    #[test]
    fn how_long_it_still_takes_is_seen() {
        let balancer = back(Method::Request, &[1, 1]);
        let warm_in = |second| balancer.view(seconds(second)).members[1].warm_in;
        assert_eq!(warm_in(130), Some(Duration::from_secs(70)));
        assert_eq!(warm_in(200), None);
        balancer.record(1, Verdict::Failed, seconds(140));
        assert_eq!(warm_in(140), None, "it is in error");
        let other = balancer.view(seconds(130)).members[0].warm_in;
        assert_eq!(other, None);
    }

    #[test]
    fn factors_hold_for_the_share() {
        let balancer = back(Method::Request, &[1, 3]);
        // Half of three shares beside one.
        let got = share(&balancer, 150, 1000);
        assert!((598..=602).contains(&got), "{got}");
    }

    #[test]
    fn the_fewer_are_in_flight_the_colder_it_is() {
        let balancer = back(Method::Busyness, &[1, 1]);
        let now = seconds(125);
        let begin = |_| {
            balancer
                .begin(balancer.pick("", now).unwrap(), now)
                .unwrap()
        };
        let guards: Vec<_> = (0..100).map(begin).collect();
        let busy = || -> Vec<_> { balancer.view(now).members.iter().map(|m| m.busy).collect() };
        assert_eq!(busy(), [80, 20]);
        drop(guards);
        let loads: Vec<_> = balancer.view(now).members.iter().map(|m| m.load).collect();
        assert_eq!((busy(), loads), (vec![0, 0], vec![0, 0]));
    }

    #[test]
    fn once_it_is_warm_it_owes_nothing() {
        for by in [Method::Request, Method::Session, Method::Next] {
            let balancer = back(by, &[1, 1]);
            // It has had nothing while it was cold, and does not get it now.
            assert_eq!(share(&balancer, 101, 80), 0);
            let got = share(&balancer, 100 + WHOLE, 100);
            assert!((50..=51).contains(&got), "{by:?} {got}");
            // Nor is it kept waiting for what it got then.
            let balancer = back(by, &[1, 1]);
            assert!(share(&balancer, 101, 200) > 0);
            let got = share(&balancer, 100 + WHOLE, 100);
            assert!((50..=51).contains(&got), "{by:?} {got}");
        }
    }

    #[test]
    fn its_own_sessions_come_all_the_time() {
        let balancer = back(Method::Request, &[1, 1]);
        let before = balancer.view(at(0)).members[1].load;
        for _ in 0..10 {
            let chosen = balancer.pick("JSESSIONID=1.b", seconds(101)).unwrap();
            assert!(chosen.sticky && chosen.index == 1);
        }
        assert_eq!(balancer.view(at(0)).members[1].load, before + 10);
    }

    #[test]
    fn the_probe_does_not_wait() {
        let balancer = with(&[1, 1], |c| c.slow_start = Duration::from_secs(WHOLE));
        balancer.record(1, Verdict::Failed, seconds(1));
        balancer.next_names(3, seconds(2));
        balancer.recover(1);
        // Its load is the other's, and its turn is next.
        assert_eq!(balancer.next_names(4, seconds(3)), "baaa");
        assert_eq!(balancer.states(), "OK/IDLE ERR/PRB");
    }

    #[test]
    fn a_whole_cluster_that_comes_back_shares_as_ever() {
        let balancer = with(&[2, 1], |c| c.slow_start = Duration::from_secs(WHOLE));
        for index in 0..2 {
            balancer.record(index, Verdict::Failed, seconds(1));
        }
        balancer.force_recovery(&mut crate::balancer::Tried::default());
        for index in 0..2 {
            let cookie = format!("JSESSIONID=1.{}", ["a", "b"][index]);
            balancer.pick(&cookie, seconds(2)).unwrap();
            balancer.record(index, Verdict::Ok, seconds(2));
        }
        let got = share(&balancer, 10, 300);
        assert!((98..=102).contains(&got), "{got}");
    }

    #[test]
    fn probes_in_the_background_begin_it_too() {
        let balancer = with(&[1, 1], |c| {
            c.slow_start = Duration::from_secs(WHOLE);
            edit(&mut c.members[1], |w| {
                w.probe.interval = Some(Duration::from_secs(1));
            });
        });
        balancer.record(1, Verdict::Failed, seconds(1));
        (0..100).for_each(|_| serve(&balancer, seconds(2)));
        balancer.begin_probe(1).unwrap().answered(seconds(3));
        assert_eq!(balancer.states(), "OK/IDLE OK");
        let got = share(&balancer, 3 + 50, 300);
        assert!((99..=101).contains(&got), "{got}");
    }

    #[test]
    fn without_it_there_is_no_handicap() {
        let balancer = balancer(&[1, 1]);
        balancer.record(1, Verdict::Failed, seconds(1));
        balancer.recover(1);
        balancer.pick("JSESSIONID=1.b", seconds(2)).unwrap();
        assert_eq!(balancer.handicap(&balancer.slots[1], seconds(2)), 0);
    }
}
