use super::*;
use crate::{properties::read_source, workers_properties::Source};

fn resolve(text: &str) -> (Properties, String) {
    let mut found = Diagnostics::default();
    let mut properties = Properties::default();
    let source = Source {
        name: "w",
        bytes: text.as_bytes(),
    };
    let env = |name: &str| (name == "HOME").then(|| "/home/op".to_owned());
    properties.predefine("ServerRoot", "/etc/apache2");
    for line in read_source(&source, &mut found) {
        properties.add(line, &env, &mut found);
    }
    properties.inherit(&mut found);
    (properties, found.to_string())
}

fn value(text: &str, key: &str) -> Option<String> {
    resolve(text).0.get(key).map(|p| p.text().to_owned())
}

const DUPLICATES: &[(&str, &str, &str, &str)] = &[
    ("worker.list", "a", "b", "a,b"),
    ("worker.l.balance_workers", "a", "b,c", "a,b,c"),
    ("worker.a.mount", "/a", "/b", "/a,/b"),
    ("worker.s.user", "a", "b", "a,b"),
    ("worker.s.good", "a", "b", "a,b"),
    ("worker.s.bad", "a", "b", "a,b"),
    ("worker.a.fail_on_status", "500", "503", "500,503"),
    ("worker.a.class_path", "a", "b", "a:b"),
    ("worker.a.ld_path", "a", "b", "a:b"),
    ("my_path", "a", "b", "a:b"),
    ("worker.a.cmd_line", "a", "b", "a b"),
    ("worker.a.port", "1", "2", "2"),
    ("worker.a.session_path", "a", "b", "b"),
    ("worker.a.session_cookie_path", "a", "b", "b"),
    ("worker.a.cachesize", "1", "2", "2"),
    ("worker.a.disabled", "1", "0", "0"),
    ("mine.port", "1", "2", "2"),
    ("worker.a.distance", "3", "7", "3*7"),
    ("worker.a.secretkey", "3", "7", "3*7"),
    ("worker.maintain", "30", "90", "30*90"),
    ("worker.l.balanced_workers", "a", "b", "a*b"),
    ("variable", "one", "redefined", "one*redefined"),
    ("port", "1", "2", "1*2"),
];

#[test]
fn duplicates_are_treated_by_the_last_word_of_the_key() {
    for (key, first, second, result) in DUPLICATES {
        let text = format!("{key}={first}\n{key}={second}\n");
        let (properties, found) = resolve(&text);
        let result = if cfg!(windows) {
            result.replace("a:b", "a;b")
        } else {
            (*result).to_owned()
        };
        assert_eq!(properties.get(key).unwrap().text(), result, "{key}");
        assert_eq!(found.is_empty(), result.contains(','), "{key}: {found}");
        if !found.is_empty() {
            assert!(
                found.starts_with(&format!("w:2: warning: `{key}` is set again")),
                "{found}"
            );
            assert!(found.contains("first set at w:1"), "{found}");
        }
    }
}

#[test]
fn the_directives_whose_last_value_wins_are_mod_jks() {
    let last_wins = "secret reference host source port type cachesize connection_pool_size \
        connection_pool_minsize cache_timeout connection_pool_timeout connection_acquire_timeout \
        recovery_options connect_timeout prepost_timeout ping_timeout ping_mode reply_timeout \
        socket_timeout socket_connect_timeout socket_buffer socket_keepalive \
        connection_ping_interval recycle_timeout lbfactor sticky_session sticky_session_force \
        session_cookie session_path set_session_cookie session_cookie_path local_worker \
        local_worker_only jvm_route route domain redirect method lock disabled stopped activation \
        recover_time error_escalation_time max_reply_timeouts retry_interval busy_limit \
        max_packet_size css read_only retries lb_retries ns xmlns doctype prefix \
        user_case_insensitive prefer_ipv6";
    let mut expected: Vec<&str> = last_wins.split_whitespace().collect();
    let mut actual: Vec<&str> = directive::all()
        .filter(|d| d.duplicates() == Duplicates::LastWins)
        .filter(|d| d.mod_jk != directive::Preset::Unknown)
        .map(|d| d.name)
        .collect();
    expected.sort_unstable();
    actual.sort_unstable();
    assert_eq!(actual, expected);
}

