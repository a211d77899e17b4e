//! One request, top to bottom.
//!
//! ```text
//!   listener ─► handle ─► strict ─► mapping ─► access ─► dispatch ─► attempt ─► answer
//!                  │         │         │         │           │          │
//!                  └─────────┴─────────┴────◄────┴── rescue ─┴──────────┘
//! ```

use std::{borrow::Cow, sync::Arc};

use http::{Method, Response, StatusCode};
use http_body_util::Full;
use jkworkers::{
    model::{Asked, CanonicalName, ClientRules, Host, Lookups},
    uri_map,
};

use crate::{
    access::{self, Claims, Guest},
    answer::{Answer, Visit},
    dispatch::{Traced, dispatch},
    error_document,
    forward::{
        Facts, Forward, Indicated, Seen, default_port, forwarded_uri, own_scheme, scheme,
        server_name, server_port,
    },
    headers::{self, Context, Rules},
    http1::{self, Body, BodyError, BodyLength, Head, Outgoing, Service},
    logging,
    logs::{About, Record},
    mapping::{self, Before, Decision, Earlier, Mapped},
    media_type, parts,
    peer::Peer,
    redirect, remote_ip,
    rescue::{self, Stumble},
    response,
    rewriting::{self, Subject},
    serve::Shared,
    snapshot::{Group, Running, Served},
    static_files::{self, Located, Reply, Sent, Wanted},
    status,
    steering::Steering,
    strict::{self, Checked, Refusal, Target},
    trace, turns,
    upload::{ClientError, Upload},
    variables::Variables,
};

/// Answers the requests of one client.
pub(crate) struct Front {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Arc<Peer>,
}

impl Service for Front {
    type Answer = Answer;

    fn rules(&self) -> Arc<ClientRules> {
        let snapshot = self.shared.snapshot.load();
        // As in httpd: for whom a request is shows only when its head is here.
        let host = snapshot.model.host_for(self.peer.local, None);
        host.clients.clone()
    }

    fn sends(&self, stays: bool, unread: usize) {
        self.peer.wire().answers(stays, unread);
    }

    async fn answer(&self, head: Head, body: Body) -> http1::Reply<Answer> {
        let mut visit = self.begin(head);
        if visit.snapshot.believes_proxies {
            remote_ip::find_client(&mut visit);
        }
        let mut served = Served::default();
        let mut claims = Claims::default();
        let asking = Asking {
            head: &visit.head,
            body: &mut Some(body),
            earlier: &[],
            instead_of: None,
            record: &visit.record,
            vary: None,
        };
        let mut response = match answer(&visit, asking, &mut served, &mut claims).await {
            Ok(response) => response,
            // Boxed: most requests get on without it.
            Err(stumble) => {
                let page = error_document::respond(&visit, stumble, &mut served, &claims);
                Box::pin(page).await
            }
        };
        visit.trail.set_cookies(&mut response.head);
        visit.claims = claims;
        let host = visit.record.host();
        let host = host.and_then(|number| visit.snapshot.model.hosts.get(number));
        http1::Reply {
            rules: host.map(|host| host.clients.clone()),
            response: visit.end_with(response, served),
        }
    }

    async fn refuse(&self, head: Head, refusal: Refusal) -> http1::Reply<Answer> {
        let visit = self.begin(head);
        tracing::debug!(client = %self.peer.ip_text, request = %visit, "request refused: {refusal}");
        let mut served = Served::default();
        let stumble = Stumble::Refused(refusal);
        let page = error_document::respond(&visit, stumble, &mut served, &visit.claims);
        let page = Box::pin(page).await;
        http1::Reply {
            response: visit.end_with(page, served),
            rules: None,
        }
    }
}

impl Front {
    fn begin(&self, head: Head) -> Box<Visit> {
        let snapshot = self.shared.snapshot.load_full();
        Visit::begin(snapshot, self.peer.clone(), head)
    }
}

