//! From the text of one rule to mounts: prefixes, the `|` shortcut, rule extensions.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use crate::{
    diag::{Diagnostics, Origin},
    model::{Mount, MountSource, RuleExtensions, UriMatch, Worker},
    target::{self, Complaint, Places},
};

/// One rule as it was written.
#[derive(Clone, Copy)]
pub(crate) struct Rule<'a> {
    /// The pattern, with `-` and `!` before it.
    pub(crate) pattern: &'a str,
    /// The worker, with extensions behind it.
    pub(crate) worker: &'a str,
    pub(crate) source: MountSource,
    pub(crate) origin: &'a Origin,
}

impl Rule<'_> {
    /// The mounts that the rule stands for: one, or two when the pattern has a `|`. `None` when
    /// the pattern does not begin with `/`.
    pub(crate) fn expand(&self, found: &mut Diagnostics) -> Option<Vec<Mount>> {
        let (disabled, rest) = strip(self.pattern, '-');
        let (exclusion, pattern) = strip(rest, '!');
        if !pattern.starts_with('/') {
            return None;
        }
        let (worker, extensions) = self.worker_and_extensions(found);
        let mount = |pattern: String| Mount {
            kind: kind(&pattern),
            pattern: pattern.into(),
            worker: worker.into(),
            exclusion,
            disabled,
            source: self.source,
            extensions: extensions.clone(),
            activations: Arc::default(),
            origin: self.origin.clone(),
        };
        Some(match pattern.split_once('|') {
            Some((base, more)) if self.source != MountSource::WorkerDefinition => {
                vec![mount(base.to_owned()), mount(format!("{base}{more}"))]
            }
            _ => vec![mount(pattern.to_owned())],
        })
    }

    fn worker_and_extensions(&self, found: &mut Diagnostics) -> (&str, RuleExtensions) {
        let mut complain = |complaint: &Complaint<'_>| complaint.report(self.origin, found);
        target::parse(self.worker, &mut complain)
    }
}

/// Fills in the activations of rules that change some of their workers' members.
pub(crate) fn resolve<'m>(
    mounts: impl IntoIterator<Item = &'m mut Mount>,
    workers: &[Arc<Worker>],
    found: &mut Diagnostics,
) {
    let workers = workers.iter().map(|w| (&*w.name, (&**w, OnceCell::new())));
    let workers: HashMap<&str, (&Worker, OnceCell<Places<'_>>)> = workers.collect();
    let mut last: Option<&Mount> = None;
    for mount in mounts {
        if mount.exclusion || mount.extensions.is_empty() {
            continue;
        }
        let Some((worker, places)) = workers.get(&*mount.worker) else {
            continue;
        };
        // The two rules of a `|` are one line.
        mount.activations = match last.filter(|last| last.is_of_same_line(mount)) {
            Some(last) => Arc::clone(&last.activations),
            None => target::resolve(&mount.extensions, worker, places, &mut |complaint| {
                complaint.report(&mount.origin, found);
            }),
        };
        last = Some(mount);
    }
}

impl Mount {
    /// Whether both rules were written as one, with a `|`.
    pub(crate) fn is_of_same_line(&self, other: &Self) -> bool {
        self.origin == other.origin
            && self.worker == other.worker
            && self.extensions == other.extensions
    }
}

fn strip(text: &str, prefix: char) -> (bool, &str) {
    match text.strip_prefix(prefix) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn kind(pattern: &str) -> UriMatch {
    if pattern.contains(['*', '?']) {
        UriMatch::Wildcard
    } else {
        UriMatch::Exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(pattern: &str, worker: &str, source: MountSource) -> (Option<Vec<Mount>>, String) {
        let mut found = Diagnostics::default();
        let origin = &Origin::new("map", 7);
        let rule = Rule {
            pattern,
            worker,
            source,
            origin,
        };
        (rule.expand(&mut found), found.to_string())
    }

    #[test]
    fn patterns() {
        let file = MountSource::UriWorkerMap;
        for (pattern, source, expected) in [
            ("/app", file, Some("/app")),
            ("!/app", file, Some("! /app")),
            ("-/app", file, Some("- /app")),
            ("-!/app", file, Some("-! /app")),
            ("!-/app", file, None),
            ("*.jsp", file, None),
            ("", file, None),
            ("/app|/*", file, Some("/app, /app/*")),
            ("!/app|/*", file, Some("! /app, ! /app/*")),
            ("/p|/a|/b", MountSource::JkMount, Some("/p, /p/a|/b")),
            ("/p|/a", MountSource::WorkerDefinition, Some("/p|/a")),
        ] {
            let show = |mount: &Mount| {
                let mut flags = String::new();
                flags += if mount.disabled { "-" } else { "" };
                flags += if mount.exclusion { "!" } else { "" };
                flags += if flags.is_empty() { "" } else { " " };
                flags + &mount.pattern
            };
            let (mounts, _) = expand(pattern, "w", source);
            let shown = mounts.map(|m| m.iter().map(show).collect::<Vec<_>>().join(", "));
            assert_eq!(shown.as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn bad_extensions_are_named() {
        let (mounts, said) = expand(
            "/x",
            "w1 ; stateless=1;reply_timeout=x",
            MountSource::JkMount,
        );
        assert_eq!(&*mounts.unwrap()[0].worker, "w1 ");
        insta::assert_snapshot!(said, @r"
        map:7: warning: unknown rule extension ` stateless` is ignored
            remedy: Did you mean `stateless`? No blank may stand around it.
        map:7: warning: the rule extension `reply_timeout=x` is read as 0
            remedy: Write a whole number.
        ");
    }
}
