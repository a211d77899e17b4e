//! A request that is decided about: its worker, or a file.

use std::{borrow::Cow, sync::Arc};

use http::{Method, Response, StatusCode};
use http_body_util::Full;
use jkworkers::model::{Asked, Host};

use super::{
    Asking, Course,
    relaying::{Routed, fits, hand_over},
};
use crate::{
    answer::{Answer, Visit},
    expressions::Chosen,
    forward::{Facts, server_name, server_port},
    headers::{self, Seen},
    http1::{Body, BodyLength, Head, Outgoing},
    logs::About,
    mapping::{self, Decision, Mapped},
    media_type::{self, Named},
    rescue::Stumble,
    response,
    snapshot::Served,
    static_files::{self, Learnt, Located, Reply, Sent, Wanted},
    strict::Checked,
    trace,
    variables::Variables,
};

/// Answers what no worker and no file is asked for, whoever asks.
pub(super) async fn about_server(
    course: &Course<'_>,
    chosen: &Chosen,
    length: BodyLength,
    body: Option<Body>,
) -> Result<Outgoing<Answer>, Stumble> {
    let head = course.cx.head;
    let body = body.filter(|_| head.method == Method::TRACE);
    let Some(body) = body else {
        // `OPTIONS *`: there is nothing to say but what was looked at.
        let mut nothing = Outgoing::from(Response::new(Answer::from(Full::default())));
        response::vary_by(&chosen.vary.join(&b", "[..]), &mut nothing.head.fields);
        return Ok(nothing);
    };
    let allowed = course.rules.host.identity.trace;
    let answer = trace::respond(allowed, head, length, body).await?;
    // httpd passes it on as it makes it.
    Ok(Outgoing::from(answer).map(|page| Answer::from(page).without_length()))
}

/// Where a request goes, and how that was found.
pub(super) struct Way<'a> {
    pub(super) decoded: &'a [u8],
    pub(super) decision: &'a Decision<'a>,
    pub(super) located: Option<Located>,
    /// The media type that a rule about rewriting names.
    pub(super) kind: Option<&'a [u8]>,
}

impl<'a> Way<'a> {
    /// The path as expressions see it: what mod_jk takes is without parameters.
    fn seen(&self) -> &'a [u8] {
        if self.located.is_none() {
            &self.decision.path
        } else {
            self.decoded
        }
    }

    /// What is known of it, as far as that counts for what its answer is.
    fn named<'n>(&self, host: &'n Host, asked: Asked<'n>) -> Named<'n>
    where
        'a: 'n,
    {
        Named {
            host,
            asked,
            name: self.last(),
            kind: self.kind,
        }
    }

    /// The last part of the file's name, or of the path that a worker answers.
    fn last(&self) -> Cow<'a, [u8]> {
        let located = self.located.as_ref().and_then(Located::name);
        let of = |name: &[u8]| name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        if let Some(name) = located {
            return Cow::Owned(name.get(of(name)..).unwrap_or_default().to_vec());
        }
        let path = &*self.decision.path;
        Cow::Borrowed(path.get(of(path)..).unwrap_or_default())
    }

    /// Where it leads to, for the sections about that.
    fn place(&self, host: &Host) -> Place {
        let located = self.located.as_ref().filter(|_| !host.sections.is_empty());
        Place {
            name: located.and_then(Located::name).map(<[u8]>::to_vec),
            learnt: located.and_then(|located| located.learnt.clone()),
        }
    }

    /// The file or directory; of what a worker answers the last part of the path.
    fn file(&self) -> Option<Vec<u8>> {
        let last = || self.decoded.rsplit(|b| *b == b'/').next();
        let located = self.located.as_ref().and_then(Located::name);
        located.or_else(last).map(<[u8]>::to_vec)
    }
}

/// The file or directory that a request leads to, whoever answers it.
struct Place {
    name: Option<Vec<u8>>,
    /// What is known of what stands for it.
    learnt: Option<Arc<Learnt>>,
}

impl Place {
    /// What sections see of it.
    fn asked<'p>(&'p self, decision: &'p Decision<'_>) -> Asked<'p> {
        self.learnt.as_deref().map_or_else(
            || decision.asked().with_file(self.name.as_deref()),
            Learnt::asked,
        )
    }
}

/// Serves a request that is decided about, and changes what is to be changed about it and its
/// answer.
pub(super) async fn decided(
    visit: &Visit,
    mut checked: Checked<'_>,
    way: Way<'_>,
    asking: Asking<'_>,
    mut course: Course<'_>,
    served: &mut Served,
) -> Result<Outgoing<Answer>, Stumble> {
    let (host, peer, decision) = (course.rules.host, &visit.peer, way.decision);
    let (place, naming) = (way.place(host), asking.record.naming(host));
    course.rules.asked = Some(place.asked(decision));
    course.cx.variables = Some(&decision.variables);
    let file = host.said.changes_headers.then(|| way.file()).flatten();
    let (path, file, claims) = (way.seen(), file.as_deref(), course.claims);
    course.cx.seen = Some(Seen { path, file, claims });
    let mut vary = decision.vary(course.claims).unwrap_or_default();
    let late = headers::late(course.rules, course.cx.head, &course.cx, &mut vary);
    course.cx.head = asking
        .record
        .changes(course.cx.head, late.as_deref(), &visit.snapshot.logs);
    if host.said.changes_headers {
        checked.has_cookies = course.cx.head.headers.contains("cookie");
    }
    let name = server_name(&checked.target, naming, host, peer);
    let facts = Facts {
        host,
        head: course.cx.head,
        peer,
        server_name: &name,
        server_port: server_port(&checked.target, naming, host, peer),
        path: &decision.path,
        claims: course.claims,
        chosen: &decision.chosen.sections,
    };
    let leaving = Leaving::of(&way, &asking);
    let named = way.named(host, place.asked(decision));
    let answered = serve(visit, facts, &checked, way, asking, served).await;
    let leave_fields = |_: &Stumble| visit.trail.leave_fields(late.as_deref());
    let mut response = answered.inspect_err(leave_fields)?;
    if served.is_by_group() || decision.target.is_ok() {
        course.cx.facts = mapping::looks_at_all(host).then_some(facts);
        media_type::describe(&mut response.head, &named);
    }
    vary_by(course.vary.take(), &vary, &mut response);
    let left = leaving.complete(visit, decision, course, response).await;
    left.inspect_err(leave_fields)
}

