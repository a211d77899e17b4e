//! A backend whose connections misbehave, whatever is asked for over them.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use jkd_tests::LONG;
use parking_lot::Mutex;
use socket2::SockRef;

use crate::packets::{chunk, head, packet};

/// What a connection meets.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// It is closed when it comes, or after this time.
    Closed(Duration),
    /// Its first request after another one is not answered, but the connection closed.
    HangsUp,
    /// So is its CPing, where it had a request before.
    HangsUpOnPing,
    /// A CPing is answered by these bytes, each piece on its own, a little later.
    Pong(Duration, Vec<Vec<u8>>),
    /// So is one that comes after a request; the first one has a CPong.
    PongLater(Vec<u8>),
    /// A request has a 403 that closes the connection.
    Refuses,
    /// It is reset when it comes.
    Reset,
    /// All is well.
    Serves,
    /// A CPing has no answer.
    Silent,
    /// All is well, but requests whose path ends so take this long.
    Slow(&'static str, Duration),
}

/// It listens as long as the test runs.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    part: Arc<Part>,
}

#[derive(Debug)]
struct Part {
    name: &'static str,
    manner: Mutex<Manner>,
    seen: Mutex<Seen>,
}

/// What came.
#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// Those that are open on this side.
    open: HashMap<usize, TcpStream>,
    /// Number of the connection, method and last segment of the path of each request.
    requests: Vec<(usize, &'static str, String)>,
    /// Connections that the other side has closed.
    left: Vec<usize>,
}

impl Door {
    pub(crate) fn open(name: &'static str, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self::on(listener, name, manner)
    }

