//! What a reading of the configuration saw: to tell later whether anything of it has changed, and to
//! read it once more with only some of the files anew.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Files, Stamp};

/// Remembers what it is asked. Give it to [`load_with`](crate::load_with).
pub struct Recorder<'a> {
    files: &'a dyn Files,
    seen: RefCell<Recording>,
}

/// Everything that was read, with the contents.
#[derive(Clone, Default)]
pub struct Recording {
    content: BTreeMap<PathBuf, Content>,
    listings: BTreeMap<PathBuf, Option<BTreeSet<OsString>>>,
    directories: BTreeMap<PathBuf, bool>,
    existing: BTreeMap<PathBuf, bool>,
}

/// A file, or why it could not be read.
#[derive(Clone)]
struct Content {
    stamp: Option<Stamp>,
    bytes: Result<Arc<[u8]>, (io::ErrorKind, String)>,
}

/// The states of all that a recording has: if they are equal later, nothing has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    stamps: Vec<Option<Stamp>>,
    listings: Vec<Option<BTreeSet<OsString>>>,
    directories: Vec<bool>,
    existing: Vec<bool>,
}

impl<'a> Recorder<'a> {
    /// Passes all questions on to `files`.
    pub fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            seen: RefCell::default(),
        }
    }

    /// What it has seen.
    pub fn into_recording(self) -> Recording {
        self.seen.into_inner()
    }
}

impl Recording {
    /// The state that a file had just before it was read; `None` if it was not there, or not read.
    pub fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.content.get(path)?.stamp
    }

    /// How everything was.
    pub fn then(&self) -> Look {
        Look {
            stamps: self.content.values().map(|content| content.stamp).collect(),
            listings: self.listings.values().cloned().collect(),
            directories: self.directories.values().copied().collect(),
            existing: self.existing.values().copied().collect(),
        }
    }

    /// How everything is now.
    pub fn now(&self, files: &dyn Files) -> Look {
        let (paths, listings) = (self.content.keys(), self.listings.keys());
        let (directories, existing) = (self.directories.keys(), self.existing.keys());
        Look {
            stamps: paths.map(|path| files.stamp(path)).collect(),
            listings: listings.map(|path| listing(files, path)).collect(),
            directories: directories.map(|path| files.is_directory(path)).collect(),
            existing: existing.map(|path| files.exists(path)).collect(),
        }
    }
}

/// Contents may hold secrets.
impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.content.keys()).finish()
    }
}

fn listing(files: &dyn Files, directory: &Path) -> Option<BTreeSet<OsString>> {
    let names = files.list(directory).ok()?;
    Some(names.into_iter().collect())
}

impl Files for Recorder<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // The state before the content: a change in between is seen later.
        let stamp = self.files.stamp(path);
        let result = self.files.read(path);
        let bytes = match &result {
            Ok(bytes) => Ok(bytes.as_slice().into()),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        let content = Content { stamp, bytes };
        self.seen.borrow_mut().content.insert(path.into(), content);
        result
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let result = self.files.list(directory);
        let names = result.as_ref().ok();
        let names = names.map(|names| names.iter().cloned().collect());
        let listings = &mut self.seen.borrow_mut().listings;
        listings.insert(directory.into(), names);
        result
    }

    fn is_directory(&self, path: &Path) -> bool {
        let is = self.files.is_directory(path);
        self.seen.borrow_mut().directories.insert(path.into(), is);
        is
    }

    fn exists(&self, path: &Path) -> bool {
        let is = self.files.exists(path);
        self.seen.borrow_mut().existing.insert(path.into(), is);
        is
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.files.stamp(path)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.files.env(name)
    }
}

/// Answers as at the time of a recording, but for some files, which are read anew.
pub struct Replay<'a> {
    seen: &'a Recording,
    anew: &'a BTreeSet<PathBuf>,
    files: &'a dyn Files,
}

impl<'a> Replay<'a> {
    /// Answers from `seen`; reads those `anew`, and what was not read before, from `files`.
    pub fn new(seen: &'a Recording, anew: &'a BTreeSet<PathBuf>, files: &'a dyn Files) -> Self {
        Self { seen, anew, files }
    }

    fn recorded(&self, path: &Path) -> Option<&Content> {
        let content = self.seen.content.get(path);
        content.filter(|_| !self.anew.contains(path))
    }
}

