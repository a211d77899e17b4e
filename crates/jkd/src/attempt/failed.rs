//! A try without an answer: how far it got, what of the request is left, and why.

use std::{error::Error as _, fmt};

use ajp13::{Error, ErrorKind, SendError, Tally, wire::CPING};
use http::StatusCode;

use super::silence::Silent;
use crate::{
    balancer::{
        Chosen,
        retry::{Failure, Retry, Stage},
    },
    forward::Forward,
    snapshot::Group,
    upload::Upload,
};

/// A try without an answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) stage: Stage,
    /// Whether the connection came from the pool.
    pub(crate) pooled: bool,
    /// Whether the member asked for more of the request's body.
    pub(crate) body_asked: bool,
    /// What is left of the request's body.
    pub(crate) upload: Option<Upload>,
    /// What went to the member and came from it all the same.
    pub(crate) tally: Tally,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    Ajp(Error),
    /// `fail_on_status`.
    Status(StatusCode, Failure),
    /// The balancer chose a member that is not there.
    NoEndpoint,
    /// No connection came soon, and somebody else finds out why.
    Noticed,
    /// Nothing comes any more from who has the request.
    Silent(Silent, Stage),
}

impl Failed {
    /// There is no connection. A CPing that was not answered has been sent nevertheless.
    pub(super) fn connecting(error: Error, upload: Upload) -> Self {
        let mut tally = Tally::default();
        if error.kind() == ErrorKind::Ping {
            tally.written = CPING.len() as u64;
        }
        Self {
            tally,
            ..Self::new(Cause::Ajp(error), Some(upload))
        }
    }

    /// There is no head of an answer. `silent` is who was given up, if that is why.
    pub(super) fn sending(failure: SendError<Upload>, silent: Option<Silent>) -> Self {
        let SendError {
            error, body, tally, ..
        } = failure;
        let cause = match (error.kind(), silent) {
            (ErrorKind::GivenUp, Some(silent)) => Cause::Silent(silent, stage_of(&error)),
            _ => Cause::Ajp(error),
        };
        Self {
            tally,
            ..Self::new(cause, body)
        }
    }

    pub(super) fn new(cause: Cause, upload: Option<Upload>) -> Self {
        Self {
            failure: cause.failure(),
            stage: cause.stage(),
            pooled: matches!(&cause, Cause::Ajp(error) if error.reused()),
            body_asked: matches!(&cause, Cause::Ajp(error) if error.body_asked()),
            upload,
            tally: Tally::default(),
            cause,
        }
    }

    /// Whether a connection of the pool broke as soon as it was used.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(&self.cause, Cause::Ajp(error) if error.is_stale())
    }

    /// Why, in words.
    pub(crate) fn reason(&self) -> String {
        match &self.cause {
            Cause::Ajp(error) => error.to_string(),
            Cause::Status(status, _) => format!("status {} (fail_on_status)", status.as_u16()),
            Cause::NoEndpoint => "it has no endpoint".to_owned(),
            Cause::Silent(who, _) => who.to_string(),
            Cause::Noticed => WAITS.to_owned(),
        }
    }

    /// One line that says what an operator needs to know, and what happens next.
    pub(crate) fn log(&self, group: &Group, chosen: Chosen, forward: &Forward<'_>, next: Retry) {
        let members = &group.balancer.config().members;
        let member = members.get(chosen.index).map_or("?", |m| &*m.worker.name);
        // A stray connection that the container closed while it was idle is daily routine, unless it
        // costs a client its answer.
        let routine = self.is_stale() && !matches!(next, Retry::No | Retry::OverBudget);
        let next = match next {
            Retry::SameMember { .. } => "request failed, tried again at the same member",
            Retry::Elsewhere => "request failed at a member, may go to another one",
            Retry::No => "request failed, not tried again",
            Retry::OverBudget => "request failed, not tried again: retry_budget is used up",
        };
        if !routine && !group.may_log() {
            return;
        }
        let state = group.state_of(Some(chosen.index));
        match &self.cause {
            Cause::Ajp(error) if routine => {
                tracing::debug!(worker = %group.name, member, request = %forward, %error, "{next}");
            }
            Cause::Ajp(error) if error.is_request() => {
                tracing::info!(worker = %group.name, member, request = %forward, %error, "{next}");
            }
            Cause::Ajp(error) => {
                let (packet, stage) = where_of(error);
                tracing::warn!(worker = %group.name, member, state, request = %forward, %packet, stage, %error, "{next}");
            }
            Cause::Status(status, _) => {
                tracing::warn!(worker = %group.name, member, request = %forward, status = status.as_u16(), "{next}: its status counts as a failure (fail_on_status)");
            }
            Cause::Noticed => {
                tracing::debug!(worker = %group.name, member, request = %forward, error = WAITS, "{next}");
            }
            Cause::Silent(who, _) => {
                tracing::warn!(worker = %group.name, member, request = %forward, error = %who, "{next}");
            }
            Cause::NoEndpoint => {
                tracing::error!(worker = %group.name, "member without an endpoint");
            }
        }
    }
}