/// What is to be answered: the client's request, or one for the page of an error.
pub(crate) struct Asking<'a> {
    pub(crate) head: &'a Head,
    pub(crate) body: &'a mut Option<Body>,
    /// Variables from before.
    pub(crate) earlier: &'a Earlier,
    /// The status that a file is the page for.
    pub(crate) instead_of: Option<StatusCode>,
    /// For its lines in logs.
    pub(crate) record: &'a Record,
    /// `Vary`, as far as it is known already.
    pub(crate) vary: Option<&'a str>,
}

/// One answer, however often the request begins anew.
///
/// # Errors
///
/// When there is none but an error, or the client has to go elsewhere.
pub(crate) async fn answer(
    visit: &Visit,
    asking: Asking<'_>,
    served: &mut Served,
    claims: &mut Claims,
) -> Result<Outgoing<Answer>, Stumble> {
    let Asking {
        head,
        body,
        earlier,
        instead_of,
        record,
        ..
    } = asking;
    let asking = Asking {
        body: &mut *body,
        ..asking
    };
    match once(visit, asking, served, claims).await {
        Err(Stumble::Anew(turn)) => {
            let asking = Asking {
                head,
                body,
                earlier,
                instead_of,
                record,
                vary: None,
            };
            // Boxed: most requests get on without it.
            Box::pin(turns::follow(visit, asking, turn, served, claims)).await
        }
        answered => answered,
    }
}

/// One answer, or word that the request begins anew.
///
/// # Errors
///
/// When there is none but an error, or the client has to go elsewhere.
#[allow(
    clippy::too_many_lines,
    reason = "the steps of a request, in their order"
)]
pub(crate) async fn once(
    visit: &Visit,
    asking: Asking<'_>,
    served: &mut Served,
    claims: &mut Claims,
) -> Result<Outgoing<Answer>, Stumble> {
    let Visit { snapshot, peer, .. } = visit;
    let (head, record) = (asking.head, asking.record);
    let own_scheme = || own_scheme(&snapshot.model, peer);
    let checked = strict::check(head, own_scheme).map_err(Stumble::Refused)?;
    let host = snapshot.model.host_for(peer.local, checked.target.host);
    record.is_for(host, &snapshot.logs);
    snapshot.tls.admit(peer.tls(), host)?;
    let renamed = strict::named(head, &checked);
    let named = renamed.as_deref().unwrap_or(head);
    let mut course = Course::at(host, visit, named, record);
    let changed = headers::early(host, named, &course.cx);
    let early = changed.as_deref().unwrap_or(named);
    course.cx.head = early;
    let decoded = uri_map::decode(head.path(), host.uri_rules).map_err(|error| {
        About::new(host, visit, record, b"").tells_of_path(&snapshot.logs, error);
        mapping::bad_path(error)
    })?;
    find_out_names(host, peer, &decoded).await;
    let mut variables = Variables::begin(host, early, peer, asking.earlier);
    let name = &server_name(&checked.target, host, peer);
    let rewritten = rewriting::rewrite(Subject {
        host,
        head: early,
        peer,
        variables: &variables,
        server_name: name,
        server_port: server_port(&checked.target, host, peer),
        decoded: &decoded,
        is_subrequest: false,
        claims: None,
        snapshot: Some(snapshot),
    })
    .await
    .filter(|_| !visit.trail.is_last());
    let (early, decoded) = match &rewritten {
        Some(rewritten) => (&rewritten.head, &*rewritten.decoded),
        None => (early, &*decoded),
    };
    let mut before = Before::default();
    if let Some(rewritten) = rewritten.as_deref() {
        variables.rewrite(&rewritten.variables);
        visit.trail.leave(rewritten);
        if let Some(stumble) = &rewritten.stumble {
            record.is_rewritten(early.query(), decoded, &snapshot.logs);
            record.has_variables(host, &variables, &snapshot.logs);
            record.leads_to(visit, stumble, decoded);
            return Err(stumble.clone());
        }
        course.cx.head = early;
        before.is_file = rewritten.file.is_some();
        before.handler = rewritten.handler;
    }
    before.variables = variables;
    if early.method == Method::TRACE || early.parts().is_asterisk() {
        return about_server(&course, checked.body, asking.body.take()).await;
    }
    let mut found = mapping::find(host, early, decoded, before).inspect_err(|_| {
        let begun = Variables::begin(host, early, peer, asking.earlier);
        record.has_variables(host, &begun, &snapshot.logs);
    })?;
    if rewritten.is_some() {
        let path = if found.is_mapped() {
            &found.path
        } else {
            decoded
        };
        record.is_rewritten(early.query(), path, &snapshot.logs);
    }
    let file = rewritten.as_ref().and_then(|made| made.file.as_ref());
    let located = static_files::locate(snapshot, host, &found, decoded, file).await?;
    let own = located.as_ref().and_then(Located::name);
    found.enter(host, early, peer, own);
    let asked = Asked::at(&found.path).with_file(own);
    let guest = found.guest(host, early, peer);
    let guest = Guest {
        asked,
        logs: Some((&snapshot.logs, record)),
        ..guest
    };
    let entry = access::check(guest, claims).await;
    if entry.is_err() {
        if let Some(located) = &located {
            record.is_at(located);
        }
        if let Some(worker) = found.worker() {
            record.is_meant_for(worker);
        }
        record.has_variables(host, &found.variables, &snapshot.logs);
    }
    entry?;
    access::name_by_tls(guest, claims);
    let fixes = turns::Fixes {
        visit,
        host,
        head: early,
        decoded,
        server_name: name,
        server_port: server_port(&checked.target, host, peer),
        vary: asking.vary,
    };
    let fixed = fixes.of_sections(&found, located.as_ref(), claims).await;
    let fixed = fixed.inspect_err(|_| {
        record.has_variables(host, &found.variables, &snapshot.logs);
    })?;
    redirect::by_sections(host, early, decoded, asked)?;
    if let Some(made) = fixed.as_deref() {
        if let Some(path) = &made.anew {
            return Err(fixes.anew(found, made, path));
        }
        found.is_fixed(made);
        course.cx.head = &made.head;
    }
    let located = match located {
        Some(located) => Some(fixes.stand_in(&found, located, claims).await?),
        None => None,
    };
    if let Some(located) = &located {
        record.is_at(located);
    }
    let vary = turns::vary(asking.vary, [rewritten.as_deref(), fixed.as_deref()]);
    course.vary = vary.as_deref();
    course.claims = claims;
    let decision = found.decide(host, peer, |name| snapshot.configured(name));
    record.has_variables(host, &decision.variables, &snapshot.logs);
    let kind = [fixed.as_deref(), rewritten.as_deref()]
        .into_iter()
        .flatten();
    let way = Way {
        decoded,
        decision: &decision,
        located,
        kind: kind.into_iter().find_map(|made| made.kind.as_deref()),
    };
    decided(visit, checked, way, asking, course, served).await
}

