//! A request that stumbled, as far as it can be understood: what sections say about it, and what its
//! page gets.

use std::borrow::Cow;

use http::{Method, StatusCode};
use jkworkers::{
    model::{Asked, ErrorDocument, Host},
    uri_map,
};

use super::{Case, without_page};
use crate::{
    access::Claims,
    allow,
    answer::{Answer, Visit},
    expressions::{Chosen, Subject},
    forward::own_scheme,
    handler::Course,
    headers::{self, Seen},
    http1::{Head, Outgoing},
    mapping::{self, Earlier, as_far_as_decoded},
    rescue::Stumble,
    rewriting::{Reached, renamed},
    static_files::Learnt,
    strict::{self, Refusal},
    variables::Variables,
};

/// A request that stumbled, as far as it can be understood.
pub(super) struct Failed<'a> {
    host: &'a Host,
    /// As httpd decodes it; as it was written, where it cannot be decoded.
    decoded: Vec<u8>,
    /// Whether it was read as a whole: else nothing has asked what it is about.
    is_read: bool,
    /// As it was mapped; `None` where it cannot be.
    path: Option<Vec<u8>>,
    /// Whether a rule maps it, and no variable forbids that.
    is_mapped: bool,
    /// How far it has come.
    reached: &'a Reached,
    head: &'a Head,
    /// Variables from before it began anew, and what rules have changed.
    marks: Marks<'a>,
}

type Marks<'a> = (&'a Earlier, &'a [(String, Option<Vec<u8>>)]);

impl<'a> Failed<'a> {
    pub(super) fn of(visit: &'a Visit, case: &'a Case<'_>) -> Self {
        let (head, marks): (&Head, Marks<'_>) = (&case.head, (&case.earlier, &case.changed));
        let refusal = case.stumble.refusal();
        let is_read = !refusal.is_some_and(Refusal::is_of_reading);
        let is_for_main = refusal.is_some_and(Refusal::is_before_host);
        let own_scheme = || own_scheme(&visit.snapshot.model, &visit.peer);
        let name = strict::named_anyway(head, own_scheme).host;
        let name = name.filter(|_| !is_for_main);
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
            reached: &case.reached,
            is_read,
            path: path.map(Cow::into_owned),
            decoded: decoded
                .map_or_else(|| as_far_as_decoded(head, host.uri_rules), Cow::into_owned),
            head,
            marks,
        }
    }

    /// What the innermost section says that says anything.
    pub(super) fn document(&self, visit: &Visit, status: StatusCode) -> Option<&'a ErrorDocument> {
        let status = status.as_u16();
        let by_server = self.host.settings.error_documents.get(status);
        let Some(path) = self
            .path
            .as_deref()
            .filter(|_| !self.host.sections.is_empty())
        else {
            return by_server;
        };
        let chosen = self.choose(visit, path);
        let asked = self.asked(path).choosing(&chosen.sections);
        let mut sections = self.host.sections_about(asked).rev();
        let said = sections.find_map(|s| s.settings.error_documents.get(status));
        said.or(by_server)
    }

    /// What a document says. `None` where it cannot be said: then it is as if there were none.
    pub(super) fn told(
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
        let told = text.evaluate(&subject.with_file(self.file()));
        let told = told.inspect_err(|fault| {
            tracing::error!(request = %visit, "can't evaluate ErrorDocument \"{text}\": {fault}");
        });
        told.ok()
    }

    /// The file or directory that it leads to, as far as anybody has looked.
    fn file(&self) -> Option<&[u8]> {
        self.asked(self.path.as_deref()?).file
    }

    /// What sections see of it, but for those that hold only sometimes.
    fn asked<'s>(&'s self, path: &'s [u8]) -> Asked<'s> {
        let own = || Asked::at(path).with_file(self.reached.file.as_deref());
        let learnt = self.reached.learnt.as_deref();
        learnt.map_or_else(own, Learnt::asked)
    }

    /// Which `<If>` sections are about the request.
    fn choose(&self, visit: &Visit, path: &[u8]) -> Chosen {
        if !self.host.said.chooses {
            return Chosen::default();
        }
        if let Some(learnt) = self.reached.learnt.as_deref() {
            return Chosen {
                sections: learnt.asked().chosen.to_vec(),
                ..Chosen::default()
            };
        }
        let asked = self.asked(path);
        let mut variables = Variables::begin(self.host, self.head, &visit.peer, self.marks.0);
        variables.name_matches(self.host, asked);
        let last = || self.decoded.rsplit(|b| *b == b'/').next();
        let last = || last().filter(|_| self.reached.is_found);
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
            let own = Asked::at(path).with_file(self.reached.file.as_deref());
            variables.name_matches(self.host, own);
            let chosen = self.choose(visit, path);
            let own = own.choosing(&chosen.sections);
            if self.reached.is_found {
                variables.enter(self.host, self.head, &visit.peer, own);
            }
            if self.reached.is_settled {
                variables.settle(self.host, own);
                variables.connect(self.host, &visit.peer, own);
            }
            if let Some(learnt) = self.reached.learnt.as_deref() {
                variables.rewrite(&learnt.changes);
                variables.settle(self.host, learnt.asked());
            }
            let is_asked = self.is_mapped && self.reached.is_settled;
            let told = is_asked && mapping::looks_at_all(self.host);
            if let Some(told) = told.then(|| variables.told()).flatten() {
                variables = told;
            }
        }
        variables
    }

    /// The answer with a text, a URL, or a page of our own.
    pub(super) async fn answer(
        &self,
        visit: &Visit,
        (stumble, document): (&Stumble, Option<(&ErrorDocument, Vec<u8>)>),
        claims: &Claims,
        changed: Option<Head>,
    ) -> Outgoing<Answer> {
        let mut answer = without_page(visit, stumble, document);
        let (status, is_about_file) = (answer.status(), stumble.is_about_file());
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            // As in httpd, which has begun another answer by then.
            answer = answer.map(Answer::without_length);
        }
        let trace = self.host.identity.trace;
        allow::tell(&mut answer.head.fields, status, is_about_file, trace);
        let mut answer = self.finish(visit, (claims, changed), claims.ask(stumble, answer));
        if visit.head.method == Method::HEAD {
            // As httpd has it, the length of a page that is not sent is not told, either.
            answer.body.discard().await;
        }
        answer
    }

    /// The path as expressions see it: what mod_jk takes is without parameters.
    fn seen(&self) -> &[u8] {
        if let Some(learnt) = self.reached.learnt.as_deref() {
            return learnt.asked().path;
        }
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
            file: self.file().or_else(last),
            claims,
        });
        let path = self.path.as_deref();
        let chosen = path.map(|path| self.choose(visit, path));
        let chosen = chosen.unwrap_or_default();
        let asked = path.map(|path| self.asked(path));
        course.rules.asked = asked.map(|asked| asked.choosing(&chosen.sections));
        course.tell_expiry(&mut page.head, visit.began);
        course.finish(page)
    }

    /// The variables of the request under other names, and what went wrong.
    pub(super) fn renamed(&self, visit: &Visit, status: StatusCode) -> Vec<(String, Vec<u8>)> {
        let variables = self.variables(visit);
        let query = self.head.query();
        let mut earlier = renamed(&variables, status.as_str(), &self.decoded, query);
        let method = self.head.method.as_str();
        earlier.push(("REDIRECT_REQUEST_METHOD".to_owned(), method.into()));
        earlier.extend_from_slice(&visit.own);
        earlier
    }
}
