//! A blocking AJP client made of the codec alone, which shows each packet.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use ajp13::wire::{
    Attribute, CPING, Data, ForwardRequestWriter, Method, PacketSize, RequestLine, ResponsePacket,
    frame,
};
use bytes::BytesMut;
use jkd_tests::LONG;

use crate::lab::{self, Connector};

/// A packet from the container, with what it holds made our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Headers {
        status: u16,
        reason: Vec<u8>,
        headers: Vec<(String, Vec<u8>)>,
    },
    Chunk(Vec<u8>),
    Wanted(u16),
    End {
        reuse: bool,
    },
    CPong,
}

/// One connection.
pub struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
    size: PacketSize,
}

/// A forward request; what a test does not set is what a browser behind a web server would send.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub protocol: String,
    pub uri: String,
    pub remote_addr: Option<String>,
    pub remote_host: Option<String>,
    pub server_name: String,
    pub server_port: u16,
    pub is_ssl: bool,
    pub headers: Vec<(String, Vec<u8>)>,
    pub attributes: Vec<Named>,
}

/// An attribute with its value.
#[derive(Clone, Debug)]
pub enum Named {
    AuthType(&'static str),
    Other(&'static str, &'static str),
    Query(String),
    RemoteUser(&'static str),
    Secret(&'static str),
    SslCert(String),
    SslCipher(&'static str),
    SslKeySize(u16),
    SslSession(&'static str),
}

/// What a whole exchange gave.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub reuse: bool,
    /// Sizes of the chunks; 0 is a flush.
    pub chunks: Vec<usize>,
    /// What each GET_BODY_CHUNK asked for.
    pub wanted: Vec<u16>,
}

impl Request {
    /// A GET of `/lab/…` with a `Host` header.
    pub fn get(what: &str) -> Self {
        let (path, query) = what
            .split_once('?')
            .map_or((what, None), |(p, q)| (p, Some(q)));
        Self {
            method: "GET".into(),
            protocol: "HTTP/1.1".into(),
            uri: format!("/lab{path}"),
            remote_addr: Some("192.0.2.7".into()),
            remote_host: None,
            server_name: "front.example".into(),
            server_port: 80,
            is_ssl: false,
            headers: vec![("Host".into(), b"front.example".to_vec())],
            attributes: query.map(|q| Named::Query(q.into())).into_iter().collect(),
        }
    }

    /// A POST of this many announced bytes.
    pub fn post(what: &str, length: usize) -> Self {
        Self::get(what)
            .method("POST")
            .header("Content-Length", &length.to_string())
    }

    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        self.raw_header(name, value.as_bytes())
    }

    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.into(), value.to_vec()));
        self
    }

    pub fn without_headers(mut self) -> Self {
        self.headers.clear();
        self
    }

    pub fn with(mut self, attribute: Named) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Its packet; an error where it does not fit.
    pub fn encode(&self, size: PacketSize) -> Result<BytesMut, ajp13::wire::TooLarge> {
        let mut packet = BytesMut::new();
        let line = RequestLine {
            method: Method::from_name(self.method.as_bytes()),
            protocol: Some(self.protocol.as_bytes()),
            uri: Some(self.uri.as_bytes()),
            remote_addr: self.remote_addr.as_deref().map(str::as_bytes),
            remote_host: self.remote_host.as_deref().map(str::as_bytes),
            server_name: Some(self.server_name.as_bytes()),
            server_port: self.server_port,
            is_ssl: self.is_ssl,
        };
        let mut writer = ForwardRequestWriter::begin(&mut packet, size, &line);
        for (name, value) in &self.headers {
            writer.header(name.as_bytes(), value);
        }
        for attribute in &self.attributes {
            writer.attribute(&attribute.as_attribute());
        }
        writer.finish()?;
        Ok(packet)
    }
}

impl Named {
    fn as_attribute(&self) -> Attribute<'_> {
        match self {
            Self::AuthType(text) => Attribute::AuthType(text.as_bytes()),
            Self::Other(name, value) => Attribute::RequestAttribute {
                name: name.as_bytes(),
                value: value.as_bytes(),
            },
            Self::Query(text) => Attribute::QueryString(text.as_bytes()),
            Self::RemoteUser(text) => Attribute::RemoteUser(text.as_bytes()),
            Self::Secret(text) => Attribute::Secret(text.as_bytes()),
            Self::SslCert(text) => Attribute::SslCert(text.as_bytes()),
            Self::SslCipher(text) => Attribute::SslCipher(text.as_bytes()),
            Self::SslKeySize(bits) => Attribute::SslKeySize(*bits),
            Self::SslSession(text) => Attribute::SslSession(text.as_bytes()),
        }
    }
}

impl Answer {
    pub fn text(&self) -> String {
        self.body.iter().map(|&byte| char::from(byte)).collect()
    }

    /// The value of a line `name=value` of the snoop page.
    pub fn snooped(&self, name: &str) -> String {
        let text = self.text();
        let prefix = format!("{name}=");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("no {name} in:\n{text}"))
            .to_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

impl Peer {
    pub fn connect(connector: Connector) -> Self {
        let size = match connector {
            Connector::Middle => PacketSize::new(16_000).expect("a size"),
            Connector::Large => PacketSize::MAX,
            _ => PacketSize::DEFAULT,
        };
        Self::at(lab::address(connector), size)
    }