#[test]
fn a_joined_list_knows_where_each_item_was_written() {
    let (properties, _) = resolve("worker.list=a, b\n\nworker.list=c\td\n");
    let list = properties.get("worker.list").unwrap();
    let items: Vec<(&str, u32)> = list.items().map(|(item, at)| (item, at.line)).collect();
    assert_eq!(items, [("a", 1), ("b", 1), ("c", 3), ("d", 3)]);
}

#[test]
fn lists_are_split_at_blanks_and_commas() {
    for list in ["a,b", " ,a ,, \t b,", "a b", "a\u{b}b"] {
        let (properties, _) = resolve(&format!("worker.list={list}"));
        let items: Vec<&str> = properties
            .get("worker.list")
            .unwrap()
            .items()
            .map(|(i, _)| i)
            .collect();
        assert_eq!(items, ["a", "b"], "{list:?}");
    }
}

#[test]
fn variables_are_replaced() {
    for (value_text, result) in [
        ("$(v)", "1"),
        ("a$(v)b$(v)c", "a1b1c"),
        ("$(worker.a.port)", "8009"),
        ("$(HOME)/x", "/home/op/x"),
        ("$(ServerRoot)/conf", "/etc/apache2/conf"),
        ("$(unknown)", "$(unknown)"),
        ("$(unknown)$(v)", "$(unknown)1"),
        ("$(later)", "$(later)"),
        ("$(v", "$(v"),
        ("$(v) $(v", "1 $(v"),
        // Replacements are not looked at again.
        ("$(w)", "$(v)"),
        ("$v ${v} $[v]", "$v ${v} $[v]"),
        ("$()", "$()"),
        ("$(a$(v))", "$(a$(v))"),
    ] {
        let text = format!(
            "open=$(\nv=1\nw=$(open)v)\nworker.a.port=8009\nresult={value_text}\nlater=1\n"
        );
        assert_eq!(
            value(&text, "result").as_deref(),
            Some(result),
            "{value_text}"
        );
    }
}

#[test]
fn twenty_one_variables_are_replaced() {
    let text = format!("v=1\nresult={}\n", "$(v)".repeat(23));
    let expected = format!("{}$(v)$(v)", "1".repeat(21));
    assert_eq!(value(&text, "result"), Some(expected));
    assert!(resolve(&text).1.contains("uses more than 21 variables"));
}

#[test]
fn variables_of_variables_stay_small() {
    let further = (1..9).map(|n| format!("v{n}={}\n", format!("$(v{})", n - 1).repeat(20)));
    let text = format!("v0={}\n{}", "x".repeat(1000), further.collect::<String>());
    let (properties, found) = resolve(&text);
    assert!(properties.get("v1").is_some());
    assert!(properties.get("v2").is_none());
    assert!(found.contains("w:3: error: `v2` is too much"), "{found}");
}

#[test]
fn an_earlier_value_is_joined_after_replacement() {
    let text = "v=1\nx=$(v)\nv=2\ny=$(v)\nx=$(v)\n";
    assert_eq!(value(text, "y").as_deref(), Some("1*2"));
    assert_eq!(value(text, "x").as_deref(), Some("1*1*2"));
}

#[test]
fn references_copy_what_is_not_set() {
    let text = "worker.a.reference=worker.t\n\
        worker.a.port=1\n\
        worker.t.port=2\n\
        worker.t.host=h\n\
        worker.t.secret=s\n\
        worker.t.type=ajp13\n\
        worker.t.sub.port=3\n\
        worker.t2.source=no\n\
        worker.t.balance_workers=x\n\
        worker.a.balance_workers=y\n";
    let (properties, found) = resolve(text);
    let get = |key: &str| properties.get(key).map(Property::text);
    assert_eq!(get("worker.a.port"), Some("1"));
    assert_eq!(get("worker.a.host"), Some("h"));
    assert_eq!(get("worker.a.secret"), Some("s"));
    assert_eq!(get("worker.a.type"), Some("ajp13"));
    assert_eq!(get("worker.a.sub.port"), Some("3"));
    assert_eq!(get("worker.a.source"), None);
    assert_eq!(get("worker.a.balance_workers"), Some("y"));
    assert_eq!(properties.get("worker.a.host").unwrap().origin().line, 4);
    assert_eq!(found, "");
}

