//! Cases as text: configurations, backends, clients. `README.md` explains the form.

use std::net::SocketAddr;

use jkd_tests::unescaped;

/// One configuration, for which one pair of servers is started, and what is done in front of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    /// `TOPIC: TITLE`.
    pub(crate) title: String,
    workers: String,
    jk: String,
    map: String,
    files: Vec<(String, String)>,
    /// Names and scripts.
    pub(crate) backends: Vec<(String, String)>,
    pub(crate) cases: Vec<Case>,
}

/// Steps that belong together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) title: String,
    /// Names of differences that occur.
    pub(crate) differs: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// What the client or a backend does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Waits until backends have heard so many requests that were not seen yet.
    Await(usize),
    /// Waits until a backend has read so much of the last request's body.
    AwaitBody(usize),
    /// Closes the connection.
    Close,
    /// Reads to the end of the connection.
    Eof,
    /// Ends what is sent on the connection.
    HalfClose,
    /// Reads one interim answer.
    Interim,
    /// From now on it is about the connection of this name.
    On(String),
    /// Opens a connection of this name.
    Open(String),
    /// A backend plays something else.
    Play(String, String),
    /// Reads an answer to a request with this method.
    Read(String),
    /// Lets held answers go.
    Release,
    /// Sends a request, on a new connection or on the one that there is, and reads the answer.
    Request {
        again: bool,
        method: String,
        bytes: Vec<u8>,
    },
    /// Sends bytes.
    Send(Vec<u8>),
    /// Asks the status page, and compares what it says without addresses and times.
    Status { query: String, fields: String },
    /// Sends a request again and again until this is the status.
    Until { status: u16, bytes: Vec<u8> },
}

/// Reads a topic.
pub(crate) fn read(topic: &str, text: &str) -> Vec<Configuration> {
    let mut reader = Reader {
        topic,
        all: Vec::new(),
        part: String::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        reader.line(line);
    }
    reader.all
}

struct Reader<'a> {
    topic: &'a str,
    all: Vec<Configuration>,
    /// The part of the configuration that is read; none while cases are.
    part: String,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        if let Some(title) = line.strip_prefix("=== ") {
            self.all.push(Configuration {
                title: format!("{}: {title}", self.topic),
                ..Configuration::default()
            });
            "backends".clone_into(&mut self.part);
            return;
        }
        let Some(configuration) = self.all.last_mut() else {
            assert!(line.trim().is_empty(), "{line:?} before a configuration");
            return;
        };
        if let Some(title) = line.strip_prefix("== ") {
            self.part.clear();
            configuration.cases.push(Case {
                title: title.to_owned(),
                ..Case::default()
            });
        } else if let Some(case) = configuration.cases.last_mut() {
            case.line(line.trim_end());
        } else if let Some(part) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            part.clone_into(&mut self.part);
            if let Some(name) = part.strip_prefix("file ") {
                configuration.files.push((name.to_owned(), String::new()));
            }
        } else {
            configuration.line(&self.part, line);
        }
    }
}

impl Configuration {
    fn line(&mut self, part: &str, line: &str) {
        let text = match part {
            "workers" => &mut self.workers,
            "jk" => &mut self.jk,
            "map" => &mut self.map,
            "backends" => {
                if let Some((name, script)) = line.split_once(": ") {
                    self.backends.push((name.to_owned(), script.to_owned()));
                }
                return;
            }
            _ => match self.files.last_mut() {
                Some((_, text)) if part.starts_with("file ") => text,
                _ => panic!("no part of a configuration: [{part}]"),
            },
        };
        *text += line;
        *text += "\n";
    }

    /// workers.properties in front of these backends. `@NAME` is the port of a backend.
    pub(crate) fn workers<'a>(
        &self,
        backends: impl Iterator<Item = (&'a str, SocketAddr)>,
    ) -> String {
        let mut text = self.workers.clone();
        let names: Vec<_> = self.backends.iter().map(|(name, _)| &**name).collect();
        if !text.contains("worker.list=") {
            text += &format!("worker.list={}\n", names.join(","));
        }
        for (name, address) in backends {
            let (port, placeholder) = (address.port().to_string(), format!("@{name}@"));
            if text.contains(&placeholder) {
                text = text.replace(&placeholder, &port);
            } else {
                text += &format!("worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n");
            }
            text += &self.presets(name);
        }
        text + "worker.list=the-status\nworker.the-status.type=status\n"
    }

