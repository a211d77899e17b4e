//! What goes back to the client: a page of our own, or a backend's answer while it comes in.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Response, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::time::Instant;

use crate::{
    attempt::failure_of,
    balancer::{InFlight, Verdict},
    logging::Printable,
    peer::Peer,
    snapshot,
};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    source: Source,
    /// Ends with the answer, whoever ends it.
    _visit: Option<Visit>,
}

#[derive(Debug)]
enum Source {
    Page(Full<Bytes>),
    Relay(Relay),
}

impl From<Full<Bytes>> for Answer {
    fn from(page: Full<Bytes>) -> Self {
        Self {
            source: Source::Page(page),
            _visit: None,
        }
    }
}

impl From<Relay> for Answer {
    fn from(relay: Relay) -> Self {
        Self {
            source: Source::Relay(relay),
            _visit: None,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = ajp13::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ajp13::Error>>> {
        match &mut self.source {
            Source::Page(page) => Pin::new(page)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Source::Relay(relay) => relay.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Page(page) => page.is_end_stream(),
            Source::Relay(relay) => relay.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Page(page) => page.size_hint(),
            Source::Relay(relay) => relay.body.size_hint(),
        }
    }
}

/// A backend's answer. Frames go on as they come; an answer that breaks off is an error, so that
/// the client's connection breaks off too and nobody takes a part for the whole.
#[derive(Debug)]
pub(crate) struct Relay {
    body: ajp13::Body,
    /// Counts the request as in flight.
    guard: Option<InFlight>,
    broken: bool,
}

impl Relay {
    /// `guard` was given out for the try that is being answered.
    pub(crate) fn new(body: ajp13::Body, mut guard: Option<InFlight>) -> Self {
        if let Some(guard) = &mut guard {
            // The member works, however long the rest of the answer takes.
            guard.record(Verdict::Ok, snapshot::now());
        }
        Self {
            body,
            guard,
            broken: false,
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ajp13::Error>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Err(error)) = &polled {
            self.broken = true;
            self.blame(error);
        }
        Poll::Ready(polled)
    }

    /// The answer broke off in the middle: says so, and holds it against whom it concerns.
    fn blame(&mut self, error: &ajp13::Error) {
        let failure = failure_of(error);
        if failure.verdict() == Verdict::ClientError {
            tracing::info!(%error, "request given up by its client");
        } else {
            tracing::warn!(%error, "answer broken off; the client's connection is closed");
        }
        if let Some(guard) = &mut self.guard {
            guard.record(failure.verdict(), snapshot::now());
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(hint) = self.body.refusal_hint() {
            tracing::warn!("{hint}");
        }
        let tally = self.body.tally();
        let Some(guard) = &mut self.guard else { return };
        guard.count_bytes(tally.sent, tally.received);
        let is_whole = self.body.is_end_stream() || self.body.size_hint().exact() == Some(0);
        if !is_whole && !self.broken {
            guard.record(Verdict::ClientError, snapshot::now());
        }
    }
}

/// One request's stay, from its head to the end of its answer.
pub(crate) struct Visit {
    peer: Arc<Peer>,
    line: Option<Box<Line>>,
}

/// What a line of the access log says.
struct Line {
    request: String,
    status: u16,
    began: Instant,
}

impl Visit {
    /// The request's head has come.
    pub(crate) fn begin(peer: Arc<Peer>, head: &request::Parts) -> Self {
        peer.busy();
        let line = tracing::enabled!(tracing::Level::DEBUG).then(|| {
            let method = Printable(head.method.as_str().as_bytes());
            let path = Printable(head.uri.path().as_bytes());
            Box::new(Line {
                request: format!("{method} {path}"),
                status: 0,
                began: Instant::now(),
            })
        });
        Self { peer, line }
    }

    /// Who is visiting.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Ends together with the answer's body.
    pub(crate) fn end_with(mut self, response: Response<Answer>) -> Response<Answer> {
        if let Some(line) = &mut self.line {
            line.status = response.status().as_u16();
        }
        response.map(|answer| Answer {
            _visit: Some(self),
            ..answer
        })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.peer.quiet(Instant::now());
        if let Some(line) = &self.line {
            tracing::debug!(
                client = %self.peer.ip_text,
                request = %line.request,
                status = line.status,
                took = ?line.began.elapsed(),
                "answered"
            );
        }
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("peer", &self.peer.ip_text)
            .finish_non_exhaustive()
    }
}
