//! Many of the same, and random ones: what is held of them is bounded, and nobody gets another's.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use jkd_tests::{Backend, Exchange, Jkd, LONG, wait_until};
use socket2::{Domain, Socket, Type};

use crate::{
    client::{Answer, Progress, request},
    packets::{chunk, head, packet},
};

/// Answers may take their time.
fn serving_patiently(backend: SocketAddr) -> Jkd {
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={}\n",
        backend.port()
    );
    let binary = std::env::var("JKD_FAULTS_BINARY");
    let binary = binary.unwrap_or_else(|_| env!("CARGO_BIN_EXE_jkd").into());
    Jkd::serving(&binary, &workers, &["/*=w"])
}

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

/// Large pieces, and small ones that take twice as much with their packets. Both are more than twice
/// of what the kernel takes for jkd and for the client: sockets grow to many megabytes.
#[test]
fn a_client_that_does_not_read_holds_the_backend_up() {
    for (piece, length) in [(8000, 64_000_000), (10, 32_000_000)] {
        let sent = Arc::<AtomicUsize>::default();
        let counts = sent.clone();
        let backend = Backend::start(move |exchange| {
            exchange.raw(&head(&format!("200 OK | Content-Length: {length}"), None))?;
            // Many small ones in one write.
            let at_once = 8000 / piece;
            let pieces = chunk(&vec![b'y'; piece]).repeat(at_once);
            for _ in 0..length / 8000 {
                exchange.raw(&pieces)?;
                counts.fetch_add(8000, SeqCst);
            }
            exchange.raw(&packet(&[5, 1]))
        });
        let jkd = serving_patiently(backend.address);
        let before = jkd.process().memory_kb("VmHWM");
        let mut client = small_client(jkd.address);
        client.set_read_timeout(Some(LONG)).unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let taken = held_up(&sent);
        assert!(taken < length / 2, "{taken} bytes were taken");
        let grown = jkd.process().memory_kb("VmHWM") - before;
        println!("{piece}: {taken} bytes were taken, {grown} kB more");
        assert!(grown < 4 * 1024, "{grown} kB more");
        // It reads after all, and gets all of it.
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        assert_eq!(answer.len() - end.unwrap() - 4, length);
        let grown = jkd.process().memory_kb("VmHWM") - before;
        assert!(grown < 8 * 1024, "{grown} kB more");
    }
}

/// A connection of which the kernel takes little on its own.
fn small_client(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.into()
}

/// How many bytes were sent when nothing more goes.
fn held_up(sent: &AtomicUsize) -> usize {
    let mut last = (0, 0);
    wait_until("the backend is held up", || {
        thread::sleep(Duration::from_millis(50));
        let now = sent.load(SeqCst);
        let times = if now == last.0 { last.1 + 1 } else { 0 };
        last = (now, times);
        now > 0 && times >= 10
    });
    last.0
}

/// H86 again and again: neither connections nor descriptors nor memory are left behind.
#[test]
fn answers_in_bytes_leave_nothing_behind() {
    let times = std::env::var("JKD_HOSTILE_TIMES").ok();
    let times: usize = times.map_or(40, |times| times.parse().expect("a number"));
    let bytes = 20_000;
    let answer = [
        head(&format!("200 OK | Content-Length: {bytes}"), None),
        chunk(b"x").repeat(bytes),
        packet(&[5, 1]),
    ];
    let answer = answer.concat();
    let backend = Backend::start(move |exchange| exchange.raw(&answer));
    let jkd = serving_patiently(backend.address);
    let ask = || {
        let answer = get(&jkd, "/").unwrap();
        assert!(answer.whole && answer.body.len() == bytes);
    };
    (0..20).for_each(|_| ask());
    let files = || std::fs::read_dir(format!("/proc/{}/fd", jkd.process().pid())).unwrap();
    let (open, memory) = (files().count(), jkd.process().memory_kb("VmRSS"));
    (0..times).for_each(|_| ask());
    // One for each thread.
    let threads = thread::available_parallelism().map_or(1, usize::from);
    assert!(backend.connections() <= threads);
    wait_until("files are closed", || files().count() <= open + 1);
    let grown = jkd.process().memory_kb("VmRSS").saturating_sub(memory);
    println!("{times} answers of {bytes} chunks: {grown} kB more, {open} files open");
    assert!(grown < 4 * 1024, "{grown} kB more");
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
        if bytes.is_empty() {
            break;
        }
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
