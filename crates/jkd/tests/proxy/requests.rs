//! What a backend gets to see.

use ajp13::wire::{Attribute, ForwardRequest};
use jkd_tests::{Backend, Request};

use crate::harness::{Daemon, balancer};

/// A backend that answers with what it saw, one word each.
fn echo() -> Backend {
    Backend::start(|exchange| {
        let request = ForwardRequest::decode(exchange.request).unwrap();
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"-")).into_owned();
        let mut facts = format!(
            "method={} uri={} addr={} name={} port={} ssl={} ",
            text(Some(request.method.name())),
            text(request.uri),
            text(request.remote_addr),
            text(request.server_name),
            request.server_port,
            request.is_ssl,
        );
        for header in request.headers.iter() {
            facts += &format!(
                "h-{}={} ",
                text(Some(header.name)).to_lowercase(),
                text(Some(header.value))
            );
        }
        for attribute in request.attributes.iter() {
            facts += &match attribute {
                Attribute::QueryString(query) => format!("query={} ", text(Some(query))),
                Attribute::Route(route) => format!("route={} ", text(Some(route))),
                Attribute::Secret(secret) => format!("secret={} ", text(Some(secret))),
                Attribute::RequestAttribute { name, value } => {
                    format!("a-{}={} ", text(Some(name)), text(Some(value)))
                }
                _ => String::new(),
            };
        }
        let length = facts.len().to_string();
        exchange.answer(200, &[("Content-Length", &length)], facts.as_bytes())
    })
}

#[test]
fn a_member_of_two_balancers_gets_the_secret_of_each() {
    let backend = echo();
    let port = backend.address.port();
    let workers = format!(
        "worker.list=one,two\nworker.one.type=lb\nworker.one.balance_workers=a\n\
         worker.two.type=lb\nworker.two.balance_workers=a\n\
         worker.one.secret=first\nworker.two.secret=second\n\
         worker.a.host=127.0.0.1\nworker.a.port={port}\n"
    );
    let daemon = Daemon::start(&workers, &["/1=one", "/2=two"]);
    for (path, secret) in [("/1", "first"), ("/2", "second"), ("/1", "first")] {
        assert_eq!(daemon.http().get(path).fact("secret"), secret);
    }
}

#[test]
fn a_request_arrives_as_mod_jk_would_send_it() {
    let daemon = Daemon::before_with(&echo(), "worker.w.secret=geheim");
    let request = Request::new("GET", "/app/a%20b/../x;jsessionid=1.n?q=%2F&r")
        .header("Host", "Shop.Example.:8443")
        .header("X-Two", "one")
        .header("X-Two", "two");
    let seen = daemon.http().send(request);
    assert_eq!(seen.fact("method"), "GET");
    assert_eq!(seen.fact("uri"), "/app/x;jsessionid=1.n");
    assert_eq!(seen.fact("query"), "q=%2F&r");
    assert_eq!(seen.fact("addr"), "127.0.0.1");
    assert_eq!(seen.fact("name"), "shop.example");
    assert_eq!(seen.fact("port"), "8443");
    assert_eq!(seen.fact("ssl"), "false");
    assert_eq!(seen.fact("h-host"), "Shop.Example.:8443");
    assert_eq!(seen.fact("h-content-length"), "0");
    assert!(seen.text().contains("h-x-two=one, two "));
    assert_eq!(seen.fact("secret"), "geheim");
    assert_eq!(seen.fact("a-AJP_LOCAL_ADDR"), "127.0.0.1");
    assert_eq!(seen.fact("a-JK_LB_ACTIVATION"), "ACT");
    assert!(seen.fact("a-AJP_REMOTE_PORT").parse::<u16>().unwrap() > 0);
    assert!(
        !seen.text().contains("route="),
        "a stand-alone worker has no route"
    );
}

#[test]
fn a_member_is_told_its_route() {
    let (a, b) = (echo(), echo());
    let lines = "worker.a.route=node1\nworker.b.route=node2\nworker.b.activation=D";
    let daemon = Daemon::start(&balancer(&[a.address, b.address], lines), &["/*=lb"]);
    let mut http = daemon.http();
    assert_eq!(http.get("/x").fact("route"), "node1");
    let seen = http.get("/x;jsessionid=1.node2");
    assert_eq!(seen.fact("route"), "node2");
    assert_eq!(seen.fact("a-JK_LB_ACTIVATION"), "DIS");
    http.cookies.insert("JSESSIONID".into(), "1.node2".into());
    assert_eq!(http.get("/x").fact("route"), "node2");
}

#[test]
fn any_method_travels() {
    let daemon = Daemon::before(&echo());
    for method in ["POST", "DELETE", "PATCH", "PROPFIND", "OPTIONS", "FOO"] {
        let seen = daemon.http().send(Request::new(method, "/"));
        assert_eq!(seen.fact("method"), method);
    }
}

#[test]
fn http_1_0_needs_no_host() {
    let daemon = Daemon::before(&echo());
    let answer = daemon.say("GET /x HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 200\r\n"), "{answer}");
    assert!(answer.contains("name=127.0.0.1 port=80 "), "{answer}");
    assert!(
        answer.contains("Connection: close") || !answer.contains("keep-alive"),
        "{answer}"
    );
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let backend = echo();
    let daemon = Daemon::before(&backend);
    let mut raw = daemon.raw();
    let requests: Vec<_> = (0..20)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    raw.write(&requests.concat());
    for n in 0..20 {
        let head = raw.head();
        assert_eq!(head[0], "HTTP/1.1 200 200");
        let length = head
            .iter()
            .find_map(|h| h.strip_prefix("Content-Length: "))
            .unwrap();
        let body = raw.bytes(length.parse().unwrap());
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(&format!("uri=/{n} ")), "{body}");
    }
    assert_eq!(backend.requests(), 20);
}
