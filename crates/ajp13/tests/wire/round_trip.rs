//! Generated packets: what is encoded decodes to the same, and no bytes at all make a decoder
//! panic.

use ajp13::wire::frame::{self, Direction, MAX_PAYLOAD};
use ajp13::wire::stream::{Secrets, packets};
use ajp13::wire::{
    Attribute, Data, EndResponse, ForwardRequest, ForwardRequestWriter, GetBodyChunk, Method,
    PacketSize, REQUEST_HEADERS, RESPONSE_HEADERS, RequestLine, RequestPacket, ResponsePacket,
    SendBodyChunk, SendHeadersWriter,
};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The facts of a request head, owned.
#[derive(Clone, Debug)]
struct Facts {
    method: Vec<u8>,
    strings: [Option<Vec<u8>>; 5],
    server_port: u16,
    is_ssl: bool,
    headers: Pairs,
    attributes: Vec<(u8, Vec<u8>, Vec<u8>)>,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn header_name(names: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(names).prop_map(|name| name.as_bytes().to_vec()),
        text()
    ]
}

fn headers(names: &'static [&'static str]) -> impl Strategy<Value = Pairs> {
    vec((header_name(names), text()), 0..20)
}

fn facts() -> impl Strategy<Value = Facts> {
    (
        prop_oneof![Just(b"GET".to_vec()), Just(b"PATCH".to_vec()), text()],
        prop::array::uniform5(option::of(text())),
        any::<u16>(),
        any::<bool>(),
        headers(&REQUEST_HEADERS),
        vec((1..=12_u8, text(), text()), 0..12),
    )
        .prop_map(
            |(method, strings, server_port, is_ssl, headers, attributes)| Facts {
                method,
                strings,
                server_port,
                is_ssl,
                headers,
                attributes,
            },
        )
}

impl Facts {
    fn line(&self) -> RequestLine<'_> {
        let [protocol, uri, remote_addr, remote_host, server_name] =
            self.strings.each_ref().map(Option::as_deref);
        RequestLine {
            method: Method::from_name(&self.method),
            protocol,
            uri,
            remote_addr,
            remote_host,
            server_name,
            server_port: self.server_port,
            is_ssl: self.is_ssl,
        }
    }

    fn attributes(&self) -> Vec<Attribute<'_>> {
        self.attributes
            .iter()
            .map(|(code, name, value)| attribute(*code, name, value))
            .collect()
    }

    fn write(&self) -> BytesMut {
        let mut buffer = BytesMut::new();
        let line = self.line();
        let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::MAX, &line);
        for (name, value) in &self.headers {
            writer.header(name, value);
        }
        for attribute in self.attributes() {
            writer.attribute(&attribute);
        }
        writer.finish().unwrap();
        buffer
    }
}

fn attribute<'a>(code: u8, name: &'a [u8], value: &'a [u8]) -> Attribute<'a> {
    match code {
        1 => Attribute::Context(value),
        2 => Attribute::ServletPath(value),
        3 => Attribute::RemoteUser(value),
        4 => Attribute::AuthType(value),
        5 => Attribute::QueryString(value),
        6 => Attribute::Route(value),
        7 => Attribute::SslCert(value),
        8 => Attribute::SslCipher(value),
        9 => Attribute::SslSession(value),
        10 => Attribute::RequestAttribute { name, value },
        11 => Attribute::SslKeySize(u16::try_from(value.len()).unwrap()),
        _ => Attribute::Secret(value),
    }
}

fn payload(packet: &[u8], direction: Direction) -> &[u8] {
    let frame = frame::split(direction, packet, MAX_PAYLOAD)
        .unwrap()
        .unwrap();
    assert!(frame.rest.is_empty());
    frame.payload
}

/// What an encoder made decodes to something that encodes the same.
fn response_again(packet: &ResponsePacket<'_>) {
    let mut buffer = BytesMut::new();
    packet.encode(&mut buffer, PacketSize::MAX).unwrap();
    let decoded = ResponsePacket::decode(payload(&buffer, Direction::Response)).unwrap();
    assert_eq!(decoded, *packet);
}

