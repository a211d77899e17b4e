//! Sockets: bind and accept.

mod counted;
mod guests;
mod inherited;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jkworkers::model::Listen;
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    counted::Counted,
    guests::{Guest, Seat, Standing},
};
pub(crate) use self::{guests::Guests, inherited::Inherited};
use crate::{handler::Front, http1, limits::Limit, peer::Peer, serve::Shared, tls};

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

/// The sockets of one address.
#[derive(Debug)]
pub(crate) struct Opened {
    /// At least one for each lane.
    pub(crate) sockets: Vec<std::net::TcpListener>,
    /// Somebody else holds them open as well. Who waits in their queue is not lost when we close.
    pub(crate) stays_open: bool,
}

impl Sources {
    /// Opens an address for so many lanes, or takes what there is. With `ours` the port may be
    /// shared with sockets of this process that are open already.
    ///
    /// # Errors
    ///
    /// As [`bind`].
    pub(crate) fn open(&self, listen: &Listen, lanes: usize, ours: bool) -> io::Result<Opened> {
        let inherited = self.inherited.copies(listen, lanes)?;
        let stays_open = !inherited.is_empty();
        let sockets = if stays_open {
            inherited
        } else {
            bind(listen, lanes, ours || self.beside)?
        };
        Ok(Opened {
            sockets,
            stays_open,
        })
    }
}

/// Binds one address as many times as there are lanes, all on the same port. With `shared` the port
/// may be in use by other sockets of this user that share it.
///
/// # Errors
///
/// When the address is in use, without `shared` by a second jkd too, or not of this machine.
pub(crate) fn bind(
    listen: &Listen,
    copies: usize,
    shared: bool,
) -> io::Result<Vec<std::net::TcpListener>> {
    let mut address = probe(listen, shared)?;
    let mut sockets = Vec::with_capacity(copies);
    for _ in 0..copies.max(1) {
        let socket = open(address, true)?;
        // A port that the system chose for the first one is everybody's.
        address = socket.local_addr()?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Finds out what can be bound. Sockets that share a port would also share it with another
/// process that serves it already; a bind without sharing fails in that case.
fn probe(listen: &Listen, shared: bool) -> io::Result<SocketAddr> {
    let at = |address| SocketAddr::new(address, listen.port);
    match listen.address {
        Some(address) => open(at(address), shared).map(|_| at(address)),
        // All addresses: one socket for both families where the system has both.
        None => open(at(Ipv6Addr::UNSPECIFIED.into()), shared)
            .map(|_| at(Ipv6Addr::UNSPECIFIED.into()))
            .or_else(|error| match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                _ => open(at(Ipv4Addr::UNSPECIFIED.into()), shared)
                    .map(|_| at(Ipv4Addr::UNSPECIFIED.into())),
            }),
    }
}

/// Binds an address once. With `beside` another process of this user may have bound it.
///
/// Its own socket shares the port in any case, so that one that comes beside it can.
pub(crate) fn open_one(address: SocketAddr, beside: bool) -> io::Result<std::net::TcpListener> {
    if !beside {
        drop(open(address, false)?);
    }
    open(address, true)
}

fn open(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A socket to accept from.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// As [`Opened::stays_open`].
    pub(crate) stays_open: bool,
}

/// Accepts until told to close. Connections go on as tasks of `tasks`.
pub(crate) async fn accept(
    door: Door,
    shared: Arc<Shared>,
    lane: usize,
    tasks: TaskTracker,
    closing: CancellationToken,
) {
    let Door {
        listener,
        stays_open,
    } = door;
    let begin = |accepted: (TcpStream, SocketAddr), seat: Seat| {
        if let Some(guest) = admitted(&shared, accepted.1, seat) {
            let serving = serve(accepted, guest, shared.clone(), lane, closing.clone());
            tasks.spawn(serving);
        }
    };
    let mut pause = Pause::default();
    loop {
        let accepted = select! {
            biased;
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => {
                pause.reset();
                let seat = seat(&shared, accepted.1, &closing).await;
                begin(accepted, seat);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => pause.after(&error).await,
        }
    }
    if !stays_open {
        last(listener).for_each(|accepted| begin(accepted, shared.guests.extra_seat()));
    }
}

/// Those who wait to be accepted: the system has let them in, and would reset them when the socket
/// is closed. It is asked itself, without the runtime in between, which would not know of those that
/// came a moment ago; so only a moment passes between its last word and the end.
fn last(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        loop {
            match listener.as_ref()?.accept() {
                Ok((stream, address)) => {
                    stream.set_nonblocking(true).ok()?;
                    return Some((TcpStream::from_std(stream).ok()?, address));
                }
                Err(error) if is_the_clients(&error) => {}
                Err(_) => return None,
            }
        }
    })
}

