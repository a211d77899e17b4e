//! Where a container listens.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The port on which AJP connectors listen by convention.
pub const DEFAULT_PORT: u16 = 8009;

/// The address of a container's AJP connector.
///
/// Parsed from `host:port`, `[v6]:port`, `host` alone (port 8009), or `unix:/path` or `/path`
/// for a Unix domain socket. A literal IP address is never given to a resolver; a name is
/// resolved anew for every connection that is opened, unless [`Addresses`](super::Addresses) say
/// what it stands for.
///
/// ```
/// use ajp13::Address;
///
/// let address: Address = "tomcat1.example".parse()?;
/// assert_eq!(address.to_string(), "tomcat1.example:8009");
/// assert!(matches!("[::1]:8010".parse()?, Address::Ip(_)));
/// # Ok::<(), ajp13::InvalidAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A literal IP address and a port.
    Ip(SocketAddr),
    /// A host name and a port.
    Name {
        /// The name to resolve.
        host: Box<str>,
        /// The TCP port.
        port: u16,
    },
    /// The path of a Unix domain socket.
    Unix(PathBuf),
}

/// The text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of an AJP connector; write host:port, [ipv6]:port or unix:/path")]
pub struct InvalidAddress(Box<str>);

impl Address {
    /// A host, literal IP addresses included (IPv6 with or without brackets), and a port.
    pub fn new(host: &str, port: u16) -> Self {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) => Self::Ip(SocketAddr::new(ip, port)),
            Err(_) => Self::Name {
                host: host.into(),
                port,
            },
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        host_and_port(text).ok_or_else(|| InvalidAddress(text.into()))
    }
}

fn host_and_port(text: &str) -> Option<Address> {
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return Some(Address::Ip((ip, DEFAULT_PORT).into()));
    }
    if text.starts_with('[') && text.ends_with(']') {
        let ip = text.trim_matches(['[', ']']).parse::<Ipv6Addr>().ok()?;
        return Some(Address::Ip((ip, DEFAULT_PORT).into()));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|&port| port != 0)?),
        None => (text, DEFAULT_PORT),
    };
    let address = Address::new(host, port);
    let wrong = matches!(&address, Address::Name { host, .. } if !plausible(host));
    (!wrong).then_some(address)
}

fn plausible(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.chars().all(allowed)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (text, shown) in [
            ("127.0.0.1:8010", "127.0.0.1:8010"),
            ("127.0.0.1", "127.0.0.1:8009"),
            ("[::1]:8010", "[::1]:8010"),
            ("[::1]", "[::1]:8009"),
            ("::1", "[::1]:8009"),
            ("tomcat_1.lan:1", "tomcat_1.lan:1"),
            ("unix:/run/ajp", "unix:/run/ajp"),
            ("/run/ajp", "unix:/run/ajp"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse::<Address>().unwrap(), address);
        }
        assert!(matches!("::1".parse().unwrap(), Address::Ip(_)));
        assert_eq!(Address::new("[::1]", 1), Address::new("::1", 1));
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            ":8009",
            "host:",
            "host:0",
            "host:65536",
            "a b:1",
            "[::1",
            "ajp://h:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
