//! `workers.properties` from bytes to workers: the entry to the readers below it.
//!
//! The way of a setting: `properties` splits lines into keys and values, `resolve` replaces
//! `$(variables)`, joins or overwrites duplicates and copies what `reference` inherits,
//! `vocabulary` compares the keys with the [`directive`](crate::directive) table, `workers`
//! makes [`Worker`]s of what is left. Later sources override or extend earlier ones;
//! `JkWorkerProperty` lines come before all files.

use std::{sync::Arc, time::Duration};

use crate::{
    diag::{Diagnostics, Origin},
    model::Worker,
    properties,
    resolve::Properties,
    vocabulary, workers,
};

/// One file, already read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name for diagnostics.
    pub name: &'a str,
    /// Its content. Each line is decoded by itself: as UTF-8 where it is that, else as Latin-1.
    pub bytes: &'a [u8],
}

/// What the sources say.
#[derive(Clone, Debug)]
pub struct Workers {
    /// The workers of `worker.list`, in list order. One that cannot be built is missing here and
    /// has an error among the diagnostics.
    pub workers: Vec<Arc<Worker>>,
    /// Every name of `worker.list`, built or not: the names that a mount may use.
    pub listed: Vec<Arc<str>>,
    /// Names that are defined but not in `worker.list`: members, templates and forgotten ones.
    /// They cannot be mounted.
    pub unlisted: Vec<Arc<str>>,
    /// `worker.maintain`. Zero: no maintenance.
    pub maintain: Duration,
    /// `worker.resolve_interval`. Zero: no lookup after the first that succeeds.
    pub resolve_interval: Duration,
    /// `worker.NAME.mount` rules, in list order, as they were written.
    pub mounts: Vec<WorkerMount>,
    /// All properties in the order in which they came, without secrets.
    pub properties: Vec<(Box<str>, Box<str>)>,
    /// All findings of all sources, in the order of the sources and their lines.
    pub diagnostics: Diagnostics,
    /// `secret_file` of workers: a name, a file, and where that is written.
    pub(crate) secret_files: Vec<(String, String, Origin)>,
}

/// One entry of a `worker.NAME.mount` list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerMount {
    /// The worker that has the `mount` list.
    pub worker: Arc<str>,
    /// The pattern with its `!` and `-` prefixes; not checked yet.
    pub pattern: String,
    /// Where it was written.
    pub origin: Origin,
}

/// Reads `inline` (the arguments of `JkWorkerProperty` lines), then all `sources`.
///
/// `server_root` is the value of the predefined variable `ServerRoot`; `env` answers for the
/// process environment, where `$(name)` is looked up after the properties.
///
/// Never fails: everything wrong is among the diagnostics.
pub fn read(
    sources: &[Source<'_>],
    inline: &[(Origin, String)],
    server_root: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Workers {
    let mut found = Diagnostics::default();
    let mut properties = Properties::default();
    for (origin, text) in inline {
        if let Some(line) = properties::read_inline(origin, text, &mut found) {
            properties.add(line, env, &mut found);
        }
    }
    properties.predefine("ServerRoot", server_root);
    for source in sources {
        for line in properties::read_source(source, &mut found) {
            properties.add(line, env, &mut found);
        }
    }
    properties.inherit(&mut found);
    vocabulary::check(&properties, &mut found);
    let file = sources.first().map_or("worker.list", |source| source.name);
    let mut workers = workers::build(&properties, file, &mut found);
    sort_by_place(&mut found, sources);
    found.dedup();
    workers.diagnostics = found;
    workers
}

/// Puts the findings in the order in which the operator reads his files.
fn sort_by_place(found: &mut Diagnostics, sources: &[Source<'_>]) {
    let rank = |origin: &Origin| {
        let file = sources.iter().position(|s| s.name == &*origin.file);
        (file.map_or(0, |n| n + 1), origin.line)
    };
    found.sort_by_key(rank);
}

#[cfg(test)]
mod tests;
