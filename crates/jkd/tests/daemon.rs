//! The real binary from outside, in front of scripted AJP peers: its life, its signals, its pages.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    io::Write as _,
    net::{SocketAddr, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, SystemTime},
};

use jkd_tests::{Backend, Connection, End, Http, Jkd, Request, wait_until};
use parking_lot::Mutex;

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

fn worker(name: &str, backend: &Backend) -> String {
    let port = backend.address.port();
    format!("worker.{name}.type=ajp13\nworker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n")
}

/// jkd in front of one backend that serves everything.
fn in_front_of(backend: &Backend) -> Jkd {
    let workers = format!("worker.list=w\n{}", worker("w", backend));
    Jkd::serving(BINARY, &workers, &["/*=w"])
}

/// A backend that tells when a request has come, and answers when it is told to.
fn held_back() -> (Backend, Receiver<()>, Sender<()>) {
    let (arrived, arrivals) = channel();
    let (release, releases) = channel::<()>();
    let (arrived, releases) = (Mutex::new(arrived), Mutex::new(releases));
    let backend = Backend::start(move |exchange| {
        exchange.headers(200, &[("Content-Type", "text/plain")])?;
        exchange.chunk(b"the beginning, ")?;
        arrived.lock().send(()).unwrap();
        releases.lock().recv().unwrap();
        exchange.chunk(b"the end")?;
        exchange.end(true)
    });
    (backend, arrivals, release)
}

#[test]
fn options_alone_are_enough() {
    let backend = Backend::saying("hello");
    let jkd = in_front_of(&backend);
    let answer = jkd.http().get("/any/where?x=1");
    assert_eq!((answer.status, &*answer.text()), (200, "hello"));
    assert_eq!(backend.requests(), 1);
    assert_eq!(jkd.terminate(), 0);
}

#[test]
fn a_configuration_file_is_enough() {
    let (shop, rest) = (Backend::saying("shop"), Backend::saying("rest"));
    let jkd = Jkd::builder(BINARY)
        .file(
            "jk.conf",
            "Listen 127.0.0.1:0\n\
             LoadModule jk_module modules/mod_jk.so\n\
             <IfModule jk_module>\n\
             JkWorkersFile workers.properties\n\
             JkLogLevel debug\n\
             JkMount /* rest\n\
             JkMount /shop/* shop\n\
             JkUnMount /shop/static/* shop\n\
             </IfModule>\n",
        )
        .file(
            "workers.properties",
            &format!(
                "worker.list=shop,rest\n{}{}",
                worker("shop", &shop),
                worker("rest", &rest)
            ),
        )
        .start(&["run", "-f", "jk.conf"]);
    let mut http = Http::persistent(jkd.address);
    assert_eq!(http.get("/").text(), "rest");
    assert_eq!(http.get("/shop/cart").text(), "shop");
    // mod_jk's rule: an exclusion takes the URI away; it does not fall to the next mount.
    assert_eq!(http.get("/shop/static/x.png").status, 404);
}

#[test]
fn sigterm_lets_a_request_finish_and_exits_with_0() {
    for signal in ["TERM", "INT"] {
        let (backend, arrivals, release) = held_back();
        let jkd = in_front_of(&backend);
        let address = jkd.address;
        let client = thread::spawn(move || Http::new(address).get("/slow"));
        arrivals.recv().unwrap();
        jkd.process().signal(signal);
        wait_until("the listener to be closed", || {
            TcpStream::connect(address).is_err()
        });
        assert!(jkd.process().is_running(), "{}", jkd.log());
        release.send(()).unwrap();
        assert_eq!(client.join().unwrap().text(), "the beginning, the end");
        assert_eq!(jkd.process().wait_for_end(), 0, "{}", jkd.log());
    }
}

#[test]
fn a_second_sigterm_does_not_wait() {
    let (backend, arrivals, _release) = held_back();
    let jkd = in_front_of(&backend);
    let address = jkd.address;
    let client = thread::spawn(move || Http::new(address).try_send(Request::new("GET", "/slow")));
    arrivals.recv().unwrap();
    jkd.process().signal("TERM");
    wait_until("the listener to be closed", || {
        TcpStream::connect(address).is_err()
    });
    let asked = SystemTime::now();
    assert_eq!(jkd.terminate(), 0);
    // Waiting would take the 30 seconds of --drain.
    assert!(asked.elapsed().unwrap() < Duration::from_secs(20));
    assert!(
        client.join().unwrap().is_err(),
        "an answer that was cut off must not look complete"
    );
}

