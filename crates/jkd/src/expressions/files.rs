//! What expressions see of the machine: files, and variables of the process.

use std::{
    borrow::Cow,
    env,
    ffi::OsStr,
    fs::{self, File},
    io::Read as _,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::PermissionsExt as _,
    },
    path::Path,
};

use jkworkers::expr::FileTest;

/// The largest file whose content is read, bytes: httpd's limit.
const MAX_FILE: u64 = 10 << 20;

/// What is true of a file. Nothing is where the file system fails.
pub(super) fn holds(test: FileTest, path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    if test == FileTest::Link {
        return fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    }
    fs::metadata(path).is_ok_and(|about| match test {
        FileTest::Regular => about.is_file(),
        FileTest::Directory => about.is_dir(),
        FileTest::NotEmpty => about.is_file() && about.len() > 0,
        FileTest::Executable => about.permissions().mode() & 0o111 != 0,
        FileTest::Exists => true,
        _ => false,
    })
}

/// What is in a regular file, up to a byte of value 0.
pub(super) fn content(path: &[u8]) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(path));
    // Nobody waits at a pipe.
    let about = fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > MAX_FILE {
        return None;
    }
    let mut content = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MAX_FILE).read_to_end(&mut content).ok()?;
    if let Some(end) = content.iter().position(|byte| *byte == 0) {
        content.truncate(end);
    }
    Some(content)
}

pub(super) fn size(path: &[u8]) -> u64 {
    let about = fs::metadata(Path::new(OsStr::from_bytes(path)));
    about.map_or(0, |about| if about.is_file() { about.len() } else { 0 })
}

pub(super) fn of_process(name: &[u8]) -> Option<Cow<'static, [u8]>> {
    if name.is_empty() || name.contains(&b'=') || name.contains(&0) {
        return None;
    }
    let value = env::var_os(OsStr::from_bytes(name))?;
    Some(Cow::Owned(value.into_vec()))
}
