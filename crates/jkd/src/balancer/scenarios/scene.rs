//! A cluster on paper: members that do as they are told, a clock that only moves when somebody
//! waits, and clients whose fate is told in a line such as
//!
//! ```text
//! a (100) a b -> 200 | ERR OK
//! ```
//!
//! tried at `a`, again 100 ms later, then at `b`, which answered 200; after that `a` was in error.

use std::{sync::Arc, time::Duration};

use http::Method;
use jkworkers::{
    model::WorkerKind,
    workers_properties::{self, Source},
};

use super::super::{
    Attempts, Balancer, InFlight, RuleOverrides, Selection, SessionIds, Step, Verdict,
    retry::{Facts, Failure, Stage},
    testing::at,
};

/// What a member does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// Answers with this status.
    Answers(u16),
    /// Reads some more of the body, then closes the connection.
    AsksAndDies,
    /// Closes the connection without an answer.
    Closes,
    /// Sends the head of an answer and a part of it, then closes.
    DiesInAnswer,
    /// There is nobody at its port.
    Refuses,
    /// Sends the head of an answer and nothing more.
    Sleeps,
    /// Says nothing.
    Silent,
}

pub(super) use Does::*;

/// Under which `recovery_options`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// None written: jkd's own rule.
    Jkd,
    /// mod_jk's rule with these bits.
    ModJk(u32),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) cookie: &'static str,
    /// `JK_ROUTE`.
    pub(super) route: &'static str,
    /// `sticky_ignore` of its rule.
    pub(super) ignores_session: bool,
    /// Size of its packet.
    pub(super) head: u32,
}

/// A `GET` with this cookie.
pub(super) fn get(cookie: &'static str) -> Request {
    Request {
        method: Method::GET,
        path: "/app/",
        cookie,
        route: "",
        ignores_session: false,
        head: 500,
    }
}

/// A `POST` without a session.
pub(super) fn post() -> Request {
    Request {
        method: Method::POST,
        ..get("")
    }
}

/// A running cluster.
pub(super) struct Scene {
    balancer: Arc<Balancer>,
    now: u64,
    does: &'static dyn Fn(&str) -> Does,
}

/// Everybody is up.
pub(super) fn up(_: &str) -> Does {
    Answers(200)
}

impl Scene {
    /// Members `a` and `b` (or those that `lines` lists) of a balancer `lb`; `lines` are those of
    /// `workers.properties` without `worker.`.
    pub(super) fn new(rule: Rule, lines: &str, does: &'static dyn Fn(&str) -> Does) -> Self {
        let members = (lines.lines())
            .find_map(|line| line.strip_prefix("lb.balance_workers="))
            .unwrap_or("a,b");
        let mut all = vec![
            "list=lb".to_owned(),
            "lb.type=lb".to_owned(),
            format!("lb.balance_workers={members}"),
        ];
        let others = |line: &&str| !line.starts_with("lb.balance_workers");
        all.extend(lines.lines().filter(others).map(str::to_owned));
        for member in members.split(',') {
            all.push(format!("{member}.reply_timeout=300"));
            if let Rule::ModJk(bits) = rule {
                all.push(format!("{member}.recovery_options={bits}"));
                all.push(format!("{member}.probe_interval=0"));
            }
        }
        let text = format!("worker.{}", all.join("\nworker."));
        Self {
            balancer: read(&text),
            now: 0,
            does,
        }
    }

    /// The worker `a` by itself.
    pub(super) fn alone(lines: &str, does: &'static dyn Fn(&str) -> Does) -> Self {
        let Self { balancer, .. } = Self::new(
            Rule::ModJk(0),
            &format!("lb.balance_workers=a\n{lines}"),
            does,
        );
        let worker = Arc::clone(&balancer.config().members[0].worker);
        Self {
            balancer: Arc::new(Balancer::alone(worker)),
            now: 0,
            does,
        }
    }

    /// Puts members in error.
    pub(super) fn in_error(self, names: &str) -> Self {
        for (index, member) in self.balancer.config().members.iter().enumerate() {
            if names.contains(&*member.worker.name) {
                self.balancer.record(index, Verdict::Failed, at(0));
            }
        }
        self
    }

    /// One request after the other: what became of each, and at last what states members are in.
    pub(super) fn play(&mut self, requests: &[Request]) -> String {
        let stories: Vec<_> = requests.iter().map(|r| self.send(r)).collect();
        format!("{} | {}", stories.join("; "), self.balancer.states())
    }

