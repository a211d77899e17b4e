//! The files of a case, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use jkworkers::files::{Files, Stamp};

use super::case::{Case, Content, absolute};

pub(crate) struct Memory {
    files: BTreeMap<PathBuf, Content>,
    environment: BTreeMap<String, String>,
}

impl Memory {
    pub(crate) fn of(case: &Case) -> Self {
        Self::new(&case.files, &case.environment)
    }

    pub(crate) fn new(files: &[(String, Content)], environment: &[(String, String)]) -> Self {
        let files = files.iter();
        let files = files.filter(|(_, content)| !matches!(content, Content::Missing));
        Self {
            files: files
                .map(|(name, content)| (absolute(name), content.clone()))
                .collect(),
            environment: environment.iter().cloned().collect(),
        }
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.get(path) {
            Some(Content::Bytes(bytes)) => Ok(bytes.clone()),
            Some(Content::Unreadable) => Err(io::ErrorKind::PermissionDenied.into()),
            _ if self.is_directory(path) => Err(io::Error::other("not a regular file")),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let inside = |path: &PathBuf| {
            let rest = path.strip_prefix(directory).ok()?;
            Some(rest.components().next()?.as_os_str().to_owned())
        };
        let names: BTreeSet<_> = self.files.keys().filter_map(inside).collect();
        if names.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(names.into_iter().rev().collect())
    }

    fn is_directory(&self, path: &Path) -> bool {
        !self.files.contains_key(path) && self.list(path).is_ok()
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.is_directory(path)
    }

    fn stamp(&self, _: &Path) -> Option<Stamp> {
        None
    }

    fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }
}
