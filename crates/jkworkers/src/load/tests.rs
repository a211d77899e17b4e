use super::{memory::Memory, *};
use crate::{access::tests::allows, model::WorkerKind};

const JK_CONF: &str = include_str!("../../tests/data/seed4-jk.conf");
const WORKERS: &str = include_str!("../../tests/data/seed4-workers.properties");

fn said(loaded: &Loaded) -> String {
    loaded.diagnostics.to_string()
}

fn debian() -> Memory {
    Memory::new(&[
        ("/etc/jk.conf", JK_CONF),
        ("/etc/libapache2-mod-jk/workers.properties", WORKERS),
    ])
}

#[test]
fn a_debian_jk_conf_works_unchanged() {
    let loaded = debian().load();
    insta::assert_snapshot!(said(&loaded), @r"
    /etc/jk.conf: warning: no Listen directive: 127.0.0.1:8080 is used
        remedy: Write `Listen 80`, or start with --listen ADDRESS:PORT.
    /etc/jk.conf:29: warning: JkMount /jk-status jk-status replaces the line for jkstatus at /etc/jk.conf:19
        remedy: Remove one of the two lines.
    /etc/jk.conf:29: warning: the worker `jk-status` is not defined: the built-in status page serves /jk-status
        remedy: Write worker.jk-status.type=status and add jk-status to worker.list to have it your own way.
    /etc/jk.conf:36: warning: the worker `jk-manager` is not defined: the built-in status page serves /jk-manager
        remedy: Write worker.jk-manager.type=status and add jk-manager to worker.list to have it your own way.
    /etc/libapache2-mod-jk/workers.properties:1: warning: the value of `worker.list` ends before the `#`: it begins a comment
        remedy: Choose a value without `#`; put a blank before a comment.
    /etc/libapache2-mod-jk/workers.properties:1: warning: U+3000 looks like a blank and is a part of the text
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    /etc/libapache2-mod-jk/workers.properties:1: warning: the worker name `jkstatus\u{3000}` contains U+3000
        remedy: Separate names by commas or blanks; nothing else separates them.
    /etc/libapache2-mod-jk/workers.properties:1: warning: nothing is set for the worker `jkstatus　`: it is an ajp13 worker on localhost:8009
        remedy: Separate names by commas or blanks; nothing else separates them.
    /etc/libapache2-mod-jk/workers.properties:19: warning: the worker `jkstatus` is neither in worker.list nor a member nor a template
        remedy: Did you mean `worker.jkstatus　`? Otherwise add `jkstatus` to worker.list or remove it.
    ");
}

#[test]
fn a_debian_jk_conf_has_its_workers() {
    let model = debian().load().model.unwrap();
    let kinds: Vec<_> = model
        .workers
        .iter()
        .map(|worker| match &worker.kind {
            WorkerKind::Balancer(lb) => format!("{} lb of {}", worker.name, lb.members.len()),
            WorkerKind::Status(status) => format!("{} read_only={}", worker.name, status.read_only),
            WorkerKind::Ajp13(_) => format!("{:?}", worker.name),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "loadbalancer lb of 2",
            // What looks like a blank behind it is a part of its name.
            r#""jkstatus\u{3000}""#,
            "jk-status read_only=true",
            "jk-manager read_only=false"
        ]
    );
}

#[test]
fn a_debian_jk_conf_serves_and_protects() {
    let model = debian().load().model.unwrap();
    let host = &model.hosts[0];
    let worker = |uri: &str| {
        host.uri_map
            .find(uri.as_bytes())
            .unwrap()
            .worker
            .to_string()
    };
    assert_eq!(worker("/"), "loadbalancer");
    assert_eq!(worker("/jk-status"), "jk-status");
    assert_eq!(worker("/jk-status/x"), "loadbalancer");
    let allows = |path: &str, client| allows(host, path, client);
    assert!(allows("/jk-status", "127.0.0.1"));
    assert!(!allows("/jk-status", "192.0.2.2"));
    assert!(!allows("/jk-manager/x", "192.0.2.2"));
    assert!(allows("/jk-statusx", "192.0.2.2"));
}
