//! Paths that mod_jk forwards and jkd refuses, because Tomcat could read them differently than they
//! were mapped and checked.

use super::wire::replies;
use crate::play::Seen;

pub(super) fn backslashes(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| {
        path.contains("%5c") || path.contains('\\')
    })
}

pub(super) fn encoded_slashes(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| path.contains("%2f"))
}

pub(super) fn encoded_semicolons(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| path.contains("%3b"))
}

pub(super) fn double_encoding(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| path.contains("%25"))
}

pub(super) fn dot_segments_at_the_end(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| {
        let path = path.replace("%2e", ".");
        let last = path.rsplit('/').next().unwrap_or_default();
        matches!(last.split(';').next(), Some("." | ".."))
    })
}

pub(super) fn overlong(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| {
        path.contains("%c0") || path.contains("%c1") || path.contains("%e0%80")
    })
}

pub(super) fn empty_segments(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| {
        (path.contains("//") || path.contains("/;")) && path.contains("..")
    })
}

/// Nobody means it.
pub(super) fn encoded_nul(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let target = mod_jk.what.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let has_one = path.contains("%00");
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let found = has_one && statuses == Some((404, 400)) && jkd.requests.is_empty();
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

/// mod_jk looks nothing up that is longer.
pub(super) fn long(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let is_long = jkd.requests.iter().all(|request| request.uri.len() > 4095);
    let found = is_long
        && mod_jk.requests.is_empty()
        && matches!(statuses, Some((403 | 404, 200)))
        && !jkd.requests.is_empty();
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.requests.clone_from(&jkd.requests);
    }
    found
}

/// mod_jk forwards scheme and authority with the path.
pub(super) fn absolute_unparsed(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter_mut().zip(&jkd.requests) {
        let path = mod_jk
            .uri
            .strip_prefix("http://")
            .and_then(|rest| rest.find('/'));
        let path = path.map(|at| mod_jk.uri["http://".len() + at..].to_owned());
        if path.as_deref() == Some(&jkd.uri) {
            mod_jk.uri.clone_from(&jkd.uri);
            found = true;
        }
    }
    found
}

/// The virtual host's `RejectUnsafeURI` counts, although the map is the main server's.
pub(super) fn reject_unsafe_uri(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let found = statuses == Some((200, 404)) && jkd.requests.is_empty();
    if found {
        mod_jk.requests.clear();
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

/// httpd stays at the root.
pub(super) fn slashes_above(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let target = mod_jk.what.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let path = path.to_ascii_lowercase();
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let found = path.contains("%2f")
        && leads_above(&path.replace("%2f", "/").replace("%2e", "."))
        && matches!(statuses, Some((200 | 404, 400)))
        && jkd.requests.is_empty();
    if found {
        mod_jk.requests.clear();
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

fn leads_above(path: &str) -> bool {
    let mut depth = 0;
    path.split('/').any(|segment| {
        depth += match segment {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        depth < 0
    })
}

/// The file in front of more is what a worker would run.
pub(super) fn sources(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let is_source = matches!(&mod_jk.reply, Some(reply) if reply.body == b"source\n");
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let is_unasked = mod_jk.requests.is_empty() && jkd.requests.is_empty();
    let found = is_source && is_unasked && statuses == Some((200, 404));
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

pub(super) fn control_characters(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, |path| {
        let escapes = path.split('%').skip(1).filter_map(|rest| rest.get(..2));
        let mut codes = escapes.filter_map(|digits| u8::from_str_radix(digits, 16).ok());
        codes.any(|code| code.is_ascii_control())
    })
}

/// Whether jkd alone says 400 to a path like this, in lower case, and asks no backend.
fn refused(mod_jk: &mut Seen, jkd: &mut Seen, concerns: fn(&str) -> bool) -> bool {
    let target = mod_jk.what.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let path = path.to_ascii_lowercase();
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let found = concerns(&path)
        && statuses == Some((200, 400))
        && mod_jk.requests.len() == 1
        && jkd.requests.is_empty();
    if found {
        mod_jk.requests.clear();
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}
