//! From lines to one map of properties: `$(…)` replaced, duplicates joined or overwritten,
//! `reference` resolved.

mod reference;
mod shown;
pub(crate) mod variables;

use std::{collections::BTreeMap, ops::Bound};

use crate::{
    diag::{Diagnostics, Origin, excerpt},
    directive::{self, Duplicates},
    properties::{Line, shown},
};

/// More than any configuration needs, in bytes of keys and values: bounds what references of
/// references can multiply.
const MAX_TOTAL: usize = 4 << 20;
/// More than any value needs, in bytes: bounds what variables of variables can multiply.
const MAX_VALUE: usize = 65_536;

/// One key's value, ready to be parsed.
#[derive(Clone)]
pub(crate) struct Property {
    text: String,
    /// Which part of the text was written where: each part begins at its offset.
    parts: Vec<(usize, Origin)>,
    /// The key under which it was written, where it was copied from a template.
    written_as: Option<String>,
}

impl Property {
    fn new(text: String, origin: Origin) -> Self {
        Self {
            text,
            parts: vec![(0, origin)],
            written_as: None,
        }
    }

    /// The value. Never empty, unless all of it came from an empty variable.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it was copied from a template.
    pub(crate) fn is_inherited(&self) -> bool {
        self.written_as.is_some()
    }

    /// The key under which it was written, which is not its own where it was copied.
    pub(crate) fn written_as(&self) -> Option<&str> {
        self.written_as.as_deref()
    }

    /// Where it was first written.
    pub(crate) fn origin(&self) -> &Origin {
        self.origin_at(0)
    }

    /// Where the part of the text at this offset was written.
    pub(crate) fn origin_at(&self, offset: usize) -> &Origin {
        let after = self.parts.partition_point(|(start, _)| *start <= offset);
        #[allow(
            clippy::indexing_slicing,
            reason = "the first part begins at 0, so at least one begins at or before any offset"
        )]
        &self.parts[after - 1].1
    }

    /// The items of a list: separated by blanks and commas, empty ones dropped.
    pub(crate) fn items(&self) -> impl Iterator<Item = (&str, &Origin)> {
        let is_separator = |c: char| c == ',' || crate::blank::is_blank(c);
        let mut offset = 0;
        self.text
            .split_inclusive(is_separator)
            .filter_map(move |part| {
                let origin = self.origin_at(offset);
                offset += part.len();
                let item = part.trim_end_matches(is_separator);
                (!item.is_empty()).then_some((item, origin))
            })
    }

    fn append(&mut self, separator: char, text: &str, origin: Origin) {
        self.text.push(separator);
        self.parts.push((self.text.len(), origin));
        self.text.push_str(text);
    }
}

/// All properties of all sources by their full keys.
#[derive(Default)]
pub(crate) struct Properties {
    /// Bytes of all keys and values that were ever taken.
    total: usize,
    /// Bytes of all keys that were looked at because a template has them.
    looked: usize,
    map: BTreeMap<String, Property>,
    /// The keys in the order in which they came.
    order: Vec<String>,
}

impl Properties {
    /// Sets a variable that no file wrote.
    pub(crate) fn predefine(&mut self, name: &str, value: &str) {
        let property = Property::new(value.to_owned(), Origin::new(name, 0));
        self.insert(name.to_owned(), property);
    }

    fn insert(&mut self, key: String, property: Property) {
        if self.map.insert(key.clone(), property).is_none() {
            self.order.push(key);
        }
    }

    /// Takes one line: replaces its variables, then joins it with an earlier value of the key or
    /// overwrites that, as the key's last word demands.
    pub(crate) fn add(
        &mut self,
        line: Line,
        env: &dyn Fn(&str) -> Option<String>,
        found: &mut Diagnostics,
    ) {
        let value = variables::substitute(&line, |name| self.lookup(name, env), found);
        let joined = self.map.get(&line.key).map_or(0, |old| old.text.len()) + value.len();
        if joined > MAX_VALUE || !self.has_room(&line.key, &value) {
            return refuse_size(&line, found);
        }
        let Some(old) = self.map.get_mut(&line.key) else {
            self.insert(line.key, Property::new(value, line.origin));
            return;
        };
        match directive::duplicates(&line.key) {
            Duplicates::LastWins => {
                warn_of_overwriting(&line, old, &value, found);
                *old = Property::new(value, line.origin);
            }
            Duplicates::Joined(separator) => {
                let first = old.origin().clone();
                old.append(separator, &value, line.origin.clone());
                if separator != ',' {
                    warn_of_joining(&line, separator, &first, old, found);
                }
            }
        }
    }

