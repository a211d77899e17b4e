//! What a process is to others on its machine: its sockets, and its files.

use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
};

use jkd_tests::{Backend, Jkd, LONG, try_within};

use crate::BINARY;

fn serving(binary: &str, backend: &Backend, more: &str) -> Jkd {
    let port = backend.address.port();
    Jkd::builder(binary)
        .file(
            "workers.properties",
            &format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n"),
        )
        .file(
            "jk.conf",
            &format!("JkWorkersFile workers.properties\nJkMount /* w\n{more}"),
        )
        .start(&["run", "-f", "jk.conf", "--listen", "127.0.0.1:0"])
}

/// The sockets of a process that listen, as the system knows them.
fn listening(pid: u32) -> BTreeSet<SocketAddr> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let own: BTreeSet<_> = descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect();
    let mut addresses = BTreeSet::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap();
        for line in text.lines().skip(1) {
            let columns: Vec<_> = line.split_whitespace().collect();
            let is_own = own.contains(&format!("socket:[{}]", columns[9]));
            let is_open = table.starts_with("udp") || columns[3] == "0A";
            if is_own && is_open {
                assert_eq!(table, "tcp", "{line}");
                addresses.insert(address(columns[1]));
            }
        }
    }
    addresses
}

/// `0100007F:1F90`.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let ip = u32::from_str_radix(ip, 16).unwrap();
    let port = u16::from_str_radix(port, 16).unwrap();
    (Ipv4Addr::from(ip.to_le_bytes()), port).into()
}

#[test]
fn nothing_listens_but_what_is_configured() {
    let backend = Backend::saying("hello");
    let jkd = serving(BINARY, &backend, "");
    assert_eq!(jkd.http().get("/").text(), "hello");
    let expected = BTreeSet::from([jkd.address]);
    assert_eq!(listening(jkd.process().pid()), expected);
}

#[test]
fn no_file_of_ours_is_others_to_write_and_no_child_inherits_a_socket() {
    let backend = Backend::saying("hello");
    let directory = tempfile::tempdir().unwrap();
    let program = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // Whatever mask it is started with.
    let masked = program("jkd", &format!("umask 0\nexec {BINARY} \"$@\""));
    let descriptors = directory.path().join("descriptors");
    let shown = descriptors.display();
    let reader = program(
        "reader",
        &format!("ls -l /proc/$$/fd >{shown}.new; mv {shown}.new {shown}; exec cat"),
    );
    let logs = format!(
        "JkLogFile jk.log\nErrorLog error.log\nCustomLog access.log common\n\
         CustomLog \"|{reader}\" common\nJkShmFile shm\n"
    );
    let jkd = serving(&masked, &backend, &logs);
    assert_eq!(jkd.http().get("/").text(), "hello");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(jkd.path(".")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let about = entry.metadata().unwrap();
        assert_eq!(about.mode() & 0o022, 0, "{name}: {:o}", about.mode());
        assert!(about.is_file() || about.is_dir(), "{name}");
        names.insert(name);
    }
    assert!(
        names.contains("access.log") && names.contains("jk.log"),
        "{names:?}"
    );
    // Its state is in its memory, and in no file that others could read or change.
    assert!(!names.contains("shm"), "{names:?}");
    let inherited = try_within(LONG, || fs::read_to_string(&descriptors).ok());
    let inherited = inherited.expect("a list");
    assert!(inherited.contains(" 0 -> "), "{inherited}");
    for kind in ["socket:", "anon_inode:", "access.log"] {
        assert!(!inherited.contains(kind), "{inherited}");
    }
}

#[test]
fn nobody_in_the_process_gains_powers_and_no_program_that_it_starts() {
    const TOLD: &str = "NoNewPrivs:\t1\n";
    let backend = Backend::saying("hello");
    let directory = tempfile::tempdir().unwrap();
    let status = directory.path().join("status");
    let shown = status.display();
    // The shell replaces itself: what is read is the program's own.
    let reader = format!(
        "CustomLog \"|$exec sh -c 'cat /proc/$$/status >{shown}.new; mv {shown}.new {shown}; \
         exec cat >{shown}.log'\" %U\n"
    );
    let jkd = serving(BINARY, &backend, &reader);
    assert_eq!(jkd.http().get("/asked").text(), "hello");
    let tasks = fs::read_dir(format!("/proc/{}/task", jkd.process().pid())).unwrap();
    let tasks: Vec<_> = tasks.map(|task| task.unwrap().path()).collect();
    assert!(tasks.len() > 1, "{tasks:?}");
    for task in tasks {
        // One that reads files may have ended meanwhile.
        let Ok(text) = fs::read_to_string(task.join("status")) else {
            continue;
        };
        assert!(text.contains(TOLD), "{text}");
    }
    let program = try_within(LONG, || fs::read_to_string(&status).ok());
    let program = program.expect("the program's status");
    assert!(program.contains(TOLD), "{program}");
    // It has its lines all the same.
    assert_eq!(jkd.terminate(), 0);
    let lines = || fs::read_to_string(format!("{shown}.log")).ok();
    let lines = try_within(LONG, || lines().filter(|lines| !lines.is_empty()));
    assert_eq!(lines.as_deref(), Some("/asked\n"));
}

#[test]
fn nothing_of_a_configuration_that_is_no_file_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("workers.properties");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut check = Command::new(BINARY)
        .arg("check")
        .args([Path::new("--workers"), &pipe])
        .spawn()
        .unwrap();
    let ended = try_within(LONG, || check.try_wait().unwrap());
    let _ = check.kill();
    let _ = check.wait();
    assert_eq!(ended.expect("it waits").code(), Some(2));
}
