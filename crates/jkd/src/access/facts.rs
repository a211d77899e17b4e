//! What is known about a client, and finding out what is not.

use std::{net::IpAddr, path::Path};

use jkworkers::access::{Client, Step, Unknown};

use super::Guest;
use crate::{auth, client_names};

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
}

impl<'a> Facts<'a> {
    pub(super) const fn new(guest: Guest<'a>) -> Self {
        Self {
            guest,
            user: None,
            group_file: None,
            groups: None,
            called: Vec::new(),
        }
    }

    /// Finds out one thing after the other until there is a decision.
    pub(super) async fn decide(&mut self, decide: impl Fn(&Self) -> Result<Step, Unknown>) -> Step {
        loop {
            match decide(self) {
                Ok(step) => return step,
                Err(unknown) => self.find_out(unknown).await,
            }
        }
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