/// `HostnameLookups`, `UseCanonicalName DNS`.
async fn find_out_names(host: &Host, peer: &Peer, path: &[u8]) {
    if host.lookups(Asked::at(path)) != Lookups::Off {
        peer.name.find_out(peer.ip).await;
    }
    if host.identity.canonical_name == CanonicalName::Dns {
        peer.local_name.find_out(peer.local.ip()).await;
    }
}

/// Answers what no worker and no file is asked for, whoever asks.
async fn about_server(
    course: &Course<'_>,
    length: BodyLength,
    body: Option<Body>,
) -> Result<Outgoing<Answer>, Stumble> {
    let head = course.cx.head;
    let body = body.filter(|_| head.method == Method::TRACE);
    let Some(body) = body else {
        // `OPTIONS *`: there is nothing to say.
        return Ok(Response::new(Full::default().into()).into());
    };
    let allowed = course.rules.host.identity.trace;
    let answer = trace::respond(allowed, head, length, body).await?;
    // httpd passes it on as it makes it.
    Ok(Outgoing::from(answer).map(|page| Answer::from(page).without_length()))
}

/// Where a request goes, and how that was found.
struct Way<'a> {
    decoded: &'a [u8],
    decision: &'a Decision<'a>,
    located: Option<Located>,
    /// The media type that a rule about rewriting names.
    kind: Option<&'a [u8]>,
}

