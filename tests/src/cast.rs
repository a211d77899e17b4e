//! Named AJP backends that play what a test case tells them, and a common record of what they heard.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::{Condvar, Mutex};

use crate::{
    backend::{Backend, Exchange},
    heard::Heard,
    wait::{LONG, Nobody, wait_until},
};

/// What a backend does with a connection or a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Play {
    /// Answers 200 with its name.
    Ok,
    /// Is not there: connects are refused.
    Refuse,
    /// Accepts connections and closes them at once.
    HangUp,
    /// Accepts connections and never answers, not even a CPing.
    Mute,
    /// Takes the request and closes.
    Close,
    /// Takes the request and says nothing.
    Silent,
    /// Answers with this status and no body.
    Status(u16),
    /// Answers with headers and so many bytes, and closes.
    Part(usize),
    /// Answers with headers and so many bytes, and says nothing more.
    Stall(usize),
    /// Asks for more of the body, and closes.
    Ask,
    /// Reads the whole body and answers with its length.
    Read,
    /// Answers when the test says so.
    Hold,
    /// Answers with a session of its own.
    Session,
    /// Sends this packet, and closes.
    Packet(Vec<u8>),
    /// Sends these bytes, and closes.
    Raw(Vec<u8>),
}

impl Play {
    /// Reads `ok`, `status 503`, `packet 0363` and the like.
    pub fn parse(text: &str) -> Self {
        let (name, argument) = text.split_once(' ').unwrap_or((text, ""));
        let number = || {
            argument
                .parse()
                .unwrap_or_else(|_| panic!("no number: {text}"))
        };
        match name {
            "ok" => Self::Ok,
            "refuse" => Self::Refuse,
            "hang-up" => Self::HangUp,
            "mute" => Self::Mute,
            "close" => Self::Close,
            "silent" => Self::Silent,
            "status" => Self::Status(argument.parse().expect("a status")),
            "part" => Self::Part(number()),
            "stall" => Self::Stall(number()),
            "ask" => Self::Ask,
            "read" => Self::Read,
            "hold" => Self::Hold,
            "session" => Self::Session,
            "packet" => Self::Packet(bytes(argument)),
            "raw" => Self::Raw(bytes(argument)),
            _ => panic!("no play: {text}"),
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"))
        .collect()
}

/// A forward request, who heard it, and how many bytes of body came with it unasked.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The backend's name.
    pub by: String,
    /// The request.
    pub request: Heard,
    /// Bytes of the body that came unasked.
    pub body: usize,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.by, self.request)?;
        if self.body > 0 {
            write!(f, " body={}", self.body)?;
        }
        Ok(())
    }
}

/// The backends of a test case.
pub struct Cast {
    servers: Vec<Server>,
    stage: Arc<Stage>,
}

struct Server {
    name: String,
    address: SocketAddr,
    /// Holds the port until there is a backend.
    nobody: Option<Nobody>,
    backend: Option<Backend>,
    plays: Arc<Plays>,
}

#[derive(Default)]
struct Stage {
    record: Mutex<Vec<Entry>>,
    released: Mutex<bool>,
    release: Condvar,
}

/// One for each request, the last one for all that follow.
struct Plays {
    list: Mutex<Vec<Play>>,
    next: AtomicUsize,
}

impl Plays {
    fn next(&self) -> Play {
        let list = self.list.lock();
        let at = self.next.fetch_add(1, Ordering::SeqCst);
        list.get(at).or(list.last()).cloned().unwrap_or(Play::Ok)
    }

    fn first(&self) -> Option<Play> {
        self.list.lock().first().cloned()
    }
}

impl Cast {
    /// Backends by name, each with what it plays: one for each request, separated by `, `; the last
    /// one is for all requests that follow.
    pub fn new(servers: &[(String, String)]) -> Self {
        let stage = Arc::new(Stage::default());
        let server = |(name, plays): &(String, String)| Server::new(name, plays, &stage);
        Self {
            servers: servers.iter().map(server).collect(),
            stage: stage.clone(),
        }
    }

