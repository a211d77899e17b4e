//! The program as `benches/run` runs it, with the floor as the only front end: it needs nothing that
//! is not built here.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{path::Path, process::Command};

use jkd_bench::record::{self, Line};

fn jkd_bench(arguments: &[&str]) -> (bool, String) {
    let program = env!("CARGO_BIN_EXE_jkd-bench");
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn measure(results: &Path, more: &[&str]) -> (bool, String) {
    let results = results.to_str().unwrap();
    let mut arguments = vec![
        "run",
        "--pin",
        "none",
        "--repeats",
        "2",
        "--seconds",
        "0.2",
        "--warm-up",
        "0.1",
        "--wait-quiet",
        "0",
        "--retries",
        "0",
        "--out",
        results,
    ];
    arguments.extend(more);
    jkd_bench(&arguments)
}

#[test]
fn floors_are_measured_and_reported() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("below/results.jsonl");
    let peers = [
        "--peers",
        "floor,floor-64k",
        "--scenarios",
        "c16,post8k",
        "--segments",
        "packet",
    ];
    let (succeeded, said) = measure(&results, &peers);
    assert!(succeeded, "{said}");
    look_at_results(&record::read(&[&results]).unwrap());
    look_at_page(directory.path(), &results);
}

fn look_at_results(lines: &[Line]) {
    assert!(matches!(&lines[0], Line::Machine(machine) if machine.segments == "packet"));
    let mut order = Vec::new();
    for line in &lines[1..] {
        let Line::Sample(sample) = line else {
            panic!("{line:?}");
        };
        assert_eq!((&sample.failed, sample.faults()), (&None, 0), "{sample:?}");
        assert!(
            sample.outcome.requests > 0 && sample.memory_kib > 100,
            "{sample:?}"
        );
        assert!(
            sample.backend.requests >= sample.outcome.requests,
            "{sample:?}"
        );
        order.push((
            sample.repeat,
            sample.scenario.as_str(),
            sample.peer.as_str(),
        ));
    }
    let expected = [
        (0, "c16", "floor"),
        (0, "c16", "floor-64k"),
        (0, "post8k", "floor"),
        (0, "post8k", "floor-64k"),
        (1, "c16", "floor-64k"),
        (1, "c16", "floor"),
        (1, "post8k", "floor-64k"),
        (1, "post8k", "floor"),
    ];
    assert_eq!(order, expected);
}

fn look_at_page(directory: &Path, results: &Path) {
    let page = directory.join("performance.md");
    let (results, path) = (results.to_str().unwrap(), page.to_str().unwrap());
    let (succeeded, said) = jkd_bench(&["report", results, "--page", path]);
    assert!(succeeded, "{said}");
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("## GET 128 B, 16 connections") && text.contains("| floor | 2 |"));
    assert!(text.contains("](performance/cpu.svg)"), "{text}");
    let plot = std::fs::read_to_string(directory.join("performance/cpu.svg")).unwrap();
    assert!(plot.contains("floor-64k"));
}

#[test]
fn a_front_end_that_does_not_start_is_a_result() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results.jsonl");
    let (succeeded, said) = measure(
        &results,
        &[
            "--peers",
            "jkd",
            "--scenarios",
            "c1",
            "--jkd",
            "/nowhere/jkd",
        ],
    );
    assert!(succeeded && said.contains("failed: cannot start"), "{said}");
    let lines = record::read(&[&results]).unwrap();
    let failed = |line: &Line| matches!(line, Line::Sample(sample) if sample.failed.is_some());
    assert!(lines.len() == 3 && lines[1..].iter().all(failed));
}

#[test]
fn names_that_are_none_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results.jsonl");
    for wrong in [["--peers", "mod_js"], ["--scenarios", "c17"]] {
        let (succeeded, said) = measure(&results, &wrong);
        assert!(!succeeded && said.contains(wrong[1]), "{said}");
    }
    let (succeeded, said) = jkd_bench(&["list"]);
    assert!(succeeded && said.contains("mod_proxy_ajp") && said.contains("sticky"));
    let (_, said) = jkd_bench(&["packages", "--peers", "mod_jk,nginx,jkd"]);
    assert_eq!(said, "apache2\nlibapache2-mod-jk\nnginx\n");
}
