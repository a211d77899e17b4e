//! Which names are used, and what was written for those that are not.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{Builder, first_written};
use crate::{
    directive::{self, BALANCE_WORKERS, BALANCED_WORKERS, MOUNT, REFERENCE},
    resolve::Property,
};

impl<'p> Builder<'p, '_> {
    /// Names that are defined and used nowhere: forgotten, or misspelt there or here.
    pub(super) fn warn_of_forgotten(&mut self) {
        let mut used: BTreeSet<String> = self.types.keys().cloned().collect();
        used.extend(self.members_of_any());
        let templates = self.templates();
        for name in self.properties.worker_names() {
            if used.contains(name) || is_part_of_any(&templates, name) {
                continue;
            }
            let Some(origin) = first_written(self.properties, name) else {
                continue;
            };
            let remedy = match self.found.guess(name, || used.iter().map(String::as_str)) {
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
        let listed: HashSet<&str> = listed.iter().map(|name| &**name).collect();
        for name in names {
            let mount = self
                .properties
                .get(&format!("worker.{name}.{}", MOUNT.name));
            let Some(mount) = mount.filter(|m| !m.is_inherited()) else {
                continue;
            };
            if listed.contains(name.as_str()) {
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
        let listed: HashSet<&str> = listed.iter().map(|name| &**name).collect();
        all.into_iter()
            .filter(|name| !listed.contains(name))
            .filter(|name| !name.is_empty())
            .map(Arc::from)
            .collect()
    }
}

/// Whether this is the name of a template, or that and a dot and more.
fn is_part_of_any(templates: &BTreeSet<String>, name: &str) -> bool {
    let dots = name.match_indices('.').filter_map(|(at, _)| name.get(..at));
    dots.chain([name]).any(|part| templates.contains(part))
}
