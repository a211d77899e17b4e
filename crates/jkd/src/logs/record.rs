//! What is collected about a request for its lines.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use http::{HeaderName, HeaderValue, StatusCode};
use jkworkers::model::{Asked, Host, Naming, variables::Handler};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Logs, Redirected, Wants};
use crate::{
    answer::Visit,
    balancer::{Balancer, MemberView},
    forward::Facts,
    handler,
    http1::{Head, Heading},
    logging::Printable,
    mapping::looks_at_all,
    rescue::{IsPage, Stumble},
    snapshot,
    static_files::Located,
    variables::Variables,
};

/// What is collected about a request while it is served. Everything is said once, by whoever
/// knows it first; what no log asks for is not kept.
#[derive(Debug, Default)]
pub(crate) struct Record {
    host: OnceLock<usize>,
    /// Who says what the server is called, where sections do.
    naming: Mutex<Option<Naming>>,
    /// How long its body may be, where sections say so.
    max_body: Mutex<Option<u64>>,
    id: OnceLock<Arc<str>>,
    /// What it is called from the beginning: `UNIQUE_ID`.
    name: OnceLock<Box<str>>,
    /// What connects the lines about it in an `ErrorLog`, if there are any.
    pub(super) log_id: OnceLock<Box<str>>,
    extra: OnceLock<Box<Extra>>,
}

/// A variable and its value.
pub(super) type Set = (Box<str>, Box<[u8]>);

/// A field and its value, if there is one.
type Field = (Box<str>, Option<Box<[u8]>>);

/// What only some logs ask for.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) variables: OnceLock<Vec<Set>>,
    /// Those that it has by itself, since a worker was told of it.
    own: OnceLock<Vec<Set>>,
    pub(super) file: OnceLock<Box<[u8]>>,
    /// The path of the index file that stands for the one that was asked for.
    pub(super) index: OnceLock<Box<[u8]>>,
    pub(super) redirected: OnceLock<Box<Redirected>>,
    /// Fields of the request as `RequestHeader` has left them, where that has changed any.
    pub(super) asked: Mutex<Vec<Field>>,
    /// It has begun anew with another path.
    anew: OnceLock<()>,
    /// It is a directory for which nothing stands.
    pub(super) is_directory: OnceLock<()>,
    /// The handler that a section names for it.
    pub(super) handler: OnceLock<&'static str>,
    /// What `Header note` has noted; the last one of a name counts.
    pub(super) notes: Mutex<Vec<Set>>,
    /// Whether it is told when its answer begins, where sections say so.
    is_timed: Mutex<Option<bool>>,
    /// The worker that a rule of the map names, where the request did not get so far.
    pub(super) meant: OnceLock<Box<str>>,
    /// The path and the query that rules have made.
    pub(super) rewritten: OnceLock<(Vec<u8>, Option<Vec<u8>>)>,
    /// The query that rules in sections have made.
    pub(super) query: OnceLock<Option<Vec<u8>>>,
    /// A worker that is no group of members: its name and its type.
    pub(super) other_worker: OnceLock<(Box<str>, &'static str)>,
    pub(super) dispatched: OnceLock<Instant>,
    /// The member after the first try, where that failed.
    pub(super) first: OnceLock<Box<MemberView>>,
}

/// How a request ended, as far as only its answer tells.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// The status that was sent.
    pub(crate) status: u16,
    /// Bytes of the body that were sent.
    pub(crate) bytes: u64,
    /// Whether the client or the backend went away in the middle.
    pub(crate) aborted: bool,
    /// When the answer began.
    pub(crate) began: Option<Instant>,
    /// Fields of the answer that somebody asks for.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
}

impl Record {
    /// The request is for this host.
    pub(crate) fn is_for(&self, host: &Host, logs: &Logs) {
        let _ = self.host.set(host.number);
        if logs.of(host.number).is_some() {
            let _ = self.extra.set(Box::default());
        }
    }