    /// The members that get so many such requests.
    pub(super) fn members(&mut self, request: &Request, count: usize) -> String {
        let stories: Vec<_> = (0..count).map(|_| self.send(request)).collect();
        stories.join(" ").replace(" -> 200", "")
    }

    /// Milliseconds since the begin.
    pub(super) fn time(&self) -> u64 {
        self.now
    }

    /// A request that a member goes on working on.
    pub(super) fn hold(&self) -> InFlight {
        let chosen = self.balancer.pick("", at(self.now)).unwrap();
        let mut guard = self.balancer.begin(chosen, at(self.now)).unwrap();
        guard.connected(at(0));
        guard
    }

    fn send(&mut self, request: &Request) -> String {
        let sessions = request.sessions(&self.balancer);
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides::default(),
        };
        let mut attempts = Attempts::new(Arc::clone(&self.balancer));
        let mut story = Vec::new();
        loop {
            assert!(story.len() < 50, "does not end: {story:?}");
            match attempts.step(&selection, at(self.now)) {
                Step::Sleep(pause) => {
                    story.push(format!("({})", pause.as_millis()));
                    self.wait(pause);
                }
                Step::GiveUp(why) => {
                    story.push(format!("-> {}", why.status()));
                    return story.join(" ");
                }
                Step::Try(chosen) => {
                    let member = &self.balancer.config().members[chosen.index];
                    story.push(match chosen.activation.code() {
                        "ACT" => member.route.to_string(),
                        other => format!("{}[{other}]", member.route),
                    });
                    match self.attempt(request, chosen.index) {
                        Ok(status) => {
                            attempts
                                .answered()
                                .unwrap()
                                .record(Verdict::Ok, at(self.now));
                            story.push(format!("-> {status}"));
                            return story.join(" ");
                        }
                        Err((failure, facts)) => {
                            attempts.failed(failure, &facts, at(self.now));
                        }
                    }
                }
            }
        }
    }

    fn attempt<'r>(
        &mut self,
        request: &'r Request,
        index: usize,
    ) -> Result<u16, (Failure, Facts<'r>)> {
        let worker = Arc::clone(&self.balancer.config().members[index].worker);
        let (failure, stage) = match (self.does)(&worker.name) {
            _ if request.head > worker.max_packet_size => (Failure::TooLarge, Stage::NothingSent),
            Refuses => (Failure::Connect, Stage::NothingSent),
            Closes | AsksAndDies => (Failure::Closed, Stage::RequestSent),
            DiesInAnswer => (Failure::Closed, Stage::HeadersReceived),
            Silent | Sleeps => {
                self.wait(worker.reply_timeout.unwrap());
                (
                    Failure::ReplyTimeout,
                    match (self.does)(&worker.name) {
                        Silent => Stage::RequestSent,
                        _ => Stage::HeadersReceived,
                    },
                )
            }
            Answers(status) => match Failure::by_status(status, &worker.fail_on_status) {
                Some(failure) => (failure, Stage::HeadersReceived),
                None => return Ok(status),
            },
        };
        Err((
            failure,
            Facts {
                stage,
                method: &request.method,
                body_consumed: false,
                body_asked: matches!((self.does)(&worker.name), AsksAndDies),
                pooled: false,
            },
        ))
    }

    fn wait(&mut self, time: Duration) {
        self.now += u64::try_from(time.as_millis()).unwrap();
    }
}

impl Request {
    /// As the daemon finds them.
    fn sessions(&self, balancer: &Balancer) -> SessionIds<'_> {
        let sticky = &balancer.config().sticky;
        if !sticky.enabled || self.ignores_session {
            return SessionIds::default();
        }
        if !self.route.is_empty() {
            return SessionIds::route(self.route.as_bytes());
        }
        SessionIds::find(
            self.path.as_bytes(),
            [self.cookie.as_bytes()],
            ";jsessionid",
            "JSESSIONID",
        )
    }
}

fn read(text: &str) -> Arc<Balancer> {
    let source = Source {
        name: "workers.properties",
        bytes: text.as_bytes(),
    };
    let workers = workers_properties::read(&[source], &[], "/", &|_| None);
    assert!(
        !workers.diagnostics.has_errors(),
        "{text}\n{:?}",
        workers.diagnostics
    );
    match &workers.workers[0].kind {
        WorkerKind::Balancer(config) => Arc::new(Balancer::new(Arc::clone(config))),
        other => panic!("no balancer: {other:?}"),
    }
}
