use proptest::prelude::*;

use super::*;
use crate::model::WorkerKind;

const PAIR: &[u8] = include_bytes!("../../tests/data/tomcat-pair.properties");
const NASTY: &[u8] = include_bytes!("../../tests/data/nasty.properties");

fn read_bytes(bytes: &[u8]) -> Workers {
    let source = Source {
        name: "workers.properties",
        bytes,
    };
    read(&[source], &[], "/etc/apache2", &|_| None)
}

fn inline(lines: &[&str]) -> Vec<(Origin, String)> {
    (1..)
        .zip(lines)
        .map(|(number, line)| (Origin::new("jk.conf", number), (*line).to_owned()))
        .collect()
}

fn ports(workers: &Workers) -> Vec<(&str, u16)> {
    workers
        .workers
        .iter()
        .filter_map(|worker| match &worker.kind {
            WorkerKind::Ajp13(ajp) => Some((&*worker.name, ajp.port)),
            _ => None,
        })
        .collect()
}

#[test]
#[allow(clippy::too_many_lines, reason = "a file and all that is said of it")]
fn a_file_pasted_from_a_web_page_is_read() {
    let workers = read_bytes(PAIR);
    let names: Vec<&str> = workers.workers.iter().map(|w| &*w.name).collect();
    assert_eq!(names, ["loadbalancer", "jkstatus\u{3000}"]);
    let WorkerKind::Balancer(balancer) = &workers.workers[0].kind else {
        panic!("{workers:?}");
    };
    let members: Vec<(&str, &str, u16, Option<u32>)> = balancer
        .members
        .iter()
        .map(|m| {
            (
                &*m.route,
                &*m.worker.host,
                m.worker.port,
                m.worker.pool.size,
            )
        })
        .collect();
    assert_eq!(
        members,
        [
            ("tomcat1", "192.168.1.100", 8081, Some(200)),
            ("tomcat2", "192.168.1.200", 8082, Some(200)),
        ]
    );
    assert!(
        members
            .iter()
            .zip(&balancer.members)
            .all(|(_, m)| m.worker.socket.keepalive)
    );
    insta::assert_snapshot!(workers.diagnostics, @r"
    workers.properties:1: warning: the value of `worker.list` ends before the `#`: it begins a comment
        remedy: Choose a value without `#`; put a blank before a comment.
    workers.properties:1: warning: U+3000 looks like a blank and is a part of the text
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    workers.properties:1: warning: the worker name `jkstatus\u{3000}` contains U+3000
        remedy: Separate names by commas or blanks; nothing else separates them.
    workers.properties:1: warning: nothing is set for the worker `jkstatus　`: it is an ajp13 worker on localhost:8009
        remedy: Separate names by commas or blanks; nothing else separates them.
    workers.properties:19: warning: the worker `jkstatus` is neither in worker.list nor a member nor a template
        remedy: Did you mean `worker.jkstatus　`? Otherwise add `jkstatus` to worker.list or remove it.
    ");
}

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "the report is long, and read as one text"
)]
fn everything_wrong_is_found_at_once() {
    let workers = read_bytes(NASTY);
    let report = workers.diagnostics.to_string();
    for secret in ["hunter2", "correct", "battery", "c3RhcGxl"] {
        assert!(!report.contains(secret), "{secret} in {report}");
    }
    insta::assert_snapshot!(report, @r"
    workers.properties:2: warning: `workers.list` is only a variable: settings begin with `worker.`
        remedy: Did you mean `worker.list`?
    workers.properties:3: warning: the `\` at the end of `worker.list` is part of the value: lines are not continued
        remedy: Write the list on one line, or repeat the key: lists are joined.
    workers.properties:3: warning: the worker name `old\\` contains U+005C
        remedy: Separate names by commas or blanks; nothing else separates them.
    workers.properties:3: warning: nothing is set for the worker `old\`: it is an ajp13 worker on localhost:8009
        remedy: Separate names by commas or blanks; nothing else separates them.
    workers.properties:4: warning: `web` is in worker.list twice
        remedy: Keep it once.
    workers.properties:5: warning: `worker.maintain=30*90` is read as 30: `*90` is ignored
        remedy: Write a whole number without a unit.
    workers.properties:6: warning: `worker.maintain` is set again (first set at workers.properties:5); both texts are joined with `*`, as in mod_jk: its value is now `30*90`
        remedy: Keep one of the lines.
    workers.properties:8: warning: the line has no `=` and is ignored
        remedy: Write `key=value` on one line; comments begin with `#`.
    workers.properties:9: warning: `;worker.list` is no comment but sets a variable of that name
        remedy: Comments begin with `#`.
    workers.properties:10: error: there is no worker type `LB` (in `worker.web.type`)
        remedy: Did you mean `worker.web.type=lb`? Upper and lower case count.
    workers.properties:14: error: `jkstatus` has type status and cannot be a member of `cluster`
        remedy: Members have type ajp13: remove it from the list.
    workers.properties:15: warning: `worker.cluster.method` cannot be `fastest`: `request` applies
        remedy: Write one of request, traffic, busyness, session, next.
    workers.properties:16: warning: `worker.cluster.sticky_session` cannot be `maybe`: true applies
        remedy: Write `true` or `false`.
    workers.properties:17: warning: `worker.cluster.recover_time=0` is out of range: 1 applies
        remedy: Write a number of at least 1.
    workers.properties:20: warning: `worker.template.socket_connect_timeout=5` is 5 milliseconds
        remedy: Write 5000 if seconds are meant.
    workers.properties:21: warning: `worker.template.connection_pool_size=1` is the limit of the whole server; in mod_jk it is that of one httpd process of many
        remedy: Multiply it by the number of httpd processes, or remove the line: there is no limit then.
    workers.properties:22: warning: the value of `worker.template.secret` ends before the `#`: it begins a comment
        remedy: Choose a value without `#`; put a blank before a comment.
    workers.properties:23: warning: `worker.template.secret` uses $(…), which is not set: the text stays as it is
        remedy: Set it on an earlier line or in the environment; later lines are not seen.
    workers.properties:23: warning: `worker.template.secret` is set again (first set at workers.properties:22)
        remedy: Keep one of the lines; the last one counts.
    workers.properties:25: error: `worker.tomcat1.reference` names `template`, but no key begins with `template.`
        remedy: Did you mean `worker.tomcat1.reference=worker.template`?
    workers.properties:26: error: `worker.tomcat1.host=10.0.0.1:8009` is neither a host name nor an IP address
        remedy: Write `worker.tomcat1.host=10.0.0.1` and `worker.tomcat1.port=8009`.
    workers.properties:27: error: there is no directive `prot` (in `worker.tomcat1.prot`)
        remedy: Did you mean `worker.tomcat1.port`?
    workers.properties:28: warning: `worker.tomcat1.retry_interval`: without a pause mod_jk would refuse every request; here there is just no pause
        remedy: Write a pause of at least 1 ms, or connection_acquire_timeout as well.
    workers.properties:29: warning: `worker.tomcat1.distance=1*2` is read as 1: `*2` is ignored
        remedy: Write a whole number without a unit.
    workers.properties:30: warning: `worker.tomcat1.distance` is set again (first set at workers.properties:29); both texts are joined with `*`, as in mod_jk: its value is now `1*2`
        remedy: Keep one of the lines.
    workers.properties:31: warning: `worker.tomcat1.domain` has an empty value: the line is ignored
        remedy: Remove the line, or give it a value; all from `#` on is a comment.
    workers.properties:34: error: `worker.tomcat2.port=70000` is no port
        remedy: Write a number from 1 to 65535.
    workers.properties:35: warning: `worker.tomcat2.lbfactor=2.5` is read as 2: `.5` is ignored
        remedy: Write a whole number without a unit.
    workers.properties:36: warning: `worker.tomcat2.connection_acquire_timeout=0`, with which mod_jk refuses every request, is replaced by 2000 ms
        remedy: Write the milliseconds that a request may wait for a connection.
    workers.properties:37: warning: `worker.tomcat2.secret…` has an empty value: the line is ignored
        remedy: Remove the line, or give it a value; all from `#` on is a comment.
    workers.properties:39: error: `ajp14` workers are not supported (in `worker.tomcat3.type`)
        remedy: Write `worker.tomcat3.type=ajp13`; every Tomcat since 3.2 speaks it.
    workers.properties:40: warning: `worker.tomcat3.cachesize` has no effect: `worker.tomcat3.connection_pool_size` is set as well
        remedy: Remove the line.
    workers.properties:41: warning: `worker.tomcat3.connection_pool_size=0`, with which mod_jk refuses every request, means no limit here
        remedy: Remove the line.
    workers.properties:44: warning: `worker.jkstatus.port` has no effect on a worker of type status
        remedy: Remove the line.
    workers.properties:45: warning: `Worker.jkstatus.css` is only a variable: settings begin with `worker.`
        remedy: Did you mean `worker.jkstatus.css`?
    workers.properties:46: warning: the worker `tomcat4` is neither in worker.list nor a member nor a template
        remedy: Add `tomcat4` to worker.list or to a balancer, or remove its lines.
    workers.properties:47: warning: the line has no `=` and is ignored (`worker.old.type…`)
        remedy: Write `key=value` on one line; comments begin with `#`.
    ");
}

#[test]
fn a_usual_file_has_no_findings() {
    let workers = read_bytes(
        b"workers.tomcat_home=/usr/share/tomcat\n\
          workers.java_home=/usr/lib/jvm/default-java\n\
          ps=/\n\
          worker.list=lb,jk-status,jk-manager\n\
          worker.jk-status.type=status\n\
          worker.jk-status.read_only=true\n\
          worker.jk-manager.type=status\n\
          worker.template.type=ajp13\n\
          worker.template.port=8009\n\
          worker.template.socket_connect_timeout=5000\n\
          worker.template.socket_keepalive=true\n\
          worker.template.ping_mode=A\n\
          worker.template.ping_timeout=10000\n\
          worker.template.connection_pool_minsize=0\n\
          worker.template.connection_pool_timeout=600\n\
          worker.template.reply_timeout=300000\n\
          worker.template.recovery_options=3\n\
          worker.lb.type=lb\n\
          worker.lb.error_escalation_time=0\n\
          worker.lb.max_reply_timeouts=10\n\
          worker.lb.balance_workers=node1\n\
          worker.lb.balance_workers=node2\n\
          worker.node1.reference=worker.template\n\
          worker.node1.host=10.0.0.1\n\
          worker.node1.lbfactor=2\n\
          worker.node2.reference=worker.template\n\
          worker.node2.host=10.0.0.2\n\
          worker.node2.activation=A # for now\n",
    );
    assert_eq!(workers.diagnostics.to_string(), "");
    assert_eq!(workers.workers.len(), 3);
}

#[test]
fn properties_of_the_server_configuration_come_first() {
    let inline = inline(&[
        "worker.list=a",
        "worker.a.port=1",
        "worker.b.port=$(ServerRoot)",
        "base=9000",
        "worker.c.secret=a#b",
    ]);
    let source = Source {
        name: "w",
        bytes: b"worker.list=b,c\nworker.a.port=2\nworker.c.port=$(base)\nworker.b.port=3\nworker.b.css=$(ServerRoot)\n",
    };
    let workers = read(&[source], &inline, "/root", &|_| None);
    assert_eq!(ports(&workers), [("a", 2), ("b", 3), ("c", 9000)]);
    let report = workers.diagnostics.to_string();
    assert!(
        report.contains("jk.conf:3: warning: `worker.b.port` uses $(ServerRoot), which is not set"),
        "{report}"
    );
    assert!(
        report.contains(
            "w:2: warning: `worker.a.port` is set again: `2` replaces `1` (first set at jk.conf:2)"
        ),
        "{report}"
    );
}

#[test]
fn several_files_are_one() {
    let first = Source {
        name: "first",
        bytes: b"worker.list=a\nworker.a.port=1\nworker.a.bogus=1\n",
    };
    let second = Source {
        name: "another",
        bytes: b"worker.list=b\nworker.b.port=2\nworker.b.bogus=1\n",
    };
    let workers = read(&[first, second], &[], "/", &|_| None);
    assert_eq!(ports(&workers), [("a", 1), ("b", 2)]);
    let places: Vec<String> = workers
        .diagnostics
        .iter()
        .map(|d| d.origin.to_string())
        .collect();
    assert_eq!(places, ["first:3", "another:3"]);
}

#[test]
fn the_environment_is_asked_after_the_properties() {
    let source = Source {
        name: "w",
        bytes: b"A=1\nworker.list=a,b\nworker.a.port=$(A)\nworker.b.port=$(B)\n",
    };
    let env = |name: &str| Some(if name == "A" { "8" } else { "9" }.to_owned());
    assert_eq!(
        ports(&read(&[source], &[], "/", &env)),
        [("a", 1), ("b", 9)]
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        read_bytes(&bytes);
    }

    #[test]
    fn any_settings_are_read(lines in proptest::collection::vec(setting(), 0..40)) {
        let workers = read_bytes(lines.join("\n").as_bytes());
        for worker in &workers.workers {
            prop_assert!(workers.listed.contains(&worker.name));
            if let WorkerKind::Balancer(balancer) = &worker.kind {
                prop_assert!(!balancer.members.is_empty());
                prop_assert!(balancer.members.iter().all(|m| m.lbfactor >= 1));
            }
        }
        prop_assert!(workers.diagnostics.iter().all(|d| !d.to_string().contains("SECRET")));
    }
}

/// Lines that look like settings of few workers, so that they meet.
fn setting() -> impl Strategy<Value = String> {
    let names = proptest::sample::select(vec!["a", "b", "l", "t", "t.sub", "", "a.b"]);
    let words: Vec<&str> = crate::directive::all().map(|d| d.name).collect();
    let words = proptest::sample::select(words);
    let values = prop_oneof![
        "[ -~]{0,12}",
        "-?[0-9]{1,12}[km]?",
        proptest::sample::select(vec![
            "lb",
            "ajp13",
            "status",
            "a,b",
            "a b l",
            "worker.t",
            "worker.a",
            "worker",
            "$(v)",
            "$(worker.a.port)",
            "true",
            "A",
            "\u{3000}",
            "[::1]",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        8 => (names, words, values.clone()).prop_map(|(name, word, value)| {
            let value = if word.starts_with("secret") { "SECRET".to_owned() } else { value };
            format!("worker.{name}.{word}={value}")
        }),
        2 => values.clone().prop_map(|value| format!("worker.list={value}")),
        1 => values.clone().prop_map(|value| format!("v={value}")),
        1 => values,
    ]
}
