use super::super::{Attribute, CPING, ForwardRequestWriter, Method, RequestLine, SendBodyChunk};
use super::*;

fn request(headers: &[(&[u8], &[u8])]) -> BytesMut {
    let mut buffer = BytesMut::new();
    let line = RequestLine {
        method: Method::from_name(b"PUT"),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(b"/"),
        remote_addr: None,
        remote_host: None,
        server_name: None,
        server_port: 80,
        is_ssl: false,
    };
    let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::MAX, &line);
    for (name, value) in headers {
        writer.header(name, value);
    }
    writer.attribute(&Attribute::Secret(b"hush"));
    writer.finish().unwrap();
    buffer
}

fn data(bytes: &[u8]) -> BytesMut {
    let mut buffer = BytesMut::new();
    Data::Bytes(bytes)
        .encode(&mut buffer, PacketSize::MAX)
        .unwrap();
    buffer
}

/// D for data, E for its end, F for a request head, P for a CPing, M and I for broken ones.
fn kinds(stream: &[u8]) -> String {
    let kind = |item: Item<'_>| match item.content {
        Content::Request(RequestPacket::Data(Data::Bytes(_))) => 'D',
        Content::Request(RequestPacket::Data(_)) => 'E',
        Content::Request(RequestPacket::ForwardRequest(_)) => 'F',
        Content::Request(RequestPacket::CPing) => 'P',
        Content::Malformed(_) => 'M',
        Content::Incomplete => 'I',
        _ => '?',
    };
    packets(Direction::Request, stream).map(kind).collect()
}

#[test]
fn data_is_told_apart_by_what_was_announced() {
    // 514 bytes begin like a FORWARD_REQUEST with GET.
    let block = data(&[b'x'; 514]);
    let known = request(&[(b"Content-Length", b"1028")]);
    let none = request(&[(b"Content-Length", b"0")]);
    let unknown = request(&[]);
    assert_eq!(kinds(&[&known[..], &block, &block, &none].concat()), "FDDF");
    assert_eq!(
        kinds(&[&known[..], &block, &block, &[0x12, 0x34, 0, 0], &CPING].concat()),
        "FDDEP"
    );
    assert_eq!(
        kinds(&[&unknown[..], &block, &Data::END, &unknown].concat()),
        "FDEF"
    );
    assert_eq!(kinds(&[&none[..], &block, &none].concat()), "FMF");
    assert_eq!(kinds(&[&CPING[..], &CPING].concat()), "PP");
}

#[test]
fn a_body_that_is_a_whole_request() {
    // A request head whose first two bytes, read as a length, cover the rest exactly.
    let inner = (1..1000)
        .map(|n| request(&[(b"x", &vec![b'v'; n])]))
        .find(|packet| {
            let length = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
            length + 6 == packet.len()
        });
    let inner = inner.unwrap();
    let length = (inner.len() - 6).to_string();
    let known = request(&[(b"Content-Length", length.as_bytes())]);
    assert_eq!(kinds(&[&known[..], &inner].concat()), "FD");
    assert_eq!(kinds(&[&known[..], &inner, &inner].concat()), "FDF");
    assert_eq!(kinds(&[&request(&[])[..], &inner].concat()), "FF");
}

#[test]
fn malformed_packets_do_not_stop_the_walk() {
    let bad = [0x12, 0x34, 0, 2, 2, 28];
    let stream = [&bad[..], &CPING, &[0x12, 0x34, 0]].concat();
    let items: Vec<_> = packets(Direction::Request, &stream).collect();
    assert_eq!(items[0].content, Content::Malformed(Error::Truncated));
    assert_eq!(items[1].offset, 6);
    assert_eq!(
        (items[2].offset, items[2].content),
        (11, Content::Incomplete)
    );
    assert_eq!(items[2].verify(), Err(Mismatch::Incomplete { offset: 11 }));
    assert_eq!(
        items.iter().map(|item| item.bytes.len()).sum::<usize>(),
        stream.len()
    );
}

#[test]
fn bytes_that_are_no_packet_end_the_walk() {
    let stream = [&CPING[..], b"GET / HTTP/1.1"].concat();
    let items: Vec<_> = packets(Direction::Request, &stream).collect();
    assert!(matches!(
        items[1].content,
        Content::Malformed(Error::BadMagic { .. })
    ));
    assert_eq!((items.len(), items[1].bytes), (2, &b"GET / HTTP/1.1"[..]));
}

#[test]
fn verify_names_the_first_byte_that_differs() {
    let without_nul = b"AB\x00\x02\x05\x01AB\x00\x05\x03\x00\x02ab";
    let results: Vec<_> = packets(Direction::Response, without_nul)
        .map(|item| item.verify())
        .collect();
    assert_eq!(results[0], Ok(()));
    let length = Mismatch::Differs {
        offset: 9,
        recorded: Some(5),
        encoded: Some(6),
    };
    assert_eq!(results[1], Err(length));
    let Some(item) = packets(Direction::Response, without_nul).nth(1) else {
        panic!()
    };
    let chunk = ResponsePacket::SendBodyChunk(SendBodyChunk { data: b"ab" });
    assert_eq!(item.content, Content::Response(chunk));
}

#[test]
fn shown_without_its_secrets() {
    let stream = request(&[(b"Authorization", b"Basic abc"), (b"X", b"a\nb")]);
    let item = packets(Direction::Request, &stream).next().unwrap();
    let redacted = item.show(Secrets::Redacted).to_string();
    assert!(
        !redacted.contains("hush") && !redacted.contains("abc"),
        "{redacted}"
    );
    assert!(
        redacted.contains("\n  method: PUT (code 5)\n  protocol: HTTP/1.1\n"),
        "{redacted}"
    );
    assert!(redacted.contains("\n  header A005 authorization: [redacted]\n  header X: a\\nb"));
    let shown = item.show(Secrets::Shown).to_string();
    assert!(shown.contains("\n  attribute 0C secret: hush"), "{shown}");
    assert_eq!(format!("{item:?}"), redacted);
}
