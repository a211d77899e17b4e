//! Answers that are compressed while their backend still makes them.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use flate2::read::GzDecoder;
use jkd_tests::{Actors, Backend, Jkd, Request};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// No test waits for longer.
const LONG: Duration = Duration::from_secs(60);

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";

fn in_front_of(actors: &Actors) -> Jkd {
    let (_, address) = actors.addresses().next().unwrap();
    let workers = format!(
        "worker.list=w\nworker.w.host={}\nworker.w.port={}\nworker.w.recovery_options=3\n",
        address.ip(),
        address.port()
    );
    Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file(
            "httpd.conf",
            "JkWorkersFile workers.properties\nJkMount /* w\nSetOutputFilter DEFLATE\n",
        )
        .start(&["run", "--listen", "127.0.0.1:0", "-f", "httpd.conf"])
}

fn asking(jkd: &Jkd) -> TcpStream {
    let mut stream = TcpStream::connect(jkd.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(REQUEST).unwrap();
    stream
}

/// The chunks that are there as a whole, without the head.
fn body(answer: &[u8]) -> Vec<u8> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
    let mut rest = head.map_or(&[][..], |head| &answer[head + 4..]);
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|end| end == b"\r\n") {
        let size = str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else {
            break;
        };
        body.extend_from_slice(chunk);
        rest = rest.get(line + 4 + size..).unwrap_or_default();
    }
    body
}

/// As much of a text as can be read from what has come of it.
fn plain(packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut decoder = GzDecoder::new(packed);
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = decoder.read(&mut buffer) {
        text.extend_from_slice(&buffer[..length]);
    }
    text
}

/// Reads until the client can read this.
fn read_until(stream: &mut TcpStream, answer: &mut Vec<u8>, text: &[u8]) {
    let mut buffer = [0; 1024];
    while plain(&body(answer)) != text {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{}", answer.escape_ascii());
        answer.extend_from_slice(&buffer[..length]);
    }
}

#[test]
fn what_a_backend_flushes_reaches_the_client() {
    let script = "200 OK | Content-Type: text/event-stream | body data: one\\n\\n | flush | hold | \
                  body data: two\\n\\n | flush | body data: three\\n\\n";
    let actors = Actors::new([("w", script)]);
    let jkd = in_front_of(&actors);
    let (mut stream, mut answer) = (asking(&jkd), Vec::new());
    // The backend holds what follows until this has come.
    read_until(&mut stream, &mut answer, b"data: one\n\n");
    actors.release();
    stream.read_to_end(&mut answer).unwrap();
    let head = String::from_utf8_lossy(&answer).into_owned();
    assert!(head.contains("Content-Encoding: gzip\r\n"), "{head}");
    assert!(answer.ends_with(b"\r\n0\r\n\r\n"));
    let mut text = String::new();
    let packed = body(&answer);
    GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
    assert_eq!(text, "data: one\n\ndata: two\n\ndata: three\n\n");
}

#[test]
fn a_body_that_goes_on_behind_its_length_is_told() {
    for (length, pieces) in [
        (5000, "bytes 6000"),
        (10_000, "bytes 5000 | flush | bytes 6000"),
    ] {
        let script =
            format!("200 OK | Content-Type: text/plain | Content-Length: {length} | {pieces}");
        let actors = Actors::new([("w", &*script)]);
        let jkd = in_front_of(&actors);
        let mut answer = Vec::new();
        asking(&jkd).read_to_end(&mut answer).unwrap();
        let head = answer
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .unwrap();
        let (head, rest) = answer.split_at(head + 4);
        let head = String::from_utf8_lossy(head);
        assert!(head.contains("Content-Encoding: gzip\r\n"), "{head}");
        let packed = if head.contains("chunked") {
            body(&answer)
        } else {
            rest.to_vec()
        };
        let mut text = Vec::new();
        GzDecoder::new(&*packed).read_to_end(&mut text).unwrap();
        assert_eq!(text.len(), length);
        jkd.wait_for_log("the rest of an answer is dropped");
    }
}

#[test]
fn a_page_that_is_not_sent_leaves_its_connection_open() {
    let backend = Backend::start(|exchange| {
        exchange.headers(404, &[("Content-Type", "text/html")])?;
        exchange.chunk(&[b'x'; 5000])?;
        exchange.flush()?;
        exchange.chunk(&[b'x'; 5000])?;
        exchange.end(true)
    });
    let port = backend.address.port();
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n");
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file(
            "httpd.conf",
            "JkWorkersFile workers.properties\nJkMount /page w\nErrorDocument 404 /page\n\
             SetOutputFilter DEFLATE\nSetEnvIf Request_URI . filter-errordocs\n",
        )
        .start(&[
            "run",
            "--threads",
            "1",
            "--listen",
            "127.0.0.1:0",
            "-f",
            "httpd.conf",
        ]);
    let mut http = jkd.http();
    for _ in 0..3 {
        let head = Request::new("HEAD", "/missing").header("Accept-Encoding", "gzip");
        let answer = http.send(head);
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
    }
    assert_eq!((backend.requests(), backend.connections()), (3, 1));
}

#[test]
fn what_breaks_off_does_not_end() {
    let script = "200 OK | Content-Type: text/html | bytes 5000 | flush | bytes 5000 | close";
    let actors = Actors::new([("w", script)]);
    let jkd = in_front_of(&actors);
    let mut answer = Vec::new();
    let _ = asking(&jkd).read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"), "{}", answer.escape_ascii());
    assert!(plain(&body(&answer)).len() >= 5000);
    let whole = GzDecoder::new(&*body(&answer)).read_to_end(&mut Vec::new());
    assert!(whole.is_err());
}
