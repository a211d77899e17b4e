//! What stands for a path: the file itself, or the index file of a directory.

use jkworkers::model::{Asked, FileSettings, Host};

use super::{
    place::{Place, place, place_of},
    walk::{Walked, What, walk},
};
use crate::{rescue::Stumble, rewriting::LocalFile};

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
    /// What the path that was asked for leads to itself, where another one stands for it.
    own: Option<Vec<u8>>,
    /// Whether mod_jk may look at it.
    pub(crate) for_jk: bool,
}

impl Located {
    pub(super) const fn nothing() -> Self {
        Self::at(
            Walked {
                name: Vec::new(),
                what: What::Nothing,
            },
            false,
        )
    }

    const fn at(walked: Walked, is_script: bool) -> Self {
        Self {
            walked,
            is_script,
            lacks_slash: false,
            mapped: None,
            path: None,
            own: None,
            for_jk: true,
        }
    }

    /// Whether the answer is where the directory really is.
    pub(crate) const fn redirects(&self) -> bool {
        self.lacks_slash && matches!(self.walked.what, What::Directory)
    }

    /// The name of the file or directory.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        Some(&*self.walked.name).filter(|name| !name.is_empty())
    }

    /// The name of the file or directory to which the path leads that was asked for.
    pub(crate) fn own_name(&self) -> Option<&[u8]> {
        self.own.as_deref().or_else(|| self.name())
    }

    /// The path that stands for the one that was asked for.
    pub(crate) fn instead(&self) -> Option<&[u8]> {
        self.mapped.as_deref().or(self.path.as_deref())
    }

    fn of(self, own: Vec<u8>) -> Self {
        let own = Some(own);
        Self { own, ..self }
    }
}

/// Looks for `path`, or for the file that it was rewritten to. `for_jk` says whether mod_jk may look at index files and at applications.
///
/// # Errors
///
/// Where there can be nothing.
pub(crate) fn find(
    host: &Host,
    path: &[u8],
    rewritten: Option<&LocalFile>,
    for_jk: bool,
) -> Result<Located, Stumble> {
    let place = match rewritten {
        Some(file) => place_of(host, file),
        None => place(host, path, for_jk),
    };
    let place = match place {
        Ok(place) => place,
        Err(Stumble::Unmapped) => return Ok(Located::nothing()),
        Err(stumble) => return Err(stumble),
    };
    let found = Located::at(walk(host, path, &place), place.is_script);
    let settings = host.files_about(Asked::at(path).with_file(found.name()));
    match found.walked.what {
        What::Directory if path.ends_with(b"/") => {
            let own = found.walked.name.clone();
            Ok(index(host, path, for_jk, &settings, found).of(own))
        }
        What::Directory => Ok(Located {
            lacks_slash: settings.slash.unwrap_or(true),
            ..found
        }),
        What::Nothing => Ok(match fallback(host, for_jk, &settings) {
            Some(instead) => instead.of(found.walked.name),
            None => found,
        }),
        _ => Ok(found),
    }
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
    let default = ["index.html".to_owned()];
    let names = settings.index.as_deref().unwrap_or(&default);
    let mut mapped = None;
    for name in names {
        let own = match name.strip_prefix('/') {
            Some(_) => name.as_bytes().to_vec(),
            None => [path, name.as_bytes()].concat(),
        };
        if for_jk && host.uri_map.find(&own).is_some() {
            mapped = Some(own);
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
        let mapped = Some(path.as_bytes().to_vec());
        return Some(Located {
            mapped,
            ..Located::nothing()
        });
    }
    file(host, path.as_bytes(), for_jk)
}

/// A file that is there, or that nobody may see.
fn file(host: &Host, path: &[u8], for_jk: bool) -> Option<Located> {
    let place @ Place { is_script, .. } = &place(host, path, for_jk).ok()?;
    let walked = walk(host, path, place);
    let is_there = !matches!(walked.what, What::Nothing | What::Directory);
    is_there.then(|| Located {
        path: Some(path.to_vec()),
        ..Located::at(walked, *is_script)
    })
}
