//! Each row of the directives' rules as a test.

mod members;
mod values;

use std::time::Duration;

use crate::{
    model::{AjpWorker, Balancer, StatusWorker, WorkerKind},
    workers_properties::{Source, Workers, read},
};

fn workers(text: &str) -> (Workers, String) {
    let source = Source {
        name: "w",
        bytes: text.as_bytes(),
    };
    let workers = read(&[source], &[], "/", &|_| None);
    let found = workers.diagnostics.to_string();
    (workers, found)
}

/// Reads `worker.list=NAME`, then the text with `.` at the beginning of a line for `worker.NAME.`.
fn kind(name: &str, text: &str) -> (WorkerKind, String) {
    let mut file = format!("worker.list={name}\n");
    for line in text.lines() {
        let prefix = if line.starts_with('.') {
            format!("worker.{name}")
        } else {
            String::new()
        };
        file.extend([prefix.as_str(), line, "\n"]);
    }
    let (workers, found) = workers(&file);
    let worker = workers
        .workers
        .first()
        .unwrap_or_else(|| panic!("{file}\n{found}"));
    (worker.kind.clone(), found)
}

fn ajp(text: &str) -> (AjpWorker, String) {
    match kind("a", &format!(".type=ajp13\n{text}")) {
        (WorkerKind::Ajp13(worker), found) => ((*worker).clone(), found),
        other => panic!("{other:?}"),
    }
}

fn lb(text: &str) -> (Balancer, String) {
    let text = format!(".type=lb\n.balance_workers=m\nworker.m.port=8009\n{text}");
    match kind("b", &text) {
        (WorkerKind::Balancer(balancer), found) => ((*balancer).clone(), found),
        other => panic!("{other:?}"),
    }
}

