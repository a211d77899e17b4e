//! From a place in the pool to a connection: an idle one that is alive, or a new one.

use std::fmt;

use tokio::time::Instant;

use super::Pool;
use super::conn::PooledConn;
use super::options::IdlePing;
use super::pinged::Pinged;
use super::slot::{Idle, Slot};
use super::stats::CloseReason;
use crate::conn::Conn;
use crate::error::{Error, ErrorKind};
use crate::stream::Stream;

/// The right to one connection of a pool. Dropping it gives it back.
pub struct Place<'a> {
    pool: &'a Pool,
    slot: Slot<Stream>,
}

impl<'a> Place<'a> {
    pub(super) fn new(pool: &'a Pool, slot: Slot<Stream>) -> Self {
        Self { pool, slot }
    }

    /// The second half of [`Pool::checkout_on`]: from here on the container is what is waited for.
    ///
    /// # Errors
    /// [`ErrorKind::Resolve`], [`ErrorKind::Connect`] or [`ErrorKind::Ping`] when the container
    /// cannot be reached or does not answer, [`ErrorKind::Exhausted`] when this machine lacks
    /// something and nothing is idle either.
    ///
    /// # Cancel safety
    /// As [`Pool::checkout_on`].
    pub async fn connection(self) -> Result<PooledConn, Error> {
        while let Some(idle) = self.slot.pop() {
            if let Some(conn) = self.revive(idle).await? {
                return Ok(PooledConn::new(conn, self.slot));
            }
        }
        self.open_or_steal().await
    }

    /// The second half of [`Pool::checkout_fresh`].
    ///
    /// # Errors
    /// As [`connection`](Self::connection).
    ///
    /// # Cancel safety
    /// As [`Pool::checkout_on`].
    pub async fn fresh_connection(self) -> Result<PooledConn, Error> {
        loop {
            if let Some(conn) = self.open().await? {
                return Ok(PooledConn::new(conn, self.slot));
            }
            match self.slot.steal() {
                Some(idle) => self.slot.close(idle.conn, CloseReason::Stale),
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// Checks an idle connection by CPing if it was idle for long enough, by a look at the
    /// socket otherwise: a second answer to the last request may have come since the event loop
    /// last ran, and would be taken for the next one's. `None` when the connection is no good. When
    /// it is open and silent so is the container: trying the other idle connections one after the
    /// other would only add up the waits.
    async fn revive(&self, mut idle: Idle<Stream>) -> Result<Option<Box<Conn<Stream>>>, Error> {
        let (slot, options) = (&self.slot, self.pool.options());
        // Whoever opened it may have had other options.
        idle.conn.agree_on(options.packet_size);
        let due = |ping: &IdlePing| idle.since.elapsed() >= ping.idle;
        if let Some(ping) = options.ping.before_request.filter(due) {
            let mut pinged = Pinged::new(slot, idle);
            if let Err(error) = pinged.ping(ping.timeout).await {
                return if error.is_timeout() {
                    Err(error)
                } else {
                    Ok(None)
                };
            }
            slot.count_reuse();
            return Ok(pinged.keep().map(|idle| idle.conn));
        }
        if idle.conn.overhears() {
            slot.close(idle.conn, CloseReason::Stale);
            return Ok(None);
        }
        slot.count_reuse();
        Ok(Some(idle.conn))
    }

    async fn open_or_steal(self) -> Result<PooledConn, Error> {
        loop {
            let idle = match self.open().await {
                Ok(Some(conn)) => return Ok(PooledConn::new(conn, self.slot)),
                Ok(None) => self.slot.steal(),
                // What is idle in other lanes needs nothing that this machine lacks.
                Err(error) if error.kind() == ErrorKind::Exhausted => {
                    Some(self.slot.pop_anywhere().ok_or(error)?)
                }
                Err(error) => return Err(error),
            };
            let Some(idle) = idle else {
                // Somebody else is just putting one back or closing one.
                tokio::task::yield_now().await;
                continue;
            };
            if let Some(conn) = self.revive(idle).await? {
                return Ok(PooledConn::new(conn, self.slot));
            }
        }
    }

    /// A new connection, checked by CPing if so configured; `None` at the maximum.
    async fn open(&self) -> Result<Option<Box<Conn<Stream>>>, Error> {
        let Some(opening) = self.slot.begin_open() else {
            return Ok(None);
        };
        let conn = Box::new(self.pool.connect(None).await?);
        opening.done();
        let remote = conn.remote.clone();
        let Some(limit) = self.pool.options().ping.connect else {
            return Ok(Some(conn));
        };
        let now = Instant::now();
        let mut pinged = Pinged::new(
            &self.slot,
            Idle {
                conn,
                since: now,
                checked: now,
            },
        );
        if let Err(error) = pinged.ping(limit).await {
            self.pool.distrust(remote.as_ref());
            return Err(error);
        }
        Ok(pinged.keep().map(|idle| idle.conn))
    }
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("address", self.pool.address())
            .finish_non_exhaustive()
    }
}
