//! One request, top to bottom.
//!
//! ```text
//!   listener ─► handle ─► strict ─► mapping ─► access ─► dispatch ─► attempt ─► answer
//!                  │         │         │         │           │          │
//!                  └─────────┴─────────┴────◄────┴── rescue ─┴──────────┘
//! ```

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use jkworkers::{model::Host, uri_map};

use crate::{
    answer::{Answer, Visit},
    dispatch::dispatch,
    forward::{BodyLength, Facts, Forward, Indicated, Seen, forwarded_uri},
    http1::Head,
    mapping::{self, Decision, Mapped},
    peer::Peer,
    rescue::{self, Stumble},
    serve::Shared,
    snapshot::{Group, Running, Served},
    static_files, status,
    steering::Steering,
    strict::{self, Checked, Target},
    upload::{ClientBody, Upload},
    variables::Variables,
};

/// Answers one request. Whatever goes wrong becomes a page here.
pub(crate) async fn handle(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    peer: Arc<Peer>,
) -> Result<Response<Answer>, Infallible> {
    let snapshot = shared.snapshot.load_full();
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        peer.sent_all();
    }
    let visit = Visit::begin(snapshot, peer, Head::from(&head));
    let mut served = Served::default();
    let response = match answer(&visit, body, &mut served).await {
        Ok(response) => response,
        Err(stumble) => rescue::respond(stumble).map(Into::into),
    };
    Ok(visit.end_with(response, served))
}

async fn answer(
    Visit {
        snapshot,
        peer,
        head,
        ..
    }: &Visit,
    body: Incoming,
    served: &mut Served,
) -> Result<Response<Answer>, Stumble> {
    let checked = strict::check(head).map_err(Stumble::Refused)?;
    let host = snapshot.model.host_for(peer.local, checked.target.host);
    let decoded = uri_map::decode(head.path(), host.uri_rules).map_err(mapping::bad_path)?;
    let Decision {
        path,
        variables,
        target,
        allows_files,
    } = mapping::decide(host, head, peer, &decoded, |name| snapshot.configured(name))?;
    if allows_files {
        return Box::pin(static_files::serve(host, head, &path)).await;
    }
    let mapped = target?;
    let facts = Facts {
        host,
        head,
        peer,
        server_name: &server_name(&checked.target, host, peer),
        server_port: server_port(&checked.target, host),
        path: &path,
    };
    match snapshot.worker(mapped.worker()) {
        Some(Running::Group(group)) => {
            let routed = Routed {
                facts,
                checked: &checked,
                decoded: &decoded,
                mapped: &mapped,
                variables: &variables,
            };
            *served = Served::by(group);
            let body = ClientBody::new(body, peer.clone());
            relay(group, routed, body, &mut served.member).await
        }
        Some(Running::Status(worker)) => Ok(status::respond(snapshot, worker, &facts).await),
        None => Err(no_worker(&mapped)),
    }
}

/// A request that is for a group of members, and all that is known about it.
struct Routed<'a> {
    facts: Facts<'a>,
    checked: &'a Checked<'a>,
    decoded: &'a [u8],
    mapped: &'a Mapped<'a>,
    variables: &'a Variables<'a>,
}

async fn relay(
    group: &Group,
    Routed {
        facts,
        checked,
        decoded,
        mapped,
        variables,
    }: Routed<'_>,
    body: ClientBody,
    member: &mut Option<usize>,
) -> Result<Response<Answer>, Stumble> {
    let Facts {
        host, head, peer, ..
    } = facts;
    let decoded = mapped.stripped(host, decoded);
    let indicated = &Indicated::by(variables, &facts);
    let seen = Seen::new(head.path(), &decoded, facts.path);
    let forward = Forward {
        head,
        peer,
        uri: &forwarded_uri(seen, host.forward_uri, peer)?,
        server_name: facts.server_name,
        server_port: facts.server_port,
        body: checked.body.unless(indicated.ignores_length),
        has_cookies: checked.has_cookies,
        indicated,
        options: host.options,
    };
    let upload = receive(&forward, body, group.max_data).await?;
    let steering = Steering::by(host, mapped, variables);
    dispatch(group, &forward, &steering, upload, member).await
}

fn no_worker(mapped: &Mapped<'_>) -> Stumble {
    tracing::error!(
        worker = mapped.worker(),
        by = mapped.origin(),
        "there is no such worker in worker.list"
    );
    Stumble::NoWorker
}

/// httpd's `UseCanonicalName Off`: the name that the client used, else the host's own.
fn server_name<'a>(target: &Target<'a>, host: &'a Host, peer: &'a Peer) -> Cow<'a, str> {
    // A final dot says that it is whole.
    let named = target
        .host
        .map(|name| name.strip_suffix('.').unwrap_or(name));
    match (named, &host.server_name) {
        (Some(name), _) if has_uppercase(name) => Cow::Owned(name.to_ascii_lowercase()),
        (Some(name), _) => Cow::Borrowed(name),
        (None, Some(own)) => Cow::Borrowed(&own.name),
        (None, None) => Cow::Borrowed(&peer.local_text),
    }
}

fn has_uppercase(name: &str) -> bool {
    // Not `any`, which looks at one byte after the other.
    name.bytes()
        .fold(false, |any, b| any | b.is_ascii_uppercase())
}

/// The port that the client named, else the host's own, else that of `http`.
fn server_port(target: &Target<'_>, host: &Host) -> u16 {
    const HTTP: u16 = 80;
    let own = host.server_name.as_ref().and_then(|own| own.port);
    target.port.or(own).unwrap_or(HTTP)
}

/// Reads what AJP sends of a body without being asked.
async fn receive(
    forward: &Forward<'_>,
    body: ClientBody,
    max_data: usize,
) -> Result<Upload, Stumble> {
    if forward.body == BodyLength::None {
        return Ok(Upload::none());
    }
    let announced = forward.body.known();
    Upload::begin(body, announced, max_data).await.map_err(|error| {
        tracing::info!(client = %forward.peer.ip_text, request = %forward, %error, "request given up by its client");
        Stumble::ClientBody
    })
}
