//! Resolved properties to workers, and what only shows when all of them are seen together.

mod ajp;
mod balancer;
mod host;
mod ping;
mod settings;
mod status;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use self::settings::Settings;
use crate::{
    diag::{Diagnostics, Origin, nearest},
    directive::{MAINTAIN, MAX_NAME, MOUNT, REFERENCE, Scope, TYPE},
    model::{Member, Worker, WorkerKind},
    resolve::{Properties, Property},
    workers_properties::{WorkerMount, Workers},
};

/// Builds all workers of `worker.list`.
pub(crate) fn build(properties: &Properties, found: &mut Diagnostics) -> Workers {
    let mut builder = Builder {
        properties,
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
    Workers {
        unlisted: builder.unlisted(&listed),
        maintain: builder.maintain(),
        workers,
        listed,
        mounts,
        diagnostics: Diagnostics::default(),
    }
}

/// The types that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Ajp13,
    Lb,
    Status,
}

impl Type {
    const NAMES: [(&'static str, Self); 3] = [
        ("ajp13", Self::Ajp13),
        ("lb", Self::Lb),
        ("status", Self::Status),
    ];

    fn scope(self) -> Scope {
        match self {
            Self::Ajp13 => Scope::AJP.and(Scope::MEMBER),
            Self::Lb => Scope::LB,
            Self::Status => Scope::STATUS,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ajp13 => "ajp13",
            Self::Lb => "lb",
            Self::Status => "status",
        }
    }
}

struct Builder<'p, 'f> {
    properties: &'p Properties,
    found: &'f mut Diagnostics,
    /// The type of each name that was asked for; `None` where it was refused.
    types: HashMap<String, Option<Type>>,
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
            .unwrap_or_else(|| Origin::new("worker.list", 0));
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
                .help("Separate names by commas or blanks; nothing else separates them.");
        }
    }

    fn worker(&mut self, name: &Arc<str>, origin: &Origin) -> Option<Worker> {
        let kind = match self.type_of(name, origin)? {
            Type::Ajp13 => WorkerKind::Ajp13(self.member(name, origin).worker),
            Type::Lb => WorkerKind::Balancer(Arc::new(self.balancer(name, origin)?)),
            Type::Status => WorkerKind::Status(Arc::new(status::status(&mut self.settings(name)))),
        };
        Some(Worker {
            name: Arc::clone(name),
            origin: first_written(self.properties, name)
                .unwrap_or(origin)
                .clone(),
            kind,
        })
    }

    /// The worker's type, refused ones reported once.
    fn type_of(&mut self, name: &str, asked_at: &Origin) -> Option<Type> {
        if let Some(known) = self.types.get(name) {
            return *known;
        }
        let kind = self.read_type(name, asked_at);
        self.types.insert(name.to_owned(), kind);
        if let Some(kind) = kind {
            self.warn_of_misplaced(name, kind);
        }
        kind
    }

    fn read_type(&mut self, name: &str, asked_at: &Origin) -> Option<Type> {
        if own(self.properties, name).next().is_none() {
            self.warn_of_no_settings(name, asked_at);
        }
        let Some(property) = self.settings(name).property(&TYPE) else {
            return Some(Type::Ajp13);
        };
        let text = property.text();
        let known = Type::NAMES.iter().find(|(known, _)| *known == text);
        if known.is_none() {
            self.refuse_type(name, text, property.origin());
        }
        known.map(|(_, kind)| *kind)
    }

    fn refuse_type(&mut self, name: &str, text: &str, origin: &Origin) {
        let (what, remedy) = match text {
            "ajp12" | "ajp14" | "jni" => (
                format!("`{text}` workers are not supported"),
                format!("Write `worker.{name}.type=ajp13`; every Tomcat since 3.2 speaks it."),
            ),
            _ => (
                format!("there is no worker type `{text}`"),
                match nearest(text, Type::NAMES.map(|(known, _)| known)) {
                    Some(meant) => format!(
                        "Did you mean `worker.{name}.type={meant}`? Upper and lower case count."
                    ),
                    None => "The types are ajp13, lb and status.".to_owned(),
                },
            ),
        };
        self.found
            .error(origin, format!("{what} (in `worker.{name}.type`)"))
            .help(remedy);
    }

    fn warn_of_no_settings(&mut self, name: &str, asked_at: &Origin) {
        let names = self.properties.worker_names();
        let remedy = match nearest(name, names.iter().copied()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("Write `worker.{name}.host` and `worker.{name}.port`."),
        };
        self.found
            .warning(
                asked_at,
                format!("nothing is set for the worker `{name}`: it is an ajp13 worker on localhost:8009"),
            )
            .help(remedy);
    }

    /// Settings that a worker of this type does not have.
    fn warn_of_misplaced(&mut self, name: &str, kind: Type) {
        let prefix = format!("worker.{name}.");
        for (key, property) in self.properties.with_prefix(&prefix) {
            let word = key.strip_prefix(&prefix).and_then(crate::directive::find);
            let Some(directive) = word.filter(|d| !d.scope.meets(kind.scope())) else {
                continue;
            };
            if property.inherited || directive.scope == Scope::GLOBAL {
                continue;
            }
            let remedy = if kind == Type::Ajp13 && directive.scope == Scope::LB {
                format!("Write `worker.{name}.type=lb` if it is to be a balancer.")
            } else {
                "Remove the line.".to_owned()
            };
            self.found
                .warning(
                    property.origin(),
                    format!("`{key}` has no effect on a worker of type {}", kind.name()),
                )
                .help(remedy);
        }
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

    /// Names that are defined and used nowhere: forgotten, or misspelt there or here.
    fn warn_of_forgotten(&mut self) {
        let used: Vec<&str> = self.types.keys().map(String::as_str).collect();
        let templates = self.templates();
        for name in self.properties.worker_names() {
            let is_template = templates.iter().any(|template| {
                name.strip_prefix(template.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            if used.contains(&name) || is_template {
                continue;
            }
            let Some(origin) = first_written(self.properties, name) else {
                continue;
            };
            let remedy = match nearest(name, used.iter().copied()) {
                Some(meant) => format!(
                    "Did you mean `worker.{meant}`? Otherwise add `{name}` to worker.list or remove it."
                ),
                None => {
                    format!("Add `{name}` to worker.list or to a balancer, or remove its lines.")
                }
            };
            self.found
                .warning(
                    origin,
                    format!(
                        "the worker `{name}` is neither in worker.list nor a member nor a template"
                    ),
                )
                .help(remedy);
        }
    }

    fn templates(&self) -> BTreeSet<String> {
        self.properties
            .with_prefix("worker.")
            .filter(|(key, _)| {
                crate::directive::split_key(key).is_some_and(|(_, word)| word == REFERENCE.name)
            })
            .filter_map(|(_, property)| property.text().strip_prefix("worker."))
            .map(str::to_owned)
            .collect()
    }

    fn unlisted(&self, listed: &[Arc<str>]) -> Vec<Arc<str>> {
        let names = self.properties.worker_names();
        let members = self.types.keys().map(String::as_str);
        let all: BTreeSet<&str> = names.into_iter().chain(members).collect();
        all.into_iter()
            .filter(|name| !listed.iter().any(|listed| &**listed == *name))
            .filter(|name| !name.is_empty())
            .map(Arc::from)
            .collect()
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

/// Where the first line about a worker stands.
fn first_written<'p>(properties: &'p Properties, name: &str) -> Option<&'p Origin> {
    own(properties, name)
        .filter(|property| !property.inherited)
        .map(Property::origin)
        .min()
}
