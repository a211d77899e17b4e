//! Whether what a client has seen, and what of it reached the backend, is what has to be.

use std::time::Duration;

use crate::{
    case::{Expect, Wanted, bytes, expanded},
    client::{AFTERWARDS, Seen},
    recorder::Request,
};

/// Limits in the cases are those of a quiet machine.
const SHORTEST: Duration = Duration::from_secs(12);

/// What is wrong; nothing where all is right.
pub(crate) fn judge(expect: &Expect, seen: &Seen, requests: &[Request], own: &str) -> Vec<String> {
    let mut wrong = Wrong(Vec::new());
    of_client(expect, seen, &mut wrong);
    let afterwards = |request: &&Request| request.attribute("query_string") == Some(AFTERWARDS);
    let requests: Vec<_> = requests
        .iter()
        .filter(|request| !afterwards(request))
        .collect();
    of_backend(expect, &requests, own, &mut wrong);
    wrong.0
}

struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, right: bool, text: impl FnOnce() -> String) {
        if !right {
            self.0.push(text());
        }
    }
}

fn of_client(expect: &Expect, seen: &Seen, wrong: &mut Wrong) {
    let finals: Vec<_> = seen.answers.finals.iter().map(|one| one.status).collect();
    let first = finals.first().copied().unwrap_or(0);
    let garbage = &seen.answers.garbage;
    wrong.unless(garbage.is_none(), || format!("{garbage:?} between answers"));
    wrong.unless(expect.status.contains(&first), || {
        format!("status {first}, and not {:?}", expect.status)
    });
    if let Some(statuses) = &expect.statuses {
        wrong.unless(finals == *statuses, || {
            format!("{finals:?}, and not {statuses:?}")
        });
    } else if let Some(responses) = expect.responses {
        let is_none = first == 0 && expect.status.contains(&0);
        wrong.unless(is_none || finals.len() == responses, || {
            format!("{} answers, and not {responses}", finals.len())
        });
    }
    let closes = seen.answers.finals.last().is_none_or(|last| last.closes);
    match expect.close {
        Some(true) => wrong.unless(closes, || "the connection stays".to_owned()),
        Some(false) => wrong.unless(seen.stays && !closes, || "the connection ends".to_owned()),
        None => {}
    }
    if let Some(interim) = &expect.interim {
        let came = &seen.answers.interim;
        wrong.unless(came == interim, || {
            format!("interim {came:?}, and not {interim:?}")
        });
        wrong.0.extend(seen.missed.iter().cloned());
    }
    let tunnel = expect.no_tunnel == Some(true) && seen.answers.interim.contains(&101);
    wrong.unless(!tunnel, || "a tunnel".to_owned());
    if let Some(most) = expect.max_ms {
        let most = Duration::from_millis(most).max(SHORTEST);
        wrong.unless(seen.took <= most, || format!("took {:?}", seen.took));
    }
}

fn of_backend(expect: &Expect, requests: &[&Request], own: &str, wrong: &mut Wrong) {
    let uris: Vec<_> = requests
        .iter()
        .map(|request| shortened(&request.uri))
        .collect();
    wrong.unless(requests.len() <= expect.max_forwarded, || {
        format!("forwarded: {uris:?}")
    });
    if expect.forwarded_complete == Some(false) {
        let complete = requests
            .iter()
            .find(|request| request.complete == Some(true));
        wrong.unless(complete.is_none(), || format!("a whole body: {complete:?}"));
    }
    if let Some(uri) = &expect.forwarded_not_uri {
        let any = requests.iter().any(|request| request.uri == *uri);
        wrong.unless(!any, || format!("forwarded: {uri}"));
    }
    if let Some(name) = &expect.forwarded_server_name {
        let all = requests.iter().all(|request| request.server_name == *name);
        wrong.unless(all, || {
            "the server's name is the client's choice".to_owned()
        });
    }
    match &expect.forwarded {
        Some(None) => wrong.unless(requests.is_empty(), || format!("forwarded: {uris:?}")),
        Some(Some(wanted)) => match requests.first() {
            None => wrong.0.push("nothing forwarded".to_owned()),
            Some(first) => of_request(wanted, first, requests, own, wrong),
        },
        None => {}
    }
    if let (Some(wanted), Some(first)) = (&expect.forwarded_if_any, requests.first()) {
        of_request(wanted, first, requests, own, wrong);
    }
}

