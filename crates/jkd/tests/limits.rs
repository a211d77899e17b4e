//! Limits on what clients may take, each one reached over real sockets: the answer, and the lines in
//! both logs.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use jkd_tests::{Backend, Connection, End, Jkd, wait_until};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// jkd in front of one backend, with these lines in its main file.
fn limited(backend: &Backend, lines: &str) -> Jkd {
    started(BINARY, backend, lines, &["run", "-f", "jk.conf"])
}

fn started(program: &str, backend: &Backend, lines: &str, arguments: &[&str]) -> Jkd {
    let port = backend.address.port();
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n");
    let conf = format!(
        "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMount /* w\n\
         CustomLog access.log \"%>s <%r>\"\n{lines}\n"
    );
    Jkd::builder(program)
        .file("workers.properties", &workers)
        .file("jk.conf", &conf)
        .start(arguments)
}

/// Reads all of an upload before it answers.
fn reading() -> Backend {
    Backend::start(|exchange| {
        if exchange.request[1] == 4 {
            exchange.data()?;
            while !exchange.ask_for_body(8186)?.is_empty() {}
        }
        exchange.answer(200, &[], b"fine")
    })
}

fn access_log(jkd: &Jkd) -> String {
    std::fs::read_to_string(jkd.path("access.log")).unwrap_or_default()
}

/// Waits for the line about a limit, and returns it.
#[track_caller]
fn told(jkd: &Jkd, limit: &str) -> String {
    let start = format!("limit=\"{limit}\" client=\"127.0.0.1\"");
    jkd.wait_for_log(&start);
    let log = jkd.log();
    let line = log.lines().find(|line| line.contains(&start));
    line.unwrap().to_owned()
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_limit_of_a_request_has_its_status_and_its_lines() {
    let backend = reading();
    let long = "x".repeat(300);
    let fields = "A: b\r\n".repeat(9);
    let head = |line: &str, fields: &str| format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    for (lines, request, status, limit, line) in [
        (
            "LimitRequestLine 200",
            head(&format!("GET /{long}"), ""),
            414,
            "LimitRequestLine",
            "414 <GET /xxx",
        ),
        (
            "LimitRequestFields 5",
            head("GET /", &fields),
            400,
            "LimitRequestFields",
            "400 <GET / HTTP/1.1>",
        ),
        (
            "LimitRequestFieldSize 200",
            head("GET /", &format!("A: {long}\r\n")),
            400,
            "LimitRequestFieldSize",
            "400 <GET / HTTP/1.1>",
        ),
        (
            "LimitRequestBody 10",
            head("POST /", "Content-Length: 11\r\n") + "0123456789a",
            413,
            "LimitRequestBody",
            "413 <POST / HTTP/1.1>",
        ),
        (
            "RequestReadTimeout header=1",
            "GET / HTTP/1.1\r\nHost: a".to_owned(),
            408,
            "RequestReadTimeout header",
            "408 <GET / HTTP/1.1>",
        ),
        (
            "RequestReadTimeout body=1",
            head("POST /", "Content-Length: 3\r\n") + "a",
            408,
            "RequestReadTimeout body",
            "408 <POST / HTTP/1.1>",
        ),
        (
            "Timeout 1",
            head("POST /", "Content-Length: 3\r\n") + "a",
            408,
            "RequestReadTimeout body",
            "408 <POST / HTTP/1.1>",
        ),
    ] {
        let jkd = limited(&backend, lines);
        let mut client = Connection::open(jkd.address).unwrap();
        client.send(request.as_bytes());
        let reply = client.read("GET");
        assert_eq!((reply.status, reply.end), (status, End::Closed), "{lines}");
        told(&jkd, limit);
        wait_until("the line of the access log", || {
            access_log(&jkd).starts_with(line)
        });
    }
}

#[test]
fn a_limit_that_is_reached_all_the_time_has_few_lines() {
    let backend = Backend::saying("fine");
    let jkd = limited(&backend, "LimitRequestFields 1");
    for _ in 0..300 {
        let mut client = Connection::open(jkd.address).unwrap();
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n");
        assert_eq!(client.read("GET").status, 400);
    }
    told(&jkd, "LimitRequestFields");
    wait_until("all lines of the access log", || {
        access_log(&jkd).lines().count() == 300
    });
    // One at once, and another one each ten seconds.
    assert!(
        jkd.log().matches("limit reached").count() < 20,
        "{}",
        jkd.log()
    );
}

#[test]
fn one_connection_more_than_there_may_be_waits_for_another_one_to_end() {
    let backend = Backend::saying("fine");
    let jkd = limited(&backend, "JkdMaxConnections 3\nKeepAliveTimeout 600");
    let open = |fields: &str| {
        let mut client = Connection::open(jkd.address).unwrap();
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes());
        client
    };
    let mut inside: Vec<_> = (0..3).map(|_| open("")).collect();
    for client in &mut inside {
        assert_eq!(client.read("GET").status, 200);
    }
    let waiting: Vec<_> = (0..20).map(|_| open("Connection: close\r\n")).collect();
    told(&jkd, "JkdMaxConnections");
    assert_eq!(backend.requests(), 3);
    // Who is inside is served as ever.
    inside[0].send(ASK);
    assert_eq!(inside[0].read("GET").status, 200);
    drop(inside);
    for mut client in waiting {
        client.half_close();
        assert_eq!(client.read("GET").status, 200);
    }
    assert_eq!(open("").read("GET").status, 200);
}

