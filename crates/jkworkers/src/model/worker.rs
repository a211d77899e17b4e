//! Workers: what `workers.properties` says.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};

use super::Balancer;
use crate::diag::Origin;

/// A named worker that can be mounted.
#[derive(Clone, Debug, Serialize)]
pub struct Worker {
    /// Its name in `worker.list`.
    pub name: Arc<str>,
    /// Where it was first written.
    pub origin: Origin,
    /// What it is.
    pub kind: WorkerKind,
}

/// What a worker is (`worker.NAME.type`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum WorkerKind {
    /// `ajp13`: one Tomcat.
    Ajp13(Arc<AjpWorker>),
    /// `lb`: a group of Tomcats.
    #[serde(rename = "lb")]
    Balancer(Arc<Balancer>),
    /// `status`: the status page.
    Status(Arc<StatusWorker>),
}

/// One Tomcat: address and everything about connections to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AjpWorker {
    /// Its name; equals the route unless `route` says otherwise.
    pub name: Arc<str>,
    /// `host`: a name or an address without brackets.
    pub host: String,
    /// `port`. 0 means that the address is not known yet: contact is disabled.
    pub port: u16,
    /// `source`: the local address for outgoing connections.
    pub source: Option<String>,
    /// `prefer_ipv6`.
    pub prefer_ipv6: bool,
    /// `resolve`: what a name with several addresses is.
    pub resolve: Resolve,
    /// `secret`.
    pub secret: Option<Secret>,
    /// `max_packet_size`, bytes: a multiple of 1024 from 8192 to 65536.
    pub max_packet_size: u32,
    /// Connection pool.
    pub pool: PoolSettings,
    /// Socket options and timeouts.
    pub socket: SocketSettings,
    /// When to send CPings.
    pub ping: PingPolicy,
    /// `reply_timeout`: the longest gap between two packets of an answer. `None` waits for ever.
    pub reply_timeout: Option<Duration>,
    /// `retries` and `retry_interval` on this backend.
    pub retries: Retries,
    /// `recovery_options`. `None` where the file does not set it: the safe rule applies.
    pub recovery_options: Option<RecoveryOptions>,
    /// `fail_on_status`: a positive number puts the member in error, a negative one does not.
    pub fail_on_status: Vec<i32>,
    /// How a member in error is found to work again.
    pub probe: ProbeSettings,
    /// `busy_limit`: requests in flight at which the worker refuses more. 0 means no limit.
    pub busy_limit: u32,
    /// Where it was first written.
    pub origin: Origin,
}

/// `resolve`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolve {
    /// One Tomcat that may be reached at any of them.
    #[default]
    One,
    /// A Tomcat, and thus a member, at each of them.
    All,
}

/// A secret. Neither `Debug` nor serialisation show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes the text as the secret.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for the wire only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<redacted>")
    }
}

/// `connection_pool_*` and `connection_acquire_timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolSettings {
    /// `connection_pool_size`: connections at most. `None` means no limit.
    pub size: Option<u32>,
    /// `connection_pool_minsize`: idle pruning stops here.
    pub min_size: u32,
    /// `connection_pool_timeout`: idle connections older than this are closed. `None`: never.
    pub idle_timeout: Option<Duration>,
    /// `connection_acquire_timeout`: how long to wait for a free connection.
    pub acquire_timeout: Duration,
}

/// `socket_*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SocketSettings {
    /// `socket_connect_timeout`: for the TCP connect. `None`: the system's own.
    pub connect_timeout: Option<Duration>,
    /// `socket_timeout`: for each read and write. `None`: no limit.
    pub timeout: Option<Duration>,
    /// `socket_keepalive`.
    pub keepalive: bool,
    /// `socket_buffer`, bytes; `None`: the system's own.
    pub buffer: Option<u32>,
}