fn of_request(wanted: &Wanted, came: &Request, all: &[&Request], own: &str, wrong: &mut Wrong) {
    let mut same = |what: &str, wanted: Option<String>, came: String| {
        if let Some(wanted) = wanted {
            let text = || {
                format!(
                    "{what} {:?}, and not {:?}",
                    shortened(&came),
                    shortened(&wanted)
                )
            };
            wrong.unless(wanted == came, text);
        }
    };
    same("method", wanted.method.clone(), came.method.clone());
    same(
        "URI",
        wanted.uri.as_deref().map(canonical),
        canonical(&came.uri),
    );
    let query = came.attribute("query_string").unwrap_or_default();
    same("query", wanted.query.clone(), query.to_owned());
    same(
        "server name",
        wanted.server_name.clone(),
        came.server_name.clone(),
    );
    same(
        "TLS",
        wanted.is_ssl.map(|is| is.to_string()),
        came.is_ssl.to_string(),
    );
    // Each client has an address of its own.
    let address = wanted.remote_addr.as_ref().map(|_| own.to_owned());
    same("address", address, came.remote_addr.clone());
    body(wanted, came, wrong);
    fields(wanted, came, wrong);
    for uri in &wanted.uris_absent {
        let any = all.iter().any(|request| request.uri.contains(uri));
        wrong.unless(!any, || format!("forwarded: {uri}"));
    }
}

fn body(wanted: &Wanted, came: &Request, wrong: &mut Wrong) {
    if let Some(body) = &wanted.body {
        let right = bytes(body) == came.body;
        wrong.unless(right, || format!("body {}", came.body.escape_ascii()));
    }
    if let Some(length) = wanted.body_len {
        let came = came.body.len();
        wrong.unless(length == came, || format!("{came} bytes of body"));
    }
    let with_body = wanted.body.is_some() || wanted.body_len.is_some();
    wrong.unless(!with_body || came.complete == Some(true), || {
        "a part of the body".to_owned()
    });
}

fn fields(wanted: &Wanted, came: &Request, wrong: &mut Wrong) {
    for (name, value) in &wanted.headers {
        let values = came.values(name);
        let right = values.first().is_some_and(|came| **came == expanded(value));
        wrong.unless(right, || format!("{name}: {values:?}"));
    }
    for (name, list) in &wanted.header_values {
        let values = came.values(name);
        let right = values == *list || values == [list.join(", ")];
        wrong.unless(right, || format!("{name}: {values:?}"));
    }
    for (name, value) in &wanted.headers_not_value {
        let values = came.values(name);
        wrong.unless(!values.contains(&&**value), || {
            format!("{name}: {values:?}")
        });
    }
    for name in &wanted.headers_absent {
        let values = came.values(name);
        wrong.unless(values.is_empty(), || format!("{name}: {values:?}"));
    }
    for name in &wanted.attrs_absent {
        let value = came.attribute(name);
        wrong.unless(value.is_none(), || format!("attribute {name}: {value:?}"));
    }
    for (name, value) in &wanted.attrs_not_value {
        let right = came.attribute(name) != Some(value);
        wrong.unless(right, || format!("attribute {name}: {value}"));
    }
}

/// `%3f` and `%3F` are the same (RFC 3986, section 6.2.2.1); mod_jk writes the latter.
fn canonical(uri: &str) -> String {
    let uri = expanded(uri);
    let mut parts = uri.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    let digits = |part: &str| {
        let two = part
            .get(..2)
            .filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        two.map(|two| two.to_ascii_uppercase() + &part[2..])
    };
    parts.fold(first, |uri, part| {
        uri + "%" + &digits(part).unwrap_or_else(|| part.to_owned())
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}
