//! Plays behaviours in front of a jkd, and judges what follows.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use jkd_tests::{Jkd, LONG, try_within};
use parking_lot::Mutex;

use crate::{
    backend::{Backend, Seen},
    behaviour::{Behaviour, Body, Client, Connection, Line, Member},
    client::{Answer, Progress, request},
};

/// A request after the behaviour, each with a word of its own that must come back.
const CANARIES: usize = 4;

/// The connector's secret: no log and no page shows it.
pub(crate) const SECRET: &str = "hostile-secret-4711";

/// How workers stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Alone,
    /// With another, whom nothing ails.
    Balanced,
}

/// One behaviour and its backends.
#[derive(Debug)]
struct Case {
    behaviour: Behaviour,
    hostile: Backend,
    good: Backend,
    progress: Arc<Progress>,
}

/// What the status page says of a worker: how it stood before canaries were sent.
type Properties = HashMap<String, String>;

/// Plays all, several at a time, and returns what is not as it should be.
pub(crate) fn judge(behaviours: Vec<Behaviour>, mode: Mode) -> Vec<String> {
    let cases: Vec<_> = behaviours.into_iter().map(Case::new).collect();
    let jkd = start(&cases, mode);
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, SeqCst)) {
                    if let Err(why) = case.judge(&jkd, mode) {
                        let behaviour = &case.behaviour;
                        let line = format!("{} {}: {why}", behaviour.id, behaviour.title);
                        found.lock().push(line);
                    }
                }
            });
        }
    });
    let mut found = found.into_inner();
    let log = jkd.log();
    for hidden in [SECRET, "helloPOISONED", "POISONED"] {
        if log.contains(hidden) {
            found.push(format!("the log shows {hidden}"));
        }
    }
    found.sort();
    found
}

fn start(cases: &[Case], mode: Mode) -> Jkd {
    let mut list = vec!["status".to_owned()];
    let mut lines = vec!["worker.status.type=status".to_owned()];
    let mut mounts = vec!["/status/*=status".to_owned()];
    for Case {
        behaviour,
        hostile,
        good,
        ..
    } in cases
    {
        let id = &behaviour.id;
        let limit = if behaviour.short { 1000 } else { 60_000 };
        for (name, backend) in [("bad", hostile), ("good", good)] {
            let worker = format!("worker.{name}{id}");
            lines.push(format!("{worker}.host=127.0.0.1"));
            lines.push(format!("{worker}.port={}", backend.address.port()));
            lines.push(format!("{worker}.secret={SECRET}"));
            lines.push(format!("{worker}.reply_timeout={limit}"));
            lines.push(format!("{worker}.probe_interval=0"));
        }
        let top = if mode == Mode::Alone {
            format!("bad{id}")
        } else {
            lines.push(format!("worker.lb{id}.type=lb"));
            lines.push(format!("worker.lb{id}.balance_workers=bad{id},good{id}"));
            lines.push(format!("worker.lb{id}.max_reply_timeouts=10"));
            format!("lb{id}")
        };
        mounts.push(format!("/{id}/*={top}"));
        list.push(top);
    }
    lines.push(format!("worker.list={}", list.join(",")));
    let binary = env!("CARGO_BIN_EXE_jkd");
    let builder = Jkd::builder(binary).file("workers.properties", &lines.join("\n"));
    // One thread, so that all requests find the same idle connections.
    let arguments =
        "run --listen 127.0.0.1:0 --threads 1 --log-level debug --workers workers.properties";
    let mut arguments: Vec<_> = arguments.split(' ').collect();
    arguments.extend(mounts.iter().flat_map(|mount| ["--mount", mount]));
    builder.start(&arguments)
}

impl Case {
    fn new(behaviour: Behaviour) -> Self {
        let progress = Arc::<Progress>::default();
        let backend = |name: &str, steps| {
            let (unread, client) = (behaviour.unread, progress.clone());
            Backend::start(name, &behaviour.id, steps, unread, client)
        };
        Self {
            hostile: backend("bad", behaviour.steps()),
            good: backend("good", Vec::new()),
            behaviour,
            progress,
        }
    }

    fn judge(&self, jkd: &Jkd, mode: Mode) -> Result<(), String> {
        let Behaviour { id, body, .. } = &self.behaviour;
        let body = body.unwrap_or(0);
        let length = if body > 0 {
            format!("\r\nContent-Length: {body}")
        } else {
            String::new()
        };
        let head = self.head(id, self.behaviour.method()) + &length;
        let answer = request(jkd.address, &head, body, &self.progress)?;
        let before = self.properties(jkd, mode)?;
        let used = self
            .hostile
            .seen()
            .requests
            .first()
            .map(|(number, _)| *number);
        let used = used.ok_or("the backend has not had the request")?;
        for number in 0..CANARIES {
            self.canary(jkd, &format!("ok-{id}-{number}"))?;
        }
        self.judge_client(&answer, mode)?;
        self.judge_connection(used, mode)?;
        self.judge_member(&before, mode)?;
        self.judge_others(mode)?;
        self.judge_log(jkd, mode)
    }