fn status(text: &str) -> (StatusWorker, String) {
    match kind("s", &format!(".type=status\n{text}")) {
        (WorkerKind::Status(status), found) => ((*status).clone(), found),
        other => panic!("{other:?}"),
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn names_of_the_list_are_built_in_order_and_once() {
    let (workers, found) = workers(
        "worker.list=b,a\nworker.list=a c\nworker.a.port=1\nworker.b.type=status\nworker.c.port=2\n",
    );
    let names: Vec<&str> = workers.workers.iter().map(|w| &*w.name).collect();
    assert_eq!(names, ["b", "a", "c"]);
    assert_eq!(workers.workers[1].origin.line, 3);
    assert_eq!(
        found,
        "w:2: warning: `a` is in worker.list twice\n    remedy: Keep it once.\n"
    );
}

#[test]
fn without_a_list_there_is_one_worker_called_ajp13() {
    let (built, found) = workers("");
    assert_eq!(&*built.workers[0].name, "ajp13");
    let WorkerKind::Ajp13(worker) = &built.workers[0].kind else {
        panic!("{built:?}");
    };
    assert_eq!((&*worker.host, worker.port), ("localhost", 8009));
    assert!(found.contains("worker.list is missing"), "{found}");

    let (built, found) = workers("\nworker.tomcat.port=8009\nworker.ajp13.port=8010\n");
    assert_eq!(built.workers.len(), 1);
    assert!(
        found.contains("w:2: warning: worker.list is missing"),
        "{found}"
    );
    assert!(found.contains("are to be mounted: ajp13,tomcat"), "{found}");
}

#[test]
fn a_list_without_names_is_an_error() {
    let (built, found) = workers("worker.list=,\n");
    assert!(built.workers.is_empty());
    assert!(
        found.contains("w:1: error: worker.list names no worker"),
        "{found}"
    );
}

#[test]
fn a_listed_name_without_settings_is_a_worker_and_a_warning() {
    let (built, found) = workers("worker.list=tomact1\nworker.tomcat1.port=8010\n");
    assert_eq!(built.workers.len(), 1);
    assert!(
        found.contains("w:1: warning: nothing is set for the worker `tomact1`"),
        "{found}"
    );
    assert!(found.contains("Did you mean `tomcat1`?"), "{found}");
    assert!(
        found.contains("w:2: warning: the worker `tomcat1` is neither in worker.list"),
        "{found}"
    );
    assert!(found.contains("Did you mean `worker.tomact1`?"), "{found}");
}

#[test]
fn names_have_limits() {
    let long = "x".repeat(64);
    let (_, found) = workers(&format!("worker.list={long}\nworker.{long}.port=1\n"));
    assert!(found.contains("is longer than 63 bytes"), "{found}");
    let fits = "x".repeat(63);
    let (_, found) = workers(&format!("worker.list={fits}\nworker.{fits}.port=1\n"));
    assert_eq!(found, "");
    let (_, found) = workers("worker.list=a\u{FF0C}b\n");
    assert!(found.contains("contains U+FF0C"), "{found}");
}

#[test]
fn names_with_dots_are_names() {
    let (built, found) = workers("worker.list=a.b\nworker.a.b.port=8010\n");
    assert_eq!(found, "");
    let WorkerKind::Ajp13(worker) = &built.workers[0].kind else {
        panic!("{built:?}");
    };
    assert_eq!(worker.port, 8010);
}

#[test]
fn types_are_exact() {
    for (text, message) in [
        (
            "AJP13",
            "there is no worker type `AJP13` (in `worker.a.type`)\n    remedy: Did you mean `worker.a.type=ajp13`?",
        ),
        ("LB", "Did you mean `worker.a.type=lb`?"),
        ("loadbalancer", "The types are ajp13, lb and status."),
        ("ajp12", "`ajp12` workers are not supported"),
        ("ajp14", "`ajp14` workers are not supported"),
        ("jni", "`jni` workers are not supported"),
    ] {
        let (built, found) = workers(&format!("worker.list=a\nworker.a.type={text}\n"));
        assert!(built.workers.is_empty());
        assert_eq!(built.listed.len(), 1, "a mount of it is no second error");
        assert!(found.contains("w:2: error: "), "{found}");
        assert!(found.contains(message), "{text}: {found}");
        let no_members = usize::from(text == "LB");
        assert_eq!(
            found.matches(": error: ").count(),
            1 + no_members,
            "{found}"
        );
    }
}

#[test]
fn what_is_inherited_is_reported_once_where_it_was_written() {
    let (_, found) = workers(
        "worker.list=a,b\nworker.a.reference=worker.t\nworker.b.reference=worker.u\n\
         worker.u.reference=worker.t\nworker.t.port=x\n",
    );
    insta::assert_snapshot!(found, @r"
    w:5: warning: `worker.t.port=x` is no number: 8009 applies
        remedy: Write a whole number.
    ");
}

#[test]
fn a_worker_of_a_wrong_type_is_looked_at_all_the_same() {
    let (built, found) = workers(
        "worker.list=b\nworker.b.type=balancer\nworker.b.balance_workers=m\nworker.b.retries=x\n\
         worker.m.port=70000\n",
    );
    assert!(built.workers.is_empty());
    for line in ["w:2: error", "w:4: warning", "w:5: error"] {
        assert!(found.contains(line), "{found}");
    }
}

#[test]
fn unknown_directives_are_errors_and_unknown_variables_are_not() {
    let (_, found) = workers(
        "worker.list=a\nworker.a.prot=8009\nworker.lists=b\nworker.a.frobnicate=1\nfoo.bar=1\nps=/\n",
    );
    insta::assert_snapshot!(found, @r"
    w:2: error: there is no directive `prot` (in `worker.a.prot`)
        remedy: Did you mean `worker.a.port`?
    w:3: error: there is no directive `lists` (in `worker.lists`)
        remedy: Did you mean `worker.list`?
    w:4: error: there is no directive `frobnicate` (in `worker.a.frobnicate`)
        remedy: Remove the line; a variable must not begin with `worker.`.
    ");
}

#[test]
fn accepted_keys_without_effect_are_reported() {
    let (_, found) = workers(
        "worker.list=a\nworker.a.port=1\nworker.a.maintain=5\nworker.foo.list=x\nworker.port=1\n\
         worker.a.sysprops=x\nworker.a.recycle_timeout=5\nworker.a.secretkey=hush\nWorker.a.host=h\n",
    );
    insta::assert_snapshot!(found, @r"
    w:3: warning: `worker.a.maintain` has no effect
        remedy: Write `worker.maintain`, without a worker's name.
    w:4: warning: `worker.foo.list` has no effect
        remedy: Write `worker.list`, without a worker's name.
    w:4: warning: the worker `foo` is neither in worker.list nor a member nor a template
        remedy: Add `foo` to worker.list or to a balancer, or remove its lines.
    w:5: warning: `worker.port` names no worker and has no effect
        remedy: Write `worker.NAME.port`.
    w:6: warning: `worker.a.sysprops` has no effect
        remedy: Remove the line. Was for Tomcat inside the web server (jni).
    w:7: warning: `worker.a.recycle_timeout` has no effect
        remedy: Remove the line. Was the idle time of connections; use `connection_pool_timeout`.
    w:8: warning: `worker.a.secretkey` has no effect
        remedy: Remove the line. Login key of the ajp14 protocol, which is refused; for ajp13 write `secret`.
    w:9: warning: `Worker.a.host` is only a variable: settings begin with `worker.`
        remedy: Did you mean `worker.a.host`?
    ");
}

#[test]
fn settings_of_another_type_are_reported() {
    let (_, found) = lb(".port=8009\n.read_only=1");
    assert!(
        found.contains("`worker.b.port` has no effect on a worker of type lb"),
        "{found}"
    );
    assert!(
        found.contains("`worker.b.read_only` has no effect on a worker of type lb"),
        "{found}"
    );
    let (_, found) = ajp(".lb_retries=3\n.lbfactor=2\n.retries=3");
    assert_eq!(found.matches("warning").count(), 1, "{found}");
    assert!(
        found.contains("`worker.a.lb_retries` has no effect on a worker of type ajp13"),
        "{found}"
    );
    let (_, found) = ajp(".balance_workers=b");
    assert!(
        found.contains("Write `worker.a.type=lb` if it is to be a balancer."),
        "{found}"
    );
}

#[test]
fn names_are_looked_up_at_an_interval() {
    for (text, seconds, warnings) in [
        ("", 30, 0),
        ("worker.resolve_interval=5", 5, 0),
        ("worker.resolve_interval=0", 0, 0),
        ("worker.resolve_interval=-5", 0, 1),
        ("worker.a.resolve_interval=5", 30, 1),
        ("resolve_interval=5", 30, 0),
        ("worker_resolve_interval=5", 30, 1),
    ] {
        let (built, found) = workers(&format!("worker.list=a\nworker.a.port=1\n{text}\n"));
        assert_eq!(built.resolve_interval, s(seconds), "{text}");
        assert_eq!(
            found.matches("warning").count(),
            warnings,
            "{text}: {found}"
        );
    }
}

#[test]
fn maintenance_has_an_interval() {
    for (text, seconds, warnings) in [
        ("", 60, 0),
        ("worker.maintain=30", 30, 0),
        ("worker.maintain=0", 0, 1),
        ("worker.maintain=-5", 0, 2),
        ("worker.maintain=x", 60, 1),
        ("worker.maintain=30\nworker.maintain=90", 30, 2),
        ("worker.a.maintain=30", 60, 1),
    ] {
        let (built, found) = workers(&format!("worker.list=a\nworker.a.port=1\n{text}\n"));
        assert_eq!(built.maintain, s(seconds), "{text}");
        assert_eq!(
            found.matches("warning").count(),
            warnings,
            "{text}: {found}"
        );
    }
}

#[test]
fn mounts_are_handed_on_as_they_are() {
    let (built, found) = workers(
        "worker.list=a,b\nworker.a.port=1\nworker.a.mount=/x /y/*\nworker.a.mount=!/y/z\n\
         worker.b.type=lb\nworker.b.balance_workers=c\nworker.c.port=2\nworker.c.mount=/c\n",
    );
    let mounts: Vec<(&str, &str, u32)> = built
        .mounts
        .iter()
        .map(|m| (&*m.worker, &*m.pattern, m.origin.line))
        .collect();
    assert_eq!(
        mounts,
        [("a", "/x", 3), ("a", "/y/*", 3), ("a", "!/y/z", 4)]
    );
    assert!(
        found
            .starts_with("w:8: warning: `worker.c.mount` has no effect: `c` is not in worker.list"),
        "{found}"
    );
    let unlisted: Vec<&str> = built.unlisted.iter().map(|name| &**name).collect();
    assert_eq!(unlisted, ["c"]);
}

#[test]
fn templates_are_not_forgotten_workers() {
    let (built, found) = workers(
        "worker.list=a\nworker.a.reference=worker.t\nworker.t.port=8010\nworker.t.sub.port=1\n",
    );
    assert_eq!(found, "");
    assert_eq!(built.unlisted.len(), 3, "{:?}", built.unlisted);
}

#[test]
fn every_status_directive_is_read() {
    let (defaults, found) = status("");
    assert_eq!(found, "");
    assert_eq!(defaults.ns.as_deref(), Some("jk:"));
    assert_eq!(
        defaults.xmlns.as_deref(),
        Some("xmlns:jk=\"http://tomcat.apache.org\"")
    );
    assert_eq!(defaults.prefix.as_deref(), Some("worker"));
    assert_eq!(defaults.good, ["a.o", "a.i", "a.b", "a.r"]);
    assert_eq!(defaults.bad, ["s", "e"]);
    let (written, found) = status(
        ".css=/c.css\n.ns=-\n.xmlns=-none\n.doctype=<!D>\n.prefix=p\n.read_only=t\n.user=a,b\n.user=c\n\
         .user_case_insensitive=1\n.good=a\n.bad=e",
    );
    assert_eq!(found, "");
    let expected = StatusWorker {
        css: Some("/c.css".into()),
        ns: None,
        xmlns: None,
        doctype: Some("<!D>".into()),
        prefix: Some("p".into()),
        read_only: true,
        users: vec!["a".into(), "b".into(), "c".into()],
        user_case_insensitive: true,
        good: vec!["a".into()],
        bad: vec!["e".into()],
    };
    assert_eq!(written, expected);
}
