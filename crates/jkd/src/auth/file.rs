//! Files of users and of groups: kept while they do not change, looked at once a second at most.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use tokio::{task::spawn_blocking, time::Instant};

/// What a file of users says: the hash of each user's password.
#[derive(Default)]
pub(super) struct Passwords(HashMap<Vec<u8>, String>);

/// What a file of groups says, line by line.
#[derive(Default)]
pub(super) struct Groups(Vec<(String, Vec<Vec<u8>>)>);

impl Passwords {
    /// The file as it is, or was a second ago.
    pub(super) async fn read(file: &Path) -> Option<Arc<Self>> {
        static KEPT: LazyLock<Kept<Passwords>> = LazyLock::new(Kept::default);
        KEPT.read(file).await
    }

    pub(super) fn hash_of(&self, user: &[u8]) -> Option<&String> {
        self.0.get(user)
    }

    /// Somebody's hash, to take as long with those who have none.
    pub(super) fn any_hash(&self) -> Option<&String> {
        self.0.values().max()
    }
}

impl Groups {
    /// The file as it is, or was a second ago.
    pub(super) async fn read(file: &Path) -> Option<Arc<Self>> {
        static KEPT: LazyLock<Kept<Groups>> = LazyLock::new(Kept::default);
        KEPT.read(file).await
    }

    /// The groups that list a user.
    pub(super) fn of(&self, user: &[u8]) -> Vec<String> {
        let lists = |(_, members): &&(String, Vec<Vec<u8>>)| members.iter().any(|m| m == user);
        let groups = self.0.iter().filter(lists);
        groups.map(|(name, _)| name.clone()).collect()
    }
}

/// What a file is read as.
trait Content: Send + Sync + 'static {
    fn parse(bytes: &[u8]) -> Self;
}

impl Content for Passwords {
    /// `user:hash`, and behind another colon what htpasswd does not know. The first line of a user
    /// counts.
    fn parse(bytes: &[u8]) -> Self {
        let mut users = HashMap::new();
        for line in lines(bytes) {
            let mut parts = line.split(|&b| b == b':');
            if let (Some(user), Some(hash)) = (parts.next(), parts.next()) {
                let hash = String::from_utf8_lossy(hash).into_owned();
                users.entry(user.to_vec()).or_insert(hash);
            }
        }
        Self(users)
    }
}

impl Content for Groups {
    /// `group: user user …`
    fn parse(bytes: &[u8]) -> Self {
        let group = |line: &[u8]| {
            let colon = line.iter().position(|&b| b == b':')?;
            let (name, members) = line.split_at_checked(colon)?;
            let name = String::from_utf8_lossy(name.trim_ascii_end()).into_owned();
            let members = members.get(1..)?.split(u8::is_ascii_whitespace);
            let members = members.filter(|member| !member.is_empty());
            Some((name, members.map(<[u8]>::to_vec).collect()))
        };
        Self(lines(bytes).filter_map(group).collect())
    }
}

/// Lines that say something, without blanks around them.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// Files that were read. Reading them here takes no lock.
struct Kept<T>(ArcSwap<HashMap<PathBuf, Copy<T>>>);

struct Copy<T> {
    content: Option<Arc<T>>,
    stamp: Option<Stamp>,
    looked: Instant,
}

/// What changes with a file. Its time and its length may be the same after another one has taken
/// its place, where a tool sets times; when that happened nobody can set.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    changed: (i64, i64),
    place: (u64, u64),
}

/// How long a file is as it was.
const FRESH: Duration = Duration::from_secs(1);

/// Larger files are taken for a mistake.
const LARGEST: u64 = 64 << 20;

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(ArcSwap::default())
    }
}

impl<T> Clone for Copy<T> {
    fn clone(&self) -> Self {
        Self {
            content: self.content.clone(),
            stamp: self.stamp,
            looked: self.looked,
        }
    }
}

