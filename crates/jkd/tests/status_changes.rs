//! What operators change on the status page, in ways that cannot be compared with mod_jk.
#![allow(
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use jkd_tests::{Backend, Connection, Http, Jkd, Request, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

fn text(http: &mut Http, query: &str) -> String {
    http.get(&format!("/status?mime=prop&{query}")).text()
}

fn done(http: &mut Http, query: &str) {
    let said = text(http, query);
    assert!(said.contains("type=OK"), "{query}: {said}");
}

fn refused(http: &mut Http, query: &str) -> String {
    let said = text(http, query);
    assert!(said.contains("type=ERROR"), "{query}: {said}");
    said
}

/// What the page says of a worker.
fn setting(http: &mut Http, name: &str) -> String {
    let page = text(http, "cmd=list");
    let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned());
    page.lines().find_map(value).unwrap_or_default()
}

fn workers(ports: &[(&str, u16)]) -> String {
    let names: Vec<_> = ports.iter().map(|(name, _)| *name).collect();
    let mut text = format!(
        "worker.list=lb,alone,status\nworker.lb.type=lb\nworker.lb.balance_workers={}\n\
         worker.status.type=status\nworker.alone.host=127.0.0.1\nworker.alone.port={}\n\
         worker.alone.secret=canary\n",
        names.join(","),
        ports[0].1
    );
    for (name, port) in ports {
        text += &format!("worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n");
    }
    text
}

fn serving(workers: &str) -> Jkd {
    let mounts = ["/status=status", "/alone/*=alone", "/*=lb"];
    Jkd::serving(BINARY, workers, &mounts)
}

#[test]
fn a_member_that_moves_takes_its_requests_along() {
    let (old, new) = (Backend::saying("old"), Backend::saying("new"));
    let jkd = serving(&workers(&[("a", old.address.port())]));
    let mut http = jkd.http();
    assert_eq!(http.get("/").text(), "old");
    let port = new.address.port();
    done(&mut http, &format!("cmd=update&w=lb&sw=a&vaprt={port}"));
    assert_eq!(http.get("/").text(), "new");
    assert_eq!(setting(&mut http, "worker.a.port"), port.to_string());
    assert_eq!(
        setting(&mut http, "worker.a.elected"),
        "2",
        "it is the same member"
    );
    jkd.wait_for_log("changing 'port' for sub worker 'a' of lb worker 'lb' from");
    // Nobody keeps what led to the old place.
    assert_eq!(setting(&mut http, "worker.a.connected"), "1");
    assert_eq!(http.get("/alone/").text(), "old", "who was not meant stays");
}

#[test]
fn a_reload_keeps_changes_unless_files_say_something_else() {
    let backend = Backend::saying("hello");
    let port = backend.address.port();
    let files = workers(&[("a", port), ("b", port)]);
    let jkd = serving(&files);
    let mut http = jkd.http();
    done(&mut http, "cmd=update&w=lb&sw=a&vwf=7&vwd=2&vwa=d");
    done(&mut http, "cmd=update&w=lb&vlr=9");
    let now = || {
        let of = |name| setting(&mut jkd.http(), &format!("worker.{name}"));
        ["a.lbfactor", "a.distance", "a.activation", "lb.retries"].map(of)
    };
    assert_eq!(now(), ["7", "2", "DIS", "9"]);
    jkd.write(
        "workers.properties",
        &format!("{files}worker.b.lbfactor=3\n"),
    );
    jkd.process().signal("HUP");
    wait_until("the other factor", || {
        setting(&mut jkd.http(), "worker.b.lbfactor") == "3"
    });
    assert_eq!(now(), ["7", "2", "DIS", "9"]);
    jkd.write(
        "workers.properties",
        &format!("{files}worker.a.lbfactor=3\n"),
    );
    jkd.process().signal("HUP");
    wait_until("the file's factor", || now()[0] == "3");
    assert_eq!(now(), ["3", "2", "DIS", "9"]);
}

