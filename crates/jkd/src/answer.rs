//! What goes back to the client: a page of our own, or a backend's answer while it comes in.

mod compressed;
mod held;
mod relay;

use std::{
    error::Error,
    fmt, io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::SystemTime,
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::time::Instant;

use self::compressed::{Compressed, Failure};
pub(crate) use self::relay::Relay;
use crate::{
    access::Claims,
    compress::Fed,
    forward::software,
    http1::{Head, Outgoing},
    logging::{Printable, Within},
    logs::{Ending, Record, Transaction},
    peer::Peer,
    rewriting::Trail,
    snapshot::{Served, Snapshot},
    static_files::{FileBody, Piece},
    stats::Begun,
    unique_id,
};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    source: Source,
    /// Its length is not told, although it is known.
    hides_length: bool,
    /// It is a page that was compressed before its head leaves.
    is_whole: bool,
    /// The backend's answer that it was made of, until that has told what there is to tell.
    made_of: Option<Box<Relay>>,
    /// Ends with the answer, whoever ends it.
    visit: Option<Box<Visit>>,
}

/// Boxed, because answers are moved from hand to hand: each time costs more than the box.
#[derive(Debug)]
enum Source {
    Compressed(Box<Compressed>),
    File(Box<FileBody>),
    Page(Full<Bytes>),
    Relay(Box<Relay>),
}

impl From<Full<Bytes>> for Answer {
    fn from(page: Full<Bytes>) -> Self {
        Source::Page(page).into()
    }
}

impl From<FileBody> for Answer {
    fn from(file: FileBody) -> Self {
        Source::File(Box::new(file)).into()
    }
}

impl From<Box<Relay>> for Answer {
    fn from(relay: Box<Relay>) -> Self {
        Source::Relay(relay).into()
    }
}

impl From<Source> for Answer {
    fn from(source: Source) -> Self {
        Self {
            source,
            hides_length: false,
            is_whole: false,
            made_of: None,
            visit: None,
        }
    }
}

impl Answer {
    /// The length of all of the body, where httpd would have it before the head leaves. `sends`: the
    /// client wants more than the head.
    pub(crate) fn whole(&self, sends: bool) -> Option<u64> {
        match &self.source {
            Source::Relay(relay) if sends => relay.whole(),
            Source::Page(page) if self.is_whole => page.size_hint().exact(),
            // It is there also where only its head is wanted.
            Source::File(file) => file.whole(),
            Source::Compressed(_) | Source::Page(_) | Source::Relay(_) => None,
        }
    }

    /// Puts these pieces of the whole body in its place.
    pub(crate) fn cut(&mut self, pieces: Vec<Piece>) {
        match &mut self.source {
            Source::Relay(relay) => relay.cut(pieces),
            Source::Page(page) if self.is_whole => {
                let whole = page.clone().into_inner().unwrap_or_default();
                let cut: Vec<_> = pieces.into_iter().map(|piece| piece.of(&whole)).collect();
                *page = Full::new(cut.concat().into());
            }
            Source::File(file) => file.cut(pieces),
            Source::Compressed(_) | Source::Page(_) => {}
        }
    }

    /// The same without its length.
    pub(crate) fn without_length(self) -> Self {
        Self {
            hides_length: true,
            ..self
        }
    }

