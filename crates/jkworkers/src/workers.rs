//! Resolved properties to workers, and what only shows when all of them are seen together.

mod ajp;
mod balancer;
mod host;
mod ping;
mod probe;
mod settings;
mod status;
mod types;
mod usage;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use self::{
    settings::Settings,
    types::{Type, Typed},
};
use crate::{
    diag::{Diagnostics, Origin},
    directive::{
        Directive, MAINTAIN, MAX_NAME, MOUNT, RESOLVE, RESOLVE_INTERVAL, SECRET, SECRET_FILE,
    },
    model::{AjpWorker, Member, Resolve, Worker, WorkerKind},
    resolve::{Properties, Property},
    workers_properties::{WorkerMount, Workers},
};

/// Builds all workers of `worker.list`.
///
/// `file` is named where nothing at all is written.
pub(crate) fn build(properties: &Properties, file: &str, found: &mut Diagnostics) -> Workers {
    let mut builder = Builder {
        properties,
        file,
        found,
        types: HashMap::new(),
        members: HashMap::new(),
    };
    let listed = builder.listed();
    let workers: Vec<_> = listed
        .iter()
        .filter_map(|(name, origin)| builder.worker(name, origin))
        .map(Arc::new)
        .collect();
    let mounts = listed.iter().flat_map(|(n, _)| builder.mounts(n)).collect();
    let listed: Vec<Arc<str>> = listed.into_iter().map(|(name, _)| name).collect();
    builder.warn_of_forgotten();
    builder.warn_of_unmountable(&listed);
    Workers {
        unlisted: builder.unlisted(&listed),
        maintain: builder.maintain(),
        resolve_interval: builder.resolve_interval(),
        workers,
        listed,
        mounts,
        secret_files: secret_files(properties, builder.found),
        properties: properties.shown(),
        diagnostics: Diagnostics::default(),
    }
}

const SEPARATORS: &str = "Separate names by commas or blanks; nothing else separates them.";

struct Builder<'p, 'f> {
    properties: &'p Properties,
    /// Where `worker.list` is looked for.
    file: &'p str,
    found: &'f mut Diagnostics,
    /// The type of each name that was asked for.
    types: HashMap<String, Typed>,
    /// Each ajp13 worker once, also when it is a member several times.
    members: HashMap<String, Member>,
}

