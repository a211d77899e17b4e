//! A pool before a container that says anything: what comes over a real socket, through the
//! connection, into the answer's body, and back into the pool.

use std::{
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ajp13::{
    Address, Announced, Body, Error, PingPolicy, Pool, PoolOptions, PooledConn, SendOptions,
    wire::{ForwardRequestWriter, Method, PacketSize, RequestLine, TooLarge},
};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    runtime::Builder,
    task::yield_now,
};

/// What the second request gets, which is its own.
const OWN: &[u8] = b"AB\0\x10\x04\0\xc8\0\x02OK\0\0\x01\xa0\x03\0\x016\0\
    AB\0\x0a\x03\0\x06canary\0AB\0\x02\x05\x01";

/// The paths of the two requests.
const FIRST: &str = "/first";
const SECOND: &str = "/canary";

/// The most bytes that an answer's body is handed out by at once.
const LARGEST: usize = 65536;

/// How many pieces the container sends at most, and then the rest at once: a socket that nobody reads
/// is full after less than 300 pieces, be they of one byte.
const PIECES: usize = 128;

/// How the client asks (a byte), how long its body is, in how large pieces the container sends;
/// then what the container says to the first request. The second request gets an answer of its own.
pub(crate) fn run(input: &[u8]) {
    let &[kind, length, pace, ref said @ ..] = input else {
        return;
    };
    let asking = Asking::new(kind, length);
    // Where nobody has anything to do, time passes at once.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(async {
        let container = Container::start(said, pace, asking.closes);
        let pool = container.pool();
        let outcome = asking.first(&pool, said.len()).await;
        container.has_said_all().await;
        second(&pool, &container, outcome, said).await;
        asking.is_what_came(&container.seen.lock().requests());
        assert_eq!(pool.stats().busy, 0);
        assert!(pool.stats().open() <= 2);
    });
}

/// How the first request is sent, and how much of its answer is wanted.
#[derive(Clone, Copy, Debug)]
struct Asking {
    announced: Announced,
    body: usize,
    head_only: bool,
    verbatim: bool,
    take_end: bool,
    /// Leaves the answer after its first piece.
    leaves: bool,
    /// The container closes the connection behind its last byte.
    closes: bool,
}

/// What became of the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Whole,
    Left,
    /// Also where more came than was announced.
    Failed,
}

impl Asking {
    fn new(kind: u8, length: u8) -> Self {
        let bit = |number: u8| kind >> number & 1 == 1;
        let body = usize::from(length) * 150;
        let (announced, body) = match kind & 3 {
            2 if body > 0 => (Announced::Length(body as u64), body),
            3 => (Announced::Unknown, body),
            _ => (Announced::None, 0),
        };
        Self {
            announced,
            body,
            head_only: kind & 3 == 1,
            verbatim: bit(2),
            take_end: bit(3),
            leaves: bit(4),
            closes: bit(5),
        }
    }

    fn options(self) -> SendOptions {
        SendOptions {
            announced: self.announced,
            head_only: self.head_only,
            reply_timeout: Some(Duration::from_secs(5)),
            verbatim: self.verbatim,
            take_end: self.take_end,
            ..SendOptions::default()
        }
    }

    async fn first(self, pool: &Pool, said: usize) -> Outcome {
        let conn = pool.checkout().await.unwrap();
        assert!(!conn.is_reused());
        let length = match self.announced {
            Announced::None => Some(0),
            Announced::Length(length) => Some(length),
            Announced::Unknown => None,
        };
        match send(conn, FIRST, length, self.body, self.options()).await {
            Ok(body) => self.read(body, said).await,
            Err(_) => Outcome::Failed,
        }
    }

    /// Never more than was announced, and never more than was sent.
    async fn read(self, mut body: Body, said: usize) -> Outcome {
        let announced = body.size_hint().exact();
        let mut received = 0;
        loop {
            match body.frame().await {
                None => break,
                Some(Err(_)) => return Outcome::Failed,
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap();
                    assert!(data.len() <= LARGEST);
                    assert!(data.is_empty() || !self.head_only);
                    received += data.len();
                }
            }
            assert!(received <= said);
            assert!(announced.is_none_or(|announced| received as u64 <= announced));
            if self.leaves {
                return Outcome::Left;
            }
        }
        // Containers announce the body of a 205 that they leave out.
        let is_whole = announced.is_none_or(|announced| received as u64 == announced);
        assert!(is_whole || received == 0, "{received} of {announced:?}");
        match body.excess() {
            Some(_) => Outcome::Failed,
            None => Outcome::Whole,
        }
    }

    /// What has reached the container of the first request is in frames, and no longer than announced.
    fn is_what_came(self, mut came: &[u8]) {
        let mut payloads = Vec::new();
        while let [0x12, 0x34, high, low, rest @ ..] = came {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((payload, rest)) = rest.split_at_checked(length) else {
                // The client has left in the middle.
                return;
            };
            payloads.push(payload);
            came = rest;
        }
        assert!(came.len() < 4, "{}", came.escape_ascii());
        let (head, data) = payloads.split_first().unwrap();
        assert_eq!(head[0], 2);
        let second = data.iter().position(|p| holds(p, SECOND));
        let data = &data[..second.unwrap_or(data.len())];
        let sent: usize = data.iter().map(|data| data.len().saturating_sub(2)).sum();
        assert!(sent <= self.body, "{sent} bytes of {}", self.body);
    }
}

