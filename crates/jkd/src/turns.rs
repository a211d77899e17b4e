//! What is settled between access and answer: rules about rewriting in sections, and index files.
//! Both may have the request begin anew with another path, which is followed here.

use http::StatusCode;
use jkworkers::model::Asked;

use crate::{
    access::Claims,
    answer::{Answer, Visit},
    expressions,
    handler::{self, Arrival, Asking, Course},
    headers::{Rules, Seen},
    http1::Outgoing,
    mapping, redirect,
    rescue::Stumble,
    rewriting::{self, Asker, InSections, Place, Rewritten, Subject, Turn},
    snapshot::Served,
    static_files::{Located, MAX_DEPTH, Search},
};

/// Answers a request that begins anew, as often as it does: `LimitInternalRecursion`.
///
/// # Errors
///
/// As the answer itself; 500 where it never ends.
pub(crate) async fn follow(
    visit: &Visit,
    asking: Asking<'_>,
    mut turn: Box<Turn>,
    served: &mut Served,
    claims: &mut Claims,
) -> Result<Outgoing<Answer>, Stumble> {
    let hosts = &visit.snapshot.model.hosts;
    let host = visit.record.host().and_then(|number| hosts.get(number));
    turn.earlier.extend_from_slice(&visit.own);
    let mut head = turn.head(asking.head, visit.trail.take_fields().as_ref());
    for _ in 0..host.map_or(1, |host| host.max_turns) {
        visit.trail.turn(head.clone(), &turn);
        asking.record.begins_anew();
        *claims = Claims::default();
        let again = Asking {
            head: &head,
            body: &mut *asking.body,
            earlier: &turn.earlier,
            instead_of: asking.instead_of,
            refused: asking.refused,
            record: asking.record,
            vary: turn.vary.as_deref(),
        };
        match handler::once(visit, again, served, claims).await {
            Err(Stumble::Anew(mut next)) => {
                next.earlier.extend_from_slice(&visit.own);
                head = next.head(&head, visit.trail.take_fields().as_ref());
                turn = next;
            }
            answered => return answered,
        }
    }
    tracing::error!(request = %visit, "rules about rewriting lead from path to path: 500");
    Err(Stumble::Said(StatusCode::INTERNAL_SERVER_ERROR))
}

impl Arrival<'_> {
    /// What rules in sections make of it, unless a `Redirect` there sends its client elsewhere.
    ///
    /// # Errors
    ///
    /// What they say instead of an answer.
    pub(crate) async fn fix(
        &self,
        found: &mapping::Found<'_>,
        located: Option<&Located>,
        claims: &Claims,
    ) -> Result<InSections, Stumble> {
        let asked = found.asked().with_file(located.and_then(Located::name));
        let made = self.by_sections(found, located, asked, claims).await;
        let made = made.inspect_err(|stumble| match stumble.status() {
            status if status.is_redirection() => {
                self.record.leads_to(self.visit, stumble, self.decoded);
                self.notes(&found.variables);
            }
            _ => self.stays_outside(found, located),
        })?;
        let subject = expressions::Subject {
            claims: Some(claims),
            ..found.subject(self.host, self.head, &self.visit.peer, self.decoded)
        };
        let subject = subject.with_file(asked.file).about(asked);
        redirect::by_sections(&subject, self.decoded, asked)
            .inspect_err(|_| self.stays_outside(found, located))?;
        Ok(made)
    }

    async fn by_sections(
        &self,
        found: &mapping::Found<'_>,
        located: Option<&Located>,
        asked: Asked<'_>,
        claims: &Claims,
    ) -> Result<InSections, Stumble> {
        if !self.host.rewrites_in_sections {
            return Ok(None);
        }
        let place = Place::of(&found.path, located);
        let subject = Subject {
            claims: Some(claims),
            ..self.subject(&found.variables)
        };
        let trail = &self.visit.trail;
        let made = Box::pin(rewriting::in_sections(subject, trail, asked, place)).await?;
        let Some((made, stumble)) = made.as_ref().and_then(|m| Some((m, m.stumble.clone()?)))
        else {
            return Ok(made);
        };
        self.record.has_query(made.head.query());
        Err(stumble)
    }

    /// The request begins anew with this path.
    pub(crate) fn anew(
        &self,
        found: mapping::Found<'_>,
        made: &Rewritten,
        path: &[u8],
        course: &Course<'_>,
    ) -> Stumble {
        let query = made.head.query();
        let target = Turn::target(path, query);
        let snapshot = &self.visit.snapshot;
        let (host, peer) = (self.host, &self.visit.peer);
        let vary = vary(self.vary, [Some(made), None]);
        let mut decision = found.decide(host, peer, |name| snapshot.configured(name));
        decision.variables.rewrite(&made.variables);
        let rules = Rules {
            host,
            asked: Some(decision.asked()),
        };
        let seen = Seen {
            path: self.decoded,
            file: None,
            claims: course.claims,
        };
        course.leave_fields(rules, seen, &decision.variables);
        let before = (self.decoded, query);
        let turn = Turn::new(target, vary.as_deref(), &decision.variables, before);
        Stumble::Anew(Box::new(turn))
    }

    /// What stands for a directory, or for what is not there.
    ///
    /// # Errors
    ///
    /// Where it may not be had.
    pub(crate) async fn stand_in(
        &self,
        found: &mapping::Found<'_>,
        located: Option<Located>,
        claims: &mut Claims,
    ) -> Result<Option<Located>, Stumble> {
        let Some(located) = located else {
            return Ok(None);
        };
        if !located.may_be_stood_for(&found.path) {
            self.record.is_at(&located);
            self.record.is_served_as(&located);
            return Ok(Some(located));
        }
        // Boxed: most requests get on without it.
        Box::pin(self.search(found, located, claims))
            .await
            .map(Some)
    }

    /// Who asks on its behalf knows its variables as they are when it is served.
    async fn search(
        &self,
        found: &mapping::Found<'_>,
        located: Located,
        claims: &mut Claims,
    ) -> Result<Located, Stumble> {
        let variables = found.settled(self.host, &self.visit.peer);
        let search = Search {
            subject: Subject {
                on_behalf_of: Some(Asker::of_client(self.decoded)),
                ..self.subject(&variables)
            },
            snapshot: &self.visit.snapshot,
            found,
            trail: &self.visit.trail,
            left: u64::from(self.host.max_turns).min(MAX_DEPTH),
        };
        let name = located.parts(&found.path).0.to_vec();
        let is_directory = located.is_directory();
        let located = search.stand_in(located, claims).await;
        let located = located.inspect_err(|stumble| match stumble {
            Stumble::Elsewhere(_) => self.record.leads_from(&name, is_directory),
            Stumble::Anew(_) => {}
            _ => self.record.is_at_file(&name),
        })?;
        if let Some(learnt) = located.learnt.as_deref() {
            self.record.is_about(self.host, learnt.asked());
        }
        self.record.is_at(&located);
        self.record.is_served_as(&located);
        Ok(located)
    }
}

/// `Vary`: what is known already, and what rules have looked at since.
pub(crate) fn vary(known: Option<&str>, made: [Option<&Rewritten>; 2]) -> Option<String> {
    let made = made.into_iter().flatten();
    let all = known
        .into_iter()
        .chain(made.filter_map(|made| made.vary.as_deref()));
    let all: Vec<_> = all.collect();
    Some(all.join(", ")).filter(|vary| !vary.is_empty())
}
