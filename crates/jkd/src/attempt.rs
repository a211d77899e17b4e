//! One try on one member: a connection, the request, the head of the answer.

mod failed;
mod silence;

use std::{future::poll_fn, task::Poll, time::Duration};

use ajp13::{Announced, Error, GivenUp, PooledConn, SendOptions, wire::Code};
use http::{HeaderValue, Method, StatusCode};
use tokio::time::timeout;

pub(crate) use self::failed::{Failed, failure_of, where_of};
use self::{
    failed::Cause,
    silence::{Unconnected, Watch},
};
use crate::{
    answer::{Answer, Relay},
    balancer::{Chosen, GiveUp, InFlight},
    forward::{Destination, Forward},
    http1::{BodyLength, Heading, Outgoing},
    logging::Printable,
    maintain::log_transition,
    rescue::{Replaced, Stumble},
    response::{self, BadField},
    snapshot::{self, Endpoint, Group},
    steering::Steering,
    upload::Upload,
};

/// How long the rest of an answer that nobody gets may hold up the page instead of it.
const DISCARD: Duration = Duration::from_secs(1);

/// The head of an answer, and its body still to be read. In a box from the start, since answers are
/// moved from hand to hand.
#[derive(Debug)]
pub(crate) struct Answered(Box<Relay>);

/// What is to be tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try<'a> {
    pub(crate) group: &'a Group,
    pub(crate) chosen: Chosen,
    pub(crate) forward: &'a Forward<'a>,
    pub(crate) steering: &'a Steering<'a>,
    /// Over a new connection: after one of the pool turned out to be stale, since the others have
    /// idled beside it.
    pub(crate) fresh: bool,
}

/// Sends the request to the chosen member and waits for the head of its answer. `guard` learns
/// when there is a connection.
pub(crate) async fn attempt(
    this: Try<'_>,
    upload: Upload,
    guard: Option<&mut InFlight>,
) -> Result<Answered, Failed> {
    let Try { group, chosen, .. } = this;
    let Some(endpoint) = group.endpoints.get(chosen.index) else {
        return Err(Failed::new(Cause::NoEndpoint, Some(upload)));
    };
    let route = || Some(group.route(chosen.index)?.as_bytes());
    let to = Destination {
        secret: endpoint.worker.secret.as_ref(),
        route: this.steering.route().or_else(route),
        activation: chosen.activation,
    };
    // As in mod_jk nobody connects for a request that cannot be sent.
    if let Err(cause) = this.forward.fits(endpoint.packet_size, &to) {
        return Err(Failed::new(Cause::Ajp(cause.into()), Some(upload)));
    }
    if let Some(guard) = &guard {
        guard.can_be_sent();
    }
    let (lane, waiting) = (this.forward.peer.lane, guard.as_deref());
    let conn = match silence::connected(endpoint, lane, this.fresh, waiting).await {
        Ok(conn) => conn,
        Err(Unconnected::Failed(error)) => return Err(Failed::connecting(error, upload)),
        Err(Unconnected::Silent) => return Err(Failed::new(Cause::Noticed, Some(upload))),
    };
    let guard = guard.map(|guard| {
        // Only a limit for all tries asks for how long: no clock is read without one.
        let limited = this.steering.request_timeout().is_some();
        let now = limited.then(snapshot::now);
        guard.connected(now.unwrap_or_default());
        &*guard
    });
    let watch = Watch::new(endpoint, this.forward, &upload, &conn, guard);
    let given_up = guard.map(InFlight::given_up);
    let Answered(relay) = send(conn, endpoint, this, (&to, given_up), upload, watch).await?;
    guard.inspect(|guard| guard.gives_sign());
    judged(relay, this, endpoint).await
}

/// Whether the answer is one for the client.
async fn judged(
    mut relay: Box<Relay>,
    this: Try<'_>,
    endpoint: &Endpoint,
) -> Result<Answered, Failed> {
    let status = relay.status();
    if let Some(failure) = this.steering.counts_as_failure(&endpoint.worker, status) {
        // As in mod_jk the connection is closed along with it.
        relay.close();
        let tally = relay.tally();
        return Err(Failed {
            body_asked: tally.asked,
            tally,
            ..Failed::new(Cause::Status(status, failure), None)
        });
    }
    begun(relay).await
}

/// Looks at what has come with the head.
async fn begun(mut relay: Box<Relay>) -> Result<Answered, Failed> {
    match poll_fn(|cx| Poll::Ready(relay.look_ahead(cx))).await {
        Ok(()) => Ok(Answered(relay)),
        // Broken already, and therefore not begun: the client gets a proper page.
        Err(error) => Err(Failed {
            tally: relay.tally(),
            ..Failed::new(Cause::Ajp(error), None)
        }),
    }
}

