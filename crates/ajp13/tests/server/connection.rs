//! Connections: pings, pipelining, slow bytes, garbage, silence, goodbyes.

use std::time::Duration;

use ajp13::server::ServerOptions;
use ajp13::wire::CPING;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::support::{DEADLINE, Harness, data, get, pattern, post};

#[tokio::test]
async fn pings_are_answered_whenever_the_connection_is_idle() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    for _ in 0..3 {
        peer.ping().await;
        assert_eq!(peer.exchange(get("/ignore")).await.text(), "ignored");
    }
    peer.send([CPING, CPING].concat()).await;
    for _ in 0..2 {
        assert_eq!(peer.packet().await.unwrap()[..], [9]);
    }
}

#[tokio::test]
async fn bytes_may_come_one_at_a_time() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let all = [
        &CPING[..],
        &post("/count", Some("5")),
        &data(b"hello"),
        &get("/large?9"),
    ]
    .concat();
    for byte in all {
        peer.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(peer.packet().await.unwrap()[..], [9]);
    assert_eq!(peer.reply().await.text(), "5");
    assert_eq!(peer.reply().await.text(), "LLLLLLLLL");
}

#[tokio::test]
async fn requests_may_come_all_at_once() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let body = pattern(8186);
    let once = [
        &get("/large?7")[..],
        &post("/count", Some("8186")),
        &data(&body),
        &CPING,
    ]
    .concat();
    peer.send(once.repeat(20)).await;
    for _ in 0..20 {
        assert_eq!(peer.reply().await.body.len(), 7);
        assert_eq!(peer.reply().await.text(), "8186");
        assert_eq!(peer.packet().await.unwrap()[..], [9]);
    }
}

#[tokio::test]
async fn what_is_no_request_closes_the_connection_at_once() {
    let server = Harness::plain().await;
    let packets: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0x12, 0x35, 0, 1, 10],
        b"AB\x00\x01\x0a",
        &[0x12, 0x34, 0, 1, 7],
        &[0x12, 0x34, 0, 1, 8],
        &[0x12, 0x34, 0, 1, 99],
        &[0x12, 0x34, 0, 0],
        &[0x12, 0x34, 0x1f, 0xfd],
    ];
    for packet in packets {
        let mut peer = server.connect().await;
        peer.send(packet).await;
        peer.closed().await;
    }
}

#[tokio::test]
async fn a_web_server_that_goes_away_ends_the_service() {
    let server = Harness::plain().await;
    let mut hanging = server.connect().await;
    hanging.send(post("/hang", Some("0"))).await;
    let mut half_a_packet = server.connect().await;
    half_a_packet.send(&get("/")[..9]).await;
    let mut uploading = server.connect().await;
    uploading.send(post("/count", Some("10"))).await;
    drop((hanging, half_a_packet, uploading));
    // Were any of them still served, this would take as long as the drain.
    let Harness { stop, task, .. } = server;
    stop.unwrap().send(()).unwrap();
    timeout(DEADLINE, task)
        .await
        .expect("no connection is left")
        .unwrap();
}

#[tokio::test]
async fn silence_is_limited() {
    let limit = Some(Duration::from_millis(50));
    let idle = ServerOptions {
        idle_timeout: limit,
        ..ServerOptions::default()
    };
    let server = Harness::start(idle).await;
    let mut peer = server.connect().await;
    assert_eq!(peer.exchange(get("/ignore")).await.status, 200);
    peer.closed().await;

    let stall = ServerOptions {
        stall_timeout: limit,
        ..ServerOptions::default()
    };
    let server = Harness::start(stall).await;
    for begun in [&get("/")[..9], &post("/count", Some("10"))] {
        let mut peer = server.connect().await;
        peer.send(begun).await;
        peer.closed().await;
    }
}

#[tokio::test]
async fn a_web_server_that_does_not_read_is_not_waited_for() {
    let stall_timeout = Some(Duration::from_millis(50));
    let mut server = Harness::start(ServerOptions {
        stall_timeout,
        ..Default::default()
    })
    .await;
    let mut peer = server.connect().await;
    peer.send(get("/large?50000000")).await;
    // The server can only come to its end once it gave this connection up.
    server.stop.take().unwrap().send(()).unwrap();
    timeout(DEADLINE, server.task).await.unwrap().unwrap();
    let mut sink = vec![0; 1 << 20];
    let mut total = 0;
    while let Ok(read @ 1..) = peer.stream.read(&mut sink).await {
        total += read;
    }
    assert!(total < 50_000_000, "{total}");
}

#[tokio::test]
async fn stopping_lets_a_request_finish() {
    let mut server = Harness::plain().await;
    let mut idle = server.connect().await;
    idle.ping().await;
    let mut busy = server.connect().await;
    busy.send(post("/count", None)).await;
    assert_eq!(busy.packet().await.unwrap()[0], 6);
    server.stop.take().unwrap().send(()).unwrap();
    idle.closed().await;
    busy.send(data(b"hello")).await;
    let reply = busy.reply().await;
    assert_eq!((reply.text(), reply.reuse), ("5", false));
    busy.closed().await;
    timeout(DEADLINE, server.task).await.unwrap().unwrap();
}
