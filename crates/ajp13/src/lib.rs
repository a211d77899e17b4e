//! AJP13, the protocol that web servers speak to Tomcat.
//!
//! A web server that has taken a request hands it to a servlet container over AJP13: the head in
//! one compact packet, the body in packets that the container asks for, and beside them what only
//! the web server knows, such as the client's address, its certificate, the authenticated user.
//! This crate is all of it: packets, a pooling client for those who stand in front of a
//! container, a server for those who stand behind a web server.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use ajp13::Client;
//! use ajp13::facts::ConnectionInfo;
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Empty};
//!
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?.to_string();
//! # let hello = |request: http::Request<ajp13::server::RequestBody>| async move {
//! #     let from = request.extensions().get::<ConnectionInfo>().and_then(ConnectionInfo::remote_ip);
//! #     http::Response::new(format!("hello {}", from.unwrap()))
//! # };
//! # let server = ajp13::server::Server::new(listener, ajp13::server::ServerOptions::default());
//! # tokio::spawn(server.run(hello, std::future::pending()));
//! // The connector of a Tomcat: `<Connector protocol="AJP/1.3" secret="s3cret" …/>`
//! let client = Client::builder(address.parse()?).secret("s3cret").build();
//!
//! let mut request = http::Request::get("http://shop.example/hello").body(Empty::<Bytes>::new())?;
//! request.extensions_mut().insert(ConnectionInfo {
//!     remote_addr: Some("192.0.2.7".into()),
//!     ..ConnectionInfo::default()
//! });
//! let response = client.send(request).await?;
//! assert_eq!(response.status(), 200);
//! let body = response.into_body().collect().await?.to_bytes();
//! assert_eq!(body, "hello 192.0.2.7");
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "client", feature = "server")))]
//! # fn main() {}
//! ```
//!
//! # Where to begin
//!
//! | you want | use |
//! |---|---|
//! | to send requests to a container | [`Client`] |
//! | to be a proxy: own packets, retries, many containers | [`Pool`], [`PooledConn::send`] |
//! | to bring your own stream | [`Conn`] |
//! | to be the container | [`server`] |
//! | to ask whether one is there | [`Client::ping`] |
//! | packets without sockets | [`wire`], [`exchange`] |
//!
//! Complete programs are in the crate's `examples` directory.
//!
//! # Features
//!
//! | feature | gives | built on |
//! |---|---|---|
//! | none | [`wire`] and [`exchange`]: the protocol without sockets; [`facts`] | `bytes`, `nom` |
//! | `client` (default) | [`Client`], [`Pool`], [`Conn`]: the web server's side | `tokio`, `http` |
//! | `server` | [`server`]: the container's side | `tokio`, `http` |
//! | `tower` | [`Client`] as a `tower_service::Service` | `client` |
//!
//! Both sides stream bodies in both directions at once and hold no body in memory. Neither
//! retries anything, and neither starts tasks but the ones that accept connections in
//! [`server::Server`].
//!
//! # What AJP13 cannot do
//!
//! * TLS. The connection is for a trusted network; a secret is sent in clear with each request.
//! * Interim responses, trailers, upgrades, CONNECT. There is one head each way.
//! * Several requests at a time on a connection. The pool opens as many as are needed.
//! * A request head beyond the packet size, 8192 bytes unless both sides are configured to more.
//! * Telling an aborted upload from a complete one, but for closing the connection; so that is
//!   what happens when a request's body fails.
//!
//! # Errors and retries
//!
//! The client sends nothing twice by itself. An [`Error`] tells how far the exchange had got
//! ([`Error::stage`]), and whether the connection had simply been closed while it was idle
//! ([`Error::is_stale`]). The body of a response fails with an [`Error`] when the response
//! breaks off; only a body that ends without one is whole.
//!
//! # Cancel safety
//!
//! Every future and body may be dropped at any time. An exchange that is dropped half-way closes
//! its connection, which is how the container learns of it; the slot in the pool is free at
//! once. A dropped [`Pool::checkout`] gives up its place in the queue.
//!
//! # Stability
//!
//! The texts of errors and hints may change at any time. Enums that may grow are marked so.
//! The types of the crates `bytes`, `http`, `http-body` and `tokio` are part of the interface.
//!
//! # The protocol without sockets
//!
//! Two modules know the protocol and nothing else: they neither read, wait nor look at a clock,
//! and need no feature.
//!
//! * [`wire`] turns packets into values and back. [`wire::frame::split`] cuts a buffer into
//!   packets and answers *need more*, *here is one* or *this is wrong*. The decoders borrow from
//!   the packet, the encoders append to a `BytesMut`; neither allocates for a header. Malformed
//!   bytes are a [`wire::Error`], never a panic.
//! * [`exchange`] follows one request and its response: which packet may come now, which DATA
//!   packet the container waits for, how far the exchange got, and whether the connection may be
//!   used again.
//!
//! ```
//! use ajp13::exchange::{Announced, Exchange, Step};
//! use ajp13::wire::{PacketSize, ResponsePacket, frame};
//!
//! // What a container answered to a GET: headers, four bytes of body, the end.
//! let received = b"AB\x00\x08\x04\x00\xc8\xff\xff\x00\x00\x00\
//!     AB\x00\x08\x03\x00\x04body\x00AB\x00\x02\x05\x01";
//! let mut exchange = Exchange::new(Announced::None, false, PacketSize::DEFAULT);
//! exchange.request_sent();
//! let mut rest = &received[..];
//! let mut body = Vec::new();
//! while let Some(frame) = frame::split(frame::Direction::Response, rest, frame::MAX_PAYLOAD)? {
//!     rest = frame.rest;
//!     match exchange.feed(&ResponsePacket::decode(frame.payload)?)? {
//!         Step::Headers(head) => assert_eq!(head.status, 200),
//!         Step::Data(bytes) => body.extend_from_slice(bytes),
//!         _ => {}
//!     }
//! }
//! assert_eq!(body, b"body");
//! assert_eq!(exchange.reuse(), Ok(()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]
#![cfg_attr(
    not(all(feature = "client", feature = "server")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "client")]
mod body;
#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "client", feature = "server"))]
mod clock;
#[cfg(feature = "client")]
mod conn;
#[cfg(any(feature = "client", feature = "server"))]
mod convert;
#[cfg(feature = "client")]
mod error;
pub mod exchange;
pub mod facts;
#[cfg(feature = "client")]
mod pool;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
mod stream;
pub mod wire;

#[cfg(feature = "client")]
pub use body::{Body, Tally};
#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder};
#[cfg(feature = "client")]
pub use conn::{Conn, EndOfBody, Io};
#[cfg(feature = "client")]
pub use convert::outbound::HeadPacket;
#[cfg(feature = "client")]
pub use error::{BoxError, Error, ErrorKind};
pub use exchange::{Announced, Stage};
#[cfg(feature = "client")]
pub use pool::{
    Address, Addresses, ClosedStats, DEFAULT_PORT, Doubt, GivenUp, IdlePing, InvalidAddress,
    PingPolicy, Place, Pool, PoolOptions, PoolStats, PooledConn, SendError, SendOptions, Signs,
    TcpOptions,
};
#[cfg(feature = "client")]
pub use stream::Stream;
