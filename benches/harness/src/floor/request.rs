//! A request's head, from HTTP to AJP13.

use std::io;

use ajp13::wire::{Attribute, ForwardRequestWriter, Method, RequestLine};
use bytes::BytesMut;

use super::pool::Pool;
use crate::input::invalid;

/// Headers of a request at most.
const MOST_HEADERS: usize = 100;

/// What is to be remembered of a request.
#[derive(Debug)]
pub(super) struct Request {
    /// The packet.
    pub(super) packet: BytesMut,
    pub(super) node: usize,
    /// Bytes of body.
    pub(super) body: u64,
    /// Whether the connection ends with the answer.
    pub(super) closes: bool,
    pub(super) is_head: bool,
}

/// The first request in these bytes, and how long its head is.
pub(super) fn parse(bytes: &[u8], pool: &Pool) -> io::Result<(usize, Option<Request>)> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let used = match head.parse(bytes).map_err(invalid)? {
        httparse::Status::Complete(used) => used,
        httparse::Status::Partial => return Ok((0, None)),
    };
    let seen = Seen::of(&head)?;
    let packet = encode(&head, &seen, pool)?;
    let request = Request {
        packet,
        node: pool.choose(seen.route),
        body: seen.body,
        closes: seen.closes,
        is_head: head.method == Some("HEAD"),
    };
    Ok((used, Some(request)))
}

/// What a front end has to look at.
struct Seen<'a> {
    host: &'a [u8],
    route: Option<&'a [u8]>,
    body: u64,
    closes: bool,
}

impl<'a> Seen<'a> {
    fn of(head: &httparse::Request<'_, 'a>) -> io::Result<Self> {
        let mut seen = Self {
            host: b"",
            route: None,
            body: 0,
            closes: head.version == Some(0),
        };
        for &httparse::Header { name, value } in &*head.headers {
            match name.len() {
                4 if name.eq_ignore_ascii_case("host") => {
                    seen.host = value.split(|&byte| byte == b':').next().unwrap_or(value);
                }
                6 if name.eq_ignore_ascii_case("cookie") => seen.route = route(value),
                10 if name.eq_ignore_ascii_case("connection") => {
                    seen.closes |= value.eq_ignore_ascii_case(b"close");
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    let digits = std::str::from_utf8(value).map_err(invalid)?;
                    seen.body = digits.parse().map_err(invalid)?;
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    return Err(invalid("a body in chunks"));
                }
                _ => {}
            }
        }
        Ok(seen)
    }
}

/// The route of the session in a Cookie header.
fn route(cookie: &[u8]) -> Option<&[u8]> {
    let name = b"JSESSIONID=";
    let id = &cookie[memchr::memmem::find(cookie, name)? + name.len()..];
    let id = &id[..memchr::memchr(b';', id).unwrap_or(id.len())];
    let dot = memchr::memchr(b'.', id)?;
    Some(&id[dot + 1..])
}

fn encode(head: &httparse::Request<'_, '_>, seen: &Seen<'_>, pool: &Pool) -> io::Result<BytesMut> {
    let target = head.path.unwrap_or_default().as_bytes();
    let (path, query) = match memchr::memchr(b'?', target) {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    };
    let line = RequestLine {
        method: Method::from_name(head.method.unwrap_or_default().as_bytes()),
        protocol: Some(if head.version == Some(0) {
            b"HTTP/1.0"
        } else {
            b"HTTP/1.1"
        }),
        uri: Some(path),
        remote_addr: Some(b"127.0.0.1"),
        remote_host: None,
        server_name: Some(seen.host),
        server_port: pool.port,
        is_ssl: false,
    };
    let mut packet = BytesMut::with_capacity(1024);
    let mut writer = ForwardRequestWriter::begin(&mut packet, pool.size, &line);
    for header in &*head.headers {
        writer.header(header.name.as_bytes(), header.value);
    }
    if let Some(query) = query {
        writer.attribute(&Attribute::QueryString(query));
    }
    if let Some(route) = seen.route {
        writer.attribute(&Attribute::Route(route));
    }
    writer.finish().map_err(invalid)?;
    Ok(packet)
}