/// What rules about rewriting have looked at comes behind all that sections have.
fn vary_by(rules: Option<&str>, sections: &[u8], response: &mut Outgoing<Answer>) {
    let fields = &mut response.head.fields;
    response::vary_by(rules.unwrap_or_default().as_bytes(), fields);
    response::vary_by(sections, fields);
}

/// What else is known of an answer that leaves.
struct Leaving<'a> {
    /// The last part of its path.
    last: Option<&'a [u8]>,
    /// The status of the error whose page it is.
    instead_of: Option<StatusCode>,
    /// Its request, as it came.
    request: &'a Head,
}

impl<'a> Leaving<'a> {
    fn of(way: &Way<'a>, asking: &Asking<'a>) -> Self {
        Self {
            last: way.decoded.rsplit(|b| *b == b'/').next(),
            instead_of: asking.instead_of,
            request: asking.head,
        }
    }

    /// What filters do, and all that comes behind them.
    async fn complete(
        self,
        visit: &Visit,
        decision: &Decision<'_>,
        mut course: Course<'_>,
        mut response: Outgoing<Answer>,
    ) -> Result<Outgoing<Answer>, Stumble> {
        let told = course.cx.facts.and_then(|_| decision.variables.told());
        let told = told.map(Box::new);
        course.cx.variables = told.as_deref().or(course.cx.variables);
        let sent = response.head.extensions.remove::<Sent>();
        let about = sent.as_ref().map(|sent| sent.asked(decision));
        course.rules.asked = about.or(course.rules.asked);
        let learnt = sent.as_ref().and_then(|sent| sent.learnt.as_deref());
        if let (Some(seen), Some(learnt)) = (&mut course.cx.seen, learnt) {
            seen.path = learnt.asked().path;
        }
        if course.rules.host.mirrors_encodings {
            media_type::mirror(&mut response.head, self.request);
        }
        course.is_about_parts = self.instead_of == Some(StatusCode::RANGE_NOT_SATISFIABLE);
        if course.is_about_parts && sent.is_none() && response.head.length.is_none() {
            // As in httpd, which passes this one on as it comes.
            response = response.map(Answer::without_length);
        }
        if self.instead_of.is_none() {
            course.tell_expiry(&mut response.head, visit.began);
        }
        if course.rules.host.filtering.deflates {
            let name = sent.as_ref().map(|sent| &*sent.name);
            // Boxed: most hosts get on without it.
            response = Box::pin(course.compress(response, name.or(self.last))).await;
        }
        course.complete(response)
    }
}

impl Sent {
    /// What sections see of it.
    fn asked<'s>(&'s self, decision: &'s Decision<'_>) -> Asked<'s> {
        self.learnt.as_deref().map_or_else(
            || decision.asked().with_file(Some(&self.name)),
            Learnt::asked,
        )
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
    let located = located.or_else(|| decision.is_left.then(Located::nothing));
    let to = |mapped| Routed {
        facts,
        checked,
        decoded,
        mapped,
        variables: &decision.variables,
        record: asking.record,
        refused: asking.refused,
    };
    match (&decision.target, located) {
        (Ok(mapped), None) => hand_over(visit, to(mapped), asking.body.take(), served).await,
        (Ok(mapped), Some(located)) => {
            let routed = to(mapped).instead_for(located.path.as_deref());
            // Boxed: few go this way.
            Box::pin(hand_over(visit, routed, asking.body.take(), served)).await
        }
        (Err(_), Some(located)) if decision.allows_files || decision.is_left => {
            fits_sections(checked, facts, located.learnt.as_deref())?;
            let is_directory = located.is_directory();
            let wanted = wanted(visit, facts, (decoded, kind), &decision.variables, &asking);
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

/// What is asked for, where it may be a file.
fn wanted<'a>(
    visit: &'a Visit,
    facts: Facts<'a>,
    (decoded, kind): (&'a [u8], Option<&'a [u8]>),
    variables: &'a Variables<'a>,
    asking: &Asking<'a>,
) -> Wanted<'a> {
    let about = About {
        variables: Some(variables),
        ..About::new(facts.host, visit, asking.record, facts.path)
    };
    Wanted::new(visit, facts, decoded, asking.instead_of, about).of_kind(kind)
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
        Reply::Worker(mount, path) => (Mapped::Rule(mount), path),
        Reply::Named(path) => (mapping::by_variable(named, wanted.host, variables)?, path),
    };
    Ok(Err(Diverted { mapped, path }))
}

/// `LimitRequestBody` of the sections about a file.
fn fits_sections(
    checked: &Checked<'_>,
    facts: Facts<'_>,
    learnt: Option<&Learnt>,
) -> Result<(), Stumble> {
    let asked = Asked::at(facts.path).choosing(facts.chosen);
    let asked = learnt.map_or(asked, Learnt::asked);
    fits(checked.body, facts.host.max_body(asked), facts.peer)
}
