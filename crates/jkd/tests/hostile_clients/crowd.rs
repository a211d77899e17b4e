//! Clients that hold connections and do nothing useful with them.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use jkd_tests::LONG;
use socket2::{Domain, SockRef, Socket, Type};

/// What they do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Send a head that never ends, field by field.
    Heads,
    /// Send a body that never ends, byte by byte.
    Bodies,
    /// Have asked for much, and take it byte by byte.
    Readers,
    /// Have had an answer, and ask nothing more.
    Idle,
}

/// Each of them does something once in so many turns.
const TURNS: usize = 50;

/// Clients of one kind, all at once.
pub(crate) struct Crowd {
    kind: Kind,
    streams: Vec<TcpStream>,
    turn: usize,
}

impl Crowd {
    /// So many come, and begin.
    pub(crate) fn gather(kind: Kind, address: SocketAddr, count: usize) -> Self {
        let mut streams: Vec<_> = (0..count).map(|_| begin(kind, address)).collect();
        for stream in &mut streams {
            if matches!(kind, Kind::Idle | Kind::Readers) {
                // Whoever measures does so when all of them have what they came for.
                stream.set_read_timeout(Some(LONG)).unwrap();
                assert!(stream.read(&mut [0; 512]).unwrap() > 0);
            }
            stream.set_nonblocking(true).unwrap();
        }
        Self {
            kind,
            streams,
            turn: 0,
        }
    }

    /// A few of them do what they do. One that was closed does nothing more.
    pub(crate) fn go_on(&mut self) {
        self.turn = (self.turn + 1) % TURNS;
        for stream in self.streams.iter_mut().skip(self.turn).step_by(TURNS) {
            let _ = match self.kind {
                Kind::Heads => stream.write(b"X: y\r\n"),
                Kind::Bodies => stream.write(b"x"),
                Kind::Readers => stream.read(&mut [0; 1]),
                Kind::Idle => Ok(0),
            };
        }
    }
}

fn begin(kind: Kind, address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    if matches!(kind, Kind::Readers) {
        // So that it is not the system that takes the answer.
        socket.set_recv_buffer_size(4096).unwrap();
    }
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    let text: &[u8] = match kind {
        Kind::Heads => b"GET / HTTP/1.1\r\nHost: a\r\n",
        Kind::Bodies => b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx",
        Kind::Readers => b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        Kind::Idle => b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    stream.write_all(text).unwrap();
    stream
}

/// So many connections are opened and closed, some at a time, in the ways in which clients do that.
pub(crate) fn come_and_go(address: SocketAddr, count: usize) {
    let clients = (0..4).map(|_| {
        thread::spawn(move || {
            for number in 0..count / 4 {
                visit(address, number);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().unwrap();
    }
}

fn visit(address: SocketAddr, number: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let ask: &[u8] = match number % 8 {
        0 => b"",
        1 => b"GET / HT",
        2 => b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx",
        3 => b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        4 => b"no request\r\n\r\n",
        _ => b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    };
    let _ = stream.write_all(ask);
    match number % 8 {
        3 => drop(stream.read(&mut [0; 1000])),
        4 => drop(stream.read_to_end(&mut Vec::new())),
        5 => {
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 200 "));
        }
        6 => drop(stream.shutdown(Shutdown::Write)),
        _ => {}
    }
    if number.is_multiple_of(3) {
        // Goes without a goodbye. Those who take leave keep their ports busy.
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
}
