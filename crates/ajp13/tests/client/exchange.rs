//! Requests and answers over real sockets, against a scripted container.

use ajp13::wire::PacketSize;
use ajp13::{EndOfBody, ErrorKind, PingPolicy, PoolOptions, PooledConn, SendOptions, Stage};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};

use crate::support::*;

fn options() -> PoolOptions {
    PoolOptions {
        ping: PingPolicy::NEVER,
        ..PoolOptions::default()
    }
}

fn nothing() -> Empty<Bytes> {
    Empty::new()
}

/// One connection, both ends.
async fn pair() -> (ajp13::Pool, PooledConn, Peer) {
    let backend = Backend::bind().await;
    let pool = backend.pool(options());
    let conn = pool.checkout().await.unwrap();
    (pool, conn, backend.accept().await)
}

#[tokio::test]
async fn a_get_and_another_on_the_same_connection() {
    let backend = Backend::bind().await;
    let pool = backend.pool(options());
    let serve = async {
        let mut peer = backend.accept().await;
        peer.answer(b"first").await;
        peer.answer(b"second").await;
        peer
    };
    let ask = async {
        for expected in ["first", "second"] {
            let conn = pool.checkout().await.unwrap();
            let answer = conn
                .send(get, nothing(), SendOptions::default())
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(
                answer.headers()["content-length"],
                expected.len().to_string()
            );
            assert_eq!(read(answer.into_body()).await.unwrap(), expected);
        }
    };
    let (_peer, ()) = tokio::join!(serve, ask);
    let stats = pool.stats();
    assert_eq!(
        (stats.opened, stats.reused, stats.idle, stats.busy),
        (1, 1, 1, 0)
    );
    assert_eq!(stats.closed.total(), 0);
}

#[tokio::test]
async fn an_upload_of_known_length_is_announced_and_then_pulled() {
    let (pool, conn, mut peer) = pair().await;
    let body: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let serve = async {
        peer.request().await;
        let mut received = peer.data().await;
        assert_eq!(received.len(), 8186);
        loop {
            peer.send(ASK).await;
            let data = peer.data().await;
            if data.is_empty() {
                break;
            }
            received.extend(data);
        }
        peer.send(&whole(b"thanks")).await;
        received
    };
    let upload = Full::new(Bytes::from(body.clone()));
    let ask = async {
        let answer = conn
            .send(post(Some(20_000)), upload, announced(20_000))
            .await
            .unwrap();
        let mut answer = answer.into_body();
        let frame = answer.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "thanks");
        assert_eq!(answer.tally().sent, 20_000);
        assert_eq!(answer.tally().received, 6);
        assert!(answer.is_end_stream());
    };
    let (received, ()) = tokio::join!(serve, ask);
    assert_eq!(received, body);
    assert_eq!(pool.stats().idle, 1);
}

#[tokio::test]
async fn an_upload_of_unknown_length_waits_to_be_asked_and_flows_as_it_comes() {
    let (pool, conn, mut peer) = pair().await;
    let (sender, body) = pieces();
    let serve = async {
        peer.request().await;
        peer.send(ASK).await;
        sender.send(Ok("a little".into())).unwrap();
        assert_eq!(peer.data().await, b"a little");
        peer.send(ASK).await;
        sender.send(Ok("more".into())).unwrap();
        assert_eq!(peer.data().await, b"more");
        peer.send(ASK).await;
        drop(sender);
        assert_eq!(peer.packet().await, b"", "the short end of body");
        peer.send(&whole(b"")).await;
    };
    let ask = async {
        let answer = conn.send(post(None), body, unknown()).await.unwrap();
        assert_eq!(read(answer.into_body()).await.unwrap(), "");
    };
    tokio::join!(serve, ask);
    assert_eq!(pool.stats().idle, 1);
}

