//! A request as it has come in, and its steps until its client may come in, too.

use std::{borrow::Cow, os::unix::ffi::OsStrExt as _};

use http::Method;
use jkworkers::{
    model::{Asked, Host, Lookups},
    uri_map,
};

use super::Asking;
use crate::{
    access::{self, Claims, Guest},
    answer::Visit,
    expressions::{self, Chosen},
    forward::{default_port, own_scheme, scheme, server_name, server_port},
    http1::Head,
    logs::{About, Record},
    mapping::{self, Before, Decision, Earlier, Found},
    peer::Peer,
    redirect,
    rescue::Stumble,
    rewriting::{self, Rewritten, Subject},
    static_files::{self, Located, Pointer},
    strict::{self, Checked, Refusal, Target},
    variables::Variables,
};

/// The host that a request is for, if the request makes sense.
///
/// # Errors
///
/// When it makes none, or the connection is not good enough for the host.
pub(super) fn host_of<'a>(
    visit: &'a Visit,
    asking: &Asking<'a>,
) -> Result<(Checked<'a>, &'a Host), Stumble> {
    let Visit { snapshot, peer, .. } = visit;
    let own_scheme = || own_scheme(&snapshot.model, peer);
    let checked = match asking.refused {
        Some(refusal) if refusal.is_before_host() => Ok(strict::nameless(asking.head)),
        Some(Refusal::Expectation) => strict::named_by(asking.head, own_scheme),
        _ => strict::check(asking.head, own_scheme),
    };
    let checked = checked.map_err(Stumble::Refused)?;
    let host = snapshot.model.host_for(peer.local, checked.target.host);
    asking.record.is_for(host, &snapshot.logs);
    snapshot.tls.admit(peer.tls(), host)?;
    Ok((checked, host))
}

/// The path that it is for, as httpd decodes it.
///
/// # Errors
///
/// When it cannot be one.
pub(super) fn decode<'a>(
    visit: &Visit,
    host: &Host,
    asking: &Asking<'a>,
) -> Result<Cow<'a, [u8]>, Stumble> {
    uri_map::decode(asking.head.path(), host.uri_rules).map_err(|error| {
        About::new(host, visit, asking.record, b"").tells_of_path(&visit.snapshot.logs, error);
        mapping::bad_path(error)
    })
}

/// `HostnameLookups`, `UseCanonicalName DNS`.
pub(super) async fn find_out_names(host: &Host, peer: &Peer, path: &[u8]) {
    if host.lookups(Asked::at(path)) != Lookups::Off {
        peer.name.find_out(peer.ip).await;
    }
    if host.said.looks_up_itself {
        peer.local_name.find_out(peer.local.ip()).await;
    }
}

/// A request as it has come in.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) host: &'a Host,
    pub(crate) checked: Checked<'a>,
    pub(crate) head: &'a Head,
    /// The path as httpd decodes it.
    pub(crate) decoded: &'a [u8],
    /// The same before rules have made another path of it.
    pub(crate) came: &'a [u8],
    /// Variables from before.
    pub(crate) earlier: &'a Earlier,
    /// For its lines in logs.
    pub(crate) record: &'a Record,
    /// `Vary`, as far as it is known already.
    pub(crate) vary: Option<&'a str>,
    /// What rules of the server have made of it.
    pub(crate) rewritten: Option<&'a Rewritten>,
}