    /// Leaves nothing of the body.
    pub(crate) async fn discard(&mut self) {
        if let Some(relay) = self.source.relay() {
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
        let Self { source, visit, .. } = &mut *self;
        let Some(visit) = visit else {
            return Poll::Ready(None); // every answer that leaves belongs to a visit
        };
        let _within = visit.within();
        let polled = match source {
            Source::Compressed(compressed) => compressed.poll_frame(cx, visit),
            Source::Page(page) => Pin::new(page)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Source::Relay(relay) => relay.poll_frame(cx, visit).map_err(Into::into),
            Source::File(file) => Pin::new(&mut **file)
                .poll_frame(cx)
                .map_err(|error| file_fails(error, visit)),
        };
        visit.passes(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Compressed(compressed) => compressed.is_end_stream(),
            Source::File(file) => file.is_end_stream(),
            Source::Page(page) => page.is_end_stream(),
            Source::Relay(relay) => relay.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            _ if self.hides_length => SizeHint::default(),
            source => source.size_hint(),
        }
    }
}

impl Source {
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Compressed(_) => SizeHint::default(),
            Self::File(file) => file.size_hint(),
            Self::Page(page) => page.size_hint(),
            Self::Relay(relay) => relay.size_hint(),
        }
    }

    /// The next piece for whoever makes something else of it. A failure is told by [`Self::fails`].
    fn poll_fed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Fed, Failure>> {
        let polled = match self {
            // Nothing is compressed twice.
            Self::Compressed(_) => return Poll::Ready(Ok(Fed::End)),
            Self::Relay(relay) => return relay.poll_fed(cx).map_err(Failure::Ajp),
            Self::File(file) => ready!(Pin::new(&mut **file).poll_frame(cx)),
            Self::Page(page) => {
                let polled = ready!(Pin::new(page).poll_frame(cx));
                polled.map(|frame| frame.map_err(|never| match never {}))
            }
        };
        Poll::Ready(match polled {
            None => Ok(Fed::End),
            Some(Ok(frame)) => Ok(Fed::Data(frame.into_data().unwrap_or_default())),
            Some(Err(error)) => Err(Failure::Io(error)),
        })
    }

    /// The backend's answer in it.
    fn relay(&mut self) -> Option<&mut Relay> {
        match self {
            Self::Compressed(compressed) => compressed.relay(),
            Self::Relay(relay) => Some(relay),
            Self::File(_) | Self::Page(_) => None,
        }
    }

    /// Tells what there is to tell of a backend's answer besides what goes on of it.
    fn tell(&mut self, visit: &Visit) {
        if let Some(relay) = self.relay() {
            relay.tell(visit);
        }
    }

    /// The body breaks off: says so.
    fn fails(&mut self, failure: Failure, visit: &Visit) -> Box<dyn Error + Send + Sync> {
        match (failure, self) {
            (Failure::Ajp(error), Self::Relay(relay)) => {
                relay.breaks_off(&error, visit);
                error.into()
            }
            (Failure::Ajp(error), _) => error.into(),
            (Failure::Io(error), _) => file_fails(error, visit),
            (Failure::Gzip(error), _) => {
                tracing::error!(request = %visit, %error, "answer broken off, and with it the client's connection");
                error.into()
            }
        }
    }
}

fn file_fails(error: io::Error, visit: &Visit) -> Box<dyn Error + Send + Sync> {
    tracing::warn!(request = %visit, %error, "file broken off, and with it the client's connection");
    error.into()
}

/// One request's stay, from its head to the end of its answer.
pub(crate) struct Visit {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) peer: Arc<Peer>,
    served: Served,
    /// Who served it when the client left before the answer.
    left: OnceLock<Served>,
    ending: Ending,
    /// All of the answer has gone to where it is sent from.
    ended: bool,
    pub(crate) began: Instant,
    pub(crate) head: Head,
    /// Who the client says it is.
    pub(crate) claims: Claims,
    pub(crate) record: Record,
    /// Variables that are there before anybody looks at it: what it is called.
    pub(crate) own: Vec<(String, Vec<u8>)>,
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
            left: OnceLock::new(),
            ending: Ending::default(),
            ended: false,
            began: Instant::now(),
            head,
            claims: Claims::default(),
            record: Record::default(),
            own: Vec::new(),
            trail: Trail::default(),
            _begun: Begun::new(),
        })
    }

    /// It gets a name of its own where the files want that. Not, where its head makes no sense.
    pub(crate) fn name(&mut self) {
        let main = self.snapshot.model.hosts.first();
        if main.is_some_and(|main| main.names_requests) {
            let id = unique_id::make();
            self.record.is_named(&id);
            self.own = vec![(unique_id::NAME.to_owned(), id.into())];
        }
    }

    /// The client has left before its answer began, while this one served it.
    pub(crate) fn is_left(&self, served: Served) {
        let _ = self.left.set(served);
    }

    /// The name of the worker that serves it; empty where there is none.
    fn worker(&self) -> &str {
        self.snapshot.name_of(self.served)
    }

    /// Ends together with the answer's body.
    pub(crate) fn end_with(
        mut self: Box<Self>,
        mut response: Outgoing<Answer>,
        served: Served,
    ) -> Outgoing<Answer> {
        self.served = served;
        self.ending.status = response.status().as_u16();
        let main = self.snapshot.model.hosts.first();
        response.head.server = main.map_or("jkd", software);
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
        record.answers(&snapshot.logs, &response.head, ending);
        response.map(|mut answer| {
            // Where the end is here already, nobody asks for it.
            answer.source.tell(&self);
            if let Some(mut relay) = answer.made_of.take() {
                relay.tell(&self);
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
        if !self.ended {
            self.ending.aborted = true;
            if self.ending.status == 0 {
                self.ending.status = if std::thread::panicking() {
                    StatusCode::INTERNAL_SERVER_ERROR.as_u16()
                } else {
                    // What mod_jk says of clients that leave.
                    StatusCode::BAD_REQUEST.as_u16()
                };
            }
        }
        if let Some(served) = self.left.take() {
            self.served = served;
        }
        self.snapshot.count(self.served, self.ending.status, took);
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