#[test]
fn references_are_followed_through_templates_deepest_first() {
    let text =
        "worker.a.reference=worker.b\nworker.b.reference=t\nt.port=1\nt.host=t\nworker.b.host=b\n";
    assert_eq!(value(text, "worker.a.port").as_deref(), Some("1"));
    assert_eq!(value(text, "worker.a.host").as_deref(), Some("b"));
}

#[test]
fn references_copy_values_with_their_variables_replaced() {
    let text = "v=1\nworker.t.port=$(v)\nv=2\nworker.a.reference=worker.t\n";
    assert_eq!(value(text, "worker.a.port").as_deref(), Some("1"));
}

#[test]
fn wrong_references_are_errors() {
    for (text, message) in [
        (
            "worker.a.reference=worker.t",
            "w:1: error: `worker.a.reference` names `worker.t`, but no key begins with `worker.t.`",
        ),
        (
            "worker.tmpl.port=1\nworker.a.reference=tmpl",
            "Did you mean `worker.a.reference=worker.tmpl`?",
        ),
        (
            "worker.tmpl.port=1\nworker.a.reference=worker.tmp",
            "Did you mean `worker.a.reference=worker.tmpl`?",
        ),
        (
            "worker.a.reference=worker.a",
            "w:1: error: references go in a circle: worker.a -> worker.a",
        ),
        (
            "worker.a.reference=worker.b\nworker.b.reference=worker.a",
            "error: references go in a circle: worker.a -> worker.b -> worker.a",
        ),
        (
            "worker.a.reference=worker",
            "w:1: error: `worker.a.reference` names `worker`, which the worker itself belongs to",
        ),
    ] {
        let (_, found) = resolve(text);
        assert!(found.contains(message), "{text}: {found}");
        assert_eq!(found.matches("error").count(), 1, "{found}");
    }
}

#[test]
fn references_go_nineteen_deep() {
    let chain = |length: usize| -> String {
        (0..length)
            .map(|n| format!("worker.w{n:02}.reference=worker.w{:02}\n", n + 1))
            .chain([format!("worker.w{length:02}.port=1\n")])
            .collect()
    };
    let (properties, found) = resolve(&chain(19));
    assert_eq!(found, "");
    assert_eq!(properties.get("worker.w00.port").unwrap().text(), "1");
    let (_, found) = resolve(&chain(20));
    assert!(
        found.contains("error: `worker.w19.reference` is the end of more than 19 references"),
        "{found}"
    );
}

#[test]
fn templates_that_feed_each_other_come_to_an_end() {
    let text = "worker.a.reference=worker.b\nworker.b.x.reference=worker.a\nworker.a.port=1\n";
    let (_, found) = resolve(text);
    assert!(found.contains("error"), "{found}");
}

#[test]
fn values_that_may_be_secrets_are_not_shown() {
    for key in [
        "worker.a.secret",
        "worker.a.secretkey",
        "worker.a.sercet",
        "password",
        "variable",
        "mine.port",
        "worker.a.secret: hush, x",
    ] {
        let (_, found) = resolve(&format!("{key}=hush1\n{key}=hush2\n"));
        assert!(found.contains("is set again"), "{found}");
        assert!(!found.contains("hush"), "{found}");
    }
}

#[test]
fn secrets_are_recognised_by_their_keys() {
    for key in [
        "worker.a.secret",
        "worker.a.secretkey",
        "my_secret",
        "db.Password",
        "AJP_PASSWD",
    ] {
        assert!(is_secret(key), "{key}");
    }
    assert!(!is_secret("worker.a.port"));
}
