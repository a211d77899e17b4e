use serde_json::json;

use super::*;
use crate::load::memory::Memory;

const CONF: &str = "\
Listen 80
JkWorkersFile workers.properties
JkLogLevel info
JkMount /* shop
JkMount /app/* shop;reply_timeout=5000
JkMountFile map
<Location /status>
Require ip 10.0.0.0/8
</Location>
<VirtualHost *:80>
ServerName www.example
ServerAlias w.example
JkMount /a/* t3
</VirtualHost>
";

const WORKERS: &str = "\
worker.list=shop,t3,st
worker.shop.type=lb
worker.shop.balance_workers=t1,t2
worker.t1.host=10.0.0.1
worker.t1.secret=first-secret
worker.t1.ping_mode=A
worker.t1.recovery_options=3
worker.t2.host=10.0.0.2
worker.t3.host=10.0.0.3
worker.st.type=status
";

const MAP: &str = "/m/*=shop\n!/m/*.gif=shop\n";

fn model(conf: &str, workers: &str, map: &str) -> Model {
    let files = [
        ("/etc/jk.conf", conf),
        ("/etc/workers.properties", workers),
        ("/etc/map", map),
    ];
    Memory::new(&files).model()
}

/// What changes when `from` is replaced by `to` in all files.
fn after(from: &str, to: &str) -> String {
    let change = |text: &str| text.replace(from, to);
    let old = model(CONF, WORKERS, MAP);
    let new = model(&change(CONF), &change(WORKERS), &change(MAP));
    let changes = models(&old, &new);
    let by_document = documents(&document(&old), &document(&new));
    let unseen = ["secret changed", "value changed"];
    if !(changes.iter()).any(|line| unseen.iter().any(|end| line.ends_with(end))) {
        assert_eq!(changes, by_document);
    }
    changes.to_string()
}

/// A text, what takes its place, and what is said about that.
const CHANGES: &[(&str, &str, &str)] = &[
    // Comments and lines that move are no change.
    ("Listen 80\n", "# as ever\nListen 80\n", ""),
    (
        "Listen 80\n",
        "Listen 80\nListen [::1]:81\n",
        "listen [::1]:81 added\n",
    ),
    (
        "JkLogLevel info",
        "JkLogLevel debug",
        "main server: JkLogLevel info -> debug\nhost www.example: JkLogLevel info -> debug\n",
    ),
    (
        "worker.st.type",
        "worker.maintain=30\nworker.st.type",
        "worker.maintain 60 s -> 30 s\n",
    ),
    (
        "balance_workers=t1,t2",
        "balance_workers=t1,t2,t3\nworker.t3.lbfactor=2",
        "balancer shop: member t3 added (10.0.0.3:8009, lbfactor 2)\n",
    ),
    (
        "balance_workers=t1,t2",
        "balance_workers=t2",
        "balancer shop: member t1 removed\n",
    ),
    (
        "balance_workers=t1,t2",
        "balance_workers=t2,t1",
        "balancer shop: the order of its members changed\n",
    ),
    (
        "worker.t1.host",
        "worker.t1.lbfactor=3\nworker.t1.activation=stopped\nworker.t1.host",
        "balancer shop: member t1: activation ACT -> STP\n\
             balancer shop: member t1: lbfactor 1 -> 3\n",
    ),
    ("10.0.0.2", "fd00::2", "t2: host 10.0.0.2 -> fd00::2\n"),
    ("first-secret", "other-secret", "t1: secret changed\n"),
    (
        "worker.t1.secret=first-secret\n",
        "",
        "t1: secret removed\n",
    ),
    (
        "worker.t2.host",
        "worker.t2.secret=x\nworker.t2.host",
        "t2: secret added\n",
    ),
    (
        "worker.t2.host",
        "worker.t2.reply_timeout=1500\nworker.t2.connection_pool_size=7\nworker.t2.host",
        "t2: connection_pool_minsize 0 -> 4\nt2: connection_pool_size none -> 7\n\
             t2: reply_timeout 300 s -> 1500 ms\n",
    ),
    (
        "recovery_options=3",
        "recovery_options=0",
        "t1: recovery_options.not_if_headers_sent on -> off\n\
             t1: recovery_options.not_if_request_sent on -> off\n",
    ),
    (
        "worker.list=shop,t3,st",
        "worker.list=shop,t3,st,t4\nworker.t4.host=h",
        "worker t4 added (h:8009)\n",
    ),
    (
        "worker.st.type=status",
        "worker.st.type=status\nworker.st.read_only=1",
        "status worker st: read_only off -> on\n",
    ),
    (
        "JkMount /app/* shop;reply_timeout=5000",
        "JkMount /app/* t3",
        "mount /app/*: reply_timeout 5 s -> none (/etc/jk.conf:5)\n\
             mount /app/*: shop -> t3 (/etc/jk.conf:5)\n",
    ),
    (
        "!/m/*.gif=shop\n",
        "-/n=shop\n",
        "unmount /m/*.gif removed (was shop)\n\
             mount /n added: shop, disabled (/etc/map:2)\n",
    ),
    (
        "JkMount /a/* t3\n",
        "JkMount /a/* shop\nServerAlias v.example\n",
        "host www.example: aliases w.example -> w.example, v.example\n\
             host www.example: mount /a/*: t3 -> shop (/etc/jk.conf:13)\n",
    ),
    (
        "Require ip 10.0.0.0/8\n",
        "Require all denied\n",
        "main server: <Location /status>: access.require.any \
             rule (negated off, who (ip 10.0.0.0/8)) -> rule (negated off, who nobody)\n\
             host www.example: <Location /status>: access.require.any \
             rule (negated off, who (ip 10.0.0.0/8)) -> rule (negated off, who nobody)\n",
    ),
    (
        "JkMountFile map\n",
        "JkMountFile map\nJkOptions +RejectUnsafeURI\n",
        "main server: reject_unsafe off -> on\n\
             host www.example: reject_unsafe off -> on\n",
    ),
    (
        "</VirtualHost>\n",
        "</VirtualHost>\n<VirtualHost 10.0.0.9:80>\nJkMount /x t3\n</VirtualHost>\n",
        "host 10.0.0.9:80 added (1 mounts)\n",
    ),
];

#[test]
fn a_changed_variable_is_named_and_not_shown() {
    let conf = |value: &str| format!("{CONF}\nSetEnv TOKEN {value}\nJkEnvVar TOKEN\n");
    let [old, new] = ["first", "second"].map(|value| model(&conf(value), WORKERS, MAP));
    let changes = models(&old, &new).to_string();
    // The virtual host has it as well.
    assert_eq!(changes, "variable TOKEN: value changed\n".repeat(2));
}

#[test]
fn a_default_of_an_attribute_is_not_shown_either() {
    let conf = |text: &str| format!("{CONF}\nJkEnvVar TOKEN{text}\n");
    let [bare, old, new] = ["", " hush-1", " hush-2"].map(|t| model(&conf(t), WORKERS, MAP));
    let changes = models(&old, &new).to_string();
    assert_eq!(changes, "JkEnvVar TOKEN: default changed\n".repeat(2));
    let added = models(&bare, &old).to_string();
    assert!(!added.is_empty() && !added.contains("hush"), "{added}");
    let documents = [document(&old).to_string(), format!("{old:?}")];
    for shown in documents {
        assert!(
            shown.contains("TOKEN") && !shown.contains("hush"),
            "{shown}"
        );
    }
}

#[test]
fn the_case_of_a_condition_makes_a_difference() {
    let conf = |how: &str| format!("{CONF}\nSetEnvIf{how} Host x no-jk\n");
    let [old, new] = ["", "NoCase"].map(|how| model(&conf(how), WORKERS, MAP));
    assert!(!models(&old, &new).is_empty());
}

#[test]
fn variables_of_a_host_stay_the_same_when_another_comes_before_it() {
    let host = |name: &str| {
        let token = format!("JkEnvVar TOKEN\nSetEnv TOKEN {name}");
        format!("<VirtualHost *:80>\nServerName {name}\n{token}\n</VirtualHost>\n")
    };
    let with = |hosts: &[&str]| {
        let hosts: String = hosts.iter().copied().map(host).collect();
        model(&format!("{CONF}{hosts}"), WORKERS, MAP)
    };
    let changes = models(&with(&["b"]), &with(&["a", "b"]));
    assert_eq!(changes.to_string(), "host a added (0 mounts)\n");
}

#[test]
fn each_change_is_told_in_words() {
    for (from, to, told) in CHANGES {
        assert_eq!(after(from, to), *told, "{from} -> {to}");
    }
}

/// Changes each value of a document, one after the other; returns the paths of those whose change
/// was not noticed.
fn unnoticed(whole: &Value, at: &mut Vec<String>, missed: &mut Vec<String>) {
    let path = format!("/{}", at.join("/"));
    match whole.pointer(path.trim_end_matches('/')).unwrap() {
        Value::Object(fields) => {
            for key in fields.keys() {
                at.push(key.replace('/', "~1"));
                unnoticed(whole, at, missed);
                at.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for index in 0..items.len() {
                at.push(index.to_string());
                unnoticed(whole, at, missed);
                at.pop();
            }
        }
        _ => {
            let mut other = whole.clone();
            *other.pointer_mut(&path).unwrap() = json!("something else");
            if documents(whole, &other).is_empty() {
                missed.push(path);
            }
        }
    }
}

#[test]
fn no_setting_is_forgotten() {
    let whole = document(&model(CONF, WORKERS, MAP));
    let mut missed = Vec::new();
    unnoticed(&whole, &mut Vec::new(), &mut missed);
    let is_a_place = |path: &String| path.contains("/origin/") || path.starts_with("/files/");
    // How a pattern is compared follows from the pattern, a number from a place; a worker's name
    // stands twice.
    let follows = |path: &String| {
        path.contains("/uri_map/") && path.ends_with("/kind")
            || path.ends_with("/kind/name")
            || path.ends_with("/configured")
    };
    missed.retain(|path| !is_a_place(path) && !follows(path));
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn secrets_are_shown_nowhere() {
    let old = model(CONF, WORKERS, MAP);
    let new = model(CONF, &WORKERS.replace("first-", "other-"), MAP);
    let all = format!("{}{:?}", document(&old), models(&old, &new));
    assert!(!all.contains("first-secret") && !all.contains("other-secret"));
    assert!(documents(&document(&old), &document(&new)).is_empty());
}

#[test]
fn foreign_text_stays_in_its_line() {
    let old = document(&model(CONF, WORKERS, MAP));
    let mut new = old.clone();
    new["workers"][1]["kind"]["host"] = json!("a\r\nb\u{1b}[2J");
    assert_eq!(
        documents(&old, &new).to_string(),
        "t3: host 10.0.0.3 -> a\\r\\nb\\u{1b}[2J\n"
    );
    // Whatever it is, it is compared without a complaint.
    for odd in [
        json!(null),
        json!([]),
        json!({"hosts": 1, "workers": [[]], "listen": [3]}),
    ] {
        let _ = documents(&old, &odd).len() + documents(&odd, &new).len();
        assert!(!is_document(&odd));
    }
    assert!(is_document(&old));
}

fn many_rules(worker: &str) -> String {
    let line = |n: u32| format!("/app{n}/*={worker}\n");
    (0..2_000).map(line).collect()
}

#[test]
fn long_maps_are_compared_fast() {
    let old = model(CONF, WORKERS, &many_rules("shop"));
    let new = model(CONF, WORKERS, &many_rules("t3"));
    assert_eq!(models(&old, &new).len(), 2_000);
    assert!(models(&old, &old).is_empty());
}

/// With 200 virtual hosts.
#[test]
fn what_virtual_hosts_copy_is_compared_once() {
    let host = |n: u32| {
        let own = ["", "JkMount /own shop", "JkUnMount /x shop"][n as usize % 3];
        format!("<VirtualHost *:80>\nServerName h{n}\nJkMountCopy On\n{own}\n</VirtualHost>\n")
    };
    let hosts: String = (0..200).map(host).collect();
    let conf = format!("{CONF}JkUnMount /x t3\n{hosts}");
    let old = model(&conf, WORKERS, &many_rules("shop"));
    let new = model(&conf, WORKERS, &many_rules("t3"));
    assert_eq!(models(&old, &new).len(), 2_000);
    let (old, new) = (document(&old), document(&new));
    assert_eq!(documents(&old, &new).len(), 2_000);
}

#[test]
fn what_a_virtual_host_copies_is_told() {
    let conf =
        |host: &str| format!("{CONF}<VirtualHost *:80>\nServerName h\n{host}\n</VirtualHost>\n");
    let hosts = [
        "",
        "JkMountCopy On",
        "JkMountCopy On\nJkMount /app/* t3",
        "JkMount /app/* t3",
    ];
    let [none, map, rules, own] = hosts.map(|host| model(&conf(host), WORKERS, MAP));
    for (old, new, told) in [
        (&none, &map, vec!["host h: JkMountCopy nothing -> map"]),
        (
            &map,
            &rules,
            vec![
                "host h: JkMountCopy map -> rules",
                "host h: mount /app/* added: t3 (/etc/jk.conf:18)",
            ],
        ),
        (&rules, &own, vec!["host h: JkMountCopy rules -> nothing"]),
        (&own, &none, vec!["host h: mount /app/* removed (was t3)"]),
    ] {
        let changes = models(old, new);
        let changes = changes.iter().filter(|line| !line.contains("mount_files"));
        assert_eq!(changes.collect::<Vec<_>>(), told);
    }
    let added = models(&model(CONF, WORKERS, MAP), &map);
    assert_eq!(
        added.to_string(),
        "host h added (0 mounts and the main server's)\n"
    );
}
