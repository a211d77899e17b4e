//! May a request be tried again after a failure, and where?
//!
//! Two rule books. Without `recovery_options` a request is repeated only if nothing can happen
//! twice: it never reached the backend, or repeating it is harmless by its method's definition.
//! With `recovery_options` mod_jk's own rules hold. In neither is an answer continued with that of
//! another member once its headers have been seen.

use std::time::Duration;

use http::Method;
use jkworkers::model::{RecoveryOptions, Retries};

use super::verdict::Verdict;

/// How far an attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing of the request was sent.
    NothingSent,
    /// The request, or a part of it, was sent; no header of an answer was received.
    RequestSent,
    /// Headers of an answer were received.
    HeadersReceived,
}

/// What went wrong with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connect was refused or failed otherwise.
    Connect,
    /// The connect, or the CPing, took too long.
    Unresponsive,
    /// The CPing was answered with something else or a closed connection.
    Ping,
    /// The request could not be sent.
    Send,
    /// No connection was free in time.
    NoEndpoint,
    /// No connection came soon, and somebody else finds out why; or the machine that has the request is
    /// silent, while others behind the member's name are not.
    Silent,
    /// This machine lacks what a connection takes, so that nothing is known of the member.
    Exhausted,
    /// `busy_limit` is exceeded.
    Busy,
    /// No packet came within `reply_timeout`.
    ReplyTimeout,
    /// The backend closed the connection.
    Closed,
    /// Not a byte moved within `socket_timeout`.
    Stalled,
    /// What came was no AJP packet.
    Framing,
    /// A packet that breaks the protocol.
    BadPacket,
    /// The status is a positive one of `fail_on_status`.
    HardStatus,
    /// The status is a negative one of `fail_on_status`.
    SoftStatus,
    /// The request's line, headers and attributes do not fit `max_packet_size`.
    TooLarge,
    /// The client's body could not be read.
    ClientRead,
    /// The client could not be written to.
    ClientWrite,
    /// Something failed on this side.
    Internal,
}

/// What a retry decision depends on besides the failure.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// How far the attempt got.
    pub stage: Stage,
    /// The request's method.
    pub method: &'a Method,
    /// Whether body bytes are gone that cannot be sent again.
    pub body_consumed: bool,
    /// Whether the backend has asked for more body.
    pub body_asked: bool,
    /// Whether the connection came from the pool rather than being fresh.
    pub pooled: bool,
}

/// Counts over the whole request, and the limits of the member that failed.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// `recovery_options` of the member.
    pub options: Option<RecoveryOptions>,
    /// `retries` and `retry_interval` of the member.
    pub retries: Retries,
    /// Tries on this member in this attempt, this one included.
    pub tries: u32,
    /// Times that the request was repeated although it had been sent.
    pub resent: u32,
    /// Whether waiting for the member would keep the request from another one that works, or is no
    /// use, since it was in error before.
    pub hurries: bool,
}

/// Where to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At the same member.
    SameMember {
        /// The pause before.
        after: Duration,
    },
    /// At another member.
    Elsewhere,
    /// Nowhere.
    No,
    /// Nowhere: it might be, but `retry_budget` is used up.
    OverBudget,
}

/// Decides.
pub fn decide(failure: Failure, facts: &Facts<'_>, progress: &Progress) -> Retry {
    if failure.is_clients() || facts.body_asked || !is_intact(failure, facts) {
        return Retry::No;
    }
    match progress.options {
        None => safe(failure, facts, progress),
        Some(options) => as_configured(failure, facts, progress, options),
    }
}

impl Failure {
    /// What `fail_on_status` makes of a status: the first number in the list that means it decides.
    pub fn by_status(status: u16, list: &[i32]) -> Option<Self> {
        let status = i32::from(status);
        match list.iter().find(|number| number.abs() == status)? {
            1.. => Some(Self::HardStatus),
            _ => Some(Self::SoftStatus),
        }
    }

