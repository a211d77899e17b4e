//! What commands change: `update`, `reset` and `recover`.
//!
//! One at a time, and what runs cannot change meanwhile. All of it counts from the next request on.

mod members;

use std::sync::Arc;

use jkworkers::model::{Balancer, WorkerKind};

use self::members::Committed;
use super::{
    Asked, accept,
    query::{Command, Query},
    report::Refusal,
    target::Target,
};
use crate::{
    balancer,
    edits::{BALANCER, Edits, Kind, Place, Value},
    serve::{Change, Shared},
    snapshot::{self, Group, Running, Snapshot},
};

/// Does what the query says.
///
/// # Errors
///
/// In mod_jk's words. Where it says that an update failed at least partially, all else was done.
pub(super) fn make(shared: &Shared, asked: &Asked, query: &Query) -> Result<(), Refusal> {
    let change = shared.change();
    let running = change.running();
    let target = Target::find(&running, query, query.command == Command::Update)?;
    let desk = Desk {
        running: &running,
        asked,
        query,
    };
    match query.command {
        Command::Recover => desk.recover(&target),
        Command::Reset => desk.reset(&target),
        _ => desk.update(&target, change),
    }
}

/// Who changes what.
struct Desk<'a> {
    running: &'a Snapshot,
    asked: &'a Asked,
    query: &'a Query,
}

/// What an update comes to.
#[derive(Default)]
struct Plan {
    edits: Edits,
    is_changed: bool,
    failure: Option<String>,
}

impl Desk<'_> {
    fn recover(&self, target: &Target<'_>) -> Result<(), Refusal> {
        let group = group(target);
        let done = group.zip(target.member()).is_some_and(|(group, index)| {
            let done = group.balancer.recover(index);
            if done {
                self.note(group, Some(index), "marked for recovery");
            }
            done
        });
        if done {
            return Ok(());
        }
        Err("Marking worker for recovery failed".into())
    }

    fn reset(&self, target: &Target<'_>) -> Result<(), Refusal> {
        let group = group(target).ok_or("Reset failed")?;
        let now = snapshot::now();
        let only = target.member();
        match only {
            Some(index) => group.balancer.reset(index, now),
            None => group.balancer.reset_all(now),
        }
        let endpoints = group.endpoints.iter().enumerate();
        for (_, endpoint) in endpoints.filter(|(index, _)| only.is_none_or(|only| only == *index)) {
            endpoint.pool.forget_max_open();
        }
        self.note(group, only, "reset");
        Ok(())
    }

    fn update(&self, target: &Target<'_>, change: Change<'_>) -> Result<(), Refusal> {
        let group = group(target).ok_or("Update failed")?;
        let mut plan = Plan {
            edits: change.edits().clone(),
            ..Plan::default()
        };
        let worker = self.running.model.worker(&group.name);
        match worker.map(|worker| &worker.kind) {
            Some(WorkerKind::Ajp13(ajp)) => self.update_alone(group, ajp, &mut plan),
            Some(WorkerKind::Balancer(lb)) => match (&target.members, self.query.get("att")) {
                (Some(members), _) => self.update_members(group, lb, members, &mut plan),
                (None, Some(code)) => self.update_all(group, lb, code, &mut plan),
                (None, None) => self.update_balancer(group, lb, &mut plan),
            },
            _ => {}
        }
        if plan.is_changed {
            change.edit(plan.edits);
        }
        plan.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    fn update_balancer(&self, group: &Group, lb: &Balancer, plan: &mut Plan) {
        for kind in BALANCER {
            if let Some(text) = self.query.get(kind.code)
                && let Some(value) = accept::value(kind.range, text)
            {
                self.set(plan, group, None, (kind, &mut lb.clone()), value);
            }
        }
    }

    /// Changes a setting, unless it is so already.
    fn set<T>(
        &self,
        plan: &mut Plan,
        group: &Group,
        member: Option<&Arc<str>>,
        (kind, of): (&'static Kind<T>, &mut T),
        value: Value,
    ) -> Committed {
        let old = (kind.get)(of);
        if old == value {
            return Committed::AsBefore;
        }
        self.log(group, member.map(|name| &**name), kind.name, (&old, &value));
        (kind.set)(of, &value);
        let place = Place {
            worker: group.name.clone(),
            member: member.cloned(),
        };
        plan.edits.set(&place, kind.code, old, value);
        plan.is_changed = true;
        Committed::Changed
    }

    /// A line about a setting, who changed it, and how.
    fn log(
        &self,
        group: &Group,
        member: Option<&str>,
        name: &str,
        (old, new): (impl std::fmt::Display, impl std::fmt::Display),
    ) {
        let about = about(group, member);
        let Asked {
            status,
            user,
            client,
            ..
        } = self.asked;
        let user = user.as_deref().unwrap_or("(null)").escape_debug();
        tracing::info!(
            %client, %user,
            "Status worker '{status}' changing '{name}' for {about} from '{old}' to '{new}'"
        );
    }

    /// A line about something else that was done.
    fn note(&self, group: &Group, index: Option<usize>, what: &str) {
        let members = &group.balancer.config().members;
        let member = index.and_then(|index| members.get(index));
        let about = about(group, member.map(|member| &*member.worker.name));
        let Asked {
            status,
            user,
            client,
            ..
        } = self.asked;
        let user = user.as_deref().unwrap_or("(null)").escape_debug();
        tracing::info!(%client, %user, "Status worker '{status}': {about} {what}");
    }
}

fn about(group: &Group, member: Option<&str>) -> String {
    match member {
        Some(member) => format!("sub worker '{member}' of lb worker '{}'", group.name),
        None if group.is_balancer => format!("lb worker '{}'", group.name),
        None => format!("ajp worker '{}'", group.name),
    }
}

const fn group<'a>(target: &Target<'a>) -> Option<&'a Group> {
    match target.worker {
        Running::Group(group) => Some(group),
        Running::Status(_) => None,
    }
}

/// A change of a member's activation counts at once, and all members begin with the same load.
fn activate(group: &Group, index: usize, activation: jkworkers::model::Activation) {
    let balancer: &balancer::Balancer = &group.balancer;
    balancer.set_activation(index, activation);
}
