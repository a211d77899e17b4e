//! The rules that a server wrote itself, and what others copy of them.

use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
};

use crate::{
    diag::Diagnostics,
    httpd::{MountLine, Server},
    model::{Mount, MountSource},
    mounts::Rule,
    uri_map::UriMap,
};

/// The rules that one server wrote itself.
#[derive(Default)]
pub(crate) struct Own {
    /// `JkMount` and `JkUnMount`, each with what it stands for.
    lines: Vec<(MountLine, Vec<Mount>)>,
    /// The rules of its `JkMountFile`; `None` when it has none.
    file: Option<Vec<Mount>>,
}

impl Own {
    /// Expands the lines of a server.
    pub(crate) fn new(server: &Server, file: Option<Vec<Mount>>, found: &mut Diagnostics) -> Self {
        let expand = |line: &MountLine| {
            let rule = Rule {
                pattern: &line.path,
                worker: &line.worker,
                source: MountSource::JkMount,
                origin: &line.origin,
            };
            let mut mounts = rule.expand(found).unwrap_or_default();
            for mount in &mut mounts {
                mount.exclusion |= line.exclusion;
            }
            (line.clone(), mounts)
        };
        Self {
            lines: server.mounts.iter().map(expand).collect(),
            file,
        }
    }

    /// Every rule, lines first.
    pub(crate) fn mounts(&self) -> impl Iterator<Item = &Mount> {
        self.line_mounts().chain(self.file.iter().flatten())
    }

    /// The same, to complete them.
    pub(crate) fn mounts_mut(&mut self) -> impl Iterator<Item = &mut Mount> {
        let lines = self.lines.iter_mut().flat_map(|(_, mounts)| mounts);
        lines.chain(self.file.iter_mut().flatten())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.file.is_none()
    }

    fn line_mounts(&self) -> impl Iterator<Item = &Mount> {
        self.lines.iter().flat_map(|(_, mounts)| mounts)
    }
}

/// `JkMountCopy` for virtual hosts with rules of their own: they get the main server's lines whose
/// path they do not write themselves, and its file if they have none.
pub(super) struct Copies<'m> {
    main: &'m Own,
    /// What the main server's lines stand for, by their keys.
    lines: HashMap<Key<'m>, &'m [Mount]>,
    /// All rules, for virtual hosts without a file.
    all: OnceCell<UriMap>,
    /// Those of lines, for virtual hosts with a file.
    of_lines: OnceCell<UriMap>,
}

/// Exclusion or mount, and the path as it was written.
type Key<'m> = (bool, &'m str);

fn key(line: &MountLine) -> Key<'_> {
    (line.exclusion, &line.path)
}

impl<'m> Copies<'m> {
    pub(super) fn new(main: &'m Own) -> Self {
        let lines = main.lines.iter();
        Self {
            main,
            lines: lines.map(|(line, mounts)| (key(line), &**mounts)).collect(),
            all: OnceCell::new(),
            of_lines: OnceCell::new(),
        }
    }

    /// The map of a virtual host.
    pub(super) fn added_to(&self, own: &Own) -> UriMap {
        let keys = own.lines.iter().map(|(line, _)| key(line));
        let replaced = keys.filter(|key| self.lines.contains_key(key));
        let replaced: Vec<Key<'_>> = replaced.collect();
        if replaced.iter().any(|(exclusion, _)| *exclusion) {
            return self.joined_with(own);
        }
        let mounts = replaced.iter().filter_map(|key| self.lines.get(key));
        let replaced = mounts.copied().flatten();
        let replaced = replaced.map(|mount| (mount.origin.clone(), mount.pattern.clone()));
        let replaced = replaced.collect();
        UriMap::new(own.mounts().cloned()).copying(self.shared(own), replaced)
    }

    /// What is the same for all virtual hosts that replace no exclusion.
    fn shared(&self, own: &Own) -> &UriMap {
        match own.file {
            None => self
                .all
                .get_or_init(|| UriMap::new(self.main.mounts().cloned())),
            Some(_) => self
                .of_lines
                .get_or_init(|| UriMap::new(self.main.line_mounts().cloned())),
        }
    }

    /// A map with a copy of each rule: a replaced exclusion would still exclude in a shared one.
    fn joined_with(&self, own: &Own) -> UriMap {
        let keys: HashSet<_> = own.lines.iter().map(|(line, _)| key(line)).collect();
        let copied = self.main.lines.iter();
        let copied = copied.filter(|(line, _)| !keys.contains(&key(line)));
        let lines = own.lines.iter().chain(copied);
        let file = own.file.as_ref().or(self.main.file.as_ref());
        let rules = lines.flat_map(|(_, mounts)| mounts);
        UriMap::new(rules.chain(file.into_iter().flatten()).cloned())
    }
}
