//! Each setting of a connection, from its line in workers.properties to what a Tomcat sees of it.
//! Those that the scenarios play already are not here: `reply_timeout`, `busy_limit`,
//! `fail_on_status`, and `recovery_options` 1.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use ajp13::{Address, Addresses, Pool};
use jkd_tests::{Backend, Nobody, Request, wait_until};
use parking_lot::Mutex;

use crate::{
    harness::{Daemon, balancer},
    spy::{Event, Spy},
};

/// What a test waits at most for something that takes a second.
const SLOW: Duration = Duration::from_secs(50);

/// In front of one member `a` that is tried once, with these lines about it.
fn before(address: SocketAddr, lines: &str) -> Daemon {
    let lines = lines.split('\n').filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.map(|line| format!("worker.{line}")).collect();
    let lines = lines.join("\n");
    let lines = format!("worker.lb.retries=1\nworker.a.probe_interval=0\n{lines}");
    Daemon::start(&balancer(&[address], &lines), &["/*=lb"])
}

/// The status, and how long it took.
fn timed(daemon: &Daemon) -> (u16, Duration) {
    let begin = SystemTime::now();
    let status = daemon.http().get("/").status;
    (status, begin.elapsed().unwrap())
}

/// A Tomcat whose requests wait to be let go, and the most of them that were there at once.
struct Gate {
    backend: Backend,
    most: Arc<AtomicUsize>,
    go: mpsc::Sender<()>,
}

impl Gate {
    fn new() -> Self {
        let (go, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let seen = most.clone();
        let backend = Backend::start(move |exchange| {
            seen.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            let _ = wait.lock().recv();
            now.fetch_sub(1, SeqCst);
            // Without a length: with one, whoever is next need not wait for the end of the answer.
            exchange.answer(200, &[], b"x")
        });
        Self { backend, most, go }
    }
}

#[test]
fn connection_pool_size_is_what_a_tomcat_has_at_once() {
    let gate = Gate::new();
    let lines = "a.connection_pool_size=2\na.connection_acquire_timeout=50000";
    let daemon = before(gate.backend.address, lines);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(daemon.http().get("/").status, 200));
        }
        wait_until("as many as may", || gate.backend.requests() == 2);
        wait_until("the others wait", || daemon.in_flight("lb", 0) == 6);
        (0..6).for_each(|_| gate.go.send(()).unwrap());
    });
    assert_eq!(gate.most.load(SeqCst), 2);
    assert_eq!(gate.backend.connections(), 2);
}

#[test]
fn connection_acquire_timeout_ends_the_wait_for_a_connection() {
    let gate = Gate::new();
    // The default is 2 s.
    let lines = "a.connection_pool_size=1\na.connection_acquire_timeout=3000";
    let daemon = before(gate.backend.address, lines);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(daemon.http().get("/").status, 200));
        wait_until("it is in use", || gate.backend.requests() == 1);
        let (status, took) = timed(&daemon);
        assert_eq!(status, 503);
        assert!(
            took > Duration::from_millis(2900) && took < SLOW,
            "{took:?}"
        );
        gate.go.send(()).unwrap();
    });
    assert_eq!(gate.backend.requests(), 1);
}

#[test]
fn connection_pool_timeout_closes_what_is_idle_down_to_connection_pool_minsize() {
    const AT_ONCE: usize = 4;
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let addresses = gates.each_ref().map(|gate| gate.backend.address);
    let lines = "worker.a.connection_pool_timeout=1\nworker.a.connection_pool_minsize=2\n\
                 worker.b.connection_pool_timeout=3\nworker.c.connection_pool_timeout=0";
    let daemon = Daemon::start(&balancer(&addresses, lines), &["/*=lb"]);
    for (gate, route) in gates.iter().zip(["a", "b", "c"]) {
        let path = format!("/;jsessionid=1.{route}");
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| assert_eq!(daemon.http().get(&path).status, 200));
            }
            wait_until("all are there", || gate.backend.requests() == AT_ONCE);
            (0..AT_ONCE).for_each(|_| gate.go.send(()).unwrap());
        });
    }
    let idle = |member| daemon.pool_stats("lb", member).idle;
    wait_until("the second pool is empty", || idle(1) == 0);
    // The first one has been looked through more than once by now.
    assert_eq!((idle(0), idle(2)), (2, AT_ONCE));
    let closed = |member| daemon.pool_stats("lb", member).closed.idle;
    assert_eq!((closed(0), closed(1), closed(2)), (2, 4, 0));
}

