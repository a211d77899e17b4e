//! Who may use a location: `Require`, `Order`, `Allow`, `Deny`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

/// Who may use a location. Both parts have to agree where both are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Access {
    /// `Require …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
    /// `Order`, `Allow`, `Deny`, `Satisfy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

impl Access {
    /// Whether a client may come in. `client` is the peer's address, `local` the address that it
    /// connected to.
    pub fn allows(&self, client: IpAddr, local: IpAddr) -> bool {
        crate::access::allows(self.require.as_ref(), self.order.as_ref(), client, local)
    }
}

/// `Require` lines and the sections that group them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// `<RequireAny>`, and what a plain list of `Require` lines is: one grant is enough.
    Any(Vec<Self>),
    /// `<RequireAll>`: no refusal and at least one grant.
    All(Vec<Self>),
    /// `<RequireNone>`: no grant.
    None(Vec<Self>),
    /// One line.
    Rule(AccessRule),
}

/// One line of `Require`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessRule {
    /// `Require not …`.
    pub negated: bool,
    /// Whom it names: any of these. Empty for `Require all denied`.
    pub who: Vec<AddressSet>,
}

/// `Order`, `Allow`, `Deny` and `Satisfy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// `Order Allow,Deny` (and `Mutual-failure`): allowed when `allow` matches and `deny` does
    /// not. Otherwise `Order Deny,Allow`: denied when `deny` matches and `allow` does not.
    pub allow_first: bool,
    /// `Allow from`.
    pub allow: Vec<AddressSet>,
    /// `Deny from`.
    pub deny: Vec<AddressSet>,
    /// `Satisfy Any`: either this or the `Require` lines are enough; without any `Require` line
    /// everybody may come in, as in httpd.
    pub satisfy_any: bool,
}

/// A set of client addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressSet {
    /// Everybody.
    All,
    /// The machine itself (`Require local`): 127.0.0.0/8, `::1`, or both ends of the connection equal.
    Local,
    /// An address or a network.
    Net(IpNet),
}
