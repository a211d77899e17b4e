//! The client with its pool: bodies both ways, and connections that are used again.

use ajp13::{
    Address, Client, ErrorKind, PingPolicy, PoolOptions,
    facts::{Attributes, RemoteUser},
    wire::PacketSize,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    lab::{self, Connector},
    peer::pattern,
};

pub type AnyBody = UnsyncBoxBody<Bytes, std::io::Error>;

pub fn pool_options(connector: Connector) -> PoolOptions {
    let packet_size = match connector {
        Connector::Large => PacketSize::MAX,
        _ => PacketSize::DEFAULT,
    };
    let ping = match connector {
        Connector::Mute => PingPolicy::default(),
        _ => patient(),
    };
    PoolOptions {
        packet_size,
        ping,
        ..PoolOptions::default()
    }
}

/// CPings as by default, with timeouts that only a broken Tomcat misses.
pub fn patient() -> PingPolicy {
    let mut ping = PingPolicy {
        connect: Some(jkd_tests::LONG),
        ..PingPolicy::default()
    };
    if let Some(reuse) = &mut ping.before_request {
        reuse.timeout = jkd_tests::LONG;
    }
    ping
}

pub fn client(connector: Connector) -> Client {
    let address = Address::from(lab::address(connector));
    Client::builder(address)
        .pool(pool_options(connector))
        .build()
}

/// A body of known length.
pub fn whole(bytes: Vec<u8>) -> AnyBody {
    AnyBody::new(Full::new(Bytes::from(bytes)).map_err(|never| match never {}))
}

/// A body of unknown length, in pieces.
fn pieces(bytes: Vec<u8>, size: usize) -> AnyBody {
    let pieces: Vec<_> = bytes
        .chunks(size.max(1))
        .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    AnyBody::new(StreamBody::new(futures_util::stream::iter(pieces)))
}

pub fn get(what: &str) -> Request<AnyBody> {
    let none = AnyBody::new(Empty::new().map_err(|never| match never {}));
    Request::get(format!("http://front.example/lab{what}"))
        .body(none)
        .expect("a request")
}

pub fn post(what: &str, body: AnyBody) -> Request<AnyBody> {
    Request::post(format!("http://front.example/lab{what}"))
        .body(body)
        .expect("a request")
}

pub async fn text(response: Response<ajp13::Body>) -> String {
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("the whole body")
        .to_bytes();
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn bodies_of_every_size_and_framing_come_back_as_they_went() {
    let client = client(Connector::Plain);
    for length in [0, 1, 8185, 8186, 8187, 100_000] {
        for body in [whole(pattern(length)), pieces(pattern(length), 3000)] {
            let response = client.send(post("/echo", body)).await.expect("an answer");
            let back = response
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes();
            assert!(back == pattern(length), "{length}");
        }
    }
    let stats = client.pool().stats();
    assert_eq!(
        (stats.opened, stats.idle, stats.busy),
        (1, 1, 0),
        "{stats:?}"
    );
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn ten_megabytes_both_ways_at_once_through_small_socket_buffers() {
    let mut options = pool_options(Connector::Plain);
    options.tcp.send_buffer = Some(8192);
    options.tcp.receive_buffer = Some(8192);
    let address = Address::from(lab::address(Connector::Plain));
    let client = Client::builder(address).pool(options).build();
    let body = pattern(10 << 20);
    let response = client
        .send(post("/echo", whole(body.clone())))
        .await
        .expect("an answer");
    let back = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    assert!(back == body);
    assert_eq!(client.pool().stats().idle, 1);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn packets_of_64_kilobytes() {
    let client = client(Connector::Large);
    let body = pattern(1 << 20);
    let response = client
        .send(post("/echo", whole(body.clone())))
        .await
        .expect("an answer");
    assert!(
        response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes()
            == body
    );
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_container_with_larger_packets_breaks_what_was_agreed_on() {
    let client = Client::new(Address::from(lab::address(Connector::Large)));
    let response = client
        .send(get("/bytes?n=200000"))
        .await
        .expect("an answer");
    let error = response.into_body().collect().await.expect_err("no body");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_body_that_nobody_reads_leaves_the_connection_usable() {
    let client = client(Connector::Plain);
    for read in [0, 1, 20_000] {
        let request = post(&format!("/some?n={read}"), whole(pattern(20_000)));
        let response = client.send(request).await.expect("an answer");
        assert_eq!(text(response).await, format!("got={read}"));
    }
    assert_eq!(client.pool().stats().opened, 1);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn the_answer_begins_while_the_body_is_still_being_sent() {
    let client = client(Connector::Plain);
    let response = client
        .send(post("/early", pieces(pattern(50_000), 100)))
        .await
        .expect("an answer");
    assert_eq!(text(response).await, "before after 50000");
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn flushes_end_nothing() {
    let response = client(Connector::Plain)
        .send(get("/flush"))
        .await
        .expect("an answer");
    let mut body = response.into_body();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.expect("a frame").into_data().expect("data");
        assert!(
            !data.is_empty(),
            "an empty frame would end a chunked HTTP body"
        );
        all.extend_from_slice(&data);
    }
    assert_eq!(all, b"onetwo");
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn head_and_statuses_without_body() {
    let client = client(Connector::Plain);
    let mut request = get("/bytes?n=6");
    *request.method_mut() = http::Method::HEAD;
    let head = client.send(request).await.expect("an answer");
    assert_eq!(head.headers()["content-length"], "6");
    assert_eq!(text(head).await, "");
    for status in [204, 205, 304] {
        let response = client
            .send(get(&format!("/status?s={status}")))
            .await
            .expect("an answer");
        assert_eq!(response.status(), status);
        assert_eq!(text(response).await, "");
    }
    assert_eq!(client.pool().stats().opened, 1);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn repeated_headers_keep_their_order() {
    let response = client(Connector::Plain)
        .send(get("/headers"))
        .await
        .expect("an answer");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn facts_beside_http() {
    let mut request = get("/snoop");
    request.extensions_mut().insert(RemoteUser {
        name: Some("alice".into()),
        auth_type: Some("Basic".into()),
    });
    let snooped = text(
        client(Connector::Trusting)
            .send(request)
            .await
            .expect("an answer"),
    )
    .await;
    assert!(snooped.contains("remote_user=alice\n"), "{snooped}");

    let mut request = get("/snoop");
    let mut attributes = Attributes::new();
    attributes.push("MYATTRIBUTE", "a value");
    request.extensions_mut().insert(attributes);
    let snooped = text(
        client(Connector::Plain)
            .send(request)
            .await
            .expect("an answer"),
    )
    .await;
    assert!(snooped.contains("myattribute=a value\n"), "{snooped}");
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn connections_that_tomcat_closed_are_noticed_before_they_are_used() {
    let client = client(Connector::Hasty);
    let deadline = Instant::now() + jkd_tests::LONG;
    let mut pause = Duration::from_millis(500);
    // Whenever Tomcat closes it, no request fails; in the end one needed a new connection.
    while client.pool().stats().opened < 3 {
        assert!(Instant::now() < deadline, "{:?}", client.pool().stats());
        let response = client.send(get("/bytes?n=1")).await.expect("an answer");
        assert_eq!(text(response).await.len(), 1);
        tokio::time::sleep(pause).await;
        pause += Duration::from_millis(500);
    }
}
