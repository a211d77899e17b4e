//! Sockets: bind and accept.

mod counted;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jkworkers::model::Listen;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::counted::Counted;
use crate::{handler::Front, http1, peer::Peer, serve::Shared, tls};

/// The pending connections that the system keeps for us: as many as it allows.
const BACKLOG: i32 = 4096;

/// Binds one address as many times as there are lanes, all on the same port. With `ours` the port
/// may be shared with sockets of this process that are open already.
///
/// # Errors
///
/// When the address is in use, by a second jkd too, or not of this machine.
pub(crate) fn bind(
    listen: &Listen,
    copies: usize,
    ours: bool,
) -> io::Result<Vec<std::net::TcpListener>> {
    let mut address = probe(listen, ours)?;
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

/// Accepts until told to close. Connections go on as tasks of `tasks`.
pub(crate) async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    lane: usize,
    tasks: TaskTracker,
    closing: CancellationToken,
) {
    let mut pause = Pause::default();
    loop {
        // Also at the end: who waits to be accepted has been let in by the system.
        let accepted = select! {
            biased;
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                pause.reset();
                let connection = serve(stream, address, shared.clone(), lane, closing.clone());
                tasks.spawn(connection);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => pause.after(&error).await,
        }
    }
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
        if self.failures == 0 {
            tracing::error!(%error, "cannot accept connections; is the limit of open files (ulimit -n) too low?");
        }
        self.failures = (self.failures + 1).min(6);
        sleep(Duration::from_millis(16) * 2_u32.pow(self.failures)).await;
    }
}

/// One client connection, from its first byte to its last.
async fn serve(
    stream: TcpStream,
    address: SocketAddr,
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
        assert_eq!(waits, [32, 64, 128, 256, 512, 1024, 1024, 1024]);
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
