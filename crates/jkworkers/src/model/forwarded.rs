//! Fields by which proxies tell whose request they pass on, and from whom backends get them.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use serde::Serialize;

use super::Proxies;

/// `JkdForwardedHeaders`: whose word about earlier connections backends get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardedHeaders {
    /// Everybody's, as with mod_jk.
    All,
    /// Nobody's.
    None,
    /// That of proxies which are known, the default.
    #[default]
    Trusted,
}

impl ForwardedHeaders {
    /// The word for it in the directive.
    pub const fn text(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
            Self::Trusted => "trusted",
        }
    }
}

/// Which clients are believed about connections that were before theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ForwardedFields {
    /// What is said about it.
    pub headers: ForwardedHeaders,
    /// Who is known: `RemoteIPTrustedProxy` and its relatives. `None`: nothing is said about
    /// proxies, and those with private addresses count.
    pub proxies: Option<Arc<[Proxies]>>,
    /// The fields that mod_remoteip reads and writes, beside those that everybody knows.
    #[serde(skip)]
    pub names: Vec<Arc<str>>,
}

impl ForwardedFields {
    /// Whether backends get such fields as this client sends them.
    pub fn pass_from(&self, client: IpAddr) -> bool {
        match (self.headers, &self.proxies) {
            (ForwardedHeaders::All, _) => true,
            (ForwardedHeaders::None, _) => false,
            (ForwardedHeaders::Trusted, None) => is_private(client),
            // As in mod_remoteip: without a list everybody is believed.
            (ForwardedHeaders::Trusted, Some(known)) => {
                known.is_empty() || known.iter().any(|known| known.net.contains(client))
            }
        }
    }

    /// Whether a field is one of those that mod_remoteip reads or writes here.
    pub fn are_of_proxies(&self, name: &[u8]) -> bool {
        let mut names = self.names.iter();
        names.any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    }

    /// Whether nothing is said about it.
    pub(super) fn is_usual(&self) -> bool {
        self.proxies.is_none() && self.headers == ForwardedHeaders::default()
    }
}

/// The addresses of networks that nobody reaches from outside: those of which Tomcat's
/// `RemoteIpValve` believes such fields, too.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

const fn is_private_v4(address: Ipv4Addr) -> bool {
    let is_shared = matches!(address.octets(), [100, 64..=127, _, _]);
    is_shared || address.is_private() || address.is_loopback() || address.is_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::parse_net;

    fn passes(headers: ForwardedHeaders, proxies: Option<&[&str]>, client: &str) -> bool {
        let net = |text: &&str| Proxies {
            net: parse_net(text).unwrap(),
            internal: false,
        };
        let fields = ForwardedFields {
            headers,
            proxies: proxies.map(|list| list.iter().map(net).collect()),
            names: Vec::new(),
        };
        fields.pass_from(client.parse().unwrap())
    }

    #[test]
    fn private_addresses_are_those_of_proxies_unless_somebody_names_them() {
        let trusted = |client| passes(ForwardedHeaders::Trusted, None, client);
        let inside = "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 127.0.0.1 169.254.1.1 \
                      100.64.0.1 100.127.255.255 ::1 fe80::1 fd00::1 ::ffff:10.0.0.1";
        for inside in inside.split_ascii_whitespace() {
            assert!(trusted(inside), "{inside}");
        }
        let outside = "9.9.9.9 172.32.0.1 100.63.0.1 100.128.0.1 192.169.0.1 2001:db8::1 \
                       ::ffff:8.8.8.8 0.0.0.0";
        for outside in outside.split_ascii_whitespace() {
            assert!(!trusted(outside), "{outside}");
        }
    }

    #[test]
    fn those_that_are_named_are_known_and_nobody_else() {
        let known = |list: &[&str], client| passes(ForwardedHeaders::Trusted, Some(list), client);
        assert!(known(&["203.0.113.0/24"], "203.0.113.7"));
        assert!(!known(&["203.0.113.0/24"], "10.0.0.1"));
        assert!(!known(&["203.0.113.0/24"], "127.0.0.1"));
        assert!(known(&[], "203.0.113.7"), "as in mod_remoteip");
    }

    #[test]
    fn all_and_none_ask_for_no_address() {
        for client in ["127.0.0.1", "203.0.113.7"] {
            assert!(passes(ForwardedHeaders::All, Some(&["10.0.0.1"]), client));
            assert!(!passes(
                ForwardedHeaders::None,
                Some(&["127.0.0.1"]),
                client
            ));
        }
    }
}
