//! What goes back to the client: a page of our own, or a backend's answer while it comes in.

use std::{
    error::Error,
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, combinators::UnsyncBoxBody};
use jkworkers::model::JkOptions;
use tokio::time::{Instant, timeout};

use crate::{
    access::Claims,
    attempt::failure_of,
    balancer::{InFlight, Transition, Verdict},
    forward::software,
    http1::Head,
    logging::{Printable, Within},
    logs::{Ending, Record, Transaction},
    maintain::log_transition,
    peer::Peer,
    rewriting::Trail,
    snapshot::{self, Served, Snapshot},
    stats::Begun,
};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    source: Source,
    /// Ends with the answer, whoever ends it.
    visit: Option<Box<Visit>>,
}

/// A file while it is read.
pub(crate) type FileBody = UnsyncBoxBody<Bytes, io::Error>;

/// Boxed, because answers are moved from hand to hand: each time costs more than the box.
#[derive(Debug)]
enum Source {
    File(FileBody),
    Page(Full<Bytes>),
    Relay(Box<Relay>),
}

impl From<Full<Bytes>> for Answer {
    fn from(page: Full<Bytes>) -> Self {
        Self {
            source: Source::Page(page),
            visit: None,
        }
    }
}

impl From<FileBody> for Answer {
    fn from(file: FileBody) -> Self {
        Self {
            source: Source::File(file),
            visit: None,
        }
    }
}

impl From<Box<Relay>> for Answer {
    fn from(relay: Box<Relay>) -> Self {
        Self {
            source: Source::Relay(relay),
            visit: None,
        }
    }
}

impl Answer {
    /// Leaves nothing of the body.
    pub(crate) async fn discard(&mut self) {
        if let Source::Relay(relay) = &mut self.source {
            relay.discard().await;
        }
        self.source = Source::Page(Full::default());
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { source, visit } = &mut *self;
        let Some(visit) = visit else {
            return Poll::Ready(None); // every answer that leaves belongs to a visit
        };
        let _within = visit.within();
        let polled = match source {
            Source::Page(page) => Pin::new(page)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Source::Relay(relay) => relay.poll_frame(cx, visit).map_err(Into::into),
            Source::File(file) => Pin::new(file).poll_frame(cx).map_err(|error| {
                tracing::warn!(request = %visit, %error, "file broken off, and with it the client's connection");
                error.into()
            }),
        };
        visit.passes(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::File(file) => file.is_end_stream(),
            Source::Page(page) => page.is_end_stream(),
            Source::Relay(relay) => relay.first.is_none() && relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::File(file) => file.size_hint(),
            Source::Page(page) => page.size_hint(),
            Source::Relay(relay) => relay.size_hint(),
        }
    }
}

/// A backend's answer. Frames go on as they come; an answer that breaks off is an error, so that
/// the client's connection breaks off too and nobody takes a part for the whole.
#[derive(Debug)]
pub(crate) struct Relay {
    status: StatusCode,
    /// The head, until it leaves.
    head: Option<response::Parts>,
    /// `FlushHeader`, `FlushPackets`: nobody waits for the end to say how long it is.
    flushes: Flushes,
    /// The beginning, where it came together with the head.
    first: Option<Bytes>,
    body: ajp13::Body,
    /// Counts the request as in flight.
    guard: Option<InFlight>,
    broken: bool,
    /// Whether the log says already that Tomcat itself refused the request.
    refusal_told: bool,
}

/// Bytes of the packet that ends an answer.
const END_RESPONSE: u64 = 6;

/// How long the end of a refusal without a body may take.
const REFUSAL_END: Duration = Duration::from_secs(1);

impl Relay {
    pub(crate) fn new(response: Response<ajp13::Body>, options: JkOptions) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            head: Some(head),
            flushes: Flushes::by(options),
            first: None,
            body,
            guard: None,
            broken: false,
            refusal_told: false,
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The head, once. An empty one after that.
    pub(crate) fn take_head(&mut self) -> response::Parts {
        let head = self.head.take();
        head.unwrap_or_else(|| Response::new(()).into_parts().0)
    }

