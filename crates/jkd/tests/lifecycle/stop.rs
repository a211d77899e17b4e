//! SIGTERM, SIGHUP and SIGKILL under load.

use std::{fs, net::TcpStream, time::Duration};

use jkd_tests::{Ask, Connection, Http, Jkd, Outcome, free_port, wait_until};
use tokio::time::Instant;

use crate::front::{Nodes, binary, load, ms, secs, told};

const REFUSED: &str = "the running configuration stays";

/// Writes a file anew. Whoever reads it meanwhile reads the old one or the new one.
fn put(jkd: &Jkd, name: &str, text: &str) {
    jkd.write("next", text);
    fs::rename(jkd.path("next"), jkd.path(name)).unwrap();
}

/// How often the log says `text`.
fn logged(jkd: &Jkd, text: &str) -> usize {
    jkd.log().matches(text).count()
}

/// FLT-23: every request that was accepted is answered; who comes later is refused.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn terminated_under_load() {
    let nodes = Nodes::new();
    let jkd = nodes.front("");
    let load = load(jkd.address, secs(3)).begin();
    load.wait_until(ms(1500));
    let from = load.elapsed();
    assert_eq!(jkd.terminate(), 0, "{}", jkd.log());
    let report = told("FLT-23", load.finish());
    // The load may be late by then.
    let before = report.due(Duration::ZERO..from.saturating_sub(ms(500)));
    assert_eq!(before.failed(), 0, "{before}");
    let refused = report.with(Outcome::Refused);
    assert!(refused > 0, "{report}");
    // A handshake that ends while the socket is being closed ends in a reset: nothing was accepted.
    let reset = report.with(Outcome::Lost);
    assert_eq!(report.failed(), refused + reset, "{report}");
    assert!(reset <= 1, "{report}");
}

/// FLT-23 where files are wanting: who was let in waits for those that end, and is answered.
#[test]
fn terminated_without_files() {
    let nodes = Nodes::new();
    let lines = "Listen 127.0.0.1:0\nJkdMaxConnections 1000\nJkUnMount /none lb\n";
    let limited = "ulimit -n 100; exec \"$@\"";
    let binary = binary();
    let program = ["-c", limited, "bash", &binary];
    let run = ["run", "-f", "jk.conf", "--threads", "1"];
    let jkd = nodes
        .front_by("bash", lines)
        .start(&[&program[..], &run[..]].concat());
    let open = || Connection::open(jkd.address).unwrap();
    let idle: Vec<_> = (0..110).map(|_| open()).collect();
    jkd.wait_for_log("cannot accept connections");
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let mut client = open();
            client.send(b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            client
        })
        .collect();
    jkd.process().signal("TERM");
    jkd.wait_for_log("are let in when others have gone");
    drop(idle);
    for mut client in waiting {
        assert_eq!(client.read("GET").status, 404);
    }
    assert_eq!(jkd.process().wait_for_end(), 0);
    assert!(!jkd.log().contains("cut off"), "{}", jkd.log());
}

/// FLT-20: read again and again, with changes each time.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn reloaded_under_load() {
    let nodes = Nodes::new();
    let port = free_port();
    let jkd = nodes.front("");
    let load = load(jkd.address, secs(6)).begin();
    let conf = fs::read_to_string(jkd.path("jk.conf")).unwrap();
    for round in 0..25 {
        load.wait_until(ms(200) * (round + 1));
        let (more, settings) = match round % 3 {
            0 => (format!("Listen 127.0.0.1:{port}\n"), ""),
            1 => ("JkMount /more/* lb\n".to_owned(), "worker.b.lbfactor=2\n"),
            _ => (String::new(), "worker.a.connection_pool_size=50\n"),
        };
        put(&jkd, "workers.properties", &nodes.workers(settings));
        put(&jkd, "jk.conf", &format!("{conf}{more}"));
        jkd.process().signal("HUP");
    }
    let report = told("FLT-20", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let reloads = logged(&jkd, "configuration reloaded");
    println!("  {reloads} reloads");
    assert!(reloads >= 5, "{}", jkd.log());
}

/// Spoils the files, whose good texts it is given.
type Spoil = fn(&Jkd, &str, &str);

