//! The end of a connection, so that its client still gets the answer.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::wire::Shared;

/// The silence after which a client that was told of the end is believed to have read it.
const SILENCE: Duration = Duration::from_secs(2);

/// How long a client may go on sending what nobody wants.
const LINGER: Duration = Duration::from_secs(30);

/// Tells the client of the end so that it can still read the answer.
///
/// A socket that is closed while bytes of a request are still coming in is reset by the system,
/// and a reset takes the answer away from clients that have not read it yet: a refused upload would
/// look like a broken network. So the end of the answer is sent first, and what still comes is
/// read and thrown away until the client closes or falls silent. Behind an answer that was the last
/// (`answered`) nobody knows whether something comes: it is waited for.
pub(super) async fn linger<S>(wire: &Shared<S>, answered: bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    {
        let mut wire = wire.lock();
        (wire.expired, wire.due) = (false, None);
    }
    let shut = poll_fn(|cx| {
        let mut wire = wire.lock();
        if wire.expired {
            return Poll::Ready(false);
        }
        let shut = Pin::new(&mut wire.stream).poll_shutdown(cx);
        if shut.is_pending() {
            wire.waits_for_reader();
        }
        shut.map(|shut| shut.is_ok())
    });
    if !shut.await {
        return;
    }
    let end = Instant::now() + LINGER;
    wire.lock().due = None;
    poll_fn(|cx| {
        let mut wire = wire.lock();
        if !wire.may_come_more(answered) {
            return Poll::Ready(());
        }
        wire.poll_scrap(cx, SILENCE, end)
    })
    .await;
}
