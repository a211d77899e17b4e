//! Every recording: decoded to its last byte, encoded to the same bytes, fed in pieces.

use ajp13::wire::frame::{self, Direction, MAX_PAYLOAD};
use ajp13::wire::stream::{Content, Mismatch, packets};
use ajp13::wire::{Error, ForwardRequest, PacketSize, RequestPacket, ResponsePacket};

use super::support::{Capture, capture, captures};

const BOTH: [Direction; 2] = [Direction::Request, Direction::Response];

/// The packets that are not what they should be: all in requests, all written so on purpose.
fn deviations(name: &str) -> Vec<Mismatch> {
    let malformed = |offset, error| vec![Mismatch::Malformed { offset, error }];
    match name {
        "tc-02-bad-magic" => {
            let expected = "12 34";
            malformed(
                0,
                Error::BadMagic {
                    found: [0x12, 0x35],
                    expected,
                },
            )
        }
        "tc-12-method-code-28" => malformed(0, Error::UnknownMethod(28)),
        "tc-13-header-code-a00f" => malformed(0, Error::UnknownHeader(0xA00F)),
        "tc-16-no-terminator" => malformed(0, Error::NoAttributeEnd),
        "tc-29-data-inner-longer-than-packet" => malformed(74, Error::Truncated),
        _ => vec![],
    }
}

#[test]
fn decoded_to_the_last_byte_and_encoded_to_the_same_bytes() {
    for capture in captures() {
        for direction in BOTH {
            let items = capture.packets(direction);
            let total: usize = items.iter().map(|item| item.bytes.len()).sum();
            assert_eq!(total, capture.bytes(direction).len(), "{}", capture.name);
            let found: Vec<_> = items
                .iter()
                .filter_map(|item| item.verify().err())
                .collect();
            let expected = match direction {
                Direction::Request => deviations(&capture.name),
                Direction::Response => vec![],
            };
            assert_eq!(found, expected, "{} {direction:?}", capture.name);
        }
    }
}

#[test]
fn fed_one_byte_at_a_time() {
    for capture in captures()
        .iter()
        .filter(|capture| capture.name != "tc-02-bad-magic")
    {
        for direction in BOTH {
            let mut buffer = Vec::new();
            let mut packets = Vec::new();
            for &byte in capture.bytes(direction) {
                buffer.push(byte);
                if let Some(frame) = frame::split(direction, &buffer, MAX_PAYLOAD).unwrap() {
                    assert!(frame.rest.is_empty());
                    packets.push(std::mem::take(&mut buffer));
                }
            }
            assert!(buffer.is_empty(), "{} {direction:?}", capture.name);
            let whole = capture.packets(direction);
            let whole: Vec<_> = whole.iter().map(|item| item.bytes).collect();
            assert_eq!(packets, whole, "{} {direction:?}", capture.name);
        }
    }
}

#[test]
fn cut_at_every_length() {
    for capture in captures()
        .iter()
        .filter(|capture| capture.name != "tc-02-bad-magic")
    {
        for direction in BOTH {
            for cut in cuts(capture, direction) {
                cut_at(capture, direction, cut);
            }
        }
    }
}

/// Every length of a small stream; of a large one those around the borders of packets.
fn cuts(capture: &Capture, direction: Direction) -> Vec<usize> {
    let length = capture.bytes(direction).len();
    if length <= 2200 {
        return (0..=length).collect();
    }
    let around = |border: usize| border.saturating_sub(8)..=(border + 8).min(length);
    capture
        .packets(direction)
        .iter()
        .flat_map(|item| around(item.offset))
        .collect()
}

/// The whole packets before the cut are the same, and the rest asks for more.
fn cut_at(capture: &Capture, direction: Direction, cut: usize) {
    let whole = capture.packets(direction);
    let complete = whole
        .iter()
        .take_while(|item| item.offset + item.bytes.len() <= cut)
        .count();
    let items: Vec<_> = packets(direction, &capture.bytes(direction)[..cut]).collect();
    let context = format!("{} {direction:?} cut at {cut}", capture.name);
    assert_eq!(items[..complete], whole[..complete], "{context}");
    let rest: Vec<_> = items[complete..].iter().map(|item| item.content).collect();
    let border = whole.get(complete).is_none_or(|item| item.offset == cut);
    assert_eq!(
        rest,
        if border {
            vec![]
        } else {
            vec![Content::Incomplete]
        },
        "{context}"
    );
}

/// A payload that stops early is an error: no field is made up from what is not there.
#[test]
fn payloads_cut_at_every_length() {
    for capture in captures() {
        for item in BOTH
            .iter()
            .flat_map(|&direction| capture.packets(direction))
        {
            let payload = &item.bytes[4..];
            for cut in 0..payload.len().min(1500) {
                cut_payload(&item.content, &payload[..cut], payload.len() - cut);
            }
        }
    }
}

fn cut_payload(content: &Content<'_>, cut: &[u8], missing: usize) {
    match content {
        Content::Request(RequestPacket::ForwardRequest(_)) => {
            assert!(ForwardRequest::decode(cut).is_err());
        }
        Content::Response(ResponsePacket::SendHeaders(_) | ResponsePacket::GetBodyChunk(_)) => {
            assert!(ResponsePacket::decode(cut).is_err());
        }
        // Its NUL may be missing.
        Content::Response(ResponsePacket::SendBodyChunk(_)) if missing > 1 => {
            assert!(ResponsePacket::decode(cut).is_err());
        }
        _ => {}
    }
}

#[test]
fn limits_of_the_packet_size() {
    let refused = [
        ("tc-08-forward-8192-total-ok", None),
        ("tc-09-forward-8193-total", Some(8189)),
        ("tc-10-data-8186-ok", None),
        ("tc-11-data-8187-too-big", Some(8189)),
        ("tc-26-max-65536", Some(65532)),
    ];
    for (name, expected) in refused {
        let capture = capture(name);
        let found = capture
            .packets(Direction::Request)
            .into_iter()
            .find_map(|item| {
                let limit = PacketSize::DEFAULT.max_payload();
                match frame::split(Direction::Request, item.bytes, limit) {
                    Err(Error::TooLong { length, .. }) => Some(length),
                    _ => None,
                }
            });
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn content_lengths_that_the_container_refuses() {
    for (name, expected) in [
        ("tc-14-content-length-twice", Err(Error::ContentLength)),
        ("tc-15-content-length-abc", Err(Error::ContentLength)),
        ("tc-21-body-announced-never-sent-unread", Ok(Some(100))),
        ("jk-01-get-query", Ok(Some(0))),
        ("pa-01-get-query", Ok(None)),
    ] {
        let capture = capture(name);
        let request = ForwardRequest::decode(&capture.packets(Direction::Request)[0].bytes[4..]);
        assert_eq!(request.unwrap().content_length(), expected, "{name}");
    }
}
