//! What can go wrong between a client and a container, and how far the request had got.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::exchange::{Stage, Violation};
use crate::wire::{self, Code};

/// Any error as a boxed trait object; what request bodies may fail with.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a request could not be answered.
///
/// An opaque, one-word value that answers questions: [`kind`](Self::kind) says what happened,
/// [`stage`](Self::stage) how far the exchange had got, [`peer`](Self::peer) with whom,
/// [`hint`](Self::hint) what an operator should look at first. `Display` puts all of it on one
/// line; its wording is not part of the interface.
///
/// # May the request be sent again?
///
/// With [`Stage::NothingSent`] the container has not seen the request: any request may go
/// elsewhere. With [`Stage::RequestSent`] it may have begun to execute it. From
/// [`Stage::HeadersReceived`] on a part of an answer has been handed out: never.
/// [`is_stale`](Self::is_stale) tells the one case that happens with healthy containers: the
/// connection had been idle in the pool and was closed by the container at the same moment.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    stage: Stage,
    peer: Option<Arc<str>>,
    reused: bool,
    answered: bool,
    asked: bool,
    cause: Option<BoxError>,
    waited: Option<Duration>,
    /// Whether the network said that nobody answered.
    unanswered: bool,
    hint: Option<&'static str>,
    packet: Option<Code>,
}

/// What happened; see [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Every connection the pool may open was in use for the whole acquire timeout.
    Acquire,
    /// The container closed the connection, or the network broke, before the answer was whole.
    Closed,
    /// No TCP or Unix connection could be made.
    Connect,
    /// The pool is being drained and hands out nothing any more.
    Draining,
    /// This machine has no port, descriptor or memory left for another connection. Nothing is known
    /// about the container.
    Exhausted,
    /// Whoever sent the request did not want to wait any longer: see
    /// [`PooledConn::send_unless`](crate::PooledConn::send_unless).
    GivenUp,
    /// The body of the answer is longer or shorter than its `Content-Length`.
    Length,
    /// The container sent a packet that the protocol does not allow at that point.
    Order,
    /// A CPing was not answered by a CPong.
    Ping,
    /// The container sent bytes that are no AJP13 packet.
    Protocol,
    /// The container was silent for longer than the reply timeout.
    Reply,
    /// The request cannot be expressed in AJP13.
    Request,
    /// The body of the request failed, or its length is not the announced one.
    RequestBody,
    /// The host name could not be resolved.
    Resolve,
    /// The answer is well-formed AJP13 but not acceptable as HTTP (a status, name or value).
    Response,
    /// No byte could be read or written for longer than the socket timeout.
    Socket,
    /// The head of the request does not fit one packet.
    TooLarge,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            stage: Stage::NothingSent,
            peer: None,
            reused: false,
            answered: false,
            asked: false,
            cause: None,
            waited: None,
            unanswered: false,
            hint: None,
            packet: None,
        }))
    }

    /// A timeout of `kind` after `waited`.
    pub(crate) fn timeout(kind: ErrorKind, waited: Duration) -> Self {
        let mut error = Self::new(kind);
        error.0.waited = Some(waited);
        error
    }

    /// A failed read or write. What the operating system says of a connection that is gone
    /// becomes [`ErrorKind::Closed`] like an end of file.
    pub(crate) fn io(cause: io::Error) -> Self {
        Self::new(ErrorKind::Closed).because(cause)
    }

    pub(crate) fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The network gave up.
    pub(crate) fn by_silence(mut self) -> Self {
        self.0.unanswered = true;
        self
    }

    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    pub(crate) fn with_peer(mut self, peer: &Arc<str>) -> Self {
        self.0.peer = Some(Arc::clone(peer));
        self
    }

    pub(crate) fn at(mut self, stage: Stage, answered: bool, reused: bool) -> Self {
        self.0.stage = stage;
        self.0.answered = answered;
        self.0.reused = reused;
        self
    }

    pub(crate) fn after_asking(mut self, asked: bool) -> Self {
        self.0.asked = asked;
        self
    }

    pub(crate) fn with_packet(mut self, packet: Option<Code>) -> Self {
        self.0.packet = packet;
        self
    }

    pub(crate) fn into_ping(mut self) -> Self {
        self.0.kind = ErrorKind::Ping;
        self
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How far the exchange had got; [`Stage::NothingSent`] when it had not begun.
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The container's last packet in this exchange: the one that is wrong, or after which nothing
    /// came. `None` where there was none, or what came is no packet.
    pub fn packet(&self) -> Option<Code> {
        self.0.packet
    }

    /// The container's address as configured, `host:port` or a socket's path.
    pub fn peer(&self) -> Option<&str> {
        self.0.peer.as_deref()
    }

    /// Whether the connection came from the pool rather than being opened for this request.
    pub fn reused(&self) -> bool {
        self.0.reused
    }

    /// Whether the container had asked for more of the request's body: then it has read what it
    /// was sent unasked, and is at work.
    pub fn body_asked(&self) -> bool {
        self.0.asked
    }

    /// What an operator should look at first, where the symptom is a known one.
    pub fn hint(&self) -> Option<&'static str> {
        self.0.hint
    }

    /// Whether no connection could be had: name resolution, connecting, or the CPing on a new
    /// connection or before a request; not for want of a place in the pool.
    pub fn is_connect(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Connect | ErrorKind::Exhausted | ErrorKind::Resolve | ErrorKind::Ping
        )
    }

    /// Whether nothing came from the other side at all: time ran out here, or in the network. A
    /// container that refuses connections is not silent, and of one that could not even be asked
    /// nothing is known.
    pub fn is_silence(&self) -> bool {
        self.is_timeout() || self.0.unanswered
    }

    /// Whether time ran out: while connecting, waiting for a slot of the pool, for a CPong, or
    /// for the answer.
    pub fn is_timeout(&self) -> bool {
        self.0.waited.is_some()
    }

    /// Whether a CPing failed.
    pub fn is_cping(&self) -> bool {
        self.kind() == ErrorKind::Ping
    }

    /// Whether the fault lies with the request or its sender, so that it says nothing about the
    /// container's health.
    pub fn is_request(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Request | ErrorKind::RequestBody | ErrorKind::TooLarge
        )
    }

    /// Whether a connection out of the pool broke before the first byte of an answer.
    ///
    /// Containers close idle connections whenever they like; no check before use can win every
    /// race. A request that may be repeated at all should be repeated on a fresh connection.
    pub fn is_stale(&self) -> bool {
        self.0.reused && !self.0.answered && self.kind() == ErrorKind::Closed
    }
}

