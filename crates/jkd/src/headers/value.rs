//! What the values of rules are made of.

use std::{
    borrow::Cow,
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jkworkers::{
    model::{Format, HeaderRule, Host, Piece, When, variables::OwnVariable},
    pattern::Groups,
};
use tokio::time::Instant;

use crate::{
    access::Claims,
    expressions::{Answered, Subject},
    forward::Facts,
    http1::Head,
    logs::Record,
    peer::Peer,
    tls,
    variables::Variables,
};

/// What rules look at.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The request, for `echo`.
    pub(crate) head: &'a Head,
    pub(crate) host: &'a Host,
    pub(crate) peer: &'a Peer,
    /// What only expressions ask for; `None` before the request is mapped.
    pub(crate) seen: Option<Seen<'a>>,
    /// The value that an expression makes for the rule at hand.
    pub(crate) made: Option<&'a [u8]>,
    /// What is set so far; `None` before anything could be.
    pub(crate) variables: Option<&'a Variables<'a>>,
    /// Whether a request's own variables are there: mod_jk makes them.
    pub(crate) facts: Option<Facts<'a>>,
    /// Where notes for logs go.
    pub(crate) record: Option<&'a Record>,
    /// How the client uses TLS.
    pub(crate) tls: Option<&'a tls::Session>,
    /// When the request came.
    pub(crate) began: Instant,
}

/// What only expressions ask for.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The path, decoded.
    pub(crate) path: &'a [u8],
    /// The file that it leads to.
    pub(crate) file: Option<&'a [u8]>,
    /// Who the client is, if it was asked.
    pub(crate) claims: &'a Claims,
}

impl<'a> Context<'a> {
    /// The request for expressions.
    pub(super) fn subject(&self, answer: Option<Answered<'a>>) -> Subject<'a> {
        let path = self.seen.map_or_else(|| self.head.path(), |seen| seen.path);
        let record = self.record.filter(|_| self.seen.is_some());
        Subject {
            variables: self.variables,
            file: self.seen.and_then(|seen| seen.file),
            claims: self.seen.map(|seen| seen.claims),
            naming: record.map_or_else(|| self.host.own_naming(), |r| r.naming(self.host)),
            record: self.record,
            answer,
            ..Subject::new(self.host, self.head, self.peer, path)
        }
    }

    /// The same before anything is known.
    pub(super) const fn early(&self) -> Self {
        Self {
            variables: None,
            facts: None,
            seen: None,
            ..*self
        }
    }

    /// Whether the variable that a rule asks for is as it asks for it, or its expression holds.
    /// `vary` gets the fields that were looked at.
    pub(super) fn meets(
        &self,
        rule: &HeaderRule,
        answer: Option<Answered<'a>>,
        vary: &mut Vec<u8>,
    ) -> bool {
        match &rule.when {
            When::Always | When::Early => true,
            When::Set(name) => self.variable(name).is_some(),
            When::NotSet(name) => self.variable(name).is_none(),
            When::Expression(expression) => {
                let outcome = self.subject(answer).evaluate(expression).ok();
                for name in outcome.iter().flat_map(|outcome| &outcome.vary) {
                    if !vary.is_empty() {
                        vary.extend_from_slice(b", ");
                    }
                    vary.extend_from_slice(name);
                }
                // As with httpd: what cannot be said holds.
                outcome.is_none_or(|outcome| outcome.holds)
            }
        }
    }

    fn variable(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        let own = || OwnVariable::named(name).filter(|own| !own.yields());
        let made = |facts: &Facts<'a>| facts.value(&own()?);
        let set = || Some(Cow::Borrowed(self.variables?.get(name)?));
        self.facts.as_ref().and_then(made).or_else(set)
    }

    /// The value that an expression makes for a rule.
    pub(super) fn value_for(
        &self,
        rule: &HeaderRule,
        answer: Option<Answered<'a>>,
    ) -> Option<Vec<u8>> {
        match rule.action.format()?.0.as_slice() {
            [Piece::Expression(text)] => Some(self.subject(answer).fill(text)),
            _ => None,
        }
    }

    /// The value of a rule. `groups` are what `edit` found.
    pub(super) fn fill(&self, format: &Format, groups: &Groups<'_>) -> Vec<u8> {
        let mut value = Vec::new();
        for piece in &format.0 {
            match piece {
                Piece::Text(text) => {
                    value.extend_from_slice(&text.fill(groups).unwrap_or_default());
                }
                Piece::Duration => {
                    let took = self.began.elapsed().as_micros();
                    value.extend_from_slice(format!("D={took}").as_bytes());
                }
                Piece::Time => {
                    let at = (SystemTime::now().checked_sub(self.began.elapsed()))
                        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                    let micros = at.as_ref().map_or(0, Duration::as_micros);
                    value.extend_from_slice(format!("t={micros}").as_bytes());
                }
                Piece::Expression(_) => {
                    let made = self.made.unwrap_or_default();
                    value.extend(made.iter().map(|b| visible(*b)));
                }
                Piece::Load => value.extend_from_slice(load().as_bytes()),
                Piece::Variable(name) => match self.variable(name) {
                    Some(text) => value.extend(text.iter().map(|b| visible(*b))),
                    None => value.extend_from_slice(UNKNOWN),
                },
                Piece::Tls(name) => match self.tls.and_then(|tls| tls.value(name)) {
                    Some(text) => value.extend(text.iter().map(|b| visible(*b))),
                    None => value.extend_from_slice(UNKNOWN),
                },
            }
        }
        value
    }
}

/// What is said of what is not known.
const UNKNOWN: &[u8] = b"(null)";

/// Fields hold no control characters.
const fn visible(byte: u8) -> u8 {
    match byte {
        b'\t' => byte,
        _ if byte.is_ascii_control() => b' ',
        _ => byte,
    }
}

/// The load of the machine in one, five and fifteen minutes. The file is in memory.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut numbers = text
        .split(' ')
        .map(|n| n.parse::<f64>().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    format!("l={:.2}/{:.2}/{:.2}", next(), next(), next())
}
