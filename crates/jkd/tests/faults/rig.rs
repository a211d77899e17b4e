//! jkd over two nodes, and a load on it.

use std::time::Duration;

use jkd_tests::{Jkd, Load, Node, Report, executed_twice};

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

/// Says what a row of the matrix came to.
pub(crate) fn told(row: &str, report: Report) -> Report {
    println!("\n{row}: {report}");
    report
}

/// jkd over two nodes.
pub(crate) struct Rig {
    pub(crate) jkd: Jkd,
    pub(crate) a: Node,
    pub(crate) b: Node,
}

impl Rig {
    /// Both nodes run.
    pub(crate) fn new(settings: &str) -> Self {
        Self::over(Node::new("a"), Node::new("b"), settings)
    }

    /// jkd knows their addresses and nothing else, apart from these lines.
    pub(crate) fn over(a: Node, b: Node, settings: &str) -> Self {
        let member = |name: &str, node: &Node| {
            let port = node.address.port();
            format!(
                "worker.{name}.type=ajp13\nworker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n"
            )
        };
        let workers = format!(
            "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n{}{}{settings}",
            member("a", &a),
            member("b", &b)
        );
        let status = settings.contains("type=status").then_some("/jk=status");
        let mounts: Vec<_> = ["/*=lb"].into_iter().chain(status).collect();
        let jkd = Jkd::serving(&binary(), &workers, &mounts);
        Self { jkd, a, b }
    }

    /// A load on it, that has not begun.
    pub(crate) fn load(&self, lasts: Duration) -> Load {
        Load::on(self.jkd.address).rate(rate()).lasting(lasts)
    }

    /// POSTs that were executed more than once.
    pub(crate) fn twice(&self) -> Vec<String> {
        executed_twice("POST", &[&self.a, &self.b])
    }
}
