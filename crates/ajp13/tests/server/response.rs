//! Responses: head, data, flushes, and what must not look complete.

use super::support::{Harness, get, request};

#[tokio::test]
async fn data_is_cut_into_full_packets() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    for length in [0, 1, 8183, 8184, 8185, 100_000, 3_000_000] {
        let reply = peer.exchange(get(&format!("/large?{length}"))).await;
        assert_eq!(reply.body.len(), length);
        assert!(reply.body.iter().all(|&byte| byte == b'L'));
        assert_eq!(
            reply.header("Content-Length"),
            Some(length.to_string().as_str())
        );
        assert!(reply.reuse);
    }
}

#[tokio::test]
async fn an_empty_frame_is_a_flush() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    for (path, body) in [("/flush", "ab"), ("/flush-first", "a")] {
        let reply = peer.exchange(get(path)).await;
        assert_eq!((reply.text(), reply.flushes, reply.reuse), (body, 1, true));
    }
}

#[tokio::test]
async fn some_responses_have_no_data() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    for status in [204, 205, 304] {
        let reply = peer.exchange(get(&format!("/status?{status}"))).await;
        assert_eq!(
            (reply.status, reply.text(), reply.reuse),
            (status, "", true)
        );
        assert_eq!(reply.header("content-length"), None);
    }
    let reply = peer.exchange(request("HEAD", "/large?5", &[], &[])).await;
    assert_eq!((reply.status, reply.text(), reply.reuse), (200, "", true));
    assert_eq!(reply.header("content-length"), Some("5"));
    peer.ping().await;
}

#[tokio::test]
async fn any_status_but_an_interim_one() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    for (status, sent) in [(201, 201), (599, 599), (999, 999), (100, 500), (101, 500)] {
        let reply = peer.exchange(get(&format!("/status?{status}"))).await;
        assert_eq!((reply.status, reply.reuse), (sent, true));
    }
}

#[tokio::test]
async fn a_head_that_does_not_fit_becomes_an_error() {
    let server = Harness::plain().await;
    let mut peer = server.connect().await;
    let reply = peer.exchange(get("/huge-header")).await;
    assert_eq!((reply.status, reply.text(), reply.reuse), (500, "", true));
    peer.ping().await;
}

#[tokio::test]
async fn a_body_that_fails_or_lies_about_its_length_has_no_end() {
    let server = Harness::plain().await;
    for path in ["/fail", "/short", "/long"] {
        let mut peer = server.connect().await;
        peer.send(get(path)).await;
        assert!(peer.reply_to(&[]).await.is_none(), "{path}");
    }
}