impl<T: Content> Kept<T> {
    /// `None` when it cannot be read.
    async fn read(&'static self, file: &Path) -> Option<Arc<T>> {
        let kept = self.0.load().get(file).cloned();
        if let Some(copy) = kept.as_ref().filter(|copy| copy.looked.elapsed() < FRESH) {
            return copy.content.clone();
        }
        let path = file.to_owned();
        let copy = spawn_blocking(move || look(&path, kept)).await.ok()?;
        self.0.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(file.to_owned(), copy.clone());
            all
        });
        copy.content
    }
}

fn look<T: Content>(path: &Path, kept: Option<Copy<T>>) -> Copy<T> {
    let looked = Instant::now();
    let stamp = stamp(path).ok();
    if let Some(kept) = kept.filter(|kept| stamp.is_some() && kept.stamp == stamp) {
        return Copy { looked, ..kept };
    }
    let bytes = stamp
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        .and_then(|_| fs::read(path));
    if let Err(error) = &bytes {
        tracing::error!(file = %path.display(), %error, "the file of users or groups cannot be read");
    }
    Copy {
        content: bytes.ok().map(|bytes| Arc::new(T::parse(&bytes))),
        stamp,
        looked,
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        place: (metadata.dev(), metadata.ino()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_users() {
        let file = b"tim:one\n# ann:two\n\n  lead:three \r\ntim:second\nextra:four:five\nnocolon\nb\xE4r:six\n:seven\n";
        let users = Passwords::parse(file);
        let hash = |user: &[u8]| users.hash_of(user).map(String::as_str);
        assert_eq!(hash(b"tim"), Some("one"));
        assert_eq!(hash(b"lead"), Some("three"));
        assert_eq!(hash(b"extra"), Some("four"));
        assert_eq!(hash(b"b\xE4r"), Some("six"));
        assert_eq!(hash(b"nocolon"), None);
        assert_eq!(hash(b"ann"), None);
        assert_eq!(hash(b"# ann"), None);
    }

    #[test]
    fn files_of_groups() {
        let groups = Groups::parse(b"a: tim  ann\n# b: tim\n  c : tim\nd tim\na: eve\ne:tim\n");
        assert_eq!(groups.of(b"tim"), ["a", "c", "e"]);
        assert_eq!(groups.of(b"eve"), ["a"]);
        assert!(groups.of(b"ti").is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn changes_are_seen_after_a_second() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users");
        assert!(Passwords::read(&path).await.is_none());
        fs::write(&path, "tim:one\n").unwrap();
        assert!(Passwords::read(&path).await.is_none(), "looked at already");
        tokio::time::advance(FRESH).await;
        let first = Passwords::read(&path).await.unwrap();
        assert_eq!(first.hash_of(b"tim").unwrap(), "one");
        tokio::time::advance(FRESH).await;
        assert!(Arc::ptr_eq(&first, &Passwords::read(&path).await.unwrap()));
        fs::write(&path, "tim:other\n").unwrap();
        tokio::time::advance(FRESH).await;
        let second = Passwords::read(&path).await.unwrap();
        assert_eq!(second.hash_of(b"tim").unwrap(), "other");
        fs::remove_file(&path).unwrap();
        tokio::time::advance(FRESH).await;
        assert!(Passwords::read(&path).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_of_the_same_time_and_length_is_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users");
        let put = |text: &str| {
            let new = directory.path().join("new");
            fs::write(&new, text).unwrap();
            let file = fs::File::options().write(true).open(&new).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            fs::rename(new, &path).unwrap();
        };
        put("tim:one\n");
        assert!(Passwords::read(&path).await.is_some());
        put("eve:two\n");
        tokio::time::advance(FRESH).await;
        let users = Passwords::read(&path).await.unwrap();
        assert!(users.hash_of(b"tim").is_none());
        assert!(users.hash_of(b"eve").is_some());
    }
}
