//! The AJP13 codec: what one request costs before any socket is touched.

use ajp13::exchange::{Announced, Exchange};
use ajp13::wire::frame::{self, Direction, MAX_PAYLOAD};
use ajp13::wire::{
    Attribute, ForwardRequest, ForwardRequestWriter, Method, PacketSize, RequestLine,
    ResponsePacket, SendHeadersWriter,
};
use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// What a browser sends.
const HEADERS: [(&[u8], &[u8]); 12] = [
    (b"Host", b"shop.example"),
    (
        b"User-Agent",
        b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    (
        b"Accept",
        b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    (b"Accept-Language", b"en-US,en;q=0.5"),
    (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
    (b"Referer", b"https://shop.example/catalogue"),
    (b"Connection", b"keep-alive"),
    (
        b"Cookie",
        b"JSESSIONID=0123456789ABCDEF0123456789ABCDEF.node1; theme=dark",
    ),
    (b"Upgrade-Insecure-Requests", b"1"),
    (b"Sec-Fetch-Dest", b"document"),
    (b"Priority", b"u=0, i"),
    (b"Content-Length", b"0"),
];

fn write_request(buffer: &mut BytesMut) {
    let line = RequestLine {
        method: Method::from_name(b"GET"),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(b"/shop/cart"),
        remote_addr: Some(b"192.0.2.7"),
        remote_host: None,
        server_name: Some(b"shop.example"),
        server_port: 80,
        is_ssl: false,
    };
    let mut writer = ForwardRequestWriter::begin(buffer, PacketSize::DEFAULT, &line);
    for (name, value) in HEADERS {
        writer.header(name, value);
    }
    writer.attribute(&Attribute::QueryString(b"item=4711"));
    writer.attribute(&Attribute::Route(b"node1"));
    for (name, value) in [
        (&b"AJP_REMOTE_PORT"[..], &b"51782"[..]),
        (b"AJP_LOCAL_ADDR", b"192.0.2.1"),
        (b"JK_LB_ACTIVATION", b"ACT"),
    ] {
        writer.attribute(&Attribute::RequestAttribute { name, value });
    }
    writer.finish().expect("the request fits");
}

/// The head, one chunk and the end of a small answer.
fn response() -> BytesMut {
    let mut buffer = BytesMut::new();
    let size = PacketSize::DEFAULT;
    let mut writer = SendHeadersWriter::begin(&mut buffer, size, 200, Some(b"200"));
    writer.header(b"Cache-Control", b"private");
    writer.header(
        b"Set-Cookie",
        b"JSESSIONID=0123456789ABCDEF.node1; Path=/; HttpOnly",
    );
    writer.header(b"Content-Type", b"text/html;charset=UTF-8");
    writer.header(b"Content-Length", b"1024");
    writer.finish().expect("the head fits");
    let chunk = ajp13::wire::SendBodyChunk {
        data: &[b'x'; 1024],
    };
    chunk.encode(&mut buffer, size).expect("the chunk fits");
    buffer.extend_from_slice(&ajp13::wire::EndResponse { reuse: true }.to_bytes());
    buffer
}

fn request_head(c: &mut Criterion) {
    let mut buffer = BytesMut::new();
    write_request(&mut buffer);
    let mut group = c.benchmark_group("forward_request");
    group.throughput(Throughput::Bytes(buffer.len() as u64));
    let packet = buffer.clone();
    group.bench_function("encode", |b| {
        b.iter(|| {
            buffer.clear();
            write_request(black_box(&mut buffer));
        });
    });
    group.bench_function("decode", |b| {
        b.iter(|| ForwardRequest::decode(black_box(&packet[4..])))
    });
    group.bench_function("decode and walk", |b| {
        b.iter(|| {
            let request = ForwardRequest::decode(black_box(&packet[4..])).expect("is valid");
            let headers: usize = request
                .headers
                .iter()
                .map(|header| header.value.len())
                .sum();
            headers + request.attributes.iter().count()
        });
    });
    group.finish();
}

fn whole_response(c: &mut Criterion) {
    let bytes = response();
    c.bench_function("response through an exchange", |b| {
        b.iter(|| {
            let mut exchange = Exchange::new(Announced::None, false, PacketSize::DEFAULT);
            exchange.request_sent();
            let mut rest = black_box(&bytes[..]);
            while let Ok(Some(frame)) = frame::split(Direction::Response, rest, MAX_PAYLOAD) {
                let packet = ResponsePacket::decode(frame.payload).expect("is valid");
                let _ = black_box(exchange.feed(&packet));
                rest = frame.rest;
            }
            exchange.reuse()
        });
    });
}

criterion_group!(benches, request_head, whole_response);
criterion_main!(benches);
