//! Requests that are given up on behalf of their sender, and what he asks before.

use std::future::{pending, ready};
use std::time::Duration;

use ajp13::{
    Address, Addresses, Doubt, ErrorKind, PingPolicy, Pool, PoolOptions, SendError, SendOptions,
    Stage,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};

use crate::support::*;

fn options() -> PoolOptions {
    PoolOptions {
        ping: PingPolicy::NEVER,
        ..PoolOptions::default()
    }
}

const fn at_once<F>(justified: F) -> Doubt<F> {
    Doubt {
        after: Duration::ZERO,
        justified,
    }
}

#[tokio::test]
async fn who_gives_up_learns_what_was_carried_and_has_the_body_back() {
    let backend = Backend::bind().await;
    let pool = backend.pool(options());
    let conn = pool.checkout().await.unwrap();
    let mut peer = backend.accept().await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let doubt = at_once(async { told.await.unwrap() });
    let sending = conn.send_unless(
        get,
        Full::new(Bytes::new()),
        SendOptions::default(),
        Some(doubt),
        None,
    );
    let serve = async {
        let request = peer.request().await;
        tell.send(()).unwrap();
        peer.closed().await;
        request.len() + 4
    };
    let (sent, request) = tokio::join!(within(sending), serve);
    let SendError {
        error, body, tally, ..
    } = sent.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GivenUp);
    assert_eq!(error.stage(), Stage::RequestSent);
    assert_eq!((tally.written, tally.read), (request as u64, 0));
    assert!(body.is_some());
    let stats = pool.stats();
    assert_eq!((stats.busy, stats.idle, stats.closed.aborted), (0, 0, 1));
}

#[tokio::test]
async fn an_answer_comes_before_a_doubt_and_ends_it() {
    let backend = Backend::bind().await;
    let pool = backend.pool(options());
    for never in [false, true] {
        let conn = pool.checkout().await.unwrap();
        let doubt = Doubt {
            after: if never { Duration::ZERO } else { PATIENCE * 9 },
            justified: async {
                if never {
                    pending::<()>().await;
                }
            },
        };
        let body = Empty::<Bytes>::new();
        let sending = conn.send_unless(get, body, SendOptions::default(), Some(doubt), None);
        let serve = async {
            let mut peer = backend.accept().await;
            peer.answer(b"here").await;
        };
        let (sent, ()) = tokio::join!(within(sending), serve);
        let body = sent.unwrap().into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), "here");
        pool.retire();
    }
}

/// What has not left is not in any container's hands.
#[tokio::test]
async fn a_head_that_is_not_out_was_not_sent() {
    let (near, _far) = tokio::io::duplex(8);
    let conn = ajp13::Conn::new(near, "far", ajp13::wire::PacketSize::default());
    let conn = ajp13::PooledConn::from(conn);
    let doubt = at_once(ready(()));
    let body = Empty::<Bytes>::new();
    let sent = conn.send_unless(get, body, SendOptions::default(), Some(doubt), None);
    let error = within(sent).await.unwrap_err().error;
    assert_eq!(error.kind(), ErrorKind::GivenUp);
    assert_eq!(error.stage(), Stage::NothingSent);
}

/// The machine that owes an answer is the one that is asked, whichever of them the next request
/// would go to.
#[tokio::test]
async fn a_probe_asks_the_machine_behind_a_connection() {
    let [mute, alive] = Backend::bind_two().await;
    let addresses = Addresses::new();
    addresses.set([mute.address()]);
    let address = Address::new("tomcat", mute.address().port());
    let pool = Pool::with_addresses(address, addresses.clone(), options());
    let conn = pool.checkout().await.unwrap();
    assert_eq!(conn.remote(), Some(mute.address()));
    addresses.set([alive.address(), mute.address()]);
    let serve = async {
        loop {
            let mut peer = alive.accept_any().await;
            while peer.packet_or_end().await.is_some() {
                peer.send(CPONG).await;
            }
        }
    };
    let ask = async {
        let limit = Duration::from_millis(50);
        let error = pool.probe_at(conn.remote(), limit).await.unwrap_err();
        assert!(error.is_silence() && error.kind() == ErrorKind::Ping);
        let probe = pool.probe(PATIENCE).await.unwrap();
        assert_eq!(probe.remote(), Some(alive.address()));
        let remote = probe.remote();
        drop(probe);
        let probe = pool.probe_at(remote, PATIENCE).await.unwrap();
        assert_eq!(probe.remote(), remote);
    };
    tokio::select! {
        () = within(ask) => {}
        () = serve => {}
    }
}
