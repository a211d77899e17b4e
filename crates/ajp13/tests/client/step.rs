//! A connection that is out of step must never carry another request: its next answer would go
//! to the wrong client.

use std::time::Duration;

use ajp13::{Announced, ErrorKind, IdlePing, PingPolicy, Pool, PoolOptions, SendOptions, Stage};
use bytes::Bytes;
use http_body_util::{Empty, Full};
use tokio::task::coop;

use crate::support::*;

fn quiet() -> PoolOptions {
    PoolOptions {
        ping: PingPolicy::NEVER,
        ..PoolOptions::default()
    }
}

async fn ask(pool: &Pool) -> Bytes {
    let conn = within(pool.checkout()).await.unwrap();
    let sent = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
    read(within(sent).await.unwrap().into_body()).await.unwrap()
}

/// A task that has done much already must yield before it may look at a socket; until then a
/// socket looks silent.
#[tokio::test]
async fn a_busy_task_sees_a_talkative_connection_all_the_same() {
    let backend = Backend::bind().await;
    let pool = backend.pool(quiet());
    drop(pool.checkout().await.unwrap());
    let mut old = backend.accept().await;
    old.send(&whole(b"for nobody")).await;
    let serve = async {
        let _ = old.packet_or_end().await;
        backend.accept().await.answer(b"fresh").await;
    };
    let exhausted_ask = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        while coop::has_budget_remaining() {
            coop::consume_budget().await;
        }
        ask(&pool).await
    };
    assert_eq!(tokio::join!(exhausted_ask, serve).0, "fresh");
}

/// Nothing says that the event loop has run since the bytes came.
#[tokio::test]
async fn bytes_that_the_event_loop_has_not_seen_are_seen() {
    let backend = Backend::bind().await;
    let pool = backend.pool(quiet());
    drop(pool.checkout().await.unwrap());
    let old = backend.accept().await.io.into_std().unwrap();
    std::io::Write::write_all(&mut (&old), &whole(b"for nobody")).unwrap();
    let serve = async { backend.accept().await.answer(b"fresh").await };
    assert_eq!(tokio::join!(biased; ask(&pool), serve).0, "fresh");
    assert_eq!(pool.stats().closed.stale, 1);
}

#[tokio::test]
async fn what_follows_a_cpong_is_nobodys_answer() {
    let poisoned = [CPONG, &whole(b"for nobody")].concat();
    let backend = Backend::bind().await;
    let mut options = quiet();
    options.ping.before_request = Some(IdlePing {
        idle: Duration::ZERO,
        timeout: PATIENCE,
    });
    let pool = backend.pool(options);
    drop(pool.checkout().await.unwrap());
    let serve = async {
        let mut old = backend.accept().await;
        assert_eq!(old.packet().await, [10]);
        old.send(&poisoned).await;
        backend.accept().await.answer(b"fresh").await;
        old
    };
    let (body, mut old) = tokio::join!(ask(&pool), serve);
    assert_eq!(body, "fresh");
    old.closed().await;
}

/// A response whose end is read in the pool: what follows the end counts like anywhere else.
#[tokio::test]
async fn what_follows_a_late_end_is_nobodys_answer() {
    for after in [whole(b"for nobody"), Vec::new()] {
        let backend = Backend::bind().await;
        let pool = backend.pool(quiet());
        let answer = [head(200, &[("Content-Length", "2")]), chunk(b"ok")].concat();
        let serve = async {
            let mut old = backend.accept().await;
            old.request().await;
            old.send(&answer).await;
            old
        };
        let asked = async {
            let conn = pool.checkout().await.unwrap();
            let options = SendOptions::default();
            let answer = conn.send(get, Empty::<Bytes>::new(), options).await;
            let mut body = answer.unwrap().into_body();
            let frame = within(http_body_util::BodyExt::frame(&mut body)).await;
            assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "ok");
        };
        let (mut old, ()) = tokio::join!(serve, asked);
        assert_eq!(pool.stats().idle, 1);
        old.send(END).await;
        if after.is_empty() {
            drop(old);
        } else {
            old.send(&after).await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        let serve = async { backend.accept().await.answer(b"fresh").await };
        assert_eq!(tokio::join!(ask(&pool), serve).0, "fresh");
    }
}

/// Two demands at once while the socket is full: the second must not be forgotten when the
/// first has at last been written.
#[tokio::test]
async fn demands_made_ahead_are_all_met() {
    let (near, far) = tokio::io::duplex(64);
    let mut peer = Peer { io: far };
    let conn = ajp13::Conn::new(near, "duplex", ajp13::wire::PacketSize::DEFAULT);
    let body = Full::new(Bytes::from(vec![7; 30_000]));
    let options = SendOptions {
        announced: Announced::Length(30_000),
        reply_timeout: None,
        ..SendOptions::default()
    };
    // A task of its own, so that nothing but its own wake-ups polls the client.
    let serve = tokio::spawn(async move {
        peer.request().await;
        peer.send(&[ASK, ASK, ASK].concat()).await;
        let mut total = 0;
        for _ in 0..4 {
            tokio::task::yield_now().await;
            total += peer.data().await.len();
        }
        peer.send(&whole(b"ok")).await;
        total
    });
    let sent = ajp13::PooledConn::from(conn).send(post(Some(30_000)), body, options);
    let answer = within(sent).await.unwrap().into_body();
    assert_eq!(read(answer).await.unwrap(), "ok");
    assert_eq!(serve.await.unwrap(), 30_000);
}

