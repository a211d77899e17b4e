//! A server under test, an application for it, and a client that knows packets and no more.

use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ajp13::facts::Secret;
use ajp13::server::{RequestBody, Server, ServerOptions};
use ajp13::wire::frame::{self, Direction, HEADER, MAX_PAYLOAD};
use ajp13::wire::{
    Attribute, CPING, Data, ForwardRequestWriter, Method, PacketSize, RequestLine, ResponsePacket,
};
use bytes::{Buf, Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Either, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here may take on the slowest machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running server; it stops when dropped.
pub(crate) struct Harness {
    pub(crate) addr: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

impl Harness {
    pub(crate) async fn start(options: ServerOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { _ = stopped.await };
        let task = tokio::spawn(Server::new(listener, options).run(application, stopped));
        Self {
            addr,
            stop: Some(stop),
            task,
        }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(ServerOptions::default()).await
    }

    pub(crate) async fn with_secret(secret: &str) -> Self {
        let secret = Some(Secret::new(secret));
        Self::start(ServerOptions {
            secret,
            ..ServerOptions::default()
        })
        .await
    }

    pub(crate) async fn connect(&self) -> Peer {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer {
            stream,
            input: BytesMut::new(),
        }
    }
}

type Answer = Response<Either<RequestBody, Either<Full<Bytes>, Script>>>;

/// What the tests ask of a service, by path.
pub(crate) async fn application(request: Request<RequestBody>) -> Answer {
    let uri = request.uri().clone();
    let number = || {
        uri.query()
            .and_then(|query| query.parse().ok())
            .unwrap_or(0)
    };
    match uri.path() {
        "/count" => count(request.into_body()).await,
        "/mirror" => Response::new(Either::Left(request.into_body())),
        "/status" => with_status(number()),
        "/ignore" => full("ignored"),
        "/one-frame" => {
            let frame = request.into_body().frame().await;
            let data = frame.and_then(|frame| frame.ok()?.into_data().ok());
            full(data.unwrap_or_default().len().to_string())
        }
        "/large" => full(vec![b'L'; number().min(50_000_000)]),
        "/flush" => scripted(&[Ok("a"), Ok(""), Ok("b")]),
        "/flush-first" => scripted(&[Ok(""), Ok("a")]),
        "/fail" => scripted(&[Ok("partial"), Err("torn")]),
        "/short" => announced("10", &[Ok("four")]),
        "/long" => announced("3", &[Ok("four")]),
        "/huge-header" => {
            let mut response = full("never sent");
            response
                .headers_mut()
                .insert("x-huge", "h".repeat(9000).parse().unwrap());
            response
        }
        "/hang" => pending().await,
        _ => full(describe(&request)),
    }
}

async fn count(body: RequestBody) -> Answer {
    match body.collect().await {
        Ok(body) => full(body.to_bytes().len().to_string()),
        Err(error) => {
            let mut response = full(format!("{error:?}"));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

fn with_status(status: usize) -> Answer {
    let mut response = full("body");
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::NOT_FOUND);
    response
}

pub(crate) fn full(body: impl Into<Bytes>) -> Answer {
    Response::new(Either::Right(Either::Left(Full::new(body.into()))))
}

fn scripted(frames: &[Result<&'static str, &'static str>]) -> Answer {
    Response::new(Either::Right(Either::Right(Script(frames.to_vec()))))
}

fn announced(length: &str, frames: &[Result<&'static str, &'static str>]) -> Answer {
    let mut response = scripted(frames);
    response
        .headers_mut()
        .insert("content-length", length.parse().unwrap());
    response
}

fn describe(request: &Request<RequestBody>) -> String {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_bytes().escape_ascii()))
        .collect();
    format!(
        "{} {} {}",
        request.method(),
        request.uri(),
        headers.join(",")
    )
}

/// A body that yields these frames, one by one.
pub(crate) struct Script(Vec<Result<&'static str, &'static str>>);

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let frame = self.0.remove(0);
        Poll::Ready(Some(
            frame.map(|data| Frame::data(Bytes::from_static(data.as_bytes()))),
        ))
    }
}

/// A client that knows packets and no more.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    input: BytesMut,
}

