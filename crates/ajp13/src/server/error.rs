//! Why a connection ended other than by the web server closing it between two requests.

use std::error::Error as StdError;
use std::io;

use crate::wire;

use super::request_body::BodyError;

/// Why a connection had to be closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// A packet broke the rules of AJP13.
    #[error("malformed packet from the web server")]
    Malformed(#[from] wire::Error),
    /// A well-formed packet that has no place here, such as `SHUTDOWN`; the number is its type.
    #[error("unexpected packet of type {0} from the web server")]
    UnexpectedPacket(u8),
    /// The web server closed the connection inside a packet or a request.
    #[error("the web server closed the connection inside a request")]
    Disconnected,
    /// The web server owed bytes, or would not take ours, for longer than
    /// [`stall_timeout`](super::ServerOptions::stall_timeout).
    #[error("the web server stalled inside a request")]
    Stalled,
    /// The web server broke the rules of a request body.
    #[error("the request body broke off")]
    RequestBody(#[from] BodyError),
    /// The body of the service's response failed after its head had been sent.
    #[error("the response body failed")]
    ResponseBody(#[source] Box<dyn StdError + Send + Sync>),
    /// The service's response was not as long as its `Content-Length` said.
    #[error("the response announced {announced} bytes and had {sent}")]
    ResponseLength {
        /// The value of `Content-Length`.
        announced: u64,
        /// The bytes that the body yielded, as far as they were taken.
        sent: u64,
    },
}