    /// The sections about this are about it, as far as it has come.
    pub(crate) fn is_about(&self, host: &Host, asked: Asked<'_>) {
        if host.said.names_itself {
            *self.naming.lock() = Some(host.naming(asked));
        }
        if host.said.limits_bodies {
            *self.max_body.lock() = Some(host.max_body(asked));
        }
        if let Some(extra) = self.extra().filter(|_| host.said.times_first_bytes) {
            *extra.is_timed.lock() = Some(host.times_first_byte(asked));
        }
    }

    /// Who says what the server is called: `UseCanonicalName`, `UseCanonicalPhysicalPort`.
    pub(crate) fn naming(&self, host: &Host) -> Naming {
        let by_sections = || *self.naming.lock();
        let naming = host.said.names_itself.then(by_sections).flatten();
        naming.unwrap_or_else(|| host.own_naming())
    }

    /// How long its body may be, as far as it has come: `LimitRequestBody`.
    pub(crate) fn max_body(&self, host: &Host) -> u64 {
        let by_sections = || *self.max_body.lock();
        let most = host.said.limits_bodies.then(by_sections).flatten();
        most.unwrap_or_else(|| host.own_max_body())
    }

    /// All of this is known of it.
    pub(super) fn has(&self, extra: Extra) {
        let _ = self.extra.set(Box::new(extra));
    }

    /// The request is called so from the beginning.
    pub(crate) fn is_named(&self, id: &str) {
        let _ = self.name.set(id.into());
    }

    /// What it is called from the beginning, if anything.
    pub(super) fn name(&self) -> Option<Box<str>> {
        self.name.get().cloned()
    }

    /// What the request is called in jkd's own lines: the variable that `JkRequestIdIndicator`
    /// names, or `UNIQUE_ID`.
    pub(crate) fn id(&self) -> Option<Arc<str>> {
        self.id.get().cloned()
    }

    fn has_id(&self, host: &Host, variables: &Variables<'_>) {
        let named = variables.get(&host.indicators.request_id);
        let Some(id) = named.or_else(|| variables.get("UNIQUE_ID")) else {
            return;
        };
        // It stands in brackets, and must not seem to end there.
        let id = Printable(id).to_string().replace(['[', ']'], "_");
        let _ = self.id.set(id.into());
    }

    /// The number of its host, if it got so far.
    pub(crate) fn host(&self) -> Option<usize> {
        self.host.get().copied()
    }

    /// The value of a variable that a log asks for.
    pub(super) fn variable(&self, name: &str) -> Option<&[u8]> {
        let mut variables = self.variables();
        let found = variables.find(|(known, _)| **known == *name);
        found.map(|(_, value)| &**value)
    }

