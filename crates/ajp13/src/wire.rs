//! The packets of AJP13 as bytes: decoding that borrows and encoding that appends.
//!
//! Everything here is pure. A decoder gets the payload of one whole packet (see [`frame`] for
//! cutting a stream into packets) and answers with a value that borrows from it, or with an
//! [`Error`] that says what is wrong. An encoder appends one whole packet to a `BytesMut`, and
//! leaves it as it was when the packet would grow beyond the [`PacketSize`]. [`stream`] does both
//! for the recorded bytes of a whole connection.
//!
//! | code | packet | direction | type |
//! |---|---|---|---|
//! | none | DATA | client to container | [`Data`] |
//! | 2 | FORWARD_REQUEST | client to container | [`ForwardRequest`], [`ForwardRequestWriter`] |
//! | 3 | SEND_BODY_CHUNK | container to client | [`SendBodyChunk`] |
//! | 4 | SEND_HEADERS | container to client | [`SendHeaders`], [`SendHeadersWriter`] |
//! | 5 | END_RESPONSE | container to client | [`EndResponse`] |
//! | 6 | GET_BODY_CHUNK | container to client | [`GetBodyChunk`] |
//! | 7 | SHUTDOWN | client to container | [`RequestPacket::Shutdown`] |
//! | 8 | PING | client to container | [`RequestPacket::Ping`] |
//! | 9 | CPONG | container to client | [`CPONG`] |
//! | 10 | CPING | client to container | [`CPING`] |
//!
//! ```
//! use ajp13::wire::{ForwardRequest, ForwardRequestWriter, Method, PacketSize, RequestLine, frame};
//! use bytes::BytesMut;
//!
//! let mut packet = BytesMut::new();
//! let line = RequestLine {
//!     method: Method::from_name(b"GET"),
//!     protocol: Some(b"HTTP/1.1"),
//!     uri: Some(b"/shop/cart"),
//!     remote_addr: Some(b"192.0.2.7"),
//!     remote_host: None,
//!     server_name: Some(b"shop.example"),
//!     server_port: 443,
//!     is_ssl: true,
//! };
//! let mut writer = ForwardRequestWriter::begin(&mut packet, PacketSize::DEFAULT, &line);
//! writer.header(b"Host", b"shop.example").header(b"Content-Length", b"0");
//! writer.finish()?;
//!
//! let split = frame::split(frame::Direction::Request, &packet, frame::MAX_PAYLOAD)?;
//! let request = ForwardRequest::decode(split.unwrap().payload)?;
//! assert_eq!(request.headers.get(b"host"), Some(&b"shop.example"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use attribute::{Attribute, Attributes};
pub use code::Code;
pub use control::{CPING, CPONG};
pub use data::Data;
pub use end_response::EndResponse;
pub use error::{Error, TooLarge};
pub use forward_request::{ForwardRequest, ForwardRequestWriter, RequestLine};
pub use get_body_chunk::GetBodyChunk;
pub use header::{Header, Headers, REQUEST_HEADERS, RESPONSE_HEADERS};
pub use method::Method;
pub use packet::{RequestPacket, ResponsePacket};
pub use packet_size::PacketSize;
pub use send_body_chunk::SendBodyChunk;
pub use send_headers::{SendHeaders, SendHeadersWriter};

mod attribute;
mod code;
mod control;
mod data;
mod end_response;
mod error;
mod forward_request;
pub mod frame;
mod get_body_chunk;
mod header;
mod method;
mod packet;
mod packet_size;
mod primitive;
mod send_body_chunk;
mod send_headers;
pub mod stream;