/// The next request gets its own answer, and has the connection of the first one only if that had
/// said all there is to say and no more.
async fn second(pool: &Pool, container: &Container, outcome: Outcome, said: &[u8]) {
    let conn = pool.checkout().await.unwrap();
    let is_reused = conn.is_reused();
    let shown = || format!("{outcome:?} of {}", said.escape_ascii());
    if is_reused {
        assert!(outcome != Outcome::Failed && is_clean(said), "{}", shown());
    }
    let options = SendOptions {
        reply_timeout: Some(Duration::from_secs(5)),
        ..SendOptions::default()
    };
    let answer = send(conn, SECOND, Some(0), 0, options).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", shown()));
    let body = answer.collect().await;
    let body = body.unwrap_or_else(|error| panic!("{error}: {}", shown()));
    assert_eq!(body.to_bytes(), &b"canary"[..], "{}", shown());
    let seen = container.seen.lock();
    assert_eq!(seen.second_on == Some(0), is_reused, "{}", shown());
}

/// Whether these are the packets of one answer, and nothing else.
fn is_clean(mut said: &[u8]) -> bool {
    let mut heads = 0;
    while let [b'A', b'B', high, low, rest @ ..] = said {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            return false;
        };
        match payload {
            [3 | 6, ..] => {}
            // Heads of interim answers may go before.
            [4, ..] => heads += 1,
            [5, reuse, ..] => return *reuse != 0 && heads > 0 && rest.is_empty(),
            _ => return false,
        }
        said = rest;
    }
    false
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

async fn send(
    conn: PooledConn,
    path: &str,
    length: Option<u64>,
    body: usize,
    options: SendOptions,
) -> Result<Body, Error> {
    let body = Full::new(Bytes::from(vec![b'b'; body]));
    let write = |buffer: &mut BytesMut, size| head(buffer, size, path, length);
    let sent = conn.send(write, body, options).await;
    sent.map(http::Response::into_body)
        .map_err(|failure| failure.error)
}

fn head(
    buffer: &mut BytesMut,
    size: PacketSize,
    path: &str,
    length: Option<u64>,
) -> Result<(), TooLarge> {
    let line = RequestLine {
        method: Method::from_name(b"POST"),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(path.as_bytes()),
        remote_addr: Some(b"127.0.0.1"),
        remote_host: None,
        server_name: Some(b"localhost"),
        server_port: 80,
        is_ssl: false,
    };
    let mut writer = ForwardRequestWriter::begin(buffer, size, &line);
    if let Some(length) = length {
        writer.header(b"content-length", length.to_string().as_bytes());
    }
    writer.finish()
}

/// Says to the first request what it is to say, and to the second its own answer.
struct Container {
    /// A name that is no file.
    name: PathBuf,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    /// What came over the connection of the first request.
    came: Vec<u8>,
    has_said_all: bool,
    /// The connection that had the second request.
    second_on: Option<usize>,
}

impl Seen {
    fn requests(&self) -> Vec<u8> {
        self.came.clone()
    }
}

impl Container {
    fn start(said: &[u8], pace: u8, closes: bool) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("\0jkd-fuzz-{}-{number}", std::process::id());
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
        let listener = UnixListener::bind(&name).unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let script = Script {
            said: said.to_vec(),
            pace: usize::from(pace),
            closes,
        };
        tokio::spawn(accept(listener, Arc::new(script), seen.clone()));
        Self { name, seen }
    }

    fn pool(&self) -> Pool {
        let options = PoolOptions {
            ping: PingPolicy {
                connect: None,
                before_request: None,
                interval: None,
            },
            ..PoolOptions::default()
        };
        Pool::new(Address::Unix(self.name.clone()), options)
    }

    /// From here on nothing more comes by itself.
    async fn has_said_all(&self) {
        for _ in 0..100_000 {
            if self.seen.lock().has_said_all {
                return;
            }
            yield_now().await;
        }
        panic!("the container does not come to its end");
    }
}

struct Script {
    said: Vec<u8>,
    pace: usize,
    closes: bool,
}

async fn accept(listener: UnixListener, script: Arc<Script>, seen: Arc<Mutex<Seen>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = seen.lock().connections;
        seen.lock().connections += 1;
        tokio::spawn(serve(number, stream, script.clone(), seen.clone()));
    }
}

async fn serve(number: usize, mut stream: UnixStream, script: Arc<Script>, seen: Arc<Mutex<Seen>>) {
    let mut came = Vec::new();
    let mut has_answered = [false; 2];
    // Whoever leaves early has not heard all.
    loop {
        for (at, path) in [FIRST, SECOND].into_iter().enumerate() {
            if has_answered[at] || !holds(&came, path) {
                continue;
            }
            has_answered[at] = true;
            if at == 0 {
                let _ = script.say(&mut stream).await;
                seen.lock().has_said_all = true;
            } else {
                seen.lock().second_on = Some(number);
                let _ = stream.write_all(OWN).await;
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(length) => came.extend_from_slice(&piece[..length]),
        }
        if number == 0 {
            seen.lock().came.clone_from(&came);
        }
    }
}

impl Script {
    async fn say(&self, stream: &mut UnixStream) -> io::Result<()> {
        let pace = if self.pace == 0 { LARGEST } else { self.pace };
        let (paced, rest) = self.said.split_at(self.said.len().min(pace * PIECES));
        for piece in paced.chunks(pace) {
            stream.write_all(piece).await?;
            // The client may read in between.
            for _ in 0..3 {
                yield_now().await;
            }
        }
        stream.write_all(rest).await?;
        if self.closes {
            stream.shutdown().await?;
        }
        Ok(())
    }
}
