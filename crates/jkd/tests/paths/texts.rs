//! Odd requests.

use proptest::prelude::*;

use crate::{
    HOSTILE, ORDINARY, case,
    mutate::{carry_out, change},
    plain::latin1,
    sites::SITES,
    witness::bytes_of,
};

/// Ways to what cannot be reached.
const ESCAPES: &[&str] = &[
    "/a/../c/x",
    "/a/..;/c/x",
    "/a/..;p=1/c/x",
    "/a/%2e%2e/c/x",
    "/a/%2e%2e;/c/x",
    "/a/..%2fc/x",
    "/a/..%5cc/x",
    "/a/x/%252e%252e/%252e%252e/c/x",
    "/a/./../c",
    "/a//../../c/x",
    "/a;/../c/x",
    "/b/..;/a/guarded/x",
    "/b/../a/private/x",
    "/a/private/x",
    "/a/private;x",
    "/a/%70rivate/x",
    "/a/x/..;/private/x",
    "/a/;/private/x",
    "/a//private/x",
    "/a/private%2fx",
    "/a/private%3bx/y",
    "/a/guarded",
    "/a/guarded;x/y",
    "/a/%67uarded/x",
    "/a/x/..;/guarded/x",
    "/a/x%2f..%2fguarded/x",
    "/a/x\\..\\guarded\\x",
    "/a/WEB-INF/web.xml",
    "/a/web-inf;/web.xml",
    "/a/;/WEB-INF/web.xml",
    "/a/%57EB-INF/web.xml",
    "/c/x",
    "/",
];

/// Requests around a path; `@` stands for it, `HOST` for the host.
const AROUND: &[&str] = &[
    "GET @ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "GET @?q=1&r=%2e/../x HTTP/1.1\r\nHost: HOST\r\nCookie: JSESSIONID=1.x; a=b\r\n\r\n",
    "GET http://HOST@?abs HTTP/1.1\r\nHost: HOST\r\nAccept: */*\r\n\r\n",
    "GET @ HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\n\r\n",
    "HEAD @ HTTP/1.1\r\nHost: HOST\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\n\r\n",
    "OPTIONS @ HTTP/1.1\r\nHost: HOST\r\nConnection: x-b, close\r\nX-B: 2\r\nX-C: 3\r\n\r\n",
    "PATCH @ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTE: trailers\r\n\r\nhello",
    "POST @ HTTP/1.1\r\nHost: HOST\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello\r\n\r\n\r\n\
     GET /a/second HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "POST @ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-T: u\r\n\r\n\
     GET /b/second?x HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "PUT @ HTTP/1.1\r\nHost: HOST\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "GET @ HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-For: 1.2.3.4\r\nAJP_REMOTE_PORT: 1\r\nJK_ROUTE: x\r\n\r\n\
     DELETE @ HTTP/1.1\r\nHost: HOST\r\n\r\n",
];

/// A request with a few changes, or none.
pub(crate) fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let paths: Vec<String> = [ORDINARY, HOSTILE]
        .concat()
        .into_iter()
        .flat_map(|path| [format!("/a{path}"), format!("/b/x{path}")])
        .chain(ESCAPES.iter().map(|&path| path.to_owned()))
        .collect();
    let cases: Vec<Vec<u8>> = case::all()
        .into_iter()
        .filter_map(|case| case.text())
        .filter(|text| !text.is_empty() && text.len() < 2000)
        .collect();
    let host = || proptest::sample::select(SITES.iter().map(|site| site.name).collect::<Vec<_>>());
    let around = proptest::sample::select(AROUND.to_vec());
    let made =
        (around, proptest::sample::select(paths), host()).prop_map(|(around, path, host)| {
            bytes_of(&latin1(
                around.replace("HOST", host).replace('@', &path).as_bytes(),
            ))
        });
    let known = (proptest::sample::select(cases), host()).prop_map(|(text, host)| {
        bytes_of(
            &latin1(&text)
                .replace("jkd.test", host)
                .replace("/t/", "/a/"),
        )
    });
    let changes = proptest::collection::vec(change(), 0..4);
    let base = prop_oneof![3 => made, 1 => known];
    (base, changes, any::<bool>()).prop_map(|(mut text, changes, in_line)| {
        // Half of the changes are to request lines alone.
        let end = text
            .windows(2)
            .position(|two| two == b"\r\n")
            .filter(|_| in_line);
        let rest = text.split_off(end.unwrap_or(text.len()));
        for change in &changes {
            carry_out(&mut text, change);
        }
        [text, rest].concat()
    })
}
