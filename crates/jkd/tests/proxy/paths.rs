//! Paths from the client to the backend, under the options that decide about them.

use jkd_tests::Backend;

use crate::{
    echo,
    harness::{Daemon, balancer},
};

/// A host with these lines, and mounts whose order matters: `/app/*` to a, `/app/admin/*` to b.
fn daemon(conf: &str) -> Daemon {
    let backends: [Backend; 2] = ["a", "b"].map(echo::backend);
    let workers = balancer(&backends.map(|b| b.address), "worker.list=a,b");
    let conf = format!("JkMount /app/* a\nJkMount /app/admin/* b\nJkMount /lb/* lb\n{conf}");
    Daemon::configured(&workers, &conf)
}

/// The backend and the URI that it got, or the status.
fn forwarded(daemon: &Daemon, path: &str) -> String {
    let answer = daemon.http().get(path);
    match answer.status {
        200 => format!("{} {}", answer.fact("backend"), answer.fact("uri")),
        status => status.to_string(),
    }
}

#[test]
fn encoded_slashes_are_refused_decoded_or_kept() {
    for (setting, expected) in [
        ("Off", ["404", "404", "a /app/%252e%252e/x", "400"]),
        (
            "On",
            ["a /app/x", "b /app/admin/y", "a /app/%252e%252e/x", "400"],
        ),
        // Kept, they are no slashes: an exclusion or a mount below does not see them.
        (
            "NoDecode",
            ["404", "a /app/admin%252fy", "a /app/%252e%252e/x", "400"],
        ),
    ] {
        let daemon = daemon(&format!("AllowEncodedSlashes {setting}\n"));
        let paths = [
            "/app%2Fx",
            "/app/admin%2fy",
            "/app/%252e%252e/x",
            "/app/x%00",
        ];
        let found = paths.map(|path| forwarded(&daemon, path));
        assert_eq!(found, expected, "{setting}");
    }
}

#[test]
fn paths_that_tomcat_could_read_differently_are_refused() {
    for (option, path, expected) in [
        ("Proxy", "/app/a%3Bb", "a /app/a;b"),
        ("CompatUnparsed", "/app/a%3Bb", "400"),
        ("CompatUnparsed", "/app/admin%2fy", "400"),
        ("CompatUnparsed", "/app/%7Eu", "a /app/%7Eu"),
        ("CompatUnparsed", "http://host/app//x?q", "a /app//x"),
        ("Compat", "/app/%2e%2e%2fx", "400"),
        ("Compat", "/app/%252e%252e/x", "400"),
        ("Compat", "/app/a%5Bb", "a /app/a[b"),
        ("Escaped", "/app/a%5Bb", "a /app/a%5bb"),
        ("Proxy", "/app/..%5Cadmin", "400"),
        ("Proxy", "/app/%c0%ae%c0%ae/x", "400"),
        ("Proxy", "/app/%C0%E9", "a /app/%C0%E9"),
    ] {
        let daemon = daemon(&format!(
            "AllowEncodedSlashes NoDecode\nJkOptions +ForwardURI{option}\n"
        ));
        assert_eq!(forwarded(&daemon, path), expected, "{option} {path}");
    }
}

#[test]
fn a_refusal_closes_the_connection() {
    let daemon = daemon("");
    let answer = daemon.say("GET /app/a%5Cb HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
}

#[test]
fn the_session_id_is_looked_for_in_what_is_forwarded() {
    let who = |option: &str| {
        let daemon = daemon(&format!("JkOptions +ForwardURI{option}\n"));
        let ask = |_| daemon.http().get("/lb/x;j%73essionid=1.b").fact("backend");
        (0..4).map(ask).collect::<String>()
    };
    assert_eq!(who("Proxy"), "bbbb");
    assert_ne!(who("CompatUnparsed"), "bbbb");
}

#[test]
fn a_path_that_no_rule_maps_loses_its_session_id() {
    let conf = |more: &str| {
        format!(
            "{more}\n<Location /named>\nSetHandler jakarta-servlet\n</Location>\n\
             SetEnvIf Request_URI ^/named JK_WORKER_NAME=a\n"
        )
    };
    let (path, mounted) = ("/named/x;jsessionid=1.n/y;z", "/app/x;jsessionid=1.n");
    let daemon_of = |more: &str| daemon(&conf(more));
    let on = daemon_of("JkStripSession On");
    assert_eq!(forwarded(&on, path), "a /named/x/y;z");
    assert_eq!(forwarded(&on, mounted), "a /app/x;jsessionid=1.n");
    let other = daemon_of("JkStripSession On ;z");
    assert_eq!(forwarded(&other, path), "a /named/x;jsessionid=1.n/y");
    let off = daemon_of("");
    assert_eq!(forwarded(&off, path), format!("a {path}"));
    let unparsed = daemon_of("JkStripSession On\nJkOptions +ForwardURICompatUnparsed");
    assert_eq!(forwarded(&unparsed, path), format!("a {path}"));
}