proptest! {
    #[test]
    fn a_request_head(facts in facts()) {
        let packet = facts.write();
        let request = ForwardRequest::decode(payload(&packet, Direction::Request)).unwrap();
        prop_assert_eq!(request.line(), facts.line());
        prop_assert_eq!(request.headers.len(), facts.headers.len());
        for (header, (name, value)) in request.headers.iter().zip(&facts.headers) {
            prop_assert!(header.name.eq_ignore_ascii_case(name));
            prop_assert_eq!(header.value, value);
        }
        let mut attributes: Vec<_> = request.attributes.iter().collect();
        attributes.retain(|attribute| !matches!(attribute, Attribute::StoredMethod(_)));
        prop_assert_eq!(attributes, facts.attributes());
        let mut again = BytesMut::new();
        request.encode(&mut again, PacketSize::MAX).unwrap();
        prop_assert_eq!(again, packet);
    }

    #[test]
    fn a_cut_request_head_is_an_error(facts in facts(), cut in any::<prop::sample::Index>()) {
        let packet = facts.write();
        let payload = payload(&packet, Direction::Request);
        prop_assert!(ForwardRequest::decode(&payload[..cut.index(payload.len())]).is_err());
    }

    #[test]
    fn a_response_head(
        status: u16,
        reason in option::of(text()),
        headers in headers(&RESPONSE_HEADERS),
    ) {
        let mut packet = BytesMut::new();
        let reason = reason.as_deref();
        let mut writer = SendHeadersWriter::begin(&mut packet, PacketSize::MAX, status, reason);
        for (name, value) in &headers {
            writer.header(name, value);
        }
        writer.finish().unwrap();
        let payload = payload(&packet, Direction::Response);
        let decoded = ResponsePacket::decode(payload).unwrap();
        let ResponsePacket::SendHeaders(head) = decoded else { panic!("{decoded:?}") };
        prop_assert_eq!((head.status, head.reason), (status, reason));
        prop_assert_eq!(head.headers.len(), headers.len());
        for (header, (name, value)) in head.headers.iter().zip(&headers) {
            prop_assert!(header.name.eq_ignore_ascii_case(name));
            prop_assert_eq!(header.value, value);
        }
        response_again(&decoded);
        for cut in 0..payload.len() {
            prop_assert!(ResponsePacket::decode(&payload[..cut]).is_err());
        }
    }

    #[test]
    fn the_small_packets(data in vec(any::<u8>(), 0..2000), wanted: u16, reuse: bool) {
        response_again(&ResponsePacket::SendBodyChunk(SendBodyChunk { data: &data }));
        response_again(&ResponsePacket::GetBodyChunk(GetBodyChunk { wanted }));
        response_again(&ResponsePacket::EndResponse(EndResponse { reuse }));
        response_again(&ResponsePacket::CPong);
        let body = if data.is_empty() { Data::End } else { Data::Bytes(&data) };
        let mut buffer = BytesMut::new();
        body.encode(&mut buffer, PacketSize::DEFAULT).unwrap();
        prop_assert_eq!(Data::decode(payload(&buffer, Direction::Request)), Ok(body));
    }

    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..300), kind in 0..12_u8) {
        let _ = Data::decode(&bytes);
        let mut typed = vec![kind];
        typed.extend_from_slice(&bytes);
        let mut buffer = BytesMut::new();
        if let Ok(packet) = RequestPacket::decode(&typed) {
            packet.encode(&mut buffer, PacketSize::MAX).unwrap();
        }
        if let Ok(packet) = ResponsePacket::decode(&typed) {
            packet.encode(&mut buffer, PacketSize::MAX).unwrap();
        }
    }

    /// A few flipped bytes in a valid packet reach deeper than random ones.
    #[test]
    fn damaged_packets_are_answered(
        facts in facts(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut packet = facts.write();
        for (place, byte) in damage {
            let place = place.index(packet.len());
            packet[place] = byte;
        }
        for direction in [Direction::Request, Direction::Response] {
            let mut walked = 0;
            for item in packets(direction, &packet) {
                prop_assert_eq!(item.offset, walked);
                walked += item.bytes.len();
                let _ = (item.verify(), item.show(Secrets::Shown).to_string());
            }
            prop_assert_eq!(walked, packet.len());
        }
    }

    #[test]
    fn any_stream_is_walked_to_its_end(
        chunks in vec((any::<bool>(), vec(any::<u8>(), 0..60)), 0..10),
    ) {
        let mut stream = Vec::new();
        for (framed, bytes) in &chunks {
            if *framed {
                stream.extend_from_slice(&Direction::Request.magic());
                stream.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_be_bytes());
            }
            stream.extend_from_slice(bytes);
        }
        let walked: usize = packets(Direction::Request, &stream).map(|item| item.bytes.len()).sum();
        prop_assert_eq!(walked, stream.len());
    }
}
