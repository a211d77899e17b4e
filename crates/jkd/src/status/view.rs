//! What the page shows, taken from the running objects at one moment.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use ajp13::PoolStats;
use askama::Template;
use jkworkers::model::{AjpWorker, Copied, Mount, StatusWorker};

use super::{
    form::{self, Sheet},
    query::{Command, Query, without},
    rating::Rating,
    report::{self, Refusal},
};
use crate::{
    balancer::{Health, MemberView, View},
    http_date::http_date,
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
    /// After how many seconds a browser is to ask again.
    refresh: Option<u32>,
    /// Why nothing is shown.
    refused: Option<Refusal>,
    /// Whether something was changed.
    is_done: bool,
    /// What can be changed, where that is asked for.
    form: Option<Sheet>,
    /// The query of the page that it was asked for on.
    back: String,
    /// What workers.properties says, where that is asked for.
    dump: Option<Vec<(&'a str, &'a str)>>,
    balancers: Vec<BalancerBlock<'a>>,
    workers: Vec<MemberRow<'a>>,
    /// Unless they are left out.
    mounts: Option<Vec<MountRow<'a>>>,
}

struct BalancerBlock<'a> {
    name: &'a str,
    view: View,
    good: usize,
    degraded: usize,
    bad: usize,
    rows: Vec<MemberRow<'a>>,
    /// The query of the form about it, for who may change it.
    edit: Option<String>,
}

/// One Tomcat.
struct MemberRow<'a> {
    worker: &'a AjpWorker,
    lbfactor: u32,
    route: &'a str,
    domain: &'a str,
    redirect: &'a str,
    distance: i32,
    health: Health,
    view: MemberView,
    pool: PoolStats,
    /// The query of the form about it, for who may change it.
    edit: Option<String>,
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
        query: &Query,
        refused: Option<Refusal>,
    ) -> Self {
        let is_shown = |group: &&Group| match query.command {
            Command::List => true,
            Command::Show => query.worker.as_deref() == Some(&*group.name),
            _ => false,
        };
        let groups = snapshot.groups().filter(|_| refused.is_none());
        let groups = groups.filter(is_shown);
        let (balancers, alone): (Vec<_>, Vec<_>) = groups.partition(|group| group.is_balancer);
        let rating = Rating::of(worker);
        let may_edit = !worker.read_only && !query.is_read_only();
        let blocks = |groups: Vec<&'a Group>, bit| {
            let is_hidden = query.command == Command::List && query.leaves_out(bit);
            let groups = groups.into_iter().filter(move |_| !is_hidden);
            groups.map(|group| BalancerBlock::new(group, rating, query, may_edit))
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            time: http_date(SystemTime::now()),
            own_css: worker.css.as_deref(),
            // What changes something is not to be done again and again.
            refresh: query
                .refresh
                .filter(|_| matches!(query.command, Command::List | Command::Show)),
            balancers: blocks(balancers, without::BALANCERS).collect(),
            workers: (blocks(alone, without::WORKERS))
                .flat_map(|block| block.rows)
                .collect(),
            form: (refused.is_none() && query.command == Command::Edit)
                .then(|| form::of(snapshot, query))
                .flatten(),
            back: back(query),
            is_done: refused.is_none() && query.command.changes(),
            dump: (refused.is_none() && query.command == Command::Dump)
                .then(|| report::properties(snapshot)),
            mounts: (refused.is_none() && shows_mounts(query)).then(|| mounts(snapshot, query)),
            refused,
        }
    }
}

