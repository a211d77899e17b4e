//! Uploads.

use std::{io::Read, thread};

use jkd_tests::{Backend, Request, wait_until};

use crate::harness::{Daemon, balancer};

/// Reads the whole body by asking for it, and answers with its length and sum.
fn summing(known: bool) -> Backend {
    Backend::start(move |exchange| {
        let mut body = if known { exchange.data()? } else { Vec::new() };
        loop {
            let part = exchange.ask_for_body(8186)?;
            if part.is_empty() {
                break;
            }
            body.extend_from_slice(&part);
        }
        let text = format!("length={} sum={}", body.len(), sum(&body));
        exchange.answer(200, &[], text.as_bytes())
    })
}

fn sum(body: &[u8]) -> u64 {
    body.iter()
        .zip(1..)
        .map(|(byte, at): (_, u64)| u64::from(*byte) * at)
        .sum()
}

fn sample(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect()
}

#[test]
fn bodies_of_known_length_arrive_whole() {
    let daemon = Daemon::before(&summing(true));
    let mut http = daemon.http();
    for length in [1, 8185, 8186, 8187, 100_000, 3_000_000] {
        let body = sample(length);
        let request = Request::new("POST", "/");
        let answer = http.send(request.body(&mut &body[..], Some(body.len() as u64)));
        assert_eq!(answer.fact("length"), length.to_string());
        assert_eq!(answer.fact("sum"), sum(&body).to_string());
    }
}

#[test]
fn chunked_bodies_arrive_whole() {
    let daemon = Daemon::before(&summing(false));
    let mut http = daemon.http();
    for length in [0, 1, 8186, 8187, 1_000_000] {
        let body = sample(length);
        let answer = http.send(Request::new("PUT", "/").body(&mut &body[..], None));
        assert_eq!(answer.fact("length"), length.to_string());
        assert_eq!(answer.fact("sum"), sum(&body).to_string());
    }
}

#[test]
fn the_client_is_told_to_continue() {
    let daemon = Daemon::before(&summing(true));
    let mut raw = daemon.raw();
    raw.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(raw.head(), ["HTTP/1.1 100 Continue"]);
    raw.write("abc");
    assert_eq!(raw.head()[0], "HTTP/1.1 200 200");
}

#[test]
fn nobody_is_told_to_continue_with_a_request_that_goes_nowhere() {
    let backend = summing(true);
    let workers = balancer(&[backend.address], "");
    let daemon = Daemon::start(&workers, &["/app=lb"]);
    let mut raw = daemon.raw();
    raw.write("POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(raw.head()[0], "HTTP/1.1 404 Not Found");
}

#[test]
fn an_answer_may_overtake_the_upload() {
    let backend = Backend::start(|exchange| {
        let mut got = exchange.data()?.len();
        exchange.headers(200, &[])?;
        exchange.chunk(b"begun ")?;
        // Each packet is full.
        for _ in 0..100 {
            got += exchange.ask_for_body(8186)?.len();
        }
        exchange.chunk(format!("and={got}").as_bytes())?;
        exchange.end(true)
    });
    let daemon = Daemon::before(&backend);
    let body = sample(8186 * 101);
    let mut rest = &body[..];
    let request = Request::new("POST", "/").body(&mut rest, Some(body.len() as u64));
    let mut answer = String::new();
    let mut sink = |part: &[u8]| answer += &String::from_utf8_lossy(part);
    daemon.http().exchange(request, &mut sink).unwrap();
    assert_eq!(answer, format!("begun and={}", 8186 * 101));
}

#[test]
fn an_answer_may_overtake_an_upload_that_pauses() {
    let backend = Backend::start(|exchange| {
        exchange.packet(&[6, 0x1f, 0xfa])?;
        exchange.headers(200, &[])?;
        exchange.flush()?;
        let body = exchange.data()?;
        exchange.chunk(&body)?;
        exchange.end(true)
    });
    let daemon = Daemon::before(&backend);
    let mut raw = daemon.raw();
    raw.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc");
    assert_eq!(raw.head()[0], "HTTP/1.1 200 200");
    raw.write("def\r\n0\r\n\r\n");
    assert_eq!(raw.bytes(16), b"6\r\nabcdef\r\n0\r\n\r\n");
}

#[test]
fn nobody_has_a_request_before_its_body_has_begun() {
    let backend = Backend::start(|exchange| {
        let body = exchange.data()?;
        exchange.answer(200, &[], &body)
    });
    let daemon = Daemon::before(&backend);
    let mut raw = daemon.raw();
    raw.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n");
    assert_eq!(raw.head(), ["HTTP/1.1 100 Continue"]);
    raw.write("abc");
    let mut other = &b"ab"[..];
    let request = Request::new("POST", "/").body(&mut other, Some(2));
    assert_eq!(daemon.http().send(request).text(), "ab");
    assert_eq!(backend.requests(), 1);
    raw.write("def");
    assert_eq!(raw.head()[0], "HTTP/1.1 200 200");
}

/// A body that breaks off after its beginning.
struct Torn(usize);

impl Read for Torn {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.min(buffer.len());
        if count == 0 {
            return Err(std::io::Error::other("torn"));
        }
        self.0 -= count;
        Ok(count)
    }
}

