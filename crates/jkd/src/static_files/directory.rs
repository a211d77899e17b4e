//! What stands for a path: the file itself, or the index file of a directory.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, sync::Arc};

use jkworkers::{
    model::{Asked, FileSettings, Host},
    uri_map::clean,
};

use super::{
    place::{Place, Pointer, place},
    walk::{Walked, What, walk},
};
use crate::rescue::Stumble;

/// What was found for a path.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) walked: Walked,
    /// It is a program, which is never sent.
    pub(crate) is_script: bool,
    /// It is a directory that was asked for without its slash, and `DirectorySlash` is on.
    pub(crate) lacks_slash: bool,
    /// The path, covered by a rule of the map, that stands for it.
    pub(crate) mapped: Option<Vec<u8>>,
    /// The path of the index file, or of the file for all that is missing, that stands for it.
    pub(crate) path: Option<Vec<u8>>,
    /// The file that the path would be, whether it is there or not.
    wanted: Vec<u8>,
    /// The directory and the path of the `Alias` that has led here.
    context: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether mod_jk may look at it.
    pub(crate) for_jk: bool,
    /// What was found out on behalf of the request for which it stands.
    pub(crate) learnt: Option<Arc<Learnt>>,
}

/// What a request for an index file, on behalf of one for its directory, leaves to that.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(super) path: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// Which `<If>` sections hold.
    pub(super) chosen: Vec<bool>,
    /// Variables that rules about rewriting have set, or taken away.
    pub(crate) changes: Vec<(String, Option<Vec<u8>>)>,
    /// Whether it lies in the directory that was asked for.
    pub(super) is_listed: bool,
}

impl Learnt {
    /// What sections see of it.
    pub(crate) fn asked(&self) -> Asked<'_> {
        let file = Some(&*self.name).filter(|name| !name.is_empty());
        let asked = Asked::at(&self.path).with_file(file);
        asked.listed(self.is_listed).choosing(&self.chosen)
    }
}

impl Located {
    /// There is nothing, and nobody has looked for it.
    pub(crate) const fn nothing() -> Self {
        Self::at(
            Walked {
                name: Vec::new(),
                what: What::Nothing,
                missing: None,
            },
            false,
        )
    }

    /// A rule of the map covers this path.
    pub(super) fn mapped(path: Vec<u8>) -> Self {
        Self {
            mapped: Some(path),
            ..Self::nothing()
        }
    }

    /// The same; a worker is asked for this path, if there is one.
    pub(super) fn or_mapped(self, mapped: Option<Vec<u8>>) -> Self {
        Self { mapped, ..self }
    }

    /// The same, for which this path stands.
    pub(super) fn by(self, path: Vec<u8>) -> Self {
        Self {
            path: Some(path),
            ..self
        }
    }

    /// The same, where no file of this name is sent; one in front of it may be.
    pub(super) fn unsent(mut self) -> Self {
        let is_in_front = |name: &[u8]| !name.contains(&b';');
        match self.walked.what {
            What::Closed => {}
            What::Behind { .. } if is_in_front(&self.walked.name) => {}
            _ => self.walked.what = What::Nothing,
        }
        self.lacks_slash = false;
        self
    }

    /// The same; the file in front of more stands for that where this is accepted for the path:
    /// `AcceptPathInfo`. What a rule of the map covers is its worker's, whatever comes behind; so
    /// may be a file of which nobody can say by which path it was reached.
    pub(super) fn accepting(mut self, host: &Host, asked: Asked<'_>) -> Self {
        let What::Behind { rest, .. } = &self.walked.what else {
            return self;
        };
        let settings = host.files_about(asked.with_file(self.asked_for()));
        let path = self.path.as_deref().unwrap_or(asked.path);
        let is_accepted = settings.path_info == Some(true)
            && in_front(path, rest)
                .is_some_and(|own| !self.for_jk || host.uri_map.find(own).is_none());
        self.walked.what = match self.walked.what {
            What::Behind { file, .. } if is_accepted => *file,
            what => what,
        };
        self
    }

    /// The same, which stands for something else.
    pub(super) fn standing_in(self, learnt: Learnt) -> Self {
        let path = learnt.path.clone();
        Self {
            learnt: Some(Arc::new(learnt)),
            ..self
        }
        .by(path)
    }

