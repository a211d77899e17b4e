//! Request heads: what reaches the service, and what is refused before it.

use ajp13::server::{AllowedAttributes, ServerOptions};
use ajp13::wire::Attribute;

use super::support::{Harness, data, get, request};

fn named<'a>(name: &'a str, value: &'a str) -> Attribute<'a> {
    Attribute::RequestAttribute {
        name: name.as_bytes(),
        value: value.as_bytes(),
    }
}

#[tokio::test]
async fn method_target_and_headers_reach_the_service() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let headers = [("Host", "test"), ("X-Two", "1"), ("x-two", "2")];
    let reply = peer
        .exchange(request("PATCH", "/a%20b;jsessionid=x?q=1", &headers, &[]))
        .await;
    assert_eq!(
        reply.text(),
        "PATCH /a%20b;jsessionid=x?q=1 host=test,x-two=1,x-two=2"
    );
    assert_eq!(
        (reply.status, reply.reason.as_str(), reply.reuse),
        (200, "OK", true)
    );
}

#[tokio::test]
async fn the_secret_is_needed_and_must_be_right() {
    let right = Attribute::Secret(b"hush");
    let wrong = Attribute::Secret(b"hash");
    let cases: [(&[Attribute<'_>], u16); 6] = [
        (&[], 403),
        (&[wrong], 403),
        (&[right, wrong], 403),
        (&[wrong, right], 403),
        (&[right], 200),
        (&[right, right], 200),
    ];
    let server = Harness::with_secret("hush").await;
    for (attributes, status) in cases {
        let mut peer = server.connect().await;
        peer.ping().await;
        let reply = peer.exchange(request("GET", "/", &[], attributes)).await;
        assert_eq!(
            (reply.status, reply.reuse),
            (status, status == 200),
            "{attributes:?}"
        );
        if status == 403 {
            peer.closed().await;
        }
    }
}

#[tokio::test]
async fn a_refused_upload_gets_its_answer() {
    let server = Harness::with_secret("hush").await;
    let mut peer = server.connect().await;
    peer.send(request(
        "POST",
        "/count",
        &[("content-length", "100000")],
        &[],
    ))
    .await;
    peer.send(data(&[7; 8186])).await;
    assert_eq!(peer.reply().await.status, 403);
    peer.closed().await;
}

#[tokio::test]
async fn attributes_may_be_limited() {
    let attributes = AllowedAttributes::Only(vec!["OWN".into()]);
    let server = Harness::start(ServerOptions {
        attributes,
        ..Default::default()
    })
    .await;
    let facts = [
        named("OWN", "1"),
        named("AJP_REMOTE_PORT", "1"),
        named("JK_LB_ACTIVATION", "ACT"),
    ];
    let mut peer = server.connect().await;
    assert_eq!(
        peer.exchange(request("GET", "/", &[], &facts)).await.status,
        200
    );
    let reply = peer
        .exchange(request("GET", "/", &[], &[named("own", "1")]))
        .await;
    assert_eq!((reply.status, reply.reuse), (403, false));
    peer.closed().await;
}

#[tokio::test]
async fn what_a_browser_got_wrong_does_not_cost_the_connection() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    for (method, target) in [
        ("GET", "no-slash"),
        ("GET", "/a#b"),
        ("GET", "/a b"),
        ("G T", "/"),
    ] {
        let reply = peer.exchange(request(method, target, &[], &[])).await;
        assert_eq!(
            (reply.status, reply.reuse),
            (400, true),
            "{method} {target}"
        );
    }
    peer.ping().await;
}

#[tokio::test]
async fn what_no_web_server_sends_costs_the_connection() {
    let server = Harness::plain().await;
    for headers in [
        &[("content-length", "abc")][..],
        &[("content-length", "1"), ("content-length", "1")],
        &[("content-length", "-1")],
        &[("x", "a\r\nb: c")],
        &[("x y", "1")],
    ] {
        let mut peer = server.connect().await;
        let reply = peer.exchange(request("GET", "/", headers, &[])).await;
        assert_eq!((reply.status, reply.reuse), (400, false), "{headers:?}");
        peer.closed().await;
    }
}

#[tokio::test]
async fn headers_are_counted() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let header = ("x", "1");
    assert_eq!(
        peer.exchange(request("GET", "/", &[header; 100], &[]))
            .await
            .status,
        200
    );
    assert_eq!(
        peer.exchange(request("GET", "/", &[header; 101], &[]))
            .await
            .status,
        431
    );
    peer.closed().await;
}

#[tokio::test]
async fn a_malformed_head_is_a_bad_request() {
    let server = Harness::plain().await;
    let whole = get("/");
    for cut in 1..whole.len() - 4 {
        let mut packet = whole[..4 + cut].to_vec();
        packet[2..4].copy_from_slice(&u16::try_from(cut).unwrap().to_be_bytes());
        let mut peer = server.connect().await;
        let reply = peer.exchange(packet).await;
        assert_eq!((reply.status, reply.reuse), (400, false), "cut at {cut}");
        peer.closed().await;
    }
}
