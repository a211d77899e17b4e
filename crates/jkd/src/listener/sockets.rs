//! Sockets to accept from: bound at first, and listening when nothing can fail any more.
//!
//! From the moment in which a socket listens the system lets clients in, and where the port is shared
//! with another process they are clients that the other one would have served. So nothing listens
//! that may have to be closed again, or that nobody would accept from for a while.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use jkworkers::model::Listen;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::Inherited;

/// The pending connections that the system keeps for us: as many as it allows.
const BACKLOG: i32 = 4096;

/// Where sockets to accept from come from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// What was opened before this process began.
    pub(crate) inherited: Inherited,
    /// Addresses may be shared with another jkd that serves them at present.
    pub(crate) beside: bool,
}

/// The sockets of one address: at least one for each lane.
#[derive(Debug)]
pub(crate) struct Opened {
    sockets: Vec<TcpListener>,
    /// Somebody else holds them open as well. Who waits in their queue is not lost when the process
    /// ends.
    pub(crate) stays_open: bool,
    /// Whether the port may be in use by others.
    is_shared: bool,
}

impl Sources {
    /// Binds an address for so many lanes, or takes what there is. With `ours` the port may be
    /// shared with sockets of this process that are open already.
    ///
    /// # Errors
    ///
    /// When the address is in use, where it is not shared by a second jkd too, or not of this
    /// machine.
    pub(crate) fn open(&self, listen: &Listen, lanes: usize, ours: bool) -> io::Result<Opened> {
        let inherited = self.inherited.copies(listen, lanes)?;
        let stays_open = !inherited.is_empty();
        let is_shared = ours || self.beside;
        let sockets = if stays_open {
            inherited
        } else {
            bind(listen, lanes, is_shared)?
        };
        Ok(Opened {
            sockets,
            stays_open,
            is_shared,
        })
    }
}

impl Opened {
    /// Where they are bound, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        let first = self.sockets.first().ok_or(io::ErrorKind::NotFound)?;
        first.local_addr()
    }

    /// Lets clients in.
    ///
    /// # Errors
    ///
    /// When somebody else has begun to listen there since it was bound.
    pub(crate) fn listen(self) -> io::Result<Vec<TcpListener>> {
        if self.stays_open {
            return Ok(self.sockets); // they do
        }
        if !self.is_shared {
            bind_one(self.address()?, false)?;
        }
        for socket in &self.sockets {
            SockRef::from(socket).listen(BACKLOG)?;
        }
        Ok(self.sockets)
    }
}

/// Binds an address once. With `beside` another process of this user may listen there.
///
/// It shares the port in any case, so that one that comes beside it can.
pub(crate) fn bind_alone(address: SocketAddr, beside: bool) -> io::Result<Opened> {
    Ok(Opened {
        sockets: vec![bind_first(address, beside)?],
        stays_open: false,
        is_shared: beside,
    })
}

/// Binds one address as many times as there are lanes, all on the same port. With `shared` the port
/// may be in use by other sockets of this user that share it.
fn bind(listen: &Listen, copies: usize, shared: bool) -> io::Result<Vec<TcpListener>> {
    let first = bind_anywhere(listen, shared)?;
    // A port that the system chose for the first one is everybody's.
    let address = first.local_addr()?;
    let more = (1..copies).map(|_| bind_one(address, true));
    std::iter::once(Ok(first)).chain(more).collect()
}

fn bind_anywhere(listen: &Listen, shared: bool) -> io::Result<TcpListener> {
    let at = |address: IpAddr| bind_first(SocketAddr::new(address, listen.port), shared);
    match listen.address {
        Some(address) => at(address),
        // All addresses: one socket for both families where the system has both.
        None => at(Ipv6Addr::UNSPECIFIED.into()).or_else(|error| match error.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
            _ => at(Ipv4Addr::UNSPECIFIED.into()),
        }),
    }
}

/// Sockets that share a port would also share it with another process that serves it already; one
/// that does not share cannot be bound in that case.
fn bind_first(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    if !shared {
        bind_one(address, false)?;
    }
    bind_one(address, true)
}

fn bind_one(address: SocketAddr, shares: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use jkworkers::diag::Origin;

    use super::*;

    fn listen(port: u16) -> Listen {
        Listen {
            address: Some(Ipv4Addr::LOCALHOST.into()),
            port,
            instead_of: None,
            origin: Origin::new("test", 0),
        }
    }

    fn opened(port: u16, beside: bool) -> io::Result<Opened> {
        let sources = Sources {
            beside,
            ..Sources::default()
        };
        sources.open(&listen(port), 2, false)
    }

    fn is_in_use<T>(opened: io::Result<T>) -> bool {
        opened.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    }

    #[test]
    fn lanes_share_a_port_that_the_system_chose() {
        let sockets = bind(&listen(0), 3, false).unwrap();
        let addresses: Vec<_> = sockets.iter().map(|s| s.local_addr().unwrap()).collect();
        assert_eq!(addresses.len(), 3);
        assert_ne!(addresses[0].port(), 0);
        assert!(addresses.iter().all(|a| *a == addresses[0]));
    }

    #[test]
    fn a_port_in_use_is_an_error_also_for_lanes() {
        let first = opened(0, false).unwrap();
        let port = first.address().unwrap().port();
        let _first = first.listen().unwrap();
        assert!(is_in_use(opened(port, false)));
    }

    #[test]
    fn of_two_that_come_at_once_one_is_refused() {
        let first = opened(0, false).unwrap();
        let port = first.address().unwrap().port();
        let second = opened(port, false).unwrap();
        let _first = first.listen().unwrap();
        assert!(is_in_use(second.listen()));
    }

    #[test]
    fn who_comes_beside_another_takes_no_client_of_it_before_it_listens() {
        let old = opened(0, false).unwrap();
        let address = old.address().unwrap();
        let old = old.listen().unwrap();
        let accepted = |sockets: &[TcpListener]| {
            let all = sockets.iter();
            let all = all.flat_map(|one| std::iter::from_fn(|| one.accept().ok()));
            all.count()
        };
        let come = || -> Vec<_> { (0..64).map(|_| TcpStream::connect(address)).collect() };
        let new = opened(address.port(), true).unwrap();
        let clients = come();
        assert_eq!((clients.len(), accepted(&old)), (64, 64));
        // Of all these, some are the new one's.
        let new = new.listen().unwrap();
        let clients = come();
        let (of_old, of_new) = (accepted(&old), accepted(&new));
        assert_eq!(of_old + of_new, clients.len());
        assert!(of_new > 0);
    }
}