/// The last packet that came, and how far the exchange had got.
pub(crate) fn where_of(error: &Error) -> (String, String) {
    let packet = error.packet();
    let packet = packet.map_or_else(|| "none".to_owned(), |code| code.to_string());
    (packet, error.stage().to_string())
}

impl Cause {
    fn failure(&self) -> Failure {
        match self {
            Self::Ajp(error) => failure_of(error),
            Self::Status(_, failure) => *failure,
            Self::NoEndpoint => Failure::Internal,
            Self::Silent(Silent::Member(_), _) => Failure::Unresponsive,
            Self::Silent(Silent::Address(_), _) | Self::Noticed => Failure::Silent,
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Ajp(error) => stage_of(error),
            Self::Status(..) => Stage::HeadersReceived,
            Self::NoEndpoint | Self::Noticed => Stage::NothingSent,
            Self::Silent(_, stage) => *stage,
        }
    }
}

fn stage_of(error: &Error) -> Stage {
    match error.stage() {
        ajp13::Stage::NothingSent => Stage::NothingSent,
        ajp13::Stage::RequestSent => Stage::RequestSent,
        _ => Stage::HeadersReceived,
    }
}

/// What is said of a member that is about to be found silent.
const WAITS: &str = "no connection yet, and nothing else comes from it";

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, limit) = match self {
            Self::Member(limit) => ("it", limit),
            Self::Address(limit) => ("one of its addresses", limit),
        };
        let ms = limit.as_millis();
        write!(
            f,
            "nothing comes from {who} any more: neither an answer, nor a CPong within {ms} ms over a new connection"
        )
    }
}

/// What mod_jk would call it.
pub(crate) fn failure_of(error: &Error) -> Failure {
    let unsent = error.stage() == ajp13::Stage::NothingSent;
    match error.kind() {
        ErrorKind::Acquire | ErrorKind::Draining => Failure::NoEndpoint,
        ErrorKind::Exhausted => Failure::Exhausted,
        ErrorKind::Connect | ErrorKind::Ping | ErrorKind::Resolve if error.is_timeout() => {
            Failure::Unresponsive
        }
        ErrorKind::Connect | ErrorKind::Resolve => Failure::Connect,
        ErrorKind::Ping => Failure::Ping,
        ErrorKind::Closed | ErrorKind::Socket if unsent => Failure::Send,
        ErrorKind::Closed => Failure::Closed,
        ErrorKind::Socket => Failure::Stalled,
        ErrorKind::Reply => Failure::ReplyTimeout,
        ErrorKind::Protocol if is_frame(error) => Failure::BadPacket,
        ErrorKind::Protocol | ErrorKind::Response | ErrorKind::Length => Failure::Framing,
        ErrorKind::Order => Failure::BadPacket,
        ErrorKind::TooLarge => Failure::TooLarge,
        ErrorKind::Request | ErrorKind::RequestBody => Failure::ClientRead,
        _ => Failure::Internal,
    }
}

/// Whether it came in a proper frame, so that only its content is wrong.
fn is_frame(error: &Error) -> bool {
    use ajp13::wire::Error::{BadMagic, TooLong};
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause| !matches!(cause, BadMagic { .. } | TooLong { .. }))
}

#[cfg(test)]
mod tests {
    use ajp13::{Address, PingPolicy, Pool, PoolOptions, TcpOptions};
    use jkd_tests::Nobody;

    use super::*;

    /// A member that no way leads to, whoever is to blame for that, must come to be in error: only
    /// what this machine lacks at the moment says nothing about it.
    #[tokio::test]
    async fn a_wrong_address_counts_as_a_failure_to_connect() {
        let nobody = Nobody::new();
        let no_address_of_ours = TcpOptions {
            source: Some([192, 0, 2, 1].into()),
            ..TcpOptions::default()
        };
        for (address, tcp) in [
            (Address::Ip(nobody.address), TcpOptions::default()),
            (Address::Ip(nobody.address), no_address_of_ours),
            (
                Address::Unix("/nowhere/at/all".into()),
                TcpOptions::default(),
            ),
        ] {
            let options = PoolOptions {
                tcp,
                ping: PingPolicy::NEVER,
                ..PoolOptions::default()
            };
            let error = Pool::new(address, options).checkout().await.unwrap_err();
            assert_eq!(failure_of(&error), Failure::Connect, "{error}");
        }
    }
}
