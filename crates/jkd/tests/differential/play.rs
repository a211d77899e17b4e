//! Plays a configuration in front of one web server, and writes down what is seen.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use jkd_tests::{
    Actors, Connection, Forwarded, Idle, LONG, Leashed, Reply, escaped, try_within, wait_until,
    within,
};

use crate::{
    case::{Case, Configuration, Step},
    packed,
};

/// What is seen of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What was done, for a reader.
    pub(crate) what: String,
    /// The client's answer.
    pub(crate) reply: Option<Reply>,
    /// What came until the end of the connection, where the step asks for it.
    pub(crate) rest: Option<String>,
    /// What backends got.
    pub(crate) requests: Vec<Forwarded>,
    /// Connections to backends that carried no request.
    pub(crate) idle: Vec<(String, Idle)>,
}

/// What is seen of all cases.
#[derive(Debug)]
pub(crate) struct Play {
    /// By case and step.
    pub(crate) cases: Vec<Vec<Seen>>,
    /// The status page as properties.
    pub(crate) status: Vec<String>,
    /// Lines of logs that are compared.
    pub(crate) logs: Vec<String>,
}

/// When the next request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As soon as the answer to the one before is there.
    Quick,
    /// When the server has nothing more to do, either.
    Patient,
}

/// How long a server may take until it has nothing to do; some never have.
const REST: Duration = Duration::from_secs(2);

/// Plays all cases.
pub(crate) fn play(
    configuration: &Configuration,
    pace: Pace,
    (server, address): (&Leashed, SocketAddr),
    actors: &Actors,
) -> Play {
    let mut client = Client {
        server: (pace == Pace::Patient).then_some(server),
        address,
        actors,
        connections: HashMap::new(),
        current: String::new(),
    };
    let cases = configuration.cases.iter().map(|case| client.play(case));
    let cases = cases.collect();
    let status = settled(|| status(address));
    // It may have lines to write.
    rest(server);
    Play {
        cases,
        status,
        logs: Vec::new(),
    }
}

impl Play {
    /// Reads the logs that are compared, once they have the line about the last request: all lines
    /// of `access`, and those parts of the lines of others that begin with `REQUEST `.
    pub(crate) fn read_logs(&mut self, access: &Path, others: &[PathBuf]) {
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        if access.exists() {
            wait_until("the last line of the log", || {
                read(access).contains("/the-status")
            });
        }
        let mut lines: Vec<_> = read(access).lines().map(str::to_owned).collect();
        for other in others {
            // Behind the time and what else stands there.
            let text = read(other);
            let requests = text.lines().filter_map(|line| line.split_once("REQUEST "));
            lines.extend(requests.map(|(_, line)| line.to_owned()));
        }
        let root = access.parent().map(|root| root.display().to_string());
        let root = root.unwrap_or_default();
        let compared = lines.iter().filter(|line| !line.contains("/the-status"));
        self.logs
            .extend(compared.map(|line| timeless(&line.replace(&root, "ROOT"))));
        // Which of two threads is the first to write is a matter of luck, for httpd, too.
        self.logs.sort();
    }
}