#[test]
fn one_client_cannot_take_all_connections() {
    let backend = Backend::saying("fine");
    let jkd = limited(
        &backend,
        "JkdMaxConnectionsPerClient 3\nKeepAliveTimeout 600\nErrorDocument 503 \"later\"",
    );
    let open = || Connection::open(jkd.address).unwrap();
    let mut inside: Vec<_> = (0..3).map(|_| open()).collect();
    for client in &mut inside {
        client.send(ASK);
        assert_eq!(client.read("GET").status, 200);
    }
    let mut fourth = open();
    fourth.send(ASK);
    let reply = fourth.read("GET");
    assert_eq!((reply.status, reply.end), (503, End::Closed));
    assert_eq!(reply.body, b"later");
    told(&jkd, "JkdMaxConnectionsPerClient");
    wait_until("the line of the access log", || {
        access_log(&jkd).contains("503 <GET / HTTP/1.1>\n")
    });
    // Who says nothing is not kept for long, and nobody can keep many of these.
    let silent: Vec<_> = (0..20).map(|_| open()).collect();
    for mut client in silent {
        assert_eq!(client.read_to_end(), b"");
    }
    drop(inside);
    wait_until("room for this client", || {
        let mut again = open();
        again.send(ASK);
        again.read("GET").status == 200
    });
}

#[test]
fn proxies_that_are_trusted_may_have_any_number_of_connections() {
    let backend = Backend::saying("fine");
    let lines = "JkdMaxConnectionsPerClient 1\nRemoteIPHeader X-Forwarded-For\n\
                 RemoteIPInternalProxy 127.0.0.1";
    let jkd = limited(&backend, lines);
    let mut clients: Vec<_> = (0..20)
        .map(|_| Connection::open(jkd.address).unwrap())
        .collect();
    for client in &mut clients {
        client.send(ASK);
        assert_eq!(client.read("GET").status, 200);
    }
}

/// A large answer that nobody takes, or not fast enough, does not keep its connection to the backend.
#[test]
fn who_does_not_take_an_answer_is_given_up() {
    for (lines, sip) in [
        ("Timeout 1\nJkdSendMinRate 0", 0),
        ("Timeout 2\nJkdSendMinRate 100000000", 30_000),
    ] {
        let (ended, was) = std::sync::mpsc::channel();
        let backend = Backend::start(move |exchange| {
            exchange.headers(200, &[("Content-Length", "1000000000")])?;
            let sent = (0..125_000).try_for_each(|_| {
                exchange.chunk(&[b'x'; 8000])?;
                exchange.flush()
            });
            let _ = ended.send(sent.is_err());
            sent
        });
        let jkd = limited(&backend, lines);
        let mut reader = TcpStream::connect(jkd.address).unwrap();
        reader.write_all(ASK).unwrap();
        let mut buffer = vec![0; sip];
        let cut_off = loop {
            // Some pieces a second, but far less than there should be.
            if let Ok(cut_off) = was.recv_timeout(Duration::from_millis(50)) {
                break cut_off;
            }
            let _ = reader.read(&mut buffer);
        };
        assert!(cut_off, "{lines}");
        told(&jkd, "Timeout, JkdSendMinRate");
        wait_until("the line of the access log", || {
            access_log(&jkd).starts_with("200 <GET / HTTP/1.1>")
        });
    }
}

