//! The sockets that connections are accepted from, and how a reload changes them.

use std::{io, net::SocketAddr};

use jkworkers::model::{Listen, Model};
use tokio::{net::TcpListener, runtime::Handle};
use tokio_util::sync::CancellationToken;

use super::{Daemon, StartError};
use crate::listener::{self, Door, Opened, Sources};

/// What is open now.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    open: Vec<Open>,
    sources: Sources,
}

#[derive(Debug)]
struct Open {
    listen: Listen,
    address: SocketAddr,
    url: String,
    /// Ends accepting, and each connection after its present request.
    closing: CancellationToken,
}

/// An address that is bound, with sockets for each lane. Nobody is let in yet, so that dropping it
/// costs nobody a connection.
#[derive(Debug)]
pub(super) struct Bound {
    listen: Listen,
    address: SocketAddr,
    opened: Opened,
}

/// The same with sockets that listen and are registered in the lanes' runtimes: nothing can fail any
/// more. Clients wait in its queue until it is opened.
#[derive(Debug)]
pub(super) struct Ready {
    listen: Listen,
    address: SocketAddr,
    listeners: Vec<TcpListener>,
    stays_open: bool,
}

impl Bound {
    fn new(listen: &Listen, lanes: usize, besides: &Listeners) -> Result<Self, StartError> {
        let failed = failed_at(listen);
        // Two of ours may share a port while one takes over from the other.
        let ours = besides.has_port(listen.port);
        let opened = besides.sources.open(listen, lanes, ours).map_err(&failed)?;
        Ok(Self {
            listen: listen.clone(),
            address: opened.address().map_err(failed)?,
            opened,
        })
    }

    /// Lets clients in, and gives each lane its sockets, in turn.
    pub(super) fn ready(self, lanes: &[Handle]) -> Result<Ready, StartError> {
        let stays_open = self.opened.stays_open;
        let sockets = self.opened.listen().map_err(failed_at(&self.listen))?;
        let register = |(lane, socket): (&Handle, _)| {
            // A socket belongs to the runtime that it is registered in.
            let _lane = lane.enter();
            TcpListener::from_std(socket)
        };
        let listeners = lanes.iter().cycle().zip(sockets).map(register);
        Ok(Ready {
            listeners: listeners.collect::<io::Result<_>>()?,
            listen: self.listen,
            address: self.address,
            stays_open,
        })
    }
}

fn failed_at(listen: &Listen) -> impl Fn(io::Error) -> StartError {
    let address = written(listen);
    move |source| StartError::Bind {
        address: address.clone(),
        source,
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
    /// None yet, and where they shall come from.
    pub(super) fn from(sources: Sources) -> Self {
        Self {
            sources,
            ..Self::default()
        }
    }

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
        let lanes = daemon.lanes.iter().enumerate().cycle();
        for ((index, lane), listener) in lanes.zip(ready.listeners) {
            let door = Door {
                listener,
                stays_open: ready.stays_open,
                ending: daemon.closing.clone(),
            };
            let accepting = listener::accept(
                door,
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

    /// Says which sockets were passed for nothing.
    pub(super) fn log_unused(&self, wanted: &[Listen]) {
        self.sources.inherited.log_unused(wanted);
    }

    fn has_port(&self, port: u16) -> bool {
        self.open.iter().any(|open| open.address.port() == port)
    }
}

fn is_same(one: &Listen, other: &Listen) -> bool {
    (one.address, one.port) == (other.address, other.port)
}
