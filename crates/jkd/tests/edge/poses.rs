//! Nothing that a client writes into fields passes for what only jkd may say.

use std::net::Ipv4Addr;

use jkd_tests::Connection;
use proptest::prelude::*;

use crate::{
    recorder::{Recorder, Request},
    start, start_with,
};

/// Names by which containers, mod_jk and proxies are told something.
const NAMES: [&str; 30] = [
    "AJP_REMOTE_PORT",
    "AJP-Remote-Port",
    "AJP_LOCAL_ADDR",
    "AJP_SSL_PROTOCOL",
    "JK_LB_ACTIVATION",
    "JK_WORKER_NAME",
    "JK_ROUTE",
    "JK_REMOTE_USER",
    "JK_REMOTE_ADDR",
    "JK_AUTH_TYPE",
    "JK_LOCAL_NAME",
    "JK_LOCAL_PORT",
    "JK_IGNORE_CL",
    "JK_STICKY_IGNORE",
    "JK_REPLY_TIMEOUT",
    "no-jk",
    "REMOTE_USER",
    "Remote-User",
    "AUTH_TYPE",
    "HTTPS",
    "SSL_CLIENT_CERT",
    "SSL_CIPHER",
    "secret",
    "javax.servlet.include.request_uri",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-User",
    "Forwarded",
    "X-Real-IP",
];

/// What a container believes: everything but the fields.
fn believed(request: &Request) -> Request {
    Request {
        headers: Vec::new(),
        ..request.clone()
    }
}

#[test]
fn users_are_those_who_have_said_their_password() {
    let recorder = Recorder::start();
    let protected = "<Location /t/own>\nAuthType Basic\nAuthName own\n\
                     AuthUserFile users\nRequire valid-user\n</Location>\n";
    let jkd = start_with(
        &recorder,
        protected,
        &[("users", "alice:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\n")],
    );
    let ask = |path: &str, fields: &str| {
        let mut connection = Connection::open(jkd.address).expect("a connection");
        let poses = "Remote-User: root\r\nREMOTE_USER: root\r\nX-Remote-User: root\r\n\
                     JK_REMOTE_USER: root\r\nAUTH_TYPE: Digest\r\nX-Forwarded-User: root\r\n";
        let text = format!(
            "GET {path}?remote_user=root HTTP/1.1\r\nHost: jkd.test\r\n{poses}{fields}\r\n"
        );
        connection.send(text.as_bytes());
        connection.read("GET").status
    };
    let alice = "Authorization: Basic YWxpY2U6c2VzYW1l\r\n";
    let other = "Authorization: Basic cm9vdDo=\r\n";
    assert_eq!(ask("/t/own/a", ""), 401);
    assert_eq!(ask("/t/own/b", other), 401);
    assert_eq!(ask("/t/own/d", alice), 200);
    // Nobody asks for it here, so nobody believes it.
    assert_eq!(ask("/t/e", alice), 200);
    assert_eq!(ask("/t/f", other), 200);
    let came = recorder.of("127.0.0.1");
    let said: Vec<_> = came
        .iter()
        .map(|request| {
            let said = |name| request.attribute(name);
            (&*request.uri, said("remote_user"), said("auth_type"))
        })
        .collect();
    let alice = ("/t/own/d", Some("alice"), Some("Basic"));
    assert_eq!(said, [alice, ("/t/e", None, None), ("/t/f", None, None)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fields_say_nothing_but_what_fields_say(
        requests in proptest::collection::vec(
            proptest::collection::vec(
                (proptest::sample::select(NAMES.to_vec()), "[ -~]{0,12}", any::<bool>()), 1..8),
            40),
    ) {
        let recorder = Recorder::start();
        let jkd = start(&recorder, "MaxKeepAliveRequests 0\n");
        let own = Ipv4Addr::LOCALHOST.to_string();
        let mut connection = Connection::open(jkd.address).expect("a connection");
        let mut ask = |fields: &str| {
            let text = format!("GET /t/a HTTP/1.1\r\nHost: jkd.test\r\n{fields}\r\n");
            connection.send(text.as_bytes());
            connection.read("GET").status
        };
        prop_assert_eq!(ask(""), 200);
        for fields in &requests {
            let lines = fields.iter().map(|(name, value, named)| {
                let named = if *named { format!("Connection: {name}\r\n") } else { String::new() };
                format!("{name}: {value}\r\n{named}")
            });
            prop_assert_eq!(ask(&lines.collect::<String>()), 200, "{:?}", fields);
        }
        let came = recorder.of(&own);
        prop_assert_eq!(came.len(), requests.len() + 1);
        for (request, fields) in came.iter().skip(1).zip(&requests) {
            prop_assert_eq!(believed(request), believed(&came[0]), "{:?}", fields);
        }
        prop_assert_eq!(came[0].attribute("remote_user"), None);
        prop_assert_eq!(recorder.desyncs(), Vec::<String>::new());
    }
}
