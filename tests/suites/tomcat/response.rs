//! Answers: chunks, flushes, headers, and what is no framing.

use ajp13::wire::{CPING, RESPONSE_HEADERS};

use crate::{
    lab::Connector,
    peer::{Packet, Peer, Request, once, pattern},
};

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_plain_answer_is_three_packets() {
    let mut peer = Peer::connect(Connector::Plain);
    peer.request(&Request::get("/bytes?n=9"));
    let Some(Packet::Headers {
        status,
        reason,
        headers,
    }) = peer.next()
    else {
        panic!("headers")
    };
    // Tomcat's reason is the number.
    assert_eq!((status, reason.as_slice()), (200, &b"200"[..]));
    assert!(
        headers
            .iter()
            .any(|(name, value)| name == "Content-Length" && value == b"9")
    );
    assert_eq!(peer.next(), Some(Packet::Chunk(pattern(9))));
    assert_eq!(peer.next(), Some(Packet::End { reuse: true }));
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn chunks_around_the_packet_size() {
    let mut peer = Peer::connect(Connector::Plain);
    for length in [0, 8183, 8184, 8185, 1 << 20] {
        let answer = peer.exchange(&Request::get(&format!("/bytes?n={length}")), b"");
        assert_eq!(answer.body, pattern(length));
        assert_eq!(
            answer.chunks.iter().max(),
            (length > 0).then_some(&length.min(8184))
        );
    }
    let mut peer = Peer::connect(Connector::Middle);
    let answer = peer.exchange(&Request::get("/bytes?n=15000"), b"");
    assert_eq!(answer.chunks, [15_000]);
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_flush_is_an_empty_chunk_and_no_end() {
    let answer = once(Connector::Plain, &Request::get("/flush"));
    assert_eq!(answer.text(), "onetwo");
    assert!(answer.chunks.contains(&0), "{:?}", answer.chunks);
    assert_eq!(answer.header("content-length"), None);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn head_and_statuses_without_a_body() {
    let mut peer = Peer::connect(Connector::Plain);
    let head = peer.exchange(&Request::get("/bytes?n=6").method("HEAD"), b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length").as_deref(), Some("6"));
    for status in [204, 205, 304] {
        let answer = peer.exchange(&Request::get(&format!("/status?s={status}")), b"");
        assert_eq!(
            (answer.status, answer.body.len(), answer.reuse),
            (status, 0, true)
        );
    }
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn an_answer_without_any_header() {
    let mut peer = Peer::connect(Connector::Plain);
    peer.request(&Request::get("/status?s=200&silent=1&flush=1"));
    let Some(Packet::Headers { headers, .. }) = peer.next() else {
        panic!("headers")
    };
    assert_eq!(headers, []);
    assert_eq!(peer.next(), Some(Packet::Chunk(Vec::new())));
    assert_eq!(peer.next(), Some(Packet::End { reuse: true }));
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_header_that_has_no_latin_1_form() {
    let mut peer = Peer::connect(Connector::Plain);
    let answer = peer.exchange(&Request::get("/invalid-header"), b"");
    assert_eq!(answer.header("x-before").as_deref(), Some("1"));
    assert_eq!(answer.header("x-after").as_deref(), Some("2"));
    // Left out or replaced, by version; never anything that reads as the two good ones.
    assert!(answer.header("x-bad").is_none_or(|value| value == "?"));
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn content_length_is_no_framing() {
    let mut peer = Peer::connect(Connector::Plain);
    let short = peer.exchange(&Request::get("/length?announced=100&sent=10"), b"");
    assert_eq!(short.header("content-length").as_deref(), Some("100"));
    assert_eq!((short.body.len(), short.reuse), (10, true));
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn every_coded_header_and_repetitions_in_order() {
    let answer = once(Connector::Plain, &Request::get("/headers"));
    for name in RESPONSE_HEADERS {
        assert!(
            answer.header(name).is_some(),
            "{name} in {:?}",
            answer.headers
        );
    }
    let cookies: Vec<&[u8]> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("Set-Cookie"))
        .map(|(_, value)| value.as_slice())
        .collect();
    assert_eq!(cookies, [b"a=1", b"b=2"]);
    assert_eq!(answer.header("x-lower").as_deref(), Some("case"));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn async_servlets() {
    assert_eq!(
        once(Connector::Plain, &Request::get("/async")).text(),
        "async"
    );
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn an_idle_connection_is_closed_by_tomcat() {
    let mut peer = Peer::connect(Connector::Hasty);
    assert_eq!(peer.exchange(&Request::get("/bytes?n=1"), b"").status, 200);
    assert_eq!(peer.next(), None);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn keep_alive() {
    let mut peer = Peer::connect(Connector::Plain);
    for _ in 0..3 {
        let answer = peer.exchange(&Request::get("/bytes?n=1"), b"");
        assert_eq!((answer.status, answer.reuse), (200, true));
        peer.expect_cpong();
    }
    // Two at once get two answers.
    peer.send(&[CPING, CPING].concat());
    assert_eq!(
        (peer.next(), peer.next()),
        (Some(Packet::CPong), Some(Packet::CPong))
    );
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn pipelined_requests_are_answered_in_order() {
    let mut peer = Peer::connect(Connector::Plain);
    let size = ajp13::wire::PacketSize::DEFAULT;
    let packets: Vec<_> = (1..=3)
        .map(|n| {
            Request::get(&format!("/bytes?n={n}"))
                .encode(size)
                .expect("fits")
        })
        .collect();
    peer.send(&packets.concat());
    for n in 1..=3 {
        assert!(matches!(
            peer.next(),
            Some(Packet::Headers { status: 200, .. })
        ));
        assert_eq!(peer.next(), Some(Packet::Chunk(pattern(n))));
        assert_eq!(peer.next(), Some(Packet::End { reuse: true }));
    }
}
