//! From the name of a file to an open file: one directory after the other, as httpd does it, and
//! each opened from the one before it, so that nothing that is changed meanwhile leads elsewhere.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use jkworkers::model::{Asked, Host};
use rustix::{
    fs::{FileType, Mode, OFlags, Stat, fstat, open, openat},
    io::Errno,
};

use super::place::{Place, is_hidden, segments};
use crate::logging::Printable;

/// Where a walk has come to.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The file, or the directory with a slash at its end: the path on which it was reached, links
    /// and all. Where there is nothing, the first part that is not there.
    pub(crate) name: Vec<u8>,
    pub(crate) what: What,
    /// What was looked for, where that is not there.
    pub(super) missing: Option<Vec<u8>>,
}

/// What is there.
#[derive(Debug)]
pub(crate) enum What {
    /// There is a file where a directory would have to be.
    Behind {
        /// What opening it comes to.
        file: Box<Self>,
        /// The end of the name, which goes on behind it: with its slash.
        rest: Vec<u8>,
    },
    /// A regular file.
    File(File),
    Directory,
    Nothing,
    /// Something that nobody may see: a device, a link that is not followed, a directory with a
    /// file that may have more to say.
    Closed,
    /// The file system fails.
    Broken(io::Error),
}

/// How a walk ended before its end.
enum End {
    Nothing,
    Closed(&'static str),
    Broken(io::Error),
}

/// Goes to `place`. `path` is that of the request, for the sections around it.
pub(crate) fn walk(host: &Host, path: &[u8], place: &Place) -> Walked {
    let mut walk = Walk {
        host,
        path,
        is_overridden: true,
        name: b"/".to_vec(),
        followed: false,
    };
    let what = match walk.to(place) {
        // httpd asks for the whole name at once.
        Ok(What::Behind { .. }) | Err(End::Nothing) if is_too_long(&place.name) => What::Closed,
        Ok(what) => what,
        Err(end) => end.at(&walk.name),
    };
    let is_missing = matches!(what, What::Nothing | What::Behind { .. });
    let missing = is_missing.then(|| place.name.clone());
    Walked {
        name: walk.name,
        what,
        missing,
    }
}

/// Whether the system takes no such name as a whole. A part that is too long shows where it is
/// looked for.
const fn is_too_long(name: &[u8]) -> bool {
    const OF_ALL: usize = 4096;
    name.len() >= OF_ALL
}

struct Walk<'a> {
    host: &'a Host,
    path: &'a [u8],
    /// Whether files like `.htaccess` count anywhere.
    is_overridden: bool,
    /// How far it has come.
    name: Vec<u8>,
    /// Whether a link was followed.
    followed: bool,
}

/// One step: what it led to.
struct Step {
    stat: Stat,
    fd: OwnedFd,
    is_link: bool,
}