    /// What mod_jk does unasked, and jkd only where it is written.
    fn presets(&self, name: &str) -> String {
        if self.workers.contains("#without presets") {
            return String::new();
        }
        let preset = |key: &str, value: &str| {
            let written = self.workers.contains(&format!(".{key}="));
            let line = format!("worker.{name}.{key}={value}\n");
            if written { String::new() } else { line }
        };
        let pings = ["ping_mode", "prepost_timeout", "connect_timeout"];
        let pings = pings
            .iter()
            .any(|key| self.workers.contains(&format!(".{key}=")));
        let no_ping = if pings {
            String::new()
        } else {
            preset("connect_timeout", "0")
        };
        let zeros = [
            "recovery_options",
            "reply_timeout",
            "connection_pool_timeout",
        ];
        let zeros = zeros.iter().map(|key| preset(key, "0"));
        zeros.collect::<String>() + &no_ping
    }

    /// jk.conf. What is jkd's own is in a section that httpd skips.
    pub(crate) fn jk_conf(&self) -> String {
        let mut text = String::new();
        if !self.map.is_empty() && !self.jk.contains("JkMountFile") {
            text += "JkMountFile uriworkermap.properties\n";
        }
        text += &self.jk;
        text += "JkMount /the-status the-status\n";
        if !self.jk.contains("probe_interval") {
            text += "<IfDirective JkdReload>\n";
            for (name, _) in &self.backends {
                text += &format!("JkWorkerProperty worker.{name}.probe_interval=0\n");
            }
            text += "</IfDirective>\n";
        }
        text
    }

    /// All other files.
    pub(crate) fn files(&self) -> Vec<(&str, &str)> {
        let files = self.files.iter().map(|(name, text)| (&**name, &**text));
        let map = Some(("uriworkermap.properties", &*self.map));
        files
            .chain(map.filter(|(_, text)| !text.is_empty()))
            .collect()
    }

    /// The segments of the paths that its cases ask for.
    pub(crate) fn segments(&self) -> Vec<String> {
        let steps = self.cases.iter().flat_map(|case| &case.steps);
        let targets = steps.filter_map(|step| match step {
            Step::Request { bytes, .. } => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let target = text.split(' ').nth(1).unwrap_or_default();
                let path = target.split(['?', ':']).next().unwrap_or_default();
                (path.len() < 100).then(|| path.to_owned())
            }
            _ => None,
        });
        let refused = |word: &String| {
            word.contains('\\') || word.to_lowercase().contains("%5c") || word.starts_with(".ht")
        };
        let words = targets.flat_map(|path| path.split('/').map(str::to_owned).collect::<Vec<_>>());
        words.filter(|word| !refused(word)).collect()
    }

    /// The same configuration with another case: a GET of each of these.
    pub(crate) fn with_uris(&self, uris: &[String]) -> Self {
        let steps = uris.iter().map(|uri| request(false, &format!("GET {uri}")));
        Self {
            title: format!("generated, {}", self.title),
            cases: vec![Case {
                title: "URIs made by chance".to_owned(),
                steps: steps.collect(),
                ..Case::default()
            }],
            ..self.clone()
        }
    }

    /// How many requests are sent.
    pub(crate) fn requests(&self) -> usize {
        let steps = self.cases.iter().flat_map(|case| &case.steps);
        let sends = |step: &&Step| {
            matches!(
                step,
                Step::Request { .. } | Step::Read(_) | Step::Eof | Step::Status { .. }
            )
        };
        steps.filter(sends).count()
    }
}