#[test]
fn a_torn_upload_is_never_ended_for_the_backend_and_held_against_nobody() {
    let (ended, how) = std::sync::mpsc::sync_channel(1);
    let backend = Backend::start(move |exchange| {
        if exchange.mentions("/torn") {
            exchange.data()?;
            ended.send(exchange.ask_for_body(8186)?.len()).unwrap();
            let broke_off = exchange.ask_for_body(8186).is_err();
            ended.send(usize::from(broke_off)).unwrap();
        }
        exchange.answer(200, &[], b"fine")
    });
    let daemon = Daemon::start(&balancer(&[backend.address], ""), &["/*=lb"]);
    let mut body = Torn(8186 * 2);
    let request = Request::new("POST", "/torn").body(&mut body, Some(8186 * 3));
    assert!(daemon.http().try_send(request).is_err());
    assert_eq!(how.recv().unwrap(), 8186);
    assert_eq!(
        how.recv().unwrap(),
        1,
        "the backend must not see an end of the body"
    );
    assert_eq!(daemon.http().get("/").status, 200);
    assert_eq!(daemon.state("lb", 0), "OK");
}

#[test]
fn a_client_that_goes_away_ends_the_exchange() {
    let (closed, was) = std::sync::mpsc::sync_channel(1);
    let backend = Backend::start(move |exchange| {
        if exchange.mentions("/slow") {
            let end = exchange.wait_for_close();
            closed.send(end.is_ok()).unwrap();
            return end;
        }
        exchange.answer(200, &[], b"fine")
    });
    // A client that has only ended its own side would still be answered for as long.
    let conf = "JkWorkersFile workers.properties\nJkMount /* lb\nTimeout 1\n";
    let daemon = Daemon::configured(&balancer(&[backend.address], ""), conf);
    let mut raw = daemon.raw();
    raw.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("the backend has the request", || backend.requests() == 1);
    drop(raw);
    assert!(was.recv().unwrap());
    assert_eq!(daemon.http().get("/").status, 200);
    assert_eq!(daemon.state("lb", 0), "OK");
    wait_until("nothing is in flight", || daemon.in_flight("lb", 0) == 0);
}

#[test]
fn many_uploads_at_once_do_not_mix() {
    let daemon = Daemon::before(&summing(true));
    let clients: Vec<_> = (1..9)
        .map(|n| {
            let mut http = daemon.http();
            thread::spawn(move || {
                let body = vec![n; 50_000 * usize::from(n)];
                let request = Request::new("POST", "/");
                let answer = http.send(request.body(&mut &body[..], Some(body.len() as u64)));
                assert_eq!(answer.fact("sum"), sum(&body).to_string());
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn a_refused_upload_does_not_cost_the_client_its_answer() {
    let backend = Backend::saying("enough");
    let workers = balancer(&[backend.address], "");
    let daemon = Daemon::start(&workers, &["/app/*=lb"]);
    // More than all buffers on the way take, so that it is still being sent when it is answered.
    let body = vec![b'x'; 16 * 1024 * 1024];
    for (path, status) in [("/elsewhere", 404), ("/app/x", 200)] {
        for length in [Some(body.len() as u64), None] {
            let mut body = &*body;
            let request = Request::new("POST", path).body(&mut body, length);
            assert_eq!(
                daemon.http().send(request).status,
                status,
                "{path} {length:?}"
            );
        }
    }
}