#[test]
fn ping_mode_says_when_cpings_are_sent() {
    for (lines, fresh, reused) in [
        ("a.ping_mode=C", 1, 0),
        ("a.ping_mode=P", 1, 3),
        ("a.ping_mode=I", 0, 0),
        ("a.ping_mode=A", 1, 3),
        ("a.ping_mode=cp", 1, 3),
        ("a.connect_timeout=50000", 1, 0),
        ("a.prepost_timeout=50000", 1, 3),
        ("", 1, 0),
    ] {
        let spy = Spy::new();
        let daemon = before(spy.address, lines);
        let mut http = jkd_tests::Http::persistent(daemon.address);
        assert_eq!(http.get("/").text(), "spy");
        assert_eq!(spy.count(Event::Ping), fresh, "{lines}");
        for _ in 0..3 {
            assert_eq!(http.get("/").text(), "spy");
        }
        assert_eq!(spy.opened(), 1, "{lines}");
        assert_eq!(spy.count(Event::Ping), fresh + reused, "{lines}");
    }
}

#[test]
fn connection_ping_interval_asks_idle_connections() {
    // With ping_mode I it is a hundredth of ping_timeout's milliseconds, in seconds.
    for lines in [
        "a.connection_ping_interval=1",
        "a.ping_mode=I\na.ping_timeout=100",
    ] {
        let (spy, quiet) = (Spy::new(), Spy::new());
        let daemon = before(spy.address, lines);
        let other = before(quiet.address, "a.connection_ping_interval=0");
        assert_eq!(daemon.http().get("/").status, 200);
        assert_eq!(other.http().get("/").status, 200);
        let before = spy.count(Event::Ping);
        wait_until("idle connections are asked", || {
            spy.count(Event::Ping) >= before + 2
        });
        assert_eq!((spy.count(Event::Request), spy.opened()), (1, 1));
        assert_eq!(quiet.count(Event::Ping), 1, "that of the connect");
        // One that does not answer is closed.
        spy.pongs.store(false, SeqCst);
        if lines.contains("ping_mode") {
            wait_until("it is closed", || spy.count(Event::Closed) == 1);
        }
    }
}

#[test]
fn timeouts_of_cpings_are_those_that_are_written() {
    // None of them is the default, 1 s or 10 s, with which they would end too early or too late.
    for lines in [
        "a.ping_mode=C\na.ping_timeout=2000",
        "a.ping_timeout=2000",
        "a.connect_timeout=2000",
        "a.ping_mode=C\na.connect_timeout=2000\na.ping_timeout=100",
        "a.prepost_timeout=2000",
    ] {
        let spy = Spy::new();
        spy.pongs.store(false, SeqCst);
        let daemon = before(spy.address, lines);
        let (status, took) = timed(&daemon);
        assert_eq!(status, 503, "{lines}");
        let limits = Duration::from_millis(1900)..Duration::from_secs(9);
        assert!(limits.contains(&took), "{lines}: {took:?}");
        assert_eq!((spy.opened(), spy.count(Event::Request)), (1, 0), "{lines}");
    }
}

#[test]
fn prepost_timeout_holds_for_connections_that_were_used() {
    let spy = Spy::new();
    let lines = "a.connect_timeout=50000\na.prepost_timeout=2000";
    let daemon = before(spy.address, lines);
    let mut http = jkd_tests::Http::persistent(daemon.address);
    assert_eq!(http.get("/").text(), "spy");
    spy.pongs.store(false, SeqCst);
    let begin = SystemTime::now();
    assert_eq!(http.get("/").status, 503);
    let took = begin.elapsed().unwrap();
    let limits = Duration::from_millis(1900)..Duration::from_secs(30);
    assert!(limits.contains(&took), "{took:?}");
    assert_eq!(spy.count(Event::Request), 1);
}

