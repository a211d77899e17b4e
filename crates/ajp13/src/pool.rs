//! The connections to one container.

mod address;
mod addresses;
mod conn;
mod connect;
mod maintain;
mod options;
mod order;
mod pinged;
mod place;
mod retain;
mod signs;
mod slot;
mod stats;
mod witness;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::conn::Conn;
use crate::error::{Error, ErrorKind};
use crate::stream::Stream;
use connect::Dial;
use slot::{Shared, Slot};

pub use address::{Address, DEFAULT_PORT, InvalidAddress};
pub use addresses::Addresses;
pub(crate) use addresses::Remote;
pub use conn::{Doubt, GivenUp, PooledConn, SendError, SendOptions};
pub use options::{IdlePing, PingPolicy, PoolOptions, TcpOptions};
pub use place::Place;
pub use signs::Signs;
pub(crate) use stats::CloseReason;
pub use stats::{ClosedStats, PoolStats};

/// The connections to one container: opened when needed, kept for the next request, checked
/// before they are used again, limited in number.
///
/// Cloning is cheap and shares the pool. Pools share nothing with each other, so that a dead or
/// slow container delays nobody else.
///
/// # Lanes
///
/// Idle connections are kept in lanes, and a checkout takes from its own lane the one used last.
/// Give each runtime thread a lane of its own and threads meet neither at a lock nor at a socket
/// that another thread's event loop watches. Connections of other lanes are taken only when
/// [`max`](PoolOptions::max) are open, where the alternative would be to wait.
///
/// # Waiting
///
/// With a maximum, checkouts that find all connections in use wait in the order of their arrival
/// for at most [`acquire_timeout`](PoolOptions::acquire_timeout). They are woken; nothing polls.
///
/// # Race window
///
/// A container may close an idle connection at any moment. A connection is looked at before it
/// is handed out, yet it can be closed between that look and the request. The error then says
/// so: [`Error::is_stale`].
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared<Stream>>,
    dial: Arc<Dial>,
    /// The address as errors show it.
    peer: Arc<str>,
    options: PoolOptions,
}

impl Pool {
    /// A pool without connections; opens the first when one is asked for. A host name is given
    /// to the system's resolver for each connection that is opened.
    pub fn new(address: impl Into<Address>, options: PoolOptions) -> Self {
        Self::of(address.into(), None, options)
    }

    /// A pool that leaves it to somebody else to look up the name of `address`. Where that is
    /// no [name](Address::Name), as [`new`](Self::new).
    pub fn with_addresses(
        address: impl Into<Address>,
        addresses: Addresses,
        options: PoolOptions,
    ) -> Self {
        Self::of(address.into(), Some(addresses), options)
    }

