//! The pool: reuse, checks, limits, waiting, cancellation.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use ajp13::{ErrorKind, IdlePing, PingPolicy, Pool, PoolOptions, PooledConn, SendOptions, Stage};
use bytes::Bytes;
use http_body_util::Empty;
use tokio::task::JoinSet;

use crate::support::*;

const SHORT: Duration = Duration::from_millis(30);

fn quiet() -> PoolOptions {
    PoolOptions {
        ping: PingPolicy::NEVER,
        acquire_timeout: PATIENCE,
        ..PoolOptions::default()
    }
}

fn limited(max: usize) -> PoolOptions {
    PoolOptions {
        max: Some(max),
        ..quiet()
    }
}

/// However short it was idle.
fn each_time(timeout: Duration) -> IdlePing {
    IdlePing {
        idle: Duration::ZERO,
        timeout,
    }
}

async fn ask(pool: &Pool) -> Bytes {
    let conn = pool.checkout().await.unwrap();
    ask_on(conn).await
}

async fn ask_on(conn: PooledConn) -> Bytes {
    let answer = conn
        .send(get, Empty::<Bytes>::new(), SendOptions::default())
        .await
        .unwrap();
    read(answer.into_body()).await.unwrap()
}

#[tokio::test]
async fn a_probe_stands_beside_the_pool() {
    let backend = Backend::bind().await;
    let pool = backend.pool(limited(1));
    let container = async {
        let mut first = backend.accept().await;
        first.answer(b"one").await;
        let mut probe = backend.accept().await;
        assert_eq!(probe.packet().await, [10]);
        probe.send(CPONG).await;
        probe.answer(b"probed").await;
        probe.closed().await;
        let mut mute = backend.accept().await;
        assert_eq!(mute.packet().await, [10]);
        mute.closed().await;
    };
    let client = async {
        let conn = pool.checkout().await.unwrap();
        let taken = ask_on(conn).await;
        let _full = pool.checkout().await.unwrap();
        let probe = pool.probe(PATIENCE).await.unwrap();
        assert_eq!(
            (taken, ask_on(probe).await),
            ("one".into(), "probed".into())
        );
        let error = pool.probe(SHORT).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Ping && error.is_timeout());
        let stats = pool.stats();
        assert_eq!((stats.opened, stats.busy, stats.closed.total()), (1, 1, 0));
    };
    tokio::join!(container, client);
}

/// A CPing after connecting, with a timeout that only a broken container misses.
fn patient() -> PingPolicy {
    PingPolicy {
        connect: Some(PATIENCE),
        ..PingPolicy::NEVER
    }
}

/// A container that answers every request and CPing on every connection with "ok".
async fn serve_all(backend: Backend) {
    let mut peers = JoinSet::new();
    loop {
        let mut peer = backend.accept_any().await;
        peers.spawn(async move {
            while let Some(packet) = peer.packet_or_end().await {
                let answer = if packet == [10] {
                    CPONG.to_vec()
                } else {
                    whole(b"ok")
                };
                peer.send(&answer).await;
            }
        });
    }
}

async fn served(options: PoolOptions) -> (Pool, JoinSet<()>) {
    let backend = Backend::bind().await;
    let pool = backend.pool(options);
    let mut server = JoinSet::new();
    server.spawn(serve_all(backend));
    (pool, server)
}

#[tokio::test]
async fn the_connection_used_last_is_used_next() {
    let backend = Backend::bind().await;
    let pool = backend.pool(quiet());
    let first = pool.checkout().await.unwrap();
    let mut first_peer = backend.accept().await;
    let second = pool.checkout().await.unwrap();
    let _second_peer = backend.accept().await;
    drop(second);
    drop(first);
    assert_eq!(pool.stats().idle, 2);
    let ((), body) = tokio::join!(first_peer.answer(b"lifo"), ask(&pool));
    assert_eq!(body, "lifo");
}

#[tokio::test]
async fn a_closed_or_talkative_idle_connection_is_discarded() {
    for talk in [&b""[..], b"A", END] {
        let backend = Backend::bind().await;
        let pool = backend.pool(quiet());
        drop(pool.checkout().await.unwrap());
        let mut old = backend.accept().await;
        old.send(talk).await;
        if talk.is_empty() {
            drop(old);
        }
        // The readiness has to travel through the event loop before it can be seen.
        until_maintained(&pool, || pool.stats().closed.stale == 1).await;
        let serve = async { backend.accept().await.answer(b"fresh").await };
        assert_eq!(tokio::join!(serve, ask(&pool)).1, "fresh");
        assert_eq!(pool.stats().opened, 2);
    }
}

