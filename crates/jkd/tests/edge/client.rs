//! A client that sends what a case says, and everything that comes back to it.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use jkd_tests::{LONG, try_within};
use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use crate::{
    answers::{Answers, parse},
    case::{Case, Step, bytes},
};

/// What a client has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answers: Answers,
    /// Those of a case that shall not end the connection are followed by another request, whose
    /// answer is not among `answers`.
    pub(crate) stays: bool,
    /// How long it took until the last byte, or the end where there was none.
    pub(crate) took: Duration,
    /// What a step has missed.
    pub(crate) missed: Vec<String>,
}

/// What has come so far.
#[derive(Debug, Default)]
struct Come {
    bytes: Vec<u8>,
    last: Option<Instant>,
    ended: bool,
}

/// Marks the request that asks whether a connection has stayed.
pub(crate) const AFTERWARDS: &str = "afterwards";

/// Plays a case from an address of its own, by which its requests are known at the backend.
pub(crate) fn play(case: &Case, server: SocketAddr, own: IpAddr) -> Seen {
    let begin = Instant::now();
    let mut stream = connect(server, own);
    let come = Arc::<Mutex<Come>>::default();
    let reader = {
        let (stream, come) = (stream.try_clone().expect("a handle"), come.clone());
        thread::spawn(move || read_all(stream, &come))
    };
    let mut seen = Seen::default();
    for step in case.steps() {
        if !carry_out(&step, &mut stream, &come, &mut seen) {
            break;
        }
    }
    let head_only = wanted_method(case) == Some("HEAD");
    if case.expect.close == Some(false) {
        let responses = case.expect.responses.unwrap_or(1);
        let all = || (parse(&come.lock().bytes, head_only).finals.len() >= responses).then_some(());
        let _ = try_within(LONG, || all().or_else(|| come.lock().ended.then_some(())));
        let another = format!("GET /t/a?{AFTERWARDS} HTTP/1.1\r\nHost: jkd.test\r\n\r\n");
        send(&mut stream, another.as_bytes());
        let more = || parse(&come.lock().bytes, head_only).finals.len() > responses;
        seen.stays = try_within(LONG, || (more() || come.lock().ended).then(&more)) == Some(true);
    }
    if case.ends_by_itself() {
        // Its own end may be before the other's.
        let _ = stream.shutdown(Shutdown::Both);
    }
    reader.join().expect("a reader");
    let come = come.lock();
    seen.took = come.last.unwrap_or_else(Instant::now) - begin;
    seen.answers = parse(&come.bytes, head_only);
    if seen.stays {
        seen.answers.finals.pop();
    }
    seen
}

fn wanted_method(case: &Case) -> Option<&str> {
    case.expect.forwarded.as_ref()?.as_ref()?.method.as_deref()
}

fn connect(server: SocketAddr, own: IpAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::new(own, 0).into())
        .expect("an address of the loopback network");
    socket
        .connect_timeout(&server.into(), LONG)
        .expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).expect("a socket");
    stream.set_write_timeout(Some(LONG)).expect("a socket");
    stream
}

fn read_all(mut stream: TcpStream, come: &Mutex<Come>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        let mut come = come.lock();
        come.bytes.extend_from_slice(&buffer[..read]);
        come.last = Some(Instant::now());
    }
    let mut come = come.lock();
    come.ended = true;
}

/// That the server has gone already shows in what it has answered.
fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// Whether there is anything to be done after this step.
fn carry_out(step: &Step, stream: &mut TcpStream, come: &Mutex<Come>, seen: &mut Seen) -> bool {
    match step {
        Step::Send { send: text } => send(stream, &bytes(text)),
        Step::Bytewise { bytewise } => drip(bytewise, Duration::ZERO, stream, come),
        Step::Drip {
            drip: text,
            every_ms,
        } => drip(text, Duration::from_millis(*every_ms), stream, come),
        Step::Pause { pause_ms } => thread::sleep(Duration::from_millis(*pause_ms)),
        Step::Shutdown { .. } => {
            let _ = stream.shutdown(Shutdown::Write);
        }
        Step::Interim { expect_interim, .. } => {
            let line = format!("HTTP/1.1 {expect_interim} ");
            let found = || come.lock().bytes.starts_with(line.as_bytes()).then_some(());
            if try_within(LONG, found).is_none() {
                seen.missed.push(format!("no interim {expect_interim}"));
            }
        }
        Step::Read { read_bytes } => {
            let enough = || (come.lock().bytes.len() >= *read_bytes).then_some(());
            if try_within(LONG, enough).is_none() {
                seen.missed.push(format!("fewer than {read_bytes} bytes"));
            }
        }
        Step::Close { .. } => {
            let socket = socket2::SockRef::from(&*stream);
            let _ = socket.set_linger(Some(Duration::ZERO));
            return false;
        }
        Step::WaitForClose { .. } => {}
    }
    true
}

/// Byte by byte, until the server ends the connection. The pace is what a case is about.
fn drip(text: &str, pace: Duration, stream: &mut TcpStream, come: &Mutex<Come>) {
    for byte in bytes(text) {
        send(stream, &[byte]);
        thread::yield_now();
        if pace > Duration::ZERO && try_within(pace, || come.lock().ended.then_some(())).is_some() {
            return;
        }
    }
}
