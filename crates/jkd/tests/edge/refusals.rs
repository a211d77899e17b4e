//! Requests that are refused before anybody is asked: each has its line in the log, and the page
//! that the configuration wants.

use std::{fs, net::SocketAddr, thread};

use jkd_tests::{Connection, wait_until};

use crate::{recorder::Recorder, serves, start};

const PAGES: [u16; 10] = [400, 404, 405, 408, 411, 413, 414, 417, 501, 505];

#[allow(clippy::too_many_lines, reason = "a flat table")]
/// What is sent, the status, and what the log says of the request line.
fn table() -> Vec<(String, u16, &'static str)> {
    let get = |fields: &str| format!("GET /t/a HTTP/1.1\r\nHost: jkd.test\r\n{fields}\r\n");
    let post = |fields: &str| format!("POST /t/a HTTP/1.1\r\nHost: jkd.test\r\n{fields}\r\n");
    let at = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: jkd.test\r\n\r\n");
    let line = "GET /t/a HTTP/1.1";
    let upload = "POST /t/a HTTP/1.1";
    vec![
        ("GARBAGE\r\n\r\n".to_owned(), 400, "GARBAGE"),
        (format!("{line}\r\n\r\n"), 400, line),
        (format!("{line}\r\nHost: a b\r\n\r\n"), 400, line),
        (get("Host: a\r\n"), 400, line),
        (get("Bad Field: x\r\n"), 400, line),
        (get("X: a\r\n b\r\n"), 400, line),
        (format!("{line}\nHost: a\n\n"), 400, line),
        (at(&format!("/t/{}", "a".repeat(9000))), 414, "GET /t/aaa"),
        (get(&format!("X: {}\r\n", "a".repeat(9000))), 400, line),
        (get(&"X: a\r\n".repeat(101)), 400, line),
        (
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            400,
            upload,
        ),
        (post("Content-Length: +5\r\n"), 400, upload),
        (post("Transfer-Encoding: gzip, chunked\r\n"), 501, upload),
        (post("Transfer-Encoding: identity\r\n"), 400, upload),
        (
            post("Transfer-Encoding: chunked\r\n") + "x\r\n",
            400,
            upload,
        ),
        (post("Content-Length: 99999999\r\n"), 413, upload),
        (post("Content-Length: 5\r\n") + "he", 408, upload),
        (
            post("Expect: 200-ok\r\nContent-Length: 0\r\nConnection: close\r\n"),
            417,
            upload,
        ),
        (
            "GET /t/a HTTP/2.0\r\nHost: jkd.test\r\n\r\n".to_owned(),
            505,
            "GET /t/a HTTP/2.0",
        ),
        (format!("{line}\r\nHost: jkd.test\r\n"), 408, line),
        (
            "CONNECT jkd.test:80 HTTP/1.1\r\nHost: jkd.test\r\n\r\n".to_owned(),
            405,
            "CONNECT jkd",
        ),
        (at("/t/%00"), 400, "GET /t/%00 HTTP/1.1"),
        (at("/../x"), 400, "GET /../x HTTP/1.1"),
        (at("/t/%zz"), 400, "GET /t/%zz HTTP/1.1"),
    ]
}

/// Sends it on a connection of its own: status and page.
fn ask(server: SocketAddr, request: &str) -> (u16, String) {
    let mut connection = Connection::open(server).expect("a connection");
    connection.send(request.as_bytes());
    let reply = connection.read("GET");
    (
        reply.status,
        String::from_utf8_lossy(&reply.body).into_owned(),
    )
}

#[test]
fn what_is_refused_takes_no_connection_to_a_backend() {
    let recorder = Recorder::start();
    let jkd = start(
        &recorder,
        "<Location /t/kept>\nRequire all denied\n</Location>\n",
    );
    let mut refused: Vec<_> = table()
        .into_iter()
        .map(|(text, status, _)| (text, status))
        .collect();
    // Whether chunks are broken shows only later.
    refused.retain(|(text, _)| !text.ends_with("\r\nx\r\n"));
    for (path, status) in [("/t/private/x", 404), ("/t/kept", 403), ("/nowhere", 404)] {
        let body = "Content-Length: 5\r\n\r\nhello";
        refused.push((
            format!("POST {path} HTTP/1.1\r\nHost: jkd.test\r\n{body}"),
            status,
        ));
    }
    thread::scope(|scope| {
        for (text, status) in &refused {
            let server = jkd.address;
            scope.spawn(move || assert_eq!(ask(server, text).0, *status, "{text}"));
        }
    });
    assert_eq!(recorder.connections(), 0);
    assert!(serves(&jkd));
    assert!(recorder.connections() > 0);
}

#[test]
fn each_refusal_has_its_line_and_its_page() {
    let recorder = Recorder::start();
    let pages: String = PAGES
        .iter()
        .map(|status| format!("ErrorDocument {status} \"page of {status}\"\n"))
        .collect();
    let jkd = start(
        &recorder,
        &format!("CustomLog access.log \"%>s %r\"\n{pages}"),
    );
    let table = table();
    thread::scope(|scope| {
        for (request, status, _) in &table {
            let server = jkd.address;
            scope.spawn(move || {
                let expected = (*status, format!("page of {status}"));
                assert_eq!(ask(server, request), expected, "{request}");
            });
        }
    });
    let lines = || {
        let text = fs::read_to_string(jkd.path("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    wait_until("a line for each", || lines().len() >= table.len());
    let mut lines = lines();
    for (request, status, line) in &table {
        let begin = format!("{status} {line}");
        let found = lines.iter().position(|line| line.starts_with(&begin));
        let found = found.unwrap_or_else(|| panic!("no {begin:?} in {lines:#?} for {request}"));
        lines.remove(found);
    }
    assert!(lines.is_empty(), "{lines:#?}");
    // Broken chunks are found when the backend has the request already.
    wait_until("the end of all bodies", || recorder.is_settled());
    let came = recorder.of("127.0.0.1");
    assert_eq!(came.len(), 1, "{came:?}");
    assert!(came.iter().all(|request| request.complete == Some(false)));
}
