//! How long the other side may keep the connection waiting.

use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Clock;

/// The limits of one exchange; `None` waits for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// For the next packet of the answer.
    pub(crate) reply: Option<Duration>,
    /// For any byte to be read or written.
    pub(crate) socket: Option<Duration>,
    /// For the head of the answer, after which others begin to doubt.
    pub(crate) doubt: Option<Duration>,
}

/// Measures both. The limit for bytes counts wherever one is owed: in the middle of a packet, while
/// the socket takes nothing, and for the next packet where that has no limit of its own.
#[derive(Debug, Default)]
pub(super) struct Patience {
    limits: Limits,
    packets: Clock,
    bytes: Clock,
    doubts: Clock,
}

/// Which of the limits is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    Reply(Duration),
    Socket(Duration),
}

impl Patience {
    /// A new exchange begins.
    pub(super) fn set(&mut self, limits: Limits) {
        self.limits = limits;
        self.packets.set(limits.reply);
        self.bytes.set(limits.socket);
        self.doubts.set(limits.doubt);
    }

    /// Ready when it is time to ask whether there will be an answer.
    pub(super) fn poll_doubtful(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.doubts.poll_expired(cx)
    }

    /// Bytes were read or written.
    pub(super) fn bytes_moved(&mut self) {
        self.bytes.restart();
    }

    /// A whole packet has come, or it is not the other side's turn.
    pub(super) fn restart(&mut self) {
        self.packets.restart();
        self.bytes.restart();
    }

    /// Ready when there is no point in waiting any longer. `amid` is whether a packet has begun that
    /// is not whole, in either direction.
    pub(super) fn poll_overdue(&mut self, cx: &mut Context<'_>, amid: bool) -> Poll<Overdue> {
        let counts = amid || self.limits.reply.is_none();
        if let Some(limit) = self.limits.socket.filter(|_| counts)
            && self.bytes.poll_expired(cx).is_ready()
        {
            return Poll::Ready(Overdue::Socket(limit));
        }
        let limit = self.limits.reply.unwrap_or(Duration::MAX);
        (self.packets.poll_expired(cx)).map(|()| Overdue::Reply(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::{Instant, timeout};

    const REPLY: Duration = Duration::from_secs(10);
    const SOCKET: Duration = Duration::from_secs(2);

    async fn overdue(
        reply: Option<Duration>,
        socket: Option<Duration>,
        amid: bool,
    ) -> Option<(Overdue, Duration)> {
        let mut patience = Patience::default();
        patience.set(Limits {
            reply,
            socket,
            ..Limits::default()
        });
        let begun = Instant::now();
        let wait = poll_fn(|cx| patience.poll_overdue(cx, amid));
        let which = timeout(REPLY * 100, wait).await.ok()?;
        Some((which, begun.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_count_where_packets_do_not_and_within_them() {
        let (reply, socket) = (Overdue::Reply(REPLY), Overdue::Socket(SOCKET));
        for (limits, amid, expected) in [
            ((None, None), false, None),
            ((Some(REPLY), None), false, Some((reply, REPLY))),
            ((None, Some(SOCKET)), false, Some((socket, SOCKET))),
            ((Some(REPLY), Some(SOCKET)), false, Some((reply, REPLY))),
            ((Some(REPLY), Some(SOCKET)), true, Some((socket, SOCKET))),
            ((Some(REPLY), None), true, Some((reply, REPLY))),
        ] {
            let found = overdue(limits.0, limits.1, amid).await;
            let rounded = found.map(|(which, after)| (which, Duration::from_secs(after.as_secs())));
            assert_eq!(rounded, expected, "{limits:?} {amid}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_of_bytes_is_no_packet() {
        let mut patience = Patience::default();
        patience.set(Limits {
            reply: Some(REPLY),
            socket: Some(SOCKET),
            ..Limits::default()
        });
        let begun = Instant::now();
        loop {
            let wait = poll_fn(|cx| patience.poll_overdue(cx, true));
            match timeout(SOCKET / 2, wait).await {
                Ok(which) => break assert_eq!(which, Overdue::Reply(REPLY)),
                Err(_) => patience.bytes_moved(),
            }
        }
        assert_eq!(begun.elapsed().as_secs(), 10);
    }
}
