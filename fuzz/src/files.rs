//! Files in memory: one text with lines `==> NAME <==` before each but the first.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use jkworkers::{
    LoadOptions, Loaded,
    files::{Files, Stamp},
    load_with,
};

/// Where they are.
const ROOT: &str = "/etc/jk";

/// The configuration itself.
pub(crate) const CONFIG: &str = "jk.conf";

/// A tree of files below [`ROOT`].
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    /// What stands before the first name is the configuration.
    pub(crate) fn of(input: &[u8]) -> Self {
        let mut files = Self::default();
        let mut name = CONFIG.to_owned();
        let mut content = Vec::new();
        for line in input.split_inclusive(|b| *b == b'\n') {
            if let Some(next) = named(line) {
                files = files.with(&name, &std::mem::take(&mut content));
                name = next;
            } else {
                content.extend_from_slice(line);
            }
        }
        files.with(&name, &content)
    }

    pub(crate) fn with(mut self, name: &str, content: &[u8]) -> Self {
        let place = self.0.entry(Path::new(ROOT).join(name)).or_default();
        place.extend_from_slice(content);
        self
    }

    pub(crate) fn load(&self) -> Loaded {
        let options = LoadOptions {
            config: Some(Path::new(ROOT).join(CONFIG)),
            ..LoadOptions::default()
        };
        load_with(&options, self)
    }

    /// How many lines a file has; `None` where there is no such file.
    pub(crate) fn lines(&self, name: &str) -> Option<usize> {
        let content = self.0.get(Path::new(name))?;
        Some(content.split(|b| *b == b'\n').count())
    }
}

fn named(line: &[u8]) -> Option<String> {
    let name = str::from_utf8(line).ok()?.trim_end();
    let name = name.strip_prefix("==> ")?.strip_suffix(" <==")?;
    let is_short = name.len() < 100 && !name.contains('\0');
    is_short.then(|| name.trim_start_matches('/').to_owned())
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        self.0.get(path).cloned().ok_or_else(missing)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let inside = |path: &PathBuf| {
            let rest = path.strip_prefix(directory).ok()?;
            Some(rest.components().next()?.as_os_str().to_owned())
        };
        let names: BTreeSet<_> = self.0.keys().filter_map(inside).collect();
        if names.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(names.into_iter().collect())
    }

    fn is_directory(&self, path: &Path) -> bool {
        !self.0.contains_key(path) && self.0.keys().any(|file| file.starts_with(path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.keys().any(|file| file.starts_with(path))
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let content = self.0.get(path)?;
        Some(Stamp {
            modified: None,
            size: u64::try_from(content.len()).ok()?,
            inode: 1,
            access: (0, 0, 0),
        })
    }

    fn env(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root".to_owned())
    }
}
