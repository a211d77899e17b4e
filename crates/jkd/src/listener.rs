//! Sockets: accept.

mod counted;
mod guests;
mod inherited;
mod last;
mod sockets;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustix::io::Errno;
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
pub(crate) use self::{
    guests::Guests,
    inherited::Inherited,
    sockets::{Opened, Sources, bind_alone},
};
use crate::{handler::Front, http1, limits::Limit, peer::Peer, serve::Shared, tls};

/// A socket to accept from.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// As [`Opened::stays_open`].
    pub(crate) stays_open: bool,
    /// All of the process ends, and not this address alone.
    pub(crate) ending: CancellationToken,
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
        ending,
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
    // Those in the queue of a socket that stays open are let in by the next process, but by nobody
    // where only this address is given up.
    if !(stays_open && ending.is_cancelled()) {
        let begin = |accepted| begin(accepted, shared.guests.extra_seat());
        last::accept(listener, stays_open, begin).await;
    }
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
    use tokio::time::Instant;

    use super::*;

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
}
