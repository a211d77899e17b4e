//! The files of a configuration: which are being read, which have been, and how much again.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// How deep files may include each other.
const MAX_DEPTH: usize = 20;

/// More than any configuration needs, in bytes of files that are read again: bounds what files
/// multiply that include each other twice.
const MAX_AGAIN: usize = 16 << 20;

/// What reading a file again takes of that at least, bytes.
const LEAST: usize = 1024;

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is being read.
    Circle,
    /// Too many files are being read.
    Depth,
}

#[derive(Debug)]
pub(super) struct Opened {
    /// The files that are being read, the innermost last.
    open: Vec<PathBuf>,
    known: HashSet<PathBuf>,
    /// Each file that was read, in the order in which they came.
    read: Vec<PathBuf>,
    /// How many bytes may still be read again; `None` where there were too many.
    room: Option<usize>,
}

impl Default for Opened {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            known: HashSet::new(),
            read: Vec::new(),
            room: Some(MAX_AGAIN),
        }
    }
}

impl Opened {
    /// Whether this file may be read now.
    pub(super) fn check(&self, path: &Path) -> Result<(), Refused> {
        let path = plain(path);
        if self.open.contains(&path) {
            return Err(Refused::Circle);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Refused::Depth);
        }
        Ok(())
    }

    /// Whether this file was read before, and too much was.
    pub(super) fn is_too_often(&self, path: &Path) -> bool {
        self.room.is_none() && self.known.contains(&plain(path))
    }

    /// Notes that a file of so many bytes is being read. False where it was read before, and that
    /// is too much.
    pub(super) fn enter(&mut self, path: &Path, length: usize) -> bool {
        let name = plain(path);
        if self.known.insert(name.clone()) {
            self.read.push(path.to_owned());
        } else {
            self.room = self
                .room
                .and_then(|room| room.checked_sub(length.max(LEAST)));
            if self.room.is_none() {
                return false;
            }
        }
        self.open.push(name);
        true
    }

    /// Notes that the innermost file has been read.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// Each file that was read, in the order in which they came.
    pub(super) fn into_read(self) -> Vec<PathBuf> {
        self.read
    }
}

/// Without dots and slashes that mean nothing.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}
