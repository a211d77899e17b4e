//! Where members are, and what of their connections goes on living.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use ajp13::{
    Address, Error, IdlePing, PingPolicy, Pool, PoolOptions, TcpOptions, wire::PacketSize,
};
use jkworkers::model::{self, AjpWorker};

use super::{Before, Snapshot};
use crate::{balancer::Now, logging::Quota, names::Names};

/// Where a member is, and the connections to it.
#[derive(Debug)]
pub struct Endpoint {
    /// Its settings.
    pub worker: Arc<AjpWorker>,
    /// Its connections.
    pub pool: Pool,
    /// The largest packet, both ways.
    pub packet_size: PacketSize,
    /// All settings that make two connections not interchangeable.
    pub(super) identity: String,
}

/// Makes each endpoint once, whoever refers to it with the same secret.
pub(super) struct Endpoints<'a> {
    pub(super) before: Option<Before<'a>>,
    /// The pools that may be taken over, by identity.
    pools: HashMap<&'a str, &'a Pool>,
    names: &'a Names,
    lanes: usize,
    new: HashMap<String, Arc<Endpoint>>,
}

impl<'a> Endpoints<'a> {
    pub(super) fn new(before: Option<Before<'a>>, names: &'a Names, lanes: usize) -> Self {
        let old = before.map(|before| before.snapshot);
        let pools = old.into_iter().flat_map(Snapshot::endpoints);
        Self {
            before,
            pools: pools.map(|e| (&*e.identity, &e.pool)).collect(),
            names,
            lanes,
            new: HashMap::new(),
        }
    }

    pub(super) fn endpoint(&mut self, worker: &Arc<AjpWorker>) -> Arc<Endpoint> {
        let identity = identity(worker);
        let Some(known) = self.new.get(&identity) else {
            let endpoint = Arc::new(Endpoint::new(worker, identity.clone(), self));
            self.new.insert(identity, endpoint.clone());
            return endpoint;
        };
        if known.worker == *worker {
            return known.clone();
        }
        // A member of two balancers, each with a secret or settings of its own.
        Arc::new(Endpoint {
            worker: worker.clone(),
            pool: with_options(&known.pool, pool_options(worker, self.lanes)),
            packet_size: known.packet_size,
            identity,
        })
    }

    fn new_pool(&self, worker: &AjpWorker, options: PoolOptions) -> Pool {
        let address = Address::new(&worker.host, worker.port);
        let pool = match self.names.addresses(&worker.host) {
            Some(addresses) => Pool::with_addresses(address, addresses, options),
            None => Pool::new(address, options),
        };
        pool.on_unasked(tells_unasked(worker));
        if let Some(old) = self.edited(&worker.name) {
            pool.remember_max_open(old.pool.stats().max_open);
        }
        pool
    }

    /// The same Tomcat before an operator has changed where it is.
    fn edited(&self, name: &str) -> Option<&Endpoint> {
        let before = self.before.filter(|before| before.is_edited)?;
        let mut endpoints = before.snapshot.endpoints();
        endpoints.find(|endpoint| *endpoint.worker.name == *name)
    }
}

impl Endpoint {
    fn new(worker: &Arc<AjpWorker>, identity: String, all: &Endpoints<'_>) -> Self {
        let options = pool_options(worker, all.lanes);
        Self {
            worker: worker.clone(),
            packet_size: options.packet_size,
            pool: match all.pools.get(&*identity) {
                Some(pool) => with_options(pool, options),
                None => all.new_pool(worker, options),
            },
            identity,
        }
    }

    /// The longest silence while an answer is expected. `instead` replaces the worker's own
    /// `reply_timeout`; zero is off.
    pub(crate) fn reply_timeout(&self, instead: Option<Duration>) -> Option<Duration> {
        let own = self.worker.reply_timeout;
        instead.map_or(own, |limit| Some(limit).filter(|limit| !limit.is_zero()))
    }
}

/// Two workers of equal identity may share connections. Their secrets may differ: a secret is
/// part of each request, not of the connection. So may what is done with connections that are open.
fn identity(worker: &AjpWorker) -> String {
    format!(
        "{} {}:{} {:?} {} {:?} {:?}",
        worker.name,
        worker.host,
        worker.port,
        worker.source,
        worker.prefer_ipv6,
        worker.pool.size,
        worker.socket,
    )
}

/// A line about each connection that is closed because the container said something although nothing
/// was asked, but not too many of them.
fn tells_unasked(worker: &AjpWorker) -> impl Fn(&Error) + use<> {
    let worker = worker.name.clone();
    let quota = Quota::new(UNASKED);
    move |error| {
        let withheld = quota.take(super::now().since(Now::default()).as_secs());
        if withheld.is_none() && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let packet = error.packet().map(|code| code.to_string());
        let packet = packet.as_deref().unwrap_or("none");
        tracing::warn!(%worker, %packet, stage = "idle", %error, withheld, "idle connection dropped");
    }
}

/// Such lines in a second.
const UNASKED: u32 = 5;

fn with_options(pool: &Pool, options: PoolOptions) -> Pool {
    if *pool.options() == options {
        return pool.clone();
    }
    pool.with_options(options)
}

fn pool_options(worker: &AjpWorker, lanes: usize) -> PoolOptions {
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    PoolOptions {
        max: worker.pool.size.map(count),
        min: count(worker.pool.min_size),
        idle_timeout: worker.pool.idle_timeout,
        acquire_timeout: worker.pool.acquire_timeout,
        connect_timeout: worker.socket.connect_timeout,
        ping: ping_policy(&worker.ping),
        tcp: TcpOptions {
            keepalive: worker.socket.keepalive,
            keepalive_time: None,
            send_buffer: worker.socket.buffer,
            receive_buffer: worker.socket.buffer,
            source: worker.source.as_deref().and_then(source_address),
            prefer_ipv6: worker.prefer_ipv6,
        },
        packet_size: PacketSize::rounded(count(worker.max_packet_size)),
        lanes,
    }
}

fn ping_policy(ping: &model::PingPolicy) -> PingPolicy {
    PingPolicy {
        connect: ping.connect,
        before_request: ping.prepost.map(|prepost| IdlePing {
            idle: prepost.min_idle,
            timeout: prepost.timeout,
        }),
        // As in mod_jk there is none without a `ping_timeout`.
        interval: (ping.interval.filter(|(_, timeout)| !timeout.is_zero()))
            .map(|(idle, timeout)| IdlePing { idle, timeout }),
    }
}

fn source_address(text: &str) -> Option<IpAddr> {
    let address = text.parse();
    if address.is_err() {
        tracing::warn!(
            source = text,
            "source is no IP address; the system chooses one"
        );
    }
    address.ok()
}