    /// Names and addresses in order.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.servers.iter().map(|s| (&*s.name, s.address))
    }

    /// Lets a backend play something else from now on.
    pub fn change(&mut self, name: &str, plays: &str) {
        let stage = self.stage.clone();
        let server = self.servers.iter_mut().find(|s| s.name == name);
        let server = server.unwrap_or_else(|| panic!("no server {name}"));
        *server.plays.list.lock() = list(plays);
        server.plays.next.store(0, Ordering::SeqCst);
        server.start(&stage);
    }

    /// What was heard since the last time, in the order in which it came.
    pub fn take_record(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.stage.record.lock())
    }

    /// Waits until this many requests have been heard since the record was taken.
    pub fn wait_for(&self, count: usize) {
        wait_until("a request at a backend", || {
            self.stage.record.lock().len() >= count
        });
    }

    /// Lets all answers go that are held, also later ones.
    pub fn release(&self) {
        *self.stage.released.lock() = true;
        self.stage.release.notify_all();
    }

    /// Connections so far, by name. Nothing is known of those that were refused.
    pub fn connections(&self) -> Vec<(String, usize)> {
        let count = |s: &Server| s.backend.as_ref().map_or(0, Backend::connections);
        let pair = |s: &Server| (s.name.clone(), count(s));
        self.servers.iter().map(pair).collect()
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        self.release();
    }
}

fn list(plays: &str) -> Vec<Play> {
    plays.split(", ").map(Play::parse).collect()
}

impl Server {
    fn new(name: &str, plays: &str, stage: &Arc<Stage>) -> Self {
        let nobody = Nobody::new();
        let mut server = Self {
            name: name.to_owned(),
            address: nobody.address,
            nobody: Some(nobody),
            backend: None,
            plays: Arc::new(Plays {
                list: Mutex::new(list(plays)),
                next: AtomicUsize::new(0),
            }),
        };
        if server.plays.first() != Some(Play::Refuse) {
            server.start(stage);
        }
        server
    }

    /// Listens, unless it does already.
    fn start(&mut self, stage: &Arc<Stage>) {
        let Some(listener) = self.nobody.take().map(Nobody::listen) else {
            return;
        };
        let (name, plays, stage) = (self.name.clone(), self.plays.clone(), stage.clone());
        let at_once = match plays.first() {
            Some(Play::HangUp) => Some(true),
            Some(Play::Mute) => Some(false),
            _ => None,
        };
        let backend = match at_once {
            Some(closes) => Backend::without_a_word(listener, closes),
            None => Backend::on(listener, move |exchange| {
                stage.play(&name, &plays, exchange)
            }),
        };
        self.backend = Some(backend);
    }
}

impl Stage {
    fn play(&self, name: &str, plays: &Plays, exchange: &mut Exchange<'_>) -> io::Result<()> {
        let gone = || io::Error::other("closes as it was told");
        let request = Heard::decode(exchange.request).ok_or_else(|| io::Error::other("broken"))?;
        let announced = request.header("content-length").unwrap_or("0") != "0";
        let play = plays.next();
        let first = if announced {
            exchange.data()?
        } else {
            Vec::new()
        };
        self.record.lock().push(Entry {
            by: name.to_owned(),
            request,
            body: first.len(),
        });
        match play {
            Play::Silent => exchange.wait_for_close(),
            Play::Status(status) => exchange.answer(status, &[], b""),
            Play::Part(length) | Play::Stall(length) => {
                exchange.headers(200, &[("X-Node", name)])?;
                exchange.chunk(&vec![name.as_bytes()[0]; length])?;
                match play {
                    Play::Part(_) => Err(gone()),
                    _ => exchange.wait_for_close(),
                }
            }
            Play::Ask => exchange.ask_for_body(8186).and_then(|_| Err(gone())),
            Play::Read => {
                let length = rest_of_body(exchange, first.len())?;
                exchange.answer(200, &[], format!("{name}:{length}").as_bytes())
            }
            Play::Hold => {
                self.wait_for_release();
                exchange.answer(200, &[], name.as_bytes())
            }
            Play::Session => {
                let cookie = format!("JSESSIONID=1.{name}");
                exchange.answer(200, &[("Set-Cookie", &cookie)], name.as_bytes())
            }
            Play::Packet(payload) => exchange.packet(&payload).and_then(|()| Err(gone())),
            Play::Raw(bytes) => exchange.raw(&bytes).and_then(|()| Err(gone())),
            Play::Ok => exchange.answer(200, &[], name.as_bytes()),
            Play::Close | Play::Refuse | Play::HangUp | Play::Mute => Err(gone()),
        }
    }

    fn wait_for_release(&self) {
        let mut released = self.released.lock();
        while !*released && !self.release.wait_for(&mut released, LONG).timed_out() {}
    }
}

fn rest_of_body(exchange: &mut Exchange<'_>, first: usize) -> io::Result<usize> {
    let mut length = first;
    loop {
        match exchange.ask_for_body(8186)?.len() {
            0 => return Ok(length),
            more => length += more,
        }
    }
}