    /// The variables that logs ask for. Of several with one name the first one counts.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Set> {
        let extra = self.extra();
        let own = extra.and_then(|extra| extra.own.get());
        let set = extra.and_then(|extra| extra.variables.get());
        own.into_iter().chain(set).flatten()
    }

    /// A worker is about to be told of it: what httpd knows of every request becomes variables then,
    /// over those that are set.
    pub(crate) fn is_told(&self, facts: &Facts<'_>, variables: &Variables<'_>, logs: &Logs) {
        let Some((extra, wants)) = self.wanted(logs) else {
            return;
        };
        if wants.own.is_empty() || !looks_at_all(facts.host) {
            return;
        }
        let own = wants.own.iter().filter_map(|(name, own)| {
            let set = variables.get(name).filter(|_| own.yields());
            let value = set.map(Cow::Borrowed).or_else(|| facts.value(own))?;
            Some(((&**name).into(), (*value).into()))
        });
        let _ = extra.own.set(own.collect());
    }

    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.get().map(|extra| &**extra)
    }

    /// These are its variables.
    pub(crate) fn has_variables(&self, host: &Host, variables: &Variables<'_>, logs: &Logs) {
        if variables.is_empty() {
            return;
        }
        self.has_id(host, variables);
        let Some((extra, wants)) = self.wanted(logs) else {
            return;
        };
        if wants.all_variables {
            let all = variables
                .iter()
                .map(|v| (v.name.into(), (&*v.value).into()));
            let _ = extra.variables.set(all.collect());
            return;
        }
        if wants.variables.is_empty() {
            return;
        }
        let value = |name: &str| Some((name.into(), variables.get(name)?.into()));
        let wanted = wants.variables.iter().filter_map(|name| value(name));
        let _ = extra.variables.set(wanted.collect());
    }

    /// Rules have made this path and this query of what the client asked for.
    pub(crate) fn is_rewritten(&self, query: Option<&[u8]>, path: &[u8], logs: &Logs) {
        if let Some((extra, _)) = self.wanted(logs) {
            let query = query.map(<[u8]>::to_vec);
            let _ = extra.rewritten.set((path.to_vec(), query));
        }
    }

    /// Rules in sections have made this query.
    pub(crate) fn has_query(&self, query: Option<&[u8]>) {
        if let Some(extra) = self.extra() {
            let _ = extra.query.set(query.map(<[u8]>::to_vec));
        }
    }

    /// This is what its path leads to.
    pub(crate) fn is_at(&self, located: &Located) {
        let Some(extra) = self.extra() else { return };
        if located.name().is_some() {
            let (name, _) = located.parts(b"");
            let _ = extra.file.set(name.into());
        }
        if let Some(path) = &located.path {
            let _ = extra.index.set(path.as_slice().into());
        }
    }

    /// Its client is sent elsewhere from this file, or directory.
    pub(crate) fn leads_from(&self, name: &[u8], is_directory: bool) {
        self.is_at_file(name);
        if let Some(extra) = self.extra().filter(|_| is_directory) {
            let _ = extra.is_directory.set(());
        }
    }

    /// It is served as a directory, if it is one.
    pub(crate) fn is_served_as(&self, located: &Located) {
        let stands = located.path.is_some() || located.mapped.is_some();
        if let (true, false, Some(extra)) = (located.is_directory(), stands, self.extra()) {
            let _ = extra.is_directory.set(());
        }
    }

    /// Sections say who handles it, if they do.
    pub(crate) fn is_handled_by(&self, logs: &Logs, handler: impl FnOnce() -> Handler) {
        let Some((extra, _)) = self.wanted(logs).filter(|(_, wants)| wants.handler) else {
            return;
        };
        let name = match handler() {
            Handler::Jk => "jakarta-servlet",
            Handler::File => "default-handler",
            Handler::Map | Handler::Other => return,
        };
        let _ = extra.handler.set(name);
    }

    /// The head from here on, which is `changed` where that is another one than `head`.
    pub(crate) fn changes<'h>(
        &self,
        head: &'h Head,
        changed: Option<&'h Head>,
        logs: &Logs,
    ) -> &'h Head {
        let Some(head) = changed else {
            return head;
        };
        if let Some((extra, wants)) = self.wanted(logs) {
            let value = |name: &String| head.headers.joined(name).map(|value| (*value).into());
            let wanted = wants.asked.iter();
            let wanted = wanted.map(|name| (name.as_str().into(), value(name)));
            *extra.asked.lock() = wanted.collect();
        }
        head
    }

    /// Rules have sent it nowhere: httpd has the path, or the new place, for a file then.
    pub(crate) fn leads_to(&self, visit: &Visit, stumble: &Stumble, path: &[u8]) {
        if self.extra().is_none() {
            return;
        }
        let there = match stumble {
            Stumble::Elsewhere(there) => {
                let (scheme, server, port) = handler::server(visit);
                there.location(scheme, &server, port)
            }
            _ => None,
        };
        self.is_at_file(there.as_ref().map_or(path, HeaderValue::as_bytes));
    }

    /// It is for a file of this name, as far as logs are concerned.
    pub(crate) fn is_at_file(&self, name: &[u8]) {
        if let Some(extra) = self.extra() {
            let _ = extra.file.set(name.into());
        }
    }

    /// It begins anew with another path.
    pub(crate) fn begins_anew(&self) {
        if let Some(extra) = self.extra() {
            let _ = extra.anew.set(());
        }
    }

    /// Whether it has.
    pub(super) fn has_begun_anew(&self) -> bool {
        let extra = self.extra();
        extra.is_some_and(|extra| extra.anew.get().is_some())
    }

    /// An error of it is told by another page on this server.
    pub(crate) fn is_redirected(&self, redirected: Redirected) {
        if let Some(extra) = self.extra() {
            let _ = extra.redirected.set(Box::new(redirected));
        }
    }

    /// What an internal redirect has made of it.
    pub(crate) fn redirected(&self) -> Option<&Redirected> {
        Some(&**self.extra()?.redirected.get()?)
    }

    /// `Header note`. What is no text is the name of no note.
    pub(crate) fn has_note(&self, name: &[u8], value: &[u8]) {
        if let (Some(extra), Ok(name)) = (self.extra(), str::from_utf8(name)) {
            extra.notes.lock().push((name.into(), value.into()));
        }
    }

    /// What `Header note` has noted under a name.
    pub(crate) fn note(&self, name: &str) -> Option<Vec<u8>> {
        let notes = self.extra()?.notes.lock();
        let mut known = notes.iter().rev();
        let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_vec())
    }

    /// It would have gone to this worker, if its client were let in.
    pub(crate) fn is_meant_for(&self, worker: &str) {
        if let Some(extra) = self.extra() {
            let _ = extra.meant.set(worker.into());
        }
    }

    /// It goes to a worker that is no group of members.
    pub(crate) fn has_other_worker(&self, name: &str, kind: &'static str) {
        if let Some(extra) = self.extra() {
            let _ = extra.other_worker.set((name.into(), kind));
        }
    }

    /// Members are about to be tried.
    pub(crate) fn is_dispatched(&self, logs: &Logs) {
        if let Some((extra, _)) = self.wanted(logs).filter(|(_, wants)| wants.notes) {
            let _ = extra.dispatched.set(Instant::now());
        }
    }

    /// A try has failed, and the member is left.
    pub(crate) fn has_failed_at(&self, balancer: &Balancer, member: usize) {
        let Some(extra) = self.extra() else { return };
        // Set where notes are wanted.
        if extra.dispatched.get().is_some()
            && extra.first.get().is_none()
            && let Some(view) = balancer.member_view(member, snapshot::now())
        {
            let _ = extra.first.set(Box::new(view));
        }
    }

    fn wanted<'a>(&'a self, logs: &'a Logs) -> Option<(&'a Extra, &'a Wants)> {
        let extra = self.extra()?;
        Some((extra, &logs.of(self.host()?)?.wants))
    }

    /// Keeps what logs ask for of an answer's head.
    pub(crate) fn answers(&self, logs: &Logs, head: &Heading, ending: &mut Ending) {
        let Some((extra, wants)) = self.wanted(logs) else {
            return;
        };
        for name in &wants.fields {
            let values = head.values(name.as_str());
            let named = values.filter_map(|value| {
                let value = HeaderValue::from_bytes(value).ok()?;
                Some((name.clone(), value))
            });
            ending.fields.extend(named);
        }
        // As in httpd, whose filter that looks at the clock is none of its own pages', unless the
        // answer had begun.
        let is_page = head.extensions.get::<IsPage>().is_some();
        let is_page = is_page && head.status != StatusCode::RANGE_NOT_SATISFIABLE;
        let is_timed = || extra.is_timed.lock().unwrap_or(wants.first_bytes);
        if wants.first_byte && !is_page && is_timed() {
            ending.began = Some(Instant::now());
        }
    }
}