/// Waits until there is room for a connection, or the end has come.
async fn seat(shared: &Shared, client: SocketAddr, closing: &CancellationToken) -> Seat {
    let limits = || shared.snapshot.load().model.global.connections;
    select! {
        biased;
        seat = shared.guests.seat(client.ip(), limits) => seat,
        () = closing.cancelled() => shared.guests.extra_seat(),
    }
}

/// The client of a connection, unless it has far too many: then it is not worth an answer.
fn admitted(shared: &Shared, client: SocketAddr, seat: Seat) -> Option<Guest> {
    let guest = seat.of(client.ip(), &shared.snapshot.load().model);
    if guest.standing == Standing::FarTooMany {
        let client = client.ip().to_canonical().to_string();
        Limit::ConnectionsOfClient.is_reached(&client, "connection closed");
        return None;
    }
    Some(guest)
}

/// Clients that gave up in the queue are no trouble of ours.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// The growing pause after accept errors such as "too many open files": trying again at once
/// would only burn the processor while connections that could finish need it.
#[derive(Default)]
struct Pause {
    failures: u32,
}

impl Pause {
    const fn reset(&mut self) {
        self.failures = 0;
    }

    async fn after(&mut self, error: &io::Error) {
        if is_of_files(error) {
            let so = format_args!("cannot accept connections: {error}");
            Limit::Files.is_reached("-", so);
        } else if self.failures == 0 {
            tracing::error!(%error, "cannot accept connections");
        }
        self.failures = (self.failures + 1).min(5);
        sleep(Duration::from_millis(16) * 2_u32.pow(self.failures)).await;
    }
}

/// Too many open files, here or in all of the system.
fn is_of_files(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| errno == Errno::MFILE || errno == Errno::NFILE)
}

/// One client connection, from its first byte to its last.
async fn serve(
    (stream, address): (TcpStream, SocketAddr),
    guest: Guest,
    shared: Arc<Shared>,
    lane: usize,
    closing: CancellationToken,
) {
    let Ok(local) = stream.local_addr() else {
        return; // gone already
    };
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let peer = Arc::new(Peer::new(address, local, lane));
    let snapshot = shared.snapshot.load_full();
    let begun = tls::accept(
        stream,
        |stream| Counted::new(stream, peer.clone()),
        &snapshot,
        &peer,
    );
    let way = begun.await;
    drop(snapshot);
    let front = Front {
        shared,
        peer: peer.clone(),
        is_one_too_many: guest.standing == Standing::OneTooMany,
    };
    match way {
        Ok(tls::Way::Plain(stream)) => http1::serve(stream, front, closing).await,
        // Boxed: connections without it get on in less memory.
        Ok(tls::Way::Tls(stream)) => Box::pin(http1::serve(stream, front, closing)).await,
        Err(error) => {
            tracing::debug!(client = %peer.ip_text, %error, "no TLS handshake with a client");
        }
    }
}

#[cfg(test)]
mod tests {
    use jkworkers::diag::Origin;
    use tokio::time::Instant;

    use super::*;

    fn listen(port: u16) -> Listen {
        Listen {
            address: Some(Ipv4Addr::LOCALHOST.into()),
            port,
            instead_of: None,
            origin: Origin::new("test", 0),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn accept_errors_are_answered_with_patience() {
        let error = io::Error::from_raw_os_error(24);
        let mut pause = Pause::default();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let before = Instant::now();
            pause.after(&error).await;
            waits.push(before.elapsed().as_millis());
        }
        assert_eq!(waits, [32, 64, 128, 256, 512, 512, 512, 512]);
        pause.reset();
        assert_eq!(pause.failures, 0);
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
        let first = bind(&listen(0), 2, false).unwrap();
        let port = first[0].local_addr().unwrap().port();
        assert_eq!(
            bind(&listen(port), 2, false).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
    }
}
