//! Request bodies: what is sent unasked, what is asked for, and how a body ends.

use crate::{
    lab::Connector,
    peer::{Answer, Packet, Peer, Request, pattern},
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| {
            (c >> 1) ^ (0xEDB8_8320 & (!(c & 1)).wrapping_add(1))
        })
    })
}

fn assert_read(answer: &Answer, body: &[u8]) {
    assert_eq!((answer.status, answer.reuse), (200, true));
    assert_eq!(
        answer.text(),
        format!("read={} crc={:x}", body.len(), crc32(body))
    );
}

/// Without a content-length nothing is sent unasked.
fn unknown_length(what: &str) -> Request {
    Request::get(what)
        .method("POST")
        .header("Transfer-Encoding", "chunked")
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_small_body_is_sent_unasked_and_its_end_is_asked_for() {
    let body = pattern(100);
    let mut peer = Peer::connect(Connector::Plain);
    let answer = peer.exchange(&Request::post("/read", 100).method("PUT"), &body);
    assert_read(&answer, &body);
    // Tomcat does not stop at the content length.
    assert_eq!(answer.wanted, [8186]);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_body_of_one_larger_packet() {
    let body = pattern(10_000);
    let mut peer = Peer::connect(Connector::Middle);
    let answer = peer.exchange(&Request::post("/read", body.len()).method("PUT"), &body);
    assert_read(&answer, &body);
    assert_eq!(answer.wanted, [15_994]);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_form_is_read_to_its_length_without_asking() {
    let mut peer = Peer::connect(Connector::Plain);
    let form =
        Request::post("/form", 9).header("Content-Type", "application/x-www-form-urlencoded");
    let answer = peer.exchange(&form, b"name=abcd");
    assert_eq!(
        (answer.text().as_str(), answer.wanted.len()),
        ("name=abcd", 0)
    );
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn two_content_lengths_are_refused() {
    let mut peer = Peer::connect(Connector::Plain);
    peer.request(&Request::post("/read", 9).header("content-length", "99"));
    let Some(Packet::Headers { status, .. }) = peer.next() else {
        panic!("headers come first")
    };
    assert_eq!(status, 400);
    while let Some(packet) = peer.next() {
        if let Packet::End { reuse } = packet {
            assert!(!reuse);
            return;
        }
    }
    panic!("the answer has no end");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_length_of_zero_asks_for_nothing() {
    for what in ["/read", "/available"] {
        for method in ["GET", "POST"] {
            let mut peer = Peer::connect(Connector::Plain);
            let answer = peer.exchange(&Request::post(what, 0).method(method), b"");
            assert_eq!(
                (answer.status, answer.reuse),
                (200, true),
                "{method} {what}"
            );
            assert!(
                answer.wanted.is_empty(),
                "{method} {what}: {:?}",
                answer.wanted
            );
            peer.expect_cpong();
        }
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_get_without_length_may_be_asked_for_a_body() {
    let mut peer = Peer::connect(Connector::Plain);
    let reading = peer.exchange(&Request::get("/read"), b"");
    assert_read(&reading, b"");
    assert_eq!(reading.wanted, [8186]);
    let silent = peer.exchange(&Request::get("/snoop"), b"");
    assert!(silent.wanted.is_empty());
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn announced_bodies_around_the_packet_size() {
    let mut peer = Peer::connect(Connector::Plain);
    for (length, asked) in [(1, 1), (8185, 1), (8186, 1), (8187, 2), (100_000, 13)] {
        let body = pattern(length);
        let answer = peer.exchange(&Request::post("/read", length), &body);
        assert_read(&answer, &body);
        assert_eq!(answer.wanted.len(), asked, "{length}");
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn bodies_of_unknown_length() {
    let mut peer = Peer::connect(Connector::Plain);
    for length in [0, 1, 8186, 8187, 100_000] {
        let body = pattern(length);
        let answer = peer.exchange(&unknown_length("/read"), &body);
        assert_read(&answer, &body);
        assert_eq!(answer.wanted.len(), length.div_ceil(8186) + 1, "{length}");
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn packets_may_be_smaller_than_asked_for() {
    let body = pattern(3000);
    let mut peer = Peer::connect(Connector::Plain);
    let answer = peer.exchange_in_steps(&Request::post("/read", 3000), &body, 1000);
    assert_read(&answer, &body);
    assert_eq!(answer.wanted, [8186; 3]);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_body_that_the_application_does_not_want() {
    let body = pattern(20_000);
    let mut peer = Peer::connect(Connector::Plain);
    for (wanted, asked) in [(0, 0), (1, 0), (20_000, 2)] {
        let what = format!("/some?n={wanted}");
        let answer = peer.exchange(&Request::post(&what, body.len()), &body);
        assert_eq!(answer.text(), format!("got={wanted}"));
        assert_eq!(
            (answer.wanted.len(), answer.reuse),
            (asked, true),
            "{wanted}"
        );
        peer.expect_cpong();
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn the_answer_may_begin_before_the_body_is_read() {
    let body = pattern(20_000);
    let mut peer = Peer::connect(Connector::Plain);
    let answer = peer.exchange(&Request::post("/early", body.len()), &body);
    assert_eq!(answer.text(), "before after 20000");
    let echoed = peer.exchange(&Request::post("/echo", body.len()), &body);
    assert_eq!(echoed.body, body);
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn the_largest_packets() {
    let body = pattern(65_530 * 2 + 1);
    let mut peer = Peer::connect(Connector::Large);
    let answer = peer.exchange(&Request::post("/read", body.len()), &body);
    assert_read(&answer, &body);
    assert_eq!(answer.wanted, [65_530; 3]);
    let down = peer.exchange(&Request::get("/bytes?n=65529"), b"");
    assert_eq!((down.chunks, down.body), (vec![65_528, 1], pattern(65_529)));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn an_announced_packet_that_does_not_come_withholds_the_end() {
    let mut peer = Peer::connect(Connector::Plain);
    peer.request(&Request::post("/snoop", 9));
    loop {
        match peer.next() {
            Some(Packet::Headers { .. }) => {}
            Some(Packet::Chunk(_)) => break,
            other => panic!("{other:?}"),
        }
    }
    peer.expect_silence();
    peer.data(b"123456789");
    assert_eq!(peer.next(), Some(Packet::End { reuse: true }));
    peer.expect_cpong();
}
