//! AJP13, the protocol that web servers speak to Tomcat.
//!
//! A web server takes a request from a browser, packs it into AJP13 and sends it to a container,
//! which is Tomcat, or a Rust application that uses this crate. One connection carries one
//! request at a time and is used again for the next.
//!
//! # Features
//!
//! | feature | gives | built on |
//! |---|---|---|
//! | none | [`wire`] and [`exchange`]: the protocol without sockets; [`facts`] | `bytes`, `nom` |
//! | `client` (default) | `Client` and `Pool`: the web server's side | `tokio`, `http` |
//! | `server` | `server`: the container's side | `tokio`, `http` |
//! | `tower` | `tower_service::Service` for `Client` | `client` |
//!
//! Both sides stream bodies in both directions at once and hold no body in memory. Neither
//! retries anything, and neither starts tasks but the ones that accept connections in
//! `server::Server`.
//!
//! # The protocol without sockets
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

#[cfg(feature = "client")]
mod body;
#[cfg(feature = "client")]
mod client;
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
pub use error::{BoxError, Error, ErrorKind};
pub use exchange::{Announced, Stage};
#[cfg(feature = "client")]
pub use pool::{
    Address, ClosedStats, DEFAULT_PORT, InvalidAddress, PingPolicy, Pool, PoolOptions, PoolStats,
    PooledConn, SendError, SendOptions, TcpOptions,
};
#[cfg(feature = "client")]
pub use stream::Stream;
