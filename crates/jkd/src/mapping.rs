//! Which worker a request is for: the URI map, `no-jk`, `SetHandler` and the variable that names a
//! worker.

mod mapped;
mod undecoded;

use std::borrow::Cow;

use jkworkers::{
    model::{
        Asked, Host, Mount, Worker,
        variables::{Handler, names::NO_JK},
    },
    uri_map::{self, BadUri},
};

use self::mapped::worker;
pub(crate) use self::{
    mapped::{Mapped, by_variable},
    undecoded::as_far_as_decoded,
};
use crate::{
    access::{Claims, Guest},
    expressions::{Chosen, Subject},
    http1::Head,
    peer::Peer,
    redirect,
    rescue::Stumble,
    rewriting::Rewritten,
    static_files::Learnt,
    variables::Variables,
};

/// A request whose path was found in the map, before it is known whether its client may come in.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// The path as it is mapped.
    pub(crate) path: Cow<'a, [u8]>,
    /// The decoded path, where `JkStripSession` has taken something from it.
    pub(crate) stripped: Option<Vec<u8>>,
    /// The file or directory that it leads to, where that is known.
    file: Option<Box<[u8]>>,
    /// The variables that conditions set.
    pub(crate) variables: Variables<'a>,
    /// Whether mod_jk may look at it: `no-jk` was not set when it was mapped.
    pub(crate) for_jk: bool,
    /// Whether a `Redirect` about all of a section counts whoever asks.
    pub(crate) redirects_first: bool,
    /// The rule of the map.
    rule: Option<&'a Mount>,
    /// The handler, where it is not for sections to say.
    handler: Option<Handler>,
    /// Which `<If>` sections hold.
    pub(crate) chosen: Chosen,
    /// What is known of what stands for it.
    learnt: Option<&'a Learnt>,
}

/// Variables that are there before a request is looked at: those of the request whose page of an
/// error this one is for.
pub(crate) type Earlier = [(String, Vec<u8>)];

/// Looks up a request of `host` whose path decodes to `decoded`.
///
/// # Errors
///
/// When its path cannot be mapped, or a `Redirect` is about it.
pub(crate) fn find<'a>(
    host: &'a Host,
    head: &Head,
    decoded: &'a [u8],
    before: Before<'a>,
) -> Result<Found<'a>, Stumble> {
    let Before {
        mut variables,
        is_file,
        handler,
    } = before;
    let for_jk = !variables.has(NO_JK);
    let path = match uri_map::clean(decoded) {
        // What is not for mod_jk is not looked at with its eyes.
        Err(_) if !for_jk => Cow::Borrowed(decoded),
        cleaned => cleaned.map_err(bad_path)?,
    };
    variables.name_matches(host, Asked::at(&path));
    let rule = rule(host, &path, &variables);
    let redirects_first = !is_file && (rule.is_none() || !host.mounts_first);
    if redirects_first {
        redirect::by_server(host, head, decoded)?;
    }
    let strips = for_jk && rule.is_none();
    let session = host.strip_session.as_ref().filter(|_| strips);
    let stripped = session.map(|name| uri_map::without_session(decoded, name).into_owned());
    Ok(Found {
        path,
        stripped,
        file: None,
        variables,
        for_jk,
        redirects_first,
        rule,
        handler,
        chosen: Chosen::default(),
        learnt: None,
    })
}

/// What is known of a request before it is mapped.
#[derive(Debug)]
pub(crate) struct Before<'a> {
    /// What [`Variables::begin`] says, and rules about rewriting have made of it.
    pub(crate) variables: Variables<'a>,
    /// Such a rule says that it is for a file: `Redirect` is not asked any more.
    pub(crate) is_file: bool,
    /// The handler that such a rule names.
    pub(crate) handler: Option<Handler>,
}

impl<'a> Before<'a> {
    /// `variables`, and what rules about rewriting have made of the request, if there were any. They
    /// may say instead how it ends, which is for the caller to ask.
    pub(crate) fn of(mut variables: Variables<'a>, rewritten: Option<&'a Rewritten>) -> Self {
        if let Some(rewritten) = rewritten {
            variables.rewrite(&rewritten.variables);
        }
        Self {
            variables,
            is_file: rewritten.is_some_and(|made| made.file.is_some()),
            handler: rewritten.and_then(|made| made.handler),
        }
    }
}