    /// What it means for the member.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Connect
            | Self::Unresponsive
            | Self::Ping
            | Self::Send
            | Self::Closed
            | Self::Stalled
            | Self::BadPacket => Verdict::Failed,
            Self::NoEndpoint => Verdict::NoEndpoint,
            Self::Silent | Self::Exhausted => Verdict::Undecided,
            Self::Busy => Verdict::Busy,
            Self::ReplyTimeout => Verdict::ReplyTimeout,
            Self::Framing | Self::Internal => Verdict::Protocol,
            Self::HardStatus => Verdict::HardStatus,
            Self::SoftStatus => Verdict::SoftStatus,
            Self::TooLarge | Self::ClientRead | Self::ClientWrite => Verdict::ClientError,
        }
    }

    /// The status that a client gets for it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Connect
            | Self::Unresponsive
            | Self::Ping
            | Self::Send
            | Self::NoEndpoint
            | Self::Silent
            | Self::Exhausted
            | Self::Busy
            | Self::HardStatus
            | Self::SoftStatus => 503,
            Self::ReplyTimeout => 504,
            Self::Closed | Self::Stalled | Self::Framing => 502,
            Self::BadPacket | Self::Internal => 500,
            Self::TooLarge => 413,
            Self::ClientRead | Self::ClientWrite => 400,
        }
    }

    const fn is_clients(self) -> bool {
        matches!(self.verdict(), Verdict::ClientError)
    }

    /// It may still be at work on the request.
    const fn is_silence(self) -> bool {
        matches!(self, Self::ReplyTimeout | Self::Stalled)
    }

    const fn is_status(self) -> bool {
        matches!(self, Self::HardStatus | Self::SoftStatus)
    }

    /// There is no place for it; asking the member again at once is no use.
    const fn is_full(self) -> bool {
        matches!(
            self,
            Self::NoEndpoint | Self::Silent | Self::Exhausted | Self::Busy
        )
    }
}

/// Whether nothing has been given out or used up that a repetition needs. A status that counts as
/// a failure is held back, so its headers have gone nowhere.
fn is_intact(failure: Failure, facts: &Facts<'_>) -> bool {
    !facts.body_consumed && (facts.stage < Stage::HeadersReceived || failure.is_status())
}

/// The rule without `recovery_options`.
fn safe(failure: Failure, facts: &Facts<'_>, progress: &Progress) -> Retry {
    if facts.stage == Stage::NothingSent {
        return match failure {
            // Waiting for it once is enough.
            Failure::Unresponsive => Retry::Elsewhere,
            Failure::Connect if progress.hurries => Retry::Elsewhere,
            _ => again(failure, progress),
        };
    }
    if !is_idempotent(facts.method) || failure.is_silence() {
        return Retry::No;
    }
    if failure.is_status() {
        return Retry::Elsewhere;
    }
    match progress.resent {
        // A pooled connection that is closed just when it is used says little about the member.
        0 if facts.pooled && failure == Failure::Closed => match again(failure, progress) {
            Retry::SameMember { .. } => Retry::SameMember {
                after: Duration::ZERO,
            },
            other => other,
        },
        0 => Retry::Elsewhere,
        _ => Retry::No,
    }
}

/// mod_jk's rule. Bits 8 and 16 lift bit 1; as there, bit 16 has no effect beside bit 8.
fn as_configured(
    failure: Failure,
    facts: &Facts<'_>,
    progress: &Progress,
    options: RecoveryOptions,
) -> Retry {
    let lifted = match (options.always_head, options.always_get) {
        (true, _) => *facts.method == Method::HEAD,
        (false, true) => *facts.method == Method::GET,
        (false, false) => false,
    };
    let was_sent = facts.stage == Stage::RequestSent && failure != Failure::Send;
    if was_sent && options.not_if_request_sent && !lifted {
        return Retry::No;
    }
    again(failure, progress)
}

/// At the same member as often as it may be tried, then elsewhere.
fn again(failure: Failure, progress: &Progress) -> Retry {
    if failure.is_full() || progress.tries >= progress.retries.attempts {
        return Retry::Elsewhere;
    }
    Retry::SameMember {
        after: progress.retries.interval,
    }
}

/// Methods whose repetition has no effect beyond the first request's (RFC 9110 section 9.2.2), and
/// the safe ones of WebDAV.
pub(crate) fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent() || matches!(method.as_str(), "PROPFIND" | "REPORT" | "SEARCH")
}

#[cfg(test)]
mod tests;