impl From<wire::Error> for Error {
    fn from(cause: wire::Error) -> Self {
        Self::new(ErrorKind::Protocol).because(cause)
    }
}

impl From<Violation> for Error {
    fn from(cause: Violation) -> Self {
        let kind = match cause {
            Violation::Status(_) => ErrorKind::Response,
            _ => ErrorKind::Order,
        };
        let error = Self::new(kind).because(cause);
        match cause {
            Violation::NoHeaders => error.with_hint(hint::NO_HEADERS),
            _ => error,
        }
    }
}

impl From<wire::TooLarge> for Error {
    fn from(cause: wire::TooLarge) -> Self {
        Self::new(ErrorKind::TooLarge)
            .because(cause)
            .with_hint(hint::PACKET_SIZE)
    }
}

impl ErrorKind {
    fn describe(self) -> &'static str {
        match self {
            Self::Acquire => "all connections of the pool are in use",
            Self::Closed => "connection closed before the answer was complete",
            Self::Connect => "cannot connect",
            Self::Draining => "the pool is being drained",
            Self::Exhausted => "no connection can be opened from here",
            Self::GivenUp => "given up by the one who asked",
            Self::Length => "the answer's body does not have its Content-Length",
            Self::Order => "packet out of order",
            Self::Ping => "no CPong in answer to CPing",
            Self::Protocol => "the peer does not send AJP13",
            Self::Reply => "no reply",
            Self::Request => "the request cannot be expressed in AJP13",
            Self::RequestBody => "the request's body failed",
            Self::Resolve => "cannot resolve the host name",
            Self::Response => "the answer is not acceptable as HTTP",
            Self::Socket => "no byte read or written",
            Self::TooLarge => "the request's head does not fit one packet",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(peer) = &inner.peer {
            write!(f, "{peer}: ")?;
        }
        f.write_str(inner.kind.describe())?;
        if let Some(waited) = inner.waited {
            write!(f, " within {waited:?}")?;
        }
        if let Some(cause) = &inner.cause {
            write!(f, ": {cause}")?;
        }
        if let Some(hint) = inner.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("stage", &inner.stage)
            .field("peer", &inner.peer)
            .field("reused", &inner.reused)
            .field("answered", &inner.answered)
            .field("waited", &inner.waited)
            .field("cause", &inner.cause)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&**self.0.cause.as_ref()?)
    }
}

