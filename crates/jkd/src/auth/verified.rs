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

/// Proofs, and since when they are right. In parts, so that requests seldom wait for each other.
#[derive(Default)]
pub(super) struct Verified([Mutex<HashMap<[u8; 32], Instant>>; 16]);

/// What the process remembers.
pub(super) static VERIFIED: LazyLock<Verified> = LazyLock::new(Verified::default);

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
}

impl Verified {
    pub(super) fn has(&self, proof: Proof) -> bool {
        let part = self.part(proof).lock();
        part.get(&proof.0)
            .is_some_and(|since| since.elapsed() < LIFE)
    }

    pub(super) fn add(&self, proof: Proof) {
        if KEY.is_none() {
            return;
        }
        let mut part = self.part(proof).lock();
        if part.len() >= ROOM {
            part.retain(|_, since| since.elapsed() < LIFE);
        }
        if part.len() >= ROOM {
            part.clear();
        }
        part.insert(proof.0, Instant::now());
    }

    fn part(&self, Proof([first, ..]): Proof) -> &Mutex<HashMap<[u8; 32], Instant>> {
        let [zero, ..] = &self.0;
        self.0
            .get(usize::from(first) % self.0.len())
            .unwrap_or(zero)
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
        let verified = Verified::default();
        let right = proof("tim", "pw", "hash");
        assert!(!verified.has(right));
        verified.add(right);
        assert!(verified.has(proof("tim", "pw", "hash")));
        for other in [
            proof("tim", "pw", "other"),
            proof("tim", "p", "whash"),
            proof("timp", "w", "hash"),
        ] {
            assert!(!verified.has(other));
        }
        tokio::time::advance(LIFE).await;
        assert!(!verified.has(right));
    }

    #[tokio::test]
    async fn there_is_no_end_of_passwords_but_of_memory() {
        let verified = Verified::default();
        for n in 0..ROOM * 40 {
            verified.add(proof("many", &n.to_string(), "hash"));
        }
        let kept = verified.0.iter().map(|part| part.lock().len());
        assert!(kept.sum::<usize>() <= ROOM * verified.0.len());
    }
}
