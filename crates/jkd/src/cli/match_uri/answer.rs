//! What becomes of one request, in words.

mod balancing;
mod words;

use std::fmt::Display;

use http::{Method, StatusCode};
use jkworkers::{
    access::{Policy, Step},
    model::{Asked, Host, Model, Trace, Worker, WorkerKind, variables::names},
    target::Target,
    uri_map::{self, BadUri, Explanation, Loser},
};

use self::words::{by, describe, place, why_unmapped, written};
use crate::{
    access, expressions,
    forward::{Seen, outgoing_uri, own_scheme},
    http1::Head,
    logging::Printable,
    mapping::{self, Before, Decision, Found, Mapped},
    peer::Peer,
    rewriting::{self, Rewritten, Subject},
    static_files::{self, Look, Pointer},
    steering::Steering,
    strict,
    variables::Variables,
};

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) model: &'a Model,
    pub(super) head: &'a Head,
    pub(super) peer: &'a Peer,
}

/// What there is to say about it, line by line.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) lines: Vec<String>,
    /// Rules that match and have no say.
    pub(super) lost: Vec<String>,
    /// Whether a worker serves it.
    pub(super) served: bool,
}

/// Why no worker serves it, and the status that the client gets.
struct Refused {
    why: String,
    status: StatusCode,
    /// Lines that say because of what.
    by: Vec<String>,
}

impl<'a> Question<'a> {
    /// Takes the daemon's own steps, in their order.
    pub(super) fn answer(self) -> Answer {
        let mut answer = Answer::default();
        match self.steps(&mut answer) {
            Ok(()) => answer.served = true,
            Err(Refused { why, status, by }) => {
                let status = status.as_u16();
                answer.say(format!("no worker: {why}; the answer is {status}"));
                answer.lines.extend(by);
            }
        }
        answer.lines.append(&mut answer.lost);
        answer
    }

