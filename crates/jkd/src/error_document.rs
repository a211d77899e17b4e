//! `ErrorDocument`: what a client is told when a request has stumbled.
//!
//! A text, another address, or a path on this server: then the request is answered once more, as a
//! GET for that path, by a file or a worker. What stumbles there, too, is answered with a page of
//! our own for what came first.

mod page;

use std::borrow::Cow;

use http::{Method, StatusCode};
use jkworkers::{
    model::{Asked, ErrorDocument, Host},
    uri_map,
};

use self::page::{as_read, page};
use crate::{
    access::Claims,
    allow,
    answer::{Answer, Visit},
    expressions::{Chosen, Subject},
    forward::own_scheme,
    handler::{self, Course},
    headers::{self, Seen},
    http1::{Head, Outgoing},
    mapping::{Earlier, as_far_as_decoded},
    redirect::Elsewhere,
    rescue::{self, Stumble},
    rewriting::renamed,
    snapshot::Served,
    static_files,
    strict::{self},
    variables::Variables,
};

/// The answer for a request that stumbled.
pub(crate) async fn respond(
    visit: &Visit,
    stumble: Stumble,
    served: &mut Served,
    claims: &Claims,
) -> Outgoing<Answer> {
    let status = stumble.status();
    let (mut earlier, changed) = visit.trail.variables();
    let turned = visit.trail.head();
    if turned.is_none() {
        earlier.clone_from(&visit.own);
    }
    let head = turned.as_ref().unwrap_or(&visit.head);
    let mut fields = visit
        .trail
        .take_fields()
        .or_else(|| as_read(head, &stumble));
    let is_read = !matches!(&stumble, Stumble::Refused(why) if why.is_of_reading());
    let failed = Failed::of(visit, head, is_read, (&earlier, &changed));
    let failed = failed.look_for_file(visit).await;
    let document = failed
        .document(visit, status)
        .and_then(|document| Some((document, failed.told(visit, document, claims, status)?)));
    if let Some((ErrorDocument::Local(_), target)) = &document {
        let earlier = failed.renamed(visit, status);
        let asked = (&stumble, fields.as_ref());
        if let Some(page) = page(visit, asked, target, &earlier, served).await {
            return claims.ask(&stumble, closing(page, &stumble));
        }
        // As httpd has it, which has asked for that page with this method.
        fields.get_or_insert_with(|| head.clone()).method = Method::GET;
    }
    let mut answer = without_page(visit, &stumble, document);
    let (status, is_about_file) = (answer.status(), stumble.is_about_file());
    let trace = failed.host.identity.trace;
    allow::tell(&mut answer.head.fields, status, is_about_file, trace);
    let mut answer = failed.finish(visit, (claims, fields), claims.ask(&stumble, answer));
    if visit.head.method == Method::HEAD {
        // As httpd has it, the length of a page that is not sent is not told, either.
        answer.body.discard().await;
    }
    answer
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

/// A request that stumbled, as far as it can be understood.
struct Failed<'a> {
    host: &'a Host,
    /// As httpd decodes it; as it was written, where it cannot be decoded.
    decoded: Vec<u8>,
    /// Whether it was read as a whole: else nothing has asked what it is about.
    is_read: bool,
    /// As it was mapped; `None` where it cannot be.
    path: Option<Vec<u8>>,
    /// Whether a rule maps it, and no variable forbids that.
    is_mapped: bool,
    /// Whether variables are there that are set for whoever serves it.
    is_settled: bool,
    /// The file that it would be, where somebody has looked for it.
    file: Option<Vec<u8>>,
    head: &'a Head,
    /// Variables from before it began anew, and what rules have changed.
    marks: Marks<'a>,
}

type Marks<'a> = (&'a Earlier, &'a [(String, Option<Vec<u8>>)]);

impl<'a> Failed<'a> {
    fn of(visit: &'a Visit, head: &'a Head, is_read: bool, marks: Marks<'a>) -> Self {
        let own_scheme = || own_scheme(&visit.snapshot.model, &visit.peer);
        let name = strict::check(head, own_scheme)
            .ok()
            .and_then(|checked| checked.target.host);
        let host = visit.snapshot.model.host_for(visit.peer.local, name);
        visit.record.is_for(host, &visit.snapshot.logs);
        let decoded = uri_map::decode(head.path(), host.uri_rules).ok();
        let path = decoded
            .as_ref()
            .filter(|_| is_read)
            .and_then(|decoded| uri_map::clean(decoded).ok());
        let covered = path
            .as_ref()
            .filter(|path| host.uri_map.find(path).is_some());
        Self {
            host,
            is_mapped: covered.is_some_and(|_| {
                let mut variables = Variables::begin(host, head, &visit.peer, marks.0);
                variables.rewrite(marks.1);
                !variables.has("no-jk")
            }),
            is_settled: visit.trail.is_settled(),
            is_read,
            file: None,
            path: path.map(Cow::into_owned),
            decoded: decoded
                .map_or_else(|| as_far_as_decoded(head, host.uri_rules), Cow::into_owned),
            head,
            marks,
        }
    }

