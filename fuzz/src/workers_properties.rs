//! Any file of workers is read, and what comes of it keeps the model's promises.

use std::collections::HashSet;

use jkworkers::{
    model::{Balancer, WorkerKind},
    workers_properties::{Source, read},
};

/// Appended to the input, so that a secret is always there to be kept.
const SECRET: &[u8] = b"\nworker.a.secret=hushhushhush\nworker.a.secret=hushhushhush2\n";

/// A file.
pub(crate) fn run(input: &[u8]) {
    let bytes = [input, SECRET].concat();
    let source = Source {
        name: "f",
        bytes: &bytes,
    };
    let workers = read(&[source], &[], "/", &|_| None);
    let names: HashSet<_> = workers.listed.iter().collect();
    assert_eq!(names.len(), workers.listed.len());
    for worker in &workers.workers {
        assert!(names.contains(&worker.name));
        if let WorkerKind::Balancer(balancer) = &worker.kind {
            assert!(workers.diagnostics.has_errors() || is_sound(balancer));
        }
        let _ = serde_json::to_string(worker).unwrap();
    }
    let told = input.windows(12).any(|text| text == b"hushhushhush");
    let said = workers.diagnostics.to_string();
    assert!(told || !said.contains("hushhushhush"), "{said}");
}

fn is_sound(balancer: &Balancer) -> bool {
    let routes: HashSet<_> = balancer
        .members
        .iter()
        .map(|member| &member.route)
        .collect();
    !routes.is_empty() && routes.len() == balancer.members.len()
}