/// A packet that is announced and trickles in is no packet yet.
#[tokio::test(start_paused = true)]
async fn a_packet_that_never_gets_whole_is_silence() {
    let (near, far) = tokio::io::duplex(64);
    let mut peer = Peer { io: far };
    let conn = ajp13::Conn::new(near, "duplex", ajp13::wire::PacketSize::DEFAULT);
    let limit = Duration::from_secs(10);
    let options = SendOptions {
        reply_timeout: Some(limit),
        ..SendOptions::default()
    };
    let serve = async {
        peer.request().await;
        peer.send(b"AB\x1f\xff\x03").await;
        while tokio::io::AsyncWriteExt::write_all(&mut peer.io, b"x")
            .await
            .is_ok()
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let begun = tokio::time::Instant::now();
    let sent = ajp13::PooledConn::from(conn).send(get, Empty::<Bytes>::new(), options);
    let (answer, ()) = tokio::join!(async { sent.await.unwrap_err().error }, serve);
    assert_eq!(answer.kind(), ErrorKind::Reply);
    assert!(begun.elapsed() < limit + Duration::from_secs(2));
}

/// Which limit is over, after these bytes of an answer and nothing more.
async fn given_up(bytes: &[u8], reply: Option<Duration>) -> (ErrorKind, u64) {
    let (near, far) = tokio::io::duplex(512);
    let mut peer = Peer { io: far };
    let conn = ajp13::Conn::new(near, "duplex", ajp13::wire::PacketSize::DEFAULT);
    let options = SendOptions {
        reply_timeout: reply,
        socket_timeout: Some(Duration::from_secs(3)),
        ..SendOptions::default()
    };
    let serve = async {
        peer.request().await;
        peer.send(bytes).await;
    };
    let begun = tokio::time::Instant::now();
    let sent = ajp13::PooledConn::from(conn).send(get, Empty::<Bytes>::new(), options);
    let (answer, ()) = tokio::join!(async { sent.await.unwrap_err().error }, serve);
    (answer.kind(), begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_gives_nothing_is_given_up() {
    let reply = Some(Duration::from_secs(10));
    assert_eq!(given_up(b"", None).await, (ErrorKind::Socket, 3));
    assert_eq!(given_up(b"", reply).await, (ErrorKind::Reply, 10));
    for reply in [None, reply] {
        assert_eq!(given_up(b"AB\0", reply).await, (ErrorKind::Socket, 3));
        let amid = given_up(b"AB\0\x10\x04", reply).await;
        assert_eq!(amid, (ErrorKind::Protocol, 3));
    }
}

/// As in mod_jk the payload may fill what was agreed for all of the packet, and no more.
#[tokio::test]
async fn a_packet_larger_than_agreed_is_none() {
    for (length, whole) in [(8192_u16, true), (8193, false)] {
        let (near, far) = tokio::io::duplex(20_000);
        let mut peer = Peer { io: far };
        let conn = ajp13::Conn::new(near, "duplex", ajp13::wire::PacketSize::DEFAULT);
        let serve = async {
            peer.request().await;
            let [high, low] = (length - 4).to_be_bytes();
            let mut packet = b"AB\0\x08\x04\0\xc8\0\0\0\0\0AB".to_vec();
            packet.extend(length.to_be_bytes());
            packet.extend([3, high, low]);
            packet.resize(packet.len() + usize::from(length) - 3, b'x');
            packet.extend(b"AB\0\x02\x05\x01");
            peer.send(&packet).await;
        };
        let options = SendOptions::default();
        let sent = ajp13::PooledConn::from(conn).send(get, Empty::<Bytes>::new(), options);
        let (answer, ()) = tokio::join!(sent, serve);
        let read = read(answer.unwrap().into_body()).await;
        match read {
            Ok(body) => assert!(whole && body.len() == usize::from(length) - 4),
            Err(error) => {
                assert_eq!((whole, error.kind()), (false, ErrorKind::Protocol));
                assert!(error.to_string().contains("max_packet_size"), "{error}");
            }
        }
    }
}

/// What a container says for ever without saying anything.
#[tokio::test]
async fn endless_chatter_is_cut_off() {
    for (packet, kind) in [(ASK, ErrorKind::Order), (FLUSH, ErrorKind::Order)] {
        let backend = Backend::bind().await;
        let pool = backend.pool(quiet());
        let serve = async {
            let mut peer = backend.accept().await;
            peer.request().await;
            let (mut from, mut to) = peer.io.split();
            let talk = async {
                let flood = packet.repeat(100);
                while tokio::io::AsyncWriteExt::write_all(&mut to, &flood)
                    .await
                    .is_ok()
                {}
            };
            let listen = async {
                let mut sink = tokio::io::sink();
                let _ = tokio::io::copy(&mut from, &mut sink).await;
            };
            tokio::join!(talk, listen);
        };
        let asked = async {
            let conn = pool.checkout().await.unwrap();
            let sent = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
            within(sent).await.unwrap_err().error
        };
        let (error, ()) = tokio::join!(asked, serve);
        assert_eq!(error.kind(), kind);
        assert_eq!(error.stage(), Stage::RequestSent);
        assert_eq!(pool.stats().idle, 0);
    }
}
