//! What goes wrong with real Tomcats, and what the client makes of it.

use std::time::Duration;

use ajp13::{
    Address, Client, ErrorKind, PingPolicy, PoolOptions, Stage,
    facts::{Attributes, Secret},
};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use jkd_tests::{Tomcat, wait_until};
use tokio::time::Instant;

use crate::{
    client::{AnyBody, client, get, patient, pool_options, post, text, whole},
    lab::{self, Connector},
    peer::pattern,
};

/// What a Tomcat that is warm needs for a short answer, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(5);

fn impatient(connector: Connector, reply: Duration) -> Client {
    Client::builder(Address::from(lab::address(connector)))
        .pool(pool_options(connector))
        .reply_timeout(Some(reply))
        .build()
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_missing_or_wrong_secret_is_recognised_and_the_connection_closed() {
    for secret in [None, Some("WRONG"), Some("RIGHTSECRET")] {
        let client = client(Connector::Secret);
        let mut request = get("/bytes?n=1");
        if let Some(secret) = secret {
            request.extensions_mut().insert(Secret::new(secret));
        }
        let response = client.send(request).await.expect("an answer");
        let right = secret == Some("RIGHTSECRET");
        assert_eq!(response.status(), if right { 200 } else { 403 });
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.expect("a whole body");
        }
        assert_eq!(body.refusal_hint().is_none(), right, "{secret:?}");
        let stats = client.pool().stats();
        assert_eq!(
            (stats.idle, stats.busy),
            (usize::from(right), 0),
            "{stats:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_refused_attribute_costs_the_connection() {
    let client = client(Connector::Strict);
    let mut request = get("/snoop");
    let mut attributes = Attributes::new();
    attributes.push("UNKNOWN", "x");
    request.extensions_mut().insert(attributes);
    let response = client.send(request).await.expect("an answer");
    assert_eq!(response.status(), 403);
    text(response).await;
    let stats = client.pool().stats();
    assert_eq!(
        (stats.idle, stats.busy, stats.closed.total()),
        (0, 0, 1),
        "{stats:?}"
    );
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_body_shorter_or_longer_than_its_content_length_is_an_error() {
    let client = client(Connector::Plain);
    let response = client
        .send(get("/length?announced=100&sent=10"))
        .await
        .expect("a head");
    let error = response
        .into_body()
        .collect()
        .await
        .expect_err("90 bytes are missing");
    assert_eq!(error.kind(), ErrorKind::Length);
    // The connection itself is in step, whichever way the pool decided.
    assert_eq!(
        client
            .send(get("/bytes?n=1"))
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn line_ends_in_a_header_never_get_through() {
    match client(Connector::Plain).send(get("/crlf")).await {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Response),
        // Versions that replace control characters by blanks.
        Ok(response) => assert!(!response.headers().contains_key("x-injected")),
    }
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn silence_after_the_answer_began_breaks_off() {
    let client = impatient(Connector::Plain, LIMIT);
    let response = client.send(get("/throw-late")).await.expect("a head");
    // Some versions fall silent, some end with reuse=0; none may look like a whole answer that
    // leaves a connection behind.
    if let Err(error) = response.into_body().collect().await {
        assert_eq!(
            (error.kind(), error.stage()),
            (ErrorKind::Reply, Stage::HeadersReceived)
        );
    }
    assert_eq!(client.pool().stats().idle, 0);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn headers_too_large_for_tomcat_are_no_hang() {
    let client = impatient(Connector::Plain, Duration::from_secs(2));
    match client.send(get("/large-header")).await {
        Err(error) => assert!(
            matches!(
                error.kind(),
                ErrorKind::Reply | ErrorKind::Protocol | ErrorKind::Order
            ),
            "{error}"
        ),
        Ok(response) => assert!(response.status().is_server_error()),
    }
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_client_that_goes_away_is_an_exception_for_the_servlet() {
    let client = client(Connector::Plain);
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    });
    let mut request = post("/read?id=gone", AnyBody::new(StreamBody::new(stream)));
    request
        .headers_mut()
        .insert("content-length", 20_000.into());
    let sent = tokio::spawn({
        let client = client.clone();
        async move { client.send(request).await }
    });
    let part = Frame::data(Bytes::from(pattern(10_000)));
    sender.send(Ok(part)).await.expect("the body is read");
    sender
        .send(Err(std::io::Error::other("gone")))
        .await
        .expect("the body is read");
    let error = sent.await.expect("no panic").expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::RequestBody);
    assert!(error.is_request());
    let note = async || text(client.send(get("/note?id=gone")).await.expect("an answer")).await;
    let deadline = Instant::now() + jkd_tests::LONG;
    let mut found = note().await;
    while found == "none" && Instant::now() < deadline {
        found = note().await;
    }
    assert!(
        found.starts_with("exception after"),
        "the servlet saw: {found}"
    );
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_connector_that_did_not_start_fails_within_the_cping_timeout() {
    let start = Instant::now();
    let error = client(Connector::Mute)
        .send(get("/snoop"))
        .await
        .expect_err("an error");
    assert!(error.is_cping() && error.is_timeout(), "{error}");
    assert_eq!(error.stage(), Stage::NothingSent);
    assert!(
        error.hint().is_some_and(|hint| hint.contains("secret")),
        "{error}"
    );
    assert!(start.elapsed() < jkd_tests::LONG);
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_busy_container_answers_a_cping_late_and_that_is_no_error_before_the_timeout() {
    let mut options: PoolOptions = pool_options(Connector::Small);
    options.ping = PingPolicy {
        connect: Some(jkd_tests::LONG),
        ..PingPolicy::default()
    };
    let address = Address::from(lab::address(Connector::Small));
    let client = Client::builder(address).pool(options).build();
    let all: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                text(client.send(get("/slow?ms=700")).await.expect("an answer")).await
            })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.expect("no panic"), "slept");
    }
}

#[tokio::test]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_request_too_large_is_our_error_before_a_byte_is_sent() {
    let client = client(Connector::Plain);
    let mut request = get("/snoop");
    request
        .headers_mut()
        .insert("x-fill", "x".repeat(9000).parse().expect("a value"));
    let error = client.send(request).await.expect_err("an error");
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::TooLarge, Stage::NothingSent)
    );
    let response = client.send(get("/bytes?n=1")).await.expect("an answer");
    assert_eq!(response.status(), 200);
}

