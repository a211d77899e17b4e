//! AJP13, the protocol that web servers speak to Tomcat.
#![deny(missing_docs)]

#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "server")]
mod convert;
pub mod exchange;
pub mod facts;
pub mod wire;