#[test]
fn sighup_takes_over_a_valid_configuration() {
    let (old, new) = (Backend::saying("old"), Backend::saying("new"));
    let jkd = in_front_of(&old);
    let mut open = Http::persistent(jkd.address);
    assert_eq!(open.get("/").text(), "old");
    jkd.write(
        "workers.properties",
        &format!("worker.list=w\n{}", worker("w", &new)),
    );
    jkd.process().signal("HUP");
    wait_until("the new configuration", || {
        jkd.http().get("/").text() == "new"
    });
    assert_eq!(
        open.get("/").text(),
        "new",
        "also on a connection that was open before"
    );
    let (from, to) = (old.address.port(), new.address.port());
    jkd.wait_for_log(&format!("w: port {from} -> {to}\n"));
    jkd.wait_for_log("configuration reloaded changes=1\n");
    jkd.process().signal("HUP");
    jkd.wait_for_log("configuration reloaded: nothing changed\n");
}

#[test]
fn sighup_with_an_invalid_configuration_changes_nothing() {
    let backend = Backend::saying("still here");
    let jkd = in_front_of(&backend);
    jkd.write(
        "workers.properties",
        "worker.list=w\nworker.w.type=ajp13\nworker.w.prot=8009\n",
    );
    jkd.process().signal("HUP");
    jkd.wait_for_log("the running configuration stays");
    let log = jkd.log();
    assert!(
        log.contains("workers.properties:3"),
        "the log says where and why:\n{log}"
    );
    assert_eq!(jkd.http().get("/").text(), "still here");
}

#[test]
fn sighup_opens_and_closes_addresses() {
    let backend = Backend::saying("fine");
    let workers = format!("worker.list=w\n{}", worker("w", &backend));
    let conf = |listen: &str| format!("{listen}JkWorkersFile workers.properties\nJkMount /* w\n");
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file("jk.conf", &conf("Listen 127.0.0.1:0\n"))
        .start(&["run", "-f", "jk.conf"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let both = format!("Listen 127.0.0.1:0\nListen {address}\n");
    jkd.write("jk.conf", &conf(&both));
    jkd.process().signal("HUP");
    jkd.wait_for_log(&format!("cannot listen on {address}"));
    assert_eq!(jkd.http().get("/").text(), "fine");
    drop(taken);
    jkd.process().signal("HUP");
    jkd.wait_for_log(&format!("listening on http://{address}"));
    assert_eq!(Http::new(address).get("/").text(), "fine");
    jkd.write("jk.conf", &conf(&format!("Listen {address}\n")));
    jkd.process().signal("HUP");
    wait_until("the first address is closed", || {
        TcpStream::connect(jkd.address).is_err()
    });
    assert_eq!(Http::new(address).get("/").text(), "fine");
}

#[test]
fn an_invalid_configuration_is_not_served() {
    let jkd = Jkd::builder(BINARY).file("jk.conf", "Listen 127.0.0.1:0\nJkMountCopy perhaps\n");
    let output = jkd.run(&["run", "-f", "jk.conf"]).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("jk.conf:2: error"), "{text}");
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let backend = Backend::saying("");
    let jkd = Jkd::builder(BINARY).file(
        "workers.properties",
        &format!("worker.list=w\n{}", worker("w", &backend)),
    );
    let arguments = [
        "run",
        "-l",
        &address,
        "--workers",
        "workers.properties",
        "--mount",
        "/*=w",
    ];
    let output = jkd.run(&arguments).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&address), "{text}");
}

/// The balancer of two backends with a status worker at /jk-status.
fn with_status(more: &str) -> (Jkd, [Backend; 2]) {
    let backends = [Backend::saying("one"), Backend::saying("two")];
    let workers = format!(
        "worker.list=lb,status\nworker.lb.type=lb\nworker.lb.balance_workers=one,two\n\
         worker.status.type=status\n{}{}{more}",
        worker("one", &backends[0]),
        worker("two", &backends[1])
    );
    (
        Jkd::serving(BINARY, &workers, &["/*=lb", "/jk-status=status"]),
        backends,
    )
}