    const fn at(walked: Walked, is_script: bool) -> Self {
        Self {
            walked,
            is_script,
            lacks_slash: false,
            mapped: None,
            path: None,
            wanted: Vec::new(),
            context: None,
            for_jk: true,
            learnt: None,
        }
    }

    /// What sections see of it, that was found for this path.
    pub(super) fn asked<'l>(&'l self, path: &'l [u8], chosen: &'l [bool]) -> Asked<'l> {
        let own = self.path.as_deref().unwrap_or(path);
        self.learnt.as_deref().map_or_else(
            || Asked::at(own).with_file(self.name()).choosing(chosen),
            Learnt::asked,
        )
    }

    /// Whether the answer is where the directory really is.
    pub(crate) const fn redirects(&self) -> bool {
        self.lacks_slash && matches!(self.walked.what, What::Directory)
    }

    /// What was asked for: the file, or the directory where an index file stands for it.
    pub(super) fn asked_for(&self) -> Option<&[u8]> {
        let name = self.name()?;
        let end = name.iter().rposition(|&b| b == b'/');
        let directory = end.and_then(|end| name.get(..=end));
        directory.filter(|_| self.learnt.is_some()).or(Some(name))
    }

    /// The name of the file or directory.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        Some(&*self.walked.name).filter(|name| !name.is_empty())
    }

    /// The directory and the path of the `Alias` that has led here.
    pub(crate) fn context(&self) -> Option<(&[u8], &[u8])> {
        let context = self.context.as_ref();
        context.map(|(root, prefix)| (&**root, &**prefix))
    }

    /// The file as far as it is there, a directory without the slash that its path lacks, and what
    /// stands in the path behind that.
    pub(crate) fn parts<'l>(&'l self, path: &'l [u8]) -> (&'l [u8], &'l [u8]) {
        let name = &*self.walked.name;
        let Some(rest) = self.wanted.strip_prefix(name) else {
            let bare = name.strip_suffix(b"/");
            let bare = bare.filter(|bare| **bare == *self.wanted);
            return match (bare, name) {
                (Some(bare), _) => (bare, b""),
                (None, b"") => (path, b""),
                (None, name) => (name, b""),
            };
        };
        (name, rest)
    }

    /// Whether there is a file.
    pub(crate) const fn is_file(&self) -> bool {
        matches!(
            self.walked.what,
            What::File(_) | What::Behind { .. } | What::Closed | What::Broken(_)
        )
    }

    /// Whether it is a directory.
    pub(crate) const fn is_directory(&self) -> bool {
        matches!(self.walked.what, What::Directory)
    }

    /// Whether something else may stand for it, as an index file does for a directory.
    pub(crate) fn may_be_stood_for(&self, path: &[u8]) -> bool {
        matches!(self.walked.what, What::Nothing) || self.is_directory() && path.ends_with(b"/")
    }

    /// Whether there is anything, be it a file in front of what was looked for.
    pub(crate) fn is_there(&self) -> bool {
        let what = &self.walked.what;
        matches!(what, What::Behind { .. } | What::File(_) | What::Directory)
    }
}

/// Looks for `path`, and for what stands for it. `for_jk` says whether mod_jk may look at index
/// files and at applications.
///
/// # Errors
///
/// Where there can be nothing.
pub(super) fn find(
    host: &Host,
    path: &[u8],
    pointer: &Pointer,
    for_jk: bool,
) -> Result<Located, Stumble> {
    let found = own(host, path, pointer, for_jk)?;
    let settings = host.files_about(Asked::at(path).with_file(found.name()));
    Ok(match found.walked.what {
        What::Directory if path.ends_with(b"/") => index(host, path, for_jk, &settings, found),
        What::Nothing => fallback(host, for_jk, &settings).unwrap_or(found),
        What::Behind { .. } => found.accepting(host, Asked::at(path)),
        _ => found,
    })
}

/// Looks for `path`, or for what `pointer` says, and for nothing that stands for it.
///
/// # Errors
///
/// Where there can be nothing.
pub(super) fn own(
    host: &Host,
    path: &[u8],
    pointer: &Pointer,
    for_jk: bool,
) -> Result<Located, Stumble> {
    let place = match place(host, path, pointer, for_jk) {
        Ok(place) => place,
        Err(Stumble::Unmapped) => return Ok(Located::nothing()),
        Err(stumble) => return Err(stumble),
    };
    let is_script = place.is_script;
    let mut found = Located::at(walk(host, path, &place), is_script);
    (found.wanted, found.context) = (place.name, place.context);
    if matches!(found.walked.what, What::Directory) && !path.ends_with(b"/") {
        let settings = host.files_about(Asked::at(path).with_file(found.name()));
        found.lacks_slash = settings.slash.unwrap_or(true);
    }
    Ok(found)
}

