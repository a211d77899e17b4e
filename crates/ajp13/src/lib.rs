//! AJP13, the protocol that web servers speak to Tomcat.
#![deny(missing_docs)]

#[cfg(feature = "client")]
mod body;
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
