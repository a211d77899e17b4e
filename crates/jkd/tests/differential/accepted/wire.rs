//! Differences on the wire, each with its predicate.

use jkd_tests::Reply;

use super::{Difference, answers, balancing, edges, hops, paths, requests};
use crate::play::Seen;

/// All of them. Those that occur everywhere come first, in the order in which they are looked for.
pub(super) const WIRE: &[Difference] = &[
    Difference::everywhere("own pages", own_pages),
    Difference::everywhere("hop-by-hop fields of requests", hops::of_requests),
    Difference::everywhere("Proxy", hops::proxy),
    Difference::everywhere("encoded NUL", paths::encoded_nul),
    Difference::named("fields of proxies", hops::of_proxies),
    Difference::named("types by extension", types_by_extension),
    Difference::named("SetEnvIf sees the line before", set_env_if),
    Difference::named("CPings unasked", balancing::cpings_unasked),
    Difference::named("safe repetitions", balancing::safe_repetitions),
    Difference::named("a pool of no size", balancing::pool_of_no_size),
    Difference::named("overlong UTF-8", paths::overlong),
    Difference::named("empty segments", paths::empty_segments),
    Difference::named("long paths", paths::long),
    Difference::named("both lengths", requests::both_lengths),
    Difference::named("several transfer codings", requests::several_codings),
    Difference::named("absolute targets unparsed", paths::absolute_unparsed),
    Difference::named("RejectUnsafeURI of virtual hosts", paths::reject_unsafe_uri),
    Difference::named("leading zeros", edges::leading_zeros),
    Difference::named("long header names", edges::long_header_names),
    Difference::named("several challenges", edges::several_challenges),
    Difference::named("interim statuses", answers::interim_statuses),
    Difference::named("statuses that are none", answers::no_statuses),
    Difference::named("another length", answers::another_length),
    Difference::named("an answer that breaks off", answers::breaks_off),
    Difference::named("hop-by-hop fields", answers::hop_by_hop_fields),
    Difference::named("transfer codings of answers", answers::transfer_codings),
    Difference::named("bodies that do not come", answers::late_bodies),
    Difference::named("request lines that do not come", answers::late_lines),
    Difference::named("fields of status pages", fields_of_status_pages),
    Difference::named("statuses of redirects taken back", answers::taken_back),
    Difference::named("Last-Modified", answers::last_modified),
    Difference::named("versions", requests::versions),
    Difference::named("windows of zlib", answers::windows_of_zlib),
    Difference::named("access files", answers::access_files),
    Difference::named("TRACE", requests::trace),
    Difference::named("methods of index files", requests::of_index_files),
    Difference::named("sources in front of paths", paths::sources),
    Difference::named("CONNECT", requests::connect),
    Difference::named("doubtful hosts", requests::doubtful_hosts),
    Difference::named("folded fields", requests::folded_fields),
    Difference::named("other versions", requests::other_versions),
    Difference::named("HTTP/0.9", requests::http_0_9),
    Difference::named("uploads that nobody reads", requests::unread),
    Difference::named("connections after 417", requests::after_417),
    Difference::named("pages for parts of answers", answers::pages_for_parts),
    Difference::named("route", balancing::route),
    Difference::named("cookies", balancing::cookies),
    Difference::named("broken answer", balancing::broken_answer),
    Difference::named("broken packet", balancing::broken_packet),
    Difference::named("END_RESPONSE alone", balancing::end_response_alone),
    Difference::named("backslashes", paths::backslashes),
    Difference::named("encoded slashes", paths::encoded_slashes),
    Difference::named("slashes above", paths::slashes_above),
    Difference::named("encoded semicolons", paths::encoded_semicolons),
    Difference::named("double encoding", paths::double_encoding),
    Difference::named("dot segments at the end", paths::dot_segments_at_the_end),
    Difference::named("control characters", paths::control_characters),
];

/// What keeps browsers from doing with a status page what nobody means.
fn fields_of_status_pages(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    const FIELDS: [(&str, &str); 4] = [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        (
            "Content-Security-Policy",
            r"default-src \'none\'; style-src \'self\'; base-uri \'none\'; form-action \'self\'; frame-ancestors \'none\'",
        ),
    ];
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    let has = |reply: &Reply, name, value: &str| reply.header(name) == Some(value);
    let found = FIELDS
        .iter()
        .all(|(name, value)| mod_jk.header(name).is_none() && has(jkd, name, value));
    if found {
        let is_one = |name: &str| FIELDS.iter().any(|(known, _)| *known == name);
        jkd.headers.retain(|(name, _)| !is_one(name));
    }
    found
}

/// mod_mime knows a type by the extension of the URI.
fn types_by_extension(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    // A rule may have added another one.
    let by_extension = mod_jk.header("content-type").is_some();
    let differs = mod_jk.header("content-type") != jkd.header("content-type");
    let found = mod_jk.status == jkd.status && by_extension && differs;
    let ours = jkd.header("content-type");
    let kind = |(name, value): (String, String)| {
        let value = if name == "Content-Type" {
            ours?
        } else {
            &value
        };
        Some((name, value.to_owned()))
    };
    if found {
        let theirs = std::mem::take(&mut mod_jk.headers);
        mod_jk.headers = theirs.into_iter().filter_map(kind).collect();
    }
    found
}

/// Each has its own text for a status, and its length with it.
fn own_pages(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let Some((mod_jk, jkd)) = replies(mod_jk, jkd) else {
        return false;
    };
    let ours = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>{} ",
        jkd.status
    );
    let theirs = b"<!DOCTYPE HTML PUBLIC ";
    let are_pages = mod_jk.body.starts_with(theirs) && jkd.body.starts_with(ours.as_bytes());
    if !are_pages || mod_jk.status != jkd.status {
        return false;
    }
    for reply in [mod_jk, jkd] {
        reply.body = b"(page)".to_vec();
        reply
            .headers
            .retain(|(name, _)| !matches!(&**name, "Content-Length" | "Transfer-Encoding"));
    }
    true
}

/// httpd looks at a variable once for several `SetEnvIf` in a row.
fn set_env_if(mod_jk: &mut Seen, jkd: &mut Seen) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.requests.iter().zip(&mut jkd.requests) {
        let before = jkd.attributes.len();
        jkd.attributes
            .retain(|(name, _)| name != "SEEN" || mod_jk.attribute(name).is_some());
        found |= jkd.attributes.len() < before;
    }
    found
}

pub(super) fn replies<'a>(
    mod_jk: &'a mut Seen,
    jkd: &'a mut Seen,
) -> Option<(&'a mut Reply, &'a mut Reply)> {
    mod_jk.reply.as_mut().zip(jkd.reply.as_mut())
}
