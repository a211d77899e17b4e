//! Requests that httpd serves and jkd refuses.

use jkd_tests::End;

use crate::play::Seen;

/// TRACE is off unless it is switched on.
pub(super) fn trace(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, 405)
}

/// No backend is asked for a tunnel.
pub(super) fn connect(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, 405)
}

/// A host is a name, and there is one.
pub(super) fn doubtful_hosts(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, 400)
}

/// Who may ask for a directory by this method is asked about its index file, too.
pub(super) fn of_index_files(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found = mod_jk
        .what
        .split(' ')
        .nth(1)
        .is_some_and(|target| target.ends_with('/'))
        && !mod_jk.what.starts_with("GET ")
        && pair.is_some_and(|(theirs, ours)| (theirs.status, ours.status) == (200, 403))
        && jkd.requests.is_empty();
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.requests.clear();
    }
    found
}

/// A field is a line.
pub(super) fn folded_fields(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, 400)
}

/// Only 1.x is spoken.
pub(super) fn other_versions(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, 505)
}

/// Of two lengths somebody may have gone by the other one.
pub(super) fn both_lengths(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    refused(mod_jk, jkd, 400)
}

/// A coding is named once.
pub(super) fn several_codings(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found = pair.is_some_and(|(theirs, ours)| {
        (theirs.status, ours.status) == (501, 400)
            && ours.end == End::Closed
            && jkd.requests.is_empty()
    });
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

/// An answer without a head.
pub(super) fn http_0_9(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let (Some(theirs), Some(ours)) = (&mod_jk.rest, &jkd.rest) else {
        return false;
    };
    let found = !theirs.starts_with("HTTP/") && ours.starts_with("HTTP/1.1 400 ");
    if found {
        mod_jk.rest.clone_from(&jkd.rest);
        mod_jk.requests.clear();
    }
    found
}

/// jkd answers at once, httpd asks for the body and reads it before.
pub(super) fn unread(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found = pair.is_some_and(|(theirs, ours)| {
        let asks = theirs.interim != ours.interim && ours.end == End::Closed;
        let finds_more = matches!(theirs.status, 400 | 413) && theirs.end == End::Closed;
        let is_refusal = matches!(ours.status, 301 | 302 | 307 | 403 | 404 | 410 | 503);
        let is_early = (is_refusal || ours.status == 200) && (ours.end == End::Kept || asks);
        asks && theirs.status == ours.status
            || finds_more && is_early && ours.status != theirs.status
    });
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

/// httpd closes a connection that it has promised to keep.
pub(super) fn after_417(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found = pair.is_some_and(|(theirs, ours)| (theirs.status, ours.status) == (0, 200));
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.requests.clone_from(&jkd.requests);
    }
    found
}

/// Whether mod_jk has answered with 200, and jkd with this status, its connection closed unless the
/// end of the request is certain, and no backend asked.
fn refused(mod_jk: &mut Seen, jkd: &Seen, status: u16) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found = pair.is_some_and(|(theirs, ours)| {
        let certain = ours.end == End::Closed || ours.header("allow").is_some();
        (theirs.status, ours.status) == (200, status) && certain && jkd.requests.is_empty()
    });
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.requests.clear();
    }
    found
}

/// Each has a name and a version of its own; a version, or none, both have.
pub(super) fn versions(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter_mut().zip(&mut jkd.requests) {
        for request in [&mut *mod_jk, &mut *jkd] {
            for (name, value) in &mut request.attributes {
                if matches!(&**name, "SERVER_SOFTWARE" | "SERVER_SIGNATURE") {
                    let known = ["Apache", "jkd"].map(|software| anonymous(value, software));
                    if let Some(text) = known.into_iter().flatten().next() {
                        *value = text;
                        found = true;
                    }
                }
            }
        }
    }
    found
}

/// A text without what a server calls itself.
fn anonymous(text: &str, software: &str) -> Option<String> {
    let (before, behind) = text.split_once(software)?;
    let version = behind.strip_prefix('/');
    let Some(version) = version else {
        return Some(format!("{before}(software){behind}"));
    };
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let rest = end.map_or("", |end| &version[end..]);
    Some(format!("{before}(software)/(version){rest}"))
}
