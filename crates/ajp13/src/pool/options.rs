//! How a pool behaves.

use std::net::IpAddr;
use std::time::Duration;

use crate::wire::PacketSize;

/// How a [`Pool`](super::Pool) opens, keeps, checks and limits its connections.
///
/// The defaults are safe for an unknown container: bounded waits, a CPing after connecting and
/// before a connection is used again that was idle for a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// The most connections open at a time, idle ones included; `None` is no limit, and costs
    /// nothing. Default: no limit.
    pub max: Option<usize>,
    /// How many idle connections [`maintain`](super::Pool::maintain) keeps although they are
    /// past `idle_timeout`. Default: 0.
    pub min: usize,
    /// How long a connection may be idle before it is closed; `None` is for ever. Should be
    /// less than the container's `keepAliveTimeout`. Default: 60 s.
    pub idle_timeout: Option<Duration>,
    /// How long a checkout waits while `max` connections are in use. Default: 2 s.
    pub acquire_timeout: Duration,
    /// How long connecting may take, name resolution included; `None` leaves it to the
    /// operating system. Default: 2 s.
    pub connect_timeout: Option<Duration>,
    /// When connections are checked by CPing.
    pub ping: PingPolicy,
    /// Options of TCP sockets.
    pub tcp: TcpOptions,
    /// The packet size, which must be the container's (`packetSize`). Default: 8192.
    pub packet_size: PacketSize,
    /// Over how many lanes idle connections are spread, at least 1. Give one to each runtime
    /// thread and threads do not contend for connections. Default: 1.
    pub lanes: usize,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max: None,
            min: 0,
            idle_timeout: Some(Duration::from_secs(60)),
            acquire_timeout: Duration::from_secs(2),
            connect_timeout: Some(Duration::from_secs(2)),
            ping: PingPolicy::default(),
            tcp: TcpOptions::default(),
            packet_size: PacketSize::default(),
            lanes: 1,
        }
    }
}

/// On which occasions a connection is checked by CPing, and how long the CPong may take on each.
///
/// A container that is merely busy answers late: one may wait longer for it where nobody waits
/// for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingPolicy {
    /// Once after connecting, with the longest wait for the CPong; `None` is never. A port that
    /// accepts and stays silent is found only so. Default: 1 s.
    pub connect: Option<Duration>,
    /// Before a request, on a connection that was idle for at least [`IdlePing::idle`], where
    /// zero is before every request on a connection used before; `None` is never.
    /// Default: idle for 1 s, CPong within 1 s.
    pub before_request: Option<IdlePing>,
    /// While idle, [`IdlePing::idle`] after the connection was last used or checked; done by
    /// [`maintain`](super::Pool::maintain). Default: never.
    pub interval: Option<IdlePing>,
}

/// A CPing over a connection that has been idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlePing {
    /// Only after at least this long without use.
    pub idle: Duration,
    /// How long the CPong may take.
    pub timeout: Duration,
}

impl PingPolicy {
    /// Never sends a CPing.
    pub const NEVER: Self = Self {
        connect: None,
        before_request: None,
        interval: None,
    };
}

impl Default for PingPolicy {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(1)),
            before_request: Some(IdlePing {
                idle: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
            }),
            interval: None,
        }
    }
}

/// Options of TCP sockets; `TCP_NODELAY` is always on, for AJP13 writes whole packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Turns on keep-alive probes (`SO_KEEPALIVE`). Default: off.
    pub keepalive: bool,
    /// Idle time before the first probe; `None` leaves the system's. Only with `keepalive`.
    pub keepalive_time: Option<Duration>,
    /// Size of the kernel's send buffer in bytes; `None` leaves the system's.
    pub send_buffer: Option<u32>,
    /// Size of the kernel's receive buffer in bytes; `None` leaves the system's.
    pub receive_buffer: Option<u32>,
    /// The local address to connect from; addresses of the other family are then not tried.
    pub source: Option<IpAddr>,
    /// Tries IPv6 addresses of a name before IPv4 ones rather than in the resolver's order.
    pub prefer_ipv6: bool,
}
