//! mod_jk's directives.

use std::{path::PathBuf, time::Duration};

use super::{Apply, Call};
use crate::{httpd::MountLine, model::Covers, number::atoi};

/// `JkWorkersFile file`
pub(in crate::httpd) fn workers_file(apply: &mut Apply<'_>, call: &Call<'_>) {
    match &apply.draft.workers_file {
        Some((_, first)) => {
            let message = format!("JkWorkersFile only allowed once; the first one is at {first}");
            apply.error(call.origin, message, "Remove one of the two lines.");
        }
        None => apply.draft.workers_file = Some((apply.path(call.first()), call.origin.clone())),
    }
}

/// `JkWorkerProperty name=value`
pub(in crate::httpd) fn worker_property(apply: &mut Apply<'_>, call: &Call<'_>) {
    let property = (call.origin.clone(), call.raw.to_owned());
    apply.draft.properties.push(property);
}

/// `JkMount [path] worker`
pub(in crate::httpd) fn mount(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_mount(call, false);
}

/// `JkUnMount [path] worker`
pub(in crate::httpd) fn unmount(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_mount(call, true);
}

/// `JkMountCopy On|Off|All`
pub(in crate::httpd) fn mount_copy(apply: &mut Apply<'_>, call: &Call<'_>) {
    match &*call.first().to_ascii_lowercase() {
        "on" => apply.server().mount_copy = Some(true),
        "off" => apply.server().mount_copy = Some(false),
        "all" if apply.server == 0 => apply.draft.copy_mounts_by_default = true,
        "all" => {
            let message = "JkMountCopy All cannot occur within <VirtualHost> section".to_owned();
            apply.error(
                call.origin,
                message,
                "Write On, or move the line out of the section.",
            );
        }
        _ => {
            let message = "JkMountCopy must be All, On or Off".to_owned();
            apply.error(call.origin, message, "Off is the default.");
        }
    }
}

/// `JkMountFile file`
pub(in crate::httpd) fn mount_file(apply: &mut Apply<'_>, call: &Call<'_>) {
    let file = (apply.path(call.first()), call.origin.clone());
    apply.server().mount_file = Some(file);
}

/// `JkMountFileReload seconds`
pub(in crate::httpd) fn mount_file_reload(apply: &mut Apply<'_>, call: &Call<'_>) {
    integer(apply, call);
    apply.server().mount_file_reload = Some(atoi(call.first().as_bytes()));
}

/// `JkdReload On|Off|seconds`: jkd's own.
pub(in crate::httpd) fn reload(apply: &mut Apply<'_>, call: &Call<'_>) {
    let seconds = match &*call.first().to_ascii_lowercase() {
        "on" => Some(1),
        "off" => Some(0),
        text => text.parse::<u32>().ok().map(u64::from),
    };
    let Some(seconds) = seconds else {
        let message = "JkdReload must be On, Off or a number of seconds".to_owned();
        return apply.error(call.origin, message, "On is the same as 1.");
    };
    apply.draft.reload = (seconds > 0).then(|| Duration::from_secs(seconds));
}

/// `JkdRequireSecret On|Off`: jkd's own.
pub(in crate::httpd) fn require_secret(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.draft.require_secret = on;
    }
}

/// `JkAutoAlias dir`
pub(in crate::httpd) fn auto_alias(apply: &mut Apply<'_>, call: &Call<'_>) {
    let directory = apply.path(call.first());
    apply.server().auto_alias = Some(directory);
}

/// `JkStripSession On|Off [name]`
pub(in crate::httpd) fn strip_session(apply: &mut Apply<'_>, call: &Call<'_>) {
    const DEFAULT: &str = ";jsessionid";
    if let Some(on) = apply.on_or_off(call) {
        let name = call.words.get(1).map_or(DEFAULT, String::as_str);
        let name = if on { name } else { "" };
        apply.server().strip_session = Some(name.to_owned());
    }
}

/// `JkdRequestTimeout time[s|ms]`; 0 is no limit
pub(in crate::httpd) fn request_timeout(apply: &mut Apply<'_>, call: &Call<'_>) {
    let limit = duration(call.first());
    if limit.is_none() {
        let message = format!("JkdRequestTimeout {} is no time", call.first());
        let help = "Write seconds, such as 30, or milliseconds, such as 500ms; 0 is no limit.";
        apply.error(call.origin, message, help);
    }
    apply.server().request_timeout = limit;
}

