//! `active`, `disabled` and `stopped` of a rule, once its worker is known.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use super::Complaint;
use crate::model::{Activation, RuleExtensions, Worker, WorkerKind};

/// Where a balancer's members are, by their names.
pub(crate) type Places<'w> = HashMap<&'w str, usize>;

/// The activations that a rule gives to members of `worker`, by their index; empty when it gives
/// none. Complains, as mod_jk does, of extensions that need a balancer where there is none, of
/// unknown members and of members that are in two lists: of these the last in the order active,
/// disabled, stopped counts. `places` are the worker's, kept from rule to rule.
pub(crate) fn resolve<'w>(
    extensions: &RuleExtensions,
    worker: &'w Worker,
    places: &OnceCell<Places<'w>>,
    complain: &mut dyn FnMut(&Complaint<'_>),
) -> Arc<[Option<Activation>]> {
    if let WorkerKind::Balancer(balancer) = &worker.kind {
        if lists(extensions).iter().all(|(.., list)| list.is_empty()) {
            return Arc::default();
        }
        let members = || balancer.members.iter().enumerate();
        let places = places.get_or_init(|| members().map(|(n, m)| (&*m.worker.name, n)).collect());
        return of_members(extensions, &worker.name, places, complain);
    }
    for name in for_balancers(extensions) {
        let worker = &worker.name;
        complain(&Complaint::NoBalancer { name, worker });
    }
    Arc::default()
}

fn of_members(
    extensions: &RuleExtensions,
    worker: &str,
    places: &Places<'_>,
    complain: &mut dyn FnMut(&Complaint<'_>),
) -> Arc<[Option<Activation>]> {
    let mut activations = vec![None; places.len()];
    for (name, activation, members) in lists(extensions) {
        for member in members {
            let place = places.get(&**member);
            let Some(slot) = place.and_then(|place| activations.get_mut(*place)) else {
                complain(&Complaint::NoMember {
                    name,
                    member,
                    worker,
                });
                continue;
            };
            if let Some(first) = slot.replace(activation)
                && first != activation
            {
                complain(&Complaint::TwoActivations {
                    member,
                    first,
                    last: activation,
                });
            }
        }
    }
    activations.into()
}

/// The lists in the order in which they are applied.
fn lists(extensions: &RuleExtensions) -> [(&'static str, Activation, &[String]); 3] {
    [
        ("active", Activation::Active, &extensions.active),
        ("disabled", Activation::Disabled, &extensions.disabled),
        ("stopped", Activation::Stopped, &extensions.stopped),
    ]
}

/// Those of the written extensions that only a balancer heeds.
fn for_balancers(extensions: &RuleExtensions) -> impl Iterator<Item = &'static str> {
    let written = [
        ("active", !extensions.active.is_empty()),
        ("disabled", !extensions.disabled.is_empty()),
        ("stopped", !extensions.stopped.is_empty()),
        ("session_cookie", extensions.session_cookie.is_some()),
        ("session_path", extensions.session_path.is_some()),
        ("set_session_cookie", extensions.set_session_cookie),
        (
            "session_cookie_path",
            extensions.session_cookie_path.is_some(),
        ),
    ];
    let written = written.into_iter().filter(|(_, written)| *written);
    written.map(|(name, _)| name)
}
