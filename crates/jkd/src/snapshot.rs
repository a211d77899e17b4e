//! The running configuration: the model, and for each worker the objects that serve it.
//!
//! A snapshot does not change. A reload builds a new one that takes over what goes on living: the
//! states and counters of members, and the connections of endpoints whose settings are the same.

mod endpoint;
mod retired;

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock, Weak},
    time::Duration,
};

use ajp13::{Pool, wire::PacketSize};
use jkworkers::model::{Model, StatusWorker, Worker, WorkerKind};
use rustc_hash::FxHashMap;
use tokio::time::Instant;

pub use self::endpoint::Endpoint;
use self::endpoint::Endpoints;
pub(crate) use self::retired::Retired;
use crate::{
    balancer::{Balancer, Now},
    logging::Quota,
    logs::Logs,
    names::Names,
    serve::Shared,
    stats::Requests,
    tls,
};

/// Lines about failed requests in a second, for each worker.
const FAILURES: u32 = 20;

/// Lines about members that change their state in a second; where there are more members, one for
/// each.
const CHANGES: u32 = 20;

/// Everything that serving a request needs.
#[derive(Debug)]
pub struct Snapshot {
    /// Whether any host lets proxies say who the client is.
    pub(crate) believes_proxies: bool,
    /// What files say.
    pub(crate) configured: Arc<Model>,
    /// What is being served.
    pub model: Arc<Model>,
    /// Logs of its requests.
    pub(crate) logs: Arc<Logs>,
    /// What clients shake hands with.
    pub(crate) tls: Arc<tls::Hosts>,
    /// What its host names stand for.
    pub(crate) names: Arc<Names>,
    /// Where it is replaced by another one.
    pub(crate) home: Weak<Shared>,
    /// In the order of the model.
    workers: Vec<Running>,
    /// Hashed without secret keys: names come from the configuration, not from clients.
    by_name: FxHashMap<Arc<str>, usize>,
}

/// A mounted worker.
#[derive(Debug)]
pub enum Running {
    /// `ajp13` or `lb`.
    Group(Group),
    /// `status`.
    Status(Arc<StatusWorker>),
}

/// A balancer, or a stand-alone worker as a balancer of one.
#[derive(Debug)]
pub struct Group {
    /// The worker's name.
    pub name: Arc<str>,
    /// Its place in `worker.list`.
    index: usize,
    /// Counts the requests that end.
    pub(crate) requests: Requests,
    /// Whether it was configured as a balancer.
    pub is_balancer: bool,
    /// Who gets which request.
    pub balancer: Arc<Balancer>,
    /// One for each member, in configuration order.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Body bytes that fit one packet of each member.
    pub(crate) max_data: usize,
    /// Limits what failing requests write into the log.
    failures: Quota,
    /// Limits what members write into it that fail and work by turns.
    changes: Quota,
}

impl Snapshot {
    /// Makes the objects for `model`, which `configured` has become, taking over from the snapshot
    /// `before` what goes on living.
    ///
    /// `lanes` is the number of runtimes that keep their connections apart.
    pub(crate) fn new(
        (configured, model): (Arc<Model>, Arc<Model>),
        names: Arc<Names>,
        (logs, tls): (Arc<Logs>, Arc<tls::Hosts>),
        before: Option<Before<'_>>,
        (lanes, home): (usize, Weak<Shared>),
    ) -> Self {
        let believes_proxies = model.hosts.iter().any(|host| host.remote_ip.is_some());
        let mut endpoints = Endpoints::new(before, &names, lanes);
        let numbered = || model.workers.iter().enumerate();
        let workers = numbered().map(|(index, worker)| endpoints.run(index, worker));
        let workers = workers.collect();
        let by_name = numbered().map(|(index, worker)| (worker.name.clone(), index));
        let by_name = by_name.collect();
        Self {
            believes_proxies,
            configured,
            model,
            logs,
            tls,
            names,
            home,
            workers,
            by_name,
        }
    }

    /// The worker of this name, if it can be mounted.
    pub fn worker(&self, name: &str) -> Option<&Running> {
        // Most requests are for the first of few.
        let first = self.model.workers.first();
        if first.is_some_and(|first| *first.name == *name) {
            return self.workers.first();
        }
        self.workers.get(*self.by_name.get(name)?)
    }

    /// What files say about the worker of this name.
    pub(crate) fn configured(&self, name: &str) -> Option<&Worker> {
        // Both models have the same workers; only their members differ.
        let worker = self.configured.workers.get(*self.by_name.get(name)?);
        worker.map(|worker| &**worker)
    }

