//! What is known about a client, and finding out what is not.

use std::{net::IpAddr, path::Path};

use jkworkers::{
    access::{Client, Step, Unknown},
    expr::{Expression, Text},
};

use parking_lot::Mutex;

use super::{Claims, Guest};
use crate::{auth, client_names, expressions::Subject};

/// What is known about a client.
pub(super) struct Facts<'a> {
    pub(super) guest: Guest<'a>,
    /// The user whose password was right.
    pub(super) user: Option<Vec<u8>>,
    /// Where the groups of the user are.
    pub(super) group_file: Option<&'a Path>,
    groups: Option<Vec<String>>,
    /// Names, and whether the client has one of their addresses.
    called: Vec<(String, bool)>,
    /// Fields of the request that expressions have looked at.
    pub(super) vary: Mutex<Vec<Vec<u8>>>,
}

impl<'a> Facts<'a> {
    pub(super) const fn new(guest: Guest<'a>) -> Self {
        Self {
            guest,
            user: None,
            group_file: None,
            groups: None,
            called: Vec::new(),
            vary: Mutex::new(Vec::new()),
        }
    }

    /// Finds out one thing after the other until there is a decision.
    pub(super) async fn decide(&mut self, decide: impl Fn(&Self) -> Result<Step, Unknown>) -> Step {
        loop {
            match decide(self) {
                Ok(step) => return step,
                Err(Unknown::Nothing) => return Step::Failed,
                Err(unknown) => self.find_out(unknown).await,
            }
        }
    }

    /// The request for expressions. Before anybody has authenticated there is no user.
    fn subject<T>(&self, ask: impl FnOnce(Subject<'_>) -> T) -> T {
        let Guest {
            host,
            head,
            peer,
            variables,
            asked,
            decoded,
            logs: _,
        } = self.guest;
        let claims = Claims {
            user: self.user.clone(),
            ..Claims::default()
        };
        let last = || decoded.rsplit(|b| *b == b'/').next();
        ask(Subject {
            variables: Some(variables),
            file: asked.file.or_else(last),
            claims: Some(&claims),
            ..Subject::new(host, head, peer, decoded).about(asked)
        })
    }

    /// What cannot be found out is not so.
    async fn find_out(&mut self, unknown: Unknown) {
        let address = self.guest.peer.ip;
        match unknown {
            Unknown::Addresses(name) => {
                let addresses = client_names::addresses_of(&name).await;
                self.called.push((name, addresses.contains(&address)));
            }
            Unknown::Groups => {
                let groups = match (self.group_file, &self.user) {
                    (Some(file), Some(user)) => auth::groups_of(file, user).await,
                    _ => None,
                };
                self.groups = Some(groups.unwrap_or_default());
            }
            Unknown::Nothing => {}
            Unknown::Name => {
                self.guest.peer.name.find_out(address).await;
            }
        }
    }
}

impl Client for Facts<'_> {
    fn address(&self) -> IpAddr {
        self.guest.peer.ip
    }

    fn local(&self) -> IpAddr {
        self.guest.peer.local.ip()
    }

    fn method(&self) -> &str {
        self.guest.head.method.as_str()
    }

    fn meets(&self, expression: &Expression) -> Result<bool, Unknown> {
        let outcome = self.subject(|subject| subject.evaluate(expression));
        let outcome = outcome.map_err(|_| Unknown::Nothing)?;
        self.vary.lock().extend(outcome.vary);
        Ok(outcome.holds)
    }

    fn fill(&self, text: &Text) -> Vec<u8> {
        self.subject(|subject| subject.fill(text))
    }

    fn has_variable(&self, name: &str) -> bool {
        self.guest.variables.has(name)
    }

    fn user(&self) -> Option<&[u8]> {
        self.user.as_deref()
    }

    fn is_member(&self, group: &str) -> Result<bool, Unknown> {
        let groups = self.groups.as_ref().ok_or(Unknown::Groups)?;
        Ok(groups.iter().any(|own| own == group))
    }

    fn name(&self) -> Result<Option<&str>, Unknown> {
        let name = &self.guest.peer.name;
        if name.is_known() {
            Ok(name.proven())
        } else {
            Err(Unknown::Name)
        }
    }

    fn is_called(&self, name: &str) -> Result<bool, Unknown> {
        let known = self.called.iter().find(|(known, _)| known == name);
        let known = known.ok_or_else(|| Unknown::Addresses(name.to_owned()));
        known.map(|(_, called)| *called)
    }
}
