//! Shared inputs of the benchmarks.

use std::{fmt::Write, sync::Arc};

use jkd::balancer::Balancer;
use jkworkers::{
    model::WorkerKind,
    workers_properties::{self, Source},
};

/// A balancer of this many members, `node0`, `node1`, …, with uneven factors.
///
/// # Panics
///
/// If the configuration that it writes is refused.
pub fn balancer(members: usize) -> Arc<Balancer> {
    let mut text = String::from("worker.list=router\nworker.router.type=lb\n");
    for index in 0..members {
        let name = format!("node{index}");
        writeln!(text, "worker.router.balance_workers={name}").expect("strings grow");
        writeln!(text, "worker.{name}.type=ajp13").expect("strings grow");
        writeln!(text, "worker.{name}.lbfactor={}", index % 3 + 1).expect("strings grow");
    }
    let source = Source {
        name: "bench",
        bytes: text.as_bytes(),
    };
    let read = workers_properties::read(&[source], &[], "/", &|_| None);
    match &read.workers.first().expect("a worker").kind {
        WorkerKind::Balancer(balancer) => Arc::new(Balancer::new(Arc::clone(balancer))),
        other => panic!("no balancer: {other:?}"),
    }
}
