//! Variables that steer requests, from the line in the file to what a backend gets.

use jkd_tests::{Answer, Backend, Request};

use crate::{
    echo,
    harness::{Daemon, balancer},
};

/// Stand-alone workers w1 to w4, and a balancer `lb` of a and b.
fn daemon(conf: &str) -> Daemon {
    let single: [Backend; 4] = ["w1", "w2", "w3", "w4"].map(echo::backend);
    let members: [Backend; 2] = ["a", "b"].map(echo::backend);
    let mut workers = balancer(&members.map(|b| b.address), "worker.list=w1,w2,w3,w4");
    for (number, backend) in single.iter().enumerate() {
        let port = backend.address.port();
        workers += &format!("worker.w{}.port={port}\n", number + 1);
    }
    Daemon::configured(&workers, conf)
}

fn get(daemon: &Daemon, path: &str) -> Answer {
    daemon.http().get(path)
}

/// Who serves a path: a backend's name or a status.
fn who(daemon: &Daemon, path: &str) -> String {
    match get(daemon, path) {
        answer if answer.status == 200 => answer.fact("backend"),
        answer => answer.status.to_string(),
    }
}

#[test]
fn no_jk_keeps_requests_from_the_workers() {
    let daemon = daemon(
        "JkMount /* w1\n\
         SetEnvIf Request_URI ^/nojk no-jk\n\
         <Location /setenv>\nSetEnv No-JK\n</Location>\n\
         <Location /section>\nSetEnvIf Request_URI . no-jk=0\n</Location>\n\
         <Location /handler>\nSetHandler jakarta-servlet\nSetEnv JK_WORKER_NAME w2\n</Location>\n\
         SetEnvIf Request_URI ^/handler/off no-jk\n",
    );
    for (path, expected) in [
        ("/nojk/a", "404"),
        ("/a", "w1"),
        ("/setenv/a", "404"),
        ("/section/a", "404"),
        ("/handler/a", "w1"),
        ("/handler/off", "404"),
        // A condition outside of sections sees the path as it was written.
        ("/%6eojk/a", "w1"),
    ] {
        assert_eq!(who(&daemon, path), expected, "{path}");
    }
}

#[test]
fn a_variable_names_the_worker() {
    let daemon = daemon(
        "<Location /env>\nSetHandler jakarta-servlet\n</Location>\n\
         <Location /envno>\nSetHandler jakarta-servlet\n</Location>\n\
         SetEnvIf Request_URI ^/env/(.*) JK_WORKER_NAME=$1\n\
         JkMount /env/w3 w2\n",
    );
    for (path, expected) in [
        ("/env/w4", "w4"),
        ("/env/w3", "w2"),
        ("/env/nosuch", "500"),
        ("/env/", "500"),
        ("/env/w4;stateless=1", "w4"),
        ("/env/w4;reply_timeout=x;nonsense", "w4"),
        ("/env/w4%20", "500"),
        ("/envno/x", "404"),
        ("/else", "404"),
    ] {
        assert_eq!(who(&daemon, path), expected, "{path}");
    }
    let errors = "/env/w4;use_server_errors=400";
    assert_eq!(
        get(&daemon, &format!("{errors}?status=404")).header("x-backend"),
        None
    );
    for _ in 0..3 {
        assert_eq!(who(&daemon, "/env/lb;stopped=a"), "b");
    }
}

#[test]
fn another_variable_can_name_the_worker() {
    let daemon = daemon(
        "SetHandler jakarta-servlet\nJkWorkerIndicator WHO\nSetEnv who w3\n\
         SetEnv JK_WORKER_NAME w1\n\
         <Location /other>\nSetHandler server-status\n</Location>\n\
         <Location /map>\nSetHandler None\n</Location>\n\
         JkMount /map/yes w2\nJkMount /other/yes w2\n",
    );
    for (path, expected) in [
        ("/", "w3"),
        ("/other/yes", "404"),
        ("/map/yes", "w2"),
        ("/map/no", "404"),
    ] {
        assert_eq!(who(&daemon, path), expected, "{path}");
    }
    let about_the_server = daemon.http().send(Request::new("OPTIONS", "*"));
    assert_eq!(about_the_server.status, 200);
}

#[test]
fn a_route_leads_to_its_member() {
    let daemon = daemon(
        "JkMount /* lb\nJkMount /ignored/* lb;sticky_ignore=1\nJkMount /single/* w1\n\
         SetEnvIf Request_URI route=([^/]*) JK_ROUTE=$1\n",
    );
    for (path, backend, route) in [
        ("/route=b/x", "b", "b"),
        ("/route=b/x;jsessionid=1.a", "b", "b"),
        ("/route=/x;jsessionid=1.a", "a", "a"),
        ("/single/route=zz/x", "w1", "zz"),
    ] {
        for _ in 0..2 {
            let answer = get(&daemon, path);
            assert_eq!(answer.fact("backend"), backend, "{path}");
            assert_eq!(answer.fact("@route"), route, "{path}");
        }
    }
    let unknown = get(&daemon, "/route=zz/x;jsessionid=1.a");
    assert_eq!(unknown.fact("@route"), "zz");
    // Where sessions do not stick the route is told and leads nowhere.
    let ignored = [(); 2].map(|()| get(&daemon, "/ignored/route=b/x"));
    assert!(ignored.iter().any(|answer| answer.fact("backend") == "a"));
    assert!(ignored.iter().all(|answer| answer.fact("@route") == "b"));
}

