//! `Include` and `IncludeOptional`: files, directories and wildcards.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Node, Reader};
use crate::{diag::Origin, files, uri_map::wildcard};

/// How deep directories may be nested.
const MAX_DIRECTORY_DEPTH: u32 = 20;

impl Reader<'_> {
    /// Reads what an `Include` names. Directories are read with everything below them, files in
    /// the order of their names.
    pub(super) fn include(&mut self, name: &str, optional: bool, origin: &Origin) -> Vec<Node> {
        let path = self.resolve(name);
        if !wildcard::is_glob(name.as_bytes()) {
            if optional && !self.files.exists(&path) {
                return Vec::new();
            }
            return self.file_or_directory(&path, 0, origin);
        }
        let found = self.glob(&path, optional, origin);
        if found.as_ref().is_some_and(Vec::is_empty) && !optional {
            self.diagnostics
                .error(origin, format!("nothing matches {}", path.display()))
                .help("Correct the pattern, or write IncludeOptional if that is fine.");
        }
        let mut nodes = Vec::new();
        for path in found.unwrap_or_default() {
            nodes.extend(self.file_or_directory(&path, 0, origin));
        }
        nodes
    }

    fn file_or_directory(&mut self, path: &Path, depth: u32, origin: &Origin) -> Vec<Node> {
        if !self.files.is_directory(path) {
            return self.file(path, Some(origin));
        }
        if depth >= MAX_DIRECTORY_DEPTH {
            self.diagnostics
                .error(
                    origin,
                    format!(
                        "directories are nested more than {MAX_DIRECTORY_DEPTH} deep at {}",
                        path.display()
                    ),
                )
                .help("There is probably a symbolic link that leads back.");
            return Vec::new();
        }
        let mut nodes = Vec::new();
        for entry in self.entries(path, origin).unwrap_or_default() {
            nodes.extend(self.file_or_directory(&entry, depth + 1, origin));
        }
        nodes
    }

    /// The paths that match a pattern, sorted. `None` after an error.
    fn glob(&mut self, pattern: &Path, optional: bool, origin: &Origin) -> Option<Vec<PathBuf>> {
        let mut found = vec![PathBuf::new()];
        let mut parts = pattern.components().peekable();
        while let Some(part) = parts.next() {
            let part = part.as_os_str();
            if !wildcard::is_glob(part.as_encoded_bytes()) {
                for path in &mut found {
                    path.push(part);
                }
                continue;
            }
            let mut next = Vec::new();
            for directory in found {
                if optional && !self.files.is_directory(&directory) {
                    continue;
                }
                let entries = self.entries(&directory, origin)?;
                next.extend(entries.into_iter().filter(|entry| {
                    let inner = parts.peek().is_some();
                    entry.file_name().is_some_and(|name| fits(part, name))
                        && (!inner || self.files.is_directory(entry))
                }));
            }
            found = next;
        }
        found.retain(|path| self.files.exists(path));
        Some(found)
    }

    fn entries(&mut self, directory: &Path, origin: &Origin) -> Option<Vec<PathBuf>> {
        match self.files.list(directory) {
            Ok(mut names) => {
                names.sort();
                Some(names.iter().map(|name| directory.join(name)).collect())
            }
            Err(error) => {
                let reason = files::reason(&error).replace("file", "directory");
                self.diagnostics
                    .error(origin, format!("cannot read directory {}: {reason}", directory.display()))
                    .help("Correct the path; relative paths start at ServerRoot, else at the first file's directory.");
                None
            }
        }
    }
}

/// A name with a dot at its beginning wants a dot in the pattern.
fn fits(pattern: &OsStr, name: &OsStr) -> bool {
    let (pattern, name) = (pattern.as_encoded_bytes(), name.as_encoded_bytes());
    (!name.starts_with(b".") || pattern.starts_with(b".")) && wildcard::glob(pattern, name)
}
