//! One try on one member: a connection, the request, the head of the answer.

use std::{error::Error as _, future::poll_fn, task::Poll};

use ajp13::{Announced, Error, ErrorKind, PooledConn, SendError, SendOptions};
use http::{Method, Response, StatusCode, header, response::Parts};
use hyper::ext::ReasonPhrase;
use jkworkers::model::AjpWorker;

use crate::{
    answer::{Answer, Relay},
    balancer::{
        Chosen, InFlight,
        retry::{Failure, Retry, Stage},
    },
    forward::{BodyLength, Destination, Forward},
    logging::Printable,
    maintain::log_transition,
    response,
    snapshot::{Endpoint, Group},
    upload::Upload,
};

/// The head of an answer, and its body still to be read.
#[derive(Debug)]
pub(crate) struct Answered {
    head: Parts,
    /// The body. In its box from the start, since answers are moved from hand to hand.
    relay: Box<Relay>,
}

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
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Ajp(Error),
    /// `fail_on_status`.
    Status(StatusCode, Failure),
    /// The balancer chose a member that is not there.
    NoEndpoint,
}

/// Sends the request to the chosen member and waits for the head of its answer: over a `fresh`
/// connection after one of the pool turned out to be stale, since the others have idled beside
/// it. `guard` learns when there is a connection.
pub(crate) async fn attempt(
    group: &Group,
    chosen: Chosen,
    forward: &Forward<'_>,
    upload: Upload,
    fresh: bool,
    guard: Option<&mut InFlight>,
) -> Result<Answered, Failed> {
    let Some(endpoint) = group.endpoints.get(chosen.index) else {
        return Err(Failed::new(Cause::NoEndpoint, Some(upload)));
    };
    let to = Destination {
        secret: endpoint.worker.secret.as_ref(),
        route: group.route(chosen.index),
        activation: chosen.activation,
    };
    let conn = match connect(endpoint, forward.peer.lane, fresh).await {
        Ok(conn) => conn,
        Err(error) => return Err(Failed::new(Cause::Ajp(error), Some(upload))),
    };
    if let Some(guard) = guard {
        guard.connected();
    }
    let response = send(conn, endpoint, forward, &to, upload).await?;
    if let Some(failure) = counts_as_failure(&endpoint.worker, response.status()) {
        // The answer is dropped, and with it the connection.
        return Err(Failed {
            body_asked: response.body().tally().asked,
            ..Failed::new(Cause::Status(response.status(), failure), None)
        });
    }
    let (head, body) = response.into_parts();
    let mut relay = Box::new(Relay::new(body));
    match poll_fn(|cx| Poll::Ready(relay.look_ahead(cx))).await {
        Ok(()) => Ok(Answered { head, relay }),
        // Broken already, and therefore not begun: the client gets a proper page.
        Err(error) => Err(Failed::new(Cause::Ajp(error), None)),
    }
}

async fn connect(endpoint: &Endpoint, lane: usize, fresh: bool) -> Result<PooledConn, Error> {
    if fresh {
        endpoint.pool.checkout_fresh(lane).await
    } else {
        endpoint.pool.checkout_on(lane).await
    }
}

async fn send(
    conn: PooledConn,
    endpoint: &Endpoint,
    forward: &Forward<'_>,
    to: &Destination<'_>,
    upload: Upload,
) -> Result<Response<ajp13::Body>, Failed> {
    let options = SendOptions {
        announced: match forward.body {
            BodyLength::None => Announced::None,
            BodyLength::Known(length) => Announced::Length(length),
            BodyLength::Chunked => Announced::Unknown,
        },
        head_only: forward.head.method == Method::HEAD,
        reply_timeout: endpoint.reply_timeout,
        ..SendOptions::default()
    };
    let write = |buffer: &mut _, size| forward.write(buffer, size, to);
    conn.send(write, upload, options)
        .await
        .map_err(|SendError { error, body, .. }| Failed::new(Cause::Ajp(error), body))
}

/// `fail_on_status`: positive numbers put the member in error, negative ones do not.
fn counts_as_failure(worker: &AjpWorker, status: StatusCode) -> Option<Failure> {
    let status = i32::from(status.as_u16());
    let listed = |wanted| worker.fail_on_status.contains(&wanted);
    if listed(status) {
        return Some(Failure::HardStatus);
    }
    listed(-status).then_some(Failure::SoftStatus)
}