/// A line without the microseconds in `FB=%^FB`, and without ids in `log-id=%L`.
fn timeless(line: &str) -> String {
    let is_time = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let words = line.split(' ').map(|word| match word.split_once('=') {
        Some(("FB", time)) if is_time(time) => "FB=(a time)",
        Some(("log-id", id)) if id.len() > 1 => "log-id=(an id)",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Lets a server do what it does behind an answer: mod_jk gives its connection back then.
fn rest(server: &Leashed) {
    try_within(REST, || server.is_at_rest().then_some(()));
}

struct Client<'a> {
    /// The server, where its rest is waited for.
    server: Option<&'a Leashed>,
    address: SocketAddr,
    actors: &'a Actors,
    connections: HashMap<String, Connection>,
    current: String,
}

impl Client<'_> {
    fn play(&mut self, case: &Case) -> Vec<Seen> {
        let mut all = Vec::new();
        for step in &case.steps {
            all.extend(self.step(step));
        }
        self.connections.clear();
        all.push(self.seen("the end of the case", None));
        all
    }

    #[allow(clippy::too_many_lines, reason = "a flat match")]
    fn step(&mut self, step: &Step) -> Option<Seen> {
        match step {
            Step::Await(count) => self.actors.wait_for(*count),
            Step::AwaitBody(length) => self.actors.wait_for_body(*length),
            Step::Close => drop(self.connections.remove(&self.current)),
            Step::HalfClose => self.connection().half_close(),
            Step::On(name) => name.clone_into(&mut self.current),
            Step::Open(name) => self.open(name),
            Step::Play(name, script) => self.actors.play(name, script),
            Step::Release => self.actors.release(),
            Step::Send(bytes) => self.connection().send(bytes),
            Step::Until { status, bytes } => self.until(*status, bytes),
            Step::Status { query, fields } => {
                let (query, fields) = (query.as_str(), fields.as_str());
                let page = || status_page(self.address, query, fields);
                let changes = ["update", "reset", "recover"];
                let changes = changes.iter().any(|word| query.contains(word));
                let page = if changes { page() } else { settled(page) };
                let mut seen = self.seen(&format!("the status page: {query}"), None);
                seen.rest = Some(page.join("\n"));
                return Some(seen);
            }
            Step::Eof => {
                let rest = self.connection().read_to_end();
                let mut seen = self.seen("the rest of the connection", None);
                seen.rest = Some(escaped(&rest));
                return Some(seen);
            }
            Step::Interim => {
                // What the backend has got until then is a matter of time.
                return Some(Seen {
                    what: "an interim answer".to_owned(),
                    reply: Some(self.connection().read_interim()),
                    ..Seen::default()
                });
            }
            Step::Read(method) => {
                let reply = self.connection().read(method);
                return Some(self.seen("an answer", Some(reply)));
            }
            Step::Request {
                again,
                method,
                bytes,
            } => {
                self.server.map(rest);
                if !again {
                    self.open("");
                }
                self.connection().send(bytes);
                let reply = self.connection().read(method);
                let what = bytes.escape_ascii().to_string().replace("\\r\\n", "\n    ");
                return Some(self.seen(what.trim_end(), Some(reply)));
            }
        }
        None
    }

    /// How often it takes is a matter of time; nothing is seen of it.
    fn until(&mut self, status: u16, bytes: &[u8]) {
        wait_until("another status", || {
            self.open("");
            self.connection().send(bytes);
            self.connection().read("GET").status == status
        });
        self.actors.take_record();
        self.actors.take_idle();
    }

    fn open(&mut self, name: &str) {
        let connection = Connection::open(self.address).expect("a connection");
        self.connections.insert(name.to_owned(), connection);
        name.clone_into(&mut self.current);
    }

    fn connection(&mut self) -> &mut Connection {
        let connection = self.connections.get_mut(&self.current);
        connection.expect("a connection that is open")
    }

    fn seen(&self, what: &str, reply: Option<Reply>) -> Seen {
        let mut seen = Seen {
            what: what.to_owned(),
            reply,
            rest: None,
            requests: self.actors.take_record(),
            idle: self.actors.take_idle(),
        };
        seen.mask(self.address.port());
        seen
    }
}

impl Seen {
    /// Ports, times and who serves: what cannot be equal.
    fn mask(&mut self, port: u16) {
        let port = format!(":{port}");
        if let Some(reply) = &mut self.reply {
            mask_boundary(reply);
            packed::unpack(reply);
            packed::count_from_date(reply);
            for (name, value) in &mut reply.headers {
                match &*name.to_ascii_lowercase() {
                    "date" => "(date)".clone_into(value),
                    "server" => "(server)".clone_into(value),
                    // httpd has a new order with each start.
                    "allow" => {
                        let mut methods: Vec<_> = value.split(',').collect();
                        methods.sort_unstable();
                        *value = methods.join(",");
                    }
                    _ => *value = value.replace(&port, ":PORT"),
                }
            }
        }
        for request in &mut self.requests {
            for (name, value) in &mut request.attributes {
                if name == "AJP_REMOTE_PORT" && value.len() > 2 {
                    "(port)".clone_into(value);
                }
            }
        }
    }

    /// All of it, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut text = self
            .reply
            .as_ref()
            .map_or(String::new(), ToString::to_string);
        if let Some(rest) = &self.rest {
            text += &format!("{rest}\n");
        }
        for request in &self.requests {
            text += &request.to_string();
        }
        for (name, idle) in &self.idle {
            let Idle {
                connections,
                cpings,
            } = idle;
            text += &format!("{name}: {connections} connections, {cpings} CPings, no request\n");
        }
        text.lines().map(str::to_owned).collect()
    }
}