#[tokio::test]
async fn the_long_end_of_body_is_an_option() {
    let (_pool, conn, mut peer) = pair().await;
    let options = SendOptions {
        end_of_body: EndOfBody::Long,
        ..SendOptions::default()
    };
    let serve = async {
        peer.request().await;
        peer.send(ASK).await;
        assert_eq!(peer.packet().await, [0, 0]);
        peer.send(&whole(b"")).await;
    };
    let ask = async { conn.send(get, nothing(), options).await.unwrap() };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn body_is_asked_for_in_the_middle_of_the_answer() {
    let (pool, conn, mut peer) = pair().await;
    let (sender, body) = pieces();
    let serve = async {
        peer.request().await;
        peer.send(&head(200, &[])).await;
        for word in ["one", "two", "three"] {
            peer.send(ASK).await;
            sender.send(Ok(word.into())).unwrap();
            let echo = peer.data().await;
            peer.send(&chunk(&echo)).await;
            peer.send(FLUSH).await;
        }
        peer.send(END).await;
    };
    let ask = async {
        let answer = conn.send(post(None), body, unknown()).await.unwrap();
        assert_eq!(read(answer.into_body()).await.unwrap(), "onetwothree");
    };
    tokio::join!(serve, ask);
    drop(sender);
    assert_eq!(pool.stats().idle, 1);
}

#[tokio::test]
async fn ten_megabytes_are_echoed_both_ways_at_once() {
    const TOTAL: usize = 10 << 20;
    let (pool, conn, mut peer) = pair().await;
    let serve = async {
        peer.request().await;
        peer.send(&head(200, &[])).await;
        let mut data = peer.data().await;
        while !data.is_empty() {
            for part in data.chunks(5000) {
                peer.send(&chunk(part)).await;
            }
            peer.send(ASK).await;
            data = peer.data().await;
        }
        peer.send(END).await;
    };
    let body: Bytes = (0..=250).cycle().take(TOTAL).collect::<Vec<u8>>().into();
    let ask = async {
        let upload = Full::new(body.clone());
        let answer = conn
            .send(post(Some(TOTAL)), upload, announced(TOTAL))
            .await
            .unwrap();
        assert_eq!(read(answer.into_body()).await.unwrap(), body);
    };
    tokio::join!(serve, ask);
    assert_eq!(pool.stats().idle, 1);
}

#[tokio::test]
async fn an_answer_may_come_before_the_body_was_read() {
    let (pool, conn, mut peer) = pair().await;
    let (sender, body) = pieces();
    sender.send(Ok(vec![7; 9000].into())).unwrap();
    let serve = async {
        peer.request().await;
        assert_eq!(peer.data().await.len(), 8186);
        peer.send(&whole(b"no need")).await;
        peer.answer(b"next").await;
    };
    let ask = async {
        let answer = conn
            .send(post(Some(90_000)), body, announced(90_000))
            .await
            .unwrap();
        assert_eq!(read(answer.into_body()).await.unwrap(), "no need");
        let conn = pool.checkout().await.unwrap();
        let answer = conn
            .send(get, nothing(), SendOptions::default())
            .await
            .unwrap();
        assert_eq!(read(answer.into_body()).await.unwrap(), "next");
    };
    tokio::join!(serve, ask);
    assert_eq!(pool.stats().reused, 1);
}

#[tokio::test]
async fn reuse_forbidden_means_that_we_close() {
    let (pool, conn, mut peer) = pair().await;
    let serve = async {
        peer.request().await;
        peer.send(&[&head(403, &[]), &chunk(b"no")[..], END_AND_CLOSE].concat())
            .await;
        peer.closed().await;
    };
    let ask = async {
        let answer = conn
            .send(get, nothing(), SendOptions::default())
            .await
            .unwrap();
        let mut body = answer.into_body();
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.refusal_hint().unwrap().contains("secret"));
        assert!(body.is_end_stream());
    };
    tokio::join!(serve, ask);
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.busy, stats.closed.asked), (0, 0, 1));
}

#[tokio::test]
async fn a_torn_answer_is_an_error() {
    for end in [&chunk(b"part")[..], &chunk(b"part")[..7], b""] {
        let (pool, conn, mut peer) = pair().await;
        let serve = async {
            peer.request().await;
            peer.send(&[&head(200, &[]), end].concat()).await;
            drop(peer);
        };
        let ask = async {
            let answer = conn
                .send(get, nothing(), SendOptions::default())
                .await
                .unwrap();
            read(answer.into_body()).await.unwrap_err()
        };
        let ((), error) = tokio::join!(serve, ask);
        let in_a_packet = end.len() == 7;
        let kind = if in_a_packet {
            ErrorKind::Protocol
        } else {
            ErrorKind::Closed
        };
        assert_eq!(error.kind(), kind);
        assert_eq!(error.stage(), Stage::HeadersReceived);
        assert!(!error.is_stale());
        assert_eq!(pool.stats().closed.broken, 1);
    }
}

