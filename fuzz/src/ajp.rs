//! Packets of AJP in both directions.

use ajp13::wire::{
    ForwardRequest, PacketSize, RequestPacket, ResponsePacket,
    frame::{self, Direction},
    stream::{Content, Mismatch, Secrets, packets},
};
use bytes::BytesMut;

/// The largest packet, bytes.
const LARGEST: usize = 65536;

/// Bytes of a web server.
pub(crate) fn request_stream(bytes: &[u8]) {
    stream(Direction::Request, bytes);
}

/// Bytes of a container.
pub(crate) fn response_stream(bytes: &[u8]) {
    stream(Direction::Response, bytes);
}

/// A recorded stream: every byte belongs to one item, and what is understood can be written.
fn stream(direction: Direction, bytes: &[u8]) {
    let mut walked = 0;
    for item in packets(direction, bytes) {
        assert_eq!(item.offset, walked);
        walked += item.bytes.len();
        let _ = item.show(Secrets::Redacted).to_string();
        let understood = !matches!(item.content, Content::Malformed(_) | Content::Incomplete);
        let written = !matches!(item.verify(), Err(Mismatch::Malformed { .. }));
        // A payload above the largest packet size is read, but never written.
        assert!(written || !understood || item.bytes.len() > LARGEST);
    }
    assert_eq!(walked, bytes.len());
    pieces(direction, bytes);
}

/// A frame is the same in however many pieces it comes, and it is known to be wrong no later than
/// with its last byte.
fn pieces(direction: Direction, bytes: &[u8]) {
    let whole = frame::split(direction, bytes, frame::MAX_PAYLOAD);
    let shown = bytes.len().min(600);
    for end in 0..shown {
        match (
            frame::split(direction, &bytes[..end], frame::MAX_PAYLOAD),
            whole,
        ) {
            (Ok(None), _) => {}
            (Ok(Some(part)), Ok(Some(whole))) => assert_eq!(part.payload, whole.payload),
            (part, whole) => assert_eq!(part, whole, "at {end}"),
        }
    }
}

/// The payload of a request: decoded, encoded and decoded again it is the same.
pub(crate) fn request(payload: &[u8]) {
    let Ok(packet) = RequestPacket::decode(payload) else {
        return;
    };
    let mut again = BytesMut::new();
    if packet.encode(&mut again, PacketSize::MAX).is_err() {
        assert!(payload.len() > PacketSize::MAX.max_payload());
        return;
    }
    assert!(again.len() <= LARGEST);
    assert_eq!(RequestPacket::decode(&again[4..]).as_ref(), Ok(&packet));
    let Ok(request) = ForwardRequest::decode(payload) else {
        return;
    };
    assert!(again.len() <= payload.len() + 4);
    assert_eq!(request.headers.iter().count(), request.headers.len());
    for header in request.headers.iter() {
        assert!(request.headers.get(header.name).is_some());
    }
    assert!(request.attributes.iter().count() <= payload.len());
    let shown = format!("{request:?}");
    assert!(!shown.contains("hushhushhush"), "{shown}");
}

/// The same for a response.
pub(crate) fn response(payload: &[u8]) {
    let Ok(packet) = ResponsePacket::decode(payload) else {
        return;
    };
    let mut again = BytesMut::new();
    if packet.encode(&mut again, PacketSize::MAX).is_err() {
        assert!(payload.len() > PacketSize::MAX.max_payload());
        return;
    }
    assert_eq!(ResponsePacket::decode(&again[4..]).as_ref(), Ok(&packet));
    if let ResponsePacket::SendHeaders(head) = packet {
        assert_eq!(head.headers.iter().count(), head.headers.len());
    }
}
