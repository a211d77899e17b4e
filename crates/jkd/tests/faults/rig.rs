//! jkd over two nodes, and a load on it.

use std::time::Duration;

use jkd_tests::{Ask, Jkd, Load, Node, Report, Running, executed_twice};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Tests run beside each other, but for those that need the machine for themselves. At a rate beyond
/// the usual one that is each of them.
static MACHINE: RwLock<()> = RwLock::new(());

/// A part of the machine, or all of it.
#[expect(dead_code, reason = "what counts is how long they are held")]
pub(crate) enum Share {
    All(RwLockWriteGuard<'static, ()>),
    Part(RwLockReadGuard<'static, ()>),
}

impl Share {
    pub(crate) fn all() -> Self {
        Self::All(MACHINE.write())
    }

    pub(crate) fn part() -> Self {
        if rate() > USUAL {
            return Self::all();
        }
        Self::Part(MACHINE.read())
    }
}

/// Requests a second, unless somebody wants more.
const USUAL: u32 = 200;

/// The daemon.
pub(crate) fn binary() -> String {
    std::env::var("JKD_FAULTS_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_jkd").into())
}

/// Requests a second.
pub(crate) fn rate() -> u32 {
    let rate = std::env::var("JKD_FAULTS_RATE").ok();
    rate.map_or(USUAL, |rate| rate.parse().expect("a number"))
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

/// See [`Rig::witness`].
pub(crate) fn witness(jkd: &Jkd, lasts: Duration) -> Running {
    let load = Load::on(jkd.address).rate(20).lasting(lasts);
    let of_b = |_| Ask::get("/witness").field("Cookie", "JSESSIONID=1.b");
    load.asking(of_b).begin()
}

/// Nobody has to wait longer than a witness of the same time; but for the noise of the machine.
pub(crate) fn assert_nobody_waits(report: &Report, witness: &Report) {
    let (most, least) = (witness.p50(), ms(50));
    assert!(
        report.p50() <= most * 3 + least,
        "{report}\nwhile others had {witness}"
    );
}

/// jkd over two nodes.
pub(crate) struct Rig {
    pub(crate) jkd: Jkd,
    pub(crate) a: Node,
    pub(crate) b: Node,
    _share: Share,
}

impl Rig {
    /// Both nodes run.
    pub(crate) fn new(settings: &str) -> Self {
        Self::over(Node::new("a"), Node::new("b"), settings)
    }

    /// The same, and no other test runs beside this one.
    pub(crate) fn alone(settings: &str) -> Self {
        Self::with(Share::all(), Node::new("a"), Node::new("b"), settings)
    }

    /// jkd knows their addresses and nothing else, apart from these lines.
    pub(crate) fn over(a: Node, b: Node, settings: &str) -> Self {
        Self::with(Share::part(), a, b, settings)
    }

    fn with(share: Share, a: Node, b: Node, settings: &str) -> Self {
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
        Self {
            jkd,
            a,
            b,
            _share: share,
        }
    }

    /// A load on it, that has not begun.
    pub(crate) fn load(&self, lasts: Duration) -> Load {
        Load::on(self.jkd.address).rate(rate()).lasting(lasts)
    }

    /// Some requests that go to `b` in any case: how long they take is what the machine takes at
    /// present, whatever becomes of `a`.
    pub(crate) fn witness(&self, lasts: Duration) -> Running {
        witness(&self.jkd, lasts)
    }

    /// POSTs that were executed more than once.
    pub(crate) fn twice(&self) -> Vec<String> {
        executed_twice("POST", &[&self.a, &self.b])
    }
}
