//! The variables of one request: what `SetEnvIf`, `SetEnv` and their relatives make of it.
//!
//! In httpd's order: conditions of the server before the request is mapped, then those of each
//! section about it, and last the settings. These lie behind what is there already under their names,
//! which is what is found; what a worker is told, and who looks after that, has the settings
//! ([`Variables::told`]). Nothing of a request becomes a variable unless a rule says so.

use std::{borrow::Cow, fmt};

use jkworkers::{
    diag::Origin,
    expr::{Expression, Fault},
    model::{
        Asked, Host, Naming,
        variables::{Assignment, Condition, Setting, Subject, VariableRules, names},
    },
    pattern::{Groups, Pattern, Template},
};

use crate::{
    expressions,
    http1::{Head, Heading},
    peer::Peer,
    unique_id,
};

/// All variables of a request. Names are compared without regard to case.
#[derive(Clone, Default)]
pub(crate) struct Variables<'a> {
    all: Vec<Variable<'a>>,
    /// Fields of the request that expressions have looked at.
    vary: Vec<Vec<u8>>,
    /// A condition of which cannot be said whether it holds: its regular expression takes too long.
    uncertain: Option<&'a Origin>,
}

/// One variable. Its value may be a secret.
#[derive(Clone)]
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: Cow<'a, [u8]>,
    /// The condition that set it; `None` is `SetEnv` or `PassEnv`.
    pub(crate) by: Option<&'a Origin>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rule,
    /// A setting has put it there: another one of this name may stand before it.
    Setting,
    /// It says where an internal redirect comes from: nobody sees it before a worker is told of it.
    Redirect,
}

impl fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|v| v.name)).finish()
    }
}

/// What conditions look at.
#[derive(Clone, Copy)]
struct Request<'r> {
    host: &'r Host,
    head: &'r Head,
    peer: &'r Peer,
    path: &'r [u8],
    naming: Naming,
}

impl<'a> Variables<'a> {
    /// What holds before the request is mapped: the conditions outside of `<Location>`. They see
    /// the path as the client wrote it.
    #[inline]
    pub(crate) fn begin(
        host: &'a Host,
        head: &Head,
        peer: &Peer,
        earlier: &'a [(String, Vec<u8>)],
    ) -> Self {
        let mut variables = Self::default();
        let is_name = |(name, _): &&(String, Vec<u8>)| name == unique_id::NAME;
        for (name, value) in earlier.iter().filter(|one| !is_name(one)) {
            if OF_REDIRECT.contains(&&**name) {
                let hidden = Variable::plain(name, value);
                let kind = Kind::Redirect;
                variables.all.push(Variable { kind, ..hidden });
            } else {
                variables.set(name, Cow::Borrowed(value), None);
            }
        }
        if !host.settings.variables.conditions.is_empty() {
            let request = Request {
                host,
                head,
                peer,
                path: written_path(head),
                naming: host.own_naming(),
            };
            variables.consider(&host.settings.variables.conditions, request);
        }
        // mod_setenvif has its turn before mod_unique_id.
        for (name, value) in earlier.iter().filter(is_name) {
            variables.set(name, Cow::Borrowed(value), None);
        }
        variables
    }

    /// Those that were kept.
    pub(crate) fn noted(set: impl Iterator<Item = &'a (Box<str>, Box<[u8]>)>) -> Self {
        Self {
            all: set
                .map(|(name, value)| Variable::plain(name, value))
                .collect(),
            ..Self::default()
        }
    }

    /// What rules have set, and what they have taken away.
    pub(crate) fn rewrite(&mut self, changes: &'a [(String, Option<Vec<u8>>)]) {
        for (name, value) in changes {
            match value {
                Some(value) => self.set(name, Cow::Borrowed(value), None),
                None => self.all.retain(|known| !known.is(name)),
            }
        }
    }

    /// What regular expressions of the sections about what is asked for have found under names.
    #[inline]
    pub(crate) fn name_matches(&mut self, host: &'a Host, asked: Asked<'_>) {
        if !host.said.names_matches {
            return;
        }
        for (name, found) in host.named_matches(asked) {
            self.set(name, Cow::Owned(found.to_vec()), None);
        }
    }

    /// What holds besides when the sections about what is asked for are known: their conditions.
    #[inline]
    pub(crate) fn enter(&mut self, host: &'a Host, head: &Head, peer: &Peer, asked: Asked<'_>) {
        if host.sections.is_empty() {
            return;
        }
        let path = asked.path;
        let request = Request {
            host,
            head,
            peer,
            path,
            naming: host.naming(asked),
        };
        for section in host.sections_about(asked) {
            self.consider(&section.settings.variables.conditions, request);
        }
    }

    /// Both of the next two.
    #[cfg(test)]
    pub(crate) fn complete(&mut self, host: &'a Host, head: &Head, peer: &Peer, path: &[u8]) {
        let asked = Asked::at(path);
        self.enter(host, head, peer, asked);
        self.settle(host, asked);
    }

