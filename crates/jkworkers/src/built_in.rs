//! Status workers that exist without being defined, as many a `jk.conf` mounts them.

use std::{collections::HashSet, sync::Arc};

use crate::{
    diag::{Diagnostics, Origin},
    model::{Mount, Worker},
    workers_properties::{self, Workers},
};

/// `jk-status` only shows; `jk-manager` may change.
const READ_ONLY: [(&str, &str); 2] = [("jk-status", "true"), ("jk-manager", "false")];

/// Adds those that are mounted and not defined.
pub(crate) fn add<'a>(
    mounts: impl Iterator<Item = &'a Mount>,
    workers: &mut Workers,
    found: &mut Diagnostics,
) {
    let mut seen = HashSet::new();
    for mount in mounts.filter(|mount| !mount.exclusion) {
        let name = &mount.worker;
        let built_in = READ_ONLY.iter().find(|(built_in, _)| *built_in == &**name);
        let Some((_, read_only)) = built_in else {
            continue;
        };
        if !seen.insert(&**name) || workers.listed.contains(name) || workers.unlisted.contains(name)
        {
            continue;
        }
        let message = format!(
            "the worker `{name}` is not defined: the built-in status page serves {}",
            mount.pattern
        );
        found.warning(&mount.origin, message).help(format!(
            "Write worker.{name}.type=status and add {name} to worker.list to have it your own way."
        ));
        workers
            .workers
            .extend(status_worker(name, read_only, &mount.origin));
        workers.listed.push(Arc::clone(name));
    }
}

/// The worker that three lines of workers.properties would make.
fn status_worker(name: &str, read_only: &str, origin: &Origin) -> Vec<Arc<Worker>> {
    let lines = [
        format!("worker.list={name}"),
        format!("worker.{name}.type=status"),
        format!("worker.{name}.read_only={read_only}"),
    ];
    let inline = lines.map(|line| (origin.clone(), line));
    workers_properties::read(&[], &inline, "", &|_| None).workers
}
