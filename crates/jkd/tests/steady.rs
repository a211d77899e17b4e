//! No request fails while the configuration changes: the real binary under a steady load, over
//! reloads that add, remove, move and weigh members.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use jkd_tests::{Backend, Http, Jkd, Request, wait_until};
use parking_lot::Mutex;
use tokio::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// How often the configuration changes.
const RELOADS: usize = 50;

/// Requests a second, of all clients together.
const RATE: u32 = 500;

const CLIENTS: u32 = 8;

/// What a POST sends.
const BODY: [u8; 5000] = [b'x'; 5000];

/// A Tomcat that tells its name and how much it was sent, and remembers the secret.
struct Tomcat {
    backend: Backend,
    secret: Arc<Mutex<&'static str>>,
}

const SECRETS: [&str; 2] = ["the-first-secret", "the-other-secret"];

impl Tomcat {
    fn new(name: &'static str) -> Self {
        const POST: u8 = 4;
        let secret = Arc::new(Mutex::new(""));
        let last = secret.clone();
        let backend = Backend::start(move |exchange| {
            let sent = SECRETS.iter().find(|secret| exchange.mentions(secret));
            *last.lock() = sent.copied().unwrap_or_default();
            let body = match exchange.request[1] {
                POST => exchange.data()?,
                _ => Vec::new(),
            };
            exchange.headers(200, &[])?;
            exchange.chunk(format!("{name} ").as_bytes())?;
            // A request takes its time, so that there are always some in flight.
            thread::sleep(Duration::from_millis(5));
            exchange.chunk(body.len().to_string().as_bytes())?;
            exchange.end(true)
        });
        Self { backend, secret }
    }
}

/// The changing part of `workers.properties`.
#[derive(Clone, Debug)]
struct Cluster {
    /// Members in order: name, port, factor.
    members: Vec<(&'static str, u16, u32)>,
    secret: &'static str,
}

impl Cluster {
    fn file(&self) -> String {
        let names: Vec<_> = self.members.iter().map(|(name, ..)| *name).collect();
        let members: Vec<_> = (self.members.iter())
            .map(|(name, port, factor)| {
                format!(
                    "worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n\
                     worker.{name}.lbfactor={factor}\nworker.{name}.secret={}\n",
                    self.secret
                )
            })
            .collect();
        format!(
            "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers={}\n{}",
            names.join(","),
            members.concat()
        )
    }

    fn change(&mut self, step: usize, c: u16, d: u16) {
        match step % 6 {
            0 => self.members.push(("c", c, 2)),
            1 => self.members[0].2 = 3,
            2 => drop(self.members.remove(1)),
            3 => self.members[1].1 = d,
            4 => self.secret = SECRETS[usize::from(self.secret == SECRETS[0])],
            _ => {
                self.members.pop();
                self.members[0].2 = 1;
            }
        }
    }
}

/// Clients that send at a steady pace until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = |number| {
            let (stop, sent) = (stop.clone(), sent.clone());
            thread::spawn(move || Client::new(address, number).run(&stop, &sent))
        };
        Self {
            clients: (0..CLIENTS).map(client).collect(),
            stop,
            sent,
        }
    }

    /// What failed.
    fn stop(self) -> Vec<String> {
        self.stop.store(true, SeqCst);
        let failures = self
            .clients
            .into_iter()
            .map(|client| client.join().unwrap());
        failures.flatten().collect()
    }
}

struct Client {
    address: SocketAddr,
    number: u32,
    kept: Http,
}

impl Client {
    fn new(address: SocketAddr, number: u32) -> Self {
        let kept = Http::persistent(address);
        Self {
            address,
            number,
            kept,
        }
    }

    fn run(mut self, stop: &AtomicBool, sent: &AtomicUsize) -> Vec<String> {
        let mut failures = Vec::new();
        let begin = Instant::now();
        for count in 0.. {
            if stop.load(SeqCst) {
                break;
            }
            // Behind its time it does not wait.
            let due = begin + Duration::from_secs(1) / RATE * CLIENTS * count;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if let Err(failure) = self.request(count) {
                failures.push(failure);
            }
            sent.fetch_add(1, SeqCst);
        }
        failures
    }