#[test]
fn socket_timeout_limits_each_read() {
    let silent = Backend::silent();
    let daemon = before(silent.address, "a.socket_timeout=1");
    let (status, took) = timed(&daemon);
    assert_eq!(status, 502);
    assert!(took > Duration::from_millis(900) && took < SLOW, "{took:?}");
    assert_eq!(silent.requests(), 1);
}

/// A queue of connections that nobody accepts: further ones hang.
#[cfg(target_os = "linux")]
#[test]
fn socket_connect_timeout_limits_the_connect() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _context = runtime.enter();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let patience = Duration::from_millis(300);
    let connect = || TcpStream::connect_timeout(&address, patience).ok();
    let held: Vec<_> = std::iter::from_fn(connect).collect();
    assert!(held.len() < 10, "the queue is full");
    // The default is 2 s.
    let daemon = before(address, "a.socket_connect_timeout=3000");
    let (status, took) = timed(&daemon);
    assert_eq!(status, 503);
    assert!(
        took > Duration::from_millis(2900) && took < SLOW,
        "{took:?}"
    );
}

/// The columns of the system's list of TCP sockets for the one that is connected to `port`.
#[cfg(target_os = "linux")]
fn socket_to(port: u16) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = format!("0100007F:{port:04X}");
    let columns = table.lines().map(str::split_whitespace);
    let mut found = columns.filter(|c| c.clone().nth(2) == Some(&remote));
    let found = found.next().unwrap();
    found.map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn socket_keepalive_lets_the_system_ask() {
    for (lines, timer) in [("a.socket_keepalive=1", "02"), ("", "00")] {
        let spy = Spy::new();
        let daemon = before(spy.address, lines);
        assert_eq!(daemon.http().get("/").status, 200);
        wait_until("only that timer runs", || {
            socket_to(spy.address.port())[5].split(':').next() == Some(timer)
        });
    }
}

/// A client that does not read fills the buffers on the way: the receive buffer of the connection
/// takes as much as it may.
#[cfg(target_os = "linux")]
#[test]
fn socket_buffer_is_the_size_of_the_buffer() {
    let received = |lines: &str| {
        let (stuck, waiting) = mpsc::channel();
        let stuck = Mutex::new(stuck);
        let backend = Backend::start(move |exchange| {
            exchange.headers(200, &[])?;
            stuck.lock().send(()).unwrap();
            (0..10_000).try_for_each(|_| exchange.chunk(&[b'x'; 8184]))
        });
        let daemon = before(backend.address, lines);
        let mut raw = daemon.raw();
        raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        waiting.recv_timeout(SLOW).unwrap();
        let waits = || {
            let columns = socket_to(backend.address.port());
            let (_, waits) = columns[4].split_once(':').unwrap();
            usize::from_str_radix(waits, 16).unwrap()
        };
        let mut seen = vec![0];
        wait_until("nothing moves", || {
            thread::sleep(Duration::from_millis(200));
            seen.push(waits());
            seen.last() > Some(&0) && seen.ends_with(&[seen[seen.len() - 1]; 3])
        });
        waits()
    };
    let (small, usual) = (received("a.socket_buffer=8192"), received(""));
    assert!(small <= 16 * 1024, "{small}");
    assert!(usual >= 2 * small, "{small} {usual}");
}

#[test]
fn source_is_where_connections_come_from() {
    let spy = Spy::new();
    let daemon = before(spy.address, "a.source=127.0.0.9");
    assert_eq!(daemon.http().get("/").text(), "spy");
    assert_eq!(spy.count(Event::Opened([127, 0, 0, 9].into())), 1);
}

/// Not every machine has a name with addresses of both families: one is made up here, for a pool
/// with the settings of the daemon's.
#[test]
fn prefer_ipv6_goes_there_first() {
    let six_for =
        |four: &Backend| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], four.address.port()));
    let four = std::iter::repeat_with(|| Backend::saying("4"))
        .find(|four| TcpListener::bind(six_for(four)).is_ok());
    let four = four.unwrap();
    let (at, port) = (six_for(&four), four.address.port());
    let six = Backend::at(at, |exchange| exchange.answer(200, &[], b"6"));
    for (lines, expected) in [("a.prefer_ipv6=1", (0, 1)), ("", (1, 1))] {
        let daemon = before(four.address, lines);
        let addresses = Addresses::new();
        addresses.set([four.address, six.address]);
        let options = daemon.pool_options("lb", 0);
        let pool = Pool::with_addresses(Address::new("made-up", port), addresses, options);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _conn = runtime.block_on(pool.checkout()).unwrap();
        assert_eq!((four.connections(), six.connections()), expected);
    }
}

