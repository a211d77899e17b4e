//! One client connection: who is at the other end, and whether it is waiting for something.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
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
    /// Requests so far.
    requests: AtomicU64,
    wire: Wire,
    /// The client's name, once it was asked for and leads back to its address.
    pub(crate) name: OnceLock<Option<Arc<str>>>,
    opened: Instant,
    /// Whether there has been a request.
    proven: AtomicBool,
    /// Whether more of the present request may be on its way.
    sending: AtomicBool,
    /// Since when there is no request.
    quiet: Since,
    /// Since when a request waits for the client: for more of its body, or until it reads.
    stalled: Since,
}

/// How long a connection may take for its first request head.
pub(crate) const FIRST: Duration = Duration::from_secs(10);

/// How long a connection may stand between two requests, the second one's head included.
pub(crate) const IDLE: Duration = Duration::from_secs(30);

/// How long a request may wait for its client, as httpd's `Timeout`.
pub(crate) const STALL: Duration = Duration::from_secs(60);

impl Peer {
    pub(crate) fn new(client: SocketAddr, local: SocketAddr, lane: usize) -> Self {
        let ip = client.ip().to_canonical();
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let peer = Self {
            ip,
            local,
            ip_text: ip.to_string(),
            port_text: client.port().to_string(),
            local_text: local.ip().to_string(),
            lane,
            requests: AtomicU64::new(0),
            wire: Wire::default(),
            name: OnceLock::new(),
            opened: Instant::now(),
            proven: AtomicBool::new(false),
            sending: AtomicBool::new(false),
            quiet: Since::default(),
            stalled: Since::default(),
        };
        peer.ends_request(peer.opened);
        peer
    }

    /// A request has begun.
    pub(crate) fn begins_request(&self) {
        self.proven.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.quiet.clear();
    }

    /// Its answer has been handed over.
    pub(crate) fn ends_request(&self, now: Instant) {
        self.stalled.clear();
        self.quiet.set(now.saturating_duration_since(self.opened));
    }

    /// Requests so far, the present one included.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What went over the wire.
    pub(crate) const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// It is the client's turn.
    pub(crate) fn waits_for_client(&self) {
        if self.stalled.get().is_none() {
            self.stalled.set(self.opened.elapsed());
        }
    }

    /// The client has done its part.
    pub(crate) fn goes_on(&self) {
        self.stalled.clear();
    }

    /// The client has read some of what was written to it.
    pub(crate) fn has_read(&self) {
        if self.stalled.get().is_some() {
            self.stalled.clear();
            // It is idle from the moment on at which it has everything.
            if self.quiet.get().is_some() {
                self.quiet.set(self.opened.elapsed());
            }
        }
    }

    /// Bytes came from the client.
    pub(crate) fn sends(&self) {
        self.sending.store(true, Ordering::Relaxed);
    }

    /// The present request is here, body included.
    pub(crate) fn sent_all(&self) {
        self.sending.store(false, Ordering::Relaxed);
    }

    /// Whether nothing more of the present request can come.
    pub(crate) fn has_sent_all(&self) -> bool {
        !self.sending.load(Ordering::Relaxed)
    }

    /// Whether there has been no request yet.
    pub(crate) fn is_new(&self) -> bool {
        !self.proven.load(Ordering::Relaxed)
    }

    /// When the connection is to be given up, unless something happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let patience = if self.is_new() { FIRST } else { IDLE };
        // The end of an answer may still be on its way to a slow client.
        let stalled = self.stalled.get().map(|since| since + STALL);
        let idle = self.quiet.get().map(|since| since + patience);
        stalled.or(idle).map(|age| self.opened + age)
    }
}

/// Bytes of a connection, heads included.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    read: AtomicU64,
    written: AtomicU64,
    /// What was read, and written, when the last request ended.
    before: (AtomicU64, AtomicU64),
}

impl Wire {
    pub(crate) fn has_read(&self, bytes: usize) {
        self.read.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    pub(crate) fn has_written(&self, bytes: usize) {
        self.written.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    /// Bytes read since the last request ended.
    pub(crate) fn taken(&self) -> u64 {
        let before = self.before.0.load(Ordering::Relaxed);
        self.read.load(Ordering::Relaxed).saturating_sub(before)
    }

    /// Bytes written since then.
    pub(crate) fn sent(&self) -> u64 {
        let before = self.before.1.load(Ordering::Relaxed);
        self.written.load(Ordering::Relaxed).saturating_sub(before)
    }

    /// What comes now is of the next request.
    pub(crate) fn begins_anew(&self) {
        let Self { read, written, .. } = self;
        let (read, written) = (
            read.load(Ordering::Relaxed),
            written.load(Ordering::Relaxed),
        );
        self.before.0.store(read, Ordering::Relaxed);
        self.before.1.store(written, Ordering::Relaxed);
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A moment in the life of a connection, or none.
#[derive(Debug)]
struct Since(AtomicU64);

const NEVER: u64 = u64::MAX;

impl Since {
    fn set(&self, age: Duration) {
        let age = u64::try_from(age.as_millis()).unwrap_or(NEVER - 1);
        self.0.store(age, Ordering::Relaxed);
    }

    fn clear(&self) {
        self.0.store(NEVER, Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        let age = self.0.load(Ordering::Relaxed);
        (age != NEVER).then(|| Duration::from_millis(age))
    }
}

impl Default for Since {
    fn default() -> Self {
        Self(AtomicU64::new(NEVER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_given_up_when_its_client_does_nothing() {
        let client = "[::ffff:10.0.0.1]:9".parse().unwrap();
        let peer = Peer::new(client, "[::1]:80".parse().unwrap(), 0);
        assert_eq!(peer.ip_text, "10.0.0.1");
        let opened = Instant::now();
        assert_eq!(peer.deadline(), Some(opened + FIRST));
        peer.begins_request();
        assert_eq!(peer.deadline(), None);
        tokio::time::advance(Duration::from_secs(3)).await;
        peer.waits_for_client();
        let stalled = Instant::now();
        tokio::time::advance(Duration::from_secs(3)).await;
        peer.waits_for_client();
        assert_eq!(peer.deadline(), Some(stalled + STALL));
        peer.goes_on();
        assert_eq!(peer.deadline(), None);
        peer.waits_for_client();
        peer.ends_request(Instant::now());
        assert_eq!(peer.deadline(), Some(Instant::now() + IDLE));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_answer_may_take_its_time() {
        let client = "10.0.0.1:9".parse().unwrap();
        let peer = Peer::new(client, "10.0.0.2:80".parse().unwrap(), 0);
        peer.begins_request();
        peer.ends_request(Instant::now());
        peer.waits_for_client();
        assert_eq!(peer.deadline(), Some(Instant::now() + STALL));
        tokio::time::advance(Duration::from_secs(50)).await;
        peer.has_read();
        assert_eq!(peer.deadline(), Some(Instant::now() + IDLE));
    }
}
