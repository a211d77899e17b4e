//! What the page shows, taken from the running objects at one moment.

use std::time::{Duration, SystemTime};

use ajp13::PoolStats;
use askama::Template;
use jkworkers::model::{AjpWorker, Copied, Mount, StatusWorker};

use crate::{
    balancer::{Health, MemberView, View},
    snapshot::{self, Endpoint, Group, Snapshot},
};

/// The whole page.
#[derive(Template)]
#[template(path = "status.html")]
pub(super) struct Page<'a> {
    version: &'static str,
    time: String,
    /// A style sheet of the operator's own, below ours.
    own_css: Option<&'a str>,
    /// A command that this page does not know.
    refused: Option<&'a str>,
    balancers: Vec<BalancerBlock<'a>>,
    workers: Vec<MemberRow<'a>>,
    mounts: Vec<MountRow<'a>>,
}

struct BalancerBlock<'a> {
    name: &'a str,
    view: View,
    good: usize,
    degraded: usize,
    bad: usize,
    rows: Vec<MemberRow<'a>>,
}

/// One Tomcat.
struct MemberRow<'a> {
    worker: &'a AjpWorker,
    lbfactor: u32,
    route: &'a str,
    domain: &'a str,
    redirect: &'a str,
    distance: i32,
    view: MemberView,
    pool: PoolStats,
}

struct MountRow<'a> {
    host: &'a str,
    /// `None` stands for the rules of the main server: they are shown once.
    mount: Option<&'a Mount>,
}

impl<'a> Page<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        worker: &'a StatusWorker,
        command: Option<&'a str>,
    ) -> Self {
        let (balancers, alone): (Vec<_>, Vec<_>) =
            snapshot.groups().partition(|group| group.is_balancer);
        let block = |group: &&'a Group| BalancerBlock::new(group);
        let alone = alone.iter().map(|group| BalancerBlock::new(group));
        Self {
            version: env!("CARGO_PKG_VERSION"),
            time: httpdate::fmt_http_date(SystemTime::now()),
            own_css: worker.css.as_deref(),
            refused: command.filter(|command| !matches!(*command, "list" | "show")),
            balancers: balancers.iter().map(block).collect(),
            workers: alone.flat_map(|block| block.rows).collect(),
            mounts: mounts(snapshot),
        }
    }
}

impl<'a> BalancerBlock<'a> {
    fn new(group: &'a Group) -> Self {
        let view = group.balancer.view(snapshot::now());
        let members = group.balancer.config().members.iter();
        let rows = (view.members.iter().zip(members).zip(&group.endpoints))
            .map(|((view, member), endpoint)| MemberRow::new(view, member, endpoint))
            .collect();
        let (good, degraded, bad) = view.health;
        Self {
            name: &group.name,
            good,
            degraded,
            bad,
            rows,
            view,
        }
    }

    fn method(&self) -> String {
        format!("{:?}", self.view.config.method)
    }
}

impl<'a> MemberRow<'a> {
    fn new(
        view: &MemberView,
        member: &'a jkworkers::model::Member,
        endpoint: &'a Endpoint,
    ) -> Self {
        Self {
            worker: &endpoint.worker,
            lbfactor: member.lbfactor,
            route: &member.route,
            domain: member.domain.as_deref().unwrap_or_default(),
            redirect: member.redirect.as_deref().unwrap_or_default(),
            distance: member.distance,
            view: view.clone(),
            pool: endpoint.pool.stats(),
        }
    }

    fn health(&self) -> &'static str {
        match self.view.health {
            Health::Good => "good",
            Health::Degraded => "degraded",
            Health::Bad => "bad",
        }
    }

    /// Where the name looks like an IPv6 address it needs brackets to be told from the port.
    fn address(&self) -> String {
        let AjpWorker { host, port, .. } = self.worker;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }

    fn recovers_in(&self) -> String {
        if self.view.is_asked {
            return "when it answers".to_owned();
        }
        seconds(self.view.recovers_in)
    }

    fn warm_in(&self) -> String {
        seconds(self.view.warm_in)
    }

    fn in_error_for(&self) -> String {
        seconds(self.view.since_first_error)
    }
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(String::new, |time| format!("{} s", time.as_secs()))
}

fn mounts(snapshot: &Snapshot) -> Vec<MountRow<'_>> {
    let model = &snapshot.model;
    let rows = model.hosts.iter().flat_map(|host| {
        let name = host.server_name.as_ref();
        let name = name.map_or("*", |name| &*name.name);
        let (copied, own) = model.own_mounts(host);
        let own = own.into_iter().map(Some);
        let mounts = own.chain((copied != Copied::Nothing).then_some(None));
        mounts.map(move |mount| MountRow { host: name, mount })
    });
    rows.collect()
}