impl Walk<'_> {
    fn to(&mut self, place: &Place) -> Result<What, End> {
        if place.name.contains(&0) {
            return Err(End::Nothing);
        }
        let mut parts = parts(&place.name).peekable();
        self.is_overridden = self.is_overridden_anywhere();
        let mut directory = open("/", PATH, Mode::empty())?;
        self.check_overrides(&directory)?;
        while let Some((part, end)) = parts.next() {
            let step = self.step(&directory, part);
            self.name.extend_from_slice(part);
            let step = step?;
            match FileType::from_raw_mode(step.stat.st_mode) {
                FileType::Directory => {
                    self.name.push(b'/');
                    directory = step.fd;
                    self.check_overrides(&directory)?;
                }
                FileType::RegularFile => {
                    let is_last = parts.peek().is_none() && !place.name.ends_with(b"/");
                    let file = self.file(place, &directory, part, &step);
                    return if is_last {
                        file
                    } else {
                        let file = Box::new(file.unwrap_or_else(|end| end.at(&self.name)));
                        let rest = place.name.get(end..).unwrap_or_default().to_vec();
                        Ok(What::Behind { file, rest })
                    };
                }
                _ => return Err(End::Closed("it is neither a file nor a directory")),
            }
        }
        self.check_target(place, &directory)?;
        Ok(What::Directory)
    }

    /// One part further.
    fn step(&mut self, directory: &OwnedFd, part: &[u8]) -> Result<Step, End> {
        if part == b".." {
            return Err(End::Nothing);
        }
        let part = Path::new(std::ffi::OsStr::from_bytes(part));
        let fd = openat(directory, part, PATH | OFlags::NOFOLLOW, Mode::empty())?;
        let stat = fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Ok(Step {
                stat,
                fd,
                is_link: false,
            });
        }
        let options = self.host.files_about(self.asked()).options;
        if !options.follows_links() && !options.follows_own_links() {
            return Err(End::Closed("symbolic links are not followed there"));
        }
        let target = openat(directory, part, PATH, Mode::empty())?;
        let target_stat = fstat(&target)?;
        if !options.follows_links() && target_stat.st_uid != stat.st_uid {
            return Err(End::Closed(
                "a symbolic link and its target belong to different users",
            ));
        }
        self.followed = true;
        Ok(Step {
            stat: target_stat,
            fd: target,
            is_link: true,
        })
    }

    /// Opens what was found: the same file, whatever has happened meanwhile.
    fn file(
        &self,
        place: &Place,
        directory: &OwnedFd,
        part: &[u8],
        found: &Step,
    ) -> Result<What, End> {
        let part = Path::new(std::ffi::OsStr::from_bytes(part));
        let follow = if found.is_link {
            OFlags::empty()
        } else {
            OFlags::NOFOLLOW
        };
        let fd = openat(directory, part, READ | follow, Mode::empty())?;
        let stat = fstat(&fd)?;
        if (stat.st_dev, stat.st_ino) != (found.stat.st_dev, found.stat.st_ino) {
            return Err(End::Nothing);
        }
        self.check_target(place, &fd)?;
        Ok(What::File(File::from(fd)))
    }

    /// What links lead to must be for clients, too.
    fn check_target(&self, place: &Place, fd: &OwnedFd) -> Result<(), End> {
        if !self.followed {
            return Ok(());
        }
        let real = real_path(fd).ok_or(End::Nothing)?;
        let below = match &place.inside {
            Some(root) => {
                let root = root.canonicalize().map_err(End::Broken)?;
                real.strip_prefix(&root)
                    .map_err(|_| End::Nothing)?
                    .to_owned()
            }
            None => real,
        };
        if segments(below.as_os_str().as_bytes()).any(is_hidden) {
            return Err(End::Nothing);
        }
        Ok(())
    }

    /// Not where `/` says `None` and nobody else says anything else, as most do.
    fn is_overridden_anywhere(&self) -> bool {
        let mut sections = self.host.sections.iter();
        sections.any(|s| s.settings.files.allow_overrides())
            || self.host.files_about(self.asked()).are_overridden()
    }

    /// A file that would say more about a directory is not read: the directory is closed.
    fn check_overrides(&self, directory: &OwnedFd) -> Result<(), End> {
        if !self.is_overridden || !self.host.files_about(self.asked()).are_overridden() {
            return Ok(());
        }
        let own = &self.host.roots.access_files;
        let default = [".htaccess".to_owned()];
        let names = if own.is_empty() { &default[..] } else { own };
        let there = |name: &String| {
            !matches!(
                openat(directory, name, PATH, Mode::empty()),
                Err(Errno::NOENT)
            )
        };
        if names.iter().any(there) {
            return Err(End::Closed(
                "a file there may say more, which is not read, unless AllowOverride is None",
            ));
        }
        Ok(())
    }

    fn asked(&self) -> Asked<'_> {
        Asked::at(self.path).passing(&self.name)
    }
}

const PATH: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Not to wait for anybody who may write into a pipe that has just come there.
const READ: OFlags = OFlags::CLOEXEC
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// Where an open file is, all links resolved.
/// The parts of a name, each with where it ends. A relative `ServerRoot` leaves dots.
fn parts(name: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let parts = segments(name).scan(0, |next, part| {
        let end = *next + part.len();
        *next = end + 1;
        Some((part, end))
    });
    parts.filter(|(part, _)| !part.is_empty() && *part != b".")
}

fn real_path(fd: &OwnedFd) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())).ok()
}

impl End {
    /// What that means for the walk that has come to this name.
    fn at(self, name: &[u8]) -> What {
        match self {
            Self::Nothing => What::Nothing,
            Self::Closed(why) => {
                tracing::info!(file = %Printable(name), "not served: {why}");
                What::Closed
            }
            Self::Broken(error) => What::Broken(error),
        }
    }
}

impl From<Errno> for End {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL => Self::Nothing,
            Errno::NAMETOOLONG => Self::Closed("the file system has no names so long"),
            Errno::ACCESS | Errno::PERM => Self::Closed("the file system does not permit it"),
            _ => Self::Broken(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
