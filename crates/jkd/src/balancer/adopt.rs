//! What a balancer takes over from the one that it follows at a reload.
//!
//! A member survives if there is one of its name. At the same address it is the same Tomcat: its
//! state, counters and requests in flight go on. At another address it is a new one of which
//! nothing is known yet. Whatever an operator changed about a member at run time stays in both
//! cases, unless the files change the same attribute.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use jkworkers::model::Member;

use super::{Balancer, Slot, method};

impl Balancer {
    /// Takes over from `old`. The requests that `old` still serves go on being counted.
    ///
    /// `is_edited`: an operator has changed settings. As in mod_jk a member stays what it is then,
    /// wherever it is now, and so do the loads.
    pub fn adopt(&mut self, old: &Self, is_edited: bool) {
        for (member, slot) in self.config.members.iter().zip(&mut self.slots) {
            if let Some((before, twin)) = old.of_name(&member.worker.name) {
                slot.adopt(member, before, twin, is_edited);
            }
        }
        self.occupancy = Arc::clone(&old.occupancy);
        if let Some(started) = old.started.get() {
            self.started.set(started);
        }
        if let Some(last) = old.last_maintenance.get() {
            self.last_maintenance.set(last);
        }
        if let Some(reset) = old.last_reset.get() {
            self.last_reset.set(reset);
        }
        self.budget.adopt(&old.budget);
        if is_edited || self.weighs_as(old) {
            // There may be fewer members: names that stand for others now are found out here, too.
            let place = old.cursor.lock().checked_rem(self.slots.len());
            *self.cursor.get_mut() = place.unwrap_or(0);
        } else if self.loads_begin_anew(old) {
            (self.slots.iter()).for_each(|slot| slot.state.load.store(0, Relaxed));
        }
    }

    fn of_name(&self, name: &str) -> Option<(&Member, &Slot)> {
        let mut members = self.config.members.iter().zip(&*self.slots);
        members.find(|(member, _)| &*member.worker.name == name)
    }

    /// Whether loads mean the same as in `old`: same method, same Tomcats, same multipliers.
    fn weighs_as(&self, old: &Self) -> bool {
        let of = |(ours, theirs): (&Slot, &Slot)| {
            Arc::ptr_eq(&ours.state, &theirs.state) && ours.mult == theirs.mult
        };
        self.config.method == old.config.method
            && self.slots.len() == old.slots.len()
            && self.slots.iter().zip(&*old.slots).all(of)
    }

    /// Members begin with the same load, lest a new one be flooded. Counts of requests in flight
    /// are what they are.
    fn loads_begin_anew(&self, old: &Self) -> bool {
        self.config.method != old.config.method || method::is_settable(self.config.method)
    }
}

impl Slot {
    fn adopt(&mut self, member: &Member, before: &Member, twin: &Self, is_edited: bool) {
        let activation = merged(
            &before.activation,
            twin.state.activation(),
            member.activation,
        );
        let (new, old) = (&member.worker, &before.worker);
        if is_edited || (&new.host, new.port) == (&old.host, old.port) {
            self.state = Arc::clone(&twin.state);
        } else {
            // Metrics go by the member's name, and must not run backwards.
            self.state.counters.follow(&twin.state.counters);
            self.state.recovery.follow(&twin.state.recovery);
        }
        self.state.set_activation(activation);
    }
}

/// The value of an attribute that files say and an operator may change at run time: what runs,
/// unless the files say something else than `before`.
fn merged<T: PartialEq>(before: &T, running: T, after: T) -> T {
    if *before == after { running } else { after }
}

#[cfg(test)]
mod tests {
    use jkworkers::model::{self, Activation, Method};

    use super::*;
    use crate::balancer::{Verdict, testing::*};

    fn after(old: &Balancer, config: model::Balancer) -> Balancer {
        let mut new = Balancer::new(Arc::new(config));
        new.adopt(old, false);
        new
    }

    fn activations(balancer: &Balancer) -> Vec<&str> {
        let of = |slot: &Slot| slot.state.activation().code();
        balancer.slots.iter().map(of).collect()
    }

    fn loads(balancer: &Balancer) -> Vec<u64> {
        balancer.slots.iter().map(Slot::load).collect()
    }

    #[test]
    fn a_reload_keeps_what_survives_it() {
        let old = balancer(&[1, 1, 1]);
        old.next_names(5, at(0));
        old.set_activation(2, Activation::Stopped);
        old.record(0, Verdict::Failed, at(0));
        let in_flight = old.begin(old.pick("", at(0)).unwrap(), at(0)).unwrap();
        let mut config = config(&[1, 1, 1, 1]);
        config.members[1].activation = Activation::Disabled;
        edit(&mut config.members[0], |w| w.host = "elsewhere".into());
        let new = after(&old, config);
        assert_eq!(new.states(), "OK/IDLE OK/IDLE OK/IDLE OK/IDLE");
        assert_eq!(activations(&new), ["ACT", "DIS", "STP", "ACT"]);
        assert_eq!(loads(&new), [0; 4], "nobody is flooded");
        assert_eq!(new.member(1).unwrap().in_flight(), 1);
        drop(in_flight);
        assert_eq!(new.member(1).unwrap().in_flight(), 0);
        assert_eq!(new.view(at(0)).members[1].counts.elected, 1);
    }