/// A file of the file system.
pub(super) fn at(host: &Host, name: Vec<u8>) -> Located {
    let place = Place::at(name);
    let mut found = Located::at(walk(host, b"", &place), false);
    found.wanted = place.name;
    if matches!(found.walked.what, What::Directory) {
        let settings = host.files_about(Asked::at(b"").with_file(found.name()));
        found.lacks_slash = settings.slash.unwrap_or(true);
    }
    found
}

/// The path of the file in front of the rest, which the file's name has as it was written: the path
/// may have lost its parameters since.
fn in_front<'p>(path: &'p [u8], rest: &[u8]) -> Option<&'p [u8]> {
    let cleaned = || path.strip_suffix(&*clean(rest).ok()?);
    path.strip_suffix(rest).or_else(cleaned)
}

/// The names of files that stand for a directory.
pub(super) fn index_names(settings: &FileSettings) -> Vec<String> {
    let names = settings.index.as_deref();
    names.map_or_else(|| vec!["index.html".to_owned()], <[String]>::to_vec)
}

/// The path of an index file.
pub(super) fn index_path(path: &[u8], name: &str) -> Vec<u8> {
    match name.strip_prefix('/') {
        Some(_) => name.as_bytes().to_vec(),
        None => [path, name.as_bytes()].concat(),
    }
}

/// The name of the file of a path in a directory, whose name ends with a slash.
pub(super) fn file_in(directory: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let last = path.rsplit(|b| *b == b'/').next()?;
    directory
        .ends_with(b"/")
        .then(|| [directory, last].concat())
}

/// An index file that is there, of a path that a rule covers: its worker is asked for this path.
/// Touches the file system.
///
/// # Errors
///
/// The path, where there is no file.
pub(super) fn mapped_file(name: Vec<u8>, path: Vec<u8>) -> Result<Located, Vec<u8>> {
    let is_file = fs::metadata(OsStr::from_bytes(&name)).is_ok_and(|found| found.is_file());
    if !is_file {
        return Err(path);
    }
    let walked = Walked {
        name,
        what: What::Nothing,
        missing: None,
    };
    let located = Located::at(walked, false).or_mapped(Some(path.clone()));
    Ok(located.by(path))
}

/// The first index file that is there. Where there is none, but a rule maps one of their names, the
/// directory itself is for its worker.
fn index(
    host: &Host,
    path: &[u8],
    for_jk: bool,
    settings: &FileSettings,
    found: Located,
) -> Located {
    let mut mapped = None;
    for name in index_names(settings) {
        let own = index_path(path, &name);
        if for_jk && host.uri_map.find(&own).is_some() {
            let name = found.name().and_then(|name| file_in(name, &own));
            match name.map_or(Err(own.clone()), |name| mapped_file(name, own)) {
                Ok(file) => return file,
                Err(path) => mapped = Some(path),
            }
        } else if let Some(file) = file(host, &own, for_jk) {
            return file;
        }
    }
    if mapped.is_none()
        && let Some(instead) = fallback(host, for_jk, settings).filter(|f| f.mapped.is_none())
    {
        return instead;
    }
    Located { mapped, ..found }
}

/// `FallbackResource`
fn fallback(host: &Host, for_jk: bool, settings: &FileSettings) -> Option<Located> {
    let path = settings
        .fallback
        .as_deref()
        .filter(|path| !path.is_empty())?;
    if for_jk && host.uri_map.find(path.as_bytes()).is_some() {
        return Some(Located::mapped(path.as_bytes().to_vec()));
    }
    file(host, path.as_bytes(), for_jk)
}

/// A file that is there, or that nobody may see.
fn file(host: &Host, path: &[u8], for_jk: bool) -> Option<Located> {
    let place @ Place { is_script, .. } = &place(host, path, &Pointer::default(), for_jk).ok()?;
    let found = Located::at(walk(host, path, place), *is_script);
    let found = found.accepting(host, Asked::at(path));
    let is_there = !matches!(found.walked.what, What::Nothing | What::Directory);
    is_there.then(|| found.by(path.to_vec()))
}
