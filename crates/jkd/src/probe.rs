//! Asks members in error in the background whether they work again, so that no client's request
//! has to find out. Whom and when: [`crate::balancer`]. How: over a new connection beside the pool,
//! by a CPing, and then for `probe_uri` if there is one.

use std::{cmp::Reverse, future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use ajp13::{
    Announced, PooledConn, SendError, SendOptions,
    wire::{Attribute, ForwardRequestWriter, Method, PacketSize, RequestLine, TooLarge},
};
use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body::Body as _;
use http_body_util::Empty;
use jkworkers::model::{AjpWorker, ProbeSettings};
use tokio::{
    select,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    balancer::Probe,
    serve::Shared,
    snapshot::{self, Endpoint, Group, Snapshot},
};

/// How often members are looked through for those that are to be asked.
const TICK: Duration = Duration::from_millis(250);

/// How many are asked at the same time.
const AT_ONCE: usize = 64;

/// How much of an answer's body is read, so that the application can end in peace.
const MAX_BODY: usize = 64 * 1024;

/// Runs until `closing`.
pub(crate) async fn run(shared: Arc<Shared>, closing: CancellationToken) {
    let mut asking = JoinSet::new();
    loop {
        select! {
            () = closing.cancelled() => return,
            Some(_) = asking.join_next() => {}
            () = sleep(TICK) => {}
        }
        begin_due(&shared.snapshot.load(), &mut asking);
    }
}

/// Begins with those that have waited longest.
fn begin_due(snapshot: &Snapshot, asking: &mut JoinSet<()>) {
    let room = AT_ONCE.saturating_sub(asking.len());
    let now = snapshot::now();
    let due_of = |group| Group::due_probes(group, now);
    let mut due: Vec<_> = snapshot.groups().flat_map(due_of).collect();
    due.sort_by_key(|(_, _, waited)| Reverse(*waited));
    for (group, index, _) in due.into_iter().take(room) {
        if let Some(question) = Question::new(group, index) {
            asking.spawn(question.ask());
        }
    }
}

impl Group {
    fn due_probes(
        &self,
        now: crate::balancer::Now,
    ) -> impl Iterator<Item = (&Self, usize, Duration)> {
        let due = self.balancer.due_probes(now);
        due.map(move |(index, waited)| (self, index, waited))
    }
}

/// A member that is being asked.
struct Question {
    group: Arc<str>,
    worker: Arc<AjpWorker>,
    endpoint: Arc<Endpoint>,
    probe: Probe,
}

/// A proper answer.
struct Answer {
    /// Who gave it.
    peer: String,
    /// What `probe_uri` has to say.
    body: Option<ajp13::Body>,
}

/// Why a member did not answer as it should.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Ajp(#[from] ajp13::Error),
    #[error("probe_uri was answered with status {}", .0.as_u16())]
    Status(StatusCode),
    #[error("{what} within {} ms", .limit.as_millis())]
    Late { what: &'static str, limit: Duration },
}

impl Question {
    fn new(group: &Group, index: usize) -> Option<Self> {
        let member = group.balancer.config().members.get(index)?;
        Some(Self {
            group: group.name.clone(),
            worker: member.worker.clone(),
            endpoint: group.endpoints.get(index)?.clone(),
            probe: group.balancer.begin_probe(index)?,
        })
    }

    async fn ask(self) {
        let limit = self.worker.probe.timeout;
        let mut missing = "neither a connection nor a CPong";
        match timeout(limit, self.answer(&mut missing)).await {
            Ok(Ok(answer)) => {
                self.works(&answer.peer);
                // The verdict does not wait for it.
                if let Some(body) = answer.body {
                    let _ = timeout(limit, finish(body)).await;
                }
            }
            Ok(Err(error)) => self.fails(&error),
            Err(_) => self.fails(&Unanswered::Late {
                what: missing,
                limit,
            }),
        }
    }

    /// `missing` is what it waits for.
    async fn answer(&self, missing: &mut &'static str) -> Result<Answer, Unanswered> {
        let settings = &self.worker.probe;
        let conn = self.endpoint.pool.probe(settings.timeout).await?;
        let peer = conn.conn().peer().to_owned();
        let Some(uri) = &settings.uri else {
            return Ok(Answer { peer, body: None });
        };
        *missing = "no answer to probe_uri";
        let response = get(conn, uri, &self.worker).await?;
        if !is_good(settings, response.status()) {
            return Err(Unanswered::Status(response.status()));
        }
        let body = Some(response.into_body());
        Ok(Answer { peer, body })
    }

    fn works(self, peer: &str) {
        let (worker, member) = (&self.group, &self.worker.name);
        let answered = match self.worker.probe.uri {
            Some(_) => "probe_uri",
            None => "a CPing",
        };
        if self.probe.answered(snapshot::now()).is_some() {
            tracing::info!(%worker, %member, peer, "member works again: {answered} was answered");
        }
    }

    fn fails(self, error: &Unanswered) {
        let (worker, member) = (&self.group, &self.worker.name);
        let peer = self.endpoint.pool.address();
        if self.probe.failed(snapshot::now()) {
            tracing::info!(%worker, %member, %peer, %error, "member is still in error; jkd goes on asking it");
        } else {
            tracing::debug!(%worker, %member, %peer, %error, "member is still in error");
        }
    }
}

fn is_good(settings: &ProbeSettings, status: StatusCode) -> bool {
    match &*settings.statuses {
        [] => status.as_u16() < 400,
        listed => listed.contains(&status.as_u16()),
    }
}

/// Asks for `uri` and waits for the head of the answer.
async fn get(
    conn: PooledConn,
    uri: &str,
    worker: &AjpWorker,
) -> Result<Response<ajp13::Body>, ajp13::Error> {
    let options = SendOptions {
        announced: Announced::None,
        // There is a limit for the whole of it.
        reply_timeout: None,
        ..SendOptions::default()
    };
    let write = |packet: &mut BytesMut, size| write(packet, size, uri, worker);
    let sent = conn.send(write, Empty::<Bytes>::new(), options).await;
    sent.map_err(|SendError { error, .. }| error)
}

fn write(
    packet: &mut BytesMut,
    size: PacketSize,
    uri: &str,
    worker: &AjpWorker,
) -> Result<(), TooLarge> {
    let (path, query) = match uri.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (uri, None),
    };
    let line = RequestLine {
        method: Method::from_name(b"GET"),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(path.as_bytes()),
        remote_addr: Some(b"127.0.0.1"),
        remote_host: None,
        server_name: Some(b"localhost"),
        server_port: 80,
        is_ssl: false,
    };
    let mut writer = ForwardRequestWriter::begin(packet, size, &line);
    writer.header(b"Host", b"localhost");
    writer.header(b"User-Agent", b"jkd");
    writer.header(b"Content-Length", b"0");
    if let Some(secret) = &worker.secret {
        writer.attribute(&Attribute::Secret(secret.reveal().as_bytes()));
    }
    if let Some(query) = query {
        writer.attribute(&Attribute::QueryString(query.as_bytes()));
    }
    writer.finish()
}

/// Reads an answer to its end, or as far as is decent. What it says does not matter.
async fn finish(mut body: ajp13::Body) {
    let mut left = MAX_BODY;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
