//! Limits that clients have reached: a line says which one, and who it was.
//!
//! Clients decide how often that happens, so there is one line for each limit in a while.

use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::strict::Refusal;

/// So much time lies between two lines about the same limit.
const WHILE: Duration = Duration::from_secs(10);

/// What clients can reach. Named as the directive that sets it, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Connections of all clients together.
    Connections,
    /// Connections of one client.
    ConnectionsOfClient,
    /// Files that the system lets us have open.
    Files,
    /// Bytes of a line of the head.
    Field,
    /// Lines of the head.
    Fields,
    /// Bytes of a head.
    Head,
    /// How fast a head comes.
    HeadPace,
    /// Bytes of a body.
    Body,
    /// How fast a body comes.
    BodyPace,
    /// Bytes of a request line.
    Line,
    /// How fast an answer is taken.
    Sending,
}

/// All of them, each at the place of its number.
const ALL: [Limit; 11] = [
    Limit::Connections,
    Limit::ConnectionsOfClient,
    Limit::Files,
    Limit::Field,
    Limit::Fields,
    Limit::Head,
    Limit::HeadPace,
    Limit::Body,
    Limit::BodyPace,
    Limit::Line,
    Limit::Sending,
];

impl Limit {
    /// The limit that makes a request be refused, if it is one.
    pub(crate) const fn of(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::BodyLength => Some(Self::Body),
            Refusal::Connections => Some(Self::ConnectionsOfClient),
            Refusal::FieldCount => Some(Self::Fields),
            Refusal::FieldLength => Some(Self::Field),
            Refusal::HeadLength => Some(Self::Head),
            Refusal::Late => Some(Self::HeadPace),
            Refusal::LineLength => Some(Self::Line),
            _ => None,
        }
    }

    /// What an operator looks for.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Connections => "JkdMaxConnections",
            Self::ConnectionsOfClient => "JkdMaxConnectionsPerClient",
            Self::Files => "open files (ulimit -n)",
            Self::Field => "LimitRequestFieldSize",
            Self::Fields => "LimitRequestFields",
            Self::Head => "size of a head",
            Self::HeadPace => "RequestReadTimeout header",
            Self::Body => "LimitRequestBody",
            Self::BodyPace => "RequestReadTimeout body",
            Self::Line => "LimitRequestLine",
            Self::Sending => "Timeout, JkdSendMinRate",
        }
    }

    /// Whether it is about all clients: they wait for one another.
    const fn is_everybodys(self) -> bool {
        matches!(self, Self::Connections | Self::Files)
    }

    fn teller(self) -> Option<&'static Teller> {
        let place = ALL.iter().position(|limit| *limit == self)?;
        TELLERS.get(place)
    }

    /// A client has reached it. `so` tells what follows.
    pub(crate) fn is_reached(self, client: &str, so: impl fmt::Display) {
        let Some(times) = self.teller().and_then(|teller| teller.may_tell(*BEGIN)) else {
            return;
        };
        let limit = self.name();
        if self.is_everybodys() {
            tracing::warn!(limit, client, times, "limit reached: {so}");
        } else {
            tracing::info!(limit, client, times, "limit reached: {so}");
        }
    }
}

/// Since when time is counted.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

static TELLERS: [Teller; ALL.len()] = [const { Teller::new() }; ALL.len()];

/// Who tells of one limit.
struct Teller {
    /// Milliseconds after which the next line may come.
    next: AtomicU64,
    /// How often it was reached since the last line.
    times: AtomicU64,
}

impl Teller {
    const fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            times: AtomicU64::new(0),
        }
    }

    /// How often it was reached since the last line, where it is time for another one.
    fn may_tell(&self, begin: Instant) -> Option<u64> {
        self.times.fetch_add(1, Ordering::Relaxed);
        let now = millis(begin.elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let then = now + millis(WHILE);
        let is_ours = now >= next
            && (self.next)
                .compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        is_ours.then(|| self.times.swap(0, Ordering::Relaxed))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_in_a_while_tells_how_often() {
        let begin = Instant::now();
        let teller = Teller::new();
        assert_eq!(teller.may_tell(begin), Some(1));
        for _ in 0..500 {
            assert_eq!(teller.may_tell(begin), None);
        }
        advance(WHILE / 2).await;
        assert_eq!(teller.may_tell(begin), None);
        advance(WHILE / 2).await;
        assert_eq!(teller.may_tell(begin), Some(502));
        assert_eq!(teller.may_tell(begin), None);
    }

    #[test]
    fn each_limit_has_a_name_and_a_place_of_its_own() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|limit| limit.name()).collect();
        assert_eq!(names.len(), ALL.len());
        for (place, limit) in ALL.iter().enumerate() {
            assert!(std::ptr::eq(
                limit.teller().unwrap(),
                &raw const TELLERS[place]
            ));
        }
    }
}