    /// One of four is a POST, one of five comes on a connection of its own, most have a session.
    fn request(&mut self, count: u32) -> Result<(), String> {
        let mut fresh = Http::new(self.address);
        let alone = count.is_multiple_of(5);
        let http = if alone { &mut fresh } else { &mut self.kept };
        let route = ["a", "b", "c", "nobody"][(count / 3 % 4) as usize];
        let path = format!("/{}/{count};jsessionid=1.{route}", self.number);
        let mut body = BODY.as_slice();
        let (request, length) = match count % 4 {
            0 => {
                let request = Request::new("POST", &path).body(&mut body, Some(5000));
                (request, 5000)
            }
            _ => (Request::new("GET", &path), 0),
        };
        match http.try_send(request) {
            Ok(answer)
                if answer.status == 200 && answer.text().ends_with(&format!(" {length}")) =>
            {
                Ok(())
            }
            Ok(answer) => Err(format!("{path}: {} {}", answer.status, answer.text())),
            Err(error) => Err(format!("{path}: {error}")),
        }
    }
}

/// Who answers a request of this session.
fn serving(jkd: &Jkd, route: &str) -> String {
    let answer = jkd.http().get(&format!("/;jsessionid=1.{route}"));
    answer.text().split(' ').next().unwrap().to_owned()
}

fn reload(jkd: &Jkd, cluster: &Cluster, reloads: usize) {
    jkd.write("workers.properties", &cluster.file());
    jkd.process().signal("HUP");
    wait_until("the reload", || {
        jkd.log().matches("configuration reloaded").count() == reloads
    });
}

#[test]
fn no_request_fails_over_many_reloads() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(Tomcat::new);
    let port = |tomcat: &Tomcat| tomcat.backend.address.port();
    let first = Cluster {
        members: vec![("a", port(&a), 1), ("b", port(&b), 1)],
        secret: SECRETS[0],
    };
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &first.file())
        .start(&[
            "run",
            "--listen",
            "127.0.0.1:0",
            "--workers",
            "workers.properties",
            "--mount",
            "/*=lb",
            "--metrics",
            "127.0.0.1:0",
        ]);
    let load = Load::start(jkd.address);
    let begin = Instant::now();
    let mut cluster = first.clone();
    for step in 0..RELOADS {
        let sent = load.sent.load(SeqCst);
        if step % 6 == 0 {
            cluster = Cluster {
                secret: cluster.secret,
                ..first.clone()
            };
        }
        cluster.change(step, port(&c), port(&d));
        reload(&jkd, &cluster, step + 1);
        let names: Vec<_> = cluster.members.iter().map(|(name, ..)| *name).collect();
        for route in ["a", "b", "c"] {
            let who = serving(&jkd, route);
            match (route, step % 6) {
                // Its session goes where it is now.
                ("c", 3 | 4) => assert_eq!(who, "d", "step {step}"),
                _ if names.contains(&route) => assert_eq!(who, route, "step {step}"),
                _ => assert_ne!(who, route, "step {step}: {names:?}"),
            }
        }
        assert_eq!(*a.secret.lock(), cluster.secret, "step {step}");
        wait_until("some more requests", || load.sent.load(SeqCst) >= sent + 50);
    }
    let sent = load.sent.load(SeqCst);
    let rate = f64::from(u32::try_from(sent).unwrap()) / begin.elapsed().as_secs_f64();
    let failures = load.stop();
    println!(
        "{sent} requests, {rate:.0} a second, {RELOADS} reloads, {} failed",
        failures.len()
    );
    assert!(failures.is_empty(), "{failures:#?}\n{}", jkd.log());
    assert_eq!(elected(&jkd, "a"), a.backend.requests(), "counters go on");
    assert_eq!(jkd.terminate(), 0);
}

/// What `a` has counted over all reloads.
fn elected(jkd: &Jkd, member: &str) -> usize {
    jkd.wait_for_log("metrics on http://");
    let log = jkd.log();
    let (_, rest) = log.split_once("metrics on http://").unwrap();
    let end = rest.find(|c: char| c.is_whitespace() || c == '/').unwrap();
    let metrics = Http::new(rest[..end].parse().unwrap())
        .get("/metrics")
        .text();
    let wanted = format!("member=\"{member}\"");
    let line = metrics
        .lines()
        .find(|line| line.starts_with("jkd_member_elected_total") && line.contains(&wanted));
    let (_, count) = line.unwrap().rsplit_once(' ').unwrap();
    count.parse().unwrap()
}
