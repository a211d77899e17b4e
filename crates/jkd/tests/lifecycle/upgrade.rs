//! A daemon is replaced by another one while clients go on.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use jkd_tests::{Connection, End, Http, Jkd, Outcome, Report, in_own_network, wait_until};

use crate::{
    front::{Nodes, binary, load, secs, told},
    supervised::Supervisor,
};

/// Tells the old one to end while the new one serves, a few times.
fn replace(first: Jkd, start: impl Fn() -> Jkd, named: &str) -> Report {
    let load = load(first.address, secs(6)).begin();
    let mut old = first;
    for time in 1..=4 {
        load.wait_until(secs(time));
        let new = start();
        assert_eq!(old.terminate(), 0, "{}", old.log());
        old = new;
    }
    told(named, load.finish())
}

/// FLT-24: both have the socket that the supervisor holds.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn replaced_on_a_socket_that_was_passed() {
    let (nodes, supervisor) = (Nodes::new(), Supervisor::new());
    let lines = format!("Listen {}\n", supervisor.address);
    let start = || supervisor.start(supervisor.builder(&nodes, &lines));
    let first = start();
    assert_eq!(first.address, supervisor.address);
    let report = replace(first, start, "FLT-24, a socket that was passed");
    assert_eq!(report.failed(), 0, "{report}");
}

/// The old one has ended before the new one begins. Clients wait in the socket's queue.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn restarted_on_a_socket_that_was_passed() {
    let (nodes, supervisor) = (Nodes::new(), Supervisor::new());
    // Without a Listen, what was passed is served.
    let start = || supervisor.start(supervisor.builder(&nodes, ""));
    let first = start();
    let load = load(first.address, secs(3)).begin();
    load.wait_until(secs(1));
    assert_eq!(first.terminate(), 0, "{}", first.log());
    let second = start();
    let report = told("restarted with its socket", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(second.terminate(), 0);
}

/// FLT-24: the new one shares the port with the old one.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn replaced_by_one_that_shares_the_port() {
    let nodes = Nodes::new();
    let first = nodes.front("");
    let lines = format!("Listen {}\n", first.address);
    let start = || {
        let builder = nodes.front_by(&binary(), &lines);
        builder.start(&["run", "-f", "jk.conf", "--take-over"])
    };
    let report = replace(first, start, "FLT-24, a port that is shared");
    // The system may have let somebody in who never came to anybody: see `--take-over`, and the next
    // test.
    let reset = report.with(Outcome::Lost);
    assert_eq!(report.failed(), reset, "{report}");
    assert!(reset <= 2, "{report}");
}

/// FLT-24: the same where the system gives connections that the old one has not accepted to the new
/// one: nobody is refused, nobody is cut off.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn replaced_by_one_that_shares_the_port_without_a_loss() {
    if !in_own_network("upgrade::replaced_by_one_that_shares_the_port_without_a_loss") {
        return;
    }
    fs::write("/proc/sys/net/ipv4/tcp_migrate_req", "1").expect("Linux 5.14 or newer");
    let nodes = Nodes::new();
    let first = nodes.front("");
    let lines = format!("Listen {}\n", first.address);
    let start = || {
        let builder = nodes.front_by(&binary(), &lines);
        builder.start(&["run", "-f", "jk.conf", "--take-over"])
    };
    let report = replace(
        first,
        start,
        "FLT-24, a port that is shared, with tcp_migrate_req",
    );
    assert_eq!(report.failed(), 0, "{report}");
}

#[test]
fn a_socket_that_is_passed_is_served_and_news_are_told() {
    let (nodes, supervisor) = (Nodes::new(), Supervisor::new());
    let builder = supervisor.builder(&nodes, "Listen 127.0.0.1:0\n");
    let builder = builder.environment("WATCHDOG_USEC", "200000");
    let jkd = supervisor.start(builder);
    assert_eq!(supervisor.hears(), "READY=1\n");
    supervisor.waits_for("WATCHDOG=1\n");
    let unused = format!("nobody serves the socket {}", supervisor.address);
    jkd.wait_for_log(&unused);
    // Where it says so, it is.
    jkd.write(
        "jk.conf",
        "JkWorkersFile workers.properties\nJkMount /* lb\n",
    );
    jkd.process().signal("HUP");
    supervisor.waits_for("RELOADING=1\nMONOTONIC_USEC=");
    supervisor.waits_for("READY=1\n");
    assert_eq!(Http::new(supervisor.address).get("/").status, 200);
    jkd.write("jk.conf", "JkNonsense\n");
    jkd.process().signal("HUP");
    supervisor.waits_for("RELOADING=1\n");
    supervisor.waits_for("READY=1\n");
    assert_eq!(Http::new(supervisor.address).get("/").status, 200);
    // Where it is given up again, it says so again.
    let conf = "JkWorkersFile workers.properties\nJkMount /* lb\nListen 127.0.0.1:0\n";
    jkd.write("jk.conf", conf);
    jkd.process().signal("HUP");
    wait_until("the warning", || jkd.log().matches(&unused).count() == 2);
    jkd.process().signal("TERM");
    supervisor.waits_for("STOPPING=1\n");
    assert_eq!(jkd.process().wait_for_end(), 0);
}