/// What was decided about a request whose client may come in.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    /// The path as it was mapped and checked.
    pub(crate) path: Cow<'a, [u8]>,
    /// All variables of the request.
    pub(crate) variables: Variables<'a>,
    /// Where it goes, or why nowhere.
    pub(crate) target: Result<Mapped<'a>, Stumble>,
    /// Whether it may be for a file.
    pub(crate) allows_files: bool,
    /// Whether a rule maps it, and mod_jk leaves it to others all the same, for whom there is nothing.
    pub(crate) is_left: bool,
    /// Whether mod_jk may look at it: `no-jk` was not set when it was mapped.
    pub(crate) for_jk: bool,
    /// Which `<If>` sections hold.
    pub(crate) chosen: Chosen,
}

impl<'a> Decision<'a> {
    /// The variables as they are when a worker has been asked, where that is another thing. mod_jk
    /// looks at all of them then.
    pub(crate) fn told(&self, host: &Host) -> Option<Variables<'a>> {
        let is_asked = self.target.is_ok() && looks_at_all(host);
        is_asked.then(|| self.variables.told()).flatten()
    }

    /// What is asked for.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked::at(&self.path).choosing(&self.chosen.sections)
    }

    /// Fields of the request that expressions have looked at.
    pub(crate) fn vary(&self, claims: &Claims) -> Option<Vec<u8>> {
        let all = self.variables.vary().iter().chain(&self.chosen.vary);
        let all = all.chain(&claims.vary);
        let all: Vec<&[u8]> = all.map(Vec::as_slice).collect();
        (!all.is_empty()).then(|| all.join(&b", "[..]))
    }
}

impl<'a> Found<'a> {
    /// Whether a rule of the map is about it.
    pub(crate) const fn is_mapped(&self) -> bool {
        self.rule.is_some()
    }

