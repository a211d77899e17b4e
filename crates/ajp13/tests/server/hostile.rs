//! Streams that were tampered with: whatever comes in, the connection comes to its end, and what
//! goes out are whole packets in the order of the protocol.

use ajp13::server::{ServerOptions, serve_connection};
use ajp13::wire::frame::{self, Direction, MAX_PAYLOAD};
use ajp13::wire::{CPING, ResponsePacket};
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;

use super::support::{DEADLINE, application, data, get, pattern, post};

/// What an honest client could have sent.
fn honest() -> Vec<u8> {
    let body = pattern(3000);
    [
        &CPING[..],
        &get("/large?9000"),
        &post("/count", Some("3000")),
        &data(&body),
        &post("/mirror", None),
        &data(&body[..1000]),
        &data(b""),
        &post("/one-frame", Some("4000")),
        &data(&body),
        &get("/flush"),
        &CPING,
    ]
    .concat()
}

#[derive(Clone, Debug)]
enum Tampering {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
}

impl Tampering {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Insert(at, new) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
        }
    }
}

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        any::<Index>().prop_map(Tampering::Cut),
        (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| Tampering::Flip(at, bits)),
        (
            any::<Index>(),
            proptest::collection::vec(any::<u8>(), 1..20)
        )
            .prop_map(|(at, new)| Tampering::Insert(at, new)),
        (any::<Index>(), 1..50_usize).prop_map(|(at, length)| Tampering::Remove(at, length)),
    ]
}

/// Serves a connection on which exactly these bytes arrive; what was sent on it.
async fn serve(bytes: Vec<u8>) -> Vec<u8> {
    let (near, far) = duplex(1000);
    let (mut answers, mut requests) = tokio::io::split(near);
    let mut sent = Vec::new();
    let options = ServerOptions::default();
    let server = serve_connection(far, &options, application);
    let client = async {
        // The server may hang up first.
        let _ = requests.write_all(&bytes).await;
        let _ = requests.shutdown().await;
    };
    let all = async { tokio::join!(server, client, answers.read_to_end(&mut sent)) };
    let (_, (), read) = timeout(DEADLINE, all).await.expect("the connection ends");
    read.unwrap();
    sent
}

/// Asserts that responses are whole and in order, but for a last one that broke off.
fn check(mut sent: &[u8]) {
    let (mut has_head, mut count) = (false, 0);
    while let Some(frame) = frame::split(Direction::Response, sent, MAX_PAYLOAD).unwrap() {
        sent = frame.rest;
        match ResponsePacket::decode(frame.payload).unwrap() {
            ResponsePacket::SendHeaders(_) => {
                assert!(!has_head, "headers twice");
                has_head = true;
            }
            ResponsePacket::SendBodyChunk(_) => assert!(has_head, "data before headers"),
            ResponsePacket::EndResponse(_) => {
                assert!(has_head, "an end without headers");
                has_head = false;
                count += 1;
            }
            ResponsePacket::CPong => assert!(!has_head, "a pong inside a response"),
            _ => {}
        }
    }
    assert!(count <= 20, "more responses than there can be requests");
}

#[tokio::test]
async fn honest_streams_are_answered_to_the_end() {
    let sent = serve(honest()).await;
    check(&sent);
    assert!(
        sent.ends_with(b"\x05\x01AB\x00\x01\x09"),
        "the last ping is answered"
    );
}

#[tokio::test]
async fn streams_cut_anywhere_come_to_an_end() {
    let honest = honest();
    for cut in (0..honest.len()).step_by(7) {
        check(&serve(honest[..cut].to_vec()).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn tampered_streams_come_to_an_end(changes in proptest::collection::vec(tampering(), 1..4)) {
        let mut bytes = honest();
        for change in changes {
            change.apply(&mut bytes);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        check(&runtime.block_on(serve(bytes)));
    }
}
