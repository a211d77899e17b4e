use super::super::Attribute;
use super::*;

fn line(method: &[u8]) -> RequestLine<'_> {
    RequestLine {
        method: Method::from_name(method),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(b"/"),
        remote_addr: Some(b"192.0.2.1"),
        remote_host: None,
        server_name: Some(b"a"),
        server_port: 80,
        is_ssl: false,
    }
}

fn with_headers(headers: &[(&[u8], &[u8])]) -> BytesMut {
    let mut buffer = BytesMut::new();
    let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::DEFAULT, &line(b"GET"));
    for (name, value) in headers {
        writer.header(name, value);
    }
    writer.finish().unwrap();
    buffer
}

#[test]
fn bytes_of_a_small_request() {
    let packet = with_headers(&[(b"Host", b"a"), (b"x", b"y")]);
    let expected = b"\x12\x34\x00\x37\x02\x02\x00\x08HTTP/1.1\x00\x00\x01/\x00\
        \x00\x09192.0.2.1\x00\xff\xff\x00\x01a\x00\x00\x50\x00\
        \x00\x02\xa0\x0b\x00\x01a\x00\x00\x01x\x00\x00\x01y\x00\xff";
    assert_eq!(packet[..], expected[..]);
}

#[test]
fn read_and_written_again() {
    let mut packet = BytesMut::new();
    let mut writer = ForwardRequestWriter::begin(&mut packet, PacketSize::DEFAULT, &line(b"FOO"));
    writer.header(b"Accept-Language", b"de");
    writer.attribute(&Attribute::Secret(b"s"));
    writer.attribute(&Attribute::SslKeySize(256));
    writer.attribute(&Attribute::RequestAttribute {
        name: b"n",
        value: b"v",
    });
    writer.finish().unwrap();

    let request = ForwardRequest::decode(&packet[4..]).unwrap();
    assert_eq!(request.method, Method::from_name(b"FOO"));
    assert_eq!(request.headers.iter().next().unwrap().code(), None);
    let attributes: Vec<_> = request.attributes.iter().collect();
    assert_eq!(
        attributes,
        [
            Attribute::Secret(b"s"),
            Attribute::SslKeySize(256),
            Attribute::StoredMethod(b"FOO"),
            Attribute::RequestAttribute {
                name: b"n",
                value: b"v"
            },
        ]
    );

    let mut again = BytesMut::new();
    request.encode(&mut again, PacketSize::DEFAULT).unwrap();
    assert_eq!(again, packet);
}

#[test]
fn the_largest_head_fits_exactly() {
    let empty = with_headers(&[(b"x", b"")]).len();
    let mut buffer = BytesMut::from(&b"kept"[..]);
    for (total, fits) in [(8191, true), (8192, true), (8193, false)] {
        buffer.truncate(4);
        let line = line(b"GET");
        let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::DEFAULT, &line);
        writer.header(b"x", &vec![b'v'; total - empty]);
        assert_eq!(writer.finish().is_ok(), fits, "{total}");
        assert_eq!(buffer.len(), if fits { total + 4 } else { 4 });
    }
}

#[test]
fn a_name_whose_length_would_read_as_a_code_is_refused() {
    for (length, fits) in [(255, true), (256, false), (0x0108, false), (0xA008, false)] {
        let mut buffer = BytesMut::new();
        let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::MAX, &line(b"GET"));
        writer.header(&vec![b'n'; length], b"");
        assert_eq!(writer.finish().is_ok(), fits, "{length}");
    }
}

#[test]
fn every_cut_is_an_error() {
    let packet = with_headers(&[(b"Host", b"a"), (b"x", b"y")]);
    for cut in 5..packet.len() {
        let error = ForwardRequest::decode(&packet[4..cut]).unwrap_err();
        assert!(
            matches!(error, Error::Truncated | Error::NoAttributeEnd),
            "{cut}: {error}"
        );
    }
    assert_eq!(ForwardRequest::decode(b""), Err(Error::Empty));
}

#[test]
fn what_follows_the_end_marker_is_ignored() {
    let mut packet = with_headers(&[]);
    packet.extend_from_slice(b"more");
    assert!(ForwardRequest::decode(&packet[4..]).is_ok());
}

#[test]
fn content_length_decides_the_body() {
    let length = |headers: &[(&[u8], &[u8])]| {
        ForwardRequest::decode(&with_headers(headers)[4..])
            .unwrap()
            .content_length()
    };
    assert_eq!(length(&[]), Ok(None));
    assert_eq!(length(&[(b"content-length", b"0")]), Ok(Some(0)));
    let largest = b"9223372036854775807";
    assert_eq!(
        length(&[(b"content-length", largest)]),
        Ok(Some(u64::MAX / 2))
    );
    for invalid in [
        &b""[..],
        b"abc",
        b"-1",
        b"+0",
        b" 0",
        b"0x1",
        b"9223372036854775808",
    ] {
        let result = length(&[(b"content-length", invalid)]);
        assert_eq!(result, Err(Error::ContentLength), "{invalid:?}");
    }
    let twice: &[(&[u8], &[u8])] = &[(b"Content-Length", b"9"), (b"content-length", b"9")];
    assert_eq!(length(twice), Err(Error::ContentLength));
}
