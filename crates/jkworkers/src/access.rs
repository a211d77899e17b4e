//! Who may come in: what the sections around a request say together, and what follows from it for
//! one client.
//!
//! Nothing is looked up here. What is not known yet is [`Unknown`]: the caller finds it out, and
//! asks again.

mod address;
mod policy;

use std::net::IpAddr;

pub(crate) use self::address::{BadAddress, parse_net};
pub use self::policy::{Policy, Step};
use crate::{
    expr::{Expression, Text},
    httpd::words,
    model::{AccessRule, Entry, Order, Require, Whence, Who},
};

/// What is known about a client and its request.
pub trait Client {
    /// The client's address.
    fn address(&self) -> IpAddr;

    /// The address that it connected to.
    fn local(&self) -> IpAddr;

    /// The method of its request.
    fn method(&self) -> &str;

    /// Whether an expression holds for its request.
    ///
    /// # Errors
    ///
    /// [`Unknown::Nothing`] where it cannot be said.
    fn meets(&self, expression: &Expression) -> Result<bool, Unknown>;

    /// What a text is for its request. What cannot be said is nothing.
    fn fill(&self, text: &Text) -> Vec<u8>;

    /// Whether its request has a variable.
    fn has_variable(&self, name: &str) -> bool;

    /// The user who has authenticated.
    fn user(&self) -> Option<&[u8]>;

    /// Whether this user is a member of a group.
    ///
    /// # Errors
    ///
    /// [`Unknown::Groups`].
    fn is_member(&self, group: &str) -> Result<bool, Unknown>;

    /// The client's name, if it has one and that leads back to its address.
    ///
    /// # Errors
    ///
    /// [`Unknown::Name`].
    fn name(&self) -> Result<Option<&str>, Unknown>;

    /// Whether the client's address is one of those that a name has.
    ///
    /// # Errors
    ///
    /// [`Unknown::Addresses`].
    fn is_called(&self, name: &str) -> Result<bool, Unknown>;
}

/// What has to be found out before a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The addresses of a name.
    Addresses(String),
    /// The groups of the user.
    Groups,
    /// The client's name.
    Name,
    /// It will never be known: nobody comes in.
    Nothing,
}

/// What `Require` knows besides yes and no: a `not` whose condition does not hold grants nothing,
/// and for some of what is refused a user might be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Granted,
    Denied,
    DeniedWithoutUser,
    Neutral,
}

/// How the verdicts of several lines become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

impl Join {
    /// The verdict where these lines do not count.
    const fn neutral(self) -> Verdict {
        match self {
            Self::And => Verdict::Granted,
            Self::Or => Verdict::Denied,
        }
    }

    /// Adds a verdict, and says whether it decides.
    fn add(self, sum: &mut Verdict, verdict: Verdict) -> bool {
        let decides = match self {
            Self::And => verdict == Verdict::Denied,
            Self::Or => verdict == Verdict::Granted,
        };
        let wins = match self {
            Self::And => *sum != Verdict::Denied,
            Self::Or => *sum == Verdict::Denied,
        };
        if decides || *sum == Verdict::Neutral || (verdict == Verdict::DeniedWithoutUser && wins) {
            *sum = verdict;
        }
        decides
    }
}

impl Require {
    /// `within` is how the lines around become one verdict.
    fn verdict(&self, client: &impl Client, within: Join) -> Result<Verdict, Unknown> {
        match self {
            Self::Any(children) => joined(children, client, Join::Or),
            Self::All(children) => joined(children, client, Join::And),
            Self::None(children) => Ok(negated(joined(children, client, Join::Or)?)),
            Self::Limited(methods, _) if !methods.contains(client.method()) => Ok(within.neutral()),
            Self::Limited(_, inner) => inner.verdict(client, within),
            Self::Rule(rule) => rule.verdict(client),
        }
    }
}

