//! The table of behaviours: `behaviours.txt`.

use crate::script::Step;

/// One behaviour, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) script: String,
    /// Body bytes of the POST that it is for; `None` for a GET.
    pub(crate) body: Option<usize>,
    /// Leaves the first piece of that body unread.
    pub(crate) unread: bool,
    /// The limit of the worker is short.
    pub(crate) short: bool,
    pub(crate) client: Vec<Client>,
    pub(crate) connection: Connection,
    pub(crate) member: Member,
    /// Whether another member has the request afterwards.
    pub(crate) again: bool,
    /// Packet, stage and reason in the log; none where there is nothing to tell.
    pub(crate) log: Option<Line>,
}

/// What the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// 200 that breaks off behind at most this body.
    Cut(Vec<u8>),
    /// A whole answer with this status and body.
    Gets(u16, Body),
    /// A page with this status.
    Page(u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Length(usize),
    Text(Vec<u8>),
}

/// What becomes of the connection to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    Drop,
    Keep,
    /// It waits for the end of its answer in the pool, and serves nobody.
    Waits,
}

/// What becomes of the member, as mod_jk counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// Its state stays, and nothing is counted.
    Fine,
    /// It is in error, and an error is counted.
    Failed,
    /// Its state stays. An error is counted only where it stands alone.
    Protocol,
    /// Its state stays, and a reply timeout is counted.
    Timeout,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) packet: String,
    pub(crate) stage: String,
    pub(crate) reason: String,
}

/// All behaviours of the table, in its order.
pub(crate) fn all() -> Vec<Behaviour> {
    let text = include_str!("behaviours.txt");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let blocks = lines.split(|line| line.is_empty());
    blocks
        .filter(|block| !block.is_empty())
        .map(parse)
        .collect()
}

fn parse(block: &[&str]) -> Behaviour {
    let [title, script, expected] = *block else {
        panic!("three lines are a behaviour: {block:?}");
    };
    let (id, title) = title.split_once(' ').expect("an id and a title");
    let (options, script) = script.split_once("> ").expect("a script");
    let columns: Vec<_> = expected.split(" ; ").map(str::trim).collect();
    let [client, connection, member, again, log] = *columns else {
        panic!("{id}: five columns");
    };
    let body = options
        .split_whitespace()
        .find_map(|word| word.strip_prefix("POST="));
    Behaviour {
        id: id.into(),
        title: title.into(),
        script: script.into(),
        body: body.map(|length| length.parse().expect("a length")),
        unread: options.contains("unread"),
        short: options.contains("short"),
        client: client.split(" or ").map(parse_client).collect(),
        connection: match connection {
            "keep" => Connection::Keep,
            "drop" => Connection::Drop,
            "waits" => Connection::Waits,
            other => panic!("{id}: {other} is no connection's fate"),
        },
        member: match member {
            "fine" => Member::Fine,
            "failed" => Member::Failed,
            "protocol" => Member::Protocol,
            "timeout" => Member::Timeout,
            other => panic!("{id}: {other} is nothing that members are"),
        },
        again: match again {
            "again" => true,
            "-" => false,
            other => panic!("{id}: {other} is no answer to whether it is tried again"),
        },
        log: parse_log(log),
    }
}

fn parse_client(text: &str) -> Client {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (word, word.parse()) {
        ("cut", _) => Client::Cut(rest.as_bytes().to_vec()),
        (_, Ok(status)) => match (rest, rest.strip_prefix("bytes=")) {
            ("page", _) => Client::Page(status),
            (_, Some(length)) => {
                Client::Gets(status, Body::Length(length.parse().expect("a length")))
            }
            (text, None) => Client::Gets(status, Body::Text(text.as_bytes().to_vec())),
        },
        _ => panic!("{text} is nothing that a client gets"),
    }
}

fn parse_log(text: &str) -> Option<Line> {
    if text == "-" {
        return None;
    }
    let mut parts = text.splitn(3, " / ").map(str::to_owned);
    let packet = parts.next().expect("a packet");
    Some(Line {
        packet,
        stage: parts.next().expect("a stage"),
        reason: parts.next().expect("a reason"),
    })
}

impl Behaviour {
    pub(crate) fn steps(&self) -> Vec<Step> {
        Step::parse_all(&self.script)
    }

    pub(crate) fn method(&self) -> &'static str {
        match self.body {
            Some(_) => "POST",
            None => "GET",
        }
    }

    /// Names of the fields that its heads have, as far as they are names.
    pub(crate) fn has_sent(&self, name: &str) -> bool {
        self.script.to_ascii_lowercase().contains(name)
    }
}
