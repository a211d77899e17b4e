//! A request that is for a worker: what is told of it, its body, and who gets both.

use jkworkers::model::{Asked, ForwardedFields, Host};

use crate::{
    answer::{Answer, Visit},
    dispatch::{Traced, dispatch},
    forward::{Facts, Forward, Indicated, Seen, forwarded_uri},
    http1::{Body, BodyError, BodyLength, Outgoing},
    limits::Limit,
    logging,
    logs::Record,
    mapping::Mapped,
    peer::Peer,
    rescue::Stumble,
    snapshot::{Group, Running, Served},
    status,
    steering::Steering,
    strict::{Checked, Refusal},
    upload::{ClientError, Upload},
    variables::Variables,
};

/// A request that is for a group of members, and all that is known about it.
pub(super) struct Routed<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) checked: &'a Checked<'a>,
    pub(super) decoded: &'a [u8],
    pub(super) mapped: &'a Mapped<'a>,
    pub(super) variables: &'a Variables<'a>,
    pub(super) record: &'a Record,
    /// Why the request is refused that this is the page for.
    pub(super) refused: Option<Refusal>,
}

impl<'a> Routed<'a> {
    /// The same for another path, if there is one.
    pub(super) const fn instead_for(mut self, path: Option<&'a [u8]>) -> Self {
        if let Some(path) = path {
            (self.decoded, self.facts.path) = (path, path);
        }
        self
    }
}

/// To the worker.
pub(super) async fn hand_over(
    visit: &Visit,
    routed: Routed<'_>,
    body: Option<Body>,
    served: &mut Served,
) -> Result<Outgoing<Answer>, Stumble> {
    if let Some(status) = routed.refused.and_then(Refusal::of_page) {
        return Err(Stumble::Said(status));
    }
    let snapshot = &visit.snapshot;
    let (facts, mapped, record) = (routed.facts, routed.mapped, routed.record);
    match snapshot.worker(mapped.worker()) {
        Some(Running::Group(group)) => {
            *served = Served::by(group);
            record.is_told(&facts, routed.variables, &snapshot.logs);
            record.is_dispatched(&snapshot.logs);
            let traced = Traced {
                member: &mut served.member,
                record,
            };
            let id = record.id();
            if id.is_some() || snapshot.logs.own_lines_differ() {
                let relay = relay(group, routed, body, traced);
                return Box::pin(logging::within(facts.host.number, id, relay)).await;
            }
            relay(group, routed, body, traced).await
        }
        Some(Running::Status(worker)) => {
            record.has_other_worker(mapped.worker(), "status");
            record.is_told(&facts, routed.variables, &snapshot.logs);
            let named = (mapped.worker(), worker);
            Ok(status::respond(snapshot, named, &facts).await.into())
        }
        None => {
            record.has_other_worker(mapped.worker(), "-");
            Err(no_worker(mapped))
        }
    }
}

fn no_worker(mapped: &Mapped<'_>) -> Stumble {
    tracing::error!(
        worker = mapped.worker(),
        by = mapped.origin(),
        "there is no such worker in worker.list"
    );
    Stumble::NoWorker
}

async fn relay(
    group: &Group,
    Routed {
        facts,
        checked,
        decoded,
        mapped,
        variables,
        ..
    }: Routed<'_>,
    body: Option<Body>,
    traced: Traced<'_>,
) -> Result<Outgoing<Answer>, Stumble> {
    let Facts {
        host, head, peer, ..
    } = facts;
    let indicated = &Indicated::by(variables, &facts);
    let seen = Seen::new(head.path(), decoded, facts.path);
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
        ruled: &host.ruled_fields,
        withheld: withheld(host, peer),
    };
    let body = body.map(|body| limited(body, checked.body, &facts));
    let upload = receive(&forward, body.transpose()?, group.max_data).await?;
    let steering = Steering::by(host, mapped, variables);
    dispatch(group, &forward, &steering, upload, traced).await
}

/// `JkdForwardedHeaders`, where it keeps anything of this client's.
fn withheld<'h>(host: &'h Host, peer: &Peer) -> Option<&'h ForwardedFields> {
    let fields = &host.forwarded;
    (!fields.pass_from(peer.connection().ip)).then_some(fields)
}

/// `LimitRequestBody`: a body that is announced to be too long is refused before it is read.
fn limited(body: Body, length: BodyLength, facts: &Facts<'_>) -> Result<Body, Stumble> {
    if length == BodyLength::None {
        return Ok(body);
    }
    let asked = Asked::at(facts.path).choosing(facts.chosen);
    let most = facts.host.max_body(asked);
    fits(length, most, facts.peer)?;
    Ok(body.limit(most))
}

/// `LimitRequestBody`, as far as the length is announced.
pub(super) fn fits(length: BodyLength, most: u64, client: &Peer) -> Result<(), Stumble> {
    if length.exceeds(most) {
        return Err(too_long(client));
    }
    Ok(())
}

/// Says that a body is longer than it may be; gives what comes of it.
pub(crate) fn too_long(client: &Peer) -> Stumble {
    note_length(client);
    Stumble::Refused(Refusal::BodyLength)
}

/// Says that a body is longer than it may be.
pub(crate) fn note_length(client: &Peer) {
    let so = format_args!("request refused: {}", Refusal::BodyLength);
    Limit::Body.is_reached(&client.ip_text, so);
}

/// Reads what AJP sends of a body without being asked.
async fn receive(
    forward: &Forward<'_>,
    body: Option<Body>,
    max_data: usize,
) -> Result<Upload, Stumble> {
    let Some(body) = body.filter(|_| forward.body != BodyLength::None) else {
        return Ok(Upload::none());
    };
    let announced = forward.body.known();
    Upload::begin(body, announced, max_data).await.map_err(|error| {
        tracing::info!(client = %forward.peer.ip_text, request = %forward, %error, "request given up by its client");
        match error {
            ClientError::Read(BodyError::Late) => Stumble::Refused(Refusal::Late),
            ClientError::Read(BodyError::Long) => Stumble::Refused(Refusal::BodyLength),
            _ => Stumble::ClientBody,
        }
    })
}
