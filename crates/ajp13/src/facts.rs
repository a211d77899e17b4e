//! What AJP13 says about a request beside its HTTP message.
//!
//! A web server tells the container more than HTTP carries: who the client is, what TLS agreed
//! on, which user logged in, which balancer member was chosen. These facts travel as typed
//! extensions of `http::Request` and mean the same on both sides: the client side writes those
//! it finds into the packet, the server side puts those it received on the request.
//!
//! | extension | carries | from the packet's |
//! |---|---|---|
//! | [`ConnectionInfo`] | addresses, server name and port, `is_ssl` | fixed fields, `AJP_REMOTE_PORT`, `AJP_LOCAL_ADDR` |
//! | [`TlsInfo`] | certificate, cipher, session, key size, protocol | attributes 7, 8, 9, B and `AJP_SSL_PROTOCOL` |
//! | [`RemoteUser`] | user and authentication scheme | attributes 3 and 4 |
//! | [`Route`] | route of the chosen balancer member | attribute 6 |
//! | [`Activation`] | activation of that member | `JK_LB_ACTIVATION` |
//! | [`Attributes`] | all other named request attributes | attribute A |
//! | [`Secret`] | the connector's secret | attribute C |
//! | [`RawTarget`] | a target to send as it is, on requests of the client side | `req_uri`, attribute 5 |
//! | [`Protocol`] | a protocol that is no HTTP version | `protocol` |
//! | [`Reason`] | reason phrase, on responses | `SEND_HEADERS` |

mod text;

use std::fmt;
use std::net::IpAddr;

pub use text::Text;

/// Request attribute that carries the client's port, in decimal.
pub const REMOTE_PORT_ATTRIBUTE: &str = "AJP_REMOTE_PORT";
/// Request attribute that carries the address on which the web server took the request.
pub const LOCAL_ADDR_ATTRIBUTE: &str = "AJP_LOCAL_ADDR";
/// Request attribute that carries the TLS protocol version, such as `TLSv1.3`.
pub const SSL_PROTOCOL_ATTRIBUTE: &str = "AJP_SSL_PROTOCOL";
/// Request attribute that carries the [`Activation`] of the chosen balancer member.
pub const ACTIVATION_ATTRIBUTE: &str = "JK_LB_ACTIVATION";

/// The connection between the browser and the web server.
///
/// No field is checked: all are what the web server claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The client's address in text form; a servlet's `getRemoteAddr()`.
    pub remote_addr: Option<Text>,
    /// The client's name; usually absent, because few web servers look it up.
    pub remote_host: Option<Text>,
    /// The client's port, when the web server tells it.
    pub remote_port: Option<u16>,
    /// The address on which the web server took the request, when it tells it.
    pub local_addr: Option<Text>,
    /// The web server's name without port; counts only where there is no `Host` header.
    pub server_name: Option<Text>,
    /// The port that goes with `server_name`.
    pub server_port: u16,
    /// Whether the client used TLS: the scheme is `https`.
    pub is_ssl: bool,
}

impl ConnectionInfo {
    /// The client's address, when the text is an IP address.
    pub fn remote_ip(&self) -> Option<IpAddr> {
        self.remote_addr.as_ref()?.to_str().parse().ok()
    }
}

/// What the browser and the web server agreed on by TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsInfo {
    /// The client's certificate as PEM text; the chain may follow in the same text.
    pub certificate: Option<Text>,
    /// The cipher suite, in the web server's spelling.
    pub cipher: Option<Text>,
    /// The session id, in hexadecimal.
    pub session: Option<Text>,
    /// The strength of the cipher's key, in bits.
    pub key_size: Option<u16>,
    /// The protocol version, such as `TLSv1.3`.
    pub protocol: Option<Text>,
}

impl TlsInfo {
    /// Whether no field is filled in.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The user whom the web server authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteUser {
    /// The user's name.
    pub name: Option<Text>,
    /// The scheme, such as `Basic`.
    pub auth_type: Option<Text>,
}

