//! `--watch`, `JkdReload`: whether any file of the configuration has changed.

use std::time::Duration;

use jkworkers::files::{Files, Look, Recording};
use tokio::time::Instant;

/// How soon to look again after a change: whoever writes several files, or a long one, has some
/// time to finish.
const QUIET: Duration = Duration::from_secs(1);

/// What was read, and what has become of it.
pub(super) struct Watch {
    /// What the last reading saw, whether or not it was valid.
    seen: Recording,
    last_look: Instant,
    /// What the last look found, if it was something else than what was read.
    restless: Option<Look>,
}

impl Watch {
    pub(super) fn new(seen: Recording, now: Instant) -> Self {
        Self {
            seen,
            last_look: now,
            restless: None,
        }
    }

    /// When to look next.
    pub(super) fn due(&self, interval: Duration) -> Instant {
        let pause = match self.restless {
            Some(_) => interval.min(QUIET),
            None => interval,
        };
        self.last_look + pause
    }

    /// Looks. Whether files have changed, and not since the last look.
    pub(super) fn look(&mut self, files: &dyn Files, now: Instant) -> bool {
        self.last_look = now;
        let found = self.seen.now(files);
        if found == self.seen.then() {
            self.restless = None;
            return false;
        }
        let quiet = self.restless.as_ref() == Some(&found);
        self.restless = Some(found);
        quiet
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use jkworkers::{
        LoadOptions,
        files::{Recorder, System},
        load_with,
    };

    use super::*;

    fn watch(config: &Path, now: Instant) -> Watch {
        let recorder = Recorder::new(&System);
        let options = LoadOptions {
            config: Some(config.into()),
            ..LoadOptions::default()
        };
        load_with(&options, &recorder);
        Watch::new(recorder.into_recording(), now)
    }

    #[test]
    fn a_change_counts_when_it_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("jk.conf");
        fs::write(&conf, "Listen 80\n").unwrap();
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let mut watch = watch(&conf, now);
        assert_eq!(watch.due(minute), now + minute);
        assert!(!watch.look(&System, now));
        fs::write(&conf, "Listen 8").unwrap();
        assert!(!watch.look(&System, now));
        assert_eq!(watch.due(minute), now + QUIET);
        assert_eq!(watch.due(QUIET / 2), now + QUIET / 2);
        fs::write(&conf, "Listen 8080\n").unwrap();
        assert!(!watch.look(&System, now), "somebody is still writing");
        assert!(watch.look(&System, now));
    }

    #[test]
    fn a_change_that_is_taken_back_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let (conf, away) = (dir.path().join("jk.conf"), dir.path().join("away"));
        fs::write(&conf, "Listen 80\n").unwrap();
        let mut watch = watch(&conf, Instant::now());
        fs::rename(&conf, &away).unwrap();
        assert!(!watch.look(&System, Instant::now()));
        fs::rename(&away, &conf).unwrap();
        assert!(!watch.look(&System, Instant::now()));
        assert!(!watch.look(&System, Instant::now()));
    }
}
