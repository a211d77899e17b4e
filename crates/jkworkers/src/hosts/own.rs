//! The rules that a server wrote itself, and what others copy of them.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
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
        let lines = self.lines.iter().flat_map(|(_, mounts)| mounts);
        lines.chain(self.file.iter().flatten())
    }

    /// The same, to complete them.
    pub(crate) fn mounts_mut(&mut self) -> impl Iterator<Item = &mut Mount> {
        let lines = self.lines.iter_mut().flat_map(|(_, mounts)| mounts);
        lines.chain(self.file.iter_mut().flatten())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.file.is_none()
    }
}

/// `JkMountCopy` for virtual hosts with rules of their own: they get the main server's lines whose
/// path they do not write themselves, and its file if they have none.
pub(super) struct Copies<'m> {
    main: &'m Own,
    /// The numbers of the main server's lines, by their keys.
    lines: HashMap<Key<'m>, usize>,
    /// What was copied until now, by what is different between virtual hosts.
    shared: RefCell<HashMap<Copied, UriMap>>,
}

/// Exclusion or mount, and the path as it was written.
type Key<'m> = (bool, &'m str);

/// Which of the main server's rules are copied.
#[derive(PartialEq, Eq, Hash)]
struct Copied {
    /// Not these lines: exclusions that the virtual host replaces. They would still exclude.
    but: BTreeSet<usize>,
    with_file: bool,
}

fn key(line: &MountLine) -> Key<'_> {
    (line.exclusion, &line.path)
}

impl<'m> Copies<'m> {
    pub(super) fn new(main: &'m Own) -> Self {
        let lines = main.lines.iter().zip(0..);
        Self {
            main,
            lines: lines.map(|((line, _), n)| (key(line), n)).collect(),
            shared: RefCell::default(),
        }
    }

    /// The map of a virtual host.
    pub(super) fn added_to(&self, own: &Own) -> UriMap {
        let keys = own.lines.iter().map(|(line, _)| key(line));
        let replaced = keys.filter_map(|key| Some((key.0, *self.lines.get(&key)?)));
        let (exclusions, mounts): (Vec<_>, Vec<_>) =
            replaced.partition(|(exclusion, _)| *exclusion);
        let copied = Copied {
            but: exclusions.into_iter().map(|(_, number)| number).collect(),
            with_file: own.file.is_none(),
        };
        let lines = mounts
            .iter()
            .filter_map(|(_, number)| self.main.lines.get(*number));
        let rules = lines.flat_map(|(_, mounts)| mounts);
        let replaced = rules.map(|mount| (mount.origin.clone(), mount.pattern.clone()));
        let own = UriMap::new(own.mounts().cloned());
        own.copying(&self.shared(copied), replaced.collect())
    }

    /// One map for all virtual hosts that copy the same.
    fn shared(&self, copied: Copied) -> UriMap {
        let mut shared = self.shared.borrow_mut();
        let map = shared.entry(copied);
        map.or_insert_with_key(|copied| self.map(copied)).clone()
    }

    fn map(&self, copied: &Copied) -> UriMap {
        let lines = (0..).zip(&self.main.lines);
        let lines = lines.filter(|(number, _)| !copied.but.contains(number));
        let file = self.main.file.iter().filter(|_| copied.with_file);
        let rules = lines.flat_map(|(_, (_, mounts))| mounts);
        UriMap::new(rules.chain(file.flatten()).cloned())
    }
}