    /// What holds when the request is served: behind all conditions the settings.
    #[inline]
    pub(crate) fn settle(&mut self, host: &'a Host, asked: Asked<'_>) {
        if host.sections.is_empty() && host.settings.variables.settings.is_empty() {
            return;
        }
        let sections = host.sections_about(asked);
        let rules = sections.map(|s| &s.settings.variables);
        let sections: Vec<_> = rules.filter(|rules| !rules.is_empty()).collect();
        for Setting { name, value } in settings(&host.settings.variables, &sections) {
            self.lay(name, Cow::Borrowed(value.as_bytes()));
        }
    }

    /// A setting, behind what is there under its name.
    fn lay(&mut self, name: &'a str, value: Cow<'a, [u8]>) {
        let mut known = self.all.iter_mut();
        match known.find(|known| known.kind == Kind::Setting && known.is(name)) {
            Some(known) => known.value = value,
            None => self.all.push(Variable {
                name,
                value,
                by: None,
                kind: Kind::Setting,
            }),
        }
    }

    /// The variables as a worker is told of them, and as they are from then on: of several with one
    /// name the last one counts. `None`: there are none such.
    pub(crate) fn told(&self) -> Option<Self> {
        let mut numbered = self.all.iter().enumerate();
        let is_again = |(at, variable): (usize, &Variable<'_>)| {
            let mut before = self.all.iter().take(at);
            before.any(|known| known.is(variable.name))
        };
        // Hardly any request has such: nothing is copied for the others.
        let hides = self.hidden().next().is_some();
        if !hides && !numbered.any(is_again) {
            return None;
        }
        let mut all: Vec<Variable<'a>> = Vec::with_capacity(self.all.len());
        for variable in self.iter().chain(self.hidden()) {
            match all.iter_mut().find(|known| known.is(variable.name)) {
                Some(known) => known.value.clone_from(&variable.value),
                None => all.push(Variable {
                    kind: Kind::Rule,
                    ..variable.clone()
                }),
            }
        }
        Some(Self {
            all,
            vary: self.vary.clone(),
            uncertain: self.uncertain,
        })
    }

    /// The value of a variable, as a worker is told of it.
    #[inline]
    pub(crate) fn last(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.iter().chain(self.hidden()).rev();
        let found = all.find(|known| known.is(name));
        found.map(|variable| &*variable.value)
    }

    /// What a connection that uses TLS is known by: over all else, as mod_ssl has it.
    #[inline]
    pub(crate) fn connect(&mut self, host: &Host, peer: &'a Peer, asked: Asked<'_>) {
        let Some(session) = peer.tls() else { return };
        self.set("HTTPS", Cow::Borrowed(b"on"), None);
        if let Some(name) = session.server_name() {
            self.set("SSL_TLS_SNI", Cow::Borrowed(name.as_bytes()), None);
        }
        let wanted = host.tls_about(asked);
        let standard = wanted.std_env_vars.filter(|wanted| *wanted);
        let exported = wanted.export_cert_data.filter(|wanted| *wanted);
        let standard = standard.map(|_| session.standard());
        let exported = exported.map(|_| session.exported());
        for (name, value) in standard.into_iter().chain(exported).flatten() {
            self.set(name, Cow::Borrowed(value), None);
        }
    }

