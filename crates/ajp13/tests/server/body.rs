//! Request bodies: asked for packet by packet, enforced, and never left half-read on the wire.

use ajp13::server::ServerOptions;
use ajp13::wire::PacketSize;

use super::support::{Harness, data, get, pattern, post};

#[tokio::test]
async fn an_announced_body_of_one_packet_is_never_asked_for() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/count", Some("5"))).await;
    peer.send(data(b"hello")).await;
    let reply = peer.reply().await;
    assert_eq!((reply.text(), reply.asks, reply.reuse), ("5", 0, true));
    peer.ping().await;
}

#[tokio::test]
async fn the_rest_of_an_announced_body_is_asked_for() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/count", Some("20000"))).await;
    peer.send(data(&pattern(8186))).await;
    let reply = peer
        .reply_to(&[&pattern(8186), &pattern(3628)])
        .await
        .unwrap();
    assert_eq!((reply.text(), reply.asks, reply.reuse), ("20000", 2, true));
    peer.ping().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_asked_for_until_it_ends() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/count", None)).await;
    let reply = peer.reply_to(&[b"one", b"three"]).await.unwrap();
    assert_eq!((reply.text(), reply.asks, reply.reuse), ("8", 3, true));
    peer.send(get("/count")).await;
    peer.packet().await.unwrap();
    peer.send([0x12, 0x34, 0, 0]).await;
    assert_eq!(
        peer.reply().await.text(),
        "0",
        "the short end of a body is one too"
    );
    peer.ping().await;
}

#[tokio::test]
async fn no_body_is_not_asked_for() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let reply = peer.exchange(post("/count", Some("0"))).await;
    assert_eq!((reply.text(), reply.asks), ("0", 0));
    peer.ping().await;
}

#[tokio::test]
async fn the_first_packet_of_an_unread_body_is_swallowed_before_the_end() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/ignore", Some("20000"))).await;
    for expected in [4, 3] {
        assert_eq!(peer.packet().await.unwrap()[0], expected);
    }
    peer.send(data(&pattern(8186))).await;
    assert_eq!(peer.packet().await.unwrap()[..], [5, 1]);
    peer.ping().await;
}

#[tokio::test]
async fn a_service_may_read_a_part_and_answer() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/one-frame", Some("20000"))).await;
    peer.send(data(&pattern(8186))).await;
    let reply = peer.reply().await;
    assert_eq!((reply.text(), reply.asks, reply.reuse), ("8186", 0, true));
    peer.ping().await;
}

#[tokio::test]
async fn a_body_streams_back_while_it_comes() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let body = pattern(100_000);
    let mut packets = body.chunks(8186);
    peer.send(post("/mirror", Some("100000"))).await;
    peer.send(data(packets.next().unwrap())).await;
    let rest: Vec<_> = packets.collect();
    let reply = peer.reply_to(&rest).await.unwrap();
    assert!(reply.body == body && reply.reuse);
    assert_eq!(reply.asks, rest.len());
    assert_eq!(reply.header("content-length"), Some("100000"));
    peer.ping().await;
}

#[tokio::test]
async fn large_packets_need_both_sides_to_agree() {
    let packet_size = PacketSize::MAX;
    let server = Harness::start(ServerOptions {
        packet_size,
        ..Default::default()
    })
    .await;
    let mut peer = server.connect().await;
    peer.send(post("/mirror", Some("65530"))).await;
    let body = pattern(65530);
    peer.send(data(&body)).await;
    assert!(peer.reply().await.body == body);
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/mirror", Some("65530"))).await;
    peer.send(&data(&body)[..8]).await;
    peer.closed().await;
}

#[tokio::test]
async fn more_than_announced_is_an_error_and_ends_the_connection() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    peer.send(post("/count", Some("4"))).await;
    peer.send(data(b"hello")).await;
    let reply = peer.reply().await;
    assert_eq!(
        (reply.status, reply.text(), reply.reuse),
        (400, "TooLong", false)
    );
    peer.closed().await;
}

#[tokio::test]
async fn less_than_announced_is_an_error_and_ends_the_connection() {
    for packets in [&[&b"abc"[..]][..], &[]] {
        let server = Harness::plain().await;
        let mut peer = server.connect().await;
        peer.send(post("/count", Some("10"))).await;
        peer.send(data(packets.first().copied().unwrap_or_default()))
            .await;
        let reply = peer.reply().await;
        assert_eq!(
            (reply.status, reply.text(), reply.reuse),
            (400, "TooShort", false)
        );
        peer.closed().await;
    }
}

#[tokio::test]
async fn a_malformed_packet_of_a_body_ends_the_connection() {
    for packet in [&[0x12, 0x34, 0, 1, 0][..], &[0x12, 0x34, 0, 3, 0, 9, b'x']] {
        let server = Harness::plain().await;
        let mut peer = server.connect().await;
        peer.send(post("/count", Some("4"))).await;
        peer.send(packet).await;
        let reply = peer.reply().await;
        assert_eq!((reply.text(), reply.reuse), ("Malformed", false));
        peer.closed().await;
    }
}
