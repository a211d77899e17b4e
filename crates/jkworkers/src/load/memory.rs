//! Files in memory, for tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use super::{LoadOptions, Loaded, load_with};
use crate::{
    files::{Files, Stamp},
    model::Model,
};

/// A tree of files.
#[derive(Default)]
pub(crate) struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
    env: BTreeMap<String, String>,
}

impl Memory {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).into(), text.as_bytes().to_vec()));
        Self {
            files: files.collect(),
            env: BTreeMap::new(),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub(crate) fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.insert(name.into(), bytes.to_vec());
        self
    }

    /// Loads `/etc/jk.conf`.
    pub(crate) fn load(&self) -> Loaded {
        let options = LoadOptions {
            config: Some("/etc/jk.conf".into()),
            ..LoadOptions::default()
        };
        load_with(&options, self)
    }

    /// The model of `/etc/jk.conf`, which must be valid.
    pub(crate) fn model(&self) -> Model {
        let loaded = self.load();
        loaded
            .model
            .unwrap_or_else(|| panic!("{}", loaded.diagnostics))
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        self.files.get(path).cloned().ok_or_else(missing)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let inside = |path: &PathBuf| {
            let rest = path.strip_prefix(directory).ok()?;
            Some(rest.components().next()?.as_os_str().to_owned())
        };
        let names: BTreeSet<_> = self.files.keys().filter_map(inside).collect();
        if names.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(names.into_iter().rev().collect())
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.list(path).is_ok() && !self.files.contains_key(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.is_directory(path)
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let content = self.files.get(path)?;
        Some(Stamp {
            modified: None,
            size: u64::try_from(content.len()).unwrap(),
            access: (0, 0, 0),
            inode: content.iter().fold(0, |hash: u64, byte| {
                hash.wrapping_mul(31).wrapping_add(u64::from(*byte))
            }),
        })
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
}
