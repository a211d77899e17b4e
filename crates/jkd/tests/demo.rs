//! `jkd demo`, as a newcomer meets it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::io::Read as _;

use jkd_tests::{Http, Jkd, Request, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

fn demo(more: &[&str]) -> Jkd {
    let arguments = [&["demo", "--listen", "127.0.0.1:0"], more].concat();
    Jkd::builder(BINARY).start(&arguments)
}

/// The first `tomcat1` or `tomcat2` in a page.
fn node_in(page: &str) -> String {
    let at = page
        .find("tomcat")
        .unwrap_or_else(|| panic!("no node in\n{page}"));
    page[at..at + 7].to_owned()
}

#[test]
fn the_embedded_demo_serves_its_pages_and_stops() {
    let jkd = demo(&[]);
    wait_until("the list of URLs", || {
        jkd.log().contains("Ctrl-C stops everything")
    });
    let log = jkd.log();
    for path in [
        "/counter",
        "/echo",
        "/slow",
        "/upload",
        "/download",
        "/jk-status",
    ] {
        assert!(
            log.contains(&format!("http://{}{path}", jkd.address)),
            "{path} in\n{log}"
        );
    }
    let mut visitor = jkd.http();
    let first = visitor.get("/counter");
    assert_eq!(first.status, 200, "{}", first.text());
    let node = node_in(&first.text());
    for _ in 0..4 {
        assert_eq!(node_in(&visitor.get("/counter").text()), node, "sticky");
    }
    wait_until("the other node for another visitor", || {
        node_in(&jkd.http().get("/counter").text()) != node
    });
    pages_answer(&jkd);
    jkd.process().signal("INT");
    assert_eq!(jkd.process().wait_for_end(), 0, "{}", jkd.log());
}

fn pages_answer(jkd: &Jkd) {
    let mut http = Http::persistent(jkd.address);
    let echo = http.send(Request::new("GET", "/echo?a=b").header("X-Odd", "one"));
    for fact in ["/echo", "a=b", "127.0.0.1"] {
        assert!(echo.text().contains(fact), "no {fact} in\n{}", echo.text());
    }
    assert_eq!(http.get("/download?bytes=1000000").body.len(), 1_000_000);
    assert_eq!(http.get("/slow?ms=20").status, 200);
    let (mut body, length) = (std::io::repeat(7).take(100_000), 100_000);
    let upload = http.send(Request::new("POST", "/upload").body(&mut body, Some(length)));
    assert!(upload.text().contains("100000"), "{}", upload.text());
    assert!(http.get("/jk-status").text().contains("tomcat2"));
}

#[test]
fn a_taken_address_is_explained() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Jkd::builder(BINARY)
        .run(&["demo", "--listen", &address])
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains(&address) && text.contains("--listen"),
        "{text}"
    );
}

#[test]
#[ignore = "needs real Tomcats: run tests/run demo"]
fn two_real_tomcats_serve_the_counter_and_leave_nothing_behind() {
    let jkd = demo(&["--tomcat"]);
    let mut visitor = jkd.http();
    let first = visitor.get("/").text();
    assert!(first.contains("Request 1 of this session"), "{first}");
    let node = node_in(&first);
    let second = visitor.get("/counter.jsp").text();
    assert!(second.contains("Request 2 of this session"), "{second}");
    assert_eq!(node_in(&second), node);
    // The other Tomcat has the session, too.
    let pid = second
        .split("process ")
        .nth(1)
        .unwrap()
        .split(')')
        .next()
        .unwrap();
    jkd_tests::signal(pid.parse().unwrap(), "KILL");
    wait_until("the other Tomcat to take over", || {
        let third = visitor.get("/").text();
        third.contains("of this session") && node_in(&third) != node
    });
    assert!(
        !visitor.get("/").text().contains("Request 1 of"),
        "the session went on"
    );
    jkd.process().signal("INT");
    assert_eq!(jkd.process().wait_for_end(), 0, "{}", jkd.log());
    let left: Vec<_> = std::fs::read_dir(jkd.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_a_tomcat_the_demo_says_what_to_install() {
    let output = Jkd::builder(BINARY)
        .environment("CATALINA_HOME", "/nowhere")
        .run(&["demo", "--tomcat", "--listen", "127.0.0.1:0"])
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("apt install tomcat10"), "{text}");
}