    /// The worker that it names.
    pub(crate) fn worker(&self) -> Option<&'a str> {
        self.rule.map(|rule| &*rule.worker)
    }

    /// What is asked for.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked::at(&self.path).choosing(&self.chosen.sections)
    }

    /// The same with the file.
    pub(crate) fn asked_for(&self) -> Asked<'_> {
        self.asked().with_file(self.file.as_deref())
    }

    /// The path as it is from here on: what mod_jk takes is without parameters, what it leaves
    /// without a session id (`JkStripSession`).
    pub(crate) fn seen<'p>(&'p self, decoded: &'p [u8]) -> &'p [u8] {
        if self.is_mapped() {
            &self.path
        } else {
            self.stripped.as_deref().unwrap_or(decoded)
        }
    }

    /// Finds out which `<If>` sections hold, and what others have found under names. `file` is what the path leads to.
    pub(crate) fn choose(
        &mut self,
        host: &'a Host,
        head: &Head,
        peer: &Peer,
        decoded: &[u8],
        file: Option<&[u8]>,
    ) {
        let asked = Asked::at(&self.path).with_file(file);
        self.variables.name_matches(host, asked);
        if !host.said.chooses {
            return;
        }
        let chosen = (self.subject(host, head, peer, decoded))
            .with_file(file)
            .about(asked)
            .choose(asked);
        self.chosen = chosen;
        let too_slow = self.chosen.too_slow.as_ref();
        if let Some(section) = too_slow.and_then(|own| host.choice_by(own)) {
            self.variables.doubt(&section.origin);
        }
    }

    /// The request as expressions see it, for what a worker answers.
    pub(crate) fn subject<'s>(
        &'s self,
        host: &'s Host,
        head: &'s Head,
        peer: &'s Peer,
        decoded: &'s [u8],
    ) -> Subject<'s> {
        Subject {
            variables: Some(&self.variables),
            file: decoded.rsplit(|b| *b == b'/').next(),
            ..Subject::new(host, head, peer, self.seen(decoded)).about(self.asked_for())
        }
    }

    /// The request as sections see it that decide who may come in.
    pub(crate) fn guest<'g>(
        &'g self,
        host: &'g Host,
        head: &'g Head,
        peer: &'g Peer,
        decoded: &'g [u8],
    ) -> Guest<'g> {
        Guest {
            host,
            head,
            peer,
            variables: &self.variables,
            asked: self.asked(),
            decoded: self.seen(decoded),
            logs: None,
        }
    }

    /// Asks the conditions of the sections about it; `file` is what it leads to, if anything.
    pub(crate) fn enter(&mut self, host: &'a Host, head: &Head, peer: &Peer, file: Option<&[u8]>) {
        if host.sections.is_empty() {
            return;
        }
        self.leads_to(file);
        let asked = Asked::at(&self.path)
            .choosing(&self.chosen.sections)
            .with_file(file);
        self.variables.enter(host, head, peer, asked);
    }

    /// This is what it leads to, if anything.
    pub(crate) fn leads_to(&mut self, file: Option<&[u8]>) {
        self.file = file.map(Box::from);
    }

    /// The variables as they are when it is served.
    pub(crate) fn settled(&self, host: &'a Host, peer: &'a Peer) -> Variables<'a> {
        let mut variables = self.variables.clone();
        self.settle(&mut variables, host, peer);
        variables
    }

    fn settle(&self, variables: &mut Variables<'a>, host: &'a Host, peer: &'a Peer) {
        variables.settle(host, self.asked_for());
        variables.connect(host, peer, self.asked());
    }

    /// Something stands for it, which has found this out.
    pub(crate) const fn is_stood_for(&mut self, learnt: Option<&'a Learnt>) {
        self.learnt = learnt;
    }

    /// Rules in sections have set this.
    pub(crate) fn is_fixed(&mut self, made: &'a Rewritten) {
        self.variables.rewrite(&made.variables);
        self.handler = made.handler.or(self.handler);
    }

    /// Who handles it, as far as rules and sections say.
    pub(crate) fn handler(&self, host: &Host) -> Handler {
        let by_section =
            || host.handler_of(self.learnt.map_or_else(|| self.asked(), Learnt::asked));
        self.handler.unwrap_or_else(by_section)
    }

    /// Decides where the request goes. Names of workers in variables are looked up by `worker`.
    pub(crate) fn decide<'w>(
        self,
        host: &'a Host,
        peer: &'a Peer,
        worker: impl Fn(&str) -> Option<&'w Worker>,
    ) -> Decision<'a> {
        let mut this = self;
        let mut variables = std::mem::take(&mut this.variables);
        this.settle(&mut variables, host, peer);
        if let Some(learnt) = this.learnt {
            variables.rewrite(&learnt.changes);
            variables.settle(host, learnt.asked());
        }
        let Self {
            path,
            for_jk,
            rule,
            handler,
            chosen,
            ..
        } = this;
        let asked = Asked::at(&path).choosing(&chosen.sections);
        let handler = handler.unwrap_or_else(|| host.handler_of(asked));
        let target = self::worker(worker, host, (&path, handler), rule, &variables);
        let is_left = target.is_err() && handler != Handler::Other;
        let allows_files = is_left && rule.is_none();
        Decision {
            path,
            variables,
            target,
            allows_files,
            is_left: is_left && rule.is_some(),
            for_jk,
            chosen,
        }
    }
}

/// Whether mod_jk looks at all variables before it asks a worker: for those that it tells, or for TLS.
pub(crate) const fn looks_at_all(host: &Host) -> bool {
    host.extracts_tls || !host.env_vars.is_empty()
}

/// What a path that cannot be mapped comes to.
pub(crate) const fn bad_path(error: BadUri) -> Stumble {
    match error.status() {
        404 => Stumble::HiddenPath,
        _ => Stumble::BadPath,
    }
}

/// The rule of the map for `path` (normalised), unless `no-jk` is set already.
fn rule<'a>(host: &'a Host, path: &[u8], variables: &Variables<'_>) -> Option<&'a Mount> {
    if variables.has(NO_JK) {
        return None;
    }
    host.uri_map.find(path)
}
