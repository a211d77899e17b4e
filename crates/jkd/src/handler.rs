//! One request, top to bottom.
//!
//! ```text
//!   listener ─► handle ─► strict ─► mapping ─► access ─► dispatch ─► attempt ─► answer
//!                  │         │         │         │           │          │
//!                  └─────────┴─────────┴────◄────┴── rescue ─┴──────────┘
//! ```

mod arrival;
mod course;
mod relaying;
mod serving;

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use jkworkers::model::{ClientRules, Pace};

pub(crate) use self::{
    arrival::{Arrival, server},
    course::Course,
    relaying::{note_length, too_long},
};
use crate::{
    access::Claims,
    answer::{Answer, Visit},
    balancer::{GiveUp, retry::Failure},
    error_document, headers,
    http1::{self, Announced, Body, Head, Outgoing, Service},
    limits::Limit,
    logs::Record,
    mapping::{Earlier, Found},
    peer::Peer,
    redirect::Elsewhere,
    remote_ip,
    rescue::{self, Stumble},
    serve::Shared,
    snapshot::Served,
    static_files::Located,
    strict::{self, Refusal},
    turns,
};

/// Answers the requests of one client.
pub(crate) struct Front {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Arc<Peer>,
    /// The client has as many connections as it may without this one.
    pub(crate) is_one_too_many: bool,
}

impl Service for Front {
    type Answer = Answer;

    fn rules(&self) -> Arc<ClientRules> {
        let snapshot = self.shared.snapshot.load();
        // As in httpd: for whom a request is shows only when its head is here.
        let host = snapshot.model.host_for(self.peer.local, None);
        if self.is_one_too_many {
            return Arc::new(in_short(&host.clients));
        }
        host.clients.clone()
    }

    fn refuses(&self) -> Option<Refusal> {
        self.is_one_too_many.then_some(Refusal::Connections)
    }

    fn is_reached(&self, limit: Limit) {
        limit.is_reached(&self.peer.ip_text, "connection closed");
    }

    fn sends(&self, announced: Announced) {
        self.peer.wire().answers(announced);
    }

    fn is_delivered(&self, answer: &mut Answer) {
        answer.is_delivered();
    }

    async fn answer(&self, head: Head, body: Body) -> http1::Reply<Answer> {
        let mut visit = self.begin(head);
        if visit.snapshot.believes_proxies {
            remote_ip::find_client(&mut visit);
        }
        visit.name();
        let mut stay = Stay::of(&visit);
        let mut claims = Claims::default();
        let asking = Asking {
            head: &visit.head,
            body: &mut Some(body),
            earlier: &visit.own,
            instead_of: None,
            refused: None,
            record: &visit.record,
            vary: None,
        };
        let mut response = match answer(&visit, asking, &mut stay.served, &mut claims).await {
            Ok(response) => response,
            // Boxed: most requests get on without it.
            Err(stumble) => {
                let page = error_document::respond(&visit, stumble, &mut stay.served, &claims);
                Box::pin(page).await
            }
        };
        let served = stay.ends();
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
        let client = &*self.peer.ip_text;
        tracing::debug!(client, request = %visit, "request refused: {refusal}");
        if let Some(limit) = Limit::of(refusal) {
            limit.is_reached(client, format_args!("request refused: {refusal}"));
        }
        let mut served = Served::default();
        let stumble = Stumble::Refused(refusal);
        let page = error_document::respond(&visit, stumble, &mut served, &visit.claims);
        let page = Box::pin(page).await;
        http1::Reply {
            response: visit.end_with(page, served),
            rules: None,
        }
    }

    fn panicked(&self) -> http1::Reply<Answer> {
        // The request has gone with what panicked, and its line is in the log.
        let why = Stumble::GaveUp(GiveUp::Failed(Failure::Internal));
        http1::Reply {
            response: rescue::respond(&why).map(Answer::from).into(),
            rules: None,
        }
    }
}

/// For a client that is to be told one word: it has a moment for its request, and another one to read
/// the answer.
fn in_short(rules: &ClientRules) -> ClientRules {
    ClientRules {
        head_pace: Pace {
            first: MOMENT,
            ..Pace::NONE
        },
        timeout: MOMENT,
        ..rules.clone()
    }
}

const MOMENT: Duration = Duration::from_secs(1);

/// Who serves a request until its answer begins, which is when the visit learns of it. A client
/// that leaves before counts all the same.
struct Stay<'a> {
    visit: &'a Visit,
    served: Served,
    leaves: bool,
}

impl<'a> Stay<'a> {
    fn of(visit: &'a Visit) -> Self {
        Self {
            visit,
            served: Served::default(),
            leaves: true,
        }
    }

