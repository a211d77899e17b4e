//! One client connection: who is at the other end, and whether it is waiting for something.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// What all requests of one connection have in common, written out once.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The client's address.
    pub(crate) ip: IpAddr,
    /// Our end of the connection.
    pub(crate) local: SocketAddr,
    /// `ip` as text, as AJP wants it.
    pub(crate) ip_text: String,
    /// The client's port as text.
    pub(crate) port_text: String,
    /// Our address as text.
    pub(crate) local_text: String,
    /// The runtime that serves it: pools keep their connections apart by it.
    pub(crate) lane: usize,
    opened: Instant,
    /// Milliseconds from `opened` to the end of the last request, or [`BUSY`].
    quiet: AtomicU64,
}

const BUSY: u64 = u64::MAX;

impl Peer {
    pub(crate) fn new(client: SocketAddr, local: SocketAddr, lane: usize) -> Self {
        let ip = client.ip().to_canonical();
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        Self {
            ip,
            local,
            ip_text: ip.to_string(),
            port_text: client.port().to_string(),
            local_text: local.ip().to_string(),
            lane,
            opened: Instant::now(),
            quiet: AtomicU64::new(0),
        }
    }

    /// A request has begun.
    pub(crate) fn busy(&self) {
        self.quiet.store(BUSY, Ordering::Relaxed);
    }

    /// Its answer has been handed over.
    pub(crate) fn quiet(&self, now: Instant) {
        let age = now.saturating_duration_since(self.opened).as_millis();
        let age = u64::try_from(age).unwrap_or(BUSY - 1);
        self.quiet.store(age, Ordering::Relaxed);
    }

    /// Since when there is no request; `None` while there is one.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        match self.quiet.load(Ordering::Relaxed) {
            BUSY => None,
            age => Some(self.opened + Duration::from_millis(age)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_knows_how_long_it_has_been_quiet() {
        let peer = Peer::new(
            "[::ffff:10.0.0.1]:9".parse().unwrap(),
            "[::1]:80".parse().unwrap(),
            0,
        );
        assert_eq!(peer.ip_text, "10.0.0.1");
        let opened = Instant::now();
        assert_eq!(peer.quiet_since(), Some(opened));
        peer.busy();
        assert_eq!(peer.quiet_since(), None);
        tokio::time::advance(Duration::from_secs(3)).await;
        peer.quiet(Instant::now());
        assert_eq!(peer.quiet_since(), Some(opened + Duration::from_secs(3)));
    }
}