    /// Takes what is there of the body, for once.
    ///
    /// # Errors
    ///
    /// When the answer is broken already.
    pub(crate) fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), ajp13::Error> {
        if let Poll::Ready(Some(frame)) = Pin::new(&mut self.body).poll_frame(cx) {
            // AJP has no trailers: all that comes is data.
            self.first = frame?.into_data().ok();
        }
        Ok(())
    }

    /// Reads the end of a 403 without a body, for which nobody would ask: it tells whether Tomcat
    /// itself refused the request.
    pub(crate) async fn read_refusal(&mut self) {
        let is_one = self.status == StatusCode::FORBIDDEN && self.is_whole();
        if is_one && !self.body.is_end_stream() {
            let end = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
            // All that the client gets is there, so that nothing else depends on it.
            let _ = timeout(REFUSAL_END, end).await;
        }
    }

    /// Reads the rest and throws it away, so that the connection can be used again. Returns what
    /// it changed about the member's state that it broke off.
    pub(crate) async fn discard(&mut self) -> Option<Transition> {
        self.first = None;
        // Nobody takes it for the whole, and whoever stops reading is not the client.
        self.broken = true;
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
            if let Err(error) = frame {
                return self.record(failure_of(&error).verdict());
            }
        }
        None
    }

    /// Nobody wants it: closes the connection to the member.
    pub(crate) fn close(&mut self) {
        self.body.close();
    }

    /// Counts the request as in flight until the end of its answer. `guard` was given out for the
    /// try that is being answered.
    pub(crate) fn count(&mut self, guard: InFlight) {
        self.guard = Some(guard);
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        visit: &Visit,
    ) -> Poll<Option<Result<Frame<Bytes>, ajp13::Error>>> {
        let polled = match self.first.take() {
            Some(data) => Some(Ok(Frame::data(data))),
            None => ready!(Pin::new(&mut self.body).poll_frame(cx)),
        };
        if let Some(Err(error)) = &polled {
            self.breaks_off(error, visit);
        }
        self.tell_refusal(visit);
        if self.body.is_end_stream() {
            // Whoever has the whole answer finds it counted.
            self.settle();
        }
        Poll::Ready(polled)
    }

    /// Says once what an operator should look at when Tomcat itself refused the request.
    fn tell_refusal(&mut self, visit: &Visit) {
        let hint = self.body.refusal_hint().filter(|_| !self.refusal_told);
        if let Some(hint) = hint {
            self.refusal_told = true;
            tracing::warn!(worker = visit.worker(), request = %visit, "refused with 403: {hint}");
        }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        match self.body.size_hint().exact() {
            Some(rest) if self.flushes.hides(rest.saturating_add(first)) => SizeHint::default(),
            Some(rest) => SizeHint::with_exact(rest.saturating_add(first)),
            None => SizeHint::default(),
        }
    }

    /// The answer broke off in the middle: says so, and holds it against whom it concerns.
    fn breaks_off(&mut self, error: &ajp13::Error, visit: &Visit) {
        self.broken = true;
        let verdict = failure_of(error).verdict();
        let worker = visit.worker();
        if verdict == Verdict::ClientError {
            tracing::info!(worker, request = %visit, %error, "request given up by its client");
        } else {
            tracing::warn!(worker, request = %visit, %error, "answer broken off, and with it the client's connection");
        }
        if let Some(change) = self.record(verdict)
            && let Some(group) = visit.snapshot.group_of(visit.served)
        {
            log_transition(group, change);
        }
    }

    fn record(&mut self, verdict: Verdict) -> Option<Transition> {
        self.guard.as_mut()?.record(verdict, snapshot::now())
    }

    /// What was carried so far.
    pub(crate) fn tally(&self) -> ajp13::Tally {
        self.body.tally()
    }

    /// The backend has done its part, or nobody waits for it any more.
    fn settle(&mut self) {
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        let tally = self.body.tally();
        // Where only the end is missing, the pool waits for it.
        let end = if self.is_whole() && !self.body.is_end_stream() {
            END_RESPONSE
        } else {
            0
        };
        guard.count_bytes(tally.written, tally.read + end);
    }

    /// Whether the backend has given all it had to give.
    fn is_whole(&self) -> bool {
        self.first.is_none()
            && (self.body.is_end_stream() || self.body.size_hint().exact() == Some(0))
    }
}

/// When the length of an answer is not told although it is known: what is flushed before the end
/// leaves httpd without a length.
#[derive(Clone, Copy, Debug)]
enum Flushes {
    Never,
    /// Unless there is nothing to flush.
    Packets,
    Head,
}

impl Flushes {
    const fn by(options: JkOptions) -> Self {
        match options {
            JkOptions {
                flush_header: true, ..
            } => Self::Head,
            JkOptions {
                flush_packets: true,
                ..
            } => Self::Packets,
            _ => Self::Never,
        }
    }

    const fn hides(self, length: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Packets => length > 0,
            Self::Head => true,
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if !self.is_whole() && !self.broken {
            self.guard.as_mut().map(InFlight::client_leaves);
        }
        self.settle();
    }
}