#[test]
fn pages_of_other_sites_change_nothing() {
    let backend = Backend::saying("hello");
    let jkd = serving(&workers(&[("a", backend.address.port())]));
    let mut http = jkd.http();
    let commands = [
        "cmd=update&w=lb&vlr=9",
        "cmd=reset&w=lb",
        "cmd=recover&w=lb&sw=a",
    ];
    for command in commands {
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "http://evil.example"),
            ("Referer", "http://evil.example/page"),
            // Without TLS, and a page that wants the browser to say nothing.
            ("User-Agent", "Mozilla/5.0 (X11) Firefox/140.0"),
        ] {
            let path = format!("/status?mime=prop&{command}");
            let answer = http.send(Request::new("GET", &path).header(name, value));
            assert_eq!(answer.status, 403, "{command} {name}");
            let said = answer.text();
            assert!(
                said.contains("message=This command is not allowed from another site."),
                "{said}"
            );
        }
    }
    assert_eq!(setting(&mut http, "worker.lb.retries"), "2");
    let shown = Request::new("GET", "/status?mime=prop").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(http.send(shown).status, 200, "looking is free");
    let own = Request::new("GET", "/status?mime=prop&cmd=update&w=lb&vlr=9");
    assert!(
        http.send(own.header("Sec-Fetch-Site", "same-origin"))
            .text()
            .contains("type=OK")
    );
    assert_eq!(setting(&mut http, "worker.lb.retries"), "9");
}