    fn ends(mut self) -> Served {
        self.leaves = false;
        self.served
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        if self.leaves {
            self.visit.is_left(self.served);
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
    /// Why the request is refused that this is the page for.
    pub(crate) refused: Option<Refusal>,
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
        refused,
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
                refused,
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
pub(crate) async fn once(
    visit: &Visit,
    asking: Asking<'_>,
    served: &mut Served,
    claims: &mut Claims,
) -> Result<Outgoing<Answer>, Stumble> {
    let record = asking.record;
    let (checked, host) = arrival::host_of(visit, &asking)?;
    let renamed = strict::named(asking.head, &checked);
    let named = renamed.as_deref().unwrap_or(asking.head);
    let course = Course::at(host, visit, named, record);
    let changed = headers::early(host, named, &course.cx);
    let new = changed.as_deref().or(renamed.as_deref());
    let head = record.changes(named, new, &visit.snapshot.logs);
    let answered = begun(asking, (checked, head), course, served, claims).await;
    if answered.is_err() && (renamed.is_some() || changed.is_some()) {
        visit.trail.leave_fields(Some(head));
    }
    answered
}

/// Answers a request whose host is known, with the head that early rules have made of it.
async fn begun(
    asking: Asking<'_>,
    (checked, head): (strict::Checked<'_>, &Head),
    mut course: Course<'_>,
    served: &mut Served,
    claims: &mut Claims,
) -> Result<Outgoing<Answer>, Stumble> {
    let (visit, host) = (course.visit, course.rules.host);
    let peer = &visit.peer;
    let decoded = arrival::decode(visit, host, &asking)?;
    arrival::find_out_names(host, peer, &decoded).await;
    let arrival = Arrival {
        visit,
        host,
        checked,
        head,
        decoded: &decoded,
        came: &decoded,
        earlier: asking.earlier,
        record: asking.record,
        vary: asking.vary,
        rewritten: None,
    };
    let variables = arrival.begin_variables();
    arrival.names_server(&variables);
    let rewritten = arrival.rewrite(&variables).await;
    let arrival = arrival.made_into(rewritten.as_deref());
    let before = arrival.before(variables)?;
    course.cx.head = arrival.head;
    if arrival.is_about_server() {
        let variables = &before.variables;
        arrival.is_noted_about_server(variables);
        let (chosen, body) = (arrival.choose(variables), asking.body.take());
        return serving::about_server(&course, &chosen, checked.body, body).await;
    }
    let (found, located) = arrival.find(before).await?;
    arrival.admit(&found, located.as_ref(), claims).await?;
    admitted(arrival, (found, located), asking, course, served, claims).await
}

/// Answers a request whose client may come in: what sections make of it, and then who serves it.
async fn admitted(
    arrival: Arrival<'_>,
    (mut found, located): (Found<'_>, Option<Located>),
    asking: Asking<'_>,
    course: Course<'_>,
    served: &mut Served,
    claims: &mut Claims,
) -> Result<Outgoing<Answer>, Stumble> {
    let (visit, host, decoded) = (arrival.visit, arrival.host, arrival.decoded);
    let fixed = arrival.fix(&found, located.as_ref(), claims).await?;
    visit.trail.settle();
    let fixed = fixed.as_deref();
    let mut course = course;
    if let Some(made) = fixed {
        if let Some(path) = &made.anew {
            return Err(arrival.anew(found, made, path, &course));
        }
        found.is_fixed(made);
        course.cx.head = &made.head;
    }
    let located = arrival.stand_in(&found, located, claims).await?;
    let learnt = located.as_ref().and_then(|located| located.learnt.clone());
    found.is_stood_for(learnt.as_deref());
    visit.trail.is_stood_for(learnt.as_ref());
    arrival.is_handled(&found);
    check_slash(located.as_ref(), found.seen(decoded), course.cx.head)
        .inspect_err(|_| arrival.notes(&found.settled(host, &visit.peer)))?;
    let vary = turns::vary(arrival.vary, [arrival.rewritten, fixed]);
    course.vary = vary.as_deref();
    course.claims = claims;
    let (meant, stripped) = (found.worker(), found.stripped.take());
    let decoded = stripped.as_deref().unwrap_or(decoded);
    let decision = found.decide(host, &visit.peer, |name| visit.snapshot.configured(name));
    arrival.notes_of(&decision);
    if let Some(worker) = meant.filter(|_| decision.target.is_err()) {
        arrival.record.is_meant_for(worker);
    }
    let mut made = [fixed, arrival.rewritten].into_iter().flatten();
    let way = serving::Way {
        decoded,
        decision: &decision,
        located,
        kind: made.find_map(|made| made.kind.as_deref()),
    };
    serving::decided(visit, arrival.checked, way, asking, course, served).await
}

/// Sends its client to the directory that was asked for without its slash, before any handler is
/// asked.
fn check_slash(located: Option<&Located>, path: &[u8], head: &Head) -> Result<(), Stumble> {
    match located {
        Some(located) if located.redirects() => {
            let there = Elsewhere::directory(path, head);
            Err(Stumble::Elsewhere(Box::new(there)))
        }
        _ => Ok(()),
    }
}