#[test]
fn limits_and_flags() {
    let daemon = daemon(
        "JkMount /* w1;reply_timeout=100\nJkMount /lb/* lb;sticky_ignore=1\n\
         SetEnvIf Request_URI timeout=([^/]*) JK_REPLY_TIMEOUT=$1\n\
         SetEnvIf Request_URI timeout=empty JK_REPLY_TIMEOUT=\n\
         SetEnv JK_STICKY_IGNORE no\n",
    );
    for (path, status) in [
        ("/?wait=500", 504),
        ("/timeout=-1?wait=500", 504),
        ("/timeout=60000?wait=500", 200),
        ("/timeout=0?wait=500", 200),
        ("/timeout=x?wait=500", 200),
        ("/timeout=50?wait=500", 504),
    ] {
        assert_eq!(get(&daemon, path).status, status, "{path}");
    }
    for _ in 0..3 {
        assert_eq!(who(&daemon, "/lb/;jsessionid=1.b"), "b");
    }
}

/// What a variable of this value makes of the fact that it is about.
const INDICATED: [(&str, &str, [&str; 3]); 8] = [
    (
        "JK_REMOTE_ADDR",
        "remote_addr",
        ["192.0.2.9", "192.0.2.9", "null"],
    ),
    ("JK_REMOTE_PORT", "@AJP_REMOTE_PORT", ["99", "99", "-"]),
    (
        "JK_REMOTE_HOST",
        "remote_host",
        ["client.example", "client.example", "null"],
    ),
    ("JK_REMOTE_USER", "@remote_user", ["me", "me", "-"]),
    ("JK_AUTH_TYPE", "@auth_type", ["Basic", "Basic", "-"]),
    (
        "JK_LOCAL_NAME",
        "server_name",
        ["www.example", "www.example", ""],
    ),
    (
        "JK_LOCAL_ADDR",
        "@AJP_LOCAL_ADDR",
        ["192.0.2.1", "192.0.2.1", ""],
    ),
    ("JK_LOCAL_PORT", "server_port", ["443x", "443", "0"]),
];

#[test]
fn addresses_names_and_users() {
    for (variable, fact, [value, expected, of_nothing]) in INDICATED {
        let daemon = daemon(&format!(
            "JkMount /* w1\n\
             <Location /value>\nSetEnv {variable} {value}\n</Location>\n\
             <Location /empty>\nSetEnv {variable}\n</Location>\n\
             <Location /other>\nSetEnv OTHER {value}\n</Location>\n\
             <VirtualHost *>\nServerName other.example\nJkMountCopy On\n\
             Jk{}Indicator OTHER\n</VirtualHost>\n\
             <VirtualHost *>\nServerName same.example\nJkMountCopy On\n</VirtualHost>\n",
            directive(variable)
        ));
        let ask = |host: &str, path: &str| {
            // Not even a client that knows the names can say anything.
            let request = Request::new("GET", path)
                .header("Host", host)
                .header(variable, "evil");
            let text = daemon.http().send(request).text();
            let mut lines = text.lines();
            let value = lines.find_map(|l| l.strip_prefix(fact)?.strip_prefix('='));
            value.unwrap_or("-").to_owned()
        };
        assert_eq!(ask("same.example", "/value"), expected, "{variable}");
        assert_eq!(ask("same.example", "/empty"), of_nothing, "{variable}");
        assert_eq!(ask("other.example", "/other"), expected, "{variable}");
        assert_ne!(ask("other.example", "/value"), expected, "{variable}");
        assert_ne!(ask("same.example", "/"), "evil", "{variable}");
    }
}

/// `JK_REMOTE_ADDR`: `RemoteAddr`.
fn directive(variable: &str) -> String {
    let words = variable.trim_start_matches("JK_").split('_');
    words
        .map(|word| word[..1].to_owned() + &word[1..].to_lowercase())
        .collect()
}

#[test]
fn variables_become_attributes() {
    let daemon = daemon(
        "JkMount /* w1\nSetEnv SET value\nSetEnvIf X-Tenant ^([a-z]+)$ TENANT=$1\n\
         JkEnvVar SET\nJkEnvVar TENANT nobody\nJkEnvVar MISSING\nJkEnvVar EMPTY \"\"\n\
         JkEnvVar TWICE one\nJkEnvVar TWICE\nSetEnv SECRET x\n",
    );
    let request = Request::new("GET", "/").header("X-Tenant", "acme");
    let answer = daemon.http().send(request);
    assert_eq!(answer.fact("@SET"), "value");
    assert_eq!(answer.fact("@TENANT"), "acme");
    for absent in ["@MISSING", "@EMPTY", "@TWICE", "@SECRET"] {
        assert!(!answer.text().contains(absent), "{}", answer.text());
    }
    let request = Request::new("GET", "/").header("X-Tenant", "A;B");
    assert_eq!(daemon.http().send(request).fact("@TENANT"), "nobody");
}

#[test]
fn a_length_that_does_not_count() {
    let backend = Backend::start(|exchange| {
        let length = exchange.mentions("\u{0}\u{3}abc") || exchange.mentions("content-length");
        let body = exchange.ask_for_body(100)?;
        let end = exchange.ask_for_body(100)?;
        let text = format!("length={length} body={} end={}", body.len(), end.len());
        exchange.answer(200, &[], text.as_bytes())
    });
    let port = backend.address.port();
    let daemon = Daemon::configured(
        &format!("worker.list=w\nworker.w.port={port}\n"),
        "JkMount /* w\nJkIgnoreCLIndicator INFLATED\nSetEnv INFLATED\n",
    );
    let mut body = &b"abcd"[..];
    let request = Request::new("POST", "/").body(&mut body, Some(4));
    let answer = daemon.http().send(request);
    assert_eq!(answer.text(), "length=false body=4 end=0");
}
