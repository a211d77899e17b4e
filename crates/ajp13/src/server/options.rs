//! What a server may be told about the web servers in front of it.

use std::time::Duration;

use crate::facts::{Secret, Text};
use crate::wire::PacketSize;

/// Options of a [`Server`](super::Server) or of one connection.
///
/// ```
/// use ajp13::facts::Secret;
/// use ajp13::server::ServerOptions;
///
/// let options = ServerOptions { secret: Some(Secret::new("hush")), ..ServerOptions::default() };
/// ```
#[derive(Clone, Debug)]
#[allow(
    clippy::exhaustive_structs,
    reason = "meant for `..ServerOptions::default()`"
)]
pub struct ServerOptions {
    /// The secret that every request must carry; others are answered 403 and disconnected.
    /// Default: none, and what requests carry is not looked at.
    pub secret: Option<Secret>,
    /// The packet size `P`, which must be that of the web server (mod_jk's `max_packet_size`).
    /// Default: 8192 bytes.
    pub packet_size: PacketSize,
    /// Which named request attributes a request may carry. Default: all.
    pub attributes: AllowedAttributes,
    /// The most headers a request may have; with more it is answered 431. Default: 100.
    pub max_headers: usize,
    /// How long a connection may lie idle between two requests before it is closed. A web server
    /// with a shorter limit of its own never runs into it. Default: no limit.
    pub idle_timeout: Option<Duration>,
    /// How long the web server may owe bytes (the rest of a packet, a packet of the request body)
    /// or refuse ours without anything moving. Default: 5 minutes.
    pub stall_timeout: Option<Duration>,
    /// The most connections a [`Server`](super::Server) serves at a time; more wait unaccepted.
    /// Default: 8192.
    pub max_connections: usize,
    /// How long a [`Server`](super::Server) that was told to stop lets requests finish.
    /// Default: 30 seconds.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            secret: None,
            packet_size: PacketSize::DEFAULT,
            attributes: AllowedAttributes::All,
            max_headers: 100,
            idle_timeout: None,
            stall_timeout: Some(Duration::from_secs(300)),
            max_connections: 8192,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Which named request attributes may be on a request; one that is not is answered 403, as by
/// Tomcat's `allowedRequestAttributesPattern`.
///
/// The attributes that carry facts of the connection are always allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllowedAttributes {
    /// Any name: they are data, nothing in this crate acts on them.
    #[default]
    All,
    /// These names alone; none at all if empty.
    Only(Vec<Text>),
}

impl AllowedAttributes {
    pub(super) fn allows(&self, name: &Text) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}
