//! Fields of requests that are about the client's connection, and end at jkd.

use jkd_tests::Forwarded;

use crate::play::Seen;

const ALWAYS: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// What stays although it is named.
const NEVER: [&str; 5] = [
    "host",
    "content-length",
    "content-type",
    "authorization",
    "cookie",
];

pub(super) fn of_requests(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    left_out(mod_jk, jkd, |request, name| {
        let named = request.header("connection").unwrap_or_default().to_owned();
        let mut named = named.split(',').map(str::trim);
        let is_named = named.any(|option| option.eq_ignore_ascii_case(name));
        ALWAYS.contains(&name) || is_named && !NEVER.contains(&name)
    })
}

pub(super) fn proxy(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    left_out(mod_jk, jkd, |_, name| name == "proxy")
}

/// What proxies say, and whom `cases/remoteip.txt` has it said by.
pub(super) fn of_proxies(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    left_out(mod_jk, jkd, |_, name| {
        name.starts_with("x-forwarded-") || ["forwarded", "x-real-ip", "x-other"].contains(&name)
    })
}

/// Takes away from mod_jk's requests the fields that jkd has left out and that `may` be. What
/// `may` looks at is the request as it was.
fn left_out(mod_jk: &mut Seen, jkd: &Seen, may: fn(&Forwarded, &str) -> bool) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter_mut().zip(&jkd.requests) {
        let whole = mod_jk.clone();
        mod_jk.headers.retain(|field| {
            jkd.header(&field.name).is_some() || !may(&whole, &field.name.to_ascii_lowercase())
        });
        found |= mod_jk.headers.len() < whole.headers.len();
    }
    found
}
