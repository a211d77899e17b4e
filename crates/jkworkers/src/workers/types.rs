//! Which type a worker has, and settings that do not belong to it.

use super::{Builder, SEPARATORS, own};
use crate::{
    diag::{Origin, nearest},
    directive::{self, BALANCE_WORKERS, Scope, TYPE},
};

/// The types that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
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

    fn read(text: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(known, _)| *known == text);
        known.map(|(_, kind)| *kind)
    }

    fn scope(self) -> Scope {
        match self {
            Self::Ajp13 => Scope::AJP.and(Scope::MEMBER),
            Self::Lb => Scope::LB,
            Self::Status => Scope::STATUS,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ajp13 => "ajp13",
            Self::Lb => "lb",
            Self::Status => "status",
        }
    }
}

/// What a worker's type is, or what it would be if it were written right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    pub(super) kind: Type,
    /// The type as written was refused: the worker is looked at for its findings only.
    pub(super) refused: bool,
}

impl Builder<'_, '_> {
    /// The worker's type; a wrong one is reported the first time.
    pub(super) fn type_of(&mut self, name: &str, asked_at: &Origin) -> Typed {
        if let Some(known) = self.types.get(name) {
            return *known;
        }
        if own(self.properties, name).next().is_none() {
            self.warn_of_no_settings(name, asked_at);
        }
        let typed = self.read_type(name);
        self.types.insert(name.to_owned(), typed);
        self.warn_of_misplaced(name, typed.kind);
        typed
    }

    fn read_type(&mut self, name: &str) -> Typed {
        let settings = self.settings(name);
        let has_members = settings.is_written(&BALANCE_WORKERS);
        let Some(property) = settings.property(&TYPE) else {
            return Typed {
                kind: Type::Ajp13,
                refused: false,
            };
        };
        let text = property.text();
        if let Some(kind) = Type::read(text) {
            return Typed {
                kind,
                refused: false,
            };
        }
        let meant = nearest(text, Type::NAMES.map(|(known, _)| known));
        self.refuse_type(name, text, meant, property.origin());
        let presumed = match (meant.and_then(Type::read), has_members) {
            (Some(kind), _) => kind,
            (None, true) => Type::Lb,
            (None, false) => Type::Ajp13,
        };
        Typed {
            kind: presumed,
            refused: true,
        }
    }

    fn refuse_type(&mut self, name: &str, text: &str, meant: Option<&str>, origin: &Origin) {
        let what = match text {
            "ajp12" | "ajp14" | "jni" => format!("`{text}` workers are not supported"),
            _ => format!("there is no worker type `{text}`"),
        };
        let remedy = match (text, meant) {
            ("ajp12" | "ajp14" | "jni", _) => {
                format!("Write `worker.{name}.type=ajp13`; every Tomcat since 3.2 speaks it.")
            }
            (_, Some(meant)) => {
                format!("Did you mean `worker.{name}.type={meant}`? Upper and lower case count.")
            }
            (_, None) => "The types are ajp13, lb and status.".to_owned(),
        };
        self.found
            .error(origin, format!("{what} (in `worker.{name}.type`)"))
            .help(remedy);
    }

    fn warn_of_no_settings(&mut self, name: &str, asked_at: &Origin) {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        let remedy = match self.found.guess(name, || self.properties.worker_names()) {
            _ if !name.chars().all(plain) => SEPARATORS.to_owned(),
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
            let word = key.strip_prefix(&prefix).and_then(directive::find);
            let Some(directive) = word.filter(|d| !d.scope.meets(kind.scope())) else {
                continue;
            };
            if property.is_inherited() || directive.scope == Scope::GLOBAL {
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
}
