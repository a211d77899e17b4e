//! The packet our writer makes of a request is the one that mod_jk made of it.

use ajp13::wire::frame::Direction;
use ajp13::wire::stream::Content;
use ajp13::wire::{
    Attribute, ForwardRequest, ForwardRequestWriter, Method, PacketSize, RequestLine, RequestPacket,
};
use bytes::BytesMut;

use super::support::{capture, captures};

/// Where mod_jk puts an attribute; the stored method is the writer's own business.
fn rank(attribute: &Attribute<'_>) -> usize {
    let order = [12, 3, 4, 5, 6, 7, 8, 9, 11, 10];
    order
        .iter()
        .position(|&code| code == attribute.code())
        .unwrap()
}

#[test]
fn written_from_its_facts_each_request_is_the_recorded_one() {
    let mut compared = 0;
    for capture in captures()
        .iter()
        .filter(|capture| capture.name.starts_with("jk-"))
    {
        for item in capture.packets(Direction::Request) {
            if let Content::Request(RequestPacket::ForwardRequest(request)) = item.content {
                assert_eq!(written(&request)[..], item.bytes[..], "{}", capture.name);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 52);
}

/// The request from its names and values alone, without the codes of the recording.
fn written(request: &ForwardRequest<'_>) -> BytesMut {
    let line = RequestLine {
        method: Method::from_name(request.method.name()),
        ..request.line()
    };
    let mut buffer = BytesMut::new();
    let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::MAX, &line);
    for header in request.headers.iter() {
        let upper = header.name.to_ascii_uppercase();
        let name = if header.code().is_some() {
            &upper
        } else {
            header.name
        };
        writer.header(name, header.value);
    }
    let mut attributes: Vec<_> = request.attributes.iter().collect();
    attributes.retain(|attribute| !matches!(attribute, Attribute::StoredMethod(_)));
    attributes.sort_by_key(rank);
    for attribute in attributes {
        writer.attribute(&attribute);
    }
    writer.finish().unwrap();
    buffer
}

fn line<'a>(method: &'a [u8], uri: &'a [u8], server: &'a [u8]) -> RequestLine<'a> {
    RequestLine {
        method: Method::from_name(method),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(uri),
        remote_addr: Some(b"127.0.0.1"),
        remote_host: None,
        server_name: Some(server),
        server_port: 80,
        is_ssl: false,
    }
}

fn extra<'a>(name: &'a [u8], value: &'a [u8]) -> Attribute<'a> {
    Attribute::RequestAttribute { name, value }
}

/// All coded headers, three that mod_jk sends as text although codes exist, and a route.
#[test]
fn many_headers_by_hand() {
    let mut buffer = BytesMut::new();
    let line = line(b"GET", b"/any/snoop", b"lb.local");
    let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::DEFAULT, &line);
    let headers: [(&str, &str); 20] = [
        ("Host", "lb.local"),
        ("Accept", "text/html,*/*"),
        ("Accept-Charset", "utf-8"),
        ("Accept-Encoding", "gzip"),
        ("Accept-Language", "fr,en"),
        ("Authorization", "Bearer abc.def"),
        ("Cookie", "a=b; JSESSIONID=0123456789ABCDEF.nodeA; c=d"),
        ("Cookie2", "$Version=1"),
        ("Pragma", "no-cache"),
        ("Referer", "http://ref.example/"),
        ("User-Agent", "lab/1.0"),
        ("X-Forwarded-For", "10.9.8.7"),
        ("X-Custom-Header", "custom value"),
        ("x-lower", "l"),
        ("X-Dup", "one, two"),
        ("Cache-Control", "max-age=0"),
        ("If-Modified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"),
        ("Content-Type", "text/x-none"),
        ("Connection", "close"),
        ("Content-Length", "0"),
    ];
    for (name, value) in headers {
        writer.header(name.as_bytes(), value.as_bytes());
    }
    writer.attribute(&Attribute::Route(b"nodeA"));
    writer.attribute(&extra(b"AJP_REMOTE_PORT", b"51782"));
    writer.attribute(&extra(b"AJP_LOCAL_ADDR", b"127.0.0.1"));
    writer.attribute(&extra(b"JK_LB_ACTIVATION", b"ACT"));
    writer.finish().unwrap();
    assert_eq!(buffer[..], capture("jk-02-get-many-headers").requests[..]);
}

/// A method without a code: its name goes in front of the request attributes by itself.
#[test]
fn a_stored_method_by_hand() {
    let recorded = capture("jk-16-foo");
    let Content::Request(RequestPacket::ForwardRequest(request)) =
        recorded.packets(Direction::Request)[0].content
    else {
        panic!("no request");
    };
    let port = request
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            Attribute::RequestAttribute {
                name: b"AJP_REMOTE_PORT",
                value,
            } => Some(value),
            _ => None,
        });
    let mut buffer = BytesMut::new();
    let line = line(b"FOO", b"/any/snoop", b"plain.local");
    let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::DEFAULT, &line);
    writer.header(b"Host", b"plain.local");
    writer.header(b"Connection", b"close");
    writer.header(b"Content-Length", b"0");
    writer.attribute(&extra(b"AJP_REMOTE_PORT", port.unwrap()));
    writer.attribute(&extra(b"AJP_LOCAL_ADDR", b"127.0.0.1"));
    writer.attribute(&extra(b"JK_LB_ACTIVATION", b"ACT"));
    writer.finish().unwrap();
    assert_eq!(buffer[..], recorded.requests[..]);
}
