//! What went over the wire between jkd and one member, exchange by exchange.

use std::collections::HashSet;

use ajp13::wire::{CPING, CPONG, RequestPacket};

/// An exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    /// The request's number.
    pub(crate) id: u64,
    /// Bytes from jkd.
    pub(crate) sent: u64,
    /// Bytes of packets for jkd.
    pub(crate) read: u64,
    /// Whether the packet that ends the answer went to jkd.
    pub(crate) ended: bool,
}

/// Everything since the beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) exchanges: Vec<Carried>,
    pub(crate) connections: u64,
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    /// Bytes from jkd that belong to no exchange.
    pub(crate) stray: u64,
    /// Connections that were reset: what jkd had sent last over them was not seen.
    pub(crate) resets: u64,
}

/// Sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) exchanges: u64,
    /// Exchanges of different requests.
    pub(crate) requests: u64,
    pub(crate) sent: u64,
    pub(crate) read: u64,
}

/// The exchange that goes on over a connection, by its place in the ledger.
pub(crate) type Current = Option<usize>;

impl Ledger {
    /// Whole packets from jkd.
    pub(crate) fn up(&mut self, current: &mut Current, packet: &[u8]) {
        if packet == CPING {
            self.pings += 1;
            return;
        }
        let open = current.is_some_and(|at| !self.exchanges[at].ended);
        let payload = packet.get(4..).unwrap_or_default();
        let decoded = (!open).then(|| RequestPacket::decode(payload));
        if let Some(Ok(RequestPacket::ForwardRequest(request))) = decoded {
            let id = request.headers.get(b"x-id").unwrap_or_default();
            let id = std::str::from_utf8(id).unwrap_or_default();
            *current = Some(self.exchanges.len());
            self.exchanges.push(Carried {
                id: u64::from_str_radix(id, 16).unwrap_or_default(),
                sent: 0,
                read: 0,
                ended: false,
            });
        }
        self.part(*current, packet.len());
    }

    /// Bytes from jkd.
    pub(crate) fn part(&mut self, current: Current, length: usize) {
        let length = u64::try_from(length).expect("64 bits");
        match current {
            Some(at) => self.exchanges[at].sent += length,
            None => self.stray += length,
        }
    }

    /// A whole packet for jkd.
    pub(crate) fn down(&mut self, current: Current, packet: &[u8]) {
        if packet == CPONG {
            self.pongs += 1;
        } else if let Some(at) = current {
            let exchange = &mut self.exchanges[at];
            exchange.read += u64::try_from(packet.len()).expect("64 bits");
            exchange.ended |= packet.get(4) == Some(&END_RESPONSE);
        }
    }

    /// A packet for jkd that is none any more, though jkd may count it.
    pub(crate) fn garbled(&mut self, current: Current, packet: &[u8]) {
        if let Some(at) = current {
            self.exchanges[at].read += u64::try_from(packet.len()).expect("64 bits");
        }
    }

    /// The sums over all exchanges from this place on of which this is true.
    pub(crate) fn sums(&self, from: usize, which: impl Fn(&Carried) -> bool) -> Sums {
        let mut sums = Sums::default();
        let mut requests = HashSet::new();
        for exchange in self.exchanges[from..].iter().filter(|e| which(e)) {
            sums.exchanges += 1;
            sums.sent += exchange.sent;
            sums.read += exchange.read;
            requests.insert(exchange.id);
        }
        sums.requests = u64::try_from(requests.len()).expect("64 bits");
        sums
    }
}

/// The code of the packet that ends an answer.
pub(crate) const END_RESPONSE: u8 = 5;