impl Files for Replay<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.recorded(path).map(|content| &content.bytes) {
            Some(Ok(bytes)) => Ok(bytes.to_vec()),
            Some(Err((kind, text))) => Err(io::Error::new(*kind, text.clone())),
            None => self.files.read(path),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        match self.seen.listings.get(directory) {
            Some(Some(names)) => Ok(names.iter().cloned().collect()),
            _ => self.files.list(directory),
        }
    }

    fn is_directory(&self, path: &Path) -> bool {
        let recorded = self.seen.directories.get(path);
        recorded.map_or_else(|| self.files.is_directory(path), |is| *is)
    }

    fn exists(&self, path: &Path) -> bool {
        let recorded = self.seen.existing.get(path);
        recorded.map_or_else(|| self.files.exists(path), |is| *is)
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        match self.recorded(path) {
            Some(content) => content.stamp,
            None => self.files.stamp(path),
        }
    }

    fn env(&self, name: &str) -> Option<String> {
        self.files.env(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        LoadOptions, Loaded,
        load::memory::Memory,
        load_with,
        model::{Model, MountSource},
    };

    const CONF: &str = "Listen 80\nJkWorkersFile w\nInclude conf.d/*.conf\n\
                        IncludeOptional more.conf\nJkMount /* a\nJkMountFile map\n";

    fn files(map: &str) -> Memory {
        Memory::new(&[
            ("/etc/jk.conf", CONF),
            ("/etc/w", "worker.list=a,b\n"),
            ("/etc/map", map),
            ("/etc/conf.d/one.conf", "JkMount /one a\n"),
        ])
    }

    fn load(files: &dyn Files) -> (Loaded, Recording) {
        let options = LoadOptions {
            config: Some("/etc/jk.conf".into()),
            ..LoadOptions::default()
        };
        let recorder = Recorder::new(files);
        let loaded = load_with(&options, &recorder);
        (loaded, recorder.into_recording())
    }

    fn rules(model: &Model) -> Vec<String> {
        let rules = model.hosts[0].uri_map.iter();
        rules
            .map(|m| format!("{}={}", m.pattern, m.worker))
            .collect()
    }

    #[test]
    fn every_change_is_seen() {
        let old = files("/m=a\n");
        let (_, seen) = load(&old);
        assert_eq!(seen.then(), seen.now(&old));
        assert_eq!(seen.then(), seen.now(&files("/m=a\n")));
        for changed in [
            files("/m=b\n"),
            files("/m=a\n").with("/etc/w", b"worker.list=a\n"),
            files("/m=a\n").with("/etc/jk.conf", b"Listen 81\n"),
            files("/m=a\n").with("/etc/conf.d/two.conf", b"JkMount /two a\n"),
            files("/m=a\n").with("/etc/more.conf", b"JkMount /more a\n"),
            Memory::new(&[("/etc/jk.conf", CONF)]),
        ] {
            assert_ne!(seen.then(), seen.now(&changed));
        }
        assert_eq!(seen.now(&files("/m=b\n")), seen.now(&files("/m=b\n")));
    }

    #[test]
    fn only_the_rules_of_the_file_are_replaced() {
        let (loaded, seen) = load(&files("/m=a\n/n=a\n"));
        let old = loaded.model.unwrap();
        // Everything else has changed as well, or is gone.
        let now = Memory::new(&[("/etc/map", "/m=b\n"), ("/etc/w", "worker.list=x\n")]);
        let anew = BTreeSet::from(["/etc/map".into()]);
        let (loaded, again) = load(&Replay::new(&seen, &anew, &now));
        let new = loaded.model.unwrap();
        assert_eq!(rules(&old), ["/one=a", "/m=a", "/n=a", "/*=a"]);
        assert_eq!(rules(&new), ["/one=a", "/m=b", "/*=a"]);
        assert_eq!(new.hosts[0].mount_files, [PathBuf::from("/etc/map")]);
        let sources: Vec<_> = new.hosts[0].uri_map.iter().map(|m| m.source).collect();
        assert!(sources.contains(&MountSource::UriWorkerMap));
        // What was not read anew is remembered as it was.
        let (workers, map) = (Path::new("/etc/w"), Path::new("/etc/map"));
        assert_eq!(again.stamp(workers), seen.stamp(workers));
        assert_eq!(again.stamp(map), now.stamp(map));
        assert_ne!(again.then(), again.now(&now));
    }

    #[test]
    fn a_bad_file_is_refused_as_at_the_start() {
        let (_, seen) = load(&files("/m=a\n"));
        let anew = BTreeSet::from(["/etc/map".into()]);
        for now in [
            files("/m=a\n").with("/etc/map", b"\xFF\xFE"),
            Memory::new(&[]),
        ] {
            let (loaded, _) = load(&Replay::new(&seen, &anew, &now));
            assert!(loaded.model.is_none());
        }
    }

    #[test]
    fn contents_are_not_shown() {
        let (_, seen) = load(&files("/m=a\n# hush-hush\n"));
        assert!(!format!("{seen:?}").contains("hush-hush"));
    }
}
