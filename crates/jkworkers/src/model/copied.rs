//! `JkMountCopy`: what virtual hosts have of the main server's rules.

use std::ptr;

use serde::Serialize;

use super::{Host, Model, Mount};

/// What a host has of the main server's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Copied {
    /// None; or it is the main server.
    Nothing,
    /// All, those of workers' definitions included: it has none of its own.
    Map,
    /// Lines and file, but for what it has in place of them.
    Rules,
}

impl Model {
    /// The rules of one of the hosts in matching order, without those of the main server that it
    /// has besides. A long map that many hosts share is long once.
    pub fn own_mounts<'m>(&self, host: &'m Host) -> (Copied, Vec<&'m Mount>) {
        let copied = match self.hosts.first() {
            Some(main) if !ptr::eq(main, host) => host.uri_map.copied_from(&main.uri_map),
            _ => Copied::Nothing,
        };
        let own = match copied {
            Copied::Map => Vec::new(),
            Copied::Nothing | Copied::Rules => host.uri_map.own().collect(),
        };
        (copied, own)
    }
}