    fn of(address: Address, addresses: Option<Addresses>, options: PoolOptions) -> Self {
        let named = matches!(address, Address::Name { .. });
        let addresses = addresses.filter(|_| named);
        let inner = Inner {
            shared: Arc::new(Shared::new(options.max, options.lanes, addresses.clone())),
            peer: address.to_string().into(),
            dial: Arc::new(Dial::new(address, addresses)),
            options,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The same connections under other rules: `options` count from the next checkout on. What a
    /// connection is made with stays as it is: [`max`](PoolOptions::max) and
    /// [`lanes`](PoolOptions::lanes) of the pool, and the packet size of connections that are open.
    #[must_use]
    pub fn with_options(&self, options: PoolOptions) -> Self {
        let Inner {
            shared, dial, peer, ..
        } = &*self.inner;
        let inner = Inner {
            shared: Arc::clone(shared),
            dial: Arc::clone(dial),
            peer: Arc::clone(peer),
            options,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Lets somebody know of each connection that is closed because the container said something
    /// although nothing was asked: a second answer, or a piece of the last one. The first who wants to
    /// know is told, before the connection is closed; `told` must not block.
    pub fn on_unasked(&self, told: impl Fn(&Error) + Send + Sync + 'static) {
        self.inner.shared.on_unasked(Box::new(told));
    }

    /// The container's address.
    pub fn address(&self) -> &Address {
        &self.inner.dial.address
    }

    /// How the pool behaves.
    pub fn options(&self) -> &PoolOptions {
        &self.inner.options
    }

    /// A connection of lane 0; see [`checkout_on`](Self::checkout_on).
    ///
    /// # Errors
    /// As [`checkout_on`](Self::checkout_on).
    pub async fn checkout(&self) -> Result<PooledConn, Error> {
        self.checkout_on(0).await
    }

    /// A connection that is ready for a request: an idle one that is alive, or a new one.
    ///
    /// # Errors
    /// [`ErrorKind::Acquire`] after waiting for too long, [`ErrorKind::Resolve`],
    /// [`ErrorKind::Connect`] or [`ErrorKind::Ping`] when the container cannot be reached or does
    /// not answer, [`ErrorKind::Draining`] after [`drain`](Self::drain). The stage is always
    /// [`NothingSent`](crate::Stage::NothingSent).
    ///
    /// # Cancel safety
    /// Dropping the future loses its place in the queue and nothing else.
    pub async fn checkout_on(&self, lane: usize) -> Result<PooledConn, Error> {
        self.place(lane).await?.connection().await
    }

    /// A fresh connection, whatever is idle: for a request whose connection turned out to be
    /// stale.
    ///
    /// # Errors
    /// As [`checkout_on`](Self::checkout_on).
    ///
    /// # Cancel safety
    /// As [`checkout_on`](Self::checkout_on).
    pub async fn checkout_fresh(&self, lane: usize) -> Result<PooledConn, Error> {
        self.place(lane).await?.fresh_connection().await
    }

    /// The first half of a checkout: waits until there is a place for another connection. For those
    /// who want to tell waiting for other requests from waiting for the container.
    ///
    /// # Errors
    /// [`ErrorKind::Acquire`] after waiting for too long, [`ErrorKind::Draining`] after
    /// [`drain`](Self::drain).
    ///
    /// # Cancel safety
    /// As [`checkout_on`](Self::checkout_on).
    pub async fn place(&self, lane: usize) -> Result<Place<'_>, Error> {
        let slot = match self.inner.shared.try_slot(lane) {
            Some(slot) => slot,
            None => self.wait_for_slot(lane).await?,
        };
        if self.inner.shared.is_draining() {
            return Err(self.blame(Error::new(ErrorKind::Draining)));
        }
        Ok(Place::new(self, slot))
    }

    /// Sends a CPing over a connection of the pool and returns how long the CPong took.
    ///
    /// # Errors
    /// As [`checkout`](Self::checkout).
    pub async fn ping(&self, limit: Duration) -> Result<Duration, Error> {
        let mut conn = self.checkout().await?;
        conn.conn_mut().ping(limit).await
    }

    /// Opens a connection beside the pool and sends a CPing over it, whatever the pool's limits:
    /// whether the container can be reached now, without a request that would suffer from it. The
    /// connection is closed after its exchange, or when it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Resolve`], [`ErrorKind::Connect`] or [`ErrorKind::Ping`]. `limit` is for the
    /// CPong, and so is [`connect_timeout`](PoolOptions::connect_timeout) for the connect.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn probe(&self, limit: Duration) -> Result<PooledConn, Error> {
        self.probe_at(None, limit).await
    }

    /// As [`probe`](Self::probe), at the address to which another connection
    /// [leads](PooledConn::remote): a name may stand for several machines.
    ///
    /// # Errors
    /// As [`probe`](Self::probe).
    ///
    /// # Cancel safety
    /// As [`probe`](Self::probe).
    pub async fn probe_at(
        &self,
        remote: Option<SocketAddr>,
        limit: Duration,
    ) -> Result<PooledConn, Error> {
        let mut conn = self.connect(remote).await?;
        match conn.ping(limit).await {
            Ok(_) => Ok(conn.into()),
            Err(error) => {
                self.distrust(conn.remote.as_ref());
                Err(error)
            }
        }
    }

    /// Keeps no connection any more: closes those that are idle, and each other one after the
    /// request that it serves. Whoever still asks gets a new one, unlike after
    /// [`drain`](Self::drain): for a container that requests under way may still go to, but no
    /// others will.
    pub fn retire(&self) {
        self.inner.shared.retire();
    }

    /// Stops handing out connections and closes those that are idle; requests under way go on,
    /// and their connections are closed when they are done.
    pub fn drain(&self) {
        self.inner.shared.drain();
    }

    /// Waits until no connection is in use; call [`drain`](Self::drain) before.
    pub async fn drained(&self) {
        self.inner.shared.all_free().await;
    }

    /// Tells its connections from those of other pools, as long as any of its handles lives.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.inner.shared).addr()
    }

    /// A snapshot of the counters.
    pub fn stats(&self) -> PoolStats {
        self.inner.shared.stats()
    }

    /// Counts from what another pool has seen, in whose place this one is: at least this many were
    /// [open](PoolStats::max_open) at the same time.
    pub fn remember_max_open(&self, max_open: u64) {
        self.inner.shared.remember_max_open(max_open);
    }

    /// Forgets [`max_open`](PoolStats::max_open): it is 0 until the next connection is opened.
    pub fn forget_max_open(&self) {
        self.inner.shared.forget_max_open();
    }

    async fn wait_for_slot(&self, lane: usize) -> Result<Slot<Stream>, Error> {
        let limit = self.inner.options.acquire_timeout;
        match timeout(limit, self.inner.shared.slot(lane)).await {
            Ok(Some(slot)) => Ok(slot),
            Ok(None) => Err(self.blame(Error::new(ErrorKind::Draining))),
            Err(_) => Err(self.blame(Error::timeout(ErrorKind::Acquire, limit))),
        }
    }

    /// A new connection that nobody has counted yet.
    async fn connect(&self, to: Option<SocketAddr>) -> Result<Conn<Stream>, Error> {
        let Inner {
            dial,
            peer,
            options,
            ..
        } = &*self.inner;
        let (stream, remote) = dial
            .connect(options, to)
            .await
            .map_err(|error| self.blame(error))?;
        let mut conn = Conn::new(stream, Arc::clone(peer), options.packet_size);
        conn.remote = remote;
        Ok(conn)
    }

    /// The address accepts connections and does not answer them.
    fn distrust(&self, remote: Option<&Remote>) {
        remote.inspect(|remote| self.inner.dial.distrust(remote.address));
    }

    fn blame(&self, error: Error) -> Error {
        error.with_peer(&self.inner.peer)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("address", self.address())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