/// FLT-30: 200 clients, and files for a few of them.
#[test]
fn too_few_files_make_clients_wait() {
    let backend = Backend::start(|exchange| {
        std::thread::sleep(Duration::from_millis(20));
        exchange.answer(200, &[], b"fine")
    });
    let script = "ulimit -n 64; exec \"$0\" run -f jk.conf";
    let jkd = started(
        "sh",
        &backend,
        "KeepAliveTimeout 600",
        &["-c", script, BINARY],
    );
    jkd.wait_for_log("connections of clients at once");
    let before = cpu_ticks(&jkd);
    let mut clients: Vec<_> = (0..200)
        .map(|_| {
            let mut client = Connection::open(jkd.address).unwrap();
            client.send(ASK);
            client
        })
        .collect();
    told(&jkd, "JkdMaxConnections");
    let used = wait_for_rest(&jkd) - before;
    println!("FLT-30: {used} ticks of processor time for 200 clients");
    clients.iter_mut().for_each(Connection::half_close);
    for client in &mut clients {
        assert_eq!(client.read("GET").status, 200, "{}", jkd.log());
    }
    drop(clients);
    let mut after = Connection::open(jkd.address).unwrap();
    after.send(ASK);
    assert_eq!(after.read("GET").status, 200);
    let log = jkd.log();
    assert!(log.lines().count() < 60, "{log}");
    assert!(
        !log.contains("panicked") && !log.contains("in error"),
        "{log}"
    );
}

/// Where no file is left for a CPing nobody has heard a silence: members at work go on with it.
#[test]
fn who_cannot_ask_gives_nobody_up() {
    let at_work = || {
        Backend::start(|exchange| {
            std::thread::sleep(Duration::from_millis(1500));
            exchange.answer(200, &[], b"fine")
        })
    };
    let (a, b) = (at_work(), at_work());
    let (to_a, to_b) = (a.address.port(), b.address.port());
    let workers = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
         worker.a.host=127.0.0.1\nworker.a.port={to_a}\n\
         worker.b.host=127.0.0.1\nworker.b.port={to_b}\n"
    );
    let jkd = Jkd::serving(BINARY, &workers, &["/*=lb"]);
    let mut clients: Vec<_> = (0..6)
        .map(|_| {
            let mut client = Connection::open(jkd.address).unwrap();
            client.send(ASK);
            client
        })
        .collect();
    wait_until("all requests to be at work", || {
        a.requests() + b.requests() == 6
    });
    let pid = Pid::from_raw(i32::try_from(jkd.process().pid()).unwrap());
    let none = Rlimit {
        current: Some(1),
        maximum: Some(4096),
    };
    prlimit(pid, Resource::Nofile, none).unwrap();
    for client in &mut clients {
        assert_eq!(client.read("GET").status, 200, "{}", jkd.log());
    }
    assert_eq!(a.requests() + b.requests(), 6, "{}", jkd.log());
    assert!(!jkd.log().contains("in error"), "{}", jkd.log());
}

/// Waits until nothing is done any more, which is how it should be while nobody leaves.
fn wait_for_rest(jkd: &Jkd) -> u64 {
    let mut quiet = (0, cpu_ticks(jkd));
    wait_until("jkd to rest", || {
        std::thread::sleep(Duration::from_millis(200));
        let now = cpu_ticks(jkd);
        let rests = now <= quiet.1 + 1;
        quiet = (if rests { quiet.0 + 1 } else { 0 }, now);
        quiet.0 >= 5
    });
    quiet.1
}

/// Processor time that jkd has used, in ticks of 10 ms.
fn cpu_ticks(jkd: &Jkd) -> u64 {
    let stat = format!("/proc/{}/stat", jkd.process().pid());
    let stat = std::fs::read_to_string(stat).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