impl Answered {
    /// The answer for the client. `guard` counts the request as in flight until its end.
    pub(crate) fn into_response(
        self,
        group: &Group,
        chosen: Chosen,
        guard: Option<InFlight>,
    ) -> Response<Answer> {
        let Self {
            mut head,
            mut relay,
        } = self;
        response::clean(&mut head.headers, head.status);
        if let Some(ajp13::facts::Reason(reason)) = head.extensions.remove()
            && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
        {
            head.extensions.insert(reason);
        }
        if let Some(cookie) = group.session_cookie(chosen) {
            head.headers.append(header::SET_COOKIE, cookie);
        }
        if let Some(mut guard) = guard {
            // The member works, however long the rest of the answer takes.
            if let Some(change) = guard.works() {
                log_transition(group, change);
            }
            relay.count(guard);
        }
        Response::from_parts(head, Answer::from(relay))
    }
}

impl Failed {
    fn new(cause: Cause, upload: Option<Upload>) -> Self {
        Self {
            failure: cause.failure(),
            stage: cause.stage(),
            pooled: matches!(&cause, Cause::Ajp(error) if error.reused()),
            body_asked: matches!(&cause, Cause::Ajp(error) if error.body_asked()),
            upload,
            cause,
        }
    }

    /// Whether a connection of the pool broke as soon as it was used.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(&self.cause, Cause::Ajp(error) if error.is_stale())
    }

    /// One line that says what an operator needs to know, and what happens next.
    pub(crate) fn log(&self, group: &Group, chosen: Chosen, forward: &Forward<'_>, next: Retry) {
        let members = &group.balancer.config().members;
        let member = members.get(chosen.index).map_or("?", |m| &*m.worker.name);
        // A stray connection that the container closed while it was idle is daily routine, unless it
        // costs a client its answer.
        let routine = self.is_stale() && next != Retry::No;
        let next = match next {
            Retry::SameMember { .. } => "tried again at the same member",
            Retry::Elsewhere => "may go to another member",
            Retry::No => "not tried again",
        };
        if !routine && !group.may_log() {
            return;
        }
        match &self.cause {
            Cause::Ajp(error) if routine => {
                tracing::debug!(worker = %group.name, member, request = %forward, %error, "{next}");
            }
            Cause::Ajp(error) if error.is_request() => {
                tracing::info!(worker = %group.name, member, request = %forward, %error, "{next}");
            }
            Cause::Ajp(error) => {
                tracing::warn!(worker = %group.name, member, request = %forward, %error, "{next}");
            }
            Cause::Status(status, _) => {
                tracing::warn!(worker = %group.name, member, request = %forward, status = status.as_u16(), "status counts as a failure (fail_on_status); {next}");
            }
            Cause::NoEndpoint => {
                tracing::error!(worker = %group.name, "member without an endpoint");
            }
        }
    }
}

impl Cause {
    fn failure(&self) -> Failure {
        match self {
            Self::Ajp(error) => failure_of(error),
            Self::Status(_, failure) => *failure,
            Self::NoEndpoint => Failure::Internal,
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Ajp(error) => match error.stage() {
                ajp13::Stage::NothingSent => Stage::NothingSent,
                ajp13::Stage::RequestSent => Stage::RequestSent,
                _ => Stage::HeadersReceived,
            },
            Self::Status(..) => Stage::HeadersReceived,
            Self::NoEndpoint => Stage::NothingSent,
        }
    }
}

/// What mod_jk would call it.
pub(crate) fn failure_of(error: &Error) -> Failure {
    let unsent = error.stage() == ajp13::Stage::NothingSent;
    match error.kind() {
        ErrorKind::Acquire | ErrorKind::Draining => Failure::NoEndpoint,
        ErrorKind::Connect | ErrorKind::Ping | ErrorKind::Resolve if error.is_timeout() => {
            Failure::Unresponsive
        }
        ErrorKind::Connect | ErrorKind::Resolve => Failure::Connect,
        ErrorKind::Ping => Failure::Ping,
        ErrorKind::Closed if unsent => Failure::Send,
        ErrorKind::Closed => Failure::Closed,
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

impl std::fmt::Display for Forward<'_> {
    /// The request as logs show it: without its query, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = self.head.method.as_str().as_bytes();
        write!(f, "{} {}", Printable(method), Printable(self.uri))
    }
}