async fn until_maintained(pool: &Pool, mut holds: impl FnMut() -> bool) {
    within(async {
        while !holds() {
            pool.maintain().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn losing_the_race_against_a_close_is_told_as_stale() {
    let backend = Backend::bind().await;
    let pool = backend.pool(quiet());
    let first = async {
        let mut peer = backend.accept().await;
        peer.answer(b"ok").await;
        peer
    };
    let (mut peer, _) = tokio::join!(first, ask(&pool));
    let conn = pool.checkout().await.unwrap();
    assert!(conn.is_reused());
    let serve = async {
        peer.request().await;
        drop(peer);
    };
    let send = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
    let ((), failure) = tokio::join!(serve, send);
    let error = failure.unwrap_err().error;
    assert!(error.is_stale() && error.reused());
    assert_eq!(error.stage(), Stage::RequestSent);
    let serve = async { backend.accept().await.answer(b"again").await };
    let retry = async { ask_on(pool.checkout_fresh(0).await.unwrap()).await };
    assert_eq!(tokio::join!(serve, retry).1, "again");
}

#[tokio::test]
async fn a_fresh_connection_that_breaks_is_not_stale() {
    let backend = Backend::bind().await;
    let pool = backend.pool(quiet());
    let conn = pool.checkout().await.unwrap();
    let mut peer = backend.accept().await;
    let serve = async {
        peer.request().await;
        drop(peer);
    };
    let send = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
    let ((), failure) = tokio::join!(serve, send);
    let error = failure.unwrap_err().error;
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(!error.is_stale());
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_mute_port_fails_by_cping_and_says_why() {
    let backend = Backend::bind().await;
    let mut options = PoolOptions::default();
    options.ping.connect = Some(SHORT);
    let pool = backend.pool(options);
    let error = within(pool.checkout()).await.unwrap_err();
    assert!(error.is_cping() && error.is_timeout() && error.is_connect());
    assert_eq!(error.stage(), Stage::NothingSent);
    let line = error.to_string();
    assert!(line.starts_with(&backend.address().to_string()), "{line}");
    assert!(line.contains("secret"), "{line}");
    assert_eq!((pool.stats().busy, pool.stats().closed.ping), (0, 1));
}

#[tokio::test]
async fn wrong_answers_to_a_cping_are_told_apart() {
    let http: &[u8] = b"HTTP/1.1 400 Bad Request\r\n";
    for (answer, said) in [
        (http, "speaks HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "speaks TLS"),
        (END, "nothing was asked"),
        (b"", "hangs up"),
    ] {
        let backend = Backend::bind().await;
        let pool = backend.pool(PoolOptions {
            ping: patient(),
            ..PoolOptions::default()
        });
        let serve = async {
            let mut peer = backend.accept().await;
            peer.packet().await;
            peer.send(answer).await;
        };
        let ((), error) = tokio::join!(serve, pool.checkout());
        let error = error.unwrap_err();
        assert!(error.is_cping() && !error.is_timeout());
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_connection_is_pinged_before_reuse_after_idling() {
    let mut options = quiet();
    options.ping.before_request = Some(each_time(PATIENCE));
    let backend = Backend::bind().await;
    let pool = backend.pool(options);
    let serve = async {
        let mut peer = backend.accept().await;
        peer.answer(b"ok").await;
        assert_eq!(peer.packet().await, [10]);
        peer.send(CPONG).await;
        peer.answer(b"ok").await;
        assert_eq!(peer.packet().await, [10]);
        drop(peer);
        let mut peer = backend.accept().await;
        peer.answer(b"new").await;
        peer
    };
    let asks = async {
        ask(&pool).await;
        ask(&pool).await;
        assert_eq!(ask(&pool).await, "new");
    };
    let (mut peer, ()) = tokio::join!(serve, asks);
    assert_eq!((pool.stats().opened, pool.stats().closed.ping), (2, 1));
    let frozen = async { assert_eq!(peer.packet().await, [10]) };
    let mut checkout = Box::pin(pool.checkout());
    tokio::select! {
        () = frozen => {}
        other = &mut checkout => panic!("{other:?}"),
    }
    drop(checkout);
    assert_eq!((pool.stats().busy, pool.stats().closed.ping), (0, 2));
}

/// A container that is slow to answer on every occasion; only one of them is in a hurry.
#[tokio::test]
async fn only_who_was_idle_for_long_enough_is_asked() {
    let idle = PATIENCE / 2;
    let backend = Backend::bind().await;
    let ping = PingPolicy {
        before_request: Some(IdlePing {
            idle,
            timeout: PATIENCE,
        }),
        ..PingPolicy::NEVER
    };
    let pool = backend.pool(PoolOptions { ping, ..quiet() });
    let serve = async {
        let mut peer = backend.accept().await;
        peer.answer(b"one").await;
        // Not asked: that would be no request.
        peer.answer(b"two").await;
        assert_eq!(peer.packet().await, [10]);
        peer.send(CPONG).await;
        peer.answer(b"three").await;
    };
    let asks = async {
        let before = [ask(&pool).await, ask(&pool).await];
        tokio::time::pause();
        tokio::time::advance(idle).await;
        tokio::time::resume();
        (before, ask(&pool).await)
    };
    let ((), answers) = tokio::join!(serve, asks);
    assert_eq!(answers, (["one".into(), "two".into()], "three".into()));
    assert_eq!(pool.stats().opened, 1);
}

#[tokio::test]
async fn each_occasion_has_its_own_patience() {
    let slow = |occasion: usize| {
        let limit = |at: usize| if at == occasion { SHORT } else { PATIENCE };
        PingPolicy {
            connect: Some(limit(0)),
            before_request: Some(each_time(limit(1))),
            interval: Some(each_time(limit(2))),
        }
    };
    for (occasion, answered) in [(0, 0), (1, 2), (2, 1)] {
        let backend = Backend::bind().await;
        let pool = backend.pool(PoolOptions {
            ping: slow(occasion),
            ..quiet()
        });
        let serve = async {
            let mut peer = backend.accept().await;
            for _ in 0..answered {
                assert_eq!(peer.packet().await, [10]);
                tokio::time::sleep(SHORT * 2).await;
                peer.send(CPONG).await;
            }
            assert_eq!(peer.packet().await, [10]);
            peer.closed().await;
        };
        let use_it = async {
            let opened = pool.checkout().await;
            assert_eq!(opened.is_err(), occasion == 0);
            drop(opened);
            pool.maintain().await;
            assert_eq!(pool.stats().idle, usize::from(occasion == 1));
            if occasion == 1 {
                assert!(pool.checkout().await.unwrap_err().is_cping());
            }
        };
        tokio::join!(serve, use_it);
        assert_eq!((pool.stats().busy, pool.stats().closed.ping), (0, 1));
    }
}

#[tokio::test]
async fn connections_are_never_more_than_the_maximum() {
    let (pool, mut server) = served(PoolOptions {
        lanes: 4,
        ..limited(3)
    })
    .await;
    let mut tasks = JoinSet::new();
    for number in 0..60 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let conn = pool.checkout_on(number).await.unwrap();
            let stats = pool.stats();
            assert!(stats.idle + stats.busy <= 3 + 60 && stats.opened - stats.closed.total() <= 3);
            ask_on(conn).await
        });
    }
    while let Some(body) = within(tasks.join_next()).await {
        assert_eq!(body.unwrap(), "ok");
    }
    let stats = pool.stats();
    assert!(stats.opened <= 3);
    assert_eq!(stats.opened + stats.reused, 60);
    assert_eq!(stats.busy, 0);
    server.abort_all();
}

#[tokio::test]
async fn waiting_is_fair_and_ends_in_time() {
    let (pool, _server) = served(PoolOptions {
        acquire_timeout: SHORT,
        ..limited(1)
    })
    .await;
    let held = pool.checkout().await.unwrap();
    let error = within(pool.checkout()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Acquire);
    assert!(error.is_timeout() && !error.is_connect());
    drop(held);

    let (pool, _server) = served(limited(1)).await;
    let held = pool.checkout().await.unwrap();
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(pool.checkout())).collect();
    for checkout in &mut waiting {
        assert!(poll_once(checkout).await.is_none());
    }
    drop(held);
    for checkout in &mut waiting[1..] {
        assert!(
            poll_once(checkout).await.is_none(),
            "the second overtook the first"
        );
    }
    for checkout in waiting {
        drop(within(checkout).await.unwrap());
    }
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_fn(|cx| match std::pin::Pin::new(&mut *future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Polls an exchange a given number of times and drops it: nothing may be leaked.
#[tokio::test]
async fn dropping_at_any_await_point_leaks_nothing() {
    let options = PoolOptions {
        ping: PingPolicy {
            before_request: Some(each_time(PATIENCE)),
            ..patient()
        },
        ..limited(1)
    };
    let (pool, _server) = served(options).await;
    let mut finished = 0;
    for polls in 0..40 {
        let mut exchange = Box::pin(ask(&pool));
        for _ in 0..polls {
            if poll_once(&mut exchange).await.is_some() {
                finished += 1;
                exchange = Box::pin(ask(&pool));
            }
            tokio::task::yield_now().await;
        }
        drop(exchange);
        let stats = pool.stats();
        assert_eq!(stats.busy, 0, "after {polls} polls");
        assert_eq!(stats.idle as u64, stats.opened - stats.closed.total());
    }
    assert!(finished > 0);
    assert_eq!(within(ask(&pool)).await, "ok");
}

#[tokio::test]
async fn a_panic_frees_the_slot() {
    let (pool, _server) = served(limited(1)).await;
    let doomed = pool.clone();
    let task = tokio::spawn(async move {
        let _conn = doomed.checkout().await.unwrap();
        panic!("as tested");
    });
    assert!(within(task).await.unwrap_err().is_panic());
    assert_eq!(within(ask(&pool)).await, "ok");
    assert_eq!(pool.stats().busy, 0);
}

#[tokio::test]
async fn a_body_dropped_half_way_closes_its_connection() {
    let backend = Backend::bind().await;
    let pool = backend.pool(limited(1));
    let serve = async {
        let mut peer = backend.accept().await;
        peer.request().await;
        peer.send(&[head(200, &[]), chunk(b"part")].concat()).await;
        peer.closed().await;
    };
    let ask = async {
        let conn = pool.checkout().await.unwrap();
        let answer = conn
            .send(get, Empty::<Bytes>::new(), SendOptions::default())
            .await
            .unwrap();
        drop(answer);
    };
    tokio::join!(serve, ask);
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.busy, stats.closed.aborted), (0, 0, 1));
}

/// HTTP servers stop reading a body once its Content-Length is reached; END_RESPONSE may come
/// later.
#[tokio::test]
async fn a_response_without_its_end_is_finished_in_the_pool() {
    for (late_end, reuse) in [(END, true), (END_AND_CLOSE, false)] {
        let backend = Backend::bind().await;
        let pool = backend.pool(quiet());
        let conn = pool.checkout().await.unwrap();
        let mut peer = backend.accept().await;
        let serve = async {
            peer.request().await;
            let headers = head(200, &[("Content-Length", "4")]);
            peer.send(&[headers, chunk(b"body")].concat()).await;
        };
        let ask = async {
            let options = SendOptions {
                settle: false,
                ..SendOptions::default()
            };
            let mut body = conn
                .send(get, Empty::<Bytes>::new(), options)
                .await
                .unwrap()
                .into_body();
            let frame = http_body_util::BodyExt::frame(&mut body)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(frame.into_data().unwrap(), "body");
        };
        tokio::join!(serve, ask);
        assert_eq!((pool.stats().idle, pool.stats().busy), (1, 0));
        // Not usable before its end: the next request gets another connection.
        let second = pool.checkout().await.unwrap();
        assert_eq!(pool.stats().opened, 2);
        peer.send(late_end).await;
        if reuse {
            let ((), body) = tokio::join!(peer.answer(b"on the old one"), ask_on_old(&pool));
            assert_eq!(body, "on the old one");
        } else {
            until_maintained(&pool, || pool.stats().closed.asked == 1).await;
            assert_eq!(pool.stats().idle, 0);
        }
        drop(second);
    }
}

/// Waits until the used connection can be used again.
async fn ask_on_old(pool: &Pool) -> Bytes {
    let mut new = Vec::new();
    loop {
        let conn = within(pool.checkout()).await.unwrap();
        if conn.is_reused() {
            return ask_on(conn).await;
        }
        new.push(conn);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_unfinished_response_does_not_block_a_full_pool() {
    let backend = Backend::bind().await;
    let pool = backend.pool(limited(1));
    let conn = pool.checkout().await.unwrap();
    let mut peer = backend.accept().await;
    let serve = async {
        peer.request().await;
        peer.send(&head(304, &[])).await;
    };
    let send = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
    let ((), answer) = tokio::join!(serve, send);
    drop(answer.unwrap());
    let serve = async { backend.accept().await.answer(b"ok").await };
    assert_eq!(tokio::join!(serve, ask(&pool)).1, "ok");
    assert_eq!((pool.stats().opened, pool.stats().closed.aborted), (2, 1));
}

#[tokio::test]
async fn maintenance_closes_what_idles_but_keeps_the_minimum() {
    let options = PoolOptions {
        idle_timeout: Some(Duration::ZERO),
        min: 2,
        ..quiet()
    };
    let (pool, _server) = served(options).await;
    let mut conns = Vec::new();
    for _ in 0..5 {
        conns.push(pool.checkout().await.unwrap());
    }
    drop(conns);
    assert_eq!(pool.stats().idle, 5);
    pool.maintain().await;
    assert_eq!((pool.stats().idle, pool.stats().closed.idle), (2, 3));
}

#[tokio::test]
async fn maintenance_pings_idle_connections() {
    let mut options = quiet();
    options.ping.interval = Some(each_time(PATIENCE));
    let backend = Backend::bind().await;
    let pool = backend.pool(options);
    let (first, second) = (
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    );
    drop((first, second));
    let (mut healthy, mut gone) = (backend.accept().await, backend.accept().await);
    let serve = async {
        assert_eq!(healthy.packet().await, [10]);
        healthy.send(CPONG).await;
        assert_eq!(gone.packet().await, [10]);
        drop(gone);
    };
    tokio::join!(serve, pool.maintain());
    assert_eq!((pool.stats().idle, pool.stats().closed.ping), (1, 1));
    let ((), body) = tokio::join!(healthy.answer(b"still"), ask(&pool));
    assert_eq!(body, "still");
}

#[tokio::test]
async fn draining_lets_requests_finish_and_then_is_empty() {
    let backend = Backend::bind().await;
    let pool = backend.pool(limited(2));
    let idle = pool.checkout().await.unwrap();
    let busy = pool.checkout().await.unwrap();
    let (mut idle_peer, mut busy_peer) = (backend.accept().await, backend.accept().await);
    drop(idle);
    pool.drain();
    idle_peer.closed().await;
    let error = pool.checkout().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Draining);
    let mut drained = Box::pin(pool.drained());
    assert!(poll_once(&mut drained).await.is_none());
    let ((), body) = tokio::join!(busy_peer.answer(b"last"), ask_on(busy));
    assert_eq!(body, "last");
    within(drained).await;
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.busy, stats.closed.drained), (0, 0, 2));
}

#[tokio::test]
async fn a_retired_pool_serves_but_keeps_nothing() {
    let backend = Backend::bind().await;
    let pool = backend.pool(limited(2));
    let idle = pool.checkout().await.unwrap();
    let busy = pool.checkout().await.unwrap();
    let (mut idle_peer, mut busy_peer) = (backend.accept().await, backend.accept().await);
    drop(idle);
    pool.retire();
    idle_peer.closed().await;
    let ((), body) = tokio::join!(busy_peer.answer(b"last"), ask_on(busy));
    assert_eq!(body, "last");
    busy_peer.closed().await;
    let late = pool.checkout().await.unwrap();
    let mut late_peer = backend.accept().await;
    let ((), body) = tokio::join!(late_peer.answer(b"late"), ask_on(late));
    assert_eq!(body, "late");
    late_peer.closed().await;
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.busy, stats.closed.drained), (0, 0, 3));
    pool.drain();
    pool.retire();
    assert_eq!(
        pool.checkout().await.unwrap_err().kind(),
        ErrorKind::Draining
    );
}

#[tokio::test]
async fn draining_wakes_those_who_wait() {
    let (pool, _server) = served(limited(1)).await;
    let held = pool.checkout().await.unwrap();
    let mut waiting = Box::pin(pool.checkout());
    assert!(poll_once(&mut waiting).await.is_none());
    pool.drain();
    assert_eq!(
        within(waiting).await.unwrap_err().kind(),
        ErrorKind::Draining
    );
    drop(held);
    within(pool.drained()).await;
}

#[tokio::test]
async fn lanes_keep_to_themselves_until_the_maximum() {
    let (pool, _server) = served(PoolOptions {
        lanes: 2,
        ..quiet()
    })
    .await;
    drop(pool.checkout_on(0).await.unwrap());
    drop(pool.checkout_on(1).await.unwrap());
    assert_eq!((pool.stats().opened, pool.stats().reused), (2, 0));

    let (pool, _server) = served(PoolOptions {
        lanes: 2,
        ..limited(1)
    })
    .await;
    drop(pool.checkout_on(0).await.unwrap());
    drop(pool.checkout_on(1).await.unwrap());
    assert_eq!((pool.stats().opened, pool.stats().reused), (1, 1));
}

#[tokio::test]
async fn a_dead_container_delays_no_other() {
    let mute = Backend::bind().await;
    let mut options = PoolOptions::default();
    options.ping.connect = Some(PATIENCE * 10);
    let stuck: Vec<_> = (0..50).map(|_| mute.pool(options.clone())).collect();
    let mut waiting: Vec<_> = stuck.iter().map(|pool| Box::pin(pool.checkout())).collect();
    for checkout in &mut waiting {
        assert!(poll_once(checkout).await.is_none());
    }
    let (pool, _server) = served(quiet()).await;
    assert_eq!(within(ask(&pool)).await, "ok");
}

#[tokio::test]
async fn a_refused_connection_frees_its_slot() {
    // Taken and not listening: it refuses, and no other test can be given it.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let pool = Pool::new(nobody.local_addr().unwrap(), limited(1));
    for _ in 0..3 {
        let error = within(pool.checkout()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.to_string().contains("server.xml"), "{error}");
    }
    assert_eq!((pool.stats().busy, pool.stats().opened), (0, 0));
}

/// Whoever drops a body last may do so when its runtime is gone.
#[test]
fn bodies_and_pools_may_outlive_their_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (pool, body) = runtime.block_on(async {
        let backend = Backend::bind().await;
        let pool = backend.pool(quiet());
        let serve = async {
            let mut peer = backend.accept().await;
            peer.request().await;
            peer.send(&head(304, &[])).await;
        };
        let ask = async {
            let conn = pool.checkout().await.unwrap();
            let answer = conn.send(get, Empty::<Bytes>::new(), SendOptions::default());
            answer.await.unwrap().into_body()
        };
        let ((), body) = tokio::join!(serve, ask);
        (pool, body)
    });
    drop(runtime);
    drop(body);
    assert_eq!(pool.stats().busy, 0);
}

/// Threads with a runtime and a lane each share a pool of fewer connections than threads, and
/// give up every third request half-way.
#[test]
fn threads_share_a_full_pool() {
    const THREADS: usize = 4;
    let server = runtime();
    let backend = server.block_on(Backend::bind());
    let pool = backend.pool(PoolOptions {
        lanes: THREADS,
        ..limited(2)
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        server.block_on(async {
            tokio::select! {
                () = serve_all(backend) => {}
                _ = stopped => {}
            }
        });
    });
    let working = AtomicUsize::new(THREADS);
    std::thread::scope(|scope| {
        for lane in 0..THREADS {
            let (pool, working) = (&pool, &working);
            scope.spawn(move || runtime().block_on(share(pool, lane, working)));
        }
    });
    let stats = pool.stats();
    assert_eq!(stats.busy, 0);
    assert_eq!(stats.idle as u64, stats.opened - stats.closed.total());
    assert!(stats.idle <= 2);
    drop(stop);
    serving.join().unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

async fn share(pool: &Pool, lane: usize, working: &AtomicUsize) {
    for number in 0..150 {
        let exchange = async { ask_on(pool.checkout_on(lane).await.unwrap()).await };
        if number % 3 == 0 {
            let _ = tokio::time::timeout(Duration::from_micros(200), exchange).await;
        } else {
            assert_eq!(within(exchange).await, "ok");
        }
    }
    // The other threads may use sockets that this one's event loop watches.
    working.fetch_sub(1, Ordering::AcqRel);
    while working.load(Ordering::Acquire) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_container_may_listen_on_a_unix_socket() {
    let directory = std::env::temp_dir().join(format!("ajp13-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let address: ajp13::Address = format!("unix:{}", path.display()).parse().unwrap();
    let options = PoolOptions {
        ping: patient(),
        ..PoolOptions::default()
    };
    let pool = Pool::new(address, options);
    let serve = async {
        let (io, _) = listener.accept().await.unwrap();
        let mut peer = Peer { io };
        assert_eq!(peer.packet().await, [10]);
        peer.send(CPONG).await;
        peer.answer(b"local").await;
    };
    assert_eq!(tokio::join!(serve, ask(&pool)).1, "local");
    std::fs::remove_dir_all(&directory).unwrap();
}
