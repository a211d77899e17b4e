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
use jkworkers::{
    model::{Asked, Host},
    uri_map,
};

use crate::{
    access::{self, Claims},
    answer::{Answer, Visit},
    dispatch::{Traced, dispatch},
    forward::{BodyLength, Facts, Forward, Indicated, Seen, forwarded_uri},
    headers::{self, Context, Rules},
    http1::Head,
    logging,
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
    let mut visit = Visit::begin(snapshot, peer, Head::from(&head));
    let mut served = Served::default();
    let mut claims = Claims::default();
    let response = answer(&visit, body, &mut served, &mut claims).await;
    visit.claims = claims;
    Ok(visit.end_with(response, served))
}

async fn answer(
    visit: &Visit,
    body: Incoming,
    served: &mut Served,
    claims: &mut Claims,
) -> Response<Answer> {
    let Visit {
        snapshot,
        peer,
        head,
        record,
        ..
    } = visit;
    let checked = match strict::check(head) {
        Ok(checked) => checked,
        Err(refusal) => {
            let host = snapshot.model.host_for(peer.local, None);
            return Course::at(host, visit).page(Stumble::Refused(refusal));
        }
    };
    let host = snapshot.model.host_for(peer.local, checked.target.host);
    record.is_for(host, &snapshot.logs);
    let mut course = Course::at(host, visit);
    let early = headers::early(host, head, &course.cx);
    course.cx.head = &early;
    let decoded = match uri_map::decode(head.path(), host.uri_rules) {
        Ok(decoded) => decoded,
        Err(error) => return course.page(mapping::bad_path(error)),
    };
    let found = match mapping::find(host, &early, peer, &decoded) {
        Ok(found) => found,
        Err(stumble) => return course.page(stumble),
    };
    let entry = access::check(found.guest(host, &early, peer), claims).await;
    course.claims = claims;
    if let Err(stumble) = entry {
        record.has_variables(&found.variables, &snapshot.logs);
        course.rules.asked = Some(Asked::at(&found.path));
        return course.page(stumble);
    }
    let decision = found.decide(host, |name| snapshot.configured(name));
    record.has_variables(&decision.variables, &snapshot.logs);
    decided(visit, checked, &decoded, &decision, body, course, served).await
}

/// Serves a request that is decided about, and changes what is to be changed about it and its
/// answer.
async fn decided(
    visit: &Visit,
    mut checked: Checked<'_>,
    decoded: &[u8],
    decision: &Decision<'_>,
    body: Incoming,
    mut course: Course<'_>,
    served: &mut Served,
) -> Response<Answer> {
    let (host, peer) = (course.rules.host, &visit.peer);
    course.rules.asked = Some(Asked::at(&decision.path));
    course.cx.variables = Some(&decision.variables);
    let late = headers::late(course.rules, course.cx.head, &course.cx);
    if let Some(late) = &late {
        course.cx.head = late;
    }
    if host.changes_headers {
        checked.has_cookies = course.cx.head.headers.contains("cookie");
    }
    let name = server_name(&checked.target, host, peer);
    let facts = Facts {
        host,
        head: course.cx.head,
        peer,
        server_name: &name,
        server_port: server_port(&checked.target, host),
        path: &decision.path,
        claims: course.claims,
    };
    match serve(visit, facts, &checked, decoded, decision, body, served).await {
        Ok(response) => {
            if served.is_by_group() && (host.extracts_tls || !host.env_vars.is_empty()) {
                course.cx.facts = Some(facts);
            }
            course.finish(response)
        }
        Err(stumble) => course.page(stumble),
    }
}

/// What is known of a request's way where its answer leaves.
struct Course<'a> {
    rules: Rules<'a>,
    cx: Context<'a>,
    /// Who the client is, if it was asked.
    claims: &'a Claims,
}

impl<'a> Course<'a> {
    fn at(host: &'a Host, visit: &'a Visit) -> Self {
        Self {
            rules: Rules { host, asked: None },
            cx: Context {
                head: &visit.head,
                variables: None,
                facts: None,
                began: visit.began,
            },
            claims: &visit.claims,
        }
    }

    fn page(&self, stumble: Stumble) -> Response<Answer> {
        let page = self.claims.ask(stumble, rescue::respond(stumble));
        self.finish(page.map(Into::into))
    }

    fn finish(&self, mut response: Response<Answer>) -> Response<Answer> {
        let is_page = response.extensions().get::<rescue::IsPage>().is_some();
        headers::answer(self.rules, response.headers_mut(), is_page, &self.cx);
        response
    }
}

async fn serve(
    Visit {
        snapshot,
        peer,
        record,
        ..
    }: &Visit,
    facts: Facts<'_>,
    checked: &Checked<'_>,
    decoded: &[u8],
    Decision {
        path,
        variables,
        target,
        allows_files,
    }: &Decision<'_>,
    body: Incoming,
    served: &mut Served,
) -> Result<Response<Answer>, Stumble> {
    let Facts { host, head, .. } = facts;
    if *allows_files {
        return Box::pin(static_files::serve(host, head, path)).await;
    }
    let mapped = target.as_ref().map_err(|stumble| *stumble)?;
    match snapshot.worker(mapped.worker()) {
        Some(Running::Group(group)) => {
            let routed = Routed {
                facts,
                checked,
                decoded,
                mapped,
                variables,
            };
            *served = Served::by(group);
            record.is_dispatched(&snapshot.logs);
            let body = ClientBody::new(body, peer.clone());
            let traced = Traced {
                member: &mut served.member,
                record,
            };
            if snapshot.logs.own_lines_differ() {
                let relay = relay(group, routed, body, traced);
                return Box::pin(logging::within(host.number, relay)).await;
            }
            relay(group, routed, body, traced).await
        }
        Some(Running::Status(worker)) => {
            record.has_other_worker(mapped.worker(), "status");
            Ok(status::respond(snapshot, worker, &facts).await)
        }
        None => {
            record.has_other_worker(mapped.worker(), "-");
            Err(no_worker(mapped))
        }
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
    traced: Traced<'_>,
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
    dispatch(group, &forward, &steering, upload, traced).await
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
