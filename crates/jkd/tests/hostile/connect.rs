//! What backends do to connections, before a request and between requests: C01 to C15. Each in front
//! of a worker that stands alone, and of a member of a balancer with another one that works.
//!
//! C13, a name that nobody resolves, needs names of its own: `a_name_that_is_not_there_yet_holds_up_nobody`,
//! `what_cannot_be_looked_up_any_more_keeps_its_addresses` and `resolver_hangs`.

use std::{net::TcpListener, thread, time::Duration};

use jkd_tests::{Jkd, LONG, Nobody, try_within, wait_until};
use socket2::{Domain, Socket, Type};

use crate::{
    client::{Answer, Progress, request},
    door::{Door, Manner},
    judge::SECRET,
    packets::{head, packet},
};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A jkd in front of a worker that stands alone (`/alone/…`), and of a balancer (`/lb/…`) of `bad`, to
/// which sessions lead, and `good`. Alone and `bad` are the same backend.
struct House {
    jkd: Jkd,
    bad: u16,
    good: Door,
}

impl House {
    fn new(bad: u16, settings: &str) -> Self {
        let good = Door::open("good", Manner::Serves);
        let mut lines = format!(
            "worker.list=lb,alone,status\nworker.status.type=status\n\
             worker.lb.type=lb\nworker.lb.balance_workers=bad,good\n\
             worker.common.host=127.0.0.1\nworker.common.secret={SECRET}\n\
             worker.common.probe_interval=0\nworker.common.ping_timeout=1000\n"
        );
        for (name, port) in [("alone", bad), ("bad", bad), ("good", good.address.port())] {
            let worker = format!("worker.{name}");
            lines.extend([format!(
                "{worker}.reference=worker.common\n{worker}.port={port}\n"
            )]);
        }
        lines += settings;
        let arguments = "run --listen 127.0.0.1:0 --threads 1 --log-level debug \
                         --workers workers.properties --mount /alone/*=alone --mount /lb/*=lb \
                         --mount /status/*=status";
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let builder = Jkd::builder(env!("CARGO_BIN_EXE_jkd"));
        let jkd = builder.file("workers.properties", &lines).start(&arguments);
        Self { jkd, bad, good }
    }

    fn of(door: &Door, settings: &str) -> Self {
        Self::new(door.address.port(), settings)
    }

    /// Asks for `/lb/x` or the like, in a session of `bad`.
    fn asks(&self, method: &str, path: &str) -> Answer {
        let body = if method == "POST" { 10 } else { 0 };
        let length = format!("\r\nContent-Length: {body}");
        let length = if body > 0 { length } else { String::new() };
        let head = format!("{method} {path} HTTP/1.1\r\nCookie: JSESSIONID=s.bad{length}");
        request(self.jkd.address, &head, body, &Progress::default()).expect("HTTP")
    }

    /// A whole answer of this backend to this request, and of nothing else.
    #[track_caller]
    fn served(&self, method: &str, path: &str, by: &str) {
        let answer = self.asks(method, path);
        let own = format!("{by}:{}", path.rsplit('/').next().unwrap());
        let is_own = answer.status == 200 && answer.whole && answer.body == own.as_bytes();
        assert!(is_own, "{method} {path}: {answer:?}\n{}", self.jkd.log());
    }

    /// A page of jkd's own.
    #[track_caller]
    fn page(&self, method: &str, path: &str, status: u16) {
        let answer = self.asks(method, path);
        let is_page = answer.whole && answer.body.starts_with(b"<!DOCTYPE html>");
        assert!(
            answer.status == status && is_page,
            "{method} {path}: {answer:?}"
        );
    }

    /// Requests after it have their own answers.
    fn canaries(&self, by: &str) {
        for number in 0..4 {
            self.served("GET", &format!("/lb/canary-{number}"), by);
        }
    }

    /// A property of the member, or worker, on the status page.
    fn shows(&self, worker: &str, what: &str) -> String {
        let top = if worker == "alone" { "alone" } else { "lb" };
        let head = format!("GET /status/?cmd=show&w={top}&mime=prop HTTP/1.1");
        let page = request(self.jkd.address, &head, 0, &Progress::default()).expect("HTTP");
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let name = format!("worker.{worker}.{what}=");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .to_owned()
    }

    /// `OK` at any rate, and nothing is counted.
    #[track_caller]
    fn is_fine(&self) {
        let state = self.shows("bad", "state");
        assert!(state.starts_with("OK"), "{state}\n{}", self.jkd.log());
        let errors = ["bad", "alone"].map(|worker| self.shows(worker, "errors"));
        assert_eq!(errors, ["0", "0"], "{}", self.jkd.log());
    }