    /// The property of this full key.
    pub(crate) fn get(&self, key: &str) -> Option<&Property> {
        self.map.get(key)
    }

    /// All keys with their properties, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.map
            .iter()
            .map(|(key, property)| (key.as_str(), property))
    }

    /// The keys that begin with this text, sorted.
    pub(crate) fn with_prefix<'a>(
        &'a self,
        prefix: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Property)> + use<'a> {
        let start = (Bound::Included(prefix), Bound::Unbounded);
        let prefix = prefix.to_owned();
        self.map
            .range::<str, _>(start)
            .map(|(key, property)| (key.as_str(), property))
            .take_while(move |(key, _)| key.starts_with(&prefix))
    }

    /// The names N of all keys `worker.N.attribute`, sorted, each once.
    pub(crate) fn worker_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .with_prefix("worker.")
            .filter_map(|(key, _)| directive::split_key(key)?.0)
            .filter(|name| shown(name) == *name)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether there is more than any configuration needs, or templates lead to more work than that.
    fn is_full(&self) -> bool {
        self.total > MAX_TOTAL || self.looked > 4 * MAX_TOTAL
    }

    /// Counts a key and its value; false where they are too much.
    fn has_room(&mut self, key: &str, value: &str) -> bool {
        self.total = self.total.saturating_add(key.len() + value.len());
        self.total <= MAX_TOTAL
    }

    fn lookup(&self, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        match self.map.get(name) {
            Some(property) => Some(property.text.clone()),
            None => env(name),
        }
    }
}

/// Whether the value of this key must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "passw", "pwd", "token"]
        .iter()
        .any(|word| key.contains(word))
}

/// Only values of directives that are no secrets: a variable may well be one, and so may a
/// directive that does not exist (`worker.a.sercet`).
fn may_show_value(key: &str) -> bool {
    let word = directive::split_key(key).and_then(|(_, word)| directive::find(word));
    word.is_some() && !is_secret(key)
}

fn refuse_size(line: &Line, found: &mut Diagnostics) {
    found
        .error(
            &line.origin,
            format!("`{}` is too much: a value has at most {MAX_VALUE} bytes, all settings together at most {MAX_TOTAL}", shown(&line.key)),
        )
        .help("Look for a variable that is built from itself, or for a file that does not belong here.");
}

fn warn_of_overwriting(line: &Line, old: &Property, value: &str, found: &mut Diagnostics) {
    let (key, first) = (shown(&line.key), old.origin());
    let values = if old.text == value {
        ", to the same value".to_owned()
    } else if may_show_value(&key) {
        format!(": `{}` replaces `{}`", excerpt(value), excerpt(&old.text))
    } else {
        String::new()
    };
    found
        .warning(
            &line.origin,
            format!("`{key}` is set again{values} (first set at {first})"),
        )
        .help("Keep one of the lines; the last one counts.");
}

fn warn_of_joining(
    line: &Line,
    separator: char,
    first: &Origin,
    joined: &Property,
    found: &mut Diagnostics,
) {
    let key = shown(&line.key);
    let is_setting = directive::split_key(&key).is_some();
    let result = if may_show_value(&key) {
        format!(": its value is now `{}`", excerpt(&joined.text))
    } else {
        String::new()
    };
    found
        .warning(
            &line.origin,
            format!("`{key}` is set again (first set at {first}); both texts are joined with `{separator}`, as in mod_jk{result}"),
        )
        .help(if is_setting {
            "Keep one of the lines."
        } else {
            "A variable cannot be changed: choose another name for it."
        });
}

#[cfg(test)]
mod tests;