/// What can be wrong with files, in the order in which a file becomes that way.
const WRONG: [(&str, Spoil); 10] = [
    ("syntax", |jkd, conf, _| {
        jkd.write("jk.conf", &format!("{conf}<Location\n"));
    }),
    ("unknown directive", |jkd, conf, _| {
        jkd.write("jk.conf", &format!("{conf}JkNonsense On\n"));
    }),
    ("unknown property", |jkd, conf, workers| {
        jkd.write("jk.conf", conf);
        jkd.write(WORKERS, &format!("{workers}worker.a.prot=1\n"));
    }),
    ("empty", |jkd, _, _| jkd.write(WORKERS, "")),
    ("mount of nobody", |jkd, conf, workers| {
        jkd.write(WORKERS, workers);
        jkd.write("jk.conf", &format!("{conf}JkMount /more nobody\n"));
    }),
    ("missing", |jkd, conf, _| {
        jkd.write("jk.conf", conf);
        fs::remove_file(jkd.path(WORKERS)).unwrap();
    }),
    ("directory", |jkd, _, _| {
        fs::create_dir(jkd.path(WORKERS)).unwrap();
    }),
    ("1 TB", |jkd, _, _| {
        fs::remove_dir(jkd.path(WORKERS)).unwrap();
        let file = fs::File::create(jkd.path(WORKERS)).unwrap();
        file.set_len(1 << 40).unwrap();
    }),
    ("UTF-16", |jkd, _, workers| {
        jkd.write(WORKERS, workers);
        fs::write(jkd.path("jk.conf"), b"\xFF\xFEL\0i\0s\0t\0e\0n\0").unwrap();
    }),
    ("address of another host", |jkd, conf, _| {
        jkd.write("jk.conf", &format!("{conf}Listen 192.0.2.1:80\n"));
    }),
];

const WORKERS: &str = "workers.properties";

/// FLT-21: files that are wrong in every way change nothing.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn bad_files_under_load() {
    let nodes = Nodes::new();
    let jkd = nodes.front("");
    let load = load(jkd.address, secs(60)).begin();
    let conf = fs::read_to_string(jkd.path("jk.conf")).unwrap();
    for (number, (what, spoil)) in WRONG.iter().enumerate() {
        spoil(&jkd, &conf, &nodes.workers(""));
        jkd.process().signal("HUP");
        wait_until(what, || logged(&jkd, REFUSED) > number);
    }
    jkd.write("jk.conf", &conf);
    jkd.process().signal("HUP");
    jkd.wait_for_log("configuration reloaded");
    for (file, name) in [("workers.properties", "lb"), ("jk.conf", "nobody")] {
        let log = jkd.log();
        let reason = format!("mounts `{name}`, which is no worker");
        assert!(log.contains(&reason) && log.contains(file), "{log}");
    }
    load.stop();
    let report = told("FLT-21", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
}

/// FLT-22: a member is taken away while it has requests, and comes back.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn a_member_is_taken_away_under_load() {
    let nodes = Nodes::new();
    let jkd = nodes.front("");
    let slow = load(jkd.address, secs(5)).asking(|place| match place % 4 {
        0 => Ask::post("/order", 3000).after_ms(300),
        _ => Ask::get("/slow").after_ms(300),
    });
    let slow = slow.rate(60).begin();
    let both = nodes.workers("");
    let one = both.replace("balance_workers=a,b", "balance_workers=a");
    for time in 1..=4 {
        slow.wait_until(secs(time));
        let workers = if time % 2 == 1 { &one } else { &both };
        put(&jkd, "workers.properties", workers);
        jkd.process().signal("HUP");
    }
    let report = told("FLT-22", slow.finish());
    assert_eq!(report.failed(), 0, "{report}");
    for node in ['a', 'b'] {
        assert!(report.by(node) > 0, "{report}");
    }
}

/// FLT-25: killed, and started again by whoever watches over it.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn killed_and_started_again() {
    let nodes = Nodes::new();
    let jkd = nodes.front("");
    let address = jkd.address;
    let load = load(address, secs(1)).begin();
    load.wait_until(ms(500));
    jkd.process().signal("KILL");
    assert_eq!(jkd.process().wait_for_end(), 128 + 9);
    drop(load.finish());
    let lines = format!("Listen {address}\n");
    let builder = nodes.front_by(&binary(), &lines);
    let begun = Instant::now();
    // Connections of the one that was killed still linger on the port.
    let again = builder.start(&["run", "-f", "jk.conf"]);
    assert_eq!(Http::new(address).get("/").status, 200);
    let took = begun.elapsed();
    println!("\nFLT-25: the first answer came after {took:?}");
    // Under 200 ms on a quiet machine.
    assert!(took < secs(5), "{took:?}");
    assert!(TcpStream::connect(again.address).is_ok());
}