/// Serves a request that is decided about, and changes what is to be changed about it and its
/// answer.
async fn decided(
    visit: &Visit,
    mut checked: Checked<'_>,
    way: Way<'_>,
    asking: Asking<'_>,
    mut course: Course<'_>,
    served: &mut Served,
) -> Result<Outgoing<Answer>, Stumble> {
    let (host, peer) = (course.rules.host, &visit.peer);
    let decision = way.decision;
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
        server_port: server_port(&checked.target, host, peer),
        path: &decision.path,
        claims: course.claims,
    };
    let mut response = serve(visit, facts, &checked, way, asking, served).await?;
    let for_worker = served.is_by_group() || decision.target.is_ok();
    if for_worker && (host.extracts_tls || !host.env_vars.is_empty()) {
        course.cx.facts = Some(facts);
    }
    if for_worker {
        media_type::force(&mut response.head, host, Asked::at(&decision.path));
    }
    let file = response.head.extensions.remove::<Sent>();
    if let Some(Sent { name, path }) = &file {
        let path = path.as_deref().unwrap_or(&decision.path);
        course.rules.asked = Some(Asked::at(path).with_file(Some(name)));
    }
    course.complete(response)
}

/// What is known of a request's way where its answer leaves.
pub(crate) struct Course<'a> {
    pub(crate) rules: Rules<'a>,
    pub(crate) cx: Context<'a>,
    /// Who the client is, if it was asked.
    claims: &'a Claims,
    /// `Vary`, as rules about rewriting make it.
    vary: Option<&'a str>,
}

impl<'a> Course<'a> {
    pub(crate) fn at(host: &'a Host, visit: &'a Visit, head: &'a Head, record: &'a Record) -> Self {
        Self {
            rules: Rules { host, asked: None },
            cx: Context {
                head,
                variables: None,
                facts: None,
                record: Some(record),
                tls: visit.peer.tls(),
                began: visit.began,
            },
            claims: &visit.claims,
            vary: None,
        }
    }

    /// Does all that is done with an answer that is no error page.
    ///
    /// # Errors
    ///
    /// 416 where the client wants parts that are not there.
    fn complete(&self, response: Outgoing<Answer>) -> Result<Outgoing<Answer>, Stumble> {
        let mut response = self.finish(response);
        if let Some(asked) = self.rules.asked {
            media_type::add_charset(&mut response.head, self.rules.host, asked);
        }
        parts::take(response, self.cx.head)
    }

    /// Changes the fields of an answer as `Header` says.
    pub(crate) fn finish(&self, mut response: Outgoing<Answer>) -> Outgoing<Answer> {
        if let Some(vary) = self.vary {
            response::vary_first(&mut response.head.fields, vary);
        }
        let head = &mut response.head;
        let is_page = head.extensions.get::<rescue::IsPage>().is_some();
        headers::answer(self.rules, head, is_page, &self.cx);
        response::join_vary(&mut head.fields);
        response
    }
}

async fn serve(
    visit: &Visit,
    facts: Facts<'_>,
    checked: &Checked<'_>,
    way: Way<'_>,
    asking: Asking<'_>,
    served: &mut Served,
) -> Result<Outgoing<Answer>, Stumble> {
    let Way {
        decoded,
        decision,
        located,
        kind,
    } = way;
    let to = |mapped| Routed {
        facts,
        checked,
        decoded,
        mapped,
        variables: &decision.variables,
        record: asking.record,
    };
    match (&decision.target, located) {
        (Ok(mapped), _) => hand_over(visit, to(mapped), asking.body.take(), served).await,
        (Err(_), Some(located)) if decision.allows_files => {
            fits(checked.body, facts.host.max_body(Asked::at(facts.path)))?;
            let about = About {
                variables: Some(&decision.variables),
                ..About::new(facts.host, visit, asking.record, facts.path)
            };
            let wanted = Wanted::new(visit, facts, decoded, asking.instead_of, about);
            let wanted = wanted.of_kind(kind);
            let is_directory = located.is_directory();
            match unmapped(visit, wanted, located, &decision.variables)? {
                Ok(answer) => Ok(answer),
                // Boxed: few go this way.
                Err(Diverted { mapped, path }) => {
                    let routed = to(&mapped).instead_for(path.as_deref());
                    let over = hand_over(visit, routed, asking.body.take(), served);
                    Ok(static_files::of_kind(is_directory, Box::pin(over).await?))
                }
            }
        }
        (Err(stumble), _) => Err(stumble.clone()),
    }
}

