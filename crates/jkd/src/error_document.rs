//! `ErrorDocument`: what a client is told when a request has stumbled.
//!
//! A text, another address, or a path on this server: then the request is answered once more, as a
//! GET for that path, by a file or a worker. What stumbles there, too, is answered with a page of
//! our own for what came first.

mod failed;
mod page;

use std::borrow::Cow;

use http::{Method, StatusCode};
use jkworkers::model::{ErrorDocument, Host};

use self::{
    failed::Failed,
    page::{as_read, page},
};
use crate::{
    access::Claims,
    answer::{Answer, Visit},
    handler,
    http1::{Head, Outgoing, drops_connection},
    logs::Redirected,
    redirect::Elsewhere,
    rescue::{self, Stumble},
    rewriting::Reached,
    snapshot::Served,
};

/// The answer for a request that stumbled.
pub(crate) async fn respond(
    visit: &Visit,
    stumble: Stumble,
    served: &mut Served,
    claims: &Claims,
) -> Outgoing<Answer> {
    let first = Case::of_client(visit, stumble, *served).unless_too_long(visit);
    let mut line = None;
    let mut left = host_of(visit).map_or(1, |host| host.max_turns);
    let mut told = first.tell(visit, served, claims, &mut line).await;
    loop {
        match told {
            Told::Answer(answer) => return *answer,
            Told::NoPage { closes } => {
                let mut answer = first.own_page(visit, claims).await;
                answer.head.closes |= closes;
                return answer;
            }
            Told::Again(next) if left > 1 => {
                left -= 1;
                told = next.tell(visit, served, &next.claims, &mut line).await;
            }
            Told::Again(_) => {
                // As in httpd, where the last of these requests fails.
                if let Some(line) = line {
                    visit.record.is_redirected(line.failing());
                }
                let mut answer = first.own_page(visit, claims).await;
                answer.head.closes = true;
                return answer;
            }
        }
    }
}

/// What a client is told.
enum Told<'a> {
    Answer(Box<Outgoing<Answer>>),
    /// There is no page for the error, either: which may end the connection.
    NoPage {
        closes: bool,
    },
    /// The request for the page is ended by a rule about rewriting, which may have a page of its own.
    Again(Box<Case<'a>>),
}

/// A request that stumbled: that of a client, or one for the page of another one.
struct Case<'a> {
    stumble: Stumble,
    head: Cow<'a, Head>,
    /// As it was changed.
    fields: Option<Head>,
    /// How far it has come.
    reached: Reached,
    /// Variables from before it began anew.
    earlier: Vec<(String, Vec<u8>)>,
    /// What rules have changed since.
    changed: Vec<(String, Option<Vec<u8>>)>,
    /// Of a request for a page.
    claims: Claims,
    /// What the client's own request came to, and who has served that.
    first: (StatusCode, Served),
}

impl<'a> Case<'a> {
    fn of_client(visit: &'a Visit, stumble: Stumble, served: Served) -> Self {
        let (mut earlier, changed) = visit.trail.variables();
        let turned = visit.trail.head();
        if turned.is_none() {
            earlier.clone_from(&visit.own);
        }
        let head = turned.map_or(Cow::Borrowed(&visit.head), Cow::Owned);
        let fields = visit.trail.take_fields();
        Self {
            fields: fields.or_else(|| as_read(&head, &stumble)),
            head,
            reached: visit.trail.take_reached(),
            earlier,
            changed,
            claims: Claims::default(),
            first: (stumble.status(), served),
            stumble,
        }
    }

    /// What the client is told of where its body is longer than it may be: as in httpd, which reads
    /// what is left of a body before a page of its own is at its end.
    fn unless_too_long(self, visit: &Visit) -> Self {
        let status = self.stumble.status();
        if drops_connection(self.stumble.status_of_httpd()) || status == StatusCode::NOT_MODIFIED {
            return self;
        }
        let is_told = |case: &Self| {
            let document = Failed::of(visit, case).document(visit, status);
            !matches!(document, Some(ErrorDocument::Local(_)))
        };
        if !is_body_too_long(visit) || !is_told(&self) {
            return self;
        }
        let stumble = handler::too_long(&visit.peer);
        Self {
            first: (stumble.status(), self.first.1),
            stumble,
            ..self
        }
    }

    /// A request for a page, for which a rule says this.
    fn of_page(
        visit: &Visit,
        (stumble, claims): (Stumble, Claims),
        head: &Head,
        earlier: Vec<(String, Vec<u8>)>,
        by: &Self,
    ) -> Self {
        let (_, mut changed) = visit.trail.variables();
        if changed.starts_with(&by.changed) {
            changed.drain(..by.changed.len());
        }
        Self {
            stumble,
            head: Cow::Owned(head.clone()),
            fields: visit.trail.take_fields(),
            reached: visit.trail.take_reached(),
            earlier,
            changed,
            claims,
            first: by.first,
        }
    }

