//! The commands that look at a configuration or at a Tomcat, as an operator types them.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Output,
};

use jkd_tests::{Backend, Jkd, JkdBuilder, Nobody};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

const CONFIGURATION: &str = "\
Listen 127.0.0.1:8080
ServerName main.example
JkWorkersFile workers.properties
JkMount /* lb
JkMount /status status
<VirtualHost *:8080>
  ServerName shop.example
  JkMount /shop/* lb
  JkMount /shop/admin/* tomcat3
  JkUnMount /shop/static/* lb
</VirtualHost>
";

const WORKERS: &str = "\
worker.list=lb,tomcat3,status
worker.lb.type=lb
worker.lb.balance_workers=tomcat1,tomcat2
worker.tomcat1.type=ajp13
worker.tomcat1.host=10.0.0.1
worker.tomcat1.port=8009
worker.tomcat1.secret=hush-hush
worker.tomcat2.reference=worker.tomcat1
worker.tomcat2.host=10.0.0.2
worker.tomcat3.reference=worker.tomcat1
worker.status.type=status
";

fn files(configuration: &str, workers: &str) -> JkdBuilder {
    Jkd::builder(BINARY)
        .file("jk.conf", configuration)
        .file("workers.properties", workers)
}

/// Runs a command; returns its exit status, standard output and standard error.
fn run(jkd: &JkdBuilder, arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = jkd.run(arguments).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn check_says_that_a_good_configuration_is_good() {
    let (status, out, _) = run(&files(CONFIGURATION, WORKERS), &["check", "-f", "jk.conf"]);
    assert_eq!(status, 0, "{out}");
    assert!(out.ends_with("0 errors, 0 warnings\n"), "{out}");
}

#[test]
fn check_says_what_is_different_from_another_file() {
    let other = WORKERS.replace(
        "worker.tomcat2.host=10.0.0.2",
        "worker.tomcat2.host=10.0.0.9",
    );
    let other = other.replace("hush-hush", "still-hush");
    let conf = CONFIGURATION.replace("JkMount /* lb\n", "JkMount /* tomcat3\n");
    let jkd = files(CONFIGURATION, WORKERS)
        .file("other.properties", &other)
        .file("other.conf", &conf)
        .file("bad.conf", "JkNonsense\n");
    let check = |against: &str| run(&jkd, &["check", "-f", "jk.conf", "--against", against]);
    let (status, out, _) = check("other.properties");
    assert_eq!(status, 3, "{out}");
    assert!(
        out.ends_with(
            "tomcat2: host 10.0.0.9 -> 10.0.0.2\ntomcat1: secret changed\n\
             tomcat2: secret changed\ntomcat3: secret changed\n\
             4 differences from other.properties\n"
        ),
        "{out}"
    );
    assert!(!out.contains("hush"), "{out}");
    let (status, out, _) = check("other.conf");
    assert_eq!(status, 3, "{out}");
    assert!(
        out.ends_with("mount /*: tomcat3 -> lb (jk.conf:4)\n1 difference from other.conf\n"),
        "{out}"
    );
    let (status, out, _) = check("jk.conf");
    assert_eq!(status, 0, "{out}");
    assert!(out.ends_with("no difference from jk.conf\n"), "{out}");
    assert_eq!(check("bad.conf").0, 2);
    assert_eq!(check("missing.conf").0, 1);
    assert_eq!(check("https://127.0.0.1/").0, 1);
}

#[test]
fn check_says_what_is_different_from_what_was_shown() {
    let jkd = files(CONFIGURATION, WORKERS);
    let (_, json, _) = run(&jkd, &["show", "-f", "jk.conf", "--format", "json"]);
    let jkd = jkd.file("shown", &json).file("no.json", "{}");
    let check = |against: &str| run(&jkd, &["check", "-f", "jk.conf", "--against", against]);
    let (status, out, _) = check("shown");
    assert_eq!(status, 0, "{out}");
    assert!(
        out.ends_with("from shown (secrets are not compared)\n"),
        "{out}"
    );
    let listening = ["-l", "81", "--against", "shown"];
    let (status, out, _) = run(
        &jkd,
        &[&["check", "-f", "jk.conf"], &listening[..]].concat(),
    );
    assert_eq!(status, 3, "{out}");
    assert!(out.contains("listen *:81 added\n"), "{out}");
    let (status, _, said) = check("no.json");
    assert_eq!((status, said.contains("no.json")), (1, true), "{said}");
}

#[test]
fn check_finds_all_errors_of_all_files_at_once() {
    let jkd = files(
        "Listen 127.0.0.1:8080\nJkWorkersFile workers.properties\nJkMount /* lbb\nJkMuont /x lb\n",
        &format!("{WORKERS}worker.tomcat1.retries=many\nworker.tomcat1.conection_pool_size=5\n"),
    );
    let (status, out, _) = run(&jkd, &["check", "-f", "jk.conf"]);
    assert_eq!(status, 2, "{out}");
    for place in [
        "jk.conf:3: warning",
        "jk.conf:4: error",
        "workers.properties:12: ",
    ] {
        assert!(out.contains(place), "no {place} in\n{out}");
    }
    assert!(out.contains("JkMount"), "the nearest name:\n{out}");
    assert!(
        out.contains("connection_pool_size"),
        "the nearest name:\n{out}"
    );
    assert!(out.contains("remedy:"), "{out}");
    assert!(!out.contains("hush-hush"), "a secret was printed:\n{out}");
}

#[test]
fn check_says_which_file_is_missing() {
    let (status, out, err) = run(&Jkd::builder(BINARY), &["check", "-f", "nowhere.conf"]);
    assert_eq!(status, 2);
    assert!(format!("{out}{err}").contains("nowhere.conf"), "{out}{err}");
}

#[test]
fn warnings_alone_are_not_errors() {
    let jkd = files(&format!("{CONFIGURATION}CacheEnable disk /\n"), WORKERS);
    let (status, out, _) = run(&jkd, &["check", "-f", "jk.conf"]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("jk.conf:12: warning"), "{out}");
}

#[test]
fn show_fills_in_defaults_and_hides_secrets() {
    let jkd = files(CONFIGURATION, WORKERS);
    let (status, text, _) = run(&jkd, &["show", "-f", "jk.conf"]);
    assert_eq!(status, 0);
    for line in [
        "Listen 127.0.0.1:8080",
        "worker.list=lb,tomcat3,status",
        "worker.lb.balance_workers=tomcat1,tomcat2",
        "worker.lb.sticky_session=true",
        "worker.tomcat2.host=10.0.0.2",
        "worker.tomcat2.port=8009",
        "worker.tomcat2.secret=<redacted>",
        "worker.tomcat2.socket_connect_timeout=2000",
    ] {
        assert!(
            text.lines().any(|l| l.trim().starts_with(line)),
            "no {line} in\n{text}"
        );
    }
    let place = |pattern: &str| {
        text.find(pattern)
            .unwrap_or_else(|| panic!("{pattern}\n{text}"))
    };
    assert!(
        place("/shop/admin/*") < place("JkMount /shop/* "),
        "matching order:\n{text}"
    );
    assert!(text.contains("jk.conf:8"), "{text}");
    let (status, json, _) = run(&jkd, &["show", "-f", "jk.conf", "--format", "json"]);
    assert_eq!(status, 0);
    let model: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(model["listen"][0]["port"], 8080);
    let member = &model["workers"][0]["kind"]["members"][0]["worker"];
    assert_eq!(member["host"], "10.0.0.1");
    assert_eq!(member["socket"]["connect_timeout"], 2.0);
    for output in [text, json] {
        assert!(
            !output.contains("hush-hush"),
            "a secret was printed:\n{output}"
        );
    }
}

#[test]
fn own_settings_stand_where_mod_jk_does_not_read_them() {
    let own = "<IfDirective JkdReload>\nJkWorkerProperty worker.tomcat1.probe_uri=/app/health\n\
               JkdRequestTimeout 30\n</IfDirective>\n";
    let jkd = files(&format!("{CONFIGURATION}{own}"), WORKERS);
    let (status, out, _) = run(&jkd, &["check", "-f", "jk.conf"]);
    assert!(
        status == 0 && out.ends_with("0 errors, 0 warnings\n"),
        "{out}"
    );
    let (_, out, _) = run(&jkd, &["show", "-f", "jk.conf"]);
    assert!(
        out.contains("worker.tomcat1.probe_uri=/app/health\n"),
        "{out}"
    );
    assert!(out.contains("  JkdRequestTimeout 30000ms\n"), "{out}");
}

#[test]
fn match_names_winner_and_losers() {
    let jkd = files(CONFIGURATION, WORKERS);
    let matched =
        |host: &str, uri: &str| run(&jkd, &["match", "-f", "jk.conf", "--host", host, uri]);
    let (status, out, _) = matched("shop.example", "/shop/admin/users");
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("worker: tomcat3"), "{out}");
    assert!(out.contains("jk.conf:9"), "{out}");
    assert!(out.contains("lost: JkMount /shop/* lb"), "{out}");
    let (status, out, _) = matched("shop.example", "/shop/static/a.css");
    assert_eq!(status, 1, "{out}");
    assert!(out.contains("JkUnMount /shop/static/* lb"), "{out}");
    let (status, out, _) = matched(
        "shop.example",
        "/shop/../shop//cart;jsessionid=1.tomcat2?x=1",
    );
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("compared as: /shop/cart"), "{out}");
    let (status, out, _) = run(
        &jkd,
        &["match", "-f", "jk.conf", "http://shop.example/elsewhere"],
    );
    assert_eq!(status, 1, "{out}");
    assert!(out.contains("no rule matches"), "{out}");
}

const STEERED: &str = "\
Listen 127.0.0.1:8080
JkWorkersFile workers.properties
JkMount /app/* lb;stopped=tomcat1;reply_timeout=5000
JkMount /shop/* lb
JkMount /raw/* lb
JkAutoAlias webapps
SetEnvIf Request_URI \\.css$ no-jk
SetEnvIf X-Api . no-jk
SetEnvIf Request_Method ^POST$ JK_ROUTE=tomcat2
SetEnvIf Remote_Addr ^10\\. JK_ROUTE=tomcat1
JkEnvVar TOKEN hush-hush
SetEnv TOKEN hush-hush-too
<Location /shop/admin>
  Require ip 10
</Location>
<Location /direct>
  SetHandler jakarta-servlet
  SetEnvIf Request_URI ^/direct/(\\w+) \"JK_WORKER_NAME=$1;stateless=1\"
</Location>
<Location /other>
  SetHandler server-info
</Location>
<VirtualHost *:8080>
ServerName compat.example
JkMount /* lb
JkOptions +ForwardURICompatUnparsed
JkdRequestTimeout 30
</VirtualHost>
";

#[test]
fn match_decides_by_all_that_steers_a_request() {
    let jkd = files(STEERED, WORKERS).file("webapps/docs/a.html", "text");
    let matched = |more: &[&str]| {
        let (status, out, err) = run(&jkd, &[&["match", "-f", "jk.conf"], more].concat());
        assert!(!out.contains("hush"), "{out}");
        format!("{status}\n{out}{err}")
    };
    let local = ["--local", "127.0.0.1:81"];
    let main = |more: &[&str]| matched(&[&local, more].concat());
    for (arguments, expected) in [
        (
            &["/app/x"][..],
            &[
                "worker: lb\n  by: JkMount /app/* lb;stopped=tomcat1;reply_timeout=5000 (jk.conf:3)",
                "reply_timeout of this request: 5000 ms",
                "tomcat1 is stopped for this rule",
                "member: tomcat2\n",
                "variable: TOKEN, by SetEnv\n",
            ][..],
        ),
        (
            &["/shop/x.css"],
            &[
                "1\n",
                "no worker: no-jk is set by jk.conf:7; the answer is 404",
                "lost: JkMount /shop/* lb (jk.conf:4), no-jk is set by jk.conf:7",
            ],
        ),
        (&["-H", "X-Api: 1", "/shop/x"], &["1\n", "by jk.conf:8"]),
        (&["/shop/x"], &["0\n", "members: tomcat1, tomcat2, by load"]),
        (
            &["-X", "POST", "/shop/x"],
            &[
                "variable: JK_ROUTE=tomcat2, by jk.conf:9",
                "member: tomcat2, by its route; if it fails: tomcat1",
            ],
        ),
        (
            &["--from", "10.1.2.3", "/shop/x"],
            &["route: tomcat1\n", "member: tomcat1, by its route"],
        ),
        (
            &["-H", "Cookie: JSESSIONID=1.tomcat2", "/shop/x"],
            &["route: tomcat2\n", "member: tomcat2, by its route"],
        ),
        (
            &["/shop/x;jsessionid=1.gone"],
            &[
                "route: gone, of no member",
                "forwarded as: /shop/x;jsessionid=1.gone",
            ],
        ),
        (
            &["/shop/admin/x"],
            &[
                "1\n",
                "the client 127.0.0.1 is kept out; the answer is 403\n  by: <Location /shop/admin> (jk.conf:13)",
            ],
        ),
        (
            &["--from", "10.0.0.1", "/shop/admin/x"],
            &["0\n", "worker: lb"],
        ),
        (
            &["/direct/tomcat3/x"],
            &[
                "0\n",
                "worker: tomcat3\n  by: JK_WORKER_NAME=tomcat3;stateless=1, set by jk.conf:18",
            ],
        ),
        (
            &["/direct/nobody/x"],
            &["1\n", "'nobody' is not in worker.list; the answer is 500"],
        ),
        (
            &["/direct"],
            &["1\n", "no rule matches, and JK_WORKER_NAME is not set"],
        ),
        (&["/other"], &["1\n", "SetHandler names a handler"]),
        (
            &["/docs/a.html"],
            &[
                "1\n",
                "no rule matches; the answer is 200\n  files: /",
                "/docs/a.html",
            ],
        ),
        (&["-X", "PUT", "/docs/a.html"], &["the answer is 405"]),
        (&["/docs/WEB-INF/web.xml"], &["the answer is 404"]),
        (&["-X", "TRACE", "/shop/x"], &["1\n", "the answer is 405"]),
        (&["/shop/a b"], &["1\n", "the answer is 400"]),
        (&["/shop/%2e%2e/%2e%2e/x"], &["1\n", "the answer is 400"]),
        (&["/shop/a%2Fb"], &["1\n", "the answer is 404"]),
        (
            &["/shop/%41%20b"],
            &["compared as: /shop/A b", "forwarded as: /shop/A%20b"],
        ),
        (
            &["/shop/x", "/nowhere", "http://other.example/shop/y"],
            &[
                "1\n/shop/x\nhost: ",
                "\n\n/nowhere\n",
                "\n\nhttp://other.example/shop/y\n",
            ],
        ),
    ] {
        let said = main(arguments);
        for part in expected {
            assert!(said.contains(part), "{arguments:?}: no {part:?} in\n{said}");
        }
    }
    let said = matched(&["http://compat.example/a/%5Cb"]);
    assert!(
        said.contains("no worker: Tomcat would read its path differently; the answer is 400"),
        "{said}"
    );
    let said = matched(&["http://compat.example/a%2Cb"]);
    assert!(said.contains("forwarded as: /a%2Cb"), "{said}");
    assert!(said.contains("(JkdRequestTimeout): 30000 ms"), "{said}");
    assert!(matched(&["-H", "nonsense", "/"]).starts_with("2\n"));
}

#[test]
fn show_has_all_that_steers_a_request_and_no_secrets() {
    let more = "\
        JkWorkerIndicator WHO\nJkEnvVar PLAIN\nSetEnvIfNoCase User-Agent \"a b\" !PLAIN WHO=lb\n\
        <Location /direct/x>\nUnsetEnv TOKEN\n</Location>\n<VirtualHost";
    let conf = STEERED.replace("<VirtualHost", more);
    let conf = conf.replace("JK_WORKER_NAME", "WHO");
    let jkd = files(&conf, WORKERS);
    let (status, text, _) = run(&jkd, &["show", "-f", "jk.conf"]);
    assert_eq!(status, 0, "{text}");
    for expected in [
        "  JkMount /app/* lb;stopped=tomcat1;reply_timeout=5000 # jk.conf:3\n",
        "  SetEnvIf Request_URI \\.css$ no-jk=1 ",
        "  SetEnvIf user-agent \"(?i)a b\" !PLAIN WHO=lb ",
        "  SetEnv TOKEN <hidden>\n",
        "  JkWorkerIndicator WHO\n",
        "  JkEnvVar TOKEN <hidden>\n  JkEnvVar PLAIN\n",
        "    SetEnvIf Request_URI ^/direct/(\\w+) WHO=$1;stateless=1 # jk.conf:18\n",
        "    SetHandler jakarta-servlet\n",
        "    SetHandler (none that there is: 404)\n",
        "    UnsetEnv TOKEN\n",
    ] {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
    let (_, json, _) = run(&jkd, &["show", "-f", "jk.conf", "--format", "json"]);
    for shown in [text, json] {
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[test]
fn ajp_ping_tells_the_living_from_the_dead() {
    let backend = Backend::saying("");
    let jkd = Jkd::builder(BINARY);
    let address = backend.address.to_string();
    let (status, out, _) = run(
        &jkd,
        &["ajp", "ping", "--count", "3", "--interval", "1", &address],
    );
    assert_eq!(status, 0, "{out}");
    assert_eq!(out.matches("CPong from").count(), 3, "{out}");
    let nobody = Nobody::new();
    let (status, out, _) = run(&jkd, &["ajp", "ping", &nobody.address.to_string()]);
    assert_eq!(status, 1, "{out}");
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let (status, out, _) = run(&jkd, &["ajp", "ping", "--timeout", "50", &address]);
    assert_eq!(status, 1, "{out}");
    assert!(out.contains("secret"), "the likely cause: {out}");
}

#[test]
fn ajp_get_prints_what_a_tomcat_says() {
    let backend = Backend::start(|exchange| {
        let text = format!(
            "post={} query={} header={} secret={}",
            exchange.request[1] == 4,
            exchange.mentions("x=1"),
            exchange.mentions("X-Odd") || exchange.mentions("x-odd"),
            exchange.mentions("hush"),
        );
        exchange.answer(201, &[("X-Answer", "yes")], text.as_bytes())
    });
    let jkd = Jkd::builder(BINARY);
    let url = format!("ajp://{}/path?x=1", backend.address);
    let (status, out, err) = run(
        &jkd,
        &[
            "ajp", "get", "-i", "-X", "POST", "-H", "X-Odd: 1", "--secret", "hush", &url,
        ],
    );
    assert_eq!(status, 0, "{out}{err}");
    assert!(out.starts_with("201"), "{out}");
    assert!(out.to_lowercase().contains("x-answer: yes"), "{out}");
    assert!(
        out.contains("post=true query=true header=true secret=true"),
        "{out}"
    );
    let nobody = Nobody::new();
    let url = format!("ajp://{}/", nobody.address);
    let (status, _, err) = run(&jkd, &["ajp", "get", &url]);
    assert_eq!(status, 1, "{err}");
    assert!(err.contains("127.0.0.1"), "{err}");
}

#[test]
fn ajp_dump_reads_and_verifies() {
    let jkd = Jkd::builder(BINARY).file("pong.bin", "AB\0\u{1}\u{9}");
    let dump = |more: &[&str]| run(&jkd, &[&["ajp", "dump", "--direction"], more].concat());
    let (status, out, _) = dump(&["response", "--verify", "pong.bin"]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("CPONG"), "{out}");
    let (status, out, _) = dump(&["request", "pong.bin"]);
    assert_eq!(status, 1, "{out}");
}

#[test]
fn backends_on_other_machines_should_have_a_secret() {
    let workers = "worker.list=lb,near\nworker.lb.type=lb\nworker.lb.balance_workers=a,b,c\n\
                   worker.a.host=10.0.0.1\nworker.b.host=tomcat.example\nworker.c.host=10.0.0.3\n\
                   worker.c.secret=hush\nworker.near.host=localhost\n";
    let open = "without a secret, whoever reaches the AJP port is believed everything: `a`, `b`\n";
    let conf = "Listen 80\nJkWorkersFile workers.properties\nJkMount /* lb\nJkMount /n near\n";
    let check = |more: &str, workers: &str| {
        let (status, out, _) = run(
            &files(&format!("{conf}{more}"), workers),
            &["check", "-f", "jk.conf"],
        );
        (status, out)
    };
    let (status, out) = check("", workers);
    assert!(
        status == 0 && out.contains(&format!("warning: {open}")),
        "{out}"
    );
    let (status, out) = check("JkdRequireSecret On\n", workers);
    assert!(
        status == 2 && out.contains(&format!("error: {open}")),
        "{out}"
    );
    let (status, out) = check(
        "JkdRequireSecret On\n",
        &format!("{workers}worker.lb.secret=hush\n"),
    );
    assert!(status == 0 && !out.contains("without a secret"), "{out}");
    let (status, out) = check("JkdRequireSecret maybe\n", workers);
    assert!(
        status == 2 && out.contains("JkdRequireSecret must be On or Off"),
        "{out}"
    );
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of files")]
fn what_is_wrong_with_files_of_secrets() {
    let conf = "Listen 80\nJkWorkersFile workers.properties\nJkMount /* w\n";
    let check = |text: &str, mode: u32, more: &str| {
        let workers =
            format!("worker.list=w\nworker.w.host=10.0.0.1\nworker.w.secret_file=key\n{more}");
        let jkd = files(conf, &workers).file("key", text);
        let path = jkd.directory().join("key");
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let (status, out, _) = run(&jkd, &["check", "-f", "jk.conf"]);
        assert!(!out.contains("tops3cret"), "{out}");
        (status, out)
    };
    for mode in [0o600, 0o400, 0o640] {
        let (status, out) = check("tops3cret\n", mode, "");
        assert!(status == 0 && !out.contains("secret"), "{out}");
    }
    for (text, mode, more, told) in [
        (
            "tops3cret\n",
            0o644,
            "",
            "key: a secret that others may read or write is none",
        ),
        (
            "tops3cret\n",
            0o660,
            "",
            "key: a secret that others may read or write is none",
        ),
        ("\n", 0o600, "", "key: there is no secret in it"),
        (
            "tops3cret\nmore\n",
            0o600,
            "",
            "key: there is no secret in it",
        ),
        (
            "tops3cret\n",
            0o600,
            "worker.w.secret=x\n",
            "`w` has both secret and secret_file",
        ),
    ] {
        let (status, out) = check(text, mode, more);
        assert!(status == 2 && out.contains(told), "{out}");
    }
    let (status, out, _) = run(
        &files(conf, "worker.list=w\nworker.w.secret_file=none\n"),
        &["check", "-f", "jk.conf"],
    );
    assert!(
        status == 2 && out.contains("none: there is no such file"),
        "{out}"
    );
}
