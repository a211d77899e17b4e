//! `Client`: HTTP requests in, HTTP responses out.

use std::time::Duration;

use ajp13::facts::{Reason, Secret};
use ajp13::{Client, ErrorKind, PingPolicy, PoolOptions};
use bytes::Bytes;
use http::Request;
use http_body::Body as _;
use http_body_util::{Empty, Full};

use crate::support::*;

fn client(backend: &Backend) -> Client {
    let options = PoolOptions {
        ping: PingPolicy::NEVER,
        ..PoolOptions::default()
    };
    Client::builder(backend.address().into())
        .secret("hush")
        .pool(options)
        .build()
}

fn holds(packet: &[u8], part: &[u8]) -> bool {
    packet.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_request_carries_the_secret_and_an_answer_its_reason() {
    let backend = Backend::bind().await;
    let client = client(&backend);
    let serve = async {
        let mut peer = backend.accept().await;
        let request = peer.request().await;
        assert!(holds(&request, b"\x0c\x00\x04hush\x00"));
        // content-length: 0, coded.
        assert!(holds(&request, b"\xa0\x08\x00\x010\x00"));
        let mut answer = b"AB\x00\x00\x04\x01\x9a\x00\x07No luck\x00\x00\x00".to_vec();
        answer[3] = u8::try_from(answer.len() - 4).unwrap();
        answer.extend(END);
        peer.send(&answer).await;
        let request = peer.request().await;
        assert!(holds(&request, b"\x0c\x00\x05other\x00") && !holds(&request, b"hush"));
        peer.send(&whole(b"")).await;
    };
    let ask = async {
        let request = || {
            Request::get("http://localhost/")
                .body(Empty::<Bytes>::new())
                .unwrap()
        };
        let answer = client.send(request()).await.unwrap();
        assert_eq!(answer.status(), 410);
        let Reason(reason) = answer.extensions().get().unwrap();
        assert_eq!(*reason, "No luck");
        assert!(answer.body().is_end_stream());
        let mut request = request();
        request.extensions_mut().insert(Secret::new("other"));
        let answer = client.send(request).await.unwrap();
        assert!(answer.extensions().get::<Reason>().is_none());
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn the_body_decides_the_announced_length() {
    let backend = Backend::bind().await;
    let client = client(&backend);
    let serve = async {
        let mut peer = backend.accept().await;
        assert!(holds(&peer.request().await, b"\xa0\x08\x00\x015\x00"));
        assert_eq!(peer.data().await, b"hello");
        peer.send(&whole(b"")).await;
        let request = peer.request().await;
        assert!(!holds(&request, b"\xa0\x08") && holds(&request, b"chunked"));
        peer.send(ASK).await;
        assert_eq!(peer.data().await, b"piece");
        peer.send(&whole(b"")).await;
    };
    let ask = async {
        let request = Request::post("/")
            .body(Full::new(Bytes::from("hello")))
            .unwrap();
        client.send(request).await.unwrap();
        let (sender, body) = pieces();
        sender.send(Ok("piece".into())).unwrap();
        client
            .send(Request::post("/").body(body).unwrap())
            .await
            .unwrap();
    };
    tokio::join!(serve, ask);
    assert_eq!(client.pool().stats().opened, 1);
}

#[tokio::test]
async fn what_ajp_cannot_say_is_refused_before_connecting() {
    let backend = Backend::bind().await;
    let client = client(&backend);
    let request = Request::connect("localhost:1")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let error = client.send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.is_request());
    let (_sender, body) = pieces();
    let request = Request::post("/")
        .header("Content-Length", "1e3")
        .body(body)
        .unwrap();
    let error = client.send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert_eq!(client.pool().stats().opened, 0);
}

#[tokio::test]
async fn ping_measures_a_cpong() {
    let backend = Backend::bind().await;
    let client = client(&backend);
    let serve = async {
        let mut peer = backend.accept().await;
        for _ in 0..2 {
            assert_eq!(peer.packet().await, [10]);
            peer.send(CPONG).await;
        }
        peer
    };
    let ask = async {
        for _ in 0..2 {
            assert!(client.ping(PATIENCE).await.unwrap() < PATIENCE);
        }
        let error = client.ping(Duration::from_millis(20)).await.unwrap_err();
        assert!(error.is_cping() && error.is_timeout());
    };
    let (_peer, ()) = tokio::join!(serve, ask);
    let stats = client.pool().stats();
    assert_eq!((stats.opened, stats.idle, stats.closed.broken), (1, 0, 1));
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn a_client_is_a_tower_service() {
    use tower_service::Service;
    let backend = Backend::bind().await;
    let mut client = client(&backend);
    let serve = async { backend.accept().await.answer(b"served").await };
    let request = Request::get("/").body(Empty::<Bytes>::new()).unwrap();
    let ask = async { read(client.call(request).await.unwrap().into_body()).await };
    let ((), body) = tokio::join!(serve, ask);
    assert_eq!(body.unwrap(), "served");
}
