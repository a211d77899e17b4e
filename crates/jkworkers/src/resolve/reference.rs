//! `worker.a.reference=worker.t`: `a` inherits what is set for `t`.
//!
//! The value is a prefix of keys; every key that begins with it and a dot is copied unless the
//! target has that key. References are followed once all sources are read, so the order of the
//! lines does not matter, and deepest first, so that a template's own template counts.

use std::collections::HashSet;

use super::{MAX_TOTAL, Properties};
use crate::diag::{Diagnostics, Origin};

/// mod_jk follows references this deep: at the twentieth it gives up.
const MAX_DEPTH: usize = 19;
const SUFFIX: &str = ".reference";

impl Properties {
    /// Copies everything that is inherited.
    pub(crate) fn inherit(&mut self, found: &mut Diagnostics) {
        let mut done = HashSet::new();
        // A copied sub-template may bring references of its own, which are followed in turn.
        for _ in 0..MAX_DEPTH {
            for key in self.open_references(&done) {
                self.follow(&key, &mut Vec::new(), &mut done, found);
            }
        }
        if let Some(key) = self.open_references(&done).first() {
            self.refuse_depth(key, found);
        }
    }

    fn open_references(&self, done: &HashSet<String>) -> Vec<String> {
        self.with_prefix("worker.")
            .map(|(key, _)| key)
            .filter(|key| key.ends_with(SUFFIX) && !done.contains(*key))
            .map(str::to_owned)
            .collect()
    }

    /// Follows the reference of this key, the template's own reference first.
    fn follow(
        &mut self,
        key: &str,
        trail: &mut Vec<String>,
        done: &mut HashSet<String>,
        found: &mut Diagnostics,
    ) {
        let (Some(target), Some(property)) = (key.strip_suffix(SUFFIX), self.get(key)) else {
            return;
        };
        let (template, origin) = (property.text().to_owned(), property.origin().clone());
        if trail.iter().any(|passed| passed == key) {
            return refuse_loop(trail, key, &origin, found);
        }
        if !done.insert(key.to_owned()) {
            return;
        }
        if trail.len() >= MAX_DEPTH {
            return self.refuse_depth(key, found);
        }
        trail.push(key.to_owned());
        self.follow(&format!("{template}{SUFFIX}"), trail, done, found);
        trail.pop();
        // A worker that names itself has been reported as a circle.
        if template != target {
            self.copy(&template, target, &origin, found);
        }
    }

    fn copy(&mut self, template: &str, target: &str, origin: &Origin, found: &mut Diagnostics) {
        let prefix = format!("{template}.");
        if format!("{target}.").starts_with(&prefix) {
            return refuse_self(target, template, origin, found);
        }
        // It has been said that there is too much.
        if self.is_full() {
            return;
        }
        let (mut looked, mut copies) = (0, Vec::new());
        for (key, property) in self.with_prefix(&prefix) {
            looked += key.len();
            let rest = key.strip_prefix(&prefix).unwrap_or_default();
            let own = format!("{target}.{rest}");
            if !self.map.contains_key(&own) {
                let mut copy = property.clone();
                copy.written_as.get_or_insert_with(|| key.to_owned());
                copies.push((own, copy));
            }
        }
        if looked == 0 {
            return self.refuse_unknown(template, target, origin, found);
        }
        self.looked = self.looked.saturating_add(looked);
        for (key, property) in copies {
            if !self.has_room(&key, property.text()) || self.is_full() {
                return refuse_size(target, origin, found);
            }
            self.insert(key, property);
        }
    }

    fn refuse_depth(&self, key: &str, found: &mut Diagnostics) {
        let Some(property) = self.get(key) else {
            return;
        };
        found
            .error(
                property.origin(),
                format!("`{key}` is the end of more than {MAX_DEPTH} references in a row"),
            )
            .help("Let the worker refer to the last template directly.");
    }

    fn refuse_unknown(
        &self,
        template: &str,
        target: &str,
        origin: &Origin,
        found: &mut Diagnostics,
    ) {
        // `template` alone lacks the `worker.` of its keys.
        let is_name = self.with_prefix(&format!("worker.{template}.")).next();
        let name = template.strip_prefix("worker.").unwrap_or(template);
        let own = target.strip_prefix("worker.");
        let others = || self.worker_names().into_iter().filter(|n| Some(*n) != own);
        let meant = is_name
            .map(|_| template)
            .or_else(|| found.guess(name, others));
        let remedy = match meant {
            Some(meant) => format!("Did you mean `{target}{SUFFIX}=worker.{meant}`?"),
            None => "The value is the beginning of the template's keys, such as `worker.template`."
                .to_owned(),
        };
        found
            .error(
                origin,
                format!(
                    "`{target}{SUFFIX}` names `{template}`, but no key begins with `{template}.`"
                ),
            )
            .help(remedy);
    }
}

fn refuse_loop(trail: &[String], key: &str, origin: &Origin, found: &mut Diagnostics) {
    let round = trail.iter().skip_while(|passed| *passed != key);
    let mut names: Vec<&str> = round.filter_map(|k| k.strip_suffix(SUFFIX)).collect();
    names.extend(key.strip_suffix(SUFFIX));
    found
        .error(
            origin,
            format!("references go in a circle: {}", names.join(" -> ")),
        )
        .help("A template must not inherit from what inherits from it.");
}

fn refuse_self(target: &str, template: &str, origin: &Origin, found: &mut Diagnostics) {
    found
        .error(
            origin,
            format!("`{target}{SUFFIX}` names `{template}`, which the worker itself belongs to"),
        )
        .help("The value is the beginning of the template's keys, such as `worker.template`.");
}

fn refuse_size(target: &str, origin: &Origin, found: &mut Diagnostics) {
    found
        .error(
            origin,
            format!("what `{target}{SUFFIX}` inherits is too much: all settings together have at most {MAX_TOTAL} bytes"),
        )
        .help("Look for templates that inherit from each other's parts.");
}
