//! Who a server says it is, and what it says about itself.

use std::sync::Arc;

use serde::Serialize;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The port in `ServerName`; of a virtual host without one, that of its first address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `ServerAdmin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Arc<str>>,
    /// `ServerTokens`: whether the field `Server` has a version.
    #[serde(skip_serializing_if = "is_default")]
    pub version: bool,
    /// `TraceEnable`.
    #[serde(skip_serializing_if = "is_default")]
    pub trace: Trace,
}

/// Who says what the server is called, where a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// `UseCanonicalName`.
    pub name: CanonicalName,
    /// `UseCanonicalPhysicalPort On`: where no port is said, it is the one that the client connected
    /// to.
    pub physical_port: bool,
}

/// `UseCanonicalName`: who says what the server is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CanonicalName {
    /// The client.
    #[default]
    Off,
    /// `ServerName`.
    On,
    /// The resolver, by the address that the client connected to; `ServerName` where it has none.
    Dns,
}

/// `HostnameLookups`: whether the names of clients are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookups {
    /// Only where access rules ask for them.
    #[default]
    Off,
    /// Whoever answers for an address can give it any name.
    On,
    /// Those names count that lead back to the address.
    Double,
}

/// `ServerSignature`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Nothing.
    #[default]
    Off,
    /// The server, its name and its port.
    On,
    /// With the address of `ServerAdmin`.
    Email,
}

/// `TraceEnable`: whether `TRACE` answers with the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// It does not. Unlike in httpd this is the default.
    #[default]
    Off,
    /// Without a body.
    On,
    /// Also with one.
    Extended,
}