#[test]
fn forms_of_a_browser_without_tls_are_known_as_our_own() {
    let backend = Backend::saying("hello");
    let jkd = serving(&workers(&[("a", backend.address.port())]));
    let mut http = jkd.http();
    let page = http.get("/status?cmd=edit&w=lb");
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    let host = jkd.address.to_string();
    let form = Request::new("GET", "/status?mime=prop&cmd=update&w=lb&vlr=8")
        .header("User-Agent", "Mozilla/5.0 (X11) Firefox/140.0")
        .header("Host", &host)
        .header("Referer", &format!("http://{host}/status?cmd=edit&w=lb"));
    assert!(http.send(form).text().contains("type=OK"));
    assert_eq!(setting(&mut http, "worker.lb.retries"), "8");
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let backend = Backend::saying("hello");
    let jkd = serving(&workers(&[("a", backend.address.port())]));
    let mut http = jkd.http();
    let before = text(&mut http, "cmd=show&w=lb&opt=2");
    for parameter in [
        "vwn=a%0D%0ASet-Cookie:x",
        "vwc=%7F",
        "vahst=a%0Ab",
        "vahst=a%20b",
        "vahst=",
        "vaprt=65536",
        "vaprt=2147483647",
    ] {
        let said = refused(&mut http, &format!("cmd=update&w=lb&sw=a&{parameter}"));
        assert_eq!(said.lines().count(), 2, "{said}");
    }
    for parameter in [
        "vaprt=99999999999",
        "vwf=99999999999",
        "vwf=%D9%A3",
        "vart=1e9%00",
    ] {
        text(&mut http, &format!("cmd=update&w=lb&sw=a&{parameter}"));
    }
    let after = text(&mut http, "cmd=show&w=lb&opt=2");
    let same = |page: &str| {
        let kept = page
            .lines()
            .filter(|line| !line.contains("time") && !line.contains("_ago"));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(same(&before), same(&after));
}

#[test]
fn packets_of_a_worker_by_itself_may_change() {
    let backend = Backend::saying("hello");
    let jkd = serving(&workers(&[("a", backend.address.port())]));
    let mut http = jkd.http();
    assert_eq!(http.get("/alone/").text(), "hello");
    done(&mut http, "cmd=update&w=alone&vamps=20000");
    assert_eq!(setting(&mut http, "worker.alone.max_packet_size"), "20480");
    assert_eq!(http.get("/alone/").text(), "hello");
}

#[test]
fn a_dump_has_no_secrets() {
    let backend = Backend::saying("hello");
    let jkd = serving(&workers(&[("a", backend.address.port())]));
    let mut http = jkd.http();
    for form in ["html", "json", "prop", "txt", "xml"] {
        let page = http.get(&format!("/status?cmd=dump&mime={form}")).text();
        assert!(page.contains("worker.lb.balance_workers"), "{form}: {page}");
        assert!(!page.contains("canary"), "{form}: {page}");
    }
}

#[test]
fn a_client_that_fails_counts_once() {
    let backend = Backend::start(|exchange| {
        // More than there will be.
        while !exchange.ask_for_body(8186)?.is_empty() {}
        exchange.answer(200, &[], b"")?;
        exchange.end(true)
    });
    let jkd = serving(&workers(&[("a", backend.address.port())]));
    let errors = || setting(&mut jkd.http(), "worker.a.client_errors");
    let mut client = Connection::open(jkd.address).unwrap();
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n");
    client.send(&[b'x'; 9000]);
    wait_until("the request", || backend.requests() == 1);
    drop(client);
    wait_until("the failure", || errors() == "1");
    wait_until("the end", || {
        setting(&mut jkd.http(), "worker.a.busy") == "0"
    });
    assert_eq!(errors(), "1");
}

#[test]
fn a_worker_of_its_own_and_a_member_of_the_same_name_count_for_themselves() {
    let backend = Backend::saying("hello");
    let files = format!(
        "worker.list=lb,a,status\nworker.lb.type=lb\nworker.lb.balance_workers=a\n\
         worker.status.type=status\nworker.a.host=127.0.0.1\nworker.a.port={}\n",
        backend.address.port()
    );
    let mounts = ["/status=status", "/own/*=a", "/*=lb"];
    let jkd = Jkd::serving(BINARY, &files, &mounts);
    let mut http = jkd.http();
    for path in ["/own/1", "/own/2", "/3"] {
        assert_eq!(http.get(path).text(), "hello");
    }
    assert_eq!(setting(&mut http, "worker.a.elected"), "1");
    assert_eq!(setting(&mut http, "worker.a.used"), "2");
}

#[test]
fn a_form_has_the_settings_as_they_are_and_changes_none_by_itself() {
    let backend = Backend::saying("hello");
    let files = workers(&[("a", backend.address.port()), ("b", 1)]);
    let jkd = serving(&files);
    let mut http = jkd.http();
    assert!(
        http.get("/status")
            .text()
            .contains(r#"href="?cmd=edit&#38;from=list&#38;w=lb&#38;sw=a""#)
    );
    let before = text(&mut http, "cmd=config");
    for (query, expected) in [
        ("w=lb", r#"name="vlr" value="2""#),
        ("w=lb&sw=a", "<option selected>active</option>"),
        ("w=lb&att=vwf", r#"name="val1" value="1""#),
        ("w=lb&att=vwa", r#"<select id="val1" name="val1">"#),
        ("w=alone", r#"name="vahst" value="127.0.0.1""#),
    ] {
        let form = http.get(&format!("/status?cmd=edit&{query}")).text();
        assert!(form.contains(expected), "{query}: {form}");
        let sent = http.get(&format!("/status?{}", answers(&form))).text();
        assert!(sent.contains("Result: OK"), "{query}: {sent}");
    }
    assert_eq!(text(&mut http, "cmd=config"), before);
    assert!(!jkd.log().contains("changing '"), "{}", jkd.log());
    for query in ["w=status", "w=lb&att=nonsense", "w=nobody"] {
        let page = http.get(&format!("/status?cmd=edit&{query}")).text();
        assert!(page.contains("Result: ERROR"), "{query}: {page}");
    }
}

/// What a browser sends where nothing of a form is touched.
fn answers(form: &str) -> String {
    let mut query = Vec::new();
    let mut name = String::new();
    for tag in form.split('<').skip(1) {
        let attribute = |key: &str| {
            let (_, rest) = tag.split_once(&format!(" {key}=\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        if tag.starts_with("input ") {
            query.push(format!(
                "{}={}",
                attribute("name").unwrap(),
                attribute("value").unwrap()
            ));
        } else if tag.starts_with("select ") {
            name = attribute("name").unwrap();
        } else if let Some(choice) = tag.strip_prefix("option selected>") {
            query.push(format!("{name}={choice}"));
        }
    }
    query.join("&")
}
