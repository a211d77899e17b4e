//! Differences at the edge of what the formats hold.

use super::wire::replies;
use crate::play::Seen;

/// jkd says a length in plain form.
pub(super) fn leading_zeros(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    fields(mod_jk, jkd, "content-length", |theirs, ours| {
        theirs.starts_with('0') && theirs.trim_start_matches('0') == ours
    })
}

/// Some containers take the length of such a name for a code.
pub(super) fn long_header_names(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let request = mod_jk.requests.first();
    let long = request.is_some_and(|r| r.headers.iter().any(|field| field.name.len() > 255));
    jkd.idle.clear();
    long && replaced(mod_jk, jkd, (200, 413))
}

/// The last challenge is the one that httpd keeps.
pub(super) fn several_challenges(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    let is_challenge = |name: &str| name.eq_ignore_ascii_case("www-authenticate");
    let theirs = mod_jk.headers.iter().find(|(name, _)| is_challenge(name));
    let Some((_, last)) = theirs.cloned() else {
        return false;
    };
    let ours = jkd.headers.iter().filter(|(name, _)| is_challenge(name));
    let ours: Vec<_> = ours.map(|(_, value)| value).collect();
    let found = ours.len() > 1 && ours.last() == Some(&&last);
    if found {
        jkd.headers
            .retain(|(name, value)| !is_challenge(name) || *value == last);
    }
    found
}

fn replaced(mod_jk: &mut Seen, jkd: &Seen, statuses: (u16, u16)) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found = pair.is_some_and(|(theirs, ours)| (theirs.status, ours.status) == statuses);
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.requests.truncate(jkd.requests.len());
    }
    found
}

/// Takes mod_jk's values of a header for jkd's where `fits`.
fn fields(mod_jk: &mut Seen, jkd: &Seen, name: &str, fits: fn(&str, &str) -> bool) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter_mut().zip(&jkd.requests) {
        for (theirs, ours) in mod_jk.headers.iter_mut().zip(&jkd.headers) {
            let concerns = theirs.name == name && theirs.value != ours.value;
            if concerns && fits(&theirs.value, &ours.value) {
                theirs.value.clone_from(&ours.value);
                found = true;
            }
        }
    }
    found
}
