//! What each request is called where the files load mod_unique_id: `UNIQUE_ID`.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The variable.
pub(crate) const NAME: &str = "UNIQUE_ID";

/// What no other request is called, of this process or another one: 27 of the characters
/// `A-Za-z0-9-_`, which begin with the time, as those of mod_unique_id do.
pub(crate) fn make() -> String {
    static PROCESS: LazyLock<u64> =
        LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let [_, _, _, _, stamp @ ..] = since.unwrap_or_default().as_secs().to_be_bytes();
    let (process, number) = (*PROCESS, NUMBER.fetch_add(1, Ordering::Relaxed));
    let bytes = [&stamp[..], &process.to_be_bytes(), &number.to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let all: HashSet<String> = (0..1000).map(|_| make()).collect();
        assert_eq!(all.len(), 1000);
        for id in all {
            let is_one = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            assert!(id.len() == 27 && id.bytes().all(is_one), "{id}");
        }
    }
}
