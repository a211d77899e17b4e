//! A request's stay, from its head to the end of its answer: what is known of it, and what is left
//! behind when it ends, its lines and its counts.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    task::Poll,
    time::SystemTime,
};

use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use tokio::time::Instant;

use super::Answer;
use crate::{
    access::Claims,
    forward::software,
    http1::{Head, Outgoing},
    logging::{Printable, Within},
    logs::{Ending, Record, Transaction},
    peer::Peer,
    rewriting::Trail,
    snapshot::{Group, Served, Snapshot},
    stats::Begun,
    unique_id,
};

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
    pub(super) fn worker(&self) -> &str {
        self.snapshot.name_of(self.served)
    }

    /// The balancer or worker that serves it.
    pub(super) fn group(&self) -> Option<&Group> {
        self.snapshot.group_of(self.served)
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
    pub(super) fn within(&self) -> Option<Within> {
        let id = self.record.id();
        let differ = id.is_some() || self.snapshot.logs.own_lines_differ();
        differ.then(|| Within::host(self.record.host().unwrap_or_default(), id))
    }

    /// Counts what goes to the client.
    pub(super) fn passes<E>(&mut self, polled: &Poll<Option<Result<Frame<Bytes>, E>>>) {
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.ending.bytes += u64::try_from(bytes).unwrap_or_default();
            }
            Poll::Ready(Some(Err(_))) => self.ending.aborted |= !self.ended,
            Poll::Ready(None) => self.ended = true,
            Poll::Pending => {}
        }
    }

    /// What breaks off from here on is nothing that the client would miss.
    pub(super) const fn is_delivered(&mut self) {
        self.ended = true;
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
            group: self.group(),
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