    #[allow(
        clippy::too_many_lines,
        reason = "the steps of a request, in their order"
    )]
    fn steps(self, answer: &mut Answer) -> Result<(), Refused> {
        let Self { model, head, peer } = self;
        let checked = strict::check(head, || own_scheme(model, peer))
            .map_err(|refusal| refused(refusal, refusal.status()))?;
        let host = model.host_for(peer.local, checked.target.host);
        answer.say(format!("host: {}", describe(host)));
        let raw = head.path();
        let decoded = uri_map::decode(raw, host.uri_rules).map_err(bad_path)?;
        let variables = Variables::begin(host, head, peer, &[]);
        let rewritten = rewriting::rewrite_blindly(Subject {
            host,
            head,
            peer,
            variables: &variables,
            target: checked.target,
            naming: host.naming(Asked::at(&decoded)),
            decoded: &decoded,
            on_behalf_of: None,
            claims: None,
            snapshot: None,
        });
        let (head, decoded) = match &rewritten {
            Some(rewritten) => (&rewritten.head, &*rewritten.decoded),
            None => (head, &*decoded),
        };
        if let Some(rewritten) = &rewritten {
            answer.rewritten(rewritten)?;
        }
        about_server(host, head)?;
        let before = Before::of(variables, rewritten.as_ref());
        let path = uri_map::clean(decoded).map_err(bad_path)?;
        if *path != *raw {
            answer.say(format!("compared as: {}", Printable(&path)));
        }
        let mut found = mapping::find(host, head, decoded, before).map_err(|stumble| {
            let status = stumble.status();
            refused("the path cannot be mapped", status)
        })?;
        found.choose(host, head, peer, decoded, None);
        found.enter(host, head, peer, None);
        self.access(host, &found, decoded, answer)?;
        let stripped = found.stripped.take();
        let decision = found.decide(host, peer, |name| {
            model.worker(name).map(|worker| &**worker)
        });
        answer.variables(&decision.variables);
        let explanation = host.uri_map.explain(&path);
        answer.losers(&explanation);
        let mapped = match &decision.target {
            Ok(mapped) => mapped,
            Err(stumble) => {
                let unmapped = self.unmapped(host, &decision, &explanation, stumble.status());
                answer.outvoted(&explanation, &unmapped.why);
                return Err(unmapped);
            }
        };
        let worker = self.worker(host, mapped, &decision.variables, answer)?;
        if matches!(worker.kind, WorkerKind::Status(_)) {
            return Ok(());
        }
        let decoded = stripped.as_deref().unwrap_or(decoded);
        let uri = outgoing_uri(Seen::new(raw, decoded, &path), host.forward_uri)
            .map_err(|reason| refused(reason, StatusCode::BAD_REQUEST))?;
        answer.say(format!("forwarded as: {}", Printable(&uri)));
        let steering = Steering::by(host, mapped, &decision.variables);
        let sticky = balancing::sticky(worker);
        let sessions = steering.sessions(&uri, head, checked.has_cookies, &sticky);
        balancing::describe(worker, mapped, &steering, &sessions, answer)
    }

    /// Who is not let in for what is known about it.
    fn access(
        self,
        host: &Host,
        found: &Found<'_>,
        decoded: &[u8],
        answer: &mut Answer,
    ) -> Result<(), Refused> {
        let Self { head, peer, .. } = self;
        let guest = found.guest(host, head, peer, decoded);
        let (why, status) = match access::known(guest) {
            Some(Step::Allowed) => return Ok(()),
            Some(Step::Authenticate) => {
                answer.say("client: has to authenticate".to_owned());
                return Ok(());
            }
            None => {
                answer.say("client: depends on its name".to_owned());
                return Ok(());
            }
            Some(Step::Failed) => (
                "cannot be judged: an expression fails",
                StatusCode::INTERNAL_SERVER_ERROR,
            ),
            Some(Step::Misconfigured) => (
                "there is an AuthType and nothing is required",
                StatusCode::INTERNAL_SERVER_ERROR,
            ),
            Some(_) => ("is kept out", StatusCode::FORBIDDEN),
        };
        let policy = Policy::about(host, guest.asked);
        let sections = policy.iter().flat_map(Policy::gatekeepers);
        let named = sections.map(|s| format!("  by: {} ({})", s.covers, s.origin));
        Err(Refused {
            by: named.collect(),
            ..refused(format!("the client {} {why}", peer.ip_text), status)
        })
    }

    fn unmapped(
        self,
        host: &Host,
        decision: &Decision<'_>,
        explanation: &Explanation<'_>,
        status: StatusCode,
    ) -> Refused {
        let unmapped = Refused {
            by: explanation.exclusion.map(by).into_iter().collect(),
            ..refused(why_unmapped(host, decision, explanation), status)
        };
        if decision.allows_files && host.has_files() {
            return self.file(host, decision, unmapped);
        }
        unmapped
    }

    /// What there is among the files.
    fn file(self, host: &Host, decision: &Decision<'_>, mut unmapped: Refused) -> Refused {
        let reads = matches!(self.head.method, Method::GET | Method::HEAD | Method::POST);
        let pointer = self.pointer(host, decision);
        let look = static_files::look(host, &decision.path, &pointer, decision.for_jk);
        let (found, status) = match look {
            Look::Worker(path) => {
                let by = host.uri_map.find(&path).map(written).unwrap_or_default();
                (format!("its index is mapped: {by}"), StatusCode::OK)
            }
            Look::File(_) if !reads => (
                "a file, not for this method".to_owned(),
                StatusCode::METHOD_NOT_ALLOWED,
            ),
            Look::File(name) => (Printable(&name).to_string(), StatusCode::OK),
            Look::Directory => (
                "a directory without a slash".to_owned(),
                StatusCode::MOVED_PERMANENTLY,
            ),
            Look::Closed => ("nothing that may be seen".to_owned(), StatusCode::FORBIDDEN),
            Look::Nothing => ("no file to serve".to_owned(), StatusCode::NOT_FOUND),
        };
        unmapped.status = status;
        unmapped.by.push(format!("  files: {found}"));
        unmapped
    }

    /// What a section says about where its file would be.
    fn pointer(self, host: &Host, decision: &Decision<'_>) -> Pointer {
        let subject = expressions::Subject {
            variables: Some(&decision.variables),
            ..expressions::Subject::new(host, self.head, self.peer, &decision.path)
        };
        Pointer {
            file: None,
            alias: static_files::aliased(&subject, &decision.path).unwrap_or_default(),
        }
    }

    /// The worker that was found, if it can be mounted.
    fn worker(
        self,
        host: &Host,
        mapped: &Mapped<'_>,
        variables: &Variables<'_>,
        answer: &mut Answer,
    ) -> Result<&'a Worker, Refused> {
        let name = mapped.worker();
        let (by, ignored) = match mapped {
            Mapped::Rule(rule) => (written(rule), Vec::new()),
            Mapped::Named(_) => self.named(host, variables),
        };
        let Some(worker) = self.model.worker(name) else {
            return Err(Refused {
                by: vec![format!("  by: {by}")],
                ..refused(
                    format!("'{name}' is not in worker.list"),
                    StatusCode::INTERNAL_SERVER_ERROR,
                )
            });
        };
        answer.say(format!("worker: {name}"));
        answer.say(format!("  by: {by}"));
        answer.lines.extend(ignored);
        Ok(worker)
    }

    /// The variable that names the worker, and what is wrong with it.
    fn named(self, host: &Host, variables: &Variables<'_>) -> (String, Vec<String>) {
        let Some(variable) = variables.find(&host.indicators.worker) else {
            return Default::default();
        };
        let text = String::from_utf8_lossy(&variable.value);
        let mut ignored = Vec::new();
        let worker = |name: &str| self.model.worker(name).map(|worker| &**worker);
        Target::parse(&text, worker, &mut |complaint| {
            ignored.push(format!("  warning: {complaint}"));
        });
        let (name, value) = (variable.name, Printable(&variable.value));
        let by = format!("{name}={value}, set by {}", place(variable));
        (by, ignored)
    }
}