/// One request's stay, from its head to the end of its answer.
pub(crate) struct Visit {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) peer: Arc<Peer>,
    served: Served,
    ending: Ending,
    /// All of the answer has gone to where it is sent from.
    ended: bool,
    pub(crate) began: Instant,
    pub(crate) head: Head,
    /// Who the client says it is.
    pub(crate) claims: Claims,
    pub(crate) record: Record,
    /// What rules about rewriting have left.
    pub(crate) trail: Trail,
    _begun: Begun,
}

impl Visit {
    /// The request's head has come.
    pub(crate) fn begin(snapshot: Arc<Snapshot>, peer: Arc<Peer>, head: Head) -> Box<Self> {
        peer.begins_request();
        Box::new(Self {
            snapshot,
            peer,
            served: Served::default(),
            ending: Ending::default(),
            ended: false,
            began: Instant::now(),
            head,
            claims: Claims::default(),
            record: Record::default(),
            trail: Trail::default(),
            _begun: Begun::new(),
        })
    }

    /// The name of the worker that serves it; empty where there is none.
    fn worker(&self) -> &str {
        self.snapshot.name_of(self.served)
    }

    /// Ends together with the answer's body.
    pub(crate) fn end_with(
        mut self: Box<Self>,
        mut response: Response<Answer>,
        served: Served,
    ) -> Response<Answer> {
        self.served = served;
        self.ending.status = response.status().as_u16();
        let main = self.snapshot.model.hosts.first();
        let own = HeaderValue::from_static(main.map_or("jkd", software));
        response.headers_mut().insert(header::SERVER, own);
        let Self {
            snapshot,
            record,
            ending,
            peer,
            ..
        } = &mut *self;
        if record.host().is_none() && snapshot.logs.any() {
            // It did not get so far.
            let host = snapshot.model.host_for(peer.local, None);
            record.is_for(host, &snapshot.logs);
        }
        record.answers(&snapshot.logs, response.headers(), ending);
        response.map(|mut answer| {
            if let Source::Relay(relay) = &mut answer.source {
                // Where the end is here already, nobody asks for it.
                relay.tell_refusal(&self);
            }
            answer.visit = Some(self);
            answer
        })
    }
}

impl Visit {
    /// For lines about this request.
    fn within(&self) -> Option<Within> {
        let id = self.record.id();
        let differ = id.is_some() || self.snapshot.logs.own_lines_differ();
        differ.then(|| Within::host(self.record.host().unwrap_or_default(), id))
    }

    /// Counts what goes to the client.
    fn passes<E>(&mut self, polled: &Poll<Option<Result<Frame<Bytes>, E>>>) {
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.ending.bytes += u64::try_from(bytes).unwrap_or_default();
            }
            Poll::Ready(Some(Err(_))) => self.ending.aborted = true,
            Poll::Ready(None) => self.ended = true,
            Poll::Pending => {}
        }
    }

    /// Writes the lines of the request.
    fn log(&self, ended: Instant) {
        let (model, logs) = (&self.snapshot.model, &self.snapshot.logs);
        let number = self.record.host();
        let host = number.and_then(|number| model.hosts.get(number));
        let Some(host) = host else { return };
        let Some(logs) = logs.of(host.number) else {
            return;
        };
        let own = Transaction {
            host,
            head: &self.head,
            asked: &self.head,
            peer: &self.peer,
            record: &self.record,
            ending: &self.ending,
            status: self.ending.status,
            has_fields: true,
            user: self.claims.user.as_deref(),
            group: self.snapshot.group_of(self.served),
            member: self.served.member,
            began: self.began,
            ended,
            now: SystemTime::now(),
        };
        match self.record.redirected() {
            None => logs.write(&own, None),
            Some(redirected) => {
                let (first, last) = redirected.transactions(&own, &self.snapshot);
                logs.write(&last, Some(&first));
            }
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let _within = self.within();
        let now = Instant::now();
        let took = now.saturating_duration_since(self.began);
        self.snapshot.count(self.served, self.ending.status, took);
        if !self.ended {
            self.ending.aborted = true;
            if self.ending.status == 0 {
                // What mod_jk says of clients that leave.
                self.ending.status = StatusCode::BAD_REQUEST.as_u16();
            }
        }
        self.log(now);
        self.peer.wire().begins_anew();
        tracing::debug!(
            client = %self.peer.ip_text,
            worker = self.worker(),
            request = %self,
            status = self.ending.status,
            ?took,
            "answered"
        );
    }
}

impl fmt::Display for Visit {
    /// The request as logs show it: without its query, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.head.method.as_str().as_bytes();
        let path = self.head.path();
        write!(f, "{} {}", Printable(method), Printable(path))
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("peer", &self.peer.ip_text)
            .finish_non_exhaustive()
    }
}