    /// All groups in the order of `worker.list`.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.workers.iter().filter_map(Running::group)
    }

    /// The name of the worker that serves a request; empty where there is none.
    pub(crate) fn name_of(&self, by: Served) -> &str {
        let worker = by.group.and_then(|index| self.model.workers.get(index));
        worker.map_or("", |worker| &*worker.name)
    }

    /// Counts a request that has ended.
    pub(crate) fn count(&self, by: Served, status: u16, took: Duration) {
        if let Some(group) = self.group_of(by) {
            group.requests.count(by.member, status, took);
        }
    }

    /// The worker that serves a request.
    pub(crate) fn group_of(&self, by: Served) -> Option<&Group> {
        let running = by.group.and_then(|index| self.workers.get(index));
        running.and_then(Running::group)
    }

    /// Lets go of the connections that `old` has and this snapshot does not share. Requests that
    /// `old` still serves find new ones, if they have none yet.
    pub(crate) fn retire(&self, old: &Self) -> Vec<(Arc<str>, Pool)> {
        let kept: HashSet<_> = self.endpoints().map(|e| &*e.identity).collect();
        let gone = old.endpoints().filter(|e| !kept.contains(&*e.identity));
        gone.map(|endpoint| {
            endpoint.pool.retire();
            (endpoint.worker.name.clone(), endpoint.pool.clone())
        })
        .collect()
    }

    fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.groups()
            .flat_map(|group| &group.endpoints)
            .map(|e| &**e)
    }

    fn group(&self, name: &str) -> Option<&Group> {
        self.worker(name)?.group()
    }
}

/// The snapshot that another one follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// Whether an operator has changed settings, so that all members are the same.
    pub(crate) is_edited: bool,
}

impl Running {
    const fn group(&self) -> Option<&Group> {
        match self {
            Self::Group(group) => Some(group),
            Self::Status(_) => None,
        }
    }
}

/// Who served a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Served {
    /// The worker's place in `worker.list`.
    group: Option<usize>,
    /// The member that answered.
    pub(crate) member: Option<usize>,
}

impl Served {
    /// The request was mapped to this group.
    pub(crate) const fn by(group: &Group) -> Self {
        Self {
            group: Some(group.index),
            member: None,
        }
    }

    /// Whether a group of members has served it, or tried to.
    pub(crate) const fn is_by_group(&self) -> bool {
        self.group.is_some()
    }
}

/// The present moment in the balancers' time, which begins with the process.
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now::after_start(START.elapsed())
}

impl Group {
    /// Whether there may be another line about a failed request now. With the level `debug` there
    /// always may.
    pub(crate) fn may_log(&self) -> bool {
        self.is_granted(&self.failures, "failed requests")
    }

    /// The same for a line about a member's state.
    pub(crate) fn may_log_change(&self) -> bool {
        self.is_granted(&self.changes, "members that changed their state")
    }

    fn is_granted(&self, quota: &Quota, about: &str) -> bool {
        if tracing::enabled!(tracing::Level::DEBUG) {
            return true;
        }
        let withheld = quota.take(now().since(Now::default()).as_secs());
        if let Some(withheld @ 1..) = withheld {
            tracing::warn!(worker = %self.name, withheld, "there were more lines about {about}; JkLogLevel debug shows them all");
        }
        withheld.is_some()
    }

    /// What the backend is told about which member it is; stand-alone workers are none.
    pub(crate) fn route(&self, member: usize) -> Option<&str> {
        let members = &self.balancer.config().members;
        members
            .get(member)
            .filter(|_| self.is_balancer)
            .map(|member| &*member.route)
    }

    /// The state of a member for a line in the log.
    pub(crate) fn state_of(&self, member: Option<usize>) -> &'static str {
        let state = member.and_then(|index| self.balancer.member(index));
        state.map_or("?", |state| state.state().text())
    }
}

impl Endpoints<'_> {
    fn run(&mut self, index: usize, worker: &Worker) -> Running {
        let (balancer, is_balancer) = match &worker.kind {
            WorkerKind::Status(status) => return Running::Status(status.clone()),
            WorkerKind::Ajp13(ajp) => (Balancer::alone(ajp.clone()), false),
            WorkerKind::Balancer(lb) => (Balancer::new(lb.clone()), true),
        };
        Running::Group(Group {
            index,
            is_balancer,
            ..self.group(&worker.name, balancer)
        })
    }

    fn group(&mut self, name: &Arc<str>, mut balancer: Balancer) -> Group {
        if let Some(before) = self.before
            && let Some(old) = before.snapshot.group(name)
        {
            balancer.adopt(&old.balancer, before.is_edited);
        }
        balancer.start(now());
        let members = &balancer.config().members;
        let endpoints: Vec<_> = members.iter().map(|m| self.endpoint(&m.worker)).collect();
        let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let max_data = endpoints.iter().map(|e| e.packet_size.max_data()).min();
        Group {
            name: name.clone(),
            index: 0,
            requests: Requests::new(name, members.iter().map(|m| &*m.worker.name)),
            is_balancer: false,
            max_data: max_data.unwrap_or(PacketSize::DEFAULT.max_data()),
            failures: Quota::new(FAILURES),
            changes: Quota::new(CHANGES.max(count)),
            balancer: Arc::new(balancer),
            endpoints,
        }
    }
}