impl Case {
    fn line(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if let Some(names) = line.strip_prefix("differs: ") {
            self.differs.extend(names.split(", ").map(str::to_owned));
        } else if let Some(targets) = line.strip_prefix("each: ") {
            let requests = targets.split_whitespace();
            let requests = requests.map(|target| request(false, &format!("GET {target}")));
            self.steps.extend(requests);
        } else if let Some((count, line)) = line.split_once(" x > ") {
            let count: usize = count.parse().expect("a number of requests");
            let requests = (0..count).map(|number| request(false, &numbered(line, number)));
            self.steps.extend(requests);
        } else if let Some((status, line)) = until(line) {
            let Step::Request { bytes, .. } = request(false, line) else {
                return;
            };
            self.steps.push(Step::Until { status, bytes });
        } else {
            self.steps.push(step(line));
        }
    }
}

/// `until STATUS > REQUEST`.
fn until(line: &str) -> Option<(u16, &str)> {
    let (status, line) = line.strip_prefix("until ")?.split_once(" > ")?;
    Some((status.parse().expect("a status"), line))
}

fn step(line: &str) -> Step {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let count = |text: &str| text.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    match word {
        ">" => request(false, rest),
        "+" => request(true, rest),
        "await" => match rest.strip_prefix("body ") {
            Some(rest) => Step::AwaitBody(count(rest)),
            None => Step::Await(count(rest)),
        },
        "close" => Step::Close,
        "eof" => Step::Eof,
        "half-close" => Step::HalfClose,
        "interim" => Step::Interim,
        "on" => Step::On(rest.to_owned()),
        "open" => Step::Open(rest.to_owned()),
        "read" if rest.is_empty() => Step::Read("GET".to_owned()),
        "read" => Step::Read(rest.to_owned()),
        "release" => Step::Release,
        "send" => Step::Send(unescaped(rest)),
        "status" => {
            let (query, fields) = rest.split_once(" | ").unwrap_or((rest, ""));
            let fields = fields.split(" | ").filter(|field| !field.is_empty());
            let fields: Vec<_> = fields.map(|field| format!("{field}\r\n")).collect();
            Step::Status {
                query: query.to_owned(),
                fields: fields.concat(),
            }
        }
        _ => match line.split_once(": ") {
            Some((name, script)) => Step::Play(name.to_owned(), script.to_owned()),
            None => panic!("no step: {line}"),
        },
    }
}

/// `{n}` is the number of the request, `{a,b,c}` one of these in turn.
fn numbered(line: &str, number: usize) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, (inner, after))) = rest
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        text += before;
        let words: Vec<_> = inner.split(',').collect();
        match *words {
            ["n"] => text += &number.to_string(),
            _ => text += words[number % words.len()],
        }
        rest = after;
    }
    text + rest
}

fn request(again: bool, line: &str) -> Step {
    let mut parts = line.split(" | ");
    let first = parts.next().unwrap_or_default();
    let mut words = first.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_else(|| panic!("no request: {line}"));
    let protocol = words.next().unwrap_or("HTTP/1.1");
    let (mut fields, mut body) = (Vec::new(), Vec::new());
    let mut has_host = protocol != "HTTP/1.1";
    for part in parts {
        let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
        match word {
            "no-host" => has_host = true,
            "body" | "bytes" => {
                body = content(word, rest);
                fields.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
            }
            "chunked" => {
                body = chunked(&content("body", rest));
                fields.extend(b"Transfer-Encoding: chunked\r\n");
            }
            _ => {
                has_host |= word.eq_ignore_ascii_case("host:");
                fields.extend([&unescaped(part)[..], b"\r\n"].concat());
            }
        }
    }
    let mut bytes = unescaped(&format!("{method} {target} {protocol}\\r\\n"));
    if !has_host {
        bytes.extend(b"Host: localhost\r\n");
    }
    bytes.extend([fields, b"\r\n".to_vec(), body].concat());
    Step::Request {
        again,
        method,
        bytes,
    }
}

fn content(word: &str, rest: &str) -> Vec<u8> {
    if word == "body" {
        return unescaped(rest);
    }
    let count = rest.parse().expect("a number of bytes");
    let numbered = (0..).flat_map(|number| format!("{number},").into_bytes());
    numbered.take(count).collect()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", body.len());
    [size.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}
