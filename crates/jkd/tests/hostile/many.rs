//! Many of the same, and random ones: what is held of them is bounded, and nobody gets another's.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use jkd_tests::{Backend, Exchange, Jkd};

use crate::{
    client::{Answer, Progress, request},
    packets::{chunk, head, packet},
};

fn serving(backend: SocketAddr) -> Jkd {
    let port = backend.port();
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\nworker.w.reply_timeout=300\n"
    );
    Jkd::serving(env!("CARGO_BIN_EXE_jkd"), &workers, &["/*=w"])
}

fn get(jkd: &Jkd, path: &str) -> Result<Answer, String> {
    let line = format!("GET {path} HTTP/1.1");
    request(jkd.address, &line, 0, &Progress::default())
}

/// The nonce of a request: what stands between `/n` and `-` in its path.
fn nonce(exchange: &Exchange<'_>) -> String {
    let text = String::from_utf8_lossy(exchange.request);
    let from = text.split("/n").nth(1).unwrap_or_default();
    from.split('-').next().unwrap_or_default().to_owned()
}

fn good(text: &str) -> Vec<u8> {
    let fields = format!("200 OK | X-Nonce: {text} | Content-Length: {}", text.len());
    [head(&fields, None), chunk(text.as_bytes()), packet(&[5, 1])].concat()
}

#[test]
fn interim_heads_come_to_an_end() {
    let backend = Backend::start(|exchange| {
        let interim = head("103 Early Hints | Link: </a>", None);
        exchange.raw(&interim.repeat(10_000))?;
        exchange.raw(&good("late"))
    });
    let jkd = serving(backend.address);
    let answer = get(&jkd, "/").unwrap();
    assert_eq!((answer.status, answer.whole), (500, true));
}

#[test]
fn a_client_that_does_not_read_holds_the_backend_up() {
    const PIECES: usize = 8000;
    let backend = Backend::start(|exchange| {
        let length = format!("200 OK | Content-Length: {}", PIECES * 8184);
        exchange.raw(&head(&length, None))?;
        let piece = chunk(&[b'y'; 8184]);
        (0..PIECES).try_for_each(|_| exchange.raw(&piece))?;
        exchange.raw(&packet(&[5, 1]))
    });
    let jkd = serving(backend.address);
    let before = jkd.process().memory_kb("VmHWM");
    let answer = get(&jkd, "/").unwrap();
    assert!(answer.whole && answer.body.len() == PIECES * 8184);
    // 64 MB went through; what is held at a time are a few buffers.
    let grown = jkd.process().memory_kb("VmHWM") - before;
    assert!(grown < 8 * 1024, "{grown} kB more");
}

/// A generator of numbers that needs nothing: what a run was like follows from its number.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

/// A good answer with bytes changed; where the connection is closed behind it also with some put in,
/// taken out or cut off, otherwise with more behind its end.
fn mutated(mut bytes: Vec<u8>, run: usize, closes: bool) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ ((run as u64 + 1) << 20);
    for _ in 0..3 {
        next(&mut state);
    }
    for _ in 0..=next(&mut state) % 3 {
        let at = next(&mut state) % bytes.len();
        let byte = next(&mut state).to_le_bytes()[0];
        match (next(&mut state) % 4, closes) {
            (0, true) => bytes.insert(at, byte),
            (1, true) => drop(bytes.remove(at)),
            (2, true) => bytes.truncate(at + 1),
            (0, false) => bytes.extend(good("POISONED")),
            (1, false) => bytes.push(byte),
            _ => bytes[at] = byte,
        }
    }
    bytes
}

#[test]
fn random_answers_are_nobody_elses() {
    const RUNS: usize = 2000;
    let backend = Backend::start(|exchange| {
        let nonce = nonce(exchange);
        let answer = good(&nonce);
        if !exchange.mentions("-bad") {
            return exchange.raw(&answer);
        }
        let closes = nonce.ends_with(['0', '2', '4', '6', '8']);
        exchange.raw(&mutated(answer, nonce.parse().unwrap_or(0), closes))?;
        let over = || io::Error::other("over");
        if closes { Err(over()) } else { Ok(()) }
    });
    let jkd = serving(backend.address);
    let (run, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let number @ ..RUNS = run.fetch_add(1, SeqCst) {
                    get(&jkd, &format!("/n{number}-bad")).unwrap();
                    let own = format!("9{number}");
                    let canary = get(&jkd, &format!("/n{own}-good")).unwrap();
                    let is_own = canary.status == 200 && canary.body == own.as_bytes();
                    // A busy machine may be too late for the short limit; never is it another's.
                    assert!(is_own || canary.status == 504, "{number}: {canary:?}");
                    served.fetch_add(usize::from(is_own), SeqCst);
                }
            });
        }
    });
    assert!(served.into_inner() > RUNS / 2);
}