    /// What the innermost section says that says anything.
    fn document(&self, visit: &Visit, status: StatusCode) -> Option<&'a ErrorDocument> {
        let status = status.as_u16();
        let by_server = self.host.settings.error_documents.get(status);
        let Some(path) = self
            .path
            .as_deref()
            .filter(|_| !self.host.sections.is_empty())
        else {
            return by_server;
        };
        let asked = Asked::at(path).with_file(self.file.as_deref());
        let chosen = self.choose(visit, asked);
        let mut sections = self
            .host
            .sections_about(asked.choosing(&chosen.sections))
            .rev();
        let said = sections.find_map(|s| s.settings.error_documents.get(status));
        said.or(by_server)
    }

    /// What a document says. `None` where it cannot be said: then it is as if there were none.
    fn told(
        &self,
        visit: &Visit,
        document: &ErrorDocument,
        claims: &Claims,
        status: StatusCode,
    ) -> Option<Vec<u8>> {
        let text = document.text()?;
        if let Some(constant) = text.constant() {
            return Some(constant.to_vec());
        }
        let variables = self.variables(visit);
        // As in httpd, where the status of the request is told by pages of its own only.
        let is_page = matches!(document, ErrorDocument::Text(_));
        let subject = Subject {
            variables: Some(&variables),
            file: self.decoded.rsplit(|b| *b == b'/').next(),
            claims: Some(claims),
            status: is_page.then_some(status),
            record: Some(&visit.record),
            naming: visit.record.naming(self.host),
            ..Subject::new(self.host, self.head, &visit.peer, &self.decoded)
        };
        let told = text.evaluate(&subject.with_file(self.file.as_deref()));
        let told = told.inspect_err(|fault| {
            tracing::error!(request = %visit, "can't evaluate ErrorDocument \"{text}\": {fault}");
        });
        told.ok()
    }

    /// Finds the file out that the path would be, as far as it is there, where anything asks for it.
    async fn look_for_file(mut self, visit: &Visit) -> Self {
        let asks = !self.host.sections.is_empty() || self.host.said.changes_headers;
        let path = self.path.as_deref().filter(|_| asks && !self.is_mapped);
        if let Some(path) = path {
            self.file = static_files::name_of(&visit.snapshot, self.host, path).await;
        }
        self
    }

    /// Which `<If>` sections are about the request.
    fn choose(&self, visit: &Visit, asked: Asked<'_>) -> Chosen {
        if !self.host.said.chooses {
            return Chosen::default();
        }
        let mut variables = Variables::begin(self.host, self.head, &visit.peer, self.marks.0);
        variables.name_matches(self.host, asked);
        let last = || self.decoded.rsplit(|b| *b == b'/').next();
        let subject = Subject {
            variables: Some(&variables),
            file: asked.file.or_else(last),
            ..Subject::new(self.host, self.head, &visit.peer, &self.decoded).about(asked)
        };
        subject.choose(asked)
    }

    fn variables<'v>(&'v self, visit: &'v Visit) -> Variables<'v> {
        if !self.is_read {
            return Variables::default();
        }
        let (earlier, changed) = self.marks;
        let mut variables = Variables::begin(self.host, self.head, &visit.peer, earlier);
        variables.rewrite(changed);
        if let Some(path) = &self.path {
            let asked = Asked::at(path).with_file(self.file.as_deref());
            variables.name_matches(self.host, asked);
            let chosen = self.choose(visit, asked);
            let asked = asked.choosing(&chosen.sections);
            variables.enter(self.host, self.head, &visit.peer, asked);
            if self.is_settled {
                variables.settle(self.host, asked);
                variables.connect(self.host, &visit.peer, asked);
            }
        }
        variables
    }

    /// The path as expressions see it: what mod_jk takes is without parameters.
    fn seen(&self) -> &[u8] {
        let path = self.path.as_deref().filter(|_| self.is_mapped);
        path.unwrap_or(&self.decoded)
    }

    /// Changes the fields of a page as `Header` says.
    fn finish(
        &self,
        visit: &Visit,
        (claims, changed): (&Claims, Option<Head>),
        mut page: Outgoing<Answer>,
    ) -> Outgoing<Answer> {
        let variables = self.variables(visit);
        variables.treat(&mut page.head);
        let may_expire = self.host.filtering.expires && page.status().as_u16() < 400;
        if !self.host.said.changes_headers && !may_expire {
            return page;
        }
        let mut course = Course::at(self.host, visit, self.head, &visit.record);
        let early = || headers::early(self.host, self.head, &course.cx);
        let changed = changed.map(Box::new).or_else(early);
        course.cx.head = changed.as_deref().unwrap_or(self.head);
        course.cx.variables = Some(&variables);
        let last = || self.decoded.rsplit(|b| *b == b'/').next();
        let last = || self.path.as_ref().and_then(|_| last());
        course.cx.seen = Some(Seen {
            path: self.seen(),
            file: self.file.as_deref().or_else(last),
            claims,
        });
        let asked = self.path.as_deref().map(Asked::at);
        let chosen = asked
            .map(|asked| self.choose(visit, asked))
            .unwrap_or_default();
        course.rules.asked = asked.map(|asked| asked.choosing(&chosen.sections));
        course.tell_expiry(&mut page.head, visit.began);
        course.finish(page)
    }

    /// The variables of the request under other names, and what went wrong.
    fn renamed(&self, visit: &Visit, status: StatusCode) -> Vec<(String, Vec<u8>)> {
        let variables = self.variables(visit);
        let query = self.head.query();
        let mut earlier = renamed(&variables, status.as_str(), &self.decoded, query);
        let method = visit.head.method.as_str();
        earlier.push(("REDIRECT_REQUEST_METHOD".to_owned(), method.into()));
        earlier.extend_from_slice(&visit.own);
        earlier
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
    answer
}

/// Where the connection cannot be trusted any more, no page makes it any better; and httpd ends it
/// after these statuses, whatever takes the place of their pages.
fn closing(mut answer: Outgoing<Answer>, stumble: &Stumble) -> Outgoing<Answer> {
    let status = stumble.status().as_u16();
    if stumble.closes() || matches!(status, 400 | 408 | 411 | 413 | 414 | 500 | 501 | 503) {
        answer.head.closes = true;
    }
    answer
}