async fn send(
    conn: PooledConn,
    endpoint: &Endpoint,
    Try {
        forward, steering, ..
    }: Try<'_>,
    (to, given_up): (&Destination<'_>, Option<&GivenUp>),
    upload: Upload,
    watch: Option<Watch<'_>>,
) -> Result<Answered, Failed> {
    let options = SendOptions {
        announced: match forward.body {
            BodyLength::None => Announced::None,
            BodyLength::Known(length) => Announced::Length(length),
            BodyLength::Chunked => Announced::Unknown,
        },
        head_only: forward.head.method == Method::HEAD,
        // The head is passed on before anything of the body is there.
        settle: !forward.options.flush_header,
        reuse: !forward.options.disable_reuse,
        reply_timeout: endpoint.reply_timeout(steering.reply_timeout()),
        socket_timeout: endpoint.worker.socket.timeout,
        take_end: !steering.fails_on_statuses(&endpoint.worker),
        verbatim: true,
        fill: true,
        ..SendOptions::default()
    };
    let write = |buffer: &mut _, size| forward.write(buffer, size, to);
    let doubt = watch.as_ref().map(Watch::doubt);
    let sending = conn.send_unless(write, upload, options, doubt, given_up);
    match sending.await {
        Ok(response) => Ok(Answered(Box::new(Relay::new(response, forward.options)))),
        Err(failure) => Err(Failed::sending(
            failure,
            watch.and_then(|watch| watch.found()),
        )),
    }
}

impl Answered {
    /// The answer for the client. `guard`, that of the try which is answered, counts the request as
    /// in flight until its end.
    ///
    /// # Errors
    ///
    /// [`Stumble::Replaced`] where `use_server_errors` says so, [`Stumble::BadAnswer`] where the head
    /// cannot be sent, and what is known of an answer that breaks off at once.
    pub(crate) async fn into_response(
        self,
        group: &Group,
        forward: &Forward<'_>,
        steering: &Steering<'_>,
        guard: Option<InFlight>,
    ) -> Result<Outgoing<Answer>, Stumble> {
        let Self(mut relay) = self;
        let mut cookie = None;
        if let Some(mut guard) = guard {
            // The member works, however long the rest of the answer takes.
            if let Some(change) = guard.works() {
                log_transition(group, change);
            }
            cookie = session_cookie(group, steering, guard.chosen());
            relay.count(guard);
        }
        let head = relay.take_head();
        if steering.replaces(relay.status()) {
            let head = head.unwrap_or_default();
            return Err(replaced(relay, &head, group).await);
        }
        let mut head = match head {
            Ok(head) => head,
            Err(error) => return Err(refused(relay, group, forward, &error).await),
        };
        if let Some(cookie) = cookie {
            head.fields.add(b"Set-Cookie", cookie.as_bytes());
        }
        match relay.hold(head.length).await {
            Ok(()) => {
                if forward.head.method != Method::HEAD && relay.is_empty_reset() {
                    announce_nothing(&mut head);
                }
                Ok(Outgoing {
                    head,
                    body: Answer::from(relay),
                })
            }
            Err(error) => Err(broken_off(&mut relay, group, forward, &error)),
        }
    }
}

/// What a container says of the body of a 205, and leaves out, is corrected.
fn announce_nothing(head: &mut Heading) {
    if head.length.is_some() {
        head.fields.set(b"Content-Length", b"0");
        head.measure();
    }
}

/// `use_server_errors`: of the backend's answer only the status is left, and with 401 the challenge.
async fn replaced(mut relay: Box<Relay>, head: &Heading, group: &Group) -> Stumble {
    discard(&mut relay, group).await;
    let challenges = head.fields.get_all("WWW-Authenticate");
    let challenges = challenges.filter(|_| relay.status() == StatusCode::UNAUTHORIZED);
    Stumble::Replaced(Box::new(Replaced {
        status: relay.status(),
        challenges: challenges
            .filter_map(|value| HeaderValue::from_bytes(value).ok())
            .collect(),
    }))
}

/// The head of the answer cannot be sent.
async fn refused(
    mut relay: Box<Relay>,
    group: &Group,
    forward: &Forward<'_>,
    error: &BadField,
) -> Stumble {
    let endpoint = relay.member().and_then(|index| group.endpoints.get(index));
    let peer = endpoint.map(|endpoint| endpoint.pool.address().to_string());
    let state = group.state_of(relay.member());
    tracing::error!(worker = %group.name, state, peer, request = %forward, packet = %Code::SEND_HEADERS, stage = "head refused", %error, "answer refused");
    discard(&mut relay, group).await;
    Stumble::BadAnswer
}

/// An answer that does not end in time is dropped, and with it its connection.
async fn discard(relay: &mut Relay, group: &Group) {
    if let Ok(Some(change)) = timeout(DISCARD, relay.discard()).await {
        log_transition(group, change);
    }
}

/// The client has nothing of it yet, and gets a page.
fn broken_off(relay: &mut Relay, group: &Group, forward: &Forward<'_>, error: &Error) -> Stumble {
    let failure = failure_of(error);
    let (packet, stage) = where_of(error);
    let state = group.state_of(relay.member());
    tracing::warn!(worker = %group.name, state, request = %forward, %packet, stage, %error, "answer broken off before anything of it was passed on");
    if let Some(change) = relay.is_broken(failure.verdict()) {
        log_transition(group, change);
    }
    Stumble::GaveUp(GiveUp::Failed(failure))
}

/// `set_session_cookie`: leads a session that did not stick back to the member that was chosen. With
/// one member there is nothing to lead to.
fn session_cookie(group: &Group, steering: &Steering<'_>, chosen: &Chosen) -> Option<String> {
    let config = group.balancer.config();
    let sticky = &config.sticky;
    if !steering.sets_cookie(sticky) || chosen.sticky || config.members.len() == 1 {
        return None;
    }
    let route = group.route(chosen.index)?;
    response::session_cookie(&sticky.cookie, route, &sticky.cookie_path)
}

impl std::fmt::Display for Forward<'_> {
    /// The request as logs show it: without its query, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = self.head.method.as_str().as_bytes();
        write!(f, "{} {}", Printable(method), Printable(self.uri))
    }
}