#[tokio::test]
async fn a_failed_upload_closes_the_connection_and_never_looks_whole() {
    let (pool, conn, mut peer) = pair().await;
    let (sender, body) = pieces();
    let serve = async {
        peer.request().await;
        peer.send(ASK).await;
        sender.send(Ok("half".into())).unwrap();
        assert_eq!(peer.data().await, b"half");
        peer.send(ASK).await;
        sender.send(Err("the browser is gone".into())).unwrap();
        peer.closed().await;
    };
    let ask = async { conn.send(post(None), body, unknown()).await.unwrap_err() };
    let ((), failure) = tokio::join!(serve, ask);
    assert_eq!(failure.error.kind(), ErrorKind::RequestBody);
    assert!(failure.error.is_request());
    assert_eq!(failure.error.stage(), Stage::RequestSent);
    assert_eq!(failure.consumed, 4);
    assert!(failure.body.is_some());
    assert_eq!(pool.stats().busy, 0);
}

/// The answer's content was read, its end was not; then the container asks for more of a body
/// whose sender has been dropped along with the answer.
#[tokio::test]
async fn an_upload_left_behind_closes_the_connection_and_never_looks_whole() {
    let (pool, conn, mut peer) = pair().await;
    let (_sender, body) = pieces();
    let serve = async {
        peer.request().await;
        peer.send(&[&head(200, &[("Content-Length", "2")])[..], &chunk(b"ok")].concat())
            .await;
    };
    let ask = async {
        let answer = conn.send(post(None), body, unknown()).await.unwrap();
        let mut body = answer.into_body();
        let frame = within(body.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "ok");
    };
    tokio::join!(serve, ask);
    assert_eq!(pool.stats().idle, 1);
    peer.send(ASK).await;
    let notice = async {
        while pool.stats().idle > 0 {
            pool.maintain().await;
            tokio::task::yield_now().await;
        }
    };
    within(notice).await;
    peer.closed().await;
}

#[tokio::test]
async fn fewer_bytes_than_announced_close_the_connection() {
    let (_pool, conn, mut peer) = pair().await;
    let serve = async {
        peer.request().await;
        assert_eq!(peer.data().await, b"short");
        peer.send(ASK).await;
        peer.closed().await;
    };
    let upload = Full::new(Bytes::from_static(b"short"));
    let ask = async {
        conn.send(post(Some(10)), upload, announced(10))
            .await
            .unwrap_err()
    };
    let ((), failure) = tokio::join!(serve, ask);
    assert_eq!(failure.error.kind(), ErrorKind::RequestBody);
}