#[test]
fn the_status_page_shows_balancers_members_and_counters() {
    let (jkd, _backends) = with_status("worker.two.activation=disabled\nworker.one.secret=hush\n");
    let mut http = Http::persistent(jkd.address);
    for _ in 0..3 {
        assert_eq!(http.get("/").text(), "one");
    }
    let page = http.get("/jk-status");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let text = page.text();
    for fact in [
        "Balancer lb",
        ">one<",
        ">two<",
        ">ACT<",
        ">DIS<",
        ">OK<",
        ">OK/IDLE<",
        ">3<",
        "/jk-status",
    ] {
        assert!(text.contains(fact), "no {fact} in\n{text}");
    }
    assert!(!text.contains("hush"), "a secret is on the page");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(
        !text.contains("<script") && !text.contains("style="),
        "{text}"
    );
    let css = http.get("/jk-status?css");
    assert_eq!(css.header("content-type"), Some("text/css; charset=utf-8"));
}

#[test]
fn status_pages_show_what_is_in_effect() {
    let backend = Backend::saying("one");
    let workers = format!(
        "worker.list=one,status\nworker.status.type=status\n{}",
        worker("one", &backend)
    );
    let conf = "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMount /jk-status status\nJkMount /app one\n\
        <VirtualHost 127.0.0.2:80>\nJkMount /b one\n</VirtualHost>\n";
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file("jk.conf", conf)
        .start(&["run", "-f", "jk.conf"]);
    let page = jkd.http().get("/jk-status?mime=prop");
    assert_eq!(page.header("content-type"), Some("text/plain"));
    let page = page.text();
    for line in [
        format!("worker.server_port={}", jkd.address.port()),
        format!("worker.web_server=jkd/{}", env!("CARGO_PKG_VERSION")),
        "worker.one.connection_pool_timeout=60".to_owned(),
        "worker.one.connect_timeout=1000".to_owned(),
        "worker.one.reply_timeout=300000".to_owned(),
        "worker.one.map_count=2".to_owned(),
        "worker.one.map.1.server=localhost".to_owned(),
        "worker.one.map.2.server=127.0.0.2 [127.0.0.2:80]".to_owned(),
    ] {
        assert!(page.lines().any(|l| l == line), "no {line} in\n{page}");
    }
}

#[test]
fn the_status_page_escapes_what_the_query_says() {
    let (jkd, _backends) = with_status("");
    let page = jkd
        .http()
        .get("/jk-status?cmd=%3Cscript%3E<script>alert(1)</script>");
    let text = page.text();
    assert!(!text.contains("<script"), "{text}");
}

#[test]
fn status_pages_come_again_and_lead_back_as_they_are_told() {
    let (jkd, _backends) = with_status("");
    let page = |query: &str| jkd.http().get(&format!("/jk-status?{query}")).text();
    let refresh = "<meta http-equiv=\"refresh\" content=\"7\">";
    for query in ["re=7", "cmd=show&w=lb&re=7", "re=1&cmd=list&re=7x"] {
        assert!(page(query).contains(refresh), "{query}");
    }
    for query in [
        "",
        "re=0",
        "re=-7",
        "cmd=update&w=lb&vlr=2&re=7",
        "cmd=edit&w=lb&re=7",
    ] {
        assert!(!page(query).contains("http-equiv"), "{query}");
    }
    for (query, back) in [
        ("cmd=update&w=lb&vlr=2", "cmd=list"),
        (
            "cmd=update&w=lb&sw=one&vwf=2&from=show",
            "cmd=show&amp;w=lb",
        ),
        (
            "cmd=update&w=lb&sw=one&vwf=2&from=show&psw=one",
            "cmd=show&amp;w=lb&amp;sw=one",
        ),
    ] {
        let page = page(query).replace("&#38;", "&amp;");
        assert!(
            page.contains(&format!("href=\"?{back}\"")),
            "{query}: {page}"
        );
    }
}

