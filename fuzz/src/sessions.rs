//! Session ids in paths and cookies, compared with a reader that goes through C's steps.

use jkd::balancer::sticky::SessionIds;

use crate::first_line;

/// Names of the path parameter and of the cookie.
const NAMES: [(&str, &str); 3] = [(";jsessionid", "JSESSIONID"), (";s", "s"), ("x", "a-a")];

/// A line with a path; the other lines are `Cookie` headers.
pub(crate) fn run(input: &[u8]) {
    let (path, rest) = first_line(input);
    let cookies: Vec<_> = rest.split(|b| *b == b'\n').collect();
    for (param, cookie) in NAMES {
        let found = SessionIds::find(path, cookies.iter().copied(), param, cookie);
        let expected = slowly_found(path, &cookies, param, cookie);
        let routes: Vec<_> = expected.iter().filter_map(|id| route_of(id)).collect();
        assert_eq!(found.is_empty(), expected.is_empty());
        assert_eq!(found.routes().collect::<Vec<_>>(), routes);
    }
}

fn route_of(id: &[u8]) -> Option<&[u8]> {
    let dot = id.iter().position(|b| *b == b'.')?;
    Some(&id[dot + 1..])
}

/// All ids that are not empty: of the path, else of the cookies.
fn slowly_found<'a>(
    path: &'a [u8],
    cookies: &[&'a [u8]],
    param: &str,
    cookie: &str,
) -> Vec<&'a [u8]> {
    let mut ids = match of_path(path, param.as_bytes()) {
        Some(id) => vec![id],
        None => cookies
            .iter()
            .flat_map(|header| of_cookie(header, cookie.as_bytes()))
            .collect(),
    };
    ids.retain(|id| !id.is_empty());
    ids
}

fn of_path<'a>(path: &'a [u8], param: &[u8]) -> Option<&'a [u8]> {
    let mut at = 0;
    while at < path.len() {
        if !path[at..].starts_with(param) {
            at += 1;
            continue;
        }
        at += param.len();
        if path.get(at) == Some(&b'=') && path.len() > at + 1 {
            let value = &path[at + 1..];
            let end = value.iter().position(|b| b"?;/".contains(b));
            return Some(&value[..end.unwrap_or(value.len())]);
        }
    }
    None
}

fn of_cookie<'a>(header: &'a [u8], name: &[u8]) -> Vec<&'a [u8]> {
    let mut ids = Vec::new();
    let mut at = 0;
    while at < header.len() {
        let is_here = header[at..].starts_with(name);
        let is_separated = at == 0 || b" ;,\t\n\x0b\x0c\r".contains(&header[at - 1]);
        if !is_here || !is_separated {
            // A name within another word is passed as a whole.
            at += if is_here { name.len() } else { 1 };
            continue;
        }
        at += name.len();
        let mut behind = at;
        while header.get(behind).is_some_and(u8::is_ascii_whitespace) {
            behind += 1;
        }
        if header.get(behind) == Some(&b'=') && header.len() > behind + 1 {
            let value = &header[behind + 1..];
            let end = value.iter().position(|b| b";,".contains(b));
            ids.push(unquoted(&value[..end.unwrap_or(value.len())]));
            // The next one is looked for behind the first byte of the value.
            at = behind + 2;
        }
    }
    ids
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        value => value,
    }
}
