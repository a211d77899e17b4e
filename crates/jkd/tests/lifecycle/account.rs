//! Who serves clients where the process is root's.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use jkd_tests::{Backend, Jkd, wait_until};

use crate::front::binary;

/// A thread: its name, its user, its capabilities.
fn threads(pid: u32) -> Vec<(String, String, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |task: &Path| {
        let read = |name| fs::read_to_string(task.join(name)).unwrap_or_default();
        let status = read("status");
        let line = |name: &str| {
            let mut lines = status.lines();
            let found = lines.find_map(|line| line.strip_prefix(name));
            found.unwrap_or_default().trim().replace('\t', " ")
        };
        let name = read("comm").trim().to_owned();
        (name, line("Uid:"), line("CapEff:"))
    };
    tasks.map(|task| of(&task.unwrap().path())).collect()
}

fn builder(backend: &Backend, lines: &str) -> jkd_tests::JkdBuilder {
    let port = backend.address.port();
    let builder = Jkd::builder(&binary());
    let root = builder.directory().to_owned();
    fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    let builder = builder
        .file("www/open.txt", "for all")
        .file("www/closed.txt", "for root")
        .file(
            "workers.properties",
            &format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n"),
        )
        .file(
            "jk.conf",
            &format!(
                "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMount /w/* w\n\
                 DocumentRoot {}/www\nCustomLog access.log %U\n{lines}\n",
                root.display()
            ),
        );
    let closed = root.join("www/closed.txt");
    fs::set_permissions(closed, Permissions::from_mode(0o600)).unwrap();
    builder
}

#[test]
#[ignore = "needs root: run tests/run"]
fn clients_are_served_by_the_user_that_is_written() {
    let backend = Backend::saying("w");
    let jkd = builder(&backend, "User nobody\nGroup nogroup").start(&["run", "-f", "jk.conf"]);
    let status = |path: &str| jkd.http().get(path).status;
    assert_eq!(
        ["/open.txt", "/w/x", "/closed.txt"].map(status),
        [200, 200, 403],
        "{}",
        jkd.log()
    );
    let threads = threads(jkd.process().pid());
    let own = |name: &str| name.starts_with("lane-") || name.starts_with("tokio");
    let serving: Vec<_> = threads.iter().filter(|(name, ..)| own(name)).collect();
    assert!(serving.len() > 1, "{threads:?}");
    for (name, user, capabilities) in serving {
        assert_eq!(user, "65534 65534 65534 65534", "{name}");
        assert_eq!(capabilities, "0000000000000000", "{name}");
    }
    // What is root's remains possible, as for httpd's first process.
    let log = jkd.path("access.log");
    fs::rename(&log, jkd.path("access.log.1")).unwrap();
    jkd.process().signal("HUP");
    wait_until("the log is opened anew", || log.exists());
    assert_eq!(status("/open.txt"), 200);
    wait_until("a line", || {
        fs::read_to_string(&log).unwrap().contains("/open.txt")
    });
    assert_eq!(jkd.terminate(), 0);
}

#[test]
#[ignore = "needs root: run tests/run"]
fn root_is_nobody_to_serve_clients() {
    let backend = Backend::saying("w");
    for (lines, told) in [
        ("User root", "User root: jkd does not serve clients as root"),
        (
            "User no-such-user",
            "User no-such-user: there is no such user",
        ),
        (
            "User nobody\nGroup no-such-group",
            "Group no-such-group: there is no such group",
        ),
    ] {
        let output = builder(&backend, lines)
            .run(&["run", "-f", "jk.conf"])
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(told), "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
    let jkd = builder(&backend, "").start(&["run", "-f", "jk.conf"]);
    jkd.wait_for_log("clients are served by root");
}
