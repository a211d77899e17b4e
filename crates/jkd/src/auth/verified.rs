//! Passwords that were right a moment ago, so that not every request of a page costs a check.
//!
//! Remembered is a hash of user, password and the hash in the file under a key that nobody knows and
//! that ends with the process. Whoever changes the file takes effect at once.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::Credentials;

/// What stands for one password of one user in one version of a file.
#[derive(Clone, Copy)]
pub(super) struct Proof([u8; 32]);

/// How long a password stays right.
const LIFE: Duration = Duration::from_secs(60);

/// How many are remembered in each part.
const ROOM: usize = 1024;

/// In parts, so that requests seldom wait for each other.
static PARTS: [Mutex<Option<HashMap<[u8; 32], Instant>>>; 16] =
    [const { Mutex::new(None) }; 16];

/// Without a good key nothing is remembered.
static KEY: LazyLock<Option<[u8; 32]>> = LazyLock::new(|| {
    let mut key = [0; 32];
    getrandom::fill(&mut key).is_ok().then_some(key)
});

impl Proof {
    pub(super) fn of(credentials: &Credentials, hash: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(KEY.unwrap_or_default());
        for part in [&*credentials.user, &*credentials.password, hash.as_bytes()] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            digest.update(length.to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    pub(super) fn is_remembered(&self) -> bool {
        let part = self.part().lock();
        let since = part.as_ref().and_then(|known| known.get(&self.0));
        since.is_some_and(|since| since.elapsed() < LIFE)
    }

    pub(super) fn remember(self) {
        if KEY.is_none() {
            return;
        }
        let mut part = self.part().lock();
        let known = part.get_or_insert_default();
        if known.len() >= ROOM {
            known.retain(|_, since| since.elapsed() < LIFE);
        }
        if known.len() >= ROOM {
            known.clear();
        }
        known.insert(self.0, Instant::now());
    }

    fn part(&self) -> &'static Mutex<Option<HashMap<[u8; 32], Instant>>> {
        let [first, ..] = self.0;
        let [zero, ..] = &PARTS;
        PARTS.get(usize::from(first) % PARTS.len()).unwrap_or(zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(user: &str, password: &str, hash: &str) -> Proof {
        let credentials = Credentials {
            user: user.into(),
            password: password.into(),
        };
        Proof::of(&credentials, hash)
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_same_is_remembered_and_not_for_long() {
        let right = proof("tim", "pw", "hash");
        assert!(!right.is_remembered());
        right.remember();
        assert!(proof("tim", "pw", "hash").is_remembered());
        for other in [
            proof("tim", "pw", "other"),
            proof("tim", "p", "whash"),
            proof("timp", "w", "hash"),
        ] {
            assert!(!other.is_remembered());
        }
        tokio::time::advance(LIFE).await;
        assert!(!right.is_remembered());
    }

    #[tokio::test]
    async fn there_is_no_end_of_passwords_but_of_memory() {
        for n in 0..ROOM * 40 {
            proof("many", &n.to_string(), "hash").remember();
        }
        let kept: usize = (PARTS.iter())
            .map(|part| part.lock().as_ref().map_or(0, HashMap::len))
            .sum();
        assert!(kept <= ROOM * PARTS.len());
    }
}
