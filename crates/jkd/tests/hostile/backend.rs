//! A backend that plays one behaviour, and answers everything else properly.

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering::SeqCst},
    thread,
    time::Duration,
};

use jkd_tests::{LONG, try_within};
use parking_lot::Mutex;
use socket2::SockRef;

use crate::{
    client::Progress,
    packets::{ask, chunk, head, packet},
    script::Step,
};

/// It listens as long as the test runs.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    part: Arc<Part>,
}

/// What it plays, and what it has seen.
#[derive(Debug)]
struct Part {
    /// What it calls itself.
    name: String,
    /// The last segment of the path of the request that gets this.
    segment: String,
    steps: Vec<Step>,
    /// Leaves the body of that request unread.
    unread: bool,
    client: Arc<Progress>,
    seen: Mutex<Seen>,
}

/// What a backend has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Connections that came.
    pub(crate) connections: usize,
    /// Number of the connection and last segment of the path, for each request.
    pub(crate) requests: Vec<(usize, String)>,
    /// Connections that are over.
    pub(crate) closed: HashSet<usize>,
    /// What should never come.
    pub(crate) complaints: Vec<String>,
}

impl Backend {
    pub(crate) fn start(
        name: &str,
        segment: &str,
        steps: Vec<Step>,
        unread: bool,
        client: Arc<Progress>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let backend = Self {
            address: listener.local_addr().expect("an address"),
            part: Arc::new(Part {
                name: name.into(),
                segment: segment.into(),
                steps,
                unread,
                client,
                seen: Mutex::default(),
            }),
        };
        let part = backend.part.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let part = part.clone();
                part.seen.lock().connections += 1;
                let number = part.seen.lock().connections;
                thread::spawn(move || part.serve(stream, number));
            }
        });
        backend
    }

    pub(crate) fn seen(&self) -> Seen {
        self.part.seen.lock().clone()
    }
}

impl Part {
    fn serve(&self, mut stream: TcpStream, number: usize) {
        let _ = stream.set_nodelay(true);
        let _ = stream.set_read_timeout(Some(LONG));
        // An error is the end of the connection.
        while self.next(&mut stream, number).is_ok() {}
        self.seen.lock().closed.insert(number);
    }

    fn next(&self, stream: &mut TcpStream, number: usize) -> io::Result<()> {
        let payload = self.read_packet(stream)?;
        match payload.first() {
            Some(10) => stream.write_all(&packet(&[9])),
            Some(2) => {
                let uri = uri(&payload);
                let segment = uri.rsplit('/').next().unwrap_or_default().to_owned();
                self.seen.lock().requests.push((number, segment.clone()));
                if segment == self.segment && !self.steps.is_empty() {
                    self.play(stream)
                } else {
                    self.echo(stream, &segment)
                }
            }
            // The first piece of a body that was left unread.
            _ if self.unread => Ok(()),
            _ => {
                let complaint = format!("a packet that nobody asked for: {payload:?}");
                self.seen.lock().complaints.push(complaint);
                Err(io::Error::other("unexpected"))
            }
        }
    }

    fn read_packet(&self, stream: &mut TcpStream) -> io::Result<Vec<u8>> {
        let mut header = [0; 4];
        stream.read_exact(&mut header)?;
        let [0x12, 0x34, high, low] = header else {
            let complaint = format!("no packet begins with {header:?}");
            self.seen.lock().complaints.push(complaint);
            return Err(io::Error::other("no packet"));
        };
        let mut payload = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        stream.read_exact(&mut payload)?;
        Ok(payload)
    }

    fn echo(&self, stream: &mut TcpStream, segment: &str) -> io::Result<()> {
        let text = format!("{}:{segment}", self.name);
        let head = head(&format!("200 OK | Content-Length: {}", text.len()), None);
        stream.write_all(&[head, chunk(text.as_bytes()), packet(&[5, 1])].concat())
    }

    fn play(&self, stream: &mut TcpStream) -> io::Result<()> {
        for step in &self.steps {
            self.step(step, stream)?;
        }
        Ok(())
    }

    fn step(&self, step: &Step, stream: &mut TcpStream) -> io::Result<()> {
        match step {
            Step::Answered => self.wait(|client| client.over.load(SeqCst)),
            Step::Asks(times) => self.asks(*times, stream),
            Step::Close => Err(io::Error::other("as the script says")),
            Step::HalfClose => stream.shutdown(Shutdown::Write),
            Step::Pause => {
                pause();
                Ok(())
            }
            Step::Reset => {
                SockRef::from(&*stream).set_linger(Some(Duration::ZERO))?;
                Err(io::Error::other("as the script says"))
            }
            Step::Send(times, bytes) => {
                // Many small ones in one write, as a backend in a hurry has it.
                let at_once = (64 * 1024 / bytes.len()).clamp(1, *times);
                let many = bytes.repeat(at_once);
                for _ in 0..times / at_once {
                    stream.write_all(&many)?;
                }
                stream.write_all(&bytes.repeat(times % at_once))
            }
            Step::Silent => {
                while stream.read(&mut [0; 4096])? > 0 {}
                Err(io::Error::other("the other side has closed"))
            }
            Step::Slowly(bytes) => bytes.iter().try_for_each(|byte| {
                thread::sleep(Duration::from_millis(1));
                stream.write_all(&[*byte])
            }),
            Step::Split(at, bytes) => {
                stream.write_all(&bytes[..*at])?;
                pause();
                stream.write_all(&bytes[*at..])
            }
            Step::Take => self.read_packet(stream).map(|_| ()),
            Step::Until(bytes) => self.wait(|client| client.body.load(SeqCst) >= *bytes),
        }
    }

    fn wait(&self, condition: impl Fn(&Progress) -> bool) -> io::Result<()> {
        let met = try_within(LONG, || condition(&self.client).then_some(()));
        met.ok_or_else(|| io::Error::other("the client has not read it"))
    }

    fn asks(&self, times: Option<usize>, stream: &mut TcpStream) -> io::Result<()> {
        let mut left = times.unwrap_or(usize::MAX);
        while left > 0 {
            left -= 1;
            stream.write_all(&ask(8186))?;
            let payload = self.read_packet(stream)?;
            if times.is_none() && payload.get(..2).is_none_or(|length| length == [0, 0]) {
                break;
            }
        }
        Ok(())
    }
}

/// Long enough that the other side reads what has come, as a rule; nothing depends on it.
fn pause() {
    thread::sleep(Duration::from_millis(50));
}

/// The path of a FORWARD_REQUEST: behind its code, the method and the protocol.
fn uri(payload: &[u8]) -> String {
    let string = |at: usize| {
        let length = payload.get(at..at + 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        payload.get(at + 2..at + 2 + length)
    };
    let protocol = string(2).map_or(0, <[u8]>::len);
    let uri = string(2 + 2 + protocol + 1).unwrap_or_default();
    String::from_utf8_lossy(uri).into_owned()
}
