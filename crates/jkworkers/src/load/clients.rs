//! Limits and timeouts towards clients: `KeepAlive`, `Timeout`, `LimitRequest…` and their like.

use std::{num::NonZeroU32, time::Duration};

use super::memory::Memory;
use crate::model::{Asked, ClientRules, ConnectionLimits, Model, Pace};

const START: &str = "Listen 80\nJkWorkerProperty worker.list=w\nJkMount /* w\n";

fn load(config: &str) -> Model {
    Memory::new(&[("/etc/jk.conf", &*format!("{START}{config}"))]).model()
}

#[test]
fn settings_of_clients() {
    let defaults = ClientRules::default();
    assert_eq!(*load("").hosts[0].clients, defaults);
    let model = load(
        "KeepAlive Off\nKeepAliveTimeout 1500ms\nMaxKeepAliveRequests 0\nTimeout 7\n
         LimitRequestLine 100\nLimitRequestFields 0\nLimitRequestFieldSize 200\n
         RequestReadTimeout header=5-10,MinRate=100 body=0\nListenBacklog 5\n
         HttpProtocolOptions Strict Require1.0\nJkdSendMinRate 2000\n
         <VirtualHost *>\nKeepAlive On\nKeepAliveTimeout 0\nTimeout 8\nLimitRequestFields 3\n
         RequestReadTimeout body=9\nJkdSendMinRate 0\n</VirtualHost>",
    );
    let main = ClientRules {
        keep_alive: false,
        keep_alive_timeout: Duration::from_millis(1500),
        max_keep_alive_requests: 0,
        timeout: Duration::from_secs(7),
        send_rate: 2000,
        max_line: 100,
        max_fields: usize::MAX,
        max_field: 200,
        head_pace: Pace {
            first: Duration::from_secs(5),
            most: Some(Duration::from_secs(10)),
            rate: 100,
        },
        body_pace: Pace::NONE,
        methods: None,
    };
    assert_eq!(*model.hosts[0].clients, main);
    let inherits = ClientRules {
        keep_alive: true,
        timeout: Duration::from_secs(8),
        send_rate: 0,
        max_fields: 3,
        body_pace: Pace {
            first: Duration::from_secs(9),
            ..Pace::NONE
        },
        ..main
    };
    assert_eq!(*model.hosts[1].clients, inherits);
}

#[test]
fn connections_of_clients() {
    let limits = |lines: &str| load(lines).global.connections;
    let number = |number| NonZeroU32::new(number);
    assert_eq!(limits(""), ConnectionLimits::default());
    let both = limits("JkdMaxConnections 500\nJkdMaxConnectionsPerClient 20\n");
    assert_eq!((both.most, both.of_one_client), (number(500), number(20)));
    let none = limits("JkdMaxConnections 0\nJkdMaxConnectionsPerClient 0\n");
    assert_eq!(none, ConnectionLimits::default());
}

#[test]
fn methods_are_known_or_registered() {
    let model = load(
        "HttpProtocolOptions RegisteredMethods\nRegisterHttpMethod PURGE QUERY\n\
         <Location /x>\n<Limit LINK>\nRequire all denied\n</Limit>\n</Location>\n\
         <VirtualHost *>\nHttpProtocolOptions LenientMethods\n</VirtualHost>\n\
         <VirtualHost *>\nHttpProtocolOptions Strict\n</VirtualHost>",
    );
    let knows = |host: usize, method| model.hosts[host].clients.knows(method);
    for host in [0, 2] {
        for method in ["GET", "HEAD", "VERSION-CONTROL", "PURGE", "QUERY", "LINK"] {
            assert!(knows(host, method), "{method}");
        }
        for method in ["FOO", "get", "SEARCH", "INVALID"] {
            assert!(!knows(host, method), "{method}");
        }
    }
    assert!(knows(1, "FOO"));
    assert!(load("").hosts[0].clients.knows("FOO"));
}

#[test]
fn the_innermost_limit_of_bodies_counts() {
    let model = load(
        "<Location /up>\nLimitRequestBody 100\n</Location>\n<Location /up/any>\nLimitRequestBody 0\n</Location>\n
         <VirtualHost *>\nLimitRequestBody 5\n</VirtualHost>",
    );
    let most = |host: usize, path: &str| model.hosts[host].max_body(Asked::at(path.as_bytes()));
    assert_eq!(most(0, "/x"), 1 << 30);
    assert_eq!(most(0, "/up/x"), 100);
    assert_eq!(most(0, "/up/any/x"), u64::MAX);
    assert_eq!(most(1, "/x"), 5);
    assert_eq!(most(1, "/up"), 100);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn what_is_no_limit_is_an_error() {
    for (line, message) in [
        ("KeepAlive maybe", "KeepAlive must be On or Off"),
        (
            "KeepAliveTimeout 5x",
            "KeepAliveTimeout 5x has wrong format",
        ),
        (
            "MaxKeepAliveRequests -1",
            "MaxKeepAliveRequests \"-1\" must be a non-negative integer",
        ),
        (
            "Timeout soon",
            "Timeout \"soon\" must be a non-negative integer",
        ),
        (
            "LimitRequestLine 1k",
            "LimitRequestLine \"1k\" must be a non-negative integer",
        ),
        (
            "LimitRequestFields +5",
            "LimitRequestFields \"+5\" must be a non-negative integer",
        ),
        (
            "LimitRequestFieldSize x",
            "LimitRequestFieldSize \"x\" must be a non-negative integer",
        ),
        (
            "LimitRequestBody 99999999999999999999",
            "must be a non-negative integer",
        ),
        (
            "RequestReadTimeout header=20-10,MinRate=5",
            "the second time must be longer than the first",
        ),
        (
            "RequestReadTimeout headers=20",
            "Unknown RequestReadTimeout parameter: headers",
        ),
        (
            "JkdMaxConnections many",
            "JkdMaxConnections \"many\" must be a non-negative integer",
        ),
        (
            "JkdMaxConnectionsPerClient -1",
            "JkdMaxConnectionsPerClient \"-1\" must be a non-negative integer",
        ),
        (
            "JkdSendMinRate 1k",
            "JkdSendMinRate \"1k\" must be a non-negative integer",
        ),
        ("HttpProtocolOptions Lax", "HttpProtocolOptions accepts"),
        (
            "HttpProtocolOptions RegisteredMethods LenientMethods",
            "are mutually exclusive",
        ),
    ] {
        let config = format!("{START}{line}");
        let loaded = Memory::new(&[("/etc/jk.conf", &*config)]).load();
        let told = loaded.diagnostics.to_string();
        assert!(
            loaded.model.is_none() && told.contains(message),
            "{line}: {told}"
        );
    }
}

#[test]
fn there_is_no_http_2_and_a_warning_says_so() {
    let told = |line: &str| {
        let config = format!("{START}{line}");
        let loaded = Memory::new(&[("/etc/jk.conf", &*config)]).load();
        assert!(loaded.model.is_some(), "{line}");
        loaded.diagnostics.to_string()
    };
    for line in ["Protocols h2 http/1.1", "Protocols h2 h2c HTTP/1.1"] {
        let told = told(line);
        assert!(told.contains("clients use HTTP/1.1 instead"), "{told}");
    }
    assert!(!told("Protocols http/1.1").contains("Protocols"));
}