/// Seconds, unless `ms` follows.
fn duration(text: &str) -> Option<Duration> {
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.strip_suffix("ms") {
        Some(digits) => (digits, Duration::from_millis(1)),
        None => (
            lower.strip_suffix('s').unwrap_or(&lower),
            Duration::from_secs(1),
        ),
    };
    let number = digits.bytes().all(|b| b.is_ascii_digit());
    let number = number.then(|| digits.parse::<u32>().ok()).flatten()?;
    unit.checked_mul(number)
}

/// Nothing to check.
pub(in crate::httpd) fn anything(_: &mut Apply<'_>, _: &Call<'_>) {}

/// `JkExtractSSL On|Off`
pub(in crate::httpd) fn extract_tls(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.server().extract_tls = Some(on);
    }
}

/// A whole number.
pub(in crate::httpd) fn integer(apply: &mut Apply<'_>, call: &Call<'_>) {
    if call.first().parse::<i32>().is_err() {
        let number = atoi(call.first().as_bytes());
        let message = format!("{} {} is read as {number}", call.name, call.first());
        apply.warning(call.origin, message, "Write digits only.");
    }
}

impl Apply<'_> {
    /// A file name relative to `ServerRoot`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.server_root.join(name)
    }

    fn add_mount(&mut self, call: &Call<'_>, exclusion: bool) {
        let Some(line) = self.mount_line(call, exclusion) else {
            return;
        };
        let server = self.server();
        let key = (exclusion, line.path.clone());
        let place = server.places.get(&key);
        let Some(old) = place.and_then(|place| server.mounts.get_mut(*place)) else {
            server.places.insert(key, server.mounts.len());
            server.mounts.push(line);
            return;
        };
        let replaced = std::mem::replace(old, line.clone());
        if replaced.worker != line.worker {
            let message = format!(
                "{} {} {} replaces the line for {} at {}",
                call.name, line.path, line.worker, replaced.worker, replaced.origin
            );
            self.warning(call.origin, message, "Remove one of the two lines.");
        }
    }

    /// mod_jk would take the section's argument for a path.
    fn refuse_mount(&mut self, call: &Call<'_>) -> Option<MountLine> {
        let section = self.within.map_or("", |within| within.name);
        let message = format!("{} has no effect inside <{section}>", call.name);
        let help = format!("Write `{} PATH WORKER` outside of the section.", call.name);
        self.error(call.origin, message, help);
        None
    }

    fn mount_line(&mut self, call: &Call<'_>, exclusion: bool) -> Option<MountLine> {
        let (name, origin) = (call.name, call.origin);
        let location = match self.current_section().map(|section| &section.covers) {
            Some(Covers::Location(place)) => Some(place.text().to_owned()),
            Some(_) => return self.refuse_mount(call),
            None => None,
        };
        let (path, worker) = match (location, call.words) {
            (Some(path), [worker]) => (path, worker),
            (None, [path, worker]) => (path.clone(), worker),
            (Some(_), _) => {
                let message = format!("{name} can not have a path when defined in a location");
                self.error(origin, message, "Write the worker's name alone.");
                return None;
            }
            (None, _) => {
                let message = match call.first() {
                    path if path.starts_with('/') => {
                        format!("{name} {path}: the worker's name is missing")
                    }
                    _ => format!("{name} needs a path when not defined in a location"),
                };
                self.error(origin, message, format!("Write `{name} /path/* worker`."));
                return None;
            }
        };
        if !path.starts_with('/') {
            let help = match path.trim_start_matches(['!', '-']) {
                _ if worker.starts_with('/') => {
                    format!("Write the path first: `{name} {worker} {path}`.")
                }
                rest if rest.len() < path.len() => {
                    format!("Write `JkUnMount {rest} {worker}` to exclude.")
                }
                rest => format!("Write /{rest}."),
            };
            self.error(
                origin,
                format!("{name} {path}: the path should start with /"),
                help,
            );
            return None;
        }
        Some(MountLine {
            path,
            worker: worker.clone(),
            exclusion,
            origin: origin.clone(),
        })
    }
}
