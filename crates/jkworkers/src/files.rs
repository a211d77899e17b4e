//! What the readers need of the world outside: files and the environment.

use std::{ffi::OsString, fs, io, path::Path};

/// Files and environment variables. Tests have their own.
pub trait Files {
    /// The content of a regular file.
    ///
    /// # Errors
    /// Whatever the system says.
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

    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;
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
        fs::read(path)
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