impl<'a> BalancerBlock<'a> {
    fn new(group: &'a Group, rating: Rating, query: &Query, may_edit: bool) -> Self {
        let view = group.balancer.view(snapshot::now());
        let members = group.balancer.config().members.iter();
        let rows = (view.members.iter().zip(members).zip(&group.endpoints))
            .map(|((view, member), endpoint)| MemberRow::new(view, member, endpoint, rating));
        let mut rows: Vec<_> = rows.collect();
        let rated = |health| rows.iter().filter(|row| row.health == health).count();
        let (good, degraded, bad) = (
            rated(Health::Good),
            rated(Health::Degraded),
            rated(Health::Bad),
        );
        let is_shown = |row: &MemberRow<'_>| {
            let only = query.member.as_deref();
            only.is_none_or(|only| only == &*row.worker.name)
        };
        rows.retain(is_shown);
        if group.is_balancer && query.leaves_out(without::MEMBERS) {
            rows.clear();
        }
        if may_edit {
            for row in &mut rows {
                let member = group.is_balancer.then_some(&*row.worker.name);
                row.edit = Some(edit(query, &group.name, member));
            }
        }
        Self {
            edit: may_edit.then(|| edit(query, &group.name, None)),
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
        rating: Rating,
    ) -> Self {
        Self {
            worker: &endpoint.worker,
            lbfactor: member.lbfactor,
            route: &member.route,
            domain: member.domain.as_deref().unwrap_or_default(),
            redirect: member.redirect.as_deref().unwrap_or_default(),
            distance: member.distance,
            health: rating.rate(view.activation, view.state),
            edit: None,
            view: view.clone(),
            pool: endpoint.pool.stats(),
        }
    }

    fn health(&self) -> &'static str {
        match self.health {
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

/// As `from` and `psw` say.
fn back(query: &Query) -> String {
    if query.get("from") != Some("show") {
        return "cmd=list".to_owned();
    }
    let mut text = "cmd=show".to_owned();
    for (name, value) in [
        ("w", &query.worker),
        ("sw", &query.get("psw").map(str::to_owned)),
    ] {
        if let Some(value) = value {
            text.extend(["&", name, "="]);
            value.bytes().for_each(|byte| escape(byte, &mut text));
        }
    }
    text
}

/// The query of the form about a worker, or about one of its members.
fn edit(query: &Query, worker: &str, member: Option<&str>) -> String {
    let from = if query.command == Command::Show {
        "show"
    } else {
        "list"
    };
    let mut text = format!("cmd=edit&from={from}");
    let parameters = [("w", Some(worker)), ("sw", member)];
    for (name, value) in parameters {
        if let Some(value) = value {
            text.extend(["&", name, "="]);
            value.bytes().for_each(|byte| escape(byte, &mut text));
        }
    }
    text
}

fn escape(byte: u8, text: &mut String) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
        text.push(char::from(byte));
    } else {
        // Writing to a String cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

fn shows_mounts(query: &Query) -> bool {
    matches!(query.command, Command::List | Command::Show) && !query.leaves_out(without::MAPS)
}

/// With `show` those of one worker.
fn mounts<'a>(snapshot: &'a Snapshot, query: &Query) -> Vec<MountRow<'a>> {
    let model = &snapshot.model;
    let rows = model.hosts.iter().flat_map(|host| {
        let name = host.server_name.as_ref();
        let name = name.map_or("*", |name| &*name.name);
        let (copied, own) = model.own_mounts(host);
        let only = query.worker.as_deref();
        let only = only.filter(|_| query.command == Command::Show);
        let is_shown = |mount: &&Mount| {
            only.is_none_or(|only| *mount.worker == *only || &*mount.worker == "*")
        };
        let own = own.into_iter().filter(is_shown).map(Some);
        let own: Vec<_> = own.collect();
        let own = own.into_iter();
        let mounts = own.chain((copied != Copied::Nothing).then_some(None));
        mounts.map(move |mount| MountRow { host: name, mount })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_about_changes_lead_back() {
        let of = |query: &str| back(&Query::read(query.as_bytes()));
        assert_eq!(of("cmd=update&w=lb&sw=a"), "cmd=list");
        assert_eq!(of("cmd=update&from=list&w=lb&sw=a"), "cmd=list");
        assert_eq!(of("cmd=update&from=show&w=lb&sw=a"), "cmd=show&w=lb");
        assert_eq!(
            of("from=show&w=a%26b&psw=c%3Dd"),
            "cmd=show&w=a%26b&sw=c%3Dd"
        );
        assert_eq!(of("from=javascript:&w=x&psw=y"), "cmd=list");
    }
}
