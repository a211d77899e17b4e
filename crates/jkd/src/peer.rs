//! One client connection: who is at its two ends, and how much went over it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    client_names::EndName,
    http1::{Announced, Length},
    tls,
};

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
    /// The client's name, once it was asked for.
    pub(crate) name: EndName,
    /// Ours, by our address.
    pub(crate) local_name: EndName,
    /// What connects the lines about it in an `ErrorLog`, if there are any.
    pub(crate) log_id: OnceLock<Box<str>>,
    /// The connection's own, where proxies say who the client is, and which ones.
    behind: Option<(Arc<Self>, Option<String>)>,
    /// Set where the client has shaken hands.
    pub(crate) tls: OnceLock<tls::Session>,
}

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
            requests: AtomicU64::new(0),
            wire: Wire::default(),
            name: EndName::default(),
            local_name: EndName::default(),
            log_id: OnceLock::new(),
            behind: None,
            tls: OnceLock::new(),
        }
    }

    /// A client whose address proxies have told; its port is not known.
    pub(crate) fn behind(connection: &Arc<Self>, ip: IpAddr, proxies: Option<String>) -> Self {
        Self {
            behind: Some((connection.clone(), proxies)),
            ..Self::new(SocketAddr::new(ip, 0), connection.local, connection.lane)
        }
    }

    /// Who is at the other end of the connection: the client, or a proxy.
    pub(crate) fn connection(&self) -> &Self {
        self.behind.as_ref().map_or(self, |(own, _)| own)
    }

    /// The proxies that have told the client's address.
    pub(crate) fn proxies(&self) -> Option<&str> {
        self.behind.as_ref()?.1.as_deref()
    }

    /// How the client uses TLS, if it does.
    pub(crate) fn tls(&self) -> Option<&tls::Session> {
        self.connection().tls.get()
    }

    /// A request has begun.
    pub(crate) fn begins_request(&self) {
        self.connection().requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests so far, the present one included.
    pub(crate) fn requests(&self) -> u64 {
        self.connection().requests.load(Ordering::Relaxed)
    }

    /// What went over the wire.
    pub(crate) fn wire(&self) -> &Wire {
        &self.connection().wire
    }
}

/// Bytes of a connection, heads included.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    read: AtomicU64,
    written: AtomicU64,
    /// What was read, and written, when the last request ended.
    before: (AtomicU64, AtomicU64),
    /// What was read of later requests.
    unread: AtomicU64,
    /// The connection ends after the present answer.
    ends: AtomicBool,
    /// The client of the present answer has asked that it stays, and is told.
    is_asked_to: AtomicBool,
    /// What the client is told of the length of the present answer: so many bytes and one, or one of
    /// the two constants.
    length: AtomicU64,
}

const UNSAID: u64 = 0;
const CHUNKS: u64 = u64::MAX;

impl Wire {
    pub(crate) fn has_read(&self, bytes: usize) {
        self.read.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    pub(crate) fn has_written(&self, bytes: usize) {
        self.written.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    /// An answer begins.
    pub(crate) fn answers(&self, announced: Announced) {
        let length = match announced.length {
            Length::Bytes(length) => length.saturating_add(1),
            Length::Chunks => CHUNKS,
            Length::Unsaid => UNSAID,
        };
        self.unread.store(wide(announced.unread), Ordering::Relaxed);
        self.ends.store(!announced.stays, Ordering::Relaxed);
        self.is_asked_to
            .store(announced.is_asked_to, Ordering::Relaxed);
        self.length.store(length, Ordering::Relaxed);
    }

    /// What the client of the present answer is told of its length.
    pub(crate) fn length(&self) -> Length {
        match self.length.load(Ordering::Relaxed) {
            UNSAID => Length::Unsaid,
            CHUNKS => Length::Chunks,
            length => Length::Bytes(length - 1),
        }
    }

    /// Whether the client of the present answer is told that the connection stays.
    pub(crate) fn tells_to_stay(&self) -> bool {
        self.is_asked_to.load(Ordering::Relaxed)
    }

    /// Whether the connection stays after the present answer.
    pub(crate) fn stays(&self) -> bool {
        !self.ends.load(Ordering::Relaxed)
    }

    /// Bytes read of the present request.
    pub(crate) fn taken(&self) -> u64 {
        self.looked_at()
            .saturating_sub(self.before.0.load(Ordering::Relaxed))
    }

    fn looked_at(&self) -> u64 {
        let unread = self.unread.load(Ordering::Relaxed);
        self.read.load(Ordering::Relaxed).saturating_sub(unread)
    }

    /// Bytes written since then.
    pub(crate) fn sent(&self) -> u64 {
        let before = self.before.1.load(Ordering::Relaxed);
        self.written.load(Ordering::Relaxed).saturating_sub(before)
    }

    /// What comes now is of the next request.
    pub(crate) fn begins_anew(&self) {
        let (read, written) = (self.looked_at(), self.written.load(Ordering::Relaxed));
        self.before.0.store(read, Ordering::Relaxed);
        self.before.1.store(written, Ordering::Relaxed);
        self.unread.store(0, Ordering::Relaxed);
        self.ends.store(false, Ordering::Relaxed);
        self.length.store(UNSAID, Ordering::Relaxed);
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_written_as_what_they_are() {
        let client = "[::ffff:10.0.0.1]:9".parse().unwrap();
        let peer = Peer::new(client, "[::1]:80".parse().unwrap(), 0);
        assert_eq!((&*peer.ip_text, &*peer.port_text), ("10.0.0.1", "9"));
        assert_eq!(peer.local_text, "::1");
    }

    #[test]
    fn bytes_are_those_since_the_last_request() {
        let wire = Wire::default();
        wire.has_read(5);
        wire.has_written(7);
        assert_eq!((wire.taken(), wire.sent()), (5, 7));
        wire.begins_anew();
        wire.has_read(1);
        assert_eq!((wire.taken(), wire.sent()), (1, 0));
    }

    #[test]
    fn what_comes_early_is_of_the_next_request() {
        let wire = Wire::default();
        wire.has_read(82);
        let announced = |stays, unread| Announced {
            stays,
            unread,
            is_asked_to: false,
            length: Length::Unsaid,
        };
        wire.answers(announced(true, 40));
        assert_eq!((wire.taken(), wire.stays()), (42, true));
        wire.begins_anew();
        assert_eq!(wire.taken(), 40);
        wire.answers(announced(false, 0));
        assert_eq!((wire.taken(), wire.stays()), (40, false));
        wire.begins_anew();
        assert_eq!((wire.taken(), wire.stays()), (0, true));
    }
}
