//! From the text of one rule to mounts: prefixes, the `|` shortcut, rule extensions.

use std::time::Duration;

use crate::{
    diag::{Diagnostics, Origin, nearest},
    model::{Mount, MountSource, RuleExtensions, UriMatch},
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
        let mut extensions = RuleExtensions::default();
        let Some((worker, rest)) = self.worker.split_once(';') else {
            return (self.worker, extensions);
        };
        let mut known = false;
        let mut parts = rest.split(';').peekable();
        while let Some(part) = parts.next() {
            // `session_path=;name`: mod_jk drops the semicolon and takes the next part.
            let is_path = part == "session_path=";
            let joined = parts
                .next_if(|_| is_path)
                .map(|name| format!("{part}{name}"));
            known |= self.extension(joined.as_deref().unwrap_or(part), &mut extensions, found);
        }
        if known {
            found.warning(self.origin, "rule extensions are not in effect yet");
        }
        (worker, extensions)
    }

    /// Reads one extension. Whether there is one of this name.
    fn extension(&self, text: &str, into: &mut RuleExtensions, found: &mut Diagnostics) -> bool {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        if !NAMES.contains(&name) {
            if !text.is_empty() {
                found
                    .warning(
                        self.origin,
                        format!("unknown rule extension `{name}` is ignored"),
                    )
                    .help(match nearest(name.trim(), NAMES.iter().copied()) {
                        Some(known) => {
                            format!("Did you mean `{known}`? No blank may stand around it.")
                        }
                        None => format!("The extensions are {}.", NAMES.join(", ")),
                    });
            }
            return false;
        }
        if set(name, value, into).is_none() {
            found
                .error(
                    self.origin,
                    format!("the rule extension `{name}` cannot have the value `{value}`"),
                )
                .help("Write a whole number.");
        }
        true
    }
}

const NAMES: &[&str] = &[
    "active",
    "disabled",
    "fail_on_status",
    "reply_timeout",
    "session_cookie",
    "session_cookie_path",
    "session_path",
    "set_session_cookie",
    "stateless",
    "sticky_ignore",
    "stopped",
    "use_server_errors",
];

/// Stores a value. `None` when it is not of the right kind.
fn set(name: &str, value: &str, into: &mut RuleExtensions) -> Option<()> {
    let flag = || Some(value.parse::<i32>().ok()? != 0);
    let list = || items(value).map(str::to_owned).collect();
    match name {
        "active" => into.active = list(),
        "disabled" => into.disabled = list(),
        "fail_on_status" => {
            into.fail_on_status = items(value)
                .map(|v| v.parse().ok())
                .collect::<Option<_>>()?;
        }
        // A negative number means the worker's own.
        "reply_timeout" => {
            let millis = value.parse::<i32>().ok()?;
            into.reply_timeout = u64::try_from(millis).ok().map(Duration::from_millis);
        }
        "session_cookie" => into.session_cookie = Some(value.to_owned()),
        "session_cookie_path" => into.session_cookie_path = Some(value.to_owned()),
        "session_path" => into.session_path = Some(value.to_owned()),
        "set_session_cookie" => into.set_session_cookie = flag()?,
        "stateless" => into.stateless = flag()?,
        "sticky_ignore" => into.sticky_ignore = flag()?,
        "stopped" => into.stopped = list(),
        _ => into.use_server_errors = Some(value.parse::<u16>().ok()?).filter(|&n| n > 0),
    }
    Some(())
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([',', ' ', '\t'])
        .filter(|item| !item.is_empty())
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
    fn extensions() {
        let worker = "w;reply_timeout=500;stateless=1;active=a,b c;fail_on_status=503,-404;\
                      session_path=;foo;use_server_errors=500";
        let (mounts, said) = expand("/x", worker, MountSource::JkMount);
        let mount = &mounts.unwrap()[0];
        assert_eq!(&*mount.worker, "w");
        assert_eq!(
            mount.extensions,
            RuleExtensions {
                reply_timeout: Some(Duration::from_millis(500)),
                stateless: true,
                active: vec!["a".into(), "b".into(), "c".into()],
                fail_on_status: vec![503, -404],
                session_path: Some("foo".into()),
                use_server_errors: Some(500),
                ..RuleExtensions::default()
            }
        );
        assert_eq!(
            said,
            "map:7: warning: rule extensions are not in effect yet\n"
        );
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
        map:7: error: the rule extension `reply_timeout` cannot have the value `x`
            remedy: Write a whole number.
        map:7: warning: rule extensions are not in effect yet
        ");
    }
}