/// Named request attributes, in the order sent; a name may occur more than once.
///
/// Tomcat refuses a whole request with 403 when it carries a name that its connector's
/// `allowedRequestAttributesPattern` does not match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(Text, Text)>);

impl Attributes {
    /// An empty list; allocates nothing.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends an attribute.
    pub fn push(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value that counts for `name`, which is the last one.
    pub fn get(&self, name: &str) -> Option<&Text> {
        let of_name = |(key, _): &&(Text, Text)| key.as_bytes() == name.as_bytes();
        self.0.iter().rev().find(of_name).map(|(_, value)| value)
    }

    /// All attributes in the order sent.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Text)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The connector's secret; never shown by `Debug`.
#[derive(Clone)]
pub struct Secret(Text);

impl Secret {
    /// Takes the secret's bytes.
    pub fn new(secret: impl Into<Text>) -> Self {
        Self(secret.into())
    }

    /// The bytes themselves, for the wire; do not log them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(feature = "server")]
impl Secret {
    /// Whether `offered` is the secret, in a time that depends on its length only.
    pub fn matches(&self, offered: &[u8]) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.expose(), offered).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The route of the balancer member that was chosen for this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route(pub Text);

/// The activation of the balancer member that was chosen for this request.
///
/// A container that drains uses it: a request that reaches a member which is not
/// [`Active`](Self::Active) and whose session is unknown belongs elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "mod_jk knows these three and no more"
)]
pub enum Activation {
    /// `ACT`: takes all requests.
    #[default]
    Active,
    /// `DIS`: takes only requests of its sessions.
    Disabled,
    /// `STP`: takes none; a request may still be on its way.
    Stopped,
}

impl Activation {
    /// The value on the wire: `ACT`, `DIS` or `STP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACT",
            Self::Disabled => "DIS",
            Self::Stopped => "STP",
        }
    }

    /// Reads the value on the wire; anything else is no activation.
    pub fn from_bytes(value: &[u8]) -> Option<Self> {
        match value {
            b"ACT" => Some(Self::Active),
            b"DIS" => Some(Self::Disabled),
            b"STP" => Some(Self::Stopped),
            _ => None,
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Path and query to send exactly like this, where `http::Uri` cannot express them.
///
/// The server side never sets it: it hands on only what a URI holds, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTarget {
    /// The path, still percent-encoded, `;jsessionid=…` included.
    pub path: Text,
    /// The query without `?`; empty and absent differ.
    pub query: Option<Text>,
}

/// The protocol field where it is no HTTP version; containers pass it on unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol(pub Option<Text>);

/// The reason phrase of a response, where it is not the one that belongs to the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub Text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_an_attribute_counts() {
        let mut attributes = Attributes::new();
        attributes.push("a", "1");
        attributes.push("b", "2");
        attributes.push("a", "3");
        assert_eq!(attributes.get("a"), Some(&Text::from("3")));
        assert_eq!(attributes.get("A"), None);
        assert_eq!(attributes.len(), 3);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[cfg(feature = "server")]
    #[test]
    fn a_secret_matches_itself_alone() {
        let secret = Secret::new("hunter2");
        assert!(secret.matches(b"hunter2"));
        for wrong in [&b"hunter3"[..], b"hunter", b"hunter22", b""] {
            assert!(!secret.matches(wrong));
        }
    }

    #[test]
    fn activations_survive_the_wire() {
        for activation in [
            Activation::Active,
            Activation::Disabled,
            Activation::Stopped,
        ] {
            let wire = activation.as_str().as_bytes();
            assert_eq!(Activation::from_bytes(wire), Some(activation));
        }
        assert_eq!(Activation::from_bytes(b"act"), None);
    }

    #[test]
    fn only_an_address_is_a_remote_ip() {
        let from = |text: &str| ConnectionInfo {
            remote_addr: Some(Text::from(text)),
            ..ConnectionInfo::default()
        };
        assert_eq!(
            from("10.0.0.1").remote_ip(),
            Some(IpAddr::from([10, 0, 0, 1]))
        );
        assert!(from("::1").remote_ip().is_some());
        assert_eq!(from("MYCLIENT").remote_ip(), None);
    }
}
