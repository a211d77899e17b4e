//! Files of `RewriteMap`: read when they have changed.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::SystemTime,
};

use jkworkers::rewrite::find_in_map;
use parking_lot::Mutex;

/// What was read of a file, and when it had been changed.
type Kept = (SystemTime, Arc<[u8]>);

/// As many as maps are configured. Only threads that may block come here.
static KEPT: LazyLock<Mutex<HashMap<PathBuf, Kept>>> = LazyLock::new(Mutex::default);

/// The value of a key. There is none where the file cannot be read, which is said.
pub(super) fn value(file: &Path, key: &[u8]) -> Option<Vec<u8>> {
    match text(file) {
        Ok(text) => find_in_map(&text, key).map(<[u8]>::to_vec),
        Err(error) => {
            tracing::error!(file = %file.display(), %error, "RewriteMap cannot be read");
            None
        }
    }
}

fn text(file: &Path) -> std::io::Result<Arc<[u8]>> {
    let changed = fs::metadata(file)?.modified()?;
    if let Some((known, text)) = KEPT.lock().get(file)
        && *known == changed
    {
        return Ok(Arc::clone(text));
    }
    let text: Arc<[u8]> = fs::read(file)?.into();
    KEPT.lock()
        .insert(file.to_owned(), (changed, Arc::clone(&text)));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_anew_when_they_have_changed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("map");
        assert_eq!(value(&file, b"k"), None);
        fs::write(&file, "k one\n").unwrap();
        assert_eq!(value(&file, b"k").as_deref(), Some(&b"one"[..]));
        fs::write(&file, "k two\n").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        fs::File::open(&file).unwrap().set_modified(later).unwrap();
        assert_eq!(value(&file, b"k").as_deref(), Some(&b"two"[..]));
    }
}
