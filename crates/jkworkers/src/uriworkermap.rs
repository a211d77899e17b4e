//! uriworkermap files: `pattern=worker` lines, read by the same line reader as
//! workers.properties.
//!
//! A key that is written twice counts where it stood first, with the last value. A pattern that
//! does not begin with `/` is left out with a warning: mod_jk logs it and serves the rest.

use std::collections::HashMap;

use crate::{
    diag::{Diagnostics, Origin},
    model::{Mount, MountSource},
    mounts::Rule,
    properties,
    resolve::variables,
    workers_properties::Source,
};

/// Reads a file. `env` answers for `$(NAME)` in values where no earlier key does.
pub(crate) fn read(
    source: &Source<'_>,
    env: &dyn Fn(&str) -> Option<String>,
    found: &mut Diagnostics,
) -> Vec<Mount> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in properties::read_rules(source, found) {
        let known = |name: &str| {
            let entry = places.get(name).and_then(|place| entries.get(*place));
            entry.map(|entry| entry.value.clone())
        };
        let value = variables::substitute(&line, |name| known(name).or_else(|| env(name)), found);
        let entry = Entry {
            key: line.key,
            value,
            origin: line.origin,
        };
        let place = places.get(&entry.key);
        if let Some(old) = place.and_then(|place| entries.get_mut(*place)) {
            replace(old, entry, found);
        } else {
            places.insert(entry.key.clone(), entries.len());
            entries.push(entry);
        }
    }
    entries
        .iter()
        .flat_map(|entry| entry.mounts(found))
        .collect()
}

struct Entry {
    key: String,
    value: String,
    origin: Origin,
}

impl Entry {
    fn mounts(&self, found: &mut Diagnostics) -> Vec<Mount> {
        let rule = Rule {
            pattern: &self.key,
            worker: &self.value,
            source: MountSource::UriWorkerMap,
            origin: &self.origin,
        };
        let mounts = rule.expand(found);
        if mounts.is_none() {
            let path = slashed(&self.key);
            found
                .warning(
                    &self.origin,
                    format!("the rule `{}` does not begin with / and is left out", self.key),
                )
                .help(format!(
                    "Write {path}; an exclusion begins with `!`, a disabled rule with `-`, a disabled exclusion with `-!`."
                ));
        }
        mounts.unwrap_or_default()
    }
}

/// The pattern as it was probably meant.
fn slashed(key: &str) -> String {
    let prefixes = ["-!", "!", "-", ""].into_iter();
    let mut split = prefixes.filter_map(|prefix| Some((prefix, key.strip_prefix(prefix)?)));
    match split.find(|(_, path)| !path.starts_with(['!', '-'])) {
        Some((prefix, path)) => format!("{prefix}/{path}"),
        None => format!("/{}", key.trim_start_matches(['!', '-', '/'])),
    }
}

fn replace(old: &mut Entry, new: Entry, found: &mut Diagnostics) {
    found
        .warning(
            &new.origin,
            format!(
                "`{}` was written before, at {}: this line counts",
                new.key, old.origin
            ),
        )
        .help("Remove one of the two lines.");
    *old = new;
}
