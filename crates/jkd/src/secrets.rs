//! Who can speak to backends without a secret.

use std::{collections::BTreeMap, net::IpAddr};

use jkworkers::{
    Loaded,
    model::{AjpWorker, Model, WorkerKind},
};

use crate::tls;

/// Adds what is wrong with certificates and keys, and which backends on other machines have no secret.
/// With errors there is no model.
pub(crate) fn checked(loaded: Loaded) -> Loaded {
    let mut loaded = tls::checked(loaded);
    let Some(model) = &loaded.model else {
        return loaded;
    };
    let open = open(model);
    let Some(first) = open.values().next() else {
        return loaded;
    };
    let names: Vec<_> = open.keys().map(|name| format!("`{name}`")).collect();
    let message = format!(
        "without a secret, whoever reaches the AJP port is believed everything: {}",
        names.join(", ")
    );
    let help =
        "Write worker.NAME.secret_file (or secret), and the same as secret of Tomcat's connector.";
    let found = &mut loaded.diagnostics;
    if model.global.require_secret {
        found.error(&first.origin, message).help(help);
        loaded.model = None;
    } else {
        found.warning(&first.origin, message).help(help);
    }
    loaded
}

/// Whether there is something in memory that nobody else may see.
pub(crate) fn are_there(model: &Model) -> bool {
    let has_keys = model.hosts.iter().any(|host| host.tls.is_on);
    has_keys || backends(model).any(|ajp| ajp.secret.is_some())
}

/// Backends on other machines, as far as names tell, that need no secret.
fn open(model: &Model) -> BTreeMap<&str, &AjpWorker> {
    let open = backends(model).filter(|ajp| ajp.secret.is_none() && is_elsewhere(&ajp.host));
    open.map(|ajp| (&*ajp.name, ajp)).collect()
}

/// All backends, alone or as members.
fn backends(model: &Model) -> impl Iterator<Item = &AjpWorker> {
    model.workers.iter().flat_map(|worker| {
        let (one, members) = match &worker.kind {
            WorkerKind::Ajp13(ajp) => (Some(&**ajp), &[][..]),
            WorkerKind::Balancer(lb) => (None, &*lb.members),
            WorkerKind::Status(_) => (None, &[][..]),
        };
        one.into_iter().chain(members.iter().map(|m| &*m.worker))
    })
}

/// What a name stands for is asked for later: only this machine's own is known to everybody.
fn is_elsewhere(host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return !address.to_canonical().is_loopback();
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name != "localhost" && !name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_known_by_their_addresses_and_names() {
        for host in [
            "127.0.0.1",
            "127.8.9.1",
            "::1",
            "::ffff:127.0.0.1",
            "LocalHost.",
            "a.localhost",
        ] {
            assert!(!is_elsewhere(host), "{host}");
        }
        for host in [
            "10.0.0.1",
            "fe80::1",
            "tomcat",
            "localhost.example",
            "0.0.0.0",
        ] {
            assert!(is_elsewhere(host), "{host}");
        }
    }
}
