//! Bodies that are compressed, and times until which answers may be kept: what two servers that do
//! the same make differently.
//!
//! A body that says `gzip` and is that is compared as it was before, and of its length only whether
//! it was told: no two libraries make the same bytes. Parts of it are compared by their lengths.

use std::{io::Read as _, time::Duration};

use jkd_tests::Reply;

use crate::play::Seen;

/// Shows what was compressed. A body that is not what it says stays as it is, and differs from one
/// that is.
pub(crate) fn unpack(reply: &mut Reply) {
    let is_packed = says(reply, "content-encoding", "gzip");
    if !is_packed || !says(reply, "vary", "accept-encoding") {
        return;
    }
    let mut text = Vec::new();
    let whole = flate2::read::GzDecoder::new(&*reply.body).read_to_end(&mut text);
    if reply.status == 206 {
        let length = reply.body.len();
        reply.body = format!("(a part of {length} bytes)").into_bytes();
        mask(reply, "content-range", |range| {
            let (part, _) = range.split_once('/').unwrap_or((range, ""));
            format!("{part}/(all)")
        });
    } else if reply.body.is_empty() || whole.is_ok() {
        reply.body = text;
        mask(reply, "content-length", |_| "(compressed)".to_owned());
    }
}

fn says(reply: &Reply, name: &str, what: &str) -> bool {
    let mut headers = reply.headers.iter();
    headers.any(|(known, value)| {
        known.eq_ignore_ascii_case(name) && value.to_ascii_lowercase().contains(what)
    })
}

fn mask(reply: &mut Reply, name: &str, change: impl Fn(&str) -> String) {
    for (known, value) in &mut reply.headers {
        if known.eq_ignore_ascii_case(name) {
            *value = change(value);
        }
    }
}

/// Makes `Expires` relative to `Date`.
pub(crate) fn count_from_date(reply: &mut Reply) {
    let date = reply.header("date").map(str::to_owned);
    let Some(date) = date.and_then(|date| httpdate::parse_http_date(&date).ok()) else {
        return;
    };
    mask(reply, "expires", |until| {
        let until = httpdate::parse_http_date(until).map(|until| until.duration_since(date));
        match until {
            Ok(Ok(length)) => format!("{AFTER}{}", length.as_secs()),
            Ok(Err(before)) if before.duration() <= Duration::from_secs(1) => format!("{AFTER}0"),
            _ => format!("{until:?}"),
        }
    });
}

/// How such a time begins.
const AFTER: &str = "the date + ";

/// Takes times for equal that a new second has parted.
pub(crate) fn equalise_times(left: &mut Seen, right: &mut Seen) {
    let (Some(left), Some(right)) = (&left.reply, &mut right.reply) else {
        return;
    };
    let mut theirs = left.headers.iter().filter(|(name, _)| is_expiry(name));
    let mut ours = right.headers.iter_mut().filter(|(name, _)| is_expiry(name));
    if let (Some((_, theirs)), Some((_, ours))) = (theirs.next(), ours.next())
        && let (Some(left), Some(right)) = (seconds(theirs), seconds(ours))
        && left.abs_diff(right) <= 1
    {
        theirs.clone_into(ours);
    }
}

fn is_expiry(name: &str) -> bool {
    name.eq_ignore_ascii_case("expires")
}

fn seconds(value: &str) -> Option<u64> {
    value.strip_prefix(AFTER)?.parse().ok()
}