/// To the worker.
async fn hand_over(
    visit: &Visit,
    routed: Routed<'_>,
    body: Option<Body>,
    served: &mut Served,
) -> Result<Outgoing<Answer>, Stumble> {
    let snapshot = &visit.snapshot;
    let (facts, mapped, record) = (routed.facts, routed.mapped, routed.record);
    match snapshot.worker(mapped.worker()) {
        Some(Running::Group(group)) => {
            *served = Served::by(group);
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
            let named = (mapped.worker(), worker);
            Ok(status::respond(snapshot, named, &facts).await.into())
        }
        None => {
            record.has_other_worker(mapped.worker(), "-");
            Err(no_worker(mapped))
        }
    }
}

/// A request that no rule maps, and that is for a worker after all.
struct Diverted<'a> {
    mapped: Mapped<'a>,
    /// That of a file that stands for what was asked for.
    path: Option<Vec<u8>>,
}

/// A request that no rule maps: a file, or the worker that it is for after all.
fn unmapped<'a>(
    visit: &'a Visit,
    wanted: Wanted<'a>,
    located: Located,
    variables: &Variables<'_>,
) -> Result<Result<Outgoing<Answer>, Diverted<'a>>, Stumble> {
    let named = |name: &str| visit.snapshot.configured(name);
    let (mapped, path) = match static_files::serve(wanted, located)? {
        Reply::Answer(answer) => return Ok(Ok(answer.into())),
        Reply::Worker(mount) => (Mapped::Rule(mount), None),
        Reply::Named(path) => (mapping::by_variable(named, wanted.host, variables)?, path),
    };
    Ok(Err(Diverted { mapped, path }))
}

/// A request that is for a group of members, and all that is known about it.
struct Routed<'a> {
    facts: Facts<'a>,
    checked: &'a Checked<'a>,
    decoded: &'a [u8],
    mapped: &'a Mapped<'a>,
    variables: &'a Variables<'a>,
    record: &'a Record,
}

impl<'a> Routed<'a> {
    /// The same for another path, if there is one.
    const fn instead_for(mut self, path: Option<&'a [u8]>) -> Self {
        if let Some(path) = path {
            (self.decoded, self.facts.path) = (path, path);
        }
        self
    }
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
    let body = body.map(|body| limited(body, checked.body, &facts));
    let upload = receive(&forward, body.transpose()?, group.max_data).await?;
    let steering = Steering::by(host, mapped, variables);
    dispatch(group, &forward, &steering, upload, traced).await
}

/// `LimitRequestBody`: a body that is announced to be too long is refused before it is read.
fn limited(body: Body, length: BodyLength, facts: &Facts<'_>) -> Result<Body, Stumble> {
    if length == BodyLength::None {
        return Ok(body);
    }
    let most = facts.host.max_body(Asked::at(facts.path));
    fits(length, most)?;
    Ok(body.limit(most))
}

fn fits(length: BodyLength, most: u64) -> Result<(), Stumble> {
    match length {
        BodyLength::Known(length) if length > most => Err(Stumble::Refused(Refusal::BodyLength)),
        _ => Ok(()),
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

/// The scheme, the name and the port of the server, as the client of a well-formed request knows
/// them. No port is said that is the scheme's own.
pub(crate) fn server(visit: &Visit) -> (&'static str, Cow<'_, str>, Option<u16>) {
    let own_scheme = || own_scheme(&visit.snapshot.model, &visit.peer);
    let checked = strict::check(&visit.head, own_scheme);
    let nobody = Target {
        host: None,
        port: None,
    };
    let target = checked.map_or(nobody, |checked| checked.target);
    let host = visit.snapshot.model.host_for(visit.peer.local, target.host);
    let name = server_name(&target, host, &visit.peer);
    let port = server_port(&target, host, &visit.peer);
    let said = (port != default_port(host)).then_some(port);
    (scheme(host), name, said)
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
