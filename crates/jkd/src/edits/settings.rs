//! The settings that may change at run time: what they are called, what they may be, and where
//! they are in the model.

mod table;
mod value;

use std::sync::Arc;

use jkworkers::model::{AjpWorker, Balancer, Member, WorkerKind};

pub(crate) use self::{
    table::{AJP, BALANCER, HOST, MEMBER, PORT},
    value::Value,
};

/// A setting of a balancer, of a member or of the way to a Tomcat.
pub(crate) struct Kind<T: 'static> {
    /// mod_jk's parameter.
    pub(crate) code: &'static str,
    /// What it is called in workers.properties.
    pub(crate) name: &'static str,
    /// What may be written.
    pub(crate) range: Range,
    pub(crate) get: fn(&T) -> Value,
    pub(crate) set: fn(&mut T, &Value),
}

/// What may be written, as mod_jk has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Flag,
    /// Any number from this one on.
    From(i32),
    Lock,
    Method,
    /// A multiple of 1024 that a packet may have; others are rounded up.
    PacketSize,
    /// At most this many bytes are a name.
    Text,
}

/// A setting of whichever kind.
pub(super) enum Any {
    Ajp(&'static Kind<AjpWorker>),
    Balancer(&'static Kind<Balancer>),
    Member(&'static Kind<Member>),
}

/// The setting with this parameter.
pub(super) fn of_code(code: &str) -> Option<Any> {
    let ajp = AJP.iter().chain([&HOST, &PORT]);
    let mut ajp = ajp.filter(|kind| kind.code == code);
    let mut member = MEMBER.iter().filter(|kind| kind.code == code);
    let mut balancer = BALANCER.iter().filter(|kind| kind.code == code);
    (ajp.next().map(Any::Ajp))
        .or_else(|| member.next().map(Any::Member))
        .or_else(|| balancer.next().map(Any::Balancer))
}

impl Any {
    /// Its value for a worker, or for one of its members.
    pub(super) fn get(&self, worker: &WorkerKind, member: Option<&str>) -> Option<Value> {
        let members = |lb: &Arc<Balancer>| {
            let mut members = lb.members.iter();
            let found = members.find(|m| member.is_some_and(|name| *m.worker.name == *name));
            found.cloned()
        };
        Some(match (self, worker) {
            (Self::Balancer(kind), WorkerKind::Balancer(lb)) => (kind.get)(lb),
            (Self::Member(kind), WorkerKind::Balancer(lb)) => (kind.get)(&members(lb)?),
            (Self::Ajp(kind), WorkerKind::Balancer(lb)) => (kind.get)(&members(lb)?.worker),
            (Self::Ajp(kind), WorkerKind::Ajp13(ajp)) if member.is_none() => (kind.get)(ajp),
            _ => return None,
        })
    }
}

/// The Tomcat of a member, or of a worker by itself.
pub(super) fn ajp_at<'a>(
    worker: &'a mut WorkerKind,
    member: Option<&str>,
) -> Option<&'a mut AjpWorker> {
    if let WorkerKind::Ajp13(ajp) = worker {
        return member.is_none().then(|| Arc::make_mut(ajp));
    }
    member_at(worker, member).map(|member| Arc::make_mut(&mut member.worker))
}

pub(super) fn member_at<'a>(
    worker: &'a mut WorkerKind,
    member: Option<&str>,
) -> Option<&'a mut Member> {
    let WorkerKind::Balancer(lb) = worker else {
        return None;
    };
    let mut members = Arc::make_mut(lb).members.iter_mut();
    members.find(|m| member.is_some_and(|name| *m.worker.name == *name))
}
