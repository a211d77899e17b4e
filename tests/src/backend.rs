//! An AJP peer that does what a test tells it, byte by byte, without the library under test.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A listening AJP peer. Each connection has a thread of its own; CPings are answered, each forward
/// request goes to the test's function. It lives as long as the test process.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

/// One forward request and the connection on which to answer it.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The request's payload, from its code byte to the terminator.
    pub request: &'a [u8],
    /// How many requests came before it on its connection.
    pub earlier: usize,
    stream: &'a mut TcpStream,
}

impl Backend {
    /// Listens on a free port and gives each request to `answer`. Where that returns an error the
    /// connection is closed.
    pub fn start<F>(answer: F) -> Self
    where
        F: Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static,
    {
        Self::at(([127, 0, 0, 1], 0).into(), answer)
    }

    /// As `start`, on an address that is known to be free.
    pub fn at<F>(address: SocketAddr, answer: F) -> Self
    where
        F: Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static,
    {
        Self::on(TcpListener::bind(address).expect("a free address"), answer)
    }

    /// As `start`, on a socket that listens.
    pub fn on<F>(listener: TcpListener, answer: F) -> Self
    where
        F: Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static,
    {
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(answer);
        let backend = Self {
            address,
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (backend.connections.clone(), backend.requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || serve(stream, &*answer, &requests));
            }
        });
        backend
    }

    /// One that accepts connections and says nothing, not even to a CPing: it closes them at once,
    /// or holds them until the other side does.
    pub fn without_a_word(listener: TcpListener, closes: bool) -> Self {
        let backend = Self {
            address: listener.local_addr().expect("an address"),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let connections = backend.connections.clone();
        thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                if !closes {
                    held.push(stream);
                }
            }
        });
        backend
    }

    /// One that answers each request with 200 and this text.
    pub fn saying(text: &str) -> Self {
        let text = text.to_owned();
        Self::start(move |exchange| exchange.answer(200, &[], text.as_bytes()))
    }

    /// One that answers CPings and no request.
    pub fn silent() -> Self {
        Self::start(|exchange| exchange.wait_for_close())
    }

    /// How many connections have come.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many forward requests have come.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Exchange<'_> {
    /// The whole answer: headers, body, end with reuse.
    pub fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        self.headers(status, headers)?;
        self.chunk(body)?;
        self.end(true)
    }

    /// SEND_HEADERS, with header names as strings.
    pub fn headers(&mut self, status: u16, headers: &[(&str, &str)]) -> io::Result<()> {
        let mut payload = vec![4];
        payload.extend(status.to_be_bytes());
        payload.extend(string(&status.to_string()));
        payload.extend(length(headers.len()));
        for (name, value) in headers {
            payload.extend(string(name));
            payload.extend(string(value));
        }
        self.packet(&payload)
    }

    /// SEND_BODY_CHUNKs of at most 8184 bytes.
    pub fn chunk(&mut self, body: &[u8]) -> io::Result<()> {
        for part in body.chunks(8184) {
            let mut payload = vec![3];
            payload.extend(length(part.len()));
            payload.extend(part);
            payload.push(0);
            self.packet(&payload)?;
        }
        Ok(())
    }

    /// A SEND_BODY_CHUNK of no bytes: what has come is to be passed on.
    pub fn flush(&mut self) -> io::Result<()> {
        self.packet(&[3, 0, 0, 0])
    }

    /// END_RESPONSE.
    pub fn end(&mut self, reuse: bool) -> io::Result<()> {
        self.packet(&[5, u8::from(reuse)])
    }

    /// Asks for request body with GET_BODY_CHUNK and waits for the DATA packet.
    pub fn ask_for_body(&mut self, most: u16) -> io::Result<Vec<u8>> {
        let [high, low] = most.to_be_bytes();
        self.packet(&[6, high, low])?;
        self.data()
    }

    /// The next DATA packet's bytes; none at the end of the body.
    pub fn data(&mut self) -> io::Result<Vec<u8>> {
        let mut payload = read_packet(self.stream)?;
        payload.drain(..payload.len().min(2));
        Ok(payload)
    }

    /// Waits until the other side closes, and fails when it sends something instead.
    pub fn wait_for_close(&mut self) -> io::Result<()> {
        match self.stream.read(&mut [0]) {
            Ok(0) | Err(_) => Ok(()),
            Ok(_) => Err(io::Error::other("bytes came instead of the end")),
        }
    }

    /// Any packet.
    pub fn packet(&mut self, payload: &[u8]) -> io::Result<()> {
        self.raw(&[b"AB".as_slice(), &length(payload.len()), payload].concat())
    }

    /// Any bytes.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Whether these bytes occur in the request.
    pub fn mentions(&self, bytes: &str) -> bool {
        self.request
            .windows(bytes.len())
            .any(|window| window == bytes.as_bytes())
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &dyn Fn(&mut Exchange<'_>) -> io::Result<()>,
    requests: &AtomicUsize,
) -> Option<()> {
    let mut earlier = 0;
    // Answers are several small packets: none of them shall wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    loop {
        let payload = read_packet(&mut stream).ok()?;
        match payload.first()? {
            10 => stream.write_all(b"AB\x00\x01\x09").ok()?,
            2 => {
                requests.fetch_add(1, Ordering::SeqCst);
                let mut exchange = Exchange {
                    request: &payload,
                    earlier,
                    stream: &mut stream,
                };
                answer(&mut exchange).ok()?;
                earlier += 1;
            }
            _ => return None,
        }
    }
}

fn read_packet(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut payload = vec![0; u16::from_be_bytes([head[2], head[3]]).into()];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

fn length(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("an AJP length").to_be_bytes()
}

fn string(text: &str) -> Vec<u8> {
    [&length(text.len()), text.as_bytes(), b"\0"].concat()
}
