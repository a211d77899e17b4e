//! A container that does exactly what a test tells it, byte by byte; it shares no code with the
//! library.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ajp13::wire::{ForwardRequestWriter, Method, PacketSize, RequestLine, TooLarge};
use ajp13::{Announced, BoxError, Pool, PoolOptions, SendOptions};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Nothing here takes nearly so long unless something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const CPONG: &[u8] = b"AB\x00\x01\x09";
pub(crate) const END: &[u8] = b"AB\x00\x02\x05\x01";
pub(crate) const END_AND_CLOSE: &[u8] = b"AB\x00\x02\x05\x00";
pub(crate) const FLUSH: &[u8] = b"AB\x00\x04\x03\x00\x00\x00";
pub(crate) const ASK: &[u8] = b"AB\x00\x03\x06\x1f\xfa";

/// A listening socket.
pub(crate) struct Backend {
    listener: TcpListener,
}

/// One accepted connection.
pub(crate) struct Peer<IO = TcpStream> {
    pub(crate) io: IO,
}

impl Backend {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    /// Two that have the same port at different addresses.
    pub(crate) async fn bind_two() -> [Self; 2] {
        loop {
            let first = Self::bind().await;
            let second = TcpListener::bind(("127.0.0.2", first.address().port())).await;
            if let Ok(listener) = second {
                return [first, Self { listener }];
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) fn pool(&self, options: PoolOptions) -> Pool {
        Pool::new(self.address(), options)
    }

    pub(crate) async fn accept(&self) -> Peer {
        within(self.accept_any()).await
    }

    /// Accepts however long it takes.
    pub(crate) async fn accept_any(&self) -> Peer {
        let (io, _) = self.listener.accept().await.unwrap();
        io.set_nodelay(true).unwrap();
        Peer { io }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Peer<IO> {
    /// The payload of the next packet.
    pub(crate) async fn packet(&mut self) -> Vec<u8> {
        let mut header = [0; 4];
        within(self.io.read_exact(&mut header)).await.unwrap();
        assert_eq!(header[..2], [0x12, 0x34]);
        let mut payload = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]]))];
        within(self.io.read_exact(&mut payload)).await.unwrap();
        payload
    }

    /// The payload of the next packet, or `None` when the client closes, however long it takes.
    pub(crate) async fn packet_or_end(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.io.read_exact(&mut header).await.ok()?;
        let mut payload = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]]))];
        self.io.read_exact(&mut payload).await.ok()?;
        Some(payload)
    }

    /// Reads a request head.
    pub(crate) async fn request(&mut self) -> Vec<u8> {
        let payload = self.packet().await;
        assert_eq!(payload[0], 2, "FORWARD_REQUEST expected");
        payload
    }

    /// Reads a DATA packet; empty at the end of the body.
    pub(crate) async fn data(&mut self) -> Vec<u8> {
        let payload = self.packet().await;
        if payload.is_empty() {
            return payload;
        }
        let inner = usize::from(u16::from_be_bytes([payload[0], payload[1]]));
        assert_eq!(inner, payload.len() - 2);
        payload[2..].to_vec()
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within(self.io.write_all(bytes)).await.unwrap();
    }

    /// Waits until the client closes and asserts that it sent nothing more.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        match within(self.io.read_to_end(&mut rest)).await {
            Ok(_) => assert_eq!(rest, b"", "bytes before the connection was closed"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }

    /// Answers one request without body.
    pub(crate) async fn answer(&mut self, body: &[u8]) {
        self.request().await;
        self.send(&whole(body)).await;
    }
}

/// A whole answer in one piece.
pub(crate) fn whole(body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    [
        &head(200, &[("Content-Length", &length)]),
        &chunk(body),
        END,
    ]
    .concat()
}

pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut payload = vec![4];
    payload.extend(status.to_be_bytes());
    string(&mut payload, &status.to_string());
    payload.extend(u16::try_from(headers.len()).unwrap().to_be_bytes());
    for (name, value) in headers {
        string(&mut payload, name);
        string(&mut payload, value);
    }
    framed(&payload)
}

pub(crate) fn chunk(body: &[u8]) -> Vec<u8> {
    let mut payload = vec![3];
    payload.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    payload.extend(body);
    payload.push(0);
    framed(&payload)
}

pub(crate) fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [b"AB", &length[..], payload].concat()
}

fn string(payload: &mut Vec<u8>, text: &str) {
    payload.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    payload.extend(text.as_bytes());
    payload.push(0);
}

/// Writes the head of a GET.
pub(crate) fn get(buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
    request(buffer, size, "GET", Some("0"))
}

/// Writes the head of a POST of this length, or of unknown length.
pub(crate) fn post(
    length: Option<usize>,
) -> impl FnOnce(&mut BytesMut, PacketSize) -> Result<(), TooLarge> {
    move |buffer, size| {
        let length = length.map(|length| length.to_string());
        request(buffer, size, "POST", length.as_deref())
    }
}

fn request(
    buffer: &mut BytesMut,
    size: PacketSize,
    method: &str,
    length: Option<&str>,
) -> Result<(), TooLarge> {
    let line = RequestLine {
        method: Method::from_name(method.as_bytes()),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(b"/"),
        remote_addr: Some(b"127.0.0.1"),
        remote_host: None,
        server_name: Some(b"localhost"),
        server_port: 80,
        is_ssl: false,
    };
    let mut writer = ForwardRequestWriter::begin(buffer, size, &line);
    writer.header(b"host", b"localhost");
    if let Some(length) = length {
        writer.header(b"content-length", length.as_bytes());
    }
    writer.finish()
}

pub(crate) fn announced(length: usize) -> SendOptions {
    SendOptions {
        announced: Announced::Length(length as u64),
        ..SendOptions::default()
    }
}

pub(crate) fn unknown() -> SendOptions {
    SendOptions {
        announced: Announced::Unknown,
        ..SendOptions::default()
    }
}

/// The bytes of a body, or its error.
pub(crate) async fn read<B: Body<Data = Bytes> + Unpin>(body: B) -> Result<Bytes, B::Error> {
    Ok(within(body.collect()).await?.to_bytes())
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("hangs")
}

/// A body that is sent piece by piece, or fails.
pub(crate) struct Pieces(mpsc::UnboundedReceiver<Result<Bytes, BoxError>>);

pub(crate) fn pieces() -> (mpsc::UnboundedSender<Result<Bytes, BoxError>>, Pieces) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Pieces(receiver))
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