    /// What its client is told; `line` is what logs show of the last request for a page.
    async fn tell(
        &self,
        visit: &Visit,
        served: &mut Served,
        claims: &Claims,
        line: &mut Option<Redirected>,
    ) -> Told<'a> {
        let stumble = &self.stumble;
        let status = stumble.status();
        let failed = Failed::of(visit, self);
        let document = failed
            .document(visit, status)
            .and_then(|document| Some((document, failed.told(visit, document, claims, status)?)));
        let Some((ErrorDocument::Local(_), target)) = &document else {
            if let Some(line) = line.take() {
                visit.record.is_redirected(line.answering());
            }
            let fields = self.fields.clone();
            let answer = failed.answer(visit, (stumble, document), claims, fields);
            return Told::Answer(Box::new(answer.await));
        };
        let earlier = failed.renamed(visit, status);
        visit.trail.takes_end_by_rule();
        let asked = (stumble, self.fields.as_ref(), self.first);
        match page(visit, asked, target, &earlier, served).await {
            // As in httpd, where a file is sent when the body has been read.
            Ok(_) if !served.is_by_group() && is_body_too_long(visit) => {
                handler::note_length(&visit.peer);
                Told::NoPage { closes: true }
            }
            Ok(page) => Told::Answer(Box::new(claims.ask(stumble, closing(page, stumble)))),
            Err(none) if none.is_by_rule => {
                let redirected = line.insert(none.redirected);
                let said = (none.stumble, none.claims);
                let next = Self::of_page(visit, said, &redirected.head, earlier, self);
                Told::Again(Box::new(next))
            }
            Err(none) => {
                visit.record.is_redirected(none.redirected);
                let closes = drops_connection(none.stumble.status_of_httpd());
                Told::NoPage { closes }
            }
        }
    }

    /// The answer where a page was asked for, and there is none.
    async fn own_page(&self, visit: &Visit, claims: &Claims) -> Outgoing<Answer> {
        let mut fields = self.fields.clone();
        // As httpd has it, which has asked for that page with this method.
        fields
            .get_or_insert_with(|| self.head.clone().into_owned())
            .method = Method::GET;
        let failed = Failed::of(visit, self);
        failed
            .answer(visit, (&self.stumble, None), claims, fields)
            .await
    }
}

/// Whom the request is for, as far as that is known.
fn host_of(visit: &Visit) -> Option<&Host> {
    let number = visit.record.host()?;
    visit.snapshot.model.hosts.get(number)
}

/// `LimitRequestBody`, as far as the length is announced.
fn is_body_too_long(visit: &Visit) -> bool {
    let (Some(host), Ok(framing)) = (host_of(visit), visit.head.framing()) else {
        return false;
    };
    framing.body.exceeds(visit.record.max_body(host))
}

/// The answer where no page is asked for: a text, another URL, or a page of our own.
fn without_page(
    visit: &Visit,
    stumble: &Stumble,
    document: Option<(&ErrorDocument, Vec<u8>)>,
) -> Outgoing<Answer> {
    match document {
        Some((ErrorDocument::Text(_), text)) => {
            Outgoing::from(rescue::respond_with(stumble, text.into())).map(Into::into)
        }
        Some((ErrorDocument::External(_), url)) => {
            let there = Box::new(Elsewhere::to(StatusCode::FOUND, url));
            closing(own(visit, &Stumble::Elsewhere(there)), stumble)
        }
        _ => own(visit, stumble),
    }
}

/// A page of our own.
fn own(visit: &Visit, stumble: &Stumble) -> Outgoing<Answer> {
    let respond = |stumble| Outgoing::from(rescue::respond(stumble)).map(Answer::from);
    let mut answer = respond(stumble);
    if let Stumble::Elsewhere(there) = stumble {
        let (scheme, server, port) = handler::server(visit);
        let Some(location) = there.location(scheme, &server, port) else {
            tracing::error!(request = %visit, "the target of its Redirect is no URL");
            return respond(&Stumble::NoTarget);
        };
        answer.head.fields.set(b"Location", location.as_bytes());
    }
    answer.head.stands_in = stumble.status_of_httpd() != stumble.status().as_u16();
    answer
}

/// Where the connection cannot be trusted any more, no page makes it any better; and httpd ends it
/// after some statuses, whatever takes the place of their pages.
fn closing(mut answer: Outgoing<Answer>, stumble: &Stumble) -> Outgoing<Answer> {
    if stumble.closes() || drops_connection(stumble.status_of_httpd()) {
        answer.head.closes = true;
    }
    answer
}
