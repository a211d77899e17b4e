//! jkd over two nodes, and a load that opens new connections as well as it uses old ones.

use std::{net::SocketAddr, time::Duration};

use jkd_tests::{Ask, Jkd, JkdBuilder, Load, Node, Report};

/// The daemon.
pub(crate) fn binary() -> String {
    std::env::var("JKD_FAULTS_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_jkd").into())
}

/// Requests a second.
pub(crate) fn rate() -> u32 {
    let rate = std::env::var("JKD_FAULTS_RATE").ok();
    rate.map_or(200, |rate| rate.parse().expect("a number"))
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Says what a test came to.
pub(crate) fn told(what: &str, report: Report) -> Report {
    println!("\n{what}: {report}");
    report
}

/// Two nodes that run.
pub(crate) struct Nodes {
    pub(crate) a: Node,
    pub(crate) b: Node,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self {
            a: Node::new("a"),
            b: Node::new("b"),
        }
    }

    /// The configuration that has both of them, and `settings`.
    pub(crate) fn workers(&self, settings: &str) -> String {
        let member = |name: &str, node: &Node| {
            let port = node.address.port();
            format!("worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n")
        };
        format!(
            "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n{}{}{settings}",
            member("a", &self.a),
            member("b", &self.b)
        )
    }

    /// A jkd in front of them that is not started, with `lines` in its main file. `program` is
    /// what is started: the daemon itself, or something that starts it.
    pub(crate) fn front_by(&self, program: &str, lines: &str) -> JkdBuilder {
        let conf = format!("JkWorkersFile workers.properties\nJkMount /* lb\n{lines}");
        Jkd::builder(program)
            .file("workers.properties", &self.workers(""))
            .file("jk.conf", &conf)
    }

    /// The same that runs, at a port that the system chose.
    pub(crate) fn front(&self, lines: &str) -> Jkd {
        let lines = format!("Listen 127.0.0.1:0\n{lines}");
        self.front_by(&binary(), &lines)
            .start(&["run", "-f", "jk.conf"])
    }
}

/// A load of GETs and POSTs, of which each third wants a connection of its own.
pub(crate) fn load(address: SocketAddr, lasts: Duration) -> Load {
    let load = Load::on(address).rate(rate()).lasting(lasts);
    load.patience(secs(20)).asking(|place| {
        let ask = match place % 4 {
            0 => Ask::post("/order", 3000),
            1 => Ask::get("/slow").after_ms(30),
            _ => Ask::get("/id"),
        };
        match place % 3 {
            0 => ask.field("Connection", "close"),
            _ => ask,
        }
    })
}
