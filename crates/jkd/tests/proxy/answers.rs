//! What a client gets to see of a backend's answer.

use std::time::Duration;

use jkd_tests::{Backend, Request};

use crate::harness::Daemon;

#[test]
fn fields_of_one_connection_stay_on_it() {
    let backend = Backend::start(|exchange| {
        let headers = [
            ("Connection", "X-Gone"),
            ("X-Gone", "1"),
            ("Keep-Alive", "timeout=1"),
            ("Transfer-Encoding", "of-backend"),
            ("Server", "Tomcat"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-Kept", "1"),
        ];
        exchange.answer(201, &headers, b"made")
    });
    let daemon = Daemon::before(&backend);
    let answer = daemon.http().get("/");
    assert_eq!((answer.status, answer.text()), (201, "made".into()));
    assert_eq!(answer.header("server"), Some("jkd"));
    assert_eq!(answer.header("x-kept"), Some("1"));
    // It is our own, unless all of the answer was there at once, so that its length was known.
    let framing = ["transfer-encoding", "content-length"].map(|name| answer.header(name));
    assert!(
        matches!(framing, [Some("chunked"), None] | [None, Some("4")]),
        "{framing:?}"
    );
    for gone in ["x-gone", "keep-alive"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    let cookies = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    assert_eq!(cookies.count(), 2);
    assert!(answer.header("date").is_some());
}

#[test]
fn answers_without_a_body_have_none() {
    let backend = Backend::start(|exchange| {
        let no_body = exchange.mentions("/204") || exchange.mentions("/304");
        let status = match exchange.request {
            _ if exchange.mentions("/204") => 204,
            _ if exchange.mentions("/304") => 304,
            _ => 200,
        };
        let length = if no_body { "0" } else { "4" };
        exchange.headers(status, &[("Content-Length", length)])?;
        exchange.end(true)
    });
    let daemon = Daemon::before(&backend);
    let mut raw = daemon.raw();
    // All on one connection: a wrong length would put the next answer out of step.
    for (method, path, status) in [
        ("GET", "/204", 204),
        ("GET", "/304", 304),
        ("HEAD", "/200", 200),
    ] {
        raw.write(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = raw.head();
        assert!(
            head[0].starts_with(&format!("HTTP/1.1 {status}")),
            "{head:?}"
        );
        let length = head.iter().any(|line| line == "Content-Length: 4");
        assert_eq!(length, method == "HEAD", "{head:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client() {
    for announced in [true, false] {
        let backend = Backend::start(move |exchange| {
            let length = [("Content-Length", "1000")];
            exchange.headers(200, if announced { &length } else { &[] })?;
            exchange.chunk(b"a part")?;
            exchange.flush()?;
            Err(std::io::Error::other("gone"))
        });
        let daemon = Daemon::before(&backend);
        let answer = daemon.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        // Nothing at all, where the end was seen before the head had left.
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 200 200"),
            "{answer}"
        );
        assert!(
            !answer.ends_with("0\r\n\r\n"),
            "must not look whole: {answer}"
        );
        assert!(!answer.contains("<html"), "{answer}");
    }
}

#[test]
fn an_answer_that_is_broken_from_the_start_is_not_begun() {
    let backend = Backend::start(|exchange| {
        let head = b"AB\x00\x0b\x04\x00\xc8\x00\x03200\x00\x00\x00";
        exchange.raw(&[head.as_slice(), b"garbage"].concat())
    });
    let daemon = Daemon::before(&backend);
    assert_eq!(daemon.http().get("/").status, 502);
}

#[test]
fn less_than_announced_is_no_whole_answer_and_more_ends_there() {
    for body in ["too short", "longer than it was said to be"] {
        let in_pieces = Backend::start(move |exchange| {
            exchange.answer(200, &[("Content-Length", "12")], body.as_bytes())
        });
        let at_once = Backend::start(move |exchange| {
            let head = b"\x04\x00\xc8\x00\x03200\x00\x00\x01\xa0\x03\x00\x0212\x00";
            let length = [0, u8::try_from(body.len()).unwrap()];
            let chunk = [b"\x03", &length[..], body.as_bytes(), b"\x00"].concat();
            exchange.raw(&[&framed(head)[..], &framed(&chunk), &framed(b"\x05\x01")].concat())
        });
        for backend in [in_pieces, at_once] {
            let daemon = Daemon::before(&backend);
            let answer = daemon.http().try_send(Request::new("GET", "/"));
            if let Ok(answer) = &answer {
                // What came with the head can be judged before an answer is begun.
                let ends = body
                    .get(..12)
                    .is_some_and(|start| answer.body == start.as_bytes());
                assert!(answer.status == 502 || ends, "{body}: {answer:?}");
            } else {
                assert!(body.len() < 12, "{body}: {answer:?}");
            }
        }
    }
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [b"AB", &length[..], payload].concat()
}

#[test]
fn split_headers_are_refused() {
    let backend = Backend::start(|exchange| {
        exchange.answer(200, &[("X-Evil", "a\r\nSet-Cookie: b=1")], b"x")
    });
    let daemon = Daemon::before(&backend);
    let answer = daemon.http().get("/");
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("set-cookie"), None);
}

#[test]
fn what_the_backend_flushes_arrives_before_the_rest() {
    let backend = Backend::start(|exchange| {
        exchange.headers(200, &[])?;
        exchange.chunk(b"first")?;
        exchange.flush()?;
        // The rest comes only when the client has seen the beginning and hangs up.
        exchange.wait_for_close()
    });
    let daemon = Daemon::before(&backend);
    let mut raw = daemon.raw();
    raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(raw.head()[0], "HTTP/1.1 200 200");
    assert_eq!(raw.line(), "5");
    assert_eq!(raw.line(), "first");
}

#[test]
fn a_backend_that_speaks_something_else_is_a_bad_gateway() {
    let backend = Backend::start(|exchange| exchange.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let daemon = Daemon::before(&backend);
    let answer = daemon.http().get("/");
    assert_eq!(answer.status, 502);
    assert!(answer.text().starts_with("<!DOCTYPE html>"));
}

#[test]
fn an_answer_that_does_not_come_is_a_gateway_timeout() {
    let backend = Backend::silent();
    let daemon = Daemon::before_with(&backend, "worker.w.reply_timeout=100");
    assert_eq!(daemon.http().get("/").status, 504);
}

#[test]
fn a_slow_reader_holds_the_backend_back() {
    const MUCH: usize = 256 * 1024 * 1024;
    let (sent, done) = std::sync::mpsc::sync_channel(1);
    let backend = Backend::start(move |exchange| {
        exchange.headers(200, &[])?;
        for _ in 0..MUCH / 8184 {
            exchange.chunk(&[b'x'; 8184])?;
        }
        exchange.end(true)?;
        sent.send(()).map_err(std::io::Error::other)
    });
    let daemon = Daemon::before(&backend);
    let mut raw = daemon.raw();
    raw.write("GET / HTTP/1.0\r\n\r\n");
    raw.head();
    let waits = done.recv_timeout(Duration::from_millis(500)).is_err();
    assert!(waits, "256 MB went somewhere although nobody read them");
    assert_eq!(raw.rest().len(), MUCH / 8184 * 8184);
}

#[test]
fn names_of_fields_look_as_those_of_httpd() {
    let backend = Backend::start(|exchange| {
        exchange.answer(200, &[("content-type", "text/plain"), ("x-y", "1")], b"z")
    });
    let daemon = Daemon::before(&backend);
    for (path, own) in [
        ("/", "Content-Type: text/plain"),
        ("/../", "Connection: close"),
    ] {
        let mut raw = daemon.raw();
        raw.write(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = raw.head();
        let begins = |with: &str| head.iter().any(|line| line.starts_with(with));
        assert!(
            begins(own) && begins("Server: jkd") && begins("Date: "),
            "{head:?}"
        );
    }
}