/// All that came back for one request.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) asks: usize,
    pub(crate) flushes: usize,
    pub(crate) reuse: bool,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Peer {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The payload of the next packet; `None` at the end of the stream, however it ends.
    pub(crate) async fn packet(&mut self) -> Option<Bytes> {
        loop {
            let split = frame::split(Direction::Response, &self.input, MAX_PAYLOAD).unwrap();
            if let Some(length) = split.map(|frame| frame.packet_len()) {
                let mut packet = self.input.split_to(length).freeze();
                packet.advance(HEADER);
                return Some(packet);
            }
            let read = self.stream.read_buf(&mut self.input);
            match timeout(DEADLINE, read).await.expect("a packet or the end") {
                Ok(0) | Err(_) => {
                    assert!(self.input.is_empty(), "cut inside a packet");
                    return None;
                }
                Ok(_) => {}
            }
        }
    }

    /// Reads one response; answers what it asks for from `body`, then with the end of the body.
    /// `None` when the connection ended before the response did.
    pub(crate) async fn reply_to(&mut self, body: &[&[u8]]) -> Option<Reply> {
        let mut reply = Reply::default();
        let mut body = body.iter();
        loop {
            let packet = self.packet().await?;
            match ResponsePacket::decode(&packet).unwrap() {
                ResponsePacket::SendHeaders(head) => {
                    assert_eq!(reply.status, 0, "headers twice");
                    reply.status = head.status;
                    reply.reason = text(head.reason.unwrap());
                    let headers = head.headers.iter();
                    reply.headers = headers.map(|h| (text(h.name), text(h.value))).collect();
                }
                ResponsePacket::SendBodyChunk(chunk) => {
                    assert_ne!(reply.status, 0, "data before headers");
                    assert_eq!(
                        packet.len(),
                        chunk.data.len() + 4,
                        "the terminator is missing"
                    );
                    reply.body.extend_from_slice(chunk.data);
                    reply.flushes += usize::from(chunk.data.is_empty());
                }
                ResponsePacket::GetBodyChunk(ask) => {
                    assert!(ask.wanted >= 8186);
                    reply.asks += 1;
                    self.send(data(body.next().copied().unwrap_or_default()))
                        .await;
                }
                ResponsePacket::EndResponse(end) => {
                    reply.reuse = end.reuse;
                    return Some(reply);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn reply(&mut self) -> Reply {
        self.reply_to(&[]).await.expect("a whole response")
    }

    pub(crate) async fn exchange(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.send(request).await;
        self.reply().await
    }

    /// Asserts that the connection is alive and in step.
    pub(crate) async fn ping(&mut self) {
        self.send(CPING).await;
        assert_eq!(self.packet().await.as_deref(), Some(&[9][..]));
    }

    /// Asserts that nothing but the end of the stream is to come.
    pub(crate) async fn closed(&mut self) {
        assert_eq!(self.packet().await, None);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A GET without content-length, as mod_proxy_ajp sends it.
pub(crate) fn get(target: &str) -> BytesMut {
    request("GET", target, &[], &[])
}

/// A POST with this content-length, if any.
pub(crate) fn post(target: &str, length: Option<&str>) -> BytesMut {
    let headers: Vec<_> = length
        .map(|length| ("Content-Length", length))
        .into_iter()
        .collect();
    request("POST", target, &headers, &[])
}

pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    attributes: &[Attribute<'_>],
) -> BytesMut {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(p, q)| (p, Some(q)));
    let line = RequestLine {
        method: Method::from_name(method.as_bytes()),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(path.as_bytes()),
        remote_addr: Some(b"192.0.2.7"),
        remote_host: None,
        server_name: Some(b"test"),
        server_port: 80,
        is_ssl: false,
    };
    let mut packet = BytesMut::new();
    let mut writer = ForwardRequestWriter::begin(&mut packet, PacketSize::MAX, &line);
    for (name, value) in headers {
        writer.header(name.as_bytes(), value.as_bytes());
    }
    if let Some(query) = query {
        writer.attribute(&Attribute::QueryString(query.as_bytes()));
    }
    for attribute in attributes {
        writer.attribute(attribute);
    }
    writer.finish().unwrap();
    packet
}

/// A packet of request body; the end of it when there are no bytes.
pub(crate) fn data(bytes: &[u8]) -> BytesMut {
    let mut packet = BytesMut::new();
    let data = if bytes.is_empty() {
        Data::End
    } else {
        Data::Bytes(bytes)
    };
    data.encode(&mut packet, PacketSize::MAX).unwrap();
    packet
}

/// Bytes that are not all the same.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
