//! Who the user is: `AuthType Basic` and files that `htpasswd` writes.
//!
//! Checking a password takes a processor for a while, on purpose. It is done on threads of its own,
//! by few at a time, and what was right is remembered for a short time, as a keyed hash: never the
//! password. What was wrong costs the same each time, and so do users that nobody knows.

mod credentials;
mod file;
mod password;
mod verified;

use std::{path::Path, sync::LazyLock, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};

pub(crate) use self::credentials::Credentials;
use self::{
    file::Passwords,
    verified::{Proof, VERIFIED},
};

/// What became of a user's name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The password is right.
    Right,
    /// It is wrong.
    Wrong,
    /// The file does not have the user.
    Unknown,
    /// The file cannot be read.
    Unreadable,
}

/// Checks a user's password against a file that `htpasswd` wrote.
pub(crate) async fn verify(file: &Path, credentials: &Credentials) -> Outcome {
    let Some(passwords) = Passwords::read(file).await else {
        return Outcome::Unreadable;
    };
    let known = passwords.hash_of(&credentials.user);
    // Somebody unknown takes as long as somebody known.
    let Some(hash) = known.or_else(|| passwords.any_hash()).cloned() else {
        return Outcome::Unknown;
    };
    let proof = Proof::of(credentials, &hash);
    if known.is_some() && VERIFIED.has(proof) {
        return Outcome::Right;
    }
    let password = credentials.password.clone();
    let right = checked(move || password::is_right(&password, &hash)).await;
    match (known, right) {
        (None, _) => Outcome::Unknown,
        (Some(_), true) => {
            VERIFIED.add(proof);
            Outcome::Right
        }
        (Some(_), false) => Outcome::Wrong,
    }
}

/// Whether a user is a member of a group; `None` when the file cannot be read.
pub(crate) async fn groups_of(file: &Path, user: &[u8]) -> Option<Vec<String>> {
    Some(file::Groups::read(file).await?.of(user))
}

/// Half of the processors may be at it, so that requests are still served.
static THREADS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors.div_ceil(2))
});

/// Runs a check; one that could not be run is not passed.
async fn checked(check: impl FnOnce() -> bool + Send + 'static) -> bool {
    let Ok(permit) = THREADS.acquire().await else {
        return false;
    };
    let check = move || {
        let _permit = permit;
        check()
    };
    spawn_blocking(check).await.unwrap_or(false)
}