    /// The value of a variable.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|variable| &*variable.value)
    }

    /// The variable of this name.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<&Variable<'a>> {
        if self.is_empty() {
            return None;
        }
        self.iter().find(|known| known.is(name))
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Variable<'a>> {
        self.all.iter().filter(|one| one.kind != Kind::Redirect)
    }

    fn hidden(&self) -> impl DoubleEndedIterator<Item = &Variable<'a>> {
        self.all.iter().filter(|one| one.kind == Kind::Redirect)
    }

    /// Of what is written there cannot be said whether it holds.
    pub(crate) const fn doubt(&mut self, by: &'a Origin) {
        self.uncertain = Some(by);
    }

    /// The condition of which cannot be said whether it holds, if there is one.
    pub(crate) const fn uncertain(&self) -> Option<&'a Origin> {
        self.uncertain
    }

    /// What `nokeepalive`, `downgrade-1.0` and `force-response-1.0` say about an answer.
    pub(crate) fn treat(&self, head: &mut Heading) {
        if self.is_empty() {
            return;
        }
        // The connection ends with the answer.
        head.closes |= self.has(names::NO_KEEP_ALIVE);
        head.downgrades |= self.has(names::DOWNGRADE);
        head.forces_version |= self.has(names::FORCE_RESPONSE);
    }

    /// Whether there is such a variable, empty or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is none at all.
    pub(crate) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Fields of the request that expressions have looked at.
    pub(crate) fn vary(&self) -> &[Vec<u8>] {
        &self.vary
    }

    fn consider(&mut self, conditions: &'a [Condition], request: Request<'_>) {
        for condition in conditions {
            if let Subject::Expression(expression) = &condition.subject {
                self.consider_expression(condition, expression, request);
                continue;
            }
            let subject = self.subject(&condition.subject, request);
            match condition.pattern.search(&subject) {
                Ok(Some(groups)) => self.assign(condition, &groups),
                Ok(None) => {}
                Err(_) => self.doubt(&condition.origin),
            }
        }
    }

    /// `SetEnvIfExpr`
    fn consider_expression(
        &mut self,
        condition: &'a Condition,
        expression: &Expression,
        request: Request<'_>,
    ) {
        let Request {
            host,
            head,
            peer,
            path,
            naming,
        } = request;
        let subject = expressions::Subject {
            variables: Some(self),
            naming,
            ..expressions::Subject::new(host, head, peer, path)
        };
        let outcome = match subject.evaluate(expression) {
            Ok(outcome) => outcome,
            Err(Fault::Pattern) => return self.doubt(&condition.origin),
            Err(_) => return,
        };
        if outcome.holds {
            self.assign(condition, &outcome.found.groups());
        }
        self.vary.extend(outcome.vary);
    }

    fn assign(&mut self, condition: &'a Condition, groups: &Groups<'_>) {
        for Assignment { name, value } in &condition.assignments {
            // A value beyond all measure is as good as none.
            match value.as_ref().and_then(|value| filled(value, groups)) {
                Some(value) => self.set(name, value, Some(&condition.origin)),
                None => self.all.retain(|known| !known.is(name)),
            }
        }
    }

    fn subject<'r>(&self, subject: &Subject, request: Request<'r>) -> Cow<'r, [u8]> {
        let Request {
            head, peer, path, ..
        } = request;
        Cow::Borrowed(match subject {
            Subject::RemoteAddr => peer.ip_text.as_bytes(),
            Subject::ServerAddr => peer.local_text.as_bytes(),
            Subject::RequestUri => path,
            Subject::RequestMethod => head.method.as_str().as_bytes(),
            Subject::RequestProtocol => head.protocol().as_bytes(),
            Subject::Named(name) => {
                let header = header(head, name.as_bytes());
                let variable = || Cow::Owned(self.get(name).unwrap_or_default().to_vec());
                return header.unwrap_or_else(variable);
            }
            Subject::AnyHeader(names) => return any_header(head, names),
            Subject::Expression(_) => b"",
        })
    }

    fn set(&mut self, name: &'a str, value: Cow<'a, [u8]>, by: Option<&'a Origin>) {
        let new = Variable {
            name,
            value,
            by,
            kind: Kind::Rule,
        };
        let Some(first) = self.all.iter().position(|known| known.is(name)) else {
            return self.all.push(new);
        };
        let mut at = 0;
        self.all.retain(|known| {
            at += 1;
            at - 1 <= first || !known.is(name)
        });
        if let Some(known) = self.all.get_mut(first) {
            let name = known.name;
            *known = Variable { name, ..new };
        }
    }
}

impl<'a> Variable<'a> {
    /// One that no rule has set.
    const fn plain(name: &'a str, value: &'a [u8]) -> Self {
        Self {
            name,
            value: Cow::Borrowed(value),
            by: None,
            kind: Kind::Rule,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// What is made together with the variables for CGI programs.
const OF_REDIRECT: [&str; 2] = ["REDIRECT_URL", "REDIRECT_QUERY_STRING"];

/// The path in the request line. httpd drops what is doubled of its first slash.
fn written_path(head: &Head) -> &[u8] {
    let mut path = head.path();
    while let Some(rest @ [b'/', ..]) = path.strip_prefix(b"/") {
        path = rest;
    }
    path
}

/// The value that a template makes, borrowed where it is the same for all requests.
fn filled<'a>(template: &'a Template, groups: &Groups<'_>) -> Option<Cow<'a, [u8]>> {
    match template.constant() {
        Some(text) => Some(Cow::Borrowed(text.as_bytes())),
        None => Some(Cow::Owned(template.fill(groups)?.into_owned())),
    }
}

/// `SetEnv` and `PassEnv` of the server and then of each section; `UnsetEnv` of a section takes
/// away what was said around it.
fn settings<'a>(server: &'a VariableRules, sections: &[&'a VariableRules]) -> Vec<&'a Setting> {
    let mut settings: Vec<&Setting> = server.settings.iter().collect();
    for section in sections {
        settings.retain(|setting| {
            let mut unset = section.unset.iter();
            !unset.any(|name| name.eq_ignore_ascii_case(&setting.name))
        });
        settings.extend(&section.settings);
    }
    settings
}

/// The values of a header, joined as httpd does it.
pub(crate) fn header<'r>(head: &'r Head, name: &[u8]) -> Option<Cow<'r, [u8]>> {
    head.headers.joined(name)
}

/// The last header whose name matches.
fn any_header<'r>(head: &'r Head, names: &Pattern) -> Cow<'r, [u8]> {
    let matching = |name: &&[u8]| names.is_match(name);
    let last = head.headers.names().filter(matching).last();
    last.and_then(|name| header(head, name)).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
