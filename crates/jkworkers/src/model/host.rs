//! Hosts, mounts and access rules: what httpd's side of the configuration says.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use serde::Serialize;

use crate::{diag::Origin, uri_map::UriMap};

/// The main server or one `<VirtualHost>`.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Where it was written; the main server's origin is the first file.
    pub origin: Origin,
    /// `ServerName`, the host's own name; the first listener's where none is given.
    pub server_name: Option<ServerName>,
    /// `ServerAlias`: further names; `*` and `?` are wildcards.
    pub aliases: Vec<String>,
    /// The addresses of `<VirtualHost …>`; empty for the main server.
    /// Ports are `None` for `*` (any port), addresses are `None` for `*` and `_default_`.
    pub addresses: Vec<(Option<IpAddr>, Option<u16>)>,
    /// What is mounted here, ready to be asked.
    pub uri_map: UriMap,
    /// `<Location>` sections that say something about access, in order.
    pub locations: Vec<Location>,
}

/// `ServerName [scheme://]name[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerName {
    /// `https` where it was written so.
    pub scheme: Option<String>,
    /// The name.
    pub name: String,
    /// The port, where one was written.
    pub port: Option<u16>,
}

/// One `Listen` directive or `--listen` flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// The address; `None` for all addresses.
    pub address: Option<IpAddr>,
    /// The port. 0 lets the system choose one.
    pub port: u16,
    /// Where it was written.
    pub origin: Origin,
}

/// One rule: this URI pattern is served by this worker, or excluded from it.
#[derive(Clone, Debug, Serialize)]
pub struct Mount {
    /// The pattern; begins with `/`.
    pub pattern: Arc<str>,
    /// Exact text or wildcards.
    pub kind: UriMatch,
    /// The worker's name; `*` in an exclusion means any worker.
    pub worker: Arc<str>,
    /// `JkUnMount` or a `!` rule.
    pub exclusion: bool,
    /// A `-` rule: shown, never applied.
    pub disabled: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UriMatch {
    /// Byte for byte.
    Exact,
    /// `?` is one byte, `*` any run of bytes, `/` included.
    Wildcard,
}

/// One `<Location>` with access rules.
#[derive(Clone, Debug, Serialize)]
pub struct Location {
    /// The path: a prefix that ends at a segment boundary, or with wildcards, as httpd has it.
    pub path: String,
    /// Who may come in.
    pub access: Access,
    /// Where the section begins.
    pub origin: Origin,
}

/// Who may use a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// `Require …`: any of these is enough (`RequireAny`, httpd's default for a list).
    Require(Vec<AccessRule>),
    /// `Order Deny,Allow`: denied when `deny` matches and `allow` does not; else allowed.
    DenyAllow {
        /// `Deny from`.
        deny: Vec<AddressSet>,
        /// `Allow from`.
        allow: Vec<AddressSet>,
    },
    /// `Order Allow,Deny`: allowed when `allow` matches and `deny` does not; else denied.
    AllowDeny {
        /// `Allow from`.
        allow: Vec<AddressSet>,
        /// `Deny from`.
        deny: Vec<AddressSet>,
    },
}

/// One line of `Require`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessRule {
    /// `Require not …`.
    pub negated: bool,
    /// Whom it names.
    pub who: AddressSet,
}

/// A set of client addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressSet {
    /// `all`, `all granted`; `Require all denied` is this, negated.
    All,
    /// The machine itself (`Require local`): 127.0.0.0/8, `::1`, or both ends of the connection equal.
    Local,
    /// An address or a network.
    Net(IpNet),
}
