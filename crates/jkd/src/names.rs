//! The host names of Tomcats: what they stand for, looked up in the background.
//!
//! ```text
//!   Names, of the snapshot ──► one watch per name ──► the system's resolver, in other threads
//!        │                          │
//!        │ Addresses                │ other addresses, and each is a member (resolve=all)
//!        ▼                          ▼
//!   pools: where to connect    the running configuration is made again
//! ```
//!
//! Nothing waits for a resolver but the first connection to a name. A resolver that hangs holds up
//! at most [`LOOKUPS`] threads.

mod lookup;
mod watch;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use ajp13::Addresses;
use jkworkers::model::{self, AjpWorker, MAX_ADDRESSES, Model, WorkerKind};
use rustc_hash::FxHashMap;

pub(crate) use self::watch::run;

/// Lookups at a time.
const LOOKUPS: usize = 16;

/// The names of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Names(FxHashMap<Arc<str>, Entry>);

#[derive(Clone, Debug)]
struct Entry {
    name: Arc<Name>,
    /// Whether each address is a member of its own.
    many: bool,
}

/// One name, whoever uses it.
#[derive(Debug)]
struct Name {
    host: Arc<str>,
    addresses: Addresses,
    /// Whether the last lookup failed.
    failing: AtomicBool,
}

impl Names {
    /// The names of a configuration. What `old` knows of them is known on.
    pub(crate) fn new(configured: &Model, old: Option<&Self>) -> Self {
        let mut names = Self::default();
        for worker in workers(configured).filter(|worker| has_name(worker)) {
            let known = old.and_then(|old| old.0.get(&*worker.host));
            let entry = names.0.entry(worker.host.as_str().into());
            let host = entry.key().clone();
            let entry = entry.or_insert_with(|| Entry {
                name: known.map_or_else(|| Name::new(host), |entry| entry.name.clone()),
                many: false,
            });
            entry.many |= worker.name_of_many().is_some();
        }
        names
    }

    /// What the pools of a host are to follow; `None` for an address.
    pub(crate) fn addresses(&self, host: &str) -> Option<Addresses> {
        Some(self.0.get(host)?.name.addresses.clone())
    }

    /// The configuration as it is run, with a member for each address of the names that are many.
    pub(crate) fn expand(&self, configured: &Arc<Model>) -> Arc<Model> {
        configured.expanded(|host| {
            let known = self.0.get(host).map(|entry| entry.name.addresses.known());
            let known = known.as_deref().unwrap_or_default();
            known.iter().map(SocketAddr::ip).collect()
        })
    }

    /// Waits, at most for `moment`, for the first lookups of the names whose addresses are
    /// members, so that sessions find theirs from the first request on. Blocks.
    pub(crate) fn await_members(&self, moment: Duration) {
        let entries = self.0.values().filter(|entry| entry.many);
        let unknown = entries.filter(|entry| entry.name.addresses.known().is_empty());
        let unknown: Vec<_> = unknown.map(|entry| entry.name.clone()).collect();
        lookup::within(moment, &unknown, |name, found| _ = name.note(found));
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }
}

/// Whether a host can be reached by an address that is known within `moment`. Blocks.
pub(crate) fn is_known(host: &str, moment: Duration) -> bool {
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let mut is_found = false;
    let name = Name::new(host.into());
    lookup::within(moment, &[name], |_, found| {
        is_found = found.is_ok_and(|found| !found.is_empty());
    });
    is_found
}

/// All Tomcats, alone or as members.
fn workers(model: &Model) -> impl Iterator<Item = &AjpWorker> {
    model.workers.iter().flat_map(|worker| {
        let (one, members) = match &worker.kind {
            WorkerKind::Ajp13(ajp) => (Some(&**ajp), &[][..]),
            WorkerKind::Balancer(lb) => (None, &*lb.members),
            WorkerKind::Status(_) => (None, &[][..]),
        };
        one.into_iter()
            .chain(members.iter().map(|member| &*member.worker))
    })
}

/// Whether there is something to look up; without a port nothing is sent to it.
fn has_name(worker: &AjpWorker) -> bool {
    worker.port != 0 && worker.host.parse::<IpAddr>().is_err()
}

impl Name {
    fn new(host: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            host,
            addresses: Addresses::new(),
            failing: AtomicBool::new(false),
        })
    }

    /// Takes the outcome of a lookup, and tells when it is news. Whether the addresses are others
    /// than before.
    fn note(&self, found: std::io::Result<Vec<SocketAddr>>) -> bool {
        let old = self.addresses.known();
        let error = match found {
            Ok(found) if !found.is_empty() => return self.note_found(&old, &found),
            Ok(_) => "the name has no address".to_owned(),
            Err(error) => error.to_string(),
        };
        self.addresses.fail(&error);
        if !self.failing.swap(true, Relaxed) {
            let (host, addresses) = (&*self.host, List(&old));
            if old.is_empty() {
                tracing::warn!(
                    %host,
                    error,
                    "a name cannot be looked up: there is no way to its workers until it can"
                );
            } else {
                tracing::warn!(%host, error, %addresses, "a name cannot be looked up: its addresses stay as they are");
            }
        }
        false
    }

    fn note_found(&self, old: &[SocketAddr], found: &[SocketAddr]) -> bool {
        let host = &*self.host;
        if self.failing.swap(false, Relaxed) {
            tracing::info!(%host, "the name can be looked up again");
        }
        let changed = self.addresses.set(found.iter().copied());
        if !changed {
            return false;
        }
        let new = self.addresses.known();
        if old.is_empty() {
            tracing::debug!(%host, addresses = %List(&new), "the name has been looked up");
        } else {
            tracing::info!(%host, old = %List(old), new = %List(&new), "the name has other addresses");
        }
        if new.len() > MAX_ADDRESSES {
            tracing::warn!(
                %host,
                addresses = new.len(),
                "the name has too many addresses to be members; {MAX_ADDRESSES} are"
            );
        }
        true
    }
}

/// Tells which members of balancers have come and gone with the addresses of their names.
pub(crate) fn log_members(old: &Model, new: &Model) {
    for worker in &new.workers {
        let before = old.worker(&worker.name).and_then(|old| members(&old.kind));
        let (Some(before), Some(after)) = (before, members(&worker.kind)) else {
            continue;
        };
        for member in without(after, before) {
            tracing::info!(worker = %worker.name, %member, "member added");
        }
        for member in without(before, after) {
            tracing::info!(worker = %worker.name, %member, "member removed: its requests may finish");
        }
    }
}

fn members(kind: &WorkerKind) -> Option<&[model::Member]> {
    match kind {
        WorkerKind::Balancer(lb) => Some(&lb.members),
        WorkerKind::Ajp13(_) | WorkerKind::Status(_) => None,
    }
}

/// The names of those of the one that are not among the others.
fn without<'a>(
    of: &'a [model::Member],
    others: &'a [model::Member],
) -> impl Iterator<Item = &'a str> {
    let names = of.iter().map(|member| &*member.worker.name);
    names.filter(|name| others.iter().all(|other| *other.worker.name != **name))
}

/// Addresses as a log shows them.
struct List<'a>(&'a [SocketAddr]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, address) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{}", address.ip())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
