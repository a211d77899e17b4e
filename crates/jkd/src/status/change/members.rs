//! `update` of members, and of the way to Tomcats.

use std::{sync::Arc, time::Duration};

use jkworkers::model::{AjpWorker, Balancer, Member};

use super::{Desk, Plan, accept, activate};
use crate::{
    edits::{AJP, HOST, Kind, MEMBER, PORT, Range, Value},
    names,
    snapshot::Group,
};

/// How long an update waits for the address of a name.
const LOOKUP: Duration = Duration::from_secs(5);

/// The code of the activation, which is no setting like others.
const ACTIVATION: &str = "vwa";

/// What became of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Committed {
    AsBefore,
    Changed,
}

/// Whose settings are changed.
#[derive(Clone, Copy)]
struct Of<'a> {
    group: &'a Group,
    /// `None`: those of a worker by itself.
    member: Option<&'a Arc<str>>,
    /// The name for messages.
    name: &'a str,
}

impl Desk<'_> {
    /// `w` is mounted by itself.
    pub(super) fn update_alone(&self, group: &Group, ajp: &AjpWorker, plan: &mut Plan) {
        let of = Of {
            group,
            member: None,
            name: &group.name,
        };
        self.update_ajp(of, ajp, plan);
    }

    /// `sw`, perhaps with wildcards: the first that fails is the last.
    pub(super) fn update_members(
        &self,
        group: &Group,
        lb: &Balancer,
        indices: &[usize],
        plan: &mut Plan,
    ) {
        let named = self.query.member.as_deref().unwrap_or_default();
        for index in indices {
            let Some(member) = lb.members.get(*index) else {
                continue;
            };
            if let Some(text) = self.query.get(ACTIVATION) {
                self.activate(group, *index, text);
            }
            self.update_member(group, member, plan);
            let Some(failure) = &mut plan.failure else {
                continue;
            };
            if named.contains('*') {
                failure.push_str(" Aborting further wildcard updates.");
            }
            return;
        }
    }

    /// `att`: one attribute of all members, from `val0`, `val1` and so on.
    pub(super) fn update_all(&self, group: &Group, lb: &Balancer, code: &str, plan: &mut Plan) {
        let member = MEMBER.iter().find(|kind| kind.code == code);
        let ajp = AJP.iter().find(|kind| kind.code == code);
        if member.is_none() && ajp.is_none() && code != ACTIVATION {
            tracing::warn!(
                "Status worker '{}' unknown attribute '{}'",
                self.asked.status,
                code.escape_debug()
            );
            return;
        }
        for (index, old) in lb.members.iter().enumerate() {
            let Some(text) = self.query.get(&format!("val{index}")) else {
                continue;
            };
            let of = Of::member(group, old);
            let mut new = old.clone();
            if let Some(kind) = member {
                if self.commit(of, (kind, &mut new), text, plan) == Committed::Changed {
                    self.derive_domain(of, kind, &mut new, plan);
                }
            } else if let Some(kind) = ajp {
                self.commit(of, (kind, Arc::make_mut(&mut new.worker)), text, plan);
            } else {
                self.activate(group, index, text);
            }
        }
        // As in mod_jk the result does not tell of a name that is too long here; the log does.
        plan.failure = None;
    }

    fn update_member(&self, group: &Group, member: &Member, plan: &mut Plan) {
        let of = Of::member(group, member);
        let mut new = member.clone();
        for kind in MEMBER {
            if let Some(text) = self.query.get(kind.code)
                && self.commit(of, (kind, &mut new), text, plan) == Committed::Changed
            {
                self.derive_domain(of, kind, &mut new, plan);
            }
        }
        self.update_ajp(of, &member.worker, plan);
    }

    fn update_ajp(&self, of: Of<'_>, ajp: &AjpWorker, plan: &mut Plan) {
        let mut new = ajp.clone();
        for (place, kind) in AJP.iter().enumerate() {
            if place == 1 {
                self.move_to(of, &mut new, plan);
            }
            if let Some(text) = self.query.get(kind.code) {
                self.commit(of, (kind, &mut new), text, plan);
            }
        }
    }

    /// Sets what is written, if it may be that.
    fn commit<T>(
        &self,
        of: Of<'_>,
        (kind, new): (&'static Kind<T>, &mut T),
        text: &str,
        plan: &mut Plan,
    ) -> Committed {
        if kind.range == Range::Text
            && let Err(failure) = self.checked(of, kind.name, text)
        {
            plan.failure = Some(failure);
            return Committed::AsBefore;
        }
        let value = accept::value(kind.range, text);
        value.map_or(Committed::AsBefore, |value| {
            self.set(plan, of.group, of.member, (kind, new), value)
        })
    }

    /// # Errors
    ///
    /// What is said about a name that cannot be.
    fn checked(&self, of: Of<'_>, name: &str, text: &str) -> Result<(), String> {
        let why = if text.len() > accept::MAX_NAME {
            "too long"
        } else if text.chars().any(char::is_control) {
            "not printable"
        } else {
            return Ok(());
        };
        let shown = text.escape_debug();
        tracing::error!(
            "Status worker '{}': the {name} '{shown}' for worker '{}' is {why}: at most {} printable bytes are supported",
            self.asked.status,
            of.name,
            accept::MAX_NAME
        );
        Err(format!(
            "Update failed (at least partially): new {name} '{text}' {why} for sub worker '{}', see log file for details.",
            of.name
        ))
    }

    /// As for workers of files: what stands before the dot of a route is the domain of a member that has none.
    fn derive_domain(&self, of: Of<'_>, changed: &Kind<Member>, new: &mut Member, plan: &mut Plan) {
        let (Some((domain, _)), "vwn", None) =
            (new.route.split_once('.'), changed.code, &new.domain)
        else {
            return;
        };
        let domain: Arc<str> = domain.into();
        if let Some(kind) = MEMBER.iter().find(|kind| kind.code == "vwc") {
            self.set(plan, of.group, of.member, (kind, new), Value::Text(domain));
        }
    }

    /// Another host, or another port: where it can be found.
    fn move_to(&self, of: Of<'_>, new: &mut AjpWorker, plan: &mut Plan) {
        let old = ((HOST.get)(new), (PORT.get)(new));
        let port = self.query.get(PORT.code);
        let port = port.and_then(|text| accept::value(PORT.range, text));
        let port = port.unwrap_or_else(|| old.1.clone());
        let mut host = old.0.clone();
        if let Some(text) = self.query.get(HOST.code) {
            match self.checked(of, "host name", text) {
                Ok(()) => host = Value::Text(text.into()),
                Err(failure) => plan.failure = Some(failure),
            }
        }
        if (&host, &port) == (&old.0, &old.1) {
            return;
        }
        if !can_be_found(&host, &port) {
            tracing::error!(
                "Status worker '{}' failed resolving address '{host}:{port}' for sub worker '{}'.",
                self.asked.status,
                of.name
            );
            plan.failure = Some(format!(
                "Update failed (at least partially): could not resolve address '{host}:{port}' for sub worker '{}'.",
                of.name
            ));
            return;
        }
        self.set(plan, of.group, of.member, (&HOST, &mut *new), host);
        self.set(plan, of.group, of.member, (&PORT, new), port);
    }

    fn activate(&self, group: &Group, index: usize, text: &str) {
        let new = accept::activation(text);
        let (Some(state), Some(member)) = (
            group.balancer.member(index),
            group.balancer.config().members.get(index),
        ) else {
            return;
        };
        let old = state.activation();
        if old != new {
            self.log(
                group,
                Some(&member.worker.name),
                "activation",
                (old.code(), new.code()),
            );
            activate(group, index, new);
        }
    }
}

impl<'a> Of<'a> {
    fn member(group: &'a Group, member: &'a Member) -> Self {
        Self {
            group,
            member: Some(&member.worker.name),
            name: &member.worker.name,
        }
    }
}

/// Whether there is an address for it. Blocks, but not for ever.
fn can_be_found(host: &Value, port: &Value) -> bool {
    let (Value::Text(host), Value::Number(port)) = (host, port) else {
        return false;
    };
    u16::try_from(*port).is_ok() && names::is_known(host, LOOKUP)
}
