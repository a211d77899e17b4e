//! The rules of two maps.

use std::borrow::Cow;

use serde_json::Value;

use super::{Changes, document, listed::Listed, text, value};
use crate::model::{Mount, MountSource};

/// A rule, still in the model or as a document has it. Maps may be long: only two rules at a time
/// become documents.
#[derive(Clone, Copy)]
pub(super) enum Rule<'a> {
    Model(&'a Mount),
    Document(&'a Value),
}

impl<'a> Rule<'a> {
    /// What makes two rules the same one.
    fn key(self) -> (&'a str, bool, &'a str) {
        match self {
            Self::Model(mount) => {
                let source = match mount.source {
                    MountSource::WorkerDefinition => "worker_definition",
                    MountSource::JkMount => "jk_mount",
                    MountSource::UriWorkerMap => "uri_worker_map",
                };
                (&*mount.pattern, mount.exclusion, source)
            }
            Self::Document(rule) => (
                rule["pattern"].as_str().unwrap_or_default(),
                rule["exclusion"].as_bool().unwrap_or_default(),
                rule["source"].as_str().unwrap_or_default(),
            ),
        }
    }

    /// Whether both certainly say the same: a document for each of many rules takes its time.
    fn is_same(self, other: Self) -> bool {
        let (Self::Model(one), Self::Model(other)) = (self, other) else {
            return false;
        };
        // All fields, so that none is forgotten; `_` are those that nobody writes.
        let Mount {
            pattern,
            kind: _,
            worker,
            exclusion,
            disabled,
            source,
            extensions,
            activations: _,
            origin: _,
        } = one;
        (pattern, worker, extensions) == (&other.pattern, &other.worker, &other.extensions)
            && (exclusion, disabled) == (&other.exclusion, &other.disabled)
            && *source == other.source
    }

    fn document(self) -> Cow<'a, Value> {
        match self {
            Self::Model(mount) => Cow::Owned(document::of(mount)),
            Self::Document(rule) => Cow::Borrowed(rule),
        }
    }

    fn is_exclusion(self) -> bool {
        self.key().1
    }

    /// `mount /app/*`
    fn title(self) -> String {
        let kind = if self.is_exclusion() {
            "unmount"
        } else {
            "mount"
        };
        format!("{kind} {}", self.key().0)
    }

    /// The worker, and what else stands in the line.
    fn meaning(self) -> String {
        let rule = self.document();
        let disabled = match rule["disabled"].as_bool() {
            Some(true) => ", disabled",
            _ => "",
        };
        format!("{}{disabled}", text(&rule["worker"]))
    }

    /// Where it was written, in brackets.
    fn place(self) -> String {
        let rule = self.document();
        let (file, line) = (&rule["origin"]["file"], &rule["origin"]["line"]);
        match (file.as_str(), line.as_u64()) {
            (Some(file), Some(line @ 1..)) => format!(" ({file}:{line})"),
            (Some(file), _) => format!(" ({file})"),
            _ => String::new(),
        }
    }
}

impl Changes {
    pub(super) fn mounts<'a>(&mut self, of: &str, old: &[Rule<'a>], new: &[Rule<'a>]) {
        let keyed = |rule: &Rule<'a>| (rule.key(), *rule);
        let lists = Listed::of_keyed(old.iter().map(keyed), new.iter().map(keyed));
        for (_, rule) in &lists.removed {
            self.add(format!(
                "{of}{} removed (was {})",
                rule.title(),
                rule.meaning()
            ));
        }
        for (_, rule) in &lists.added {
            let (title, place) = (rule.title(), rule.place());
            self.add(format!("{of}{title} added: {}{place}", rule.meaning()));
        }
        for ((_, old), (_, new)) in &lists.kept {
            self.mount(of, *old, *new);
        }
        if lists.reordered {
            self.add(format!("{of}the order of equally specific mounts changed"));
        }
    }

    fn mount(&mut self, of: &str, old: Rule<'_>, new: Rule<'_>) {
        if old.is_same(new) {
            return;
        }
        let (before, after) = (old.document(), new.document());
        let mut differing = Vec::new();
        let derived = ["activations", "kind", "origin"];
        value::compare(&before, &after, &derived, &mut differing);
        for field in differing {
            let name = match &*field.name {
                "worker" => "",
                name => &format!("{} ", name.strip_prefix("extensions.").unwrap_or(name)),
            };
            let (from, to) = (value::show(field.old), value::show(field.new));
            let (title, place) = (new.title(), new.place());
            self.add(format!("{of}{title}: {name}{from} -> {to}{place}"));
        }
    }
}
