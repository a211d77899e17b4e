//! Nodes that hang, or swallow what they are sent.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use jkd_tests::{Ask, Backend, Node, Sample};
use socket2::{SockRef, Socket};

use crate::rig::{Rig, assert_nobody_waits, ms, secs, told};

/// What clients have to wait at most for one that hangs, in all: a client has three seconds.
const DETECTED: Duration = ms(2500);

/// FLT-06: stopped for some seconds, while the kernel goes on taking connections.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn stopped_for_a_while() {
    let rig = Rig::new("");
    let load = rig.load(secs(10)).begin();
    load.wait_until(secs(2));
    rig.a.signal("STOP");
    load.wait_until(secs(6));
    rig.a.signal("CONT");
    let continued = load.elapsed();
    let report = told("FLT-06", load.finish());
    assert_eq!(report.failed(), 0, "{report}\n{}", rig.jkd.log());
    let later = report.due(secs(4)..secs(6));
    println!("  once it is known {later}");
    let waited = report.count(|sample| sample.took > ms(400));
    println!(
        "  {waited} requests waited for it, {:?} at most",
        report.slowest()
    );
    assert!(report.slowest() < DETECTED, "{report}");
    let back = report.back_after('a', continued);
    println!("  the node answers again after {back:?}");
    assert!(back.is_some_and(|back| back < secs(5)), "{back:?}");
}

/// FLT-07: stopped while it has requests that take their time.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn stopped_amid_posts() {
    let rig = Rig::new("worker.a.reply_timeout=1500\nworker.b.reply_timeout=1500\n");
    let load = rig.load(secs(6));
    let load = load
        .asking(|_| Ask::post("/slow", 3000).after_ms(300))
        .begin();
    load.wait_until(secs(1));
    let from = load.elapsed();
    rig.a.signal("STOP");
    load.wait_until(secs(4));
    rig.a.signal("CONT");
    let report = told("FLT-07", load.finish());
    assert_eq!(rig.twice(), [""; 0]);
    let may_fail = report.count(|s| s.due + s.took >= from && s.due <= from + ms(300));
    assert!(report.failed() <= may_fail, "{report}\n{}", rig.jkd.log());
    assert!(report.slowest() < DETECTED, "{report}");
}

/// FLT-07 with a CPing before each request: what has not reached a node goes elsewhere, also a POST.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn stopped_amid_posts_that_are_pinged_for() {
    let ping =
        "worker.NAME.ping_mode=P\nworker.NAME.ping_timeout=500\nworker.NAME.reply_timeout=1500\n";
    let rig = Rig::new(&["a", "b"].map(|name| ping.replace("NAME", name)).concat());
    let load = rig.load(secs(6));
    let load = load.asking(|_| Ask::post("/fast", 3000)).begin();
    load.wait_until(secs(1));
    let from = load.elapsed();
    rig.a.signal("STOP");
    let stopped = load.elapsed();
    load.wait_until(secs(4));
    rig.a.signal("CONT");
    let report = told("FLT-07 P", load.finish());
    assert_eq!(rig.twice(), [""; 0]);
    // It had answered their CPing.
    let had = |sample: &Sample| sample.due <= stopped && sample.due + sample.took >= from;
    let lost = report.count(|sample| !sample.is_ok() && !had(sample));
    assert_eq!(lost, 0, "{report}\n{}", rig.jkd.log());
    let caught =
        report.count(|sample| sample.is_ok() && sample.took > ms(450) && sample.node == Some('b'));
    println!("  {caught} were sent elsewhere after a CPing that nobody answered");
    assert!(caught > 0, "{report}");
    assert!(report.slowest() < DETECTED, "{report}");
}

/// FLT-08: takes connections, and never says a word.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn mute() {
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), "");
    let _backend = Backend::without_a_word(rig.a.listener(1024), false);
    nobody_fails(&rig, "FLT-08");
}

/// FLT-09, FLT-13: the queue of connections is full, so that the kernel answers no SYN, and is
/// emptied later.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn queue_of_connections_full() {
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), "");
    let blackhole = Blackhole::new(&rig.a);
    let (witness, load) = (rig.witness(secs(7)), rig.load(secs(7)).begin());
    load.wait_until(secs(3));
    drop(blackhole);
    rig.a.start();
    let started = load.elapsed();
    let report = told("FLT-09/13", load.finish());
    assert_eq!(report.failed(), 0, "{report}\n{}", rig.jkd.log());
    let witness = witness.finish();
    assert_nobody_waits(
        &report.due(secs(3)..secs(7)),
        &witness.due(secs(3)..secs(7)),
    );
    // Who finds out, at the start and while it is in error; all others go elsewhere.
    let noise = witness.slowest();
    let waited = report.count(|sample| sample.took > ms(500) + noise);
    println!("  {waited} requests waited for more than 500 ms and {noise:?}");
    assert!(waited <= 2, "{report}\n{witness}");
    let back = report.back_after('a', started);
    println!("  the node answers after {back:?}");
    assert!(back.is_some_and(|back| back < secs(5)), "{back:?}");
}

/// FLT-12: accepts, and resets the connection at once.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn resets_each_connection() {
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), "");
    accepting(rig.a.listener(1024), |stream| {
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    });
    nobody_fails(&rig, "FLT-12 reset");
}

/// FLT-12: a web server at the port.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn speaks_http() {
    let rig = Rig::over(Node::stopped("a"), Node::new("b"), "");
    accepting(rig.a.listener(1024), |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    nobody_fails(&rig, "FLT-12 HTTP");
    assert!(rig.jkd.log().contains("HTTP"), "{}", rig.jkd.log());
}

/// Nobody fails over the other node, and after a second nobody waits for this one.
fn nobody_fails(rig: &Rig, row: &str) {
    let witness = rig.witness(secs(4));
    let report = told(row, rig.load(secs(4)).run());
    assert_eq!(report.failed(), 0, "{report}\n{}", rig.jkd.log());
    assert!(report.slowest() < DETECTED, "{report}");
    let later = report.due(secs(2)..secs(4));
    println!("  once it is known {later}");
    assert_nobody_waits(&later, &witness.finish().due(secs(2)..secs(4)));
}

fn accepting(listener: TcpListener, with: impl Fn(TcpStream) + Send + 'static) {
    thread::spawn(move || listener.incoming().flatten().for_each(with));
}

/// A port whose queue is full: the kernel leaves each SYN unanswered.
struct Blackhole {
    _listener: TcpListener,
    _queue: Vec<Socket>,
}

impl Blackhole {
    fn new(node: &Node) -> Self {
        let listener = node.listener(0);
        let connect = |_| {
            let kind = socket2::Type::STREAM;
            let socket = Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&node.address.into());
            socket
        };
        Self {
            _queue: (0..3).map(connect).collect(),
            _listener: listener,
        }
    }
}