    #[test]
    fn the_totals_of_a_name_never_fall() {
        let old = balancer(&[1, 1]);
        drop(old.begin(old.pick("", at(0)).unwrap(), at(0)));
        old.record(0, Verdict::Failed, at(0));
        old.begin_probe(0).unwrap().failed(at(0));
        let mut config = config(&[1, 1]);
        edit(&mut config.members[0], |w| w.port = 1);
        let new = after(&old, config);
        let member = &new.view(at(0)).members[0];
        assert_eq!((member.totals.elected, member.totals.errors), (1, 1));
        assert_eq!((member.counts.elected, member.counts.errors), (0, 0));
        assert_eq!(member.probes, (0, 1));
        new.maintain(at(0), std::time::Duration::from_secs(60));
        assert_eq!(new.states(), "OK/IDLE OK/IDLE");
    }

    #[test]
    fn a_reload_that_changes_nothing_changes_nothing() {
        let old = balancer(&[1, 2, 3]);
        let names = |balancer: &Arc<Balancer>, count| balancer.next_names(count, at(0));
        let (alike, config) = (balancer(&[1, 2, 3]), config(&[1, 2, 3]));
        names(&old, 4);
        names(&alike, 4);
        old.maintain(seconds(60), std::time::Duration::from_secs(60));
        alike.maintain(seconds(60), std::time::Duration::from_secs(60));
        let new = Arc::new(after(&old, config));
        assert_eq!(loads(&new), loads(&alike));
        assert_eq!(names(&new, 20), names(&alike, 20));
        assert_eq!(new.last_maintenance.get(), Some(seconds(60)));
    }

    #[test]
    fn an_edit_at_run_time_follows_the_member_wherever_it_moves() {
        let old = balancer(&[1, 1]);
        old.set_activation(1, Activation::Disabled);
        old.record(1, Verdict::Failed, at(0));
        let mut config = config(&[1, 1]);
        config.members.swap(0, 1);
        edit(&mut config.members[0], |w| w.port = 1);
        let new = after(&old, config);
        assert_eq!(activations(&new), ["DIS", "ACT"]);
        assert_eq!(new.states(), "OK/IDLE OK/IDLE");
    }

    #[test]
    fn an_edit_in_the_files_wins() {
        let old = balancer(&[1]);
        old.set_activation(0, Activation::Disabled);
        let mut config = config(&[1]);
        config.members[0].activation = Activation::Stopped;
        let new = after(&old, config.clone());
        assert_eq!(activations(&new), ["STP"]);
        assert_eq!(activations(&after(&new, config)), ["STP"]);
    }

    #[test]
    fn the_retry_budget_goes_on() {
        let old = balancer(&[1, 1]);
        assert!(old.budget.take_out(at(0)));
        let new = after(&old, config(&[1, 1]));
        assert!(old.budget.take_out(at(0)));
        assert_eq!(new.view(at(0)).repeated, 2);
    }

    #[test]
    fn other_weights_let_loads_begin_anew() {
        let old = balancer(&[1, 1]);
        old.next_names(3, at(0));
        assert_eq!(loads(&after(&old, config(&[1, 1]))), [2, 1]);
        assert_eq!(loads(&after(&old, config(&[1, 3]))), [0, 0]);
    }

    #[test]
    fn turns_go_on_where_fewer_members_are_left_than_took_them() {
        let old = balancer(&[1, 1, 1, 1]);
        assert_eq!(old.next_names(3, at(0)), "abc");
        let mut new = Balancer::new(Arc::new(config(&[1, 1])));
        new.adopt(&old, true);
        assert_eq!(Arc::new(new).next_names(2, at(0)), "ba");
    }

    #[test]
    fn requests_in_flight_stay_in_the_load_of_busyness() {
        let busyness = |c: &mut model::Balancer| c.method = Method::Busyness;
        let old = with(&[1, 1], busyness);
        let chosen = old.pick("", at(0)).unwrap();
        let mut new = config(&[1, 3]);
        busyness(&mut new);
        let new = after(&old, new);
        let guard = old.begin(chosen, at(0)).unwrap();
        assert_eq!(loads(&new).iter().sum::<u64>(), 1);
        drop(guard);
        assert_eq!(loads(&new), [0, 0]);
    }
}