/// What is between the parts of a body must not be known before, but is as long as httpd's.
fn mask_boundary(reply: &mut Reply) {
    const BEGIN: &str = "multipart/byteranges; boundary=";
    let mut headers = reply.headers.iter_mut();
    let kind = headers.find(|(name, _)| name.eq_ignore_ascii_case("Content-Type"));
    let Some((_, kind)) = kind.filter(|(_, kind)| kind.starts_with(BEGIN)) else {
        return;
    };
    let boundary = kind.split_off(BEGIN.len()).into_bytes();
    let mask = vec![b'-'; boundary.len()];
    *kind += &String::from_utf8_lossy(&mask);
    let mut at = 0;
    while let Some(part) = reply.body.get_mut(at..at + boundary.len()) {
        if part == boundary {
            part.copy_from_slice(&mask);
        }
        at += 1;
    }
}

/// What is seen twice in a row: an answer may be there before its end has been counted.
fn settled<T: PartialEq>(mut look: impl FnMut() -> T) -> T {
    let mut before = look();
    within(LONG, "two equal status pages", || {
        let now = look();
        let found = now == before;
        before = now;
        found.then_some(())
    });
    before
}

/// The status page as properties, without addresses and times.
fn status(address: SocketAddr) -> Vec<String> {
    let mut connection = Connection::open(address).expect("a connection");
    connection.send(b"GET /the-status?mime=prop HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let page = connection.read("GET");
    if page.status != 200 {
        return vec![format!("no page: {}", page.status)];
    }
    let text = String::from_utf8_lossy(&page.body).into_owned();
    text.lines().map(masked).collect()
}

/// What the status page answers to a query: its status, its kind and its lines.
fn status_page(address: SocketAddr, query: &str, fields: &str) -> Vec<String> {
    let mut connection = Connection::open(address).expect("a connection");
    let at = if query.starts_with('/') {
        ""
    } else {
        "/the-status?"
    };
    let head = format!("GET {at}{query} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    connection.send(head.as_bytes());
    let page = connection.read("GET");
    let kind = page.header("content-type").unwrap_or_default();
    let first = format!("{} {kind}", page.status);
    let text = String::from_utf8_lossy(&page.body).into_owned();
    // What is jkd's own about configurations is not what is compared.
    let lines = text
        .lines()
        .filter(|line| !line.contains(".probe_interval="));
    std::iter::once(first).chain(lines.map(masked)).collect()
}

/// Ports, times and who serves: in properties and in XML the line, in text the words of it.
fn masked(line: &str) -> String {
    const SOFTWARE: &str = "web_server=\"";
    if let Some((before, _)) = line.split_once(SOFTWARE) {
        return format!("{before}{SOFTWARE}…");
    }
    if let Some((before, address)) = line.split_once("resolve address '") {
        let (host, rest) = address.split_once(':').unwrap_or((address, ""));
        let (_, rest) = rest.split_once('\'').unwrap_or(("", rest));
        return format!("{before}resolve address '{host}:…'{rest}");
    }
    if line.contains(": ") && !line.trim_start().starts_with("worker.") && line.contains('=') {
        let words = line.split(' ').map(masked_word);
        return words.collect::<Vec<_>>().join(" ");
    }
    masked_word(line)
}

fn masked_word(line: &str) -> String {
    const MASKED: [&str; 10] = [
        "port",
        "address",
        "web_server",
        "jk_version",
        "server_port",
        "time_datetime",
        "datetime",
        "unix",
        "tz",
        "ServerRoot",
    ];
    let key = line.split('=').next().unwrap_or_default();
    let last = key.trim().rsplit('.').next().unwrap_or_default();
    let times = ["last_reset_", "error_time_", "time_"];
    let is_time = times.iter().any(|begin| last.starts_with(begin));
    if line.contains('=') && (MASKED.contains(&last) || is_time) {
        return format!("{key}=…");
    }
    line.to_owned()
}