    /// Sessions lead to the hostile backend, as long as it may have requests.
    fn head(&self, segment: &str, method: &str) -> String {
        let id = &self.behaviour.id;
        format!("{method} /{id}/{segment} HTTP/1.1\r\nCookie: JSESSIONID=s.bad{id}")
    }

    fn canary(&self, jkd: &Jkd, word: &str) -> Result<(), String> {
        let answer = request(
            jkd.address,
            &self.head(word, "GET"),
            0,
            &Progress::default(),
        )?;
        let own = |name: &str| answer.body == format!("{name}:{word}").into_bytes();
        let is_own = answer.status == 200 && answer.whole && (own("bad") || own("good"));
        is_own
            .then_some(())
            .ok_or_else(|| format!("{word} got {answer:?}"))
    }

    fn properties(&self, jkd: &Jkd, mode: Mode) -> Result<Properties, String> {
        let worker = self.worker(mode);
        let head = format!("GET /status/?cmd=show&w={worker}&mime=prop HTTP/1.1");
        let page = request(jkd.address, &head, 0, &Progress::default())?;
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let start = format!("worker.bad{}.", self.behaviour.id);
        let own = text
            .lines()
            .filter_map(|line| line.strip_prefix(&start)?.split_once('='));
        Ok(own
            .map(|(name, value)| (name.into(), value.into()))
            .collect())
    }

    /// A request that another member has had is answered by that.
    fn judge_client(&self, answer: &Answer, mode: Mode) -> Result<(), String> {
        let id = &self.behaviour.id;
        self.judge_fields(answer)?;
        if mode == Mode::Balanced && self.behaviour.again {
            let own = format!("good:{id}").into_bytes();
            let is_own = answer.status == 200 && answer.whole && answer.body == own;
            return is_own
                .then_some(())
                .ok_or_else(|| format!("the other's answer: {answer:?}"));
        }
        let fits = self
            .behaviour
            .client
            .iter()
            .any(|client| fits(client, answer));
        let expected = &self.behaviour.client;
        fits.then_some(())
            .ok_or_else(|| format!("{expected:?} is expected: {answer:?}"))
    }

    /// Nothing is there that neither the backend has said nor jkd says by itself.
    fn judge_fields(&self, answer: &Answer) -> Result<(), String> {
        const OWN: [&str; 6] = [
            "connection",
            "content-length",
            "content-type",
            "date",
            "server",
            "transfer-encoding",
        ];
        let of_backend = |name: &str| {
            name != "x-injected" && name != "x-poison" && self.behaviour.has_sent(name)
                || name.starts_with('y') && self.behaviour.id == "H67"
                || ["location", "set-cookie"].contains(&name) && self.behaviour.id == "H79"
        };
        for (name, _) in &answer.fields {
            if !OWN.contains(&&**name) && !of_backend(name) {
                return Err(format!("the field {name}: {answer:?}"));
            }
            let count = answer.fields.iter().filter(|(n, _)| n == name).count();
            if count > 1 && !(name == "set-cookie" && count == 40) {
                return Err(format!("{count} fields {name}: {answer:?}"));
            }
        }
        Ok(())
    }

    fn judge_connection(&self, used: usize, mode: Mode) -> Result<(), String> {
        let Seen {
            requests,
            complaints,
            ..
        } = self.hostile.seen();
        if let Some(complaint) = complaints.first() {
            return Err(complaint.clone());
        }
        let of_used = requests
            .iter()
            .filter(|(number, _)| *number == used)
            .count();
        let closed = || self.hostile.seen().closed.contains(&used).then_some(());
        match self.behaviour.connection {
            Connection::Keep if of_used == 1 + CANARIES => Ok(()),
            Connection::Keep => Err(format!(
                "the connection had {of_used} requests: {requests:?}"
            )),
            Connection::Waits | Connection::Drop if of_used > 1 => {
                Err(format!("the connection was used again: {requests:?}"))
            }
            Connection::Waits => Ok(()),
            // What only a look at the connection shows is seen when it is needed.
            Connection::Drop if mode == Mode::Balanced && requests.len() == 1 => Ok(()),
            Connection::Drop => try_within(LONG, closed).ok_or_else(|| "it stays open".into()),
        }
    }

