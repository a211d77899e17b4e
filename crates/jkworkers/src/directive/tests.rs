use std::collections::HashSet;

use super::*;

/// Every attribute that mod_jk 1.2.51 knows.
const MOD_JK: &str = "sysprops stderr stdout secret mx ms class_path bridge jvm_lib ld_path \
    cmd_line native_lib reference host source port type cachesize connection_pool_size \
    connection_pool_minsize cache_timeout connection_pool_timeout connection_acquire_timeout \
    recovery_options connect_timeout prepost_timeout ping_timeout ping_mode reply_timeout \
    socket_timeout socket_connect_timeout socket_buffer socket_keepalive connection_ping_interval \
    recycle_timeout lbfactor distance balanced_workers balance_workers sticky_session \
    sticky_session_force session_cookie session_path set_session_cookie session_cookie_path \
    local_worker local_worker_only jvm_route route domain redirect mount method lock disabled \
    stopped activation recover_time error_escalation_time max_reply_timeouts retry_interval \
    busy_limit max_packet_size css ns xmlns doctype prefix read_only user user_case_insensitive \
    good bad secretkey retries lb_retries fail_on_status list maintain prefer_ipv6";

#[test]
fn the_table_has_every_directive_of_mod_jk_once() {
    let mut expected: Vec<&str> = MOD_JK.split_whitespace().collect();
    let known = all().filter(|directive| directive.mod_jk != Preset::Unknown);
    let mut actual: Vec<&str> = known.map(|directive| directive.name).collect();
    expected.sort_unstable();
    actual.sort_unstable();
    assert_eq!(actual, expected);
}

#[test]
fn every_directive_is_documented_in_words_of_its_own() {
    let mut docs = HashSet::new();
    for directive in all() {
        let doc = directive.doc.trim();
        assert!(doc.len() > 15 && doc.ends_with('.'), "{}", directive.name);
        let jni = doc.contains("(jni)");
        let twin = directive.name == "local_worker_only";
        assert!(docs.insert(doc) || jni || twin, "{}", directive.name);
    }
}

#[test]
fn defaults_have_the_type_and_range_of_the_directive() {
    for directive in all() {
        for preset in [Some(directive.mod_jk), directive.jkd]
            .into_iter()
            .flatten()
        {
            let fits = match (directive.kind, preset) {
                (Kind::Int { min, max, .. }, Preset::Int(n)) => (min..=max).contains(&n),
                (_, Preset::Unknown | Preset::Unset | Preset::Rule(_))
                | (Kind::Flag, Preset::Flag(_))
                | (Kind::List | Kind::Text { .. }, Preset::Text(_)) => true,
                (Kind::Choice(choices), Preset::Text(text)) => {
                    choices.iter().any(|c| c.name == text)
                }
                _ => false,
            };
            assert!(fits, "{}", directive.name);
        }
    }
}

#[test]
fn old_names_lead_to_current_directives() {
    for directive in all() {
        if let Standing::Alias(by) | Standing::Superseded(by) = directive.standing {
            let current = find(by).unwrap();
            assert_eq!(current.standing, Standing::Current, "{}", directive.name);
            assert!(current.scope.meets(directive.scope), "{}", directive.name);
        }
    }
    let aliases: Vec<&str> = CONNECTION_POOL_SIZE.aliases().collect();
    assert_eq!(aliases, ["cachesize"]);
}

#[test]
fn choices_differ_in_their_initials() {
    for directive in all() {
        let Kind::Choice(choices) = directive.kind else {
            continue;
        };
        let mut initials = HashSet::new();
        for choice in choices {
            assert!(choice.name.starts_with(&choice.initials[..1]));
            assert!(
                choice.initials.chars().all(|c| initials.insert(c)),
                "{}",
                directive.name
            );
        }
    }
}

#[test]
fn the_reference_in_the_documentation_is_this_table() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/workers-properties.md"
    );
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed.replace("\r\n", "\n") == reference(),
        "docs/reference/workers-properties.md is out of date: run\n  \
         cargo run -p jkworkers --example reference > docs/reference/workers-properties.md"
    );
}

#[test]
fn keys_are_split_at_their_last_dot() {
    for (key, parts) in [
        ("worker.list", Some((None, "list"))),
        ("worker.a.port", Some((Some("a"), "port"))),
        ("worker.a.b.c.port", Some((Some("a.b.c"), "port"))),
        ("worker..port", Some((Some(""), "port"))),
        ("worker.", Some((None, ""))),
        ("Worker.a.port", None),
        ("workers.a.port", None),
        ("list", None),
    ] {
        assert_eq!(split_key(key), parts, "{key}");
    }
}