/// When CPings are sent, and how long a CPong may take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PingPolicy {
    /// After a connect (`connect_timeout`, `ping_mode` C).
    pub connect: Option<Duration>,
    /// Before a request (`prepost_timeout`, `ping_mode` P).
    pub prepost: Option<PrepostPing>,
    /// On idle connections at maintenance: (idle time, CPong timeout)
    /// (`connection_ping_interval`, `ping_mode` I).
    pub interval: Option<(Duration, Duration)>,
    /// `ping_timeout`: mod_jk's, for the CPings that have no timeout of their own. It is shown only.
    #[serde(skip)]
    pub timeout: Duration,
    /// Whether there is a CPing after a connect only because there is one before each request.
    #[serde(skip)]
    pub connect_by_prepost: bool,
}

/// A CPing before a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PrepostPing {
    /// How long the CPong may take.
    pub timeout: Duration,
    /// Only connections that were idle for at least this long are asked. Zero: each one.
    pub min_idle: Duration,
}

/// `probe_*`: how a member in error is found to work again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeSettings {
    /// `probe_interval`. `None`: a client's request is the probe.
    pub interval: Option<Duration>,
    /// `probe_uri`: what to get after the CPing. Begins with `/`, printable ASCII without blanks.
    pub uri: Option<String>,
    /// `probe_status`: statuses that count as alive. Empty: all below 400.
    pub statuses: Vec<u16>,
    /// `probe_timeout`: for the whole probe. Never zero.
    pub timeout: Duration,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            interval: Some(Duration::from_secs(1)),
            uri: None,
            statuses: Vec::new(),
            timeout: Duration::from_secs(1),
        }
    }
}

/// `retries` and `retry_interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retries {
    /// Attempts, not repetitions; at least 1.
    pub attempts: u32,
    /// The pause before the second and each further attempt.
    pub interval: Duration,
}

impl Retries {
    /// What holds where nothing else is written.
    pub const DEFAULT: Self = Self {
        attempts: 2,
        interval: Duration::from_millis(100),
    };
}

/// `recovery_options`, as mod_jk has it. The default is a written 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecoveryOptions {
    /// 1: no retry once the request was sent.
    pub not_if_request_sent: bool,
    /// 2: no retry once headers were received.
    pub not_if_headers_sent: bool,
    /// 4: close the backend connection hard when the client fails.
    pub abort_if_client_fails: bool,
    /// 8: HEAD may always be retried.
    pub always_head: bool,
    /// 16: GET may always be retried.
    pub always_get: bool,
    /// Bits that mean nothing; they are shown only.
    #[serde(skip)]
    pub unknown: u32,
}

impl RecoveryOptions {
    /// The sum of these bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self {
            not_if_request_sent: bits & 1 != 0,
            not_if_headers_sent: bits & 2 != 0,
            abort_if_client_fails: bits & 4 != 0,
            always_head: bits & 8 != 0,
            always_get: bits & 16 != 0,
            unknown: bits & !31,
        }
    }

    /// The bits as a sum.
    pub fn bits(self) -> u32 {
        let known = [
            self.not_if_request_sent,
            self.not_if_headers_sent,
            self.abort_if_client_fails,
            self.always_head,
            self.always_get,
        ];
        let bits = (0_u32..).zip(known);
        bits.fold(self.unknown, |sum, (place, bit)| {
            sum | u32::from(bit) << place
        })
    }
}

/// A status worker (`type=status`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatusWorker {
    /// `css`.
    pub css: Option<String>,
    /// `ns`.
    pub ns: Option<String>,
    /// `xmlns`.
    pub xmlns: Option<String>,
    /// `doctype`.
    pub doctype: Option<String>,
    /// `prefix`.
    pub prefix: Option<String>,
    /// `read_only`.
    pub read_only: bool,
    /// `user`.
    pub users: Vec<String>,
    /// `user_case_insensitive`.
    pub user_case_insensitive: bool,
    /// `good`.
    pub good: Vec<String>,
    /// `bad`.
    pub bad: Vec<String>,
}