/// The system keeps on letting clients in at a socket that the supervisor holds, whoever serves it:
/// those who wait there when jkd gives it up hear from it, and nobody else.
#[test]
fn who_waits_at_a_socket_that_is_given_up_is_served() {
    let (nodes, supervisor) = (Nodes::new(), Supervisor::new());
    let jkd = supervisor.start(supervisor.builder(&nodes, "JkdMaxConnections 1\n"));
    let only = Connection::open(supervisor.address).unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Connection::open(supervisor.address).unwrap();
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            client
        })
        .collect();
    jkd.wait_for_log("further clients wait");
    let conf = "JkWorkersFile workers.properties\nJkMount /* lb\nListen 127.0.0.1:0\n";
    jkd.write("jk.conf", conf);
    jkd.process().signal("HUP");
    for mut client in waiting {
        assert_eq!(client.read("GET").status, 200);
    }
    drop(only);
    assert_eq!(jkd.terminate(), 0);
}

/// How many sockets listen at an address of IPv4.
fn listening(address: SocketAddr) -> usize {
    let SocketAddr::V4(address) = address else {
        panic!("{address}")
    };
    let ip = u32::from_le_bytes(address.ip().octets());
    let place = format!(" {ip:08X}:{:04X} 00000000:0000 0A ", address.port());
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    sockets.lines().filter(|line| line.contains(&place)).count()
}

/// A new one that is not ready takes no client of the old one: while it waits for a resolver, and
/// when it ends without having served anybody.
#[test]
#[ignore = "needs namespaces: run tests/run"]
fn one_that_is_not_ready_takes_no_clients() {
    let nodes = Nodes::new();
    let first = nodes.front("");
    let before = listening(first.address);
    assert!(before > 0);
    let workers = nodes.workers("worker.a.resolve=all\n");
    let workers = workers.replacen("host=127.0.0.1", "host=tomcats", 1);
    let lines = format!("Listen {}\n", first.address);
    let builder = nodes
        .front_by(&binary(), &lines)
        .names("127.0.0.1 tomcats\n")
        .file("workers.properties", &workers);
    // Whoever reads it waits for somebody who writes.
    let hosts = builder.directory().join("hosts");
    fs::remove_file(&hosts).unwrap();
    let made = Command::new("mkfifo").arg(&hosts).status().unwrap();
    assert!(made.success());
    let second = thread::spawn(move || builder.start(&["run", "-f", "jk.conf", "--take-over"]));
    // That can be opened when there is a reader.
    let asked = fs::OpenOptions::new().write(true).open(&hosts).unwrap();
    assert_eq!(listening(first.address), before);
    drop(asked);
    let second = second.join().unwrap();
    assert!(listening(first.address) > before);
    assert_eq!(first.terminate(), 0);
    assert_eq!(second.http().get("/").status, 200);
}

/// One that cannot start beside another costs that one no connection.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn one_that_cannot_start_costs_nobody_a_connection() {
    let nodes = Nodes::new();
    let first = nodes.front("");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = taken.local_addr().unwrap();
    let lines = format!("Listen {}\nListen {other}\n", first.address);
    let is_over = AtomicBool::new(false);
    let served = thread::scope(|scope| {
        let clients = [(); 4].map(|()| {
            scope.spawn(|| {
                let mut served = 0;
                while !is_over.load(Relaxed) {
                    let mut client = Connection::open(first.address).unwrap();
                    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                    assert_eq!(client.read("GET").status, 200);
                    served += 1;
                }
                served
            })
        });
        let statuses = [(); 20].map(|()| {
            let builder = nodes.front_by(&binary(), &lines);
            let refused = builder.run(&["run", "-f", "jk.conf", "--take-over"]);
            refused.map(|refused| refused.status.code())
        });
        is_over.store(true, Relaxed);
        let served = clients.map(|client| client.join().unwrap());
        for status in statuses {
            assert_eq!(status.unwrap(), Some(1));
        }
        served.iter().sum::<u32>()
    });
    println!("\n{served} connections beside 20 that could not start");
    assert_eq!(first.terminate(), 0);
}

#[test]
fn a_port_in_use_is_shared_only_where_that_is_wanted() {
    let nodes = Nodes::new();
    let first = nodes.front("");
    let lines = format!("Listen {}\n", first.address);
    let builder = nodes.front_by(&binary(), &lines);
    let refused = builder.run(&["run", "-f", "jk.conf"]).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("cannot listen on"), "{said}");
    let second = builder.start(&["run", "-f", "jk.conf", "--take-over"]);
    assert_eq!(first.terminate(), 0);
    assert_eq!(second.http().get("/").status, 200);
}

/// A client that has a connection when the end is asked for gets one more answer, which says that
/// it is the last.
#[test]
fn idle_connections_are_served_once_more() {
    let nodes = Nodes::new();
    let jkd = nodes.front("");
    let mut before = Connection::open(jkd.address).unwrap();
    before.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(before.read("GET").status, 200);
    let mut unused = Connection::open(jkd.address).unwrap();
    jkd.process().signal("TERM");
    wait_until("the listener is closed", || {
        TcpStream::connect(jkd.address).is_err()
    });
    for connection in [&mut before, &mut unused] {
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let reply = connection.read("GET");
        assert_eq!((reply.status, reply.end), (200, End::Closed));
    }
    assert_eq!(jkd.process().wait_for_end(), 0);
}
