//! Files of users and of groups. Each request looks whether they have changed, as httpd reads them
//! anew for each; they are read only then.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use tokio::task::spawn_blocking;

/// What a file of users says: the hash of each user's password.
#[derive(Default)]
pub(super) struct Passwords(HashMap<Vec<u8>, String>);

/// What a file of groups says, line by line.
#[derive(Default)]
pub(super) struct Groups(Vec<(String, Vec<Vec<u8>>)>);

impl Passwords {
    /// The file as it is.
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
    /// The file as it is.
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
    content: Arc<T>,
    stamp: Stamp,
    /// Whether the file had not changed for so long when it was read that another change shows.
    settled: bool,
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

/// Two changes within a tick of the file system's clock look like one.
const TICK: Duration = Duration::from_secs(2);

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
            settled: self.settled,
        }
    }
}

impl<T: Content> Kept<T> {
    /// `None` when it cannot be read.
    async fn read(&'static self, file: &Path) -> Option<Arc<T>> {
        let kept = self.0.load().get(file).cloned();
        let path = file.to_owned();
        // A file system may keep who asks waiting.
        let (copy, is_new) = spawn_blocking(move || look(&path, kept)).await.ok()??;
        if is_new {
            self.0.rcu(|all| {
                let mut all = HashMap::clone(all);
                all.insert(file.to_owned(), copy.clone());
                all
            });
        }
        Some(copy.content)
    }
}

/// What the file says, and whether it had to be read for that.
fn look<T: Content>(path: &Path, kept: Option<Copy<T>>) -> Option<(Copy<T>, bool)> {
    let found = stamp(path).and_then(|stamp| {
        if let Some(kept) = kept.filter(|kept| kept.settled && kept.stamp == stamp) {
            return Ok((kept, false));
        }
        Ok((read(path, stamp)?, true))
    });
    if let Err(error) = &found {
        tracing::error!(file = %path.display(), %error, "the file of users or groups cannot be read");
    }
    found.ok()
}

fn read<T: Content>(path: &Path, stamp: Stamp) -> io::Result<Copy<T>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let changed = u64::try_from(stamp.changed.0).map(Duration::from_secs);
    let settled = matches!((now, changed), (Ok(now), Ok(changed)) if now > changed + TICK);
    let content = Arc::new(T::parse(&fs::read(path)?));
    Ok(Copy {
        content,
        stamp,
        settled,
    })
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

    #[tokio::test]
    async fn changes_are_seen_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users");
        assert!(Passwords::read(&path).await.is_none());
        for hash in ["one", "two", "six", "another"] {
            fs::write(&path, format!("tim:{hash}\n")).unwrap();
            let users = Passwords::read(&path).await.unwrap();
            assert_eq!(users.hash_of(b"tim").unwrap(), hash);
        }
        fs::remove_file(&path).unwrap();
        assert!(Passwords::read(&path).await.is_none());
    }

    /// Which files have rested says the system's clock, so that of one that has is pretended.
    #[test]
    fn a_file_that_rests_is_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users");
        fs::write(&path, "tim:one\n").unwrap();
        let look = |kept| look::<Passwords>(&path, kept).unwrap();
        let (young, is_new) = look(None);
        assert!(is_new && !young.settled);
        assert!(look(Some(young.clone())).1);
        let settled = Copy {
            settled: true,
            ..young
        };
        assert!(!look(Some(settled.clone())).1);
        fs::write(&path, "tim:other\n").unwrap();
        assert!(look(Some(settled)).1);
    }

    #[tokio::test]
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
        let users = Passwords::read(&path).await.unwrap();
        assert!(users.hash_of(b"tim").is_none());
        assert!(users.hash_of(b"eve").is_some());
    }
}