fn joined(children: &[Require], client: &impl Client, join: Join) -> Result<Verdict, Unknown> {
    let mut sum = Verdict::Neutral;
    for child in children {
        let verdict = child.verdict(client, join)?;
        if verdict != Verdict::Neutral && join.add(&mut sum, verdict) {
            break;
        }
    }
    Ok(sum)
}

const fn negated(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Granted => Verdict::Denied,
        _ => Verdict::Neutral,
    }
}

impl AccessRule {
    fn verdict(&self, client: &impl Client) -> Result<Verdict, Unknown> {
        let verdict = self.who.verdict(client)?;
        Ok(if self.negated {
            negated(verdict)
        } else {
            verdict
        })
    }
}

impl Who {
    fn verdict(&self, client: &impl Client) -> Result<Verdict, Unknown> {
        let granted = match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::Local => is_local(client.address(), client.local()),
            Self::Ip(nets) => {
                let address = client.address().to_canonical();
                nets.iter().any(|net| net.contains(address))
            }
            Self::Host(domains) if domains.is_empty() => false,
            Self::Host(domains) => client
                .name()?
                .is_some_and(|name| domains.iter().any(|domain| is_in(name, domain))),
            Self::ForwardDns(names) => any(names, |name| client.is_called(name))?,
            Self::Method(methods) => methods.contains(client.method()),
            Self::Env(names) => names.iter().any(|name| client.has_variable(name)),
            Self::Made(named, text) => {
                let made = String::from_utf8_lossy(&client.fill(text)).into_owned();
                return named.all(words(&made)).verdict(client);
            }
            Self::Expression(expression) => {
                let holds = client.meets(expression)?;
                if !holds && expression.wants_user() {
                    return Ok(Verdict::DeniedWithoutUser);
                }
                holds
            }
            Self::ValidUser | Self::User(_) | Self::Group(_) => {
                let Some(user) = client.user() else {
                    return Ok(Verdict::DeniedWithoutUser);
                };
                self.names_user(user, client)?
            }
        };
        Ok(if granted {
            Verdict::Granted
        } else {
            Verdict::Denied
        })
    }

    fn names_user(&self, user: &[u8], client: &impl Client) -> Result<bool, Unknown> {
        match self {
            Self::User(names) => Ok(names.iter().any(|name| name.as_bytes() == user)),
            Self::Group(names) => any(names, |name| client.is_member(name)),
            _ => Ok(true),
        }
    }
}

fn any(
    names: &[String],
    mut holds: impl FnMut(&str) -> Result<bool, Unknown>,
) -> Result<bool, Unknown> {
    for name in names {
        if holds(name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_local(client: IpAddr, local: IpAddr) -> bool {
    let client = client.to_canonical();
    client.is_loopback() || client == local.to_canonical()
}

/// Whether a name is a domain or in it. No name is in half of another one's label.
fn is_in(name: &str, domain: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let (Some(start), Some(end)) = (name.get(..at), name.get(at..)) else {
        return false;
    };
    end.eq_ignore_ascii_case(domain)
        && (start.is_empty() || start.ends_with('.') || domain.starts_with('.'))
}

impl Order {
    fn allows(&self, client: &impl Client) -> Result<bool, Unknown> {
        if self.allow_first.contains(client.method()) {
            Ok(matches(&self.allow, client)? && !matches(&self.deny, client)?)
        } else {
            Ok(!matches(&self.deny, client)? || matches(&self.allow, client)?)
        }
    }
}

fn matches(list: &[Entry], client: &impl Client) -> Result<bool, Unknown> {
    for from in list {
        if from.methods.contains(client.method()) && from.whence.is_met(client)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Whence {
    fn is_met(&self, client: &impl Client) -> Result<bool, Unknown> {
        Ok(match self {
            Self::All => true,
            Self::Net(net) => net.contains(client.address().to_canonical()),
            Self::Host(domain) => client.name()?.is_some_and(|name| is_in(name, domain)),
            Self::Env(name) => client.has_variable(name),
            Self::NotEnv(name) => !client.has_variable(name),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
