//! What an operator has changed at run time about what files say.
//!
//! ```text
//!   files ──► configured model ──► + edits ──► + addresses of names ──► running model
//! ```
//!
//! An edit is one setting of one worker, with the value that files had at that time. It holds until
//! the daemon ends, or until files are read that say something else about this setting. Activations
//! are kept with the state of members instead (`balancer/adopt.rs`), under the same rule.

mod settings;

use std::sync::Arc;

use jkworkers::model::{Model, Worker, WorkerKind};

pub(crate) use self::settings::{AJP, BALANCER, HOST, Kind, MEMBER, PORT, Range, Value};
use self::settings::{Any, ajp_at, member_at, of_code};

/// The settings that were changed, in the order in which that was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

#[derive(Clone, Debug)]
struct Edit {
    place: Place,
    /// Which setting.
    code: &'static str,
    /// What files say.
    written: Value,
    value: Value,
}

/// Whose setting it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The worker in `worker.list`.
    pub(crate) worker: Arc<str>,
    /// One of its members.
    pub(crate) member: Option<Arc<str>>,
}

impl Edits {
    /// Changes a setting. `running` is its value until now.
    pub(crate) fn set(&mut self, place: &Place, code: &'static str, running: Value, value: Value) {
        let mut known = self.0.iter_mut();
        if let Some(edit) = known.find(|edit| edit.place == *place && edit.code == code) {
            edit.value = value;
        } else {
            self.0.push(Edit {
                place: place.clone(),
                code,
                written: running,
                value,
            });
        }
    }

    /// The model with all edits in it.
    pub(crate) fn apply(&self, model: &Arc<Model>) -> Arc<Model> {
        if self.0.is_empty() {
            return model.clone();
        }
        let mut model = Model::clone(model);
        for worker in &mut model.workers {
            let name = worker.name.clone();
            let about = self.0.iter();
            for edit in about.filter(|edit| edit.place.worker == name) {
                edit.apply(Arc::make_mut(worker));
            }
        }
        Arc::new(model)
    }

    /// Files have been read again: drops the edits about which they say something else than before.
    pub(crate) fn follow(&mut self, configured: &Model) {
        self.0.retain(|edit| match edit.written_in(configured) {
            Written::As(value) => value == edit.written,
            Written::ForAddresses => true,
            Written::Nowhere => false,
        });
    }
}

/// What files say about a setting.
enum Written {
    As(Value),
    /// The member is one of several addresses of a name, of which files know nothing.
    ForAddresses,
    Nowhere,
}

impl Edit {
    fn apply(&self, worker: &mut Worker) {
        let member = self.place.member.as_deref();
        match of_code(self.code) {
            Some(Any::Ajp(kind)) => {
                if let Some(ajp) = ajp_at(&mut worker.kind, member) {
                    (kind.set)(ajp, &self.value);
                }
            }
            Some(Any::Balancer(kind)) => {
                if let WorkerKind::Balancer(lb) = &mut worker.kind {
                    (kind.set)(Arc::make_mut(lb), &self.value);
                }
            }
            Some(Any::Member(kind)) => {
                if let Some(member) = member_at(&mut worker.kind, member) {
                    (kind.set)(member, &self.value);
                }
            }
            None => {}
        }
    }

    fn written_in(&self, model: &Model) -> Written {
        let value = || {
            let worker = model.worker(&self.place.worker)?;
            of_code(self.code)?.get(&worker.kind, self.place.member.as_deref())
        };
        match value() {
            Some(value) => Written::As(value),
            None if self.is_about_an_address(model) => Written::ForAddresses,
            None => Written::Nowhere,
        }
    }

    fn is_about_an_address(&self, model: &Model) -> bool {
        let Some(member) = &self.place.member else {
            return false;
        };
        let worker = model.worker(&self.place.worker);
        let Some(WorkerKind::Balancer(lb)) = worker.map(|worker| &worker.kind) else {
            return false;
        };
        lb.members.iter().any(|template| {
            let name = &*template.worker.name;
            let behind = member.strip_prefix(name);
            template.worker.name_of_many().is_some()
                && behind.is_some_and(|behind| behind.starts_with('-'))
        })
    }
}

#[cfg(test)]
mod tests;
