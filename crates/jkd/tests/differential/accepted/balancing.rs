//! What a balancer does with requests that fail, and what members are told of it.

use jkd_tests::{End, Forwarded};

use super::wire::replies;
use crate::play::Seen;

/// After a failover mod_jk tells the first member's route, after a domain that of another memory.
pub(super) fn route(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter_mut().zip(&jkd.requests) {
        let ours = jkd.attribute("(route)").map(str::to_owned);
        let attributes = mod_jk.attributes.iter_mut();
        for (_, theirs) in attributes.filter(|(name, _)| name == "(route)") {
            if let Some(ours) = ours.as_ref().filter(|ours| **ours != *theirs) {
                theirs.clone_from(ours);
                found = true;
            }
        }
    }
    found
}

/// mod_jk sets a cookie for each member that was tried.
pub(super) fn cookies(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    let is_cookie = |(name, _): &&(String, String)| name == "Set-Cookie";
    let ours: Vec<_> = jkd.headers.iter().filter(is_cookie).cloned().collect();
    let theirs = mod_jk.headers.iter().filter(is_cookie).count();
    let found = ours.len() == 1 && theirs > 1 && mod_jk.headers.contains(&ours[0]);
    if found {
        mod_jk
            .headers
            .retain(|field| field.0 != "Set-Cookie" || *field == ours[0]);
    }
    found
}

/// mod_jk repeats what has begun, or puts a page behind it.
pub(super) fn broken_answer(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let ours = jkd.reply.as_ref();
    let breaks = ours.is_some_and(|reply| reply.end == End::CutOff || reply.status == 502);
    breaks && differs(mod_jk, jkd) && repeats(mod_jk, jkd)
}

/// mod_jk repeats although a packet was broken.
pub(super) fn broken_packet(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let ours = jkd.reply.as_ref().map(|reply| reply.status);
    ours == Some(500) && mod_jk.requests.len() > jkd.requests.len() && repeats(mod_jk, jkd)
}

/// An empty 200 instead of an error.
pub(super) fn end_response_alone(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((theirs, ours)) = replies(mod_jk, jkd) else {
        return false;
    };
    let found = (theirs.status, ours.status) == (200, 500) && theirs.body.is_empty();
    if found {
        theirs.clone_from(ours);
    }
    found
}

/// jkd repeats only what is safe.
pub(super) fn safe_repetitions(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    mod_jk.requests.len() > jkd.requests.len() && repeats(mod_jk, jkd)
}

/// jkd asks after each connect.
pub(super) fn cpings_unasked(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter().zip(&mut jkd.requests) {
        if jkd.fresh && (mod_jk.cpings, jkd.cpings) == (0, 1) {
            jkd.cpings = 0;
            found = true;
        }
    }
    found
}

/// mod_jk refuses all.
pub(super) fn pool_of_no_size(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let statuses = replies(mod_jk, jkd).map(|(mod_jk, jkd)| (mod_jk.status, jkd.status));
    let found = matches!(statuses, Some((500.., 200))) && mod_jk.requests.is_empty();
    if found {
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.requests.clone_from(&jkd.requests);
    }
    found
}

fn differs(mod_jk: &Seen, jkd: &Seen) -> bool {
    mod_jk.reply != jkd.reply || mod_jk.requests.len() != jkd.requests.len()
}

/// Whether mod_jk's attempts begin with jkd's; then the rest and the answer are made equal.
fn repeats(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let who = |request: &Forwarded| request.by.clone();
    let found = mod_jk.requests.len() >= jkd.requests.len()
        && mod_jk
            .requests
            .iter()
            .map(who)
            .zip(jkd.requests.iter().map(who))
            .all(|(a, b)| a == b);
    if found {
        mod_jk.requests.truncate(jkd.requests.len());
        mod_jk.reply.clone_from(&jkd.reply);
        mod_jk.idle.clone_from(&jkd.idle);
    }
    found
}
