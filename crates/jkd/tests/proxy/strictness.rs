//! Requests that must not get through.

use jkd_tests::{Backend, Request};

use crate::harness::Daemon;

fn status_of(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

#[test]
fn requests_that_break_http_are_refused_and_the_connection_closed() {
    let backend = Backend::saying("through");
    let daemon = Daemon::before(&backend);
    let table = [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"),
        ("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /a/..;/..;/x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "501",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\nx",
            "417",
        ),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
    ];
    for (request, status) in table {
        let answer = daemon.say(request);
        assert_eq!(status_of(&answer), status, "{request}{answer}");
    }
    assert_eq!(backend.requests(), 0);
}

#[test]
fn what_hides_in_a_path_is_not_found() {
    let backend = Backend::saying("through");
    let daemon = Daemon::before(&backend);
    for (path, status) in [("/a%00b", 400), ("/a%2Fb", 404)] {
        assert_eq!(daemon.http().get(path).status, status, "{path}");
    }
    assert_eq!(backend.requests(), 0);
}

#[test]
fn a_request_with_both_lengths_is_refused() {
    let backend = Backend::saying("through");
    let daemon = Daemon::before(&backend);
    let answer = daemon.say(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 49\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert_eq!(status_of(&answer), "400");
    assert_eq!(backend.requests(), 0);
}

#[test]
fn a_head_that_does_not_fit_a_packet_is_too_large() {
    let backend = Backend::saying("through");
    let daemon = Daemon::before(&backend);
    let long = "x".repeat(3000);
    let request = || {
        let request = Request::new("GET", "/").header("X-1", &long);
        request.header("X-2", &long).header("X-3", &long)
    };
    assert_eq!(daemon.http().send(request()).status, 413);
    assert_eq!(daemon.http().get("/").status, 200);
    let daemon = Daemon::before_with(&backend, "worker.w.max_packet_size=65536");
    assert_eq!(daemon.http().send(request()).status, 200);
}

#[test]
fn only_what_is_mounted_is_served() {
    let backend = Backend::saying("through");
    let port = backend.address.port();
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}");
    let daemon = Daemon::start(&workers, &["/app/*=w"]);
    assert_eq!(daemon.http().get("/app/x").status, 200);
    assert_eq!(daemon.http().get("/other/..;/app/x").status, 200);
    for path in ["/", "/other", "/app/../other", "/app/..;/other"] {
        let answer = daemon.http().get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("404 Not Found"));
    }
}