    #[track_caller]
    fn has_failed(&self) {
        let (state, errors) = (self.shows("bad", "state"), self.shows("bad", "errors"));
        assert!(state.starts_with("ERR"), "{state}\n{}", self.jkd.log());
        assert_eq!(errors, "1");
    }

    /// A warning or an error with the worker, the peer, what came of it, the stage and the reason, of
    /// which `|` separates several.
    #[track_caller]
    fn told(&self, worker: &str, stage: &str, reason: &str) {
        let peer = format!("127.0.0.1:{}", self.bad);
        let worker = format!("worker={worker}");
        let stage = format!("stage={stage}");
        let parts = [&*worker, &*peer, "packet=", &*stage];
        let found = || {
            let log = self.jkd.log().replace('"', "");
            let told = log
                .lines()
                .filter(|l| l.contains("[warn]") || l.contains("[error]"));
            let mut told = told.filter(|line| parts.iter().all(|part| line.contains(part)));
            let says = |line: &str| reason.split('|').any(|reason| line.contains(reason));
            told.any(says).then_some(())
        };
        let found = try_within(LONG, found);
        assert!(
            found.is_some(),
            "no {parts:?} {reason}:\n{}",
            self.jkd.log()
        );
        assert!(!self.jkd.log().contains(SECRET));
    }

    /// Nothing worse than a word for who debugs.
    #[track_caller]
    fn nothing_told(&self) {
        let log = self.jkd.log();
        let told = |line: &&str| line.contains("[warn]") || line.contains("[error]");
        // Whoever runs the tests may be root.
        let about_root = |line: &&str| line.contains("clients are served by root");
        let mut lines = log.lines().filter(|line| !about_root(line));
        assert_eq!(lines.find(told), None);
    }
}

/// It cannot have the request, of which nothing is sent: the other one gets it, whatever its method.
fn nobody_is_home(new: impl Fn() -> House, reason: &str) {
    for method in ["GET", "POST"] {
        let house = new();
        house.served(method, "/lb/first", "good");
        house.has_failed();
        house.told("lb", "nothing sent", reason);
        house.canaries("good");
        assert_eq!(house.good.had("first").len(), 1);
        // Nobody else is there.
        house.page(method, "/alone/first", 503);
        house.told("alone", "nothing sent", reason);
    }
}

#[test]
fn c01_nobody_listens() {
    let nobody = Nobody::new();
    nobody_is_home(|| House::new(nobody.address.port(), ""), "refused");
    // It is back as soon as it listens, without a request.
    let port = nobody.address.port();
    let house = House::new(port, "worker.bad.probe_interval=1\n");
    house.served("GET", "/lb/first", "good");
    let door = Door::on(nobody.listen(), "bad", Manner::Serves);
    wait_until("it is back", || {
        house.shows("bad", "state").starts_with("OK")
    });
    assert_eq!(door.requests(), 0);
    house.canaries("bad");
}

#[test]
fn c02_a_reset_at_once() {
    let door = Door::open("bad", Manner::Reset);
    nobody_is_home(|| House::of(&door, ""), "reset by peer|Broken pipe");
    assert_eq!(door.requests(), 0);
}

#[test]
fn c03_closed_at_once() {
    let door = Door::open("bad", Manner::Closed(Duration::ZERO));
    nobody_is_home(|| House::of(&door, ""), "no CPong in answer to CPing");
    assert_eq!(door.requests(), 0);
}

#[test]
fn c04_no_cpong() {
    let door = Door::open("bad", Manner::Silent);
    nobody_is_home(
        || House::of(&door, "worker.common.ping_timeout=300\n"),
        "within 300ms",
    );
    assert_eq!(door.requests(), 0);
    wait_until("they are closed", || door.open_now() == 0);
}

#[test]
fn c05_no_answer_to_a_connect() {
    let (listener, _queue) = full();
    let port = listener.local_addr().unwrap().port();
    let limit = "worker.common.socket_connect_timeout=300\n";
    nobody_is_home(|| House::new(port, limit), "cannot connect within 300ms");
}

/// A socket whose queue is full: the kernel leaves each SYN unanswered.
fn full() -> (TcpListener, Vec<Socket>) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = socket();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let to = listener.local_addr().unwrap();
    let connect = |_| {
        let queued = socket();
        queued.set_nonblocking(true).unwrap();
        let _ = queued.connect(&to);
        queued
    };
    let queue = (0..3).map(connect).collect();
    (listener.into(), queue)
}

