//! What is wrong with rule extensions, in words.

use std::fmt;

use super::{NAMES, items};
use crate::{
    diag::{Diagnostics, Origin, excerpt, nearest},
    model::Activation,
    number::atoi,
};

/// Something about rule extensions that has no effect, or another one than it seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Complaint<'a> {
    /// There is no such extension.
    Unknown(&'a str),
    /// An extension is written twice.
    Twice {
        /// Its name.
        name: &'static str,
        /// Whether the first one counts, else the last one does.
        first_counts: bool,
    },
    /// `session_cookie_path`: mod_jk reads it and uses the worker's.
    NoEffect {
        /// The extension.
        name: &'static str,
    },
    /// A value is no number.
    BadValue {
        /// The extension.
        name: &'static str,
        /// Its value.
        value: &'a str,
    },
    /// The extension is for balancers, and the worker is none.
    NoBalancer {
        /// The extension.
        name: &'static str,
        /// The worker.
        worker: &'a str,
    },
    /// The balancer has no such member.
    NoMember {
        /// The extension.
        name: &'static str,
        /// What it names.
        member: &'a str,
        /// The balancer.
        worker: &'a str,
    },
    /// A member gets two activations.
    TwoActivations {
        /// The member.
        member: &'a str,
        /// The one that has no effect.
        first: Activation,
        /// The one that counts.
        last: Activation,
    },
}

#[allow(clippy::too_many_lines, reason = "a flat match over texts")]
impl fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(text) => {
                let text = excerpt(name_in(text));
                write!(f, "unknown rule extension `{text}` is ignored")
            }
            Self::Twice { name, first_counts } => {
                let which = if *first_counts { "first" } else { "last" };
                write!(
                    f,
                    "the rule extension `{name}` is written twice: the {which} one counts"
                )
            }
            Self::NoEffect { name } => {
                write!(f, "the rule extension `{name}` has no effect, as in mod_jk")
            }
            Self::BadValue { name, value } => {
                let numbers = items(value).map(|item| atoi(item.as_bytes()).to_string());
                let numbers: Vec<_> = numbers.collect();
                let (value, read) = (excerpt(value), numbers.join(","));
                let read = if read.is_empty() {
                    "0"
                } else {
                    &*excerpt(&read)
                };
                write!(f, "the rule extension `{name}={value}` is read as {read}")
            }
            Self::NoBalancer { name, worker } => write!(
                f,
                "the rule extension `{name}` is ignored: `{worker}` is no balancer (type lb)"
            ),
            Self::NoMember {
                name,
                member,
                worker,
            } => {
                let member = excerpt(member);
                write!(
                    f,
                    "the rule extension `{name}` names `{member}`, which is no member of `{worker}`"
                )
            }
            Self::TwoActivations {
                member,
                first,
                last,
            } => write!(
                f,
                "the rule makes `{member}` {} and {}: {} counts",
                first.word(),
                last.word(),
                last.word()
            ),
        }
    }
}

impl Complaint<'_> {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Unknown(text) => match nearest(name_in(text).trim(), NAMES.iter().copied()) {
                Some(known) => format!("Did you mean `{known}`? No blank may stand around it."),
                None => format!("The extensions are {}.", NAMES.join(", ")),
            },
            Self::Twice { .. } => "Keep it once; items of a list are separated by commas.".into(),
            Self::NoEffect { name } => {
                format!("Write `worker.NAME.{name}=…` into workers.properties.")
            }
            Self::BadValue { .. } => "Write a whole number.".into(),
            Self::NoBalancer { .. } => "Remove it, or mount a balancer.".into(),
            Self::NoMember { worker, .. } => {
                format!("Write names out of worker.{worker}.balance_workers.")
            }
            Self::TwoActivations { .. } => "Name it in one of the lists.".into(),
        }
    }

    /// Reports it about a line of a file.
    pub(crate) fn report(&self, origin: &Origin, found: &mut Diagnostics) {
        found.warning(origin, self.to_string()).help(self.help());
    }
}

fn name_in(text: &str) -> &str {
    text.split_once('=').map_or(text, |(name, _)| name)
}