#[test]
fn the_server_field_has_a_version_where_that_is_wanted() {
    let whole = concat!("jkd/", env!("CARGO_PKG_VERSION"));
    for (line, expected) in [
        ("", "jkd"),
        ("ServerTokens Prod\nServerSignature On", "jkd"),
        ("ServerTokens major", whole),
        ("ServerTokens Full\nServerSignature EMail", whole),
    ] {
        let jkd = Jkd::builder(BINARY)
            .file("jk.conf", &format!("Listen 127.0.0.1:0\n{line}\n"))
            .start(&["run", "-f", "jk.conf"]);
        let answer = jkd.http().get("/nothing");
        assert_eq!(
            (answer.status, answer.header("server")),
            (404, Some(expected))
        );
        let page = answer.text();
        assert!(
            !page.contains("jkd") && !page.contains("<address>"),
            "{page}"
        );
    }
}

#[test]
fn a_status_worker_with_a_list_of_users_lets_nobody_in() {
    let (jkd, _backends) = with_status("worker.status.user=admin\n");
    let page = jkd.http().get("/jk-status");
    let text = page.text();
    assert!(text.contains("Result: ERROR - Access denied."), "{text}");
    assert!(!text.contains("Balancer"), "{text}");
    let page = jkd.http().get("/jk-status?mime=prop").text();
    let expected = "worker.result.type=ERROR\nworker.result.message=Access denied.\n";
    assert_eq!(page, expected);
}

#[test]
fn metrics_are_offered_on_an_address_of_their_own() {
    let backend = Backend::saying("hello");
    let jkd = Jkd::builder(BINARY)
        .file(
            "workers.properties",
            &format!("worker.list=w\n{}", worker("w", &backend)),
        )
        .start(&[
            "run",
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--workers",
            "workers.properties",
            "--mount",
            "/*=w",
        ]);
    let address = metrics_of(&jkd);
    let mut scraper = Http::new(address);
    assert_eq!(jkd.http().get("/").text(), "hello");
    wait_until("the request to be counted", || {
        let text = scraper.get("/metrics").text();
        let mut lines = text
            .lines()
            .filter(|line| line.starts_with("jkd_requests_total{"));
        lines.any(|line| line.contains("worker=\"w\"") && line.ends_with(" 1"))
    });
    assert_eq!(scraper.get("/").status, 404);
    let mut broken = Connection::open(address).unwrap();
    broken.send(b"GET /metrics HTTP/1.1\r\nbroken\r\n\r\n");
    let refused = broken.read("GET");
    assert_eq!((refused.status, refused.end), (400, End::Closed));
    assert_eq!(
        jkd.http().get("/metrics").text(),
        "hello",
        "not on the public address"
    );
}

/// Where a jkd offers metrics.
fn metrics_of(jkd: &Jkd) -> SocketAddr {
    jkd.wait_for_log("metrics on http://");
    let log = jkd.log();
    let (before, rest) = log.split_once("metrics on http://").unwrap();
    assert!(
        before.contains("listening on"),
        "there is nothing to tell yet: {log}"
    );
    let (address, _) = rest.split_once('/').unwrap();
    address.parse().unwrap()
}

#[test]
fn clients_that_leave_before_their_answer_begins_are_counted() {
    let backend = Backend::silent();
    let workers = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a\n{}",
        worker("a", &backend)
    );
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .start(&[
            "run",
            "--listen=127.0.0.1:0",
            "--metrics=127.0.0.1:0",
            "--workers=workers.properties",
            "--mount=/*=lb",
        ]);
    let mut client = TcpStream::connect(jkd.address).unwrap();
    let request = b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(request).unwrap();
    wait_until("the request", || backend.requests() == 1);
    // One that only says that it sends nothing more may still wait.
    let client = socket2::Socket::from(client);
    client.set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let mut scraper = Http::new(metrics_of(&jkd));
    let counted = "jkd_requests_total{worker=\"lb\",member=\"a\",code=\"4xx\"} 1";
    wait_until("the request to be counted", || {
        scraper.get("/metrics").text().contains(counted)
    });
    let text = scraper.get("/metrics").text();
    let own = "{balancer=\"lb\",member=\"a\"";
    for line in [
        format!("jkd_member_elected_total{own}}} 1"),
        format!("jkd_member_client_errors_total{own}}} 1"),
        format!("jkd_member_errors_total{own}}} 0"),
        format!("jkd_member_busy{own}}} 0"),
    ] {
        assert!(text.contains(&line), "no {line} in\n{text}");
    }
    let sent = format!("jkd_member_bytes_total{own},direction=\"sent\"}} ");
    let (_, sent) = text.split_once(&sent).unwrap();
    assert!(!sent.starts_with("0\n"), "what was sent counts");
}