/// A Tomcat that closes instead of answering.
fn closing() -> Backend {
    Backend::start(|_| Err(io::Error::other("gone")))
}

#[test]
fn retries_is_the_number_of_attempts() {
    for retries in [1, 2, 5] {
        let a = closing();
        let lines = format!("a.retries={retries}\na.recovery_options=0\na.retry_interval=1");
        let daemon = before(a.address, &lines);
        assert_eq!(daemon.http().get("/").status, 502);
        assert_eq!(a.requests(), retries);
    }
}

#[test]
fn retry_interval_is_the_pause_between_attempts() {
    let nobody = Nobody::new();
    let daemon = before(nobody.address, "a.retries=3\na.retry_interval=500");
    let (status, took) = timed(&daemon);
    assert_eq!(status, 503);
    assert!(took >= Duration::from_secs(1) && took < SLOW, "{took:?}");
}

#[test]
fn recovery_options_8_and_16_lift_1() {
    for (options, method, requests) in [
        (1, "GET", 1),
        (1, "HEAD", 1),
        (9, "GET", 1),
        (9, "HEAD", 2),
        (17, "GET", 2),
        (17, "HEAD", 1),
        (25, "GET", 1),
        (25, "HEAD", 2),
        (0, "GET", 2),
        (2, "GET", 2),
    ] {
        let a = closing();
        let lines = format!("a.recovery_options={options}\na.retry_interval=1");
        let daemon = before(a.address, &lines);
        let request = Request::new(method, "/");
        assert_eq!(daemon.http().send(request).status, 502);
        assert_eq!(a.requests(), requests, "{options} {method}");
    }
}

/// mod_jk does so with `recovery_options` 4 only, and else goes on reading.
#[test]
fn a_client_that_leaves_takes_the_connection_with_it() {
    for lines in ["", "a.recovery_options=0", "a.recovery_options=4"] {
        let (left, noticed) = mpsc::channel();
        let left = Mutex::new(left);
        let a = Backend::start(move |exchange| {
            exchange.headers(200, &[])?;
            exchange.chunk(b"begun")?;
            exchange.flush()?;
            exchange.wait_for_close()?;
            left.lock().send(()).unwrap();
            Err(io::Error::other("the servlet notices"))
        });
        let daemon = before(a.address, lines);
        let mut raw = daemon.raw();
        raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        raw.head();
        raw.reset();
        noticed.recv_timeout(SLOW).unwrap();
        assert_eq!(daemon.state("lb", 0), "OK", "{lines}");
    }
}

#[test]
fn max_packet_size_is_what_a_head_may_take() {
    let a = Backend::saying("fits");
    for (size, bytes, status) in [
        (8192, 9_000, 413),
        (16384, 9_000, 200),
        (16384, 17_000, 413),
        (65536, 40_000, 200),
    ] {
        let daemon = before(a.address, &format!("a.max_packet_size={size}"));
        let value = "x".repeat(1000);
        let fields = (1..=bytes / 1000).map(|n| format!("X-{n}: {value}\r\n"));
        let fields = fields.collect::<Vec<_>>().concat();
        let answer = daemon.say(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n"
        ));
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{size} {bytes}: {answer}");
    }
}

#[test]
fn max_packet_size_is_the_size_of_a_piece_of_body() {
    for (size, piece) in [(8192, 8186), (16384, 16378)] {
        let (said, heard) = mpsc::channel();
        let said = Mutex::new(said);
        let a = Backend::start(move |exchange| {
            said.lock().send(exchange.data()?.len()).unwrap();
            exchange.answer(200, &[], b"")
        });
        let daemon = before(a.address, &format!("a.max_packet_size={size}"));
        let body = vec![b'x'; 20_000];
        let mut body = body.as_slice();
        let request = Request::new("POST", "/").body(&mut body, Some(20_000));
        assert_eq!(daemon.http().send(request).status, 200);
        assert_eq!(heard.recv_timeout(SLOW).unwrap(), piece);
    }
}
