//! The secret, and connectors that do not serve.

use crate::{
    lab::Connector,
    peer::{Named, Packet, Peer, Request},
};

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn the_secret_is_asked_of_requests_and_not_of_cpings() {
    for (secret, status) in [
        (None, 403),
        (Some("WRONG"), 403),
        (Some("RIGHTSECRET"), 200),
    ] {
        let mut peer = Peer::connect(Connector::Secret);
        peer.expect_cpong();
        let request = Request::get("/bytes?n=1");
        let request = secret
            .map(Named::Secret)
            .into_iter()
            .fold(request, Request::with);
        let answer = peer.exchange(&request, b"");
        assert_eq!(
            (answer.status, answer.reuse),
            (status, status == 200),
            "{secret:?}"
        );
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_secret_that_nobody_asks_for_is_ignored() {
    let mut peer = Peer::connect(Connector::Plain);
    let answer = peer.exchange(&Request::get("/bytes?n=1").with(Named::Secret("any")), b"");
    assert_eq!(answer.status, 200);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_connector_without_its_secret_accepts_and_stays_mute() {
    let mut peer = Peer::connect(Connector::Mute);
    peer.send(&ajp13::wire::CPING);
    peer.expect_silence();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn obsolete_packets_close_the_connection() {
    for code in [7, 8] {
        let mut peer = Peer::connect(Connector::Plain);
        peer.send(&[0x12, 0x34, 0, 1, code]);
        assert_eq!(peer.next(), None, "{code}");
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_bad_path_leaves_the_connection_usable() {
    let mut peer = Peer::connect(Connector::Plain);
    for path in ["/snoop/%00", "/snoop/%zz", "/snoop/a%5Cb"] {
        let answer = peer.exchange(&Request::get(path), b"");
        assert_eq!((answer.status, answer.reuse), (400, true), "{path}");
    }
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn what_is_malformed_gets_an_error_and_the_end() {
    // Method code 28; a header code beyond the table; no terminator.
    let whole = Request::get("/snoop")
        .encode(ajp13::wire::PacketSize::DEFAULT)
        .expect("fits");
    let mut bad_method = whole.to_vec();
    bad_method[5] = 28;
    let mut no_end = whole.to_vec();
    no_end.pop();
    let length = u16::try_from(no_end.len() - 4)
        .expect("small")
        .to_be_bytes();
    no_end[2..4].copy_from_slice(&length);
    for packet in [bad_method, no_end] {
        let mut peer = Peer::connect(Connector::Plain);
        peer.send(&packet);
        assert!(matches!(
            peer.next(),
            Some(Packet::Headers { status: 500, .. })
        ));
        let end = std::iter::from_fn(|| peer.next()).find(|p| matches!(p, Packet::End { .. }));
        assert_eq!(end, Some(Packet::End { reuse: false }));
    }
}