/// Hints for symptoms whose usual cause is known.
pub(crate) mod hint {
    pub(crate) const HTTP: &str = "the reply starts with HTTP: this port speaks HTTP, not AJP; use the port of the AJP connector";
    pub(crate) const TLS: &str = "the reply is a TLS record: this port speaks TLS, not AJP; use the port of the AJP connector";
    pub(crate) const MUTE: &str = "the port accepts connections and stays silent: Tomcat does so \
         when its AJP connector failed to start, usually because it has neither secret nor \
         secretRequired=\"false\"; other causes are a port that speaks HTTP, not AJP, and a \
         Tomcat whose threads are all busy or whose process is stopped";
    pub(crate) const SLOW: &str = "the container answered before and may still be at work on \
         the request: a thread dump of it tells on what";
    pub(crate) const UNREACHABLE: &str = "nothing answers at all: is the machine up, and does a \
         firewall drop packets to this port?";
    pub(crate) const HANGS_UP: &str = "the port hangs up on AJP: is it an AJP connector, and is \
         Tomcat not shutting down?";
    pub(crate) const REFUSED: &str = "nothing listens there: is Tomcat up, its AJP connector \
         enabled in server.xml, and bound to this address? Its default is loopback only";
    pub(crate) const EXHAUSTED: &str = "this machine has no port or file descriptor left for it: \
         limit the connections (connection_pool_size), or raise net.ipv4.ip_local_port_range or \
         the limit of open files";
    pub(crate) const NO_HEADERS: &str = "do the headers of the answer exceed the packet size? \
         raise it on both sides: packetSize of Tomcat's connector, max_packet_size here";
    pub(crate) const PACKET_SIZE: &str = "where such requests are meant, raise the packet size on \
         both sides: packetSize of Tomcat's connector, max_packet_size here";
    pub(crate) const ANSWER_SIZE: &str = "the container's packets are larger than agreed: make \
         packetSize of Tomcat's connector and max_packet_size here the same number";
    pub(crate) const SECRET: &str = "Tomcat refused the request itself: does the secret equal the \
         connector's, and does allowedRequestAttributesPattern match every attribute sent?";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_names_peer_event_cause_and_remedy() {
        let peer: Arc<str> = Arc::from("10.0.0.7:8009");
        let error = Error::new(ErrorKind::Connect)
            .because(io::Error::from(io::ErrorKind::ConnectionRefused))
            .with_hint(hint::REFUSED)
            .with_peer(&peer);
        let line = error.to_string();
        assert!(line.starts_with("10.0.0.7:8009: cannot connect: connection refused"));
        assert!(line.contains("server.xml"));
        assert!(!line.contains('\n'));
        assert!(error.is_connect() && !error.is_timeout());
    }

    #[test]
    fn a_timeout_says_how_long() {
        let error = Error::timeout(ErrorKind::Ping, Duration::from_secs(1));
        assert!(error.is_timeout() && error.is_cping() && error.is_connect());
        assert!(error.to_string().contains("within 1s"));
    }

    #[test]
    fn only_a_reused_connection_without_an_answer_is_stale() {
        let broken = |answered, reused| {
            Error::io(io::ErrorKind::ConnectionReset.into())
                .at(Stage::RequestSent, answered, reused)
                .is_stale()
        };
        assert!(broken(false, true));
        assert!(!broken(true, true));
        assert!(!broken(false, false));
    }

    #[test]
    fn is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