    pub fn at(address: SocketAddr, size: PacketSize) -> Self {
        let stream = TcpStream::connect(address).expect("the connector listens");
        stream.set_read_timeout(Some(LONG)).expect("a timeout");
        Self {
            stream,
            buffer: Vec::new(),
            size,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .expect("the connection takes bytes");
    }

    pub fn request(&mut self, request: &Request) {
        let packet = request.encode(self.size).expect("the request fits");
        self.send(&packet);
    }

    pub fn data(&mut self, bytes: &[u8]) {
        let mut packet = BytesMut::new();
        let data = if bytes.is_empty() {
            Data::End
        } else {
            Data::Bytes(bytes)
        };
        data.encode(&mut packet, self.size).expect("the data fit");
        self.send(&packet);
    }

    /// The next packet; `None` at the end of the stream.
    pub fn next(&mut self) -> Option<Packet> {
        loop {
            let direction = frame::Direction::Response;
            let split = frame::split(direction, &self.buffer, frame::MAX_PAYLOAD).expect("a frame");
            if let Some(found) = split {
                let packet = Packet::from(ResponsePacket::decode(found.payload).expect("a packet"));
                let length = found.packet_len();
                self.buffer.drain(..length);
                return Some(packet);
            }
            let mut bytes = [0; 65_536];
            match self.stream.read(&mut bytes) {
                Ok(0) => {
                    assert!(self.buffer.is_empty(), "the stream ends inside a packet");
                    return None;
                }
                Ok(n) => self.buffer.extend_from_slice(&bytes[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no packet within {LONG:?}: {error}"),
            }
        }
    }

    /// Asserts that nothing more is there for a moment: for rules that say "does not ask".
    pub fn expect_silence(&mut self) {
        self.stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a timeout");
        let mut byte = [0; 1];
        let read = self.stream.read(&mut byte);
        self.stream.set_read_timeout(Some(LONG)).expect("a timeout");
        assert!(
            self.buffer.is_empty() && read.is_err(),
            "unexpected bytes or end: {read:?}"
        );
    }

    /// A whole exchange: the first data packet unasked where a length is announced, further ones
    /// when asked, of at most `step` bytes each.
    pub fn exchange_in_steps(&mut self, request: &Request, body: &[u8], step: usize) -> Answer {
        self.request(request);
        let mut parts: VecDeque<&[u8]> = body.chunks(step.max(1)).collect();
        let announced = request
            .headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("content-length") && value != b"0");
        if announced {
            self.data(parts.pop_front().unwrap_or_default());
        }
        self.answer(&mut parts)
    }

    pub fn exchange(&mut self, request: &Request, body: &[u8]) -> Answer {
        let step = self.size.max_data();
        self.exchange_in_steps(request, body, step)
    }

    fn answer(&mut self, parts: &mut VecDeque<&[u8]>) -> Answer {
        let mut answer = Answer {
            status: 0,
            headers: Vec::new(),
            body: Vec::new(),
            reuse: false,
            chunks: Vec::new(),
            wanted: Vec::new(),
        };
        loop {
            match self.next().expect("the answer is complete") {
                Packet::Headers {
                    status, headers, ..
                } => {
                    assert_eq!(answer.status, 0, "headers come once");
                    answer.status = status;
                    answer.headers = headers;
                }
                Packet::Chunk(bytes) => {
                    answer.chunks.push(bytes.len());
                    answer.body.extend(bytes);
                }
                Packet::Wanted(wanted) => {
                    answer.wanted.push(wanted);
                    self.data(parts.pop_front().unwrap_or_default());
                }
                Packet::End { reuse } => {
                    answer.reuse = reuse;
                    return answer;
                }
                Packet::CPong => panic!("nobody has sent a CPing"),
            }
        }
    }

    /// Asserts that the connection is in step: a CPing gets its CPong and nothing else comes.
    pub fn expect_cpong(&mut self) {
        self.send(&CPING);
        assert_eq!(self.next(), Some(Packet::CPong));
    }
}

impl From<ResponsePacket<'_>> for Packet {
    fn from(packet: ResponsePacket<'_>) -> Self {
        match packet {
            ResponsePacket::SendHeaders(head) => Self::Headers {
                status: head.status,
                reason: head.reason.unwrap_or_default().to_vec(),
                headers: head
                    .headers
                    .iter()
                    .map(|h| {
                        (
                            String::from_utf8_lossy(h.name).into_owned(),
                            h.value.to_vec(),
                        )
                    })
                    .collect(),
            },
            ResponsePacket::SendBodyChunk(chunk) => Self::Chunk(chunk.data.to_vec()),
            ResponsePacket::GetBodyChunk(ask) => Self::Wanted(ask.wanted),
            ResponsePacket::EndResponse(end) => Self::End { reuse: end.reuse },
            ResponsePacket::CPong => Self::CPong,
            other => panic!("unknown packet {other:?}"),
        }
    }
}

/// One request on a connection of its own.
pub fn once(connector: Connector, request: &Request) -> Answer {
    Peer::connect(connector).exchange(request, b"")
}

/// Bytes that no cut or repetition leaves unnoticed.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| u8::try_from(i % 251).expect("small"))
        .collect()
}
