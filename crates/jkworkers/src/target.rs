//! What stands at the right of a rule, and in the variable `JK_WORKER_NAME`: a worker, perhaps
//! with rule extensions behind it (`worker;stateless=1;disabled=node2`).
//!
//! Parts are separated by `;` and nothing is trimmed. Pure, total and cheap enough for a request:
//! what cannot be read is left out and told, never an end.

mod activations;
mod complaint;
mod text;

use std::{cell::OnceCell, sync::Arc, time::Duration};

pub(crate) use self::activations::{Places, resolve};
pub use self::complaint::Complaint;
use crate::{
    model::{Activation, RuleExtensions, Worker},
    number::atoi,
};

/// A worker and how a rule uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The worker's name. Nothing says that there is one.
    pub worker: Arc<str>,
    /// What stood behind it.
    pub extensions: RuleExtensions,
    /// Another activation for members of the worker, by their index; empty when none has one.
    pub activations: Arc<[Option<Activation>]>,
}

impl Target {
    /// Reads `worker[;extension=value…]`, as mod_jk reads the variable `JK_WORKER_NAME`.
    ///
    /// `worker` finds the worker of a name; where it finds none, no activations are resolved.
    /// `complain` hears of everything that is left out.
    pub fn parse<'w>(
        text: &str,
        worker: impl FnOnce(&str) -> Option<&'w Worker>,
        complain: &mut dyn FnMut(&Complaint<'_>),
    ) -> Self {
        let (name, extensions) = parse(text, complain);
        match worker(name) {
            Some(worker) => Self {
                worker: Arc::clone(&worker.name),
                activations: resolve(&extensions, worker, &OnceCell::new(), complain),
                extensions,
            },
            None => Self {
                worker: name.into(),
                extensions,
                ..Self::default()
            },
        }
    }
}

/// The worker's name and its extensions, without a look at the worker.
pub(crate) fn parse<'t>(
    text: &'t str,
    complain: &mut dyn FnMut(&Complaint<'_>),
) -> (&'t str, RuleExtensions) {
    let mut extensions = RuleExtensions::default();
    let Some((worker, rest)) = text.split_once(';') else {
        return (text, extensions);
    };
    let mut seen = Vec::new();
    let mut parts = rest.split(';').filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let Some(name) = NAMES.iter().copied().find(|known| *known == name) else {
            complain(&Complaint::Unknown(part));
            continue;
        };
        // `session_path=;name`: mod_jk drops the semicolon and takes the next part.
        let value = match (name, value) {
            ("session_path", "") => parts.next().unwrap_or_default(),
            _ => value,
        };
        if seen.contains(&name) {
            let first_counts = first_counts(name, &extensions);
            complain(&Complaint::Twice { name, first_counts });
            if first_counts {
                continue;
            }
        }
        seen.push(name);
        if name == "session_cookie_path" {
            complain(&Complaint::NoEffect { name });
        }
        if !set(name, value, &mut extensions) {
            complain(&Complaint::BadValue { name, value });
        }
    }
    (worker, extensions)
}

/// The names of all extensions, sorted.
pub(crate) const NAMES: &[&str] = &[
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

/// Of an extension that is written twice: whether the first one counts, as in mod_jk, which
/// overwrites simple numbers, but neither lists nor names.
fn first_counts(name: &str, so_far: &RuleExtensions) -> bool {
    match name {
        "reply_timeout" | "stateless" | "sticky_ignore" | "use_server_errors" => false,
        "set_session_cookie" => so_far.set_session_cookie,
        _ => true,
    }
}

/// Where the text of a list is kept.
fn written_list<'a>(name: &str, into: &'a mut RuleExtensions) -> Option<&'a mut String> {
    let lists = &mut into.written;
    Some(match name {
        "active" => &mut lists.get_or_insert_default().active,
        "disabled" => &mut lists.get_or_insert_default().disabled,
        "fail_on_status" => &mut lists.get_or_insert_default().fail_on_status,
        "stopped" => &mut lists.get_or_insert_default().stopped,
        _ => return None,
    })
}

/// Stores a value, numbers as far as they are some. Whether it is of the right kind.
fn set(name: &str, value: &str, into: &mut RuleExtensions) -> bool {
    let number = || atoi(value.as_bytes());
    let is_number = |text: &str| text.parse::<i32>().is_ok();
    let list = || items(value).map(str::to_owned).collect();
    if let Some(written) = written_list(name, into) {
        value.clone_into(written);
    }
    match name {
        "active" => into.active = list(),
        "disabled" => into.disabled = list(),
        "fail_on_status" => {
            into.fail_on_status = items(value).map(|item| atoi(item.as_bytes())).collect();
            return items(value).all(is_number);
        }
        // A negative number means the worker's own.
        "reply_timeout" => {
            into.reply_timeout = u64::try_from(number()).ok().map(Duration::from_millis);
            return is_number(value);
        }
        "session_cookie" => into.session_cookie = Some(value.to_owned()),
        "session_cookie_path" => into.session_cookie_path = Some(value.to_owned()),
        "session_path" => into.session_path = Some(value.to_owned()),
        "stopped" => into.stopped = list(),
        _ => {
            set_number(name, number(), into);
            return is_number(value);
        }
    }
    true
}

fn set_number(name: &str, number: i32, into: &mut RuleExtensions) {
    match name {
        "set_session_cookie" => into.set_session_cookie = number != 0,
        "stateless" => into.stateless = number != 0,
        "sticky_ignore" => into.sticky_ignore = number != 0,
        _ => into.use_server_errors = u16::try_from(number).ok().filter(|&n| n > 0),
    }
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    value
        .split([',', ' ', '\t'])
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests;
