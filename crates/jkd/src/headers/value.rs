//! What the values of rules are made of.

use std::{
    borrow::Cow,
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jkworkers::{
    model::{Format, HeaderRule, Piece, When, variables::OwnVariable},
    pattern::Groups,
};
use tokio::time::Instant;

use crate::{forward::Facts, http1::Head, logs::Record, tls, variables::Variables};

/// What rules look at.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The request, for `echo`.
    pub(crate) head: &'a Head,
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

impl<'a> Context<'a> {
    /// The same before anything is known.
    pub(super) const fn early(&self) -> Self {
        Self {
            variables: None,
            facts: None,
            ..*self
        }
    }

    /// Whether the variable that a rule asks for is as it asks for it.
    pub(super) fn meets(&self, rule: &HeaderRule) -> bool {
        match &rule.when {
            When::Always | When::Early => true,
            When::Set(name) => self.variable(name).is_some(),
            When::NotSet(name) => self.variable(name).is_none(),
        }
    }

    fn variable(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        let own = || OwnVariable::named(name).filter(|own| !own.yields());
        let made = |facts: &Facts<'a>| facts.value(&own()?);
        let set = || Some(Cow::Borrowed(self.variables?.get(name)?));
        self.facts.as_ref().and_then(made).or_else(set)
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