    pub(crate) fn on(listener: TcpListener, name: &'static str, manner: Manner) -> Self {
        let door = Self {
            address: listener.local_addr().expect("an address"),
            part: Arc::new(Part {
                name,
                manner: Mutex::new(manner),
                seen: Mutex::default(),
            }),
        };
        let part = door.part.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let part = part.clone();
                part.seen.lock().connections += 1;
                let number = part.seen.lock().connections;
                thread::spawn(move || part.serve(stream, number));
            }
        });
        door
    }

    /// What connections meet from now on.
    pub(crate) fn becomes(&self, manner: Manner) {
        *self.part.manner.lock() = manner;
    }

    /// How many connections have come.
    pub(crate) fn connections(&self) -> usize {
        self.part.seen.lock().connections
    }

    /// How many of them are open, as far as this side knows.
    pub(crate) fn open_now(&self) -> usize {
        self.part.seen.lock().open.len()
    }

    /// Whether the other side has closed this one.
    pub(crate) fn was_left(&self, number: usize) -> bool {
        self.part.seen.lock().left.contains(&number)
    }

    /// The connections over which this has come, one for each time.
    pub(crate) fn had(&self, segment: &str) -> Vec<usize> {
        let seen = self.part.seen.lock();
        let had = seen.requests.iter().filter(|(_, _, s)| s == segment);
        had.map(|(number, ..)| *number).collect()
    }

    /// Methods of all requests whose segment begins so.
    pub(crate) fn requests(&self) -> usize {
        self.part.seen.lock().requests.len()
    }

    /// Sends these bytes over all connections, although nobody has asked.
    pub(crate) fn says(&self, bytes: &[u8]) {
        for stream in self.part.seen.lock().open.values_mut() {
            stream.write_all(bytes).expect("a connection");
        }
    }

    /// Closes all connections.
    pub(crate) fn closes(&self) {
        for stream in self.part.seen.lock().open.values_mut() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Part {
    fn serve(&self, mut stream: TcpStream, number: usize) {
        let manner = self.manner.lock().clone();
        match manner {
            Manner::Closed(after) => return thread::sleep(after),
            Manner::Reset => {
                let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                return;
            }
            _ => {}
        }
        let _ = stream.set_nodelay(true);
        let _ = stream.set_read_timeout(Some(LONG));
        let kept = stream.try_clone().expect("a socket");
        self.seen.lock().open.insert(number, kept);
        let mut earlier = 0;
        let end = loop {
            match self.next(&mut stream, number, &mut earlier) {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        let mut seen = self.seen.lock();
        seen.open.remove(&number);
        if end.kind() != io::ErrorKind::Other {
            seen.left.push(number);
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn next(&self, stream: &mut TcpStream, number: usize, earlier: &mut usize) -> io::Result<()> {
        let payload = read_packet(stream)?;
        let manner = self.manner.lock().clone();
        match payload.first() {
            Some(10) => pong(stream, &manner, *earlier),
            Some(2) => {
                let path = path(&payload);
                let segment = path.rsplit('/').next().unwrap_or_default().to_owned();
                let method = if payload.get(1) == Some(&4) {
                    "POST"
                } else {
                    "GET"
                };
                let entry = (number, method, segment.clone());
                self.seen.lock().requests.push(entry);
                if method == "POST" {
                    read_packet(stream)?;
                }
                if matches!(manner, Manner::HangsUp) && *earlier > 0 {
                    self.becomes(Manner::Serves);
                    return Err(io::Error::other("as the manner is"));
                }
                *earlier += 1;
                self.answer(stream, &segment, &manner)
            }
            _ => Err(io::Error::other("no request")),
        }
    }

    fn becomes(&self, manner: Manner) {
        *self.manner.lock() = manner;
    }

    fn answer(&self, stream: &mut TcpStream, segment: &str, manner: &Manner) -> io::Result<()> {
        match manner {
            Manner::Refuses => {
                let head = head("403 Forbidden | Content-Length: 0", None);
                return stream.write_all(&[head, packet(&[5, 0])].concat());
            }
            Manner::Slow(slow, time) if segment.ends_with(slow) => thread::sleep(*time),
            _ => {}
        }
        let text = format!("{}:{segment}", self.name);
        let head = head(&format!("200 OK | Content-Length: {}", text.len()), None);
        stream.write_all(&[head, chunk(text.as_bytes()), packet(&[5, 1])].concat())
    }
}

fn pong(stream: &mut TcpStream, manner: &Manner, earlier: usize) -> io::Result<()> {
    match manner {
        Manner::Silent => {
            while stream.read(&mut [0; 100])? > 0 {}
            Err(io::ErrorKind::UnexpectedEof.into())
        }
        Manner::Pong(late, pieces) => {
            thread::sleep(*late);
            pieces.iter().try_for_each(|piece| {
                thread::sleep(Duration::from_millis(2));
                stream.write_all(piece)
            })
        }
        Manner::HangsUpOnPing if earlier > 0 => Err(io::Error::other("as the manner is")),
        Manner::PongLater(bytes) if earlier > 0 => stream.write_all(bytes),
        _ => stream.write_all(&packet(&[9])),
    }
}

fn read_packet(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let length = u16::from_be_bytes([header[2], header[3]]);
    let mut payload = vec![0; usize::from(length)];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

/// The path of a FORWARD_REQUEST: behind its code, the method and the protocol.
fn path(payload: &[u8]) -> String {
    let string = |at: usize| {
        let length = payload.get(at..at + 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        payload.get(at + 2..at + 2 + length)
    };
    let protocol = string(2).map_or(0, <[u8]>::len);
    let path = string(2 + 2 + protocol + 1).unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

/// A backend that serves one connection after the other, each for one request.
pub(crate) fn one_at_a_time(listener: &TcpListener) {
    for mut stream in listener.incoming().flatten() {
        let _ = stream.set_read_timeout(Some(LONG));
        while let Ok(payload) = read_packet(&mut stream) {
            if payload.first() == Some(&10) {
                let _ = stream.write_all(&packet(&[9]));
                continue;
            }
            let path = path(&payload);
            let text = format!("queue:{}", path.rsplit('/').next().unwrap_or_default());
            let head = head(&format!("200 OK | Content-Length: {}", text.len()), None);
            let answer = [head, chunk(text.as_bytes()), packet(&[5, 0])].concat();
            let _ = stream.write_all(&answer);
            break;
        }
    }
}