impl<'a> Arrival<'a> {
    /// Variables that are there before anything is asked about it.
    pub(super) fn begin_variables(&self) -> Variables<'a> {
        let mut all = Variables::begin(self.host, self.head, &self.visit.peer, self.earlier);
        if self.host.said.names_matches {
            let cleaned = uri_map::clean(self.decoded);
            let path = cleaned.as_deref().unwrap_or(self.decoded);
            all.name_matches(self.host, Asked::at(path));
        }
        all
    }

    /// Which `<If>` sections hold for a request that is for no path.
    pub(super) fn choose(&self, variables: &Variables<'_>) -> Chosen {
        let subject = expressions::Subject {
            variables: Some(variables),
            ..expressions::Subject::new(self.host, self.head, &self.visit.peer, self.decoded)
        };
        subject.choose(Asked::at(self.decoded))
    }

    /// Who says what the server is called while nobody knows yet where the request leads: sections
    /// about its path.
    pub(super) fn names_server(&self, variables: &Variables<'_>) {
        let host = self.host;
        if !host.said.names_itself {
            return;
        }
        let asked = Asked::at(self.decoded);
        let subject = self.subject(variables).expressing(self.decoded, None);
        let chosen = subject.choose(asked);
        self.record.is_about(host, asked.choosing(&chosen.sections));
    }

    /// What rules of the server make of it.
    pub(super) async fn rewrite(&self, variables: &Variables<'_>) -> Option<Box<Rewritten>> {
        let rewritten = rewriting::rewrite(self.subject(variables)).await;
        rewritten.filter(|_| !self.visit.trail.is_last())
    }

    /// The request from there on.
    pub(super) fn made_into(self, rewritten: Option<&'a Rewritten>) -> Self {
        let Some(made) = rewritten else { return self };
        Self {
            head: &made.head,
            decoded: &made.decoded,
            rewritten,
            ..self
        }
    }

    /// What of all that counts when it is mapped.
    ///
    /// # Errors
    ///
    /// What rules say instead of an answer.
    pub(super) fn before(&self, variables: Variables<'a>) -> Result<Before<'a>, Stumble> {
        let before = Before::of(variables, self.rewritten);
        let Some(rewritten) = self.rewritten else {
            return Ok(before);
        };
        self.visit.trail.leave(rewritten);
        let Some(stumble) = &rewritten.stumble else {
            return Ok(before);
        };
        self.visit.trail.is_ended_by_rule();
        let logs = &self.visit.snapshot.logs;
        let record = self.record;
        record.is_rewritten(self.head.query(), self.decoded, logs);
        record.has_variables(self.host, &before.variables, logs);
        record.leads_to(self.visit, stumble, self.decoded);
        Err(stumble.clone())
    }

    /// Whether no worker and no file is asked for.
    pub(super) fn is_about_server(&self) -> bool {
        self.head.method == Method::TRACE || self.head.parts().is_asterisk()
    }

    /// Logs show its variables, and a file of that name below the directory of documents.
    pub(super) fn is_noted_about_server(&self, variables: &Variables<'_>) {
        self.notes(variables);
        if let Some(root) = &self.host.roots.document_root {
            let root = root.as_os_str().as_bytes();
            let root = root.strip_suffix(b"/").unwrap_or(root);
            self.record.is_at_file(&[root, b"/", self.decoded].concat());
        }
    }

    /// Where its path leads, in the map and among the files.
    ///
    /// # Errors
    ///
    /// When it leads nowhere, or to another server.
    pub(super) async fn find(
        &self,
        before: Before<'a>,
    ) -> Result<(Found<'a>, Option<Located>), Stumble> {
        let Self { host, head, .. } = *self;
        let Visit { snapshot, peer, .. } = self.visit;
        let mut found = mapping::find(host, head, self.decoded, before).inspect_err(|_| {
            self.notes(&self.begin_variables());
            self.is_sent_away();
        })?;
        let path = found.seen(self.decoded);
        if self.rewritten.is_some() || path != self.decoded {
            self.record.is_rewritten(head.query(), path, &snapshot.logs);
        }
        let pointer = self.point(&found)?;
        let located = static_files::locate(snapshot, host, &found, self.decoded, pointer).await?;
        let own = located.as_ref().and_then(Located::name);
        found.choose(host, head, peer, self.decoded, own);
        self.record.is_about(host, found.asked().with_file(own));
        self.redirect(&found).inspect_err(|_| {
            self.notes(&found.variables);
            self.is_sent_away();
        })?;
        let counts = !host.sections.is_empty() || host.said.changes_headers;
        self.visit.trail.leads_to(own.filter(|_| counts));
        found.enter(host, head, peer, own);
        Ok((found, located))
    }

    /// Logs show its path for a file where rules about rewriting were asked before it was sent away.
    fn is_sent_away(&self) {
        if self.host.rewrites(self.decoded) {
            self.record.is_at_file(self.decoded);
        }
    }

    /// Sections may say who handles it, which logs show.
    pub(super) fn is_handled(&self, found: &Found<'_>) {
        let logs = &self.visit.snapshot.logs;
        (self.record).is_handled_by(logs, || found.handler(self.host));
    }

    /// Who else says where its file would be: rules, and an `Alias` of a section about the path as it
    /// came.
    fn point(&self, found: &Found<'_>) -> Result<Pointer, Stumble> {
        let subject = || found.subject(self.host, self.head, &self.visit.peer, self.decoded);
        let file = self.rewritten.and_then(|made| made.file.clone());
        let by_section = (!found.is_mapped()).then_some(subject);
        Pointer::of(file, by_section, self.came)
    }

    /// Sends its client elsewhere where that is said about all of a section: nobody asks who it is.
    fn redirect(&self, found: &Found<'_>) -> Result<(), Stumble> {
        if !found.redirects_first {
            return Ok(());
        }
        let subject = found.subject(self.host, self.head, &self.visit.peer, self.decoded);
        redirect::by_whole_sections(&subject.without_file(), found.asked())
    }

    /// Lets its client in, or does not.
    ///
    /// # Errors
    ///
    /// When it may not come in, or has to say who it is.
    pub(super) async fn admit(
        &self,
        found: &Found<'_>,
        located: Option<&Located>,
        claims: &mut Claims,
    ) -> Result<(), Stumble> {
        let Visit { snapshot, peer, .. } = self.visit;
        let guest = Guest {
            asked: found.asked().with_file(located.and_then(Located::name)),
            logs: Some((&snapshot.logs, self.record)),
            ..found.guest(self.host, self.head, peer, self.decoded)
        };
        let entry = access::check(guest, claims).await;
        entry.inspect_err(|_| self.stays_outside(found, located))?;
        access::name_by_tls(guest, claims);
        Ok(())
    }

    /// Logs show where it would have led.
    pub(crate) fn stays_outside(&self, found: &Found<'_>, located: Option<&Located>) {
        if let Some(located) = located {
            self.record.is_at(located);
        }
        if let Some(worker) = found.worker() {
            self.record.is_meant_for(worker);
        }
        self.notes(&found.variables);
    }

    /// For logs that show variables.
    pub(crate) fn notes(&self, variables: &Variables<'_>) {
        let logs = &self.visit.snapshot.logs;
        self.record.has_variables(self.host, variables, logs);
    }

    /// The same, where it is decided who serves it.
    pub(super) fn notes_of(&self, decision: &Decision<'_>) {
        let told = decision.told(self.host);
        self.notes(told.as_ref().unwrap_or(&decision.variables));
    }

    /// The request as rules about rewriting see it.
    pub(crate) fn subject<'s>(&self, variables: &'s Variables<'_>) -> Subject<'s>
    where
        'a: 's,
    {
        Subject {
            host: self.host,
            head: self.head,
            peer: &self.visit.peer,
            variables,
            target: self.checked.target,
            naming: self.record.naming(self.host),
            decoded: self.decoded,
            on_behalf_of: None,
            claims: None,
            snapshot: Some(&self.visit.snapshot),
        }
    }
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
    let naming = visit.record.naming(host);
    let name = server_name(&target, naming, host, &visit.peer);
    let port = server_port(&target, naming, host, &visit.peer);
    let said = (port != default_port(host)).then_some(port);
    (scheme(host), name, said)
}
