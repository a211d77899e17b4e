//! Answers that are not as they should be.

use jkd_tests::{End, Reply};

use super::wire::replies;
use crate::play::Seen;

/// A page instead of what cannot be an answer, or goes on where a head is due. It is a broken packet
/// for jkd, and such requests may be repeated.
pub(super) fn interim_statuses(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    as_often(mod_jk, jkd);
    statuses(mod_jk, jkd, |theirs, ours| {
        theirs < 200 && matches!(ours, 500 | 502)
    })
}

/// The same of statuses that are none.
pub(super) fn no_statuses(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    as_often(mod_jk, jkd);
    statuses(mod_jk, jkd, |theirs, ours| theirs == 500 && ours == 502)
}

fn as_often(mod_jk: &Seen, jkd: &mut Seen) {
    let attempts = mod_jk.requests.len().max(1);
    jkd.requests.truncate(attempts);
}

/// mod_jk takes the body for what it is, jkd the announced length.
pub(super) fn another_length(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let breaks = |reply: &Reply| reply.end == End::CutOff || reply.status == 502;
    let ours = jkd.reply.as_ref().is_some_and(breaks);
    (ours || is_shorter(mod_jk, jkd)) && statuses(mod_jk, jkd, |theirs, _| theirs == 200)
}

/// The client has the beginning, of the announced length.
fn is_shorter(mod_jk: &Seen, jkd: &Seen) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    pair.is_some_and(|(theirs, ours)| {
        ours.body.len() < theirs.body.len() && theirs.body.starts_with(&ours.body)
    })
}

/// mod_jk puts a page behind the part, or repeats the request and puts the next answer there; or the
/// page is all that the client gets.
pub(super) fn breaks_off(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let theirs = mod_jk.reply.as_ref();
    let pretends = theirs.is_some_and(|reply| reply.end != End::CutOff);
    let ours = jkd.reply.as_ref();
    let is_cut = ours.is_some_and(|reply| reply.end == End::CutOff || reply.status >= 500);
    if !pretends || !is_cut || mod_jk.requests.len() < jkd.requests.len() {
        return false;
    }
    mod_jk.requests.truncate(jkd.requests.len());
    alike(mod_jk, jkd);
    true
}

/// Fields about the connection between mod_jk and the backend stay there.
pub(super) fn hop_by_hop_fields(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    let before = mod_jk.headers.len();
    let named = mod_jk.header("connection").unwrap_or_default().to_owned();
    let has = |reply: &Reply, name: &str| reply.header(name).is_some();
    mod_jk.headers.retain(|(name, _)| {
        let lower = name.to_ascii_lowercase();
        let concerns = HOP_BY_HOP.contains(&&*lower) || named.eq_ignore_ascii_case(name);
        !concerns || has(jkd, name)
    });
    let found = mod_jk.headers.len() < before;
    if found && named == "close" {
        mod_jk.end = jkd.end;
    }
    found
}

const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// mod_jk has told the backend that the body is over, and the client nothing.
pub(super) fn late_bodies(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let found = statuses(mod_jk, jkd, |theirs, ours| (theirs, ours) == (0, 408));
    if found {
        mod_jk.requests.clone_from(&jkd.requests);
    }
    found
}

/// httpd closes the connection without a word.
pub(super) fn late_lines(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let none_came = mod_jk.requests.is_empty() && jkd.requests.is_empty();
    none_came && statuses(mod_jk, jkd, |theirs, ours| (theirs, ours) == (0, 408))
}

/// What the file says holds, or is an error; here its directory is closed.
pub(super) fn access_files(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    statuses(mod_jk, jkd, |theirs, ours| {
        matches!(theirs, 302 | 500) && ours == 403
    })
}

/// The same answer, as it is and compressed.
pub(super) fn windows_of_zlib(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((theirs, ours)) = replies(mod_jk, jkd) else {
        return false;
    };
    let is_packed = |reply: &Reply| reply.header("content-encoding") == Some("gzip");
    let found = is_packed(ours) && !is_packed(theirs) && theirs.body == ours.body;
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
    }
    found
}

/// httpd frames the answer once more, or knows no such coding.
pub(super) fn transfer_codings(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let theirs = mod_jk.reply.as_ref();
    let broken = theirs.is_some_and(|reply| reply.end == End::CutOff || reply.status == 500);
    broken && statuses(mod_jk, jkd, |_, ours| ours == 200)
}

/// httpd corrects a time in the future, and one that is none.
pub(super) fn last_modified(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    let value = |reply: &Reply| reply.header("last-modified").map(str::to_owned);
    let (theirs, ours) = (value(mod_jk), value(jkd));
    let found = theirs.is_some() && ours.is_some() && theirs != ours;
    if found {
        for reply in [mod_jk, jkd] {
            reply.headers.retain(|(name, _)| name != "Last-Modified");
        }
    }
    found
}

/// httpd sends a file with the status of a redirect that leads nowhere.
pub(super) fn taken_back(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let theirs = mod_jk.reply.as_ref();
    let leads_nowhere = theirs.is_some_and(|reply| reply.header("location").is_none());
    leads_nowhere
        && statuses(mod_jk, jkd, |theirs, ours| {
            (300..400).contains(&theirs) && matches!(ours, 200 | 206 | 304 | 412 | 416)
        })
}

fn statuses(mod_jk: &mut Seen, jkd: &Seen, fit: fn(u16, u16) -> bool) -> bool {
    let pair = mod_jk.reply.as_ref().zip(jkd.reply.as_ref());
    let found =
        pair.is_some_and(|(theirs, ours)| theirs != ours && fit(theirs.status, ours.status));
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
    }
    connections(mod_jk, jkd);
    found
}

fn alike(mod_jk: &mut Seen, jkd: &Seen) {
    mod_jk.reply.clone_from(&jkd.reply);
    connections(mod_jk, jkd);
}

/// jkd does not use a connection again on which such an answer came.
fn connections(mod_jk: &mut Seen, jkd: &Seen) {
    for (mod_jk, jkd) in mod_jk.requests.iter_mut().zip(&jkd.requests) {
        mod_jk.fresh |= jkd.fresh;
    }
}

/// httpd asks a worker once more for the page of a 416.
pub(super) fn pages_for_parts(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let (mut theirs, ours) = (mod_jk.requests.iter().rev(), jkd.requests.last());
    let twice = theirs.next().zip(theirs.next()).zip(ours);
    let found = twice.is_some_and(|((last, before), ours)| {
        [&last.uri, &before.uri] == [&ours.uri, &ours.uri]
            && mod_jk.requests.len() == jkd.requests.len() + 1
    });
    if found {
        // Over a second connection, since the first one is still in use.
        let place = mod_jk.requests.iter().rposition(|request| request.fresh);
        let place = place.filter(|place| *place > 0);
        mod_jk
            .requests
            .remove(place.unwrap_or(mod_jk.requests.len() - 1));
    }
    found
}