#[tokio::test]
async fn more_bytes_than_announced_are_not_sent() {
    let (_pool, conn, mut peer) = pair().await;
    let serve = async {
        peer.request().await;
        assert_eq!(peer.data().await, b"1234");
        peer.send(ASK).await;
        assert_eq!(peer.data().await, b"");
        peer.send(&whole(b"ok")).await;
    };
    let upload = Full::new(Bytes::from_static(b"1234567"));
    let ask = async {
        let answer = conn
            .send(post(Some(4)), upload, announced(4))
            .await
            .unwrap();
        assert_eq!(read(answer.into_body()).await.unwrap(), "ok");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn control_characters_in_headers_are_refused() {
    for (name, value) in [
        ("Location", "/\r\nSet-Cookie: a=b"),
        ("X-Nul", "a\0b"),
        ("Bad Name", "x"),
        ("X\r\nY", "x"),
        ("Content-Length", "ten"),
        ("Content-Length", "-1"),
    ] {
        let (pool, conn, mut peer) = pair().await;
        let serve = async {
            peer.request().await;
            peer.send(&head(200, &[(name, value)])).await;
            peer.closed().await;
        };
        let ask = async {
            conn.send(get, nothing(), SendOptions::default())
                .await
                .unwrap_err()
        };
        let ((), failure) = tokio::join!(serve, ask);
        assert_eq!(
            failure.error.kind(),
            ErrorKind::Response,
            "{name:?}: {value:?}"
        );
        assert_eq!(pool.stats().closed.broken, 1);
    }
}

#[tokio::test]
async fn a_port_that_speaks_http_is_recognised() {
    let (_pool, conn, mut peer) = pair().await;
    let serve = async {
        peer.request().await;
        peer.send(b"HTTP/1.1 400 \r\n\r\n").await;
    };
    let ask = async {
        conn.send(get, nothing(), SendOptions::default())
            .await
            .unwrap_err()
    };
    let ((), failure) = tokio::join!(serve, ask);
    assert_eq!(failure.error.kind(), ErrorKind::Protocol);
    assert!(
        failure.to_string().contains("speaks HTTP, not AJP"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_body_must_have_its_content_length() {
    for (announced, sent) in [("9", "12345"), ("3", "12345")] {
        let (pool, conn, mut peer) = pair().await;
        let serve = async {
            peer.request().await;
            let headers = head(200, &[("Content-Length", announced)]);
            peer.send(&[&headers, &chunk(sent.as_bytes()), END].concat())
                .await;
        };
        let ask = async {
            let answer = conn
                .send(get, nothing(), SendOptions::default())
                .await
                .unwrap();
            let mut body = answer.into_body();
            let collected = (&mut body).collect().await;
            let collected = collected.map(http_body_util::Collected::to_bytes);
            (collected, body.excess())
        };
        let ((), (collected, excess)) = tokio::join!(serve, ask);
        let error = match collected {
            Err(error) => {
                assert!(announced == "9" && excess.is_none());
                error
            }
            Ok(bytes) => {
                assert_eq!((announced, &bytes[..]), ("3", &b"123"[..]));
                excess.unwrap()
            }
        };
        assert_eq!(error.kind(), ErrorKind::Length);
        assert_eq!((pool.stats().idle, pool.stats().closed.broken), (0, 1));
    }
}

#[tokio::test]
async fn a_body_of_its_length_is_whole_without_the_end() {
    let (pool, conn, mut peer) = pair().await;
    let serve = async move {
        peer.request().await;
        let headers = head(200, &[("Content-Length", "5")]);
        peer.send(&[&headers[..], &chunk(b"whole")].concat()).await;
    };
    let ask = async {
        let answer = conn.send(get, nothing(), SendOptions::default()).await;
        read(answer.unwrap().into_body()).await.unwrap()
    };
    let ((), body) = tokio::join!(serve, ask);
    assert_eq!(&body[..], b"whole");
    assert_eq!(pool.stats().idle, 0);
}

#[tokio::test]
async fn answers_without_body_need_no_reading() {
    for (status, head_only) in [(200, true), (204, false), (304, false)] {
        let (pool, conn, mut peer) = pair().await;
        let serve = async {
            peer.request().await;
            let headers = [("Content-Length", "100")];
            peer.send(&[&head(status, &headers), FLUSH, END].concat())
                .await;
            peer.answer(b"next").await;
        };
        let ask = async {
            let options = SendOptions {
                head_only,
                ..SendOptions::default()
            };
            let answer = conn.send(get, nothing(), options).await.unwrap();
            assert_eq!(answer.headers()["content-length"], "100");
            assert_eq!(answer.body().size_hint().exact(), Some(0));
            drop(answer);
            let conn = pool.checkout().await.unwrap();
            conn.send(get, nothing(), SendOptions::default())
                .await
                .unwrap();
        };
        tokio::join!(serve, ask);
        assert_eq!((pool.stats().opened, pool.stats().reused), (1, 1));
    }
}

#[tokio::test]
async fn a_head_that_does_not_fit_costs_nothing() {
    let (pool, conn, _peer) = pair().await;
    let too_long = |buffer: &mut bytes::BytesMut, size: PacketSize| {
        let limit = size.max_packet();
        buffer.extend_from_slice(b"garbage");
        Err(ajp13::wire::TooLarge { limit })
    };
    let failure = conn
        .send(too_long, nothing(), SendOptions::default())
        .await
        .unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::TooLarge);
    assert_eq!(failure.error.stage(), Stage::NothingSent);
    assert!(failure.to_string().contains("packetSize"), "{failure}");
    assert!(failure.body.is_some());
    assert_eq!((pool.stats().idle, pool.stats().busy), (1, 0));
}
