//! From the path of a request to the name of a file: `Alias`, `JkAutoAlias`, `DocumentRoot`.
//!
//! Whatever is configured, there is nothing for clients in `WEB-INF` and `META-INF`, nor in files
//! that begin with `.ht`.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use jkworkers::model::{AliasFrom, Host};

use crate::{rescue::Stumble, rewriting::LocalFile};

/// Where the file for a path would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Absolute; not looked at yet.
    pub(crate) name: Vec<u8>,
    /// It is a program (`ScriptAlias`): never sent.
    pub(crate) is_script: bool,
    /// It is the same whatever the path of the request, which led here by what a section says.
    pub(crate) is_fixed: bool,
    /// Where links must not lead out of: the directory of `JkAutoAlias`.
    pub(crate) inside: Option<PathBuf>,
    /// The directory and the path of the `Alias` that has led here.
    pub(crate) context: Option<(Vec<u8>, Vec<u8>)>,
}

impl Place {
    /// A place in the file system.
    pub(super) const fn at(name: Vec<u8>) -> Self {
        Self {
            name,
            is_script: false,
            is_fixed: false,
            inside: None,
            context: None,
        }
    }
}

/// Who else says where a file would be: not the path of its request alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pointer {
    /// Rules about rewriting, who have the first say.
    pub(crate) file: Option<LocalFile>,
    /// An `Alias` of a section, which comes before those of the server.
    pub(crate) alias: Option<Place>,
}

impl Pointer {
    /// Whether the path of the request does not matter.
    pub(super) fn is_certain(&self) -> bool {
        self.file.is_some() || self.alias.as_ref().is_some_and(|place| place.is_fixed)
    }
}

/// The place for `path`, decoded, or what `pointer` says. `auto` says whether `JkAutoAlias` is asked, which touches the
/// file system.
///
/// # Errors
///
/// [`Stumble::Unmapped`] where there is nothing, [`Stumble::HiddenFile`] for what nobody may see.
pub(crate) fn place(
    host: &Host,
    path: &[u8],
    pointer: &Pointer,
    auto: bool,
) -> Result<Place, Stumble> {
    if let Some(file) = &pointer.file {
        return place_of(host, file);
    }
    let mut place = find(host, path, pointer.alias.as_ref(), auto)?;
    if !place.name.starts_with(b"/") {
        // `ServerRoot` may be the directory of the process.
        let directory = std::env::current_dir().map_err(|_| Stumble::File)?;
        let directory = directory.as_os_str().as_bytes();
        place.name = [directory, b"/", &place.name].concat();
    }
    Ok(place)
}

/// The place of a file that a rule about rewriting names: below the directory of documents, unless
/// its first part is there in the file system. Touches the file system.
///
/// # Errors
///
/// As [`place()`].
fn place_of(host: &Host, file: &LocalFile) -> Result<Place, Stumble> {
    let path = resolved(&file.path).ok_or(Stumble::BadPath)?;
    if segments(&path).any(is_hidden) {
        return Err(Stumble::HiddenFile);
    }
    let first = segments(&path).nth(1).unwrap_or_default();
    let is_root = first.is_empty();
    let first = Path::new("/").join(OsStr::from_bytes(first));
    if file.anywhere && !is_root && !path.contains(&0) && first.symlink_metadata().is_ok() {
        return Ok(Place::at(path));
    }
    let root = host.roots.document_root.as_deref();
    Ok(below(root.ok_or(Stumble::Unmapped)?, &path))
}

/// Without `.`, `..` and doubled slashes. `None`: it leads above the root.
fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in segments(path.strip_prefix(b"/")?) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let is_directory = matches!(segments(path).last(), Some(b"" | b"." | b".."));
    let mut name = parts
        .iter()
        .flat_map(|part| [b"/", *part])
        .collect::<Vec<_>>()
        .concat();
    if is_directory || name.is_empty() {
        name.push(b'/');
    }
    Some(name)
}

fn find(
    host: &Host,
    path: &[u8],
    by_section: Option<&Place>,
    auto: bool,
) -> Result<Place, Stumble> {
    if !path.starts_with(b"/") || segments(path).any(is_private) {
        return Err(Stumble::Unmapped);
    }
    if segments(path).any(|name| has_prefix(name, b".ht")) {
        return Err(Stumble::HiddenFile);
    }
    if let Some(place) = by_section {
        return Ok(place.clone());
    }
    let aliases = host.roots.aliases.iter();
    let mut aliased = aliases.filter_map(|alias| Some((alias.apply(path)?, alias)));
    if let Some((name, alias)) = aliased.next() {
        let prefix = match &alias.from {
            AliasFrom::Path(prefix) => Some(prefix.as_bytes().to_vec()),
            AliasFrom::Pattern(_) => None,
        };
        return Ok(Place {
            is_script: alias.scripts,
            context: prefix.map(|prefix| (alias.to.as_bytes().to_vec(), prefix)),
            ..Place::at(name)
        });
    }
    if let Some(root) = host.auto_alias.as_deref().filter(|_| auto)
        && let Some(found) = of_application(root, path)?
    {
        return Ok(found);
    }
    let root = host
        .roots
        .document_root
        .as_deref()
        .ok_or(Stumble::Unmapped)?;
    Ok(below(root, path))
}

fn below(root: &Path, path: &[u8]) -> Place {
    let root = root.as_os_str().as_bytes();
    let root = root.strip_suffix(b"/").unwrap_or(root);
    Place::at([root, path].concat())
}

/// `JkAutoAlias DIR`: `/context/…` is `DIR/context/…` if that directory exists.
fn of_application(root: &Path, path: &[u8]) -> Result<Option<Place>, Stumble> {
    let relative = path.strip_prefix(b"/").unwrap_or_default();
    let context = segments(relative).next().unwrap_or_default();
    if context.is_empty() {
        return Ok(None);
    }
    if root.join(OsStr::from_bytes(context)).is_dir() {
        let inside = Some(root.to_owned());
        return Ok(Some(Place {
            inside,
            ..below(root, path)
        }));
    }
    if has_suffix(context, b".war") {
        return Err(Stumble::HiddenFile);
    }
    Ok(None)
}

pub(super) fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&b| b == b'/')
}

/// Whether a segment is one that nobody may see.
pub(super) fn is_hidden(segment: &[u8]) -> bool {
    is_private(segment) || has_prefix(segment, b".ht")
}

fn is_private(segment: &[u8]) -> bool {
    segment.eq_ignore_ascii_case(b"WEB-INF") || segment.eq_ignore_ascii_case(b"META-INF")
}

fn has_prefix(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn has_suffix(name: &[u8], suffix: &[u8]) -> bool {
    let start = name.len().checked_sub(suffix.len());
    let end = start.and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}
