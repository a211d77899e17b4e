//! Configurations with which only one of both servers starts.

use std::{collections::BTreeSet, fmt::Write as _};

use jkd_tests::{Httpd, Jkd, unescaped};

use crate::table::{self, Shown};

struct Start {
    name: String,
    refuses: String,
    workers: String,
    jk: String,
}

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn only_one_of_both_starts() {
    let mut report = String::new();
    for start in starts() {
        let refusing = match (start.mod_jk(), start.jkd()) {
            (Ok(()), Err(_)) => "jkd",
            (Err(_), Ok(())) => "mod_jk",
            (Ok(()), Ok(())) => "nobody",
            (Err(mod_jk), Err(jkd)) => {
                let _ = writeln!(report, "mod_jk: {mod_jk}\njkd: {jkd}");
                "both"
            }
        };
        if refusing != start.refuses {
            let (name, refuses) = (&start.name, &start.refuses);
            let _ = writeln!(report, "{name}: refused by {refusing} instead of {refuses}");
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn each_start_has_a_row() {
    let names: BTreeSet<_> = starts().into_iter().map(|start| start.name).collect();
    let rows: BTreeSet<_> = table::names(&Shown::Start).into_iter().collect();
    assert_eq!(names, rows, "configurations, and rows of the table");
}

impl Start {
    fn mod_jk(&self) -> Result<(), String> {
        let workers = unescaped(&self.workers);
        let files = [("workers.properties", &*workers)];
        Httpd::try_start_forked(&files, &self.jk).map(drop)
    }

    fn jkd(&self) -> Result<(), String> {
        let builder = Jkd::builder(env!("CARGO_BIN_EXE_jkd"));
        let directory = builder.directory();
        std::fs::write(
            directory.join("workers.properties"),
            unescaped(&self.workers),
        )
        .expect("a file");
        let root = directory.display().to_string();
        let text = format!(
            "ServerRoot \"{root}\"\nServerName localhost\nListen 127.0.0.1:8080\n\
             JkWorkersFile workers.properties\n{}",
            self.jk
        );
        let builder = builder.file("httpd.conf", &text);
        let output = builder
            .run(&["check", "-f", "httpd.conf"])
            .expect("jkd runs");
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn starts() -> Vec<Start> {
    let texts = include_str!("starts.txt").split("\n== ").skip(1);
    texts.map(read).collect()
}

fn read(text: &str) -> Start {
    let (name, rest) = text.split_once("\nrefuses: ").expect("who refuses");
    let (refuses, rest) = rest.split_once("\n[workers]\n").expect("workers");
    let (workers, jk) = rest.split_once("\n[jk]\n").unwrap_or((rest, ""));
    Start {
        name: name.to_owned(),
        refuses: refuses.to_owned(),
        workers: format!("{}\n", workers.trim_end()),
        jk: format!("{jk}\n"),
    }
}
