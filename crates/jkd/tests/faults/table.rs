//! Whether `docs/faults.md` has a row for each fault, with tests that exist.

use std::{fs, path::Path};

use jkd_tests::{Jkd, Nobody, Request};

use crate::rig::binary;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Numbers of rows, and rows that have names.
const ROWS: [std::ops::RangeInclusive<u32>; 4] = [1..=18, 20..=25, 30..=36, 40..=49];
const NAMED: [&str; 5] = ["DNS", "EJECT", "EJECT2", "SLOWURL", "PANIC"];

#[test]
fn each_fault_has_a_row_with_its_test_or_a_reason() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/faults.md")).unwrap();
    let rows: Vec<Vec<_>> = page
        .lines()
        .filter(|line| line.starts_with("| FLT-"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let numbers = ROWS
        .into_iter()
        .flatten()
        .map(|row| format!("FLT-{row:02}"));
    let names = NAMED.map(|name| format!("FLT-{name}"));
    for row in numbers.chain(names) {
        assert!(rows.iter().any(|cells| cells[0] == row), "no row {row}");
    }
    let sources = ["crates", "tests"].map(|part| sources(&Path::new(ROOT).join(part)));
    let sources = sources.concat();
    for cells in &rows {
        assert_eq!(cells.len(), 4, "{cells:?}");
        assert!(!cells[1].is_empty() && !cells[2].is_empty(), "{cells:?}");
        if cells[3] == "-" {
            continue;
        }
        for test in cells[3].split(", ") {
            let name = test.trim_matches('`');
            let is_there = sources.contains(&format!("fn {name}("));
            assert!(is_there, "{}: there is no test {name}", cells[0]);
        }
    }
}

fn sources(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}

/// What the page tells those who want a `Retry-After`.
#[test]
fn who_knows_when_to_come_again_says_so() {
    let nobody = Nobody::new();
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={}\n",
        nobody.address.port()
    );
    let page = fs::read_to_string(Path::new(ROOT).join("docs/faults.md")).unwrap();
    let line = page.lines().find(|line| line.starts_with("Header always"));
    for (line, expected) in [(line.unwrap(), Some("5")), ("", None)] {
        let conf = format!(
            "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMount /app/* w\n{line}\n"
        );
        let builder = Jkd::builder(&binary()).file("workers.properties", &workers);
        let jkd = builder
            .file("jk.conf", &conf)
            .start(&["run", "-f", "jk.conf"]);
        let down = jkd.http().send(Request::new("GET", "/app/"));
        assert_eq!((down.status, down.header("retry-after")), (503, expected));
        let other = jkd.http().send(Request::new("GET", "/"));
        assert_eq!(other.header("retry-after"), None);
    }
}