    fn judge_member(&self, properties: &Properties, mode: Mode) -> Result<(), String> {
        let (state, errors, timeouts) = match (self.behaviour.member, mode) {
            (Member::Fine, _) | (Member::Protocol, Mode::Balanced) => ("OK", 0, 0),
            (Member::Failed, _) => ("ERR", 1, 0),
            (Member::Protocol, Mode::Alone) => ("OK", 1, 0),
            // The limit of timeouts is the balancer's.
            (Member::Timeout, Mode::Alone) => ("OK", 1, 1),
            (Member::Timeout, Mode::Balanced) => ("OK", 0, 1),
        };
        let counts = |name: &str, count: i32| {
            properties
                .get(name)
                .is_some_and(|value| *value == count.to_string())
        };
        let is = match properties.get("state") {
            // A worker that stands alone has none to show.
            None => mode == Mode::Alone,
            Some(shown) => shown.starts_with(state),
        };
        if is && counts("errors", errors) && counts("reply_timeouts", timeouts) {
            return Ok(());
        }
        let shown = ["state", "errors", "reply_timeouts"].map(|name| properties.get(name));
        Err(format!(
            "{:?} is expected: {shown:?}",
            self.behaviour.member
        ))
    }

    fn judge_others(&self, mode: Mode) -> Result<(), String> {
        let id = &self.behaviour.id;
        let had = |backend: &Backend| {
            let requests = backend.seen().requests;
            requests.iter().filter(|(_, segment)| segment == id).count()
        };
        let expected = usize::from(mode == Mode::Balanced && self.behaviour.again);
        match (had(&self.hostile), had(&self.good)) {
            (1, good) if good == expected => Ok(()),
            counts => Err(format!("the request was sent {counts:?} times")),
        }
    }

    /// The worker that is mounted.
    fn worker(&self, mode: Mode) -> String {
        let kind = if mode == Mode::Alone { "bad" } else { "lb" };
        format!("{kind}{}", self.behaviour.id)
    }

    /// Lines of the log about the hostile backend, or the request that it has had; without quotes.
    fn lines(&self, jkd: &Jkd) -> Vec<String> {
        let id = &self.behaviour.id;
        let (peer, path) = (self.hostile.address.to_string(), format!(" /{id}/{id} "));
        let log = jkd.log().replace('"', "");
        let about = |line: &&str| line.contains(&peer) || line.contains(&path);
        log.lines().filter(about).map(str::to_owned).collect()
    }

    fn judge_log(&self, jkd: &Jkd, mode: Mode) -> Result<(), String> {
        let is_told = |line: &&String| ["[warn]", "[error]"].iter().any(|kind| line.contains(kind));
        let Some(line) = &self.behaviour.log else {
            let lines = self.lines(jkd);
            let told = lines.iter().find(is_told);
            return told.map_or(Ok(()), |line| Err(format!("nothing is to be told: {line}")));
        };
        let parts = self.parts(line, mode);
        let found = || {
            let lines = self.lines(jkd);
            let fits = |line: &String| parts.iter().all(|part| line.contains(part));
            lines.iter().filter(is_told).any(fits).then_some(())
        };
        try_within(LONG, found).ok_or_else(|| {
            let lines = self.lines(jkd).join("\n    ");
            format!("no line with {parts:?} in the log:\n    {lines}")
        })
    }

    fn parts(&self, line: &Line, mode: Mode) -> Vec<String> {
        let Line {
            packet,
            stage,
            reason,
        } = line;
        let (peer, id) = (self.hostile.address.to_string(), &self.behaviour.id);
        let mut parts = vec![peer, reason.clone(), format!("stage={stage}")];
        // A connection belongs to the member, whatever balancers that is part of.
        parts.push(match &**stage {
            "idle" => format!("worker=bad{id}"),
            _ => format!("worker={}", self.worker(mode)),
        });
        // A connection that is idle may belong to several balancers.
        if stage != "idle" {
            parts.push("state=".to_owned());
        }
        if packet != "any" {
            parts.push(format!("packet={packet}"));
        }
        parts
    }
}

fn fits(client: &Client, answer: &Answer) -> bool {
    let Answer {
        status,
        body,
        whole,
        ..
    } = answer;
    match client {
        Client::Cut(most) => *status == 200 && !whole && most.starts_with(body),
        Client::Page(page) => status == page && *whole && body.starts_with(b"<!DOCTYPE html>"),
        Client::Gets(expected, Body::Length(length)) => {
            status == expected && *whole && body.len() == *length
        }
        Client::Gets(expected, Body::Text(text)) => status == expected && *whole && body == text,
    }
}