impl Answer {
    fn say(&mut self, line: String) {
        self.lines.push(line);
    }

    /// What rules have made of the request, and whether it ends there.
    fn rewritten(&mut self, rewritten: &Rewritten) -> Result<(), Refused> {
        if let Some(stumble) = &rewritten.stumble {
            return Err(refused("a RewriteRule says so", stumble.status()));
        }
        let query = rewritten.head.query().map(|query| [b"?", query].concat());
        let text = [&*rewritten.decoded, &query.unwrap_or_default()].concat();
        if text != rewritten.head.target() {
            self.say(format!("rewritten to: {}", Printable(&text)));
        }
        if let Some(file) = &rewritten.file {
            self.say(format!("rewritten to the file: {}", Printable(&file.path)));
        }
        Ok(())
    }

    fn variables(&mut self, variables: &Variables<'_>) {
        let told = variables.told();
        for variable in told.as_ref().unwrap_or(variables).iter() {
            let (name, place) = (variable.name, place(variable));
            let steers = STEERING.iter().any(|n| n.eq_ignore_ascii_case(name));
            self.say(if steers {
                let value = Printable(&variable.value);
                format!("variable: {name}={value}, by {place}")
            } else {
                format!("variable: {name}, by {place}")
            });
        }
    }

    fn losers(&mut self, explanation: &Explanation<'_>) {
        for Loser { rule, reason } in &explanation.losers {
            let line = format!("  lost: {}, {}", written(rule), reason.text());
            self.lost.push(line);
        }
    }

    /// The rule that would have won, had the map been asked.
    fn outvoted(&mut self, explanation: &Explanation<'_>, why: &str) {
        let rule = explanation.winner.map(written);
        self.lost
            .extend(rule.map(|rule| format!("  lost: {rule}, {why}")));
    }
}

/// Variables whose values steer a request: they are no secrets.
const STEERING: [&str; 5] = [
    names::NO_JK,
    names::ROUTE,
    names::REPLY_TIMEOUT,
    names::STICKY_IGNORE,
    names::STATELESS,
];

/// What no worker is asked for, whoever asks.
fn about_server(host: &Host, head: &Head) -> Result<(), Refused> {
    if head.method == Method::TRACE {
        return Err(match host.identity.trace {
            Trace::Off => refused("TraceEnable is off", StatusCode::METHOD_NOT_ALLOWED),
            Trace::On | Trace::Extended => refused("TRACE is answered itself", StatusCode::OK),
        });
    }
    if head.parts().is_asterisk() {
        return Err(refused("it is about the server", StatusCode::OK));
    }
    Ok(())
}

fn refused(why: impl Display, status: StatusCode) -> Refused {
    Refused {
        why: why.to_string(),
        status,
        by: Vec::new(),
    }
}

fn bad_path(bad: BadUri) -> Refused {
    refused(bad, mapping::bad_path(bad).status())
}
