//! More than there is room for, and nodes that are slow, or that one URL breaks.

use std::{collections::BTreeSet, io, thread, time::Duration};

use jkd_tests::{Ask, Backend, Connection, Load, Node, Outcome, Pattern};

use crate::rig::{Rig, ms, secs, told};

/// FLT-14: more requests than connections: some get 503 in time, and nobody is in error.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn pool_exhausted() {
    let limits = ["a", "b"].map(|name| {
        format!(
            "worker.{name}.connection_pool_size=5\nworker.{name}.connection_acquire_timeout=300\n"
        )
    });
    let rig = Rig::new(&limits.concat());
    let slow = |_| Ask::get("/slow").after_ms(100);
    let load = rig.load(secs(3)).rate(250).asking(slow);
    let report = told("FLT-14", load.run());
    let refused = report.with(Outcome::Answered(503));
    assert!(refused > 0, "{report}");
    assert_eq!(report.failed(), refused, "{report}");
    // As with mod_jk each member is waited for, in each of two passes with a pause between them.
    assert!(report.slowest() < ms(4 * 300 + 100) + secs(1), "{report}");
    assert!(
        !rig.jkd.log().contains("member is in error"),
        "{}",
        rig.jkd.log()
    );
    let after = told(
        "  afterwards",
        rig.load(secs(1)).rate(20).asking(slow).run(),
    );
    assert_eq!(after.failed(), 0, "{after}");
}

/// FLT-18: one is ten times slower: who counts what is in flight sends it less.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn one_is_slow() {
    let a = Node::stopped("a").slow(ms(100));
    a.start();
    let rig = Rig::over(a, Node::new("b"), "worker.lb.method=Busyness\n");
    let report = told("FLT-18", rig.load(secs(3)).run());
    assert_eq!(report.failed(), 0, "{report}");
    assert!(report.by('a') * 100 <= report.total() * 20, "{report}");
}

/// FLT-44: everybody comes at once, and no connection is there yet.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn a_herd() {
    let rig = Rig::over(
        Node::stopped("a"),
        Node::stopped("b"),
        "worker.a.connection_pool_size=20\nworker.b.connection_pool_size=20\n",
    );
    let before = told("FLT-44, nobody there", rig.load(secs(1)).run());
    assert_eq!(
        before.with(Outcome::Answered(503)),
        before.total(),
        "{before}"
    );
    let nodes = [&rig.a, &rig.b].map(|node| node_of_threads(node, |_| true));
    let herd = rig.load(ms(10)).rate(50_000).patience(secs(10));
    let report = told("FLT-44", herd.run());
    assert_eq!(report.failed(), 0, "{report}");
    for node in nodes {
        // Twenty, and the CPings of who asked whether it is back.
        assert!(
            node.connections() <= 25,
            "{} connections",
            node.connections()
        );
    }
}

/// FLT-EJECT: what clients do wrong is not held against anybody.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn clients_at_fault() {
    let rig = Rig::over(Node::stopped("a"), Node::stopped("b"), "");
    let _nodes = [&rig.a, &rig.b].map(|node| {
        Backend::on(node.listener(128), |exchange| {
            exchange.headers(400, &[("Content-Length", "0")])?;
            exchange.end(false)
        })
    });
    let requests = [
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
        "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nshort",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ];
    let mut statuses = BTreeSet::new();
    for request in requests.iter().cycle().take(1000) {
        let mut connection = Connection::open(rig.jkd.address).unwrap();
        connection.send(request.as_bytes());
        connection.half_close();
        statuses.insert(connection.read("GET").status);
    }
    println!("FLT-EJECT: statuses {statuses:?}");
    assert!(
        !rig.jkd.log().contains("member is in error"),
        "{}",
        rig.jkd.log()
    );
}

/// FLT-EJECT2: one URL makes each node hang up; all others go on as if nothing was.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn one_url_breaks_each_node() {
    let rig = Rig::over(Node::stopped("a"), Node::stopped("b"), "");
    let _nodes =
        [&rig.a, &rig.b].map(|node| node_of_threads(node, |request| !request.contains("/poison")));
    let load = rig.load(secs(4)).rate(200);
    let load = load.asking(|place| match place % 20 {
        0 => Ask::get("/poison"),
        _ => Ask::get("/id"),
    });
    let report = told("FLT-EJECT2", load.run());
    assert_eq!(
        report.with(Outcome::Answered(502)),
        40,
        "{report}\n{}",
        rig.jkd.log()
    );
    assert_eq!(report.failed(), 40, "{report}");
}

/// FLT-SLOWURL: one URL hangs on each node; all others go on as if nothing was.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn one_url_hangs_on_each_node() {
    let settings = "worker.a.reply_timeout=1000\nworker.b.reply_timeout=1000\n\
        worker.lb.max_reply_timeouts=1000\n";
    let rig = Rig::new(settings);
    let hanging = Load::on(rig.jkd.address).rate(50).lasting(secs(3));
    let hanging = hanging
        .asking(|_| Ask::get("/hangs").after_ms(60_000))
        .begin();
    let others = told("FLT-SLOWURL, the others", rig.load(secs(3)).run());
    let report = told("FLT-SLOWURL", hanging.finish());
    assert_eq!(others.failed(), 0, "{others}");
    assert_eq!(
        report.with(Outcome::Answered(504)),
        report.total(),
        "{report}"
    );
}

/// A node in this process that hangs up instead of answering a request that does not suit it.
fn node_of_threads(node: &Node, suits: fn(&str) -> bool) -> Backend {
    Backend::on(node.listener(1024), move |exchange| {
        let request = String::from_utf8_lossy(exchange.request).into_owned();
        if !suits(&request) {
            return Err(io::Error::other("does not suit"));
        }
        thread::sleep(Duration::from_millis(5));
        let field = request.split("X-Id\0").nth(1).unwrap_or_default();
        let number: String = field.chars().skip(2).take_while(|c| *c != '\0').collect();
        let body = Pattern::new(u64::from_str_radix(&number, 16).unwrap_or_default());
        let length = ("Content-Length", "64");
        exchange.answer(200, &[("X-Id", &number), length], &{ body }.take(64))
    })
}
