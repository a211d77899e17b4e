//! What the readers need of the world outside: files and the environment.

pub(crate) mod envvars;
mod recorded;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::SystemTime,
};

pub use self::recorded::{Look, Recorder, Recording, Replay};

/// No file of a configuration is longer, bytes: a million rules fit.
pub const MAX_FILE: u64 = 64 << 20;

/// Files and environment variables. Tests have their own.
pub trait Files {
    /// The content of a regular file.
    ///
    /// # Errors
    /// Whatever the system says; [`System`] also where it has more than [`MAX_FILE`] bytes.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a directory, in any order.
    ///
    /// # Errors
    /// Whatever the system says.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Whether there is a directory of this name.
    fn is_directory(&self, path: &Path) -> bool;

    /// Whether there is anything of this name.
    fn exists(&self, path: &Path) -> bool;

    /// What tells whether a file has changed, without reading it. `None` if there is none.
    fn stamp(&self, path: &Path) -> Option<Stamp>;

    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;
}

/// The state of a file. Another one means that there may be other content: a file that an editor
/// replaced is another one, and one from a backup may be older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When its content was changed, if the system knows.
    pub modified: Option<SystemTime>,
    /// Bytes.
    pub size: u64,
    /// Its number in the file system.
    pub inode: u64,
    /// Its permissions and owners: one that could not be read may be readable now.
    pub access: (u32, u32, u32),
}

/// The machine's own files and this process's environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Files for System {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // A pipe or a terminal would keep the reader waiting.
        if !fs::metadata(path)?.is_file() && path != Path::new("/dev/null") {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        // Whatever its length was, it may grow meanwhile.
        File::open(path)?
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
            return Ok(bytes);
        }
        let limit = MAX_FILE >> 20;
        Err(io::Error::other(format!("longer than {limit} MiB")))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(directory)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let file = fs::metadata(path).ok()?;
        Some(Stamp {
            modified: file.modified().ok(),
            size: file.size(),
            inode: file.ino(),
            access: (file.mode(), file.uid(), file.gid()),
        })
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The error in one line of text, without the number that the standard library adds.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// What to do about it, where the name of the file is not what is wrong.
pub(crate) fn remedy(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Some("Let the user that jkd runs as read the file, and look into its directories.")
        }
        io::ErrorKind::NotFound => None,
        _ => Some("It has to be a text file of at most 64 MiB."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn who_may_read_a_file_is_a_part_of_its_state() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let before = System.stamp(file.path());
        let mut permissions = fs::metadata(file.path()).unwrap().permissions();
        permissions.set_mode(0o440);
        fs::set_permissions(file.path(), permissions).unwrap();
        assert_ne!(System.stamp(file.path()), before);
    }

    #[test]
    fn only_files_of_a_sensible_length_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_FILE).unwrap();
        assert_eq!(System.read(&path).unwrap().len() as u64, MAX_FILE);
        file.set_len(MAX_FILE + 1).unwrap();
        assert_eq!(
            System.read(&path).unwrap_err().to_string(),
            "longer than 64 MiB"
        );
        for no_file in [dir.path(), Path::new("/dev/zero")] {
            assert_eq!(
                System.read(no_file).unwrap_err().to_string(),
                "not a regular file"
            );
        }
        assert_eq!(System.read(Path::new("/dev/null")).unwrap(), b"");
    }
}