impl<'p> Builder<'p, '_> {
    /// The names of `worker.list`, each once.
    fn listed(&mut self) -> Vec<(Arc<str>, Origin)> {
        let Some(list) = self.properties.get("worker.list") else {
            return self.implicit_list();
        };
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for (name, origin) in list.items() {
            if !seen.insert(name) {
                self.found
                    .warning(origin, format!("`{name}` is in worker.list twice"))
                    .help("Keep it once.");
                continue;
            }
            self.check_name(name, origin);
            names.push((Arc::from(name), origin.clone()));
        }
        if names.is_empty() {
            self.found
                .error(list.origin(), "worker.list names no worker")
                .help("Write the names of the workers that are to be mounted.");
        }
        names
    }

    /// Without `worker.list` there is one worker, called `ajp13`.
    fn implicit_list(&mut self) -> Vec<(Arc<str>, Origin)> {
        let origin = self
            .properties
            .with_prefix("worker.")
            .map(|(_, property)| property.origin())
            .min()
            .cloned()
            .unwrap_or_else(|| Origin::new(self.file, 0));
        let names = self.properties.worker_names().join(",");
        let remedy = match names.as_str() {
            "" => "Write `worker.list=` with the names of the workers.".to_owned(),
            names => format!(
                "Write `worker.list=` with those of these names that are to be mounted: {names}"
            ),
        };
        self.found
            .warning(
                &origin,
                "worker.list is missing: the only worker is one called `ajp13`",
            )
            .help(remedy);
        vec![(Arc::from("ajp13"), origin)]
    }

    fn check_name(&mut self, name: &str, origin: &Origin) {
        if name.len() > MAX_NAME {
            self.found
                .error(
                    origin,
                    format!("the worker name `{name}` is longer than {MAX_NAME} bytes"),
                )
                .help("Choose a shorter name.");
        }
        if let Some(odd) = name.chars().find(|c| !c.is_ascii_graphic() || *c == '\\') {
            self.found
                .warning(
                    origin,
                    format!(
                        "the worker name `{}` contains U+{:04X}",
                        name.escape_debug(),
                        u32::from(odd)
                    ),
                )
                .help(SEPARATORS);
        }
    }

    fn worker(&mut self, name: &Arc<str>, origin: &Origin) -> Option<Worker> {
        let typed = self.type_of(name, origin);
        let kind = match typed.kind {
            Type::Ajp13 => WorkerKind::Ajp13(self.alone(name, origin)),
            Type::Lb => WorkerKind::Balancer(Arc::new(self.balancer(name, origin)?)),
            Type::Status => WorkerKind::Status(Arc::new(status::status(&mut self.settings(name)))),
        };
        let origin = first_written(self.properties, name).unwrap_or(origin);
        let worker = Worker {
            name: Arc::clone(name),
            origin: origin.clone(),
            kind,
        };
        (!typed.refused).then_some(worker)
    }

    /// A worker that is mounted by itself.
    fn alone(&mut self, name: &str, origin: &Origin) -> Arc<AjpWorker> {
        let mut worker = self.member(name, origin).worker;
        if worker.resolve == Resolve::All {
            Arc::make_mut(&mut worker).resolve = Resolve::One;
            self.settings(name).warn(&RESOLVE, |key| {
                (
                    format!("`{key}=all` has no effect where `{name}` is mounted by itself: only a balancer has members"),
                    format!("Mount a balancer with `{name}` in its `balance_workers`, and remove `{name}` from worker.list."),
                )
            });
        }
        worker
    }

    fn mounts(&mut self, name: &Arc<str>) -> Vec<WorkerMount> {
        let Some(list) = self.settings(name).property(&MOUNT) else {
            return Vec::new();
        };
        list.items()
            .map(|(pattern, origin)| WorkerMount {
                worker: Arc::clone(name),
                pattern: pattern.to_owned(),
                origin: origin.clone(),
            })
            .collect()
    }

    fn maintain(&mut self) -> Duration {
        let mut settings = Settings::global(self.properties, self.found);
        let maintain = settings.seconds(&MAINTAIN);
        if maintain.is_zero() {
            settings.warn(&MAINTAIN, |key| {
                (
                    format!("`{key}=0` switches maintenance off"),
                    "Without it members in error come back only when all others fail, and idle connections stay open.".to_owned(),
                )
            });
        }
        maintain
    }

    fn resolve_interval(&mut self) -> Duration {
        Settings::global(self.properties, self.found).seconds(&RESOLVE_INTERVAL)
    }

    fn settings<'s>(&'s mut self, name: &'s str) -> Settings<'s, 'p> {
        Settings::of(name, self.properties, self.found)
    }
}

/// The settings of exactly this worker, not of one called `name.more`.
fn own<'p>(properties: &'p Properties, name: &str) -> impl Iterator<Item = &'p Property> + use<'p> {
    let prefix = format!("worker.{name}.");
    let end = prefix.len();
    properties
        .with_prefix(&prefix)
        .filter(move |(key, _)| key.get(end..).is_some_and(|word| !word.contains('.')))
        .map(|(_, property)| property)
}

/// Each `secret_file`, whoever's it is. A line of the worker itself comes before one of a template.
fn secret_files(properties: &Properties, found: &mut Diagnostics) -> Vec<(String, String, Origin)> {
    let mut files = Vec::new();
    for name in properties.worker_names() {
        let of = |directive: &Directive| {
            let key = format!("worker.{name}.{}", directive.name);
            properties
                .get(&key)
                .filter(|property| !property.text().is_empty())
        };
        let Some(file) = of(&SECRET_FILE) else {
            continue;
        };
        let secret = of(&SECRET);
        if let Some(secret) = secret.filter(|one| one.is_inherited() == file.is_inherited()) {
            let message = format!("`{name}` has both secret and secret_file");
            let place = secret.origin().max(file.origin());
            found
                .error(place, message)
                .help("Remove one of both lines.");
        } else if secret.is_none() || !file.is_inherited() {
            let text = file.text().to_owned();
            files.push((name.to_string(), text, file.origin().clone()));
        }
    }
    files
}

/// Where the first line about a worker stands.
fn first_written<'p>(properties: &'p Properties, name: &str) -> Option<&'p Origin> {
    own(properties, name)
        .filter(|property| !property.is_inherited())
        .map(Property::origin)
        .min()
}

#[cfg(test)]
mod tests;
