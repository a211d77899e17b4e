//! A pool whose name is looked up by somebody else.

use std::time::Duration;

use ajp13::{Address, Addresses, ErrorKind, PingPolicy, Pool, PoolOptions, SendOptions};
use bytes::Bytes;
use http_body_util::Empty;

use crate::support::*;

fn options() -> PoolOptions {
    PoolOptions {
        ping: PingPolicy::NEVER,
        connect_timeout: Some(PATIENCE),
        ..PoolOptions::default()
    }
}

fn pool(addresses: &Addresses, port: u16, options: PoolOptions) -> Pool {
    Pool::with_addresses(Address::new("tomcat", port), addresses.clone(), options)
}

async fn get_from(pool: &Pool) -> Bytes {
    let conn = pool.checkout().await.unwrap();
    let sent = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
    read(sent.await.unwrap().into_body()).await.unwrap()
}

#[tokio::test]
async fn connections_follow_the_name() {
    let [old, new] = Backend::bind_two().await;
    let addresses = Addresses::new();
    assert!(addresses.set([old.address()]));
    let pool = pool(&addresses, old.address().port(), options());

    let idle = pool.checkout().await.unwrap();
    let mut idle_peer = old.accept().await;
    let busy = pool.checkout().await.unwrap();
    let mut busy_peer = old.accept().await;
    drop(idle);
    assert!(addresses.set([new.address()]));

    // A request under way ends in peace, and its connection with it.
    let request = busy.send(get, Empty::<Bytes>::new(), SendOptions::default());
    let (sent, ()) = tokio::join!(request, busy_peer.answer(b"old"));
    assert_eq!(read(sent.unwrap().into_body()).await.unwrap(), "old");
    busy_peer.closed().await;
    assert_eq!(pool.stats().closed.moved, 1);

    let serve = async { new.accept().await.answer(b"new").await };
    assert_eq!(tokio::join!(get_from(&pool), serve).0, "new");
    idle_peer.closed().await;
    let stats = pool.stats();
    assert_eq!((stats.closed.moved, stats.closed.total()), (2, 2));
    assert_eq!(stats.idle, 1);
}

#[tokio::test]
async fn maintenance_closes_what_idles_at_addresses_that_are_gone() {
    let [old, new] = Backend::bind_two().await;
    let addresses = Addresses::new();
    addresses.set([old.address()]);
    let min = PoolOptions {
        min: 5,
        ..options()
    };
    let pool = pool(&addresses, old.address().port(), min);
    drop(pool.checkout().await.unwrap());
    let mut peer = old.accept().await;
    addresses.set([new.address(), old.address()]);
    pool.maintain().await;
    assert_eq!(pool.stats().idle, 1, "its address has not gone");
    addresses.set([new.address()]);
    pool.maintain().await;
    assert_eq!(pool.stats().idle, 0);
    peer.closed().await;
}

#[tokio::test]
async fn an_address_that_accepts_and_stays_silent_is_not_tried_first_again() {
    let [mute, alive] = Backend::bind_two().await;
    let addresses = Addresses::new();
    addresses.set([mute.address(), alive.address()]);
    let ping = PoolOptions {
        ping: PingPolicy {
            connect: Some(Duration::from_millis(50)),
            ..PingPolicy::NEVER
        },
        ..options()
    };
    let pool = pool(&addresses, mute.address().port(), ping);
    let error = pool.checkout().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ping);
    within(addresses.wanted()).await;
    // The CPing may be late on a busy machine; what counts is who is asked.
    let ask = async { while pool.checkout().await.is_err() {} };
    let serve = async {
        loop {
            let mut peer = alive.accept().await;
            peer.packet().await;
            peer.send(CPONG).await;
        }
    };
    tokio::select! {
        () = within(ask) => {}
        () = serve => {}
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_told_and_asked_for_again() {
    let backend = Backend::bind().await;
    let addresses = Addresses::new();
    let pool = pool(&addresses, backend.address().port(), options());
    let resolver = async {
        addresses.wanted().await;
        addresses.fail("Name or service not known");
    };
    let (error, ()) = tokio::join!(pool.checkout(), resolver);
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resolve);
    let line = error.to_string();
    assert!(
        line.contains("tomcat:") && line.contains("not known"),
        "{line}"
    );

    within(addresses.wanted()).await;
    addresses.set([backend.address()]);
    let serve = async { backend.accept().await.answer(b"found").await };
    assert_eq!(tokio::join!(get_from(&pool), serve).0, "found");
}