#[test]
fn c06_a_cpong_that_comes_late() {
    let late = Manner::Pong(MS(400), vec![packet(&[9])]);
    let door = Door::open("bad", late);
    nobody_is_home(
        || House::of(&door, "worker.common.ping_timeout=100\n"),
        "within 100ms",
    );
    wait_until("they are closed", || door.open_now() == 0);
    // Whoever comes later has a connection of his own, and its own CPong.
    door.becomes(Manner::Serves);
    let house = House::of(&door, "");
    let before = door.connections();
    house.served("GET", "/lb/after", "bad");
    assert_eq!(door.had("after"), [before + 1]);
    house.is_fine();
}

/// A CPing before each request.
const PINGS: &str = "worker.common.ping_mode=P\n";

#[test]
fn c07_another_packet_for_a_cpong() {
    for stale in [packet(&[5, 1]), head("400 Bad | Content-Length: 0", None)] {
        for path in ["/lb", "/alone"] {
            for method in ["GET", "POST"] {
                let door = Door::open("bad", Manner::PongLater(stale.clone()));
                let house = House::of(&door, PINGS);
                house.served("GET", &format!("{path}/first"), "bad");
                let used = door.had("first")[0];
                house.served(method, &format!("{path}/next"), "bad");
                // Neither over the same connection, nor a second time.
                assert!(matches!(*door.had("next"), [other] if other != used));
                wait_until("it is closed", || door.was_left(used));
                house.is_fine();
                door.becomes(Manner::Serves);
                house.canaries("bad");
            }
        }
    }
}

#[test]
fn c08_a_cpong_in_pieces() {
    let pieces = packet(&[9]).iter().map(|byte| vec![*byte]).collect();
    let door = Door::open("bad", Manner::Pong(Duration::ZERO, pieces));
    let house = House::of(&door, PINGS);
    house.served("GET", "/lb/first", "bad");
    house.canaries("bad");
    house.served("POST", "/lb/last", "bad");
    // All over one connection.
    assert_eq!(door.connections(), 1);
    house.is_fine();
    house.nothing_told();
}

#[test]
fn c09_closed_while_it_is_idle() {
    for path in ["/lb", "/alone"] {
        for method in ["GET", "POST"] {
            let door = Door::open("bad", Manner::Serves);
            let house = House::of(&door, "");
            house.served("GET", &format!("{path}/first"), "bad");
            door.closes();
            wait_until("it is closed", || door.open_now() == 0);
            house.served(method, &format!("{path}/next"), "bad");
            assert_ne!(door.had("next"), door.had("first"));
            house.is_fine();
            house.nothing_told();
            house.canaries("bad");
        }
    }
}

#[test]
fn c10_closed_just_when_a_request_comes() {
    for path in ["/lb", "/alone"] {
        let door = Door::open("bad", Manner::Serves);
        let house = House::of(&door, "");
        let first = format!("{path}/first");
        house.served("GET", &first, "bad");
        door.becomes(Manner::HangsUp);
        // It may be repeated: once, at the same member, over a fresh connection.
        house.served("GET", &format!("{path}/get"), "bad");
        let had = door.had("get");
        assert!(had.len() == 2 && had[0] != had[1], "{had:?}");
        house.is_fine();
        house.nothing_told();
        door.becomes(Manner::HangsUp);
        // Not so a POST, which it may have executed.
        house.page("POST", &format!("{path}/post"), 502);
        assert_eq!(
            (door.had("post").len(), house.good.had("post").len()),
            (1, 0)
        );
        house.told(
            path.trim_start_matches('/'),
            "request sent",
            "connection closed",
        );
        let by = if path == "/lb" { "good" } else { "bad" };
        house.canaries(by);
    }
    // With a CPing before each request nothing of a POST is sent to who has gone.
    let door = Door::open("bad", Manner::HangsUpOnPing);
    let house = House::of(&door, PINGS);
    house.served("POST", "/lb/first", "bad");
    house.served("POST", "/lb/next", "bad");
    assert_eq!(door.had("next").len(), 1);
    house.is_fine();
    house.nothing_told();
}

#[test]
fn c11_a_byte_while_it_is_idle() {
    for path in ["/lb", "/alone"] {
        let door = Door::open("bad", Manner::Serves);
        let house = House::of(&door, "");
        house.served("GET", &format!("{path}/first"), "bad");
        let used = door.had("first")[0];
        door.says(b"x");
        // It is noticed at once, or when the connection is needed.
        house.served("POST", &format!("{path}/next"), "bad");
        assert_ne!(door.had("next"), [used]);
        wait_until("it is closed", || door.was_left(used));
        let worker = if path == "/lb" { "bad" } else { "alone" };
        house.told(worker, "idle", "nothing was asked");
        house.is_fine();
        house.canaries("bad");
    }
}

