//! The sockets that connections are accepted from, and how a reload changes them.

use std::{io, net::SocketAddr};

use jkworkers::model::{Listen, Model};
use tokio::{net::TcpListener, runtime::Handle};
use tokio_util::sync::CancellationToken;

use super::{Daemon, StartError};
use crate::listener;

/// What is open now.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    listen: Listen,
    address: SocketAddr,
    url: String,
    /// Ends accepting, and each connection after its present request.
    closing: CancellationToken,
}

/// An address that is bound, with one socket for each lane. Clients wait in its queue until it is
/// opened. Dropping it gives the address up.
#[derive(Debug)]
pub(super) struct Bound {
    listen: Listen,
    address: SocketAddr,
    sockets: Vec<std::net::TcpListener>,
}

/// The same with the sockets registered in the lanes' runtimes: nothing can fail any more.
#[derive(Debug)]
pub(super) struct Ready {
    listen: Listen,
    address: SocketAddr,
    sockets: Vec<TcpListener>,
}

impl Bound {
    /// Binds all addresses or none.
    pub(super) fn all(listen: &[Listen], lanes: usize) -> Result<Vec<Self>, StartError> {
        Listeners::default().bind_added(listen, lanes)
    }

    fn new(listen: &Listen, lanes: usize, besides: &Listeners) -> Result<Self, StartError> {
        let failed = |source| StartError::Bind {
            address: written(listen),
            source,
        };
        // Two of ours may share a port while one takes over from the other.
        let ours = besides.has_port(listen.port);
        let sockets = listener::bind(listen, lanes, ours).map_err(failed)?;
        let first = sockets.first().ok_or(StartError::NoListener)?;
        Ok(Self {
            listen: listen.clone(),
            address: first.local_addr().map_err(failed)?,
            sockets,
        })
    }

    /// Gives each lane its socket.
    pub(super) fn ready(self, lanes: &[Handle]) -> io::Result<Ready> {
        let register = |(lane, socket): (&Handle, _)| {
            // A socket belongs to the runtime that it is registered in.
            let _lane = lane.enter();
            TcpListener::from_std(socket)
        };
        let sockets = lanes.iter().zip(self.sockets).map(register);
        Ok(Ready {
            sockets: sockets.collect::<io::Result<_>>()?,
            listen: self.listen,
            address: self.address,
        })
    }
}

/// What clients reach there who name no host.
fn url(model: &Model, address: SocketAddr) -> String {
    let is_tls = model.host_for(address, None).tls.is_on;
    format!("{}://{address}", if is_tls { "https" } else { "http" })
}

fn written(listen: &Listen) -> String {
    match listen.address {
        Some(address) => SocketAddr::new(address, listen.port).to_string(),
        None => format!("*:{}", listen.port),
    }
}

impl Listeners {
    /// The bound addresses, with the ports that the system chose.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.open.iter().map(|open| open.address).collect()
    }

    /// The same as URLs.
    pub(super) fn urls(&self) -> Vec<String> {
        self.open.iter().map(|open| open.url.clone()).collect()
    }

    /// Binds what is wanted and not yet open: all of it or nothing.
    pub(super) fn bind_added(
        &self,
        wanted: &[Listen],
        lanes: usize,
    ) -> Result<Vec<Bound>, StartError> {
        if wanted.is_empty() {
            return Err(StartError::NoListener);
        }
        let is_open = |listen: &Listen| self.open.iter().any(|open| is_same(&open.listen, listen));
        let added = wanted.iter().filter(|listen| !is_open(listen));
        added
            .map(|listen| Bound::new(listen, lanes, self))
            .collect()
    }

    /// Accepts from it, on each lane from its own socket.
    pub(super) fn open(&mut self, ready: Ready, daemon: &Daemon) {
        let url = url(&daemon.shared.snapshot.load().model, ready.address);
        tracing::info!("listening on {url}");
        let closing = daemon.closing.child_token();
        for (index, (lane, socket)) in daemon.lanes.iter().zip(ready.sockets).enumerate() {
            let accepting = listener::accept(
                socket,
                daemon.shared.clone(),
                index,
                daemon.tasks.clone(),
                closing.clone(),
            );
            daemon.tasks.spawn_on(accepting, lane);
        }
        self.open.push(Open {
            listen: ready.listen,
            address: ready.address,
            url,
            closing,
        });
    }

    /// Closes what is not wanted any more.
    pub(super) fn close_others(&mut self, wanted: &[Listen]) {
        self.open.retain(|open| {
            let stays = wanted.iter().any(|listen| is_same(&open.listen, listen));
            if !stays {
                tracing::info!("no longer listening on {}", open.url);
                open.closing.cancel();
            }
            stays
        });
    }

    fn has_port(&self, port: u16) -> bool {
        self.open.iter().any(|open| open.address.port() == port)
    }
}

fn is_same(one: &Listen, other: &Listen) -> bool {
    (one.address, one.port) == (other.address, other.port)
}
