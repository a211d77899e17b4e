//! Which names are used, and what was written for those that are not.

use std::{collections::BTreeSet, sync::Arc};

use super::{Builder, first_written};
use crate::{
    diag::nearest,
    directive::{self, BALANCE_WORKERS, BALANCED_WORKERS, MOUNT, REFERENCE},
    resolve::Property,
};

/// Comparing names takes its time: guess for so many forgotten ones what they should be called.
const GUESSES: usize = 50;

impl<'p> Builder<'p, '_> {
    /// Names that are defined and used nowhere: forgotten, or misspelt there or here.
    pub(super) fn warn_of_forgotten(&mut self) {
        let mut used: BTreeSet<String> = self.types.keys().cloned().collect();
        used.extend(self.members_of_any());
        let templates = self.templates();
        let mut guesses = GUESSES;
        for name in self.properties.worker_names() {
            let is_template = templates.iter().any(|template| {
                name.strip_prefix(template.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            if used.contains(name) || is_template {
                continue;
            }
            let Some(origin) = first_written(self.properties, name) else {
                continue;
            };
            guesses = guesses.saturating_sub(1);
            let candidates = used.iter().filter(|_| guesses > 0).map(String::as_str);
            let remedy = match nearest(name, candidates) {
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

    /// `mount` counts only on workers that can be mounted.
    pub(super) fn warn_of_unmountable(&mut self, listed: &[Arc<str>]) {
        let mut names: Vec<&String> = self.types.keys().collect();
        names.sort_unstable();
        for name in names {
            let mount = self
                .properties
                .get(&format!("worker.{name}.{}", MOUNT.name));
            let Some(mount) = mount.filter(|m| !m.is_inherited()) else {
                continue;
            };
            if listed.iter().any(|listed| **listed == **name) {
                continue;
            }
            self.found
                .warning(
                    mount.origin(),
                    format!("`worker.{name}.mount` has no effect: `{name}` is not in worker.list"),
                )
                .help("Mount the balancer instead, or add the worker to worker.list.");
        }
    }

    /// Names that some balancer lists, also one that is itself forgotten.
    fn members_of_any(&self) -> impl Iterator<Item = String> {
        let lists = self.written(BALANCE_WORKERS.name);
        lists
            .chain(self.written(BALANCED_WORKERS.name))
            .flat_map(|list| list.items().map(|(name, _)| name.to_owned()))
    }

    /// Names of templates.
    fn templates(&self) -> BTreeSet<String> {
        self.written(REFERENCE.name)
            .filter_map(|property| property.text().strip_prefix("worker."))
            .map(str::to_owned)
            .collect()
    }

    /// What is written for this directive, whatever the worker.
    fn written(&self, word: &'static str) -> impl Iterator<Item = &'p Property> + use<'p> {
        self.properties
            .with_prefix("worker.")
            .filter(move |(key, _)| directive::split_key(key).is_some_and(|(_, w)| w == word))
            .map(|(_, property)| property)
    }

    /// Names that are known and cannot be mounted.
    pub(super) fn unlisted(&self, listed: &[Arc<str>]) -> Vec<Arc<str>> {
        let names = self.properties.worker_names();
        let members = self.types.keys().map(String::as_str);
        let all: BTreeSet<&str> = names.into_iter().chain(members).collect();
        all.into_iter()
            .filter(|name| !listed.iter().any(|listed| &**listed == *name))
            .filter(|name| !name.is_empty())
            .map(Arc::from)
            .collect()
    }
}