#[test]
fn c12_all_connections_are_in_use() {
    let door = Door::open("bad", Manner::Slow("slow", MS(1500)));
    let limits = "worker.common.connection_pool_size=1\n\
                  worker.common.connection_acquire_timeout=200\nworker.common.retries=1\n";
    let house = House::of(&door, limits);
    thread::scope(|scope| {
        scope.spawn(|| house.served("GET", "/lb/slow", "bad"));
        scope.spawn(|| house.served("GET", "/alone/slow", "bad"));
        wait_until("both have come", || door.had("slow").len() == 2);
        house.served("POST", "/lb/next", "good");
        house.page("POST", "/alone/next", 503);
        house.told("lb", "nothing sent", "in use");
        house.told("alone", "nothing sent", "in use");
        let state = house.shows("bad", "state");
        assert!(!state.starts_with("ERR"), "{state}");
    });
    assert_eq!(door.had("next"), [0; 0]);
    house.canaries("bad");
    house.is_fine();
    house.served("GET", "/alone/last", "bad");
    // Beside them somebody may have asked whether it is still there.
    assert!(door.connections() <= 3, "{}", house.jkd.log());
}

/// The backend takes one connection at a time; others wait in the kernel's queue.
#[test]
fn c12_connections_wait_in_the_backends_queue() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || crate::door::one_at_a_time(&listener));
    let house = House::new(
        port,
        "worker.common.ping_timeout=20000\nworker.common.connection_pool_size=2\n",
    );
    thread::scope(|scope| {
        let ask = |number: usize| house.served("GET", &format!("/alone/{number}"), "queue");
        for number in 0..4 {
            scope.spawn(move || ask(number));
        }
    });
    assert_eq!(house.shows("alone", "errors"), "0");
}

#[test]
fn c14_the_wrong_secret() {
    for path in ["/lb", "/alone"] {
        let door = Door::open("bad", Manner::Refuses);
        let house = House::of(&door, "");
        let answer = house.asks("GET", &format!("{path}/first"));
        assert_eq!((answer.status, answer.whole), (403, true), "{answer:?}");
        assert_eq!(house.good.requests(), 0);
        let used = door.had("first")[0];
        wait_until("it is closed", || door.was_left(used));
        house.jkd.wait_for_log("does the secret equal");
        assert!(!house.jkd.log().contains(SECRET));
        house.is_fine();
        door.becomes(Manner::Serves);
        house.canaries("bad");
    }
}

/// How often, at most, somebody finds out whether one that is in error has come back, in a second.
const PROBES: usize = 10;

#[test]
fn c15_connections_dropped_by_the_thousand() {
    let times = std::env::var("JKD_HOSTILE_TIMES").ok();
    let times: usize = times.map_or(300, |times| times.parse().expect("a number"));
    let door = Door::open("bad", Manner::Closed(MS(1)));
    let house = House::of(&door, "worker.bad.probe_interval=1\n");
    let before = (0..50).map(|n| house.served("GET", &format!("/lb/{n}"), "good"));
    before.for_each(drop);
    // Alone each request tries anew.
    house.page("GET", "/alone/x", 503);
    let (files, memory) = (house.files(), house.jkd.process().memory_kb("VmRSS"));
    let begun = tokio::time::Instant::now();
    let (first, mut alone) = (door.connections(), 0);
    for number in 0..times {
        house.served("GET", &format!("/lb/{number}"), "good");
        if number % 2 == 0 {
            house.page("GET", "/alone/x", 503);
            alone += 1;
        }
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let tried = door.connections() - first;
    // Each request tries at most twice.
    assert!(tried <= 2 * alone + PROBES * seconds, "{tried} for {alone}");
    assert!(tried >= alone);
    wait_until("files are closed", || house.files() <= files + 4);
    let grown = house
        .jkd
        .process()
        .memory_kb("VmRSS")
        .saturating_sub(memory);
    println!("{tried} connections dropped in {seconds} s, {grown} kB more");
    assert!(grown < 8 * 1024, "{grown} kB more");
    house.has_failed_often();
}

impl House {
    /// Descriptors of the process.
    fn files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.jkd.process().pid());
        std::fs::read_dir(path).expect("a process").count()
    }

    fn has_failed_often(&self) {
        let state = self.shows("bad", "state");
        assert!(state.starts_with("ERR"), "{state}");
        self.canaries("good");
    }
}
