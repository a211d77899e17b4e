//! `JkMountFileReload`: whether a uriworkermap file has changed.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jkworkers::{
    files::{Files, Recording, Stamp},
    model::Model,
};
use tokio::time::Instant;

/// The files of all hosts that want to be looked at.
pub(super) struct Maps(Vec<MapFile>);

struct MapFile {
    path: PathBuf,
    interval: Duration,
    due: Instant,
    /// The state in which it was read last, or found to be bad or gone.
    known: Option<Stamp>,
}

impl Maps {
    /// The files of `model`, as they were in `seen`. A file of several hosts is looked at as often
    /// as the most curious of them wants it.
    pub(super) fn new(model: &Model, seen: &Recording, now: Instant) -> Self {
        let mut intervals = BTreeMap::new();
        for host in &model.hosts {
            let Some(interval) = host.mount_file_reload else {
                continue;
            };
            for path in &host.mount_files {
                let least = intervals.entry(path).or_insert(interval);
                *least = interval.min(*least);
            }
        }
        let files = intervals.into_iter().map(|(path, interval)| MapFile {
            path: path.clone(),
            interval,
            due: now + interval,
            known: seen.stamp(path),
        });
        Self(files.collect())
    }

    /// How often to look at the one that wants it most.
    pub(super) fn shortest(&self) -> Option<Duration> {
        self.0.iter().map(|file| file.interval).min()
    }

    /// When to look next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|file| file.due).min()
    }

    /// Looks at the files whose time has come. Those that have changed since the last look.
    pub(super) fn changed(&mut self, files: &dyn Files, now: Instant) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for file in self.0.iter_mut().filter(|file| file.due <= now) {
            file.due = now + file.interval;
            let stamp = files.stamp(&file.path);
            if stamp != file.known {
                file.known = stamp;
                changed.push(file.path.clone());
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jkworkers::{
        LoadOptions,
        files::{Recorder, System},
        load_with,
    };

    use super::*;

    #[test]
    fn each_change_is_told_once_and_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, text) in [
            ("w", "worker.list=a\n"),
            ("often", "/o=a\n"),
            ("never", "/n=a\n"),
            (
                "jk.conf",
                "Listen 80\nJkWorkersFile w\nJkMountFile often\nJkMountFileReload 60\n\
                 <VirtualHost *:80>\nJkMountFile never\nJkMountFileReload 0\n</VirtualHost>\n\
                 <VirtualHost *:80>\nJkMountFile often\nJkMountFileReload 5\n</VirtualHost>\n",
            ),
        ] {
            fs::write(path(name), text).unwrap();
        }
        let recorder = Recorder::new(&System);
        let options = LoadOptions {
            config: Some(path("jk.conf")),
            ..LoadOptions::default()
        };
        let model = load_with(&options, &recorder).model.unwrap();
        let start = Instant::now();
        let mut maps = Maps::new(&model, &recorder.into_recording(), start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(maps.due(), Some(after(5)));
        assert!(maps.changed(&System, after(5)).is_empty());
        fs::write(path("often"), "/other=a\n").unwrap();
        fs::write(path("never"), "/other=a\n").unwrap();
        assert!(maps.changed(&System, after(6)).is_empty(), "too early");
        assert_eq!(maps.changed(&System, after(10)), [path("often")]);
        assert!(maps.changed(&System, after(15)).is_empty());
        fs::remove_file(path("often")).unwrap();
        assert_eq!(maps.changed(&System, after(20)), [path("often")]);
        assert!(maps.changed(&System, after(25)).is_empty());
    }

    #[test]
    fn an_older_file_in_its_place_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map");
        let backup = dir.path().join("backup");
        fs::write(&backup, "/m=a\n").unwrap();
        fs::write(&path, "/n=a\n").unwrap();
        let options = LoadOptions {
            mount_files: vec![path.clone()],
            ..LoadOptions::default()
        };
        let recorder = Recorder::new(&System);
        let loaded = load_with(&options, &recorder);
        let known = recorder.into_recording();
        assert_eq!(known.stamp(&path), System.stamp(&path));
        assert!(loaded.model.is_some());
        fs::rename(&backup, &path).unwrap();
        assert_ne!(known.stamp(&path), System.stamp(&path));
    }
}