/// One of its own, since these cases end it.
fn victim() -> (Tomcat, Client) {
    const SLOW: &str = r#"<%@page contentType="text/plain"%><%
      String id = request.getParameter("id");
      if (request.getParameter("ask") != null) { out.print(application.getAttribute(id)); return; }
      application.setAttribute(id, "running");
      Thread.sleep(Long.parseLong(request.getParameter("ms"))); out.print("slept"); %>"#;
    let tomcat = Tomcat::builder("victim")
        .connector(r#"secretRequired="false""#)
        .file("slow.jsp", SLOW)
        .start();
    let client = patient_client(&tomcat);
    (tomcat, client)
}

fn patient_client(tomcat: &Tomcat) -> Client {
    let options = PoolOptions {
        ping: patient(),
        ..PoolOptions::default()
    };
    Client::builder(Address::from(tomcat.address()))
        .pool(options)
        .build()
}

fn slow(ms: u32) -> http::Request<AnyBody> {
    page(&format!("ms={ms}&id=ms{ms}"))
}

fn page(query: &str) -> http::Request<AnyBody> {
    http::Request::get(format!("http://front.example/slow.jsp?{query}"))
        .body(whole(Vec::new()))
        .expect("a request")
}

/// Waits until the page of [`slow`] with this time runs.
async fn under_way(tomcat: &Tomcat, ms: u32) {
    let observer = patient_client(tomcat);
    let deadline = Instant::now() + jkd_tests::LONG;
    loop {
        let answer = observer
            .send(page(&format!("ask=1&id=ms{ms}")))
            .await
            .expect("an answer");
        if text(answer).await == "running" {
            return;
        }
        assert!(Instant::now() < deadline, "the page does not run");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn the_ends_of_a_tomcat() {
    let (mut tomcat, client) = victim();
    let warm = client.send(slow(0)).await.expect("an answer");
    assert_eq!(text(warm).await, "slept");

    // Killed while idle: noticed before the next request, which finds nobody there.
    tomcat.kill();
    let error = client.send(slow(0)).await.expect_err("an error");
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Connect, Stage::NothingSent)
    );
    tomcat.start();
    assert_eq!(
        text(client.send(slow(0)).await.expect("an answer")).await,
        "slept"
    );

    // Killed during a request: sent, no byte back, not stale but possibly executed.
    let running = tokio::spawn({
        let client = client.clone();
        async move { client.send(slow(60_000)).await }
    });
    under_way(&tomcat, 60_000).await;
    tomcat.kill();
    let error = running.await.expect("no panic").expect_err("an error");
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Closed, Stage::RequestSent)
    );
    tomcat.start();

    // Stopped during a request: it finishes, and the connection is not used again.
    text(client.send(slow(0)).await.expect("an answer")).await;
    let running = tokio::spawn({
        let client = client.clone();
        async move { text(client.send(slow(2000)).await.expect("an answer")).await }
    });
    under_way(&tomcat, 2000).await;
    tokio::task::spawn_blocking(move || tomcat.stop())
        .await
        .expect("it stops");
    assert_eq!(running.await.expect("no panic"), "slept");
    let error = client.send(slow(0)).await.expect_err("an error");
    assert_eq!(error.stage(), Stage::NothingSent, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Tomcat: run tests/run"]
async fn a_frozen_tomcat() {
    let (tomcat, patient) = victim();
    // Compiles the page, for which there is no limit.
    text(patient.send(slow(0)).await.expect("an answer")).await;
    let ping = PingPolicy {
        connect: Some(LIMIT),
        ..PingPolicy::default()
    };
    let options = PoolOptions {
        ping,
        ..PoolOptions::default()
    };
    let client = Client::builder(Address::from(tomcat.address()))
        .pool(options)
        .reply_timeout(Some(LIMIT))
        .build();
    // In the middle of a request: only the reply timeout helps, and nothing says it was not run.
    let running = tokio::spawn({
        let client = client.clone();
        async move { client.send(slow(20_000)).await }
    });
    under_way(&tomcat, 20_000).await;
    tomcat.freeze();
    let error = running.await.expect("no panic").expect_err("an error");
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Reply, Stage::RequestSent)
    );
    // A new connection is accepted by the kernel and answered by nobody.
    let error = client.send(slow(0)).await.expect_err("an error");
    assert!(error.is_cping() && error.is_timeout(), "{error}");
    tomcat.thaw();
    wait_until("Tomcat to go on", || tomcat.answers());
    assert_eq!(
        text(client.send(slow(0)).await.expect("an answer")).await,
        "slept"
    );
}
