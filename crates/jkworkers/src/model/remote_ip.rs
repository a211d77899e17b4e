//! mod_remoteip: who the client is where proxies in between say so.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use serde::Serialize;

use super::Net;

/// What a host believes about its clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoteIp {
    /// `RemoteIPHeader`: the field that tells the client's address.
    pub header: Arc<str>,
    /// `RemoteIPProxiesHeader`: the field that backends find the proxies in.
    pub proxies_header: Option<Arc<str>>,
    /// Who may tell it. Empty: everybody, as in mod_remoteip.
    pub proxies: Arc<[Proxies]>,
}

/// `RemoteIPInternalProxy`, `RemoteIPTrustedProxy`, or a line of one of their lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Proxies {
    /// Their addresses.
    pub net: Net,
    /// Whether private addresses are believed from them, and they are not worth mentioning.
    pub internal: bool,
}

/// What a field says about a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteClient {
    /// The client's address.
    pub address: IpAddr,
    /// What is left of the field; `None` where nothing is.
    pub rest: Option<Vec<u8>>,
    /// The proxies in between, the nearest first, without internal ones.
    pub proxies: Option<String>,
}

impl RemoteIp {
    /// Goes through the addresses in `value`, the last one first, as long as those who say them
    /// are believed. `None` where nothing is.
    pub fn client(&self, connection: IpAddr, value: &[u8]) -> Option<RemoteClient> {
        let mut found: Option<RemoteClient> = None;
        let mut rest = Some(value);
        let mut teller = connection;
        while let Some(text) = rest {
            let Some(internal) = self.believes(teller) else {
                break;
            };
            let comma = text.iter().rposition(|byte| *byte == b',');
            let (before, last) = match comma.and_then(|at| text.split_at_checked(at)) {
                Some((before, last)) => (Some(before), last.get(1..).unwrap_or_default()),
                None => (None, text),
            };
            let Some(address) = address(last).filter(|own| internal || is_public(*own)) else {
                break;
            };
            let mut proxies = found.take().and_then(|found| found.proxies);
            if !internal {
                add(proxies.get_or_insert_default(), teller);
            }
            found = Some(RemoteClient {
                address,
                rest: None,
                proxies,
            });
            (teller, rest) = (address, before);
        }
        found.map(|found| RemoteClient {
            rest: rest.map(<[u8]>::to_vec),
            ..found
        })
    }

    /// Whether this one is internal; `None` where it is not believed.
    fn believes(&self, teller: IpAddr) -> Option<bool> {
        if self.proxies.is_empty() {
            return Some(false);
        }
        let mut proxies = self.proxies.iter();
        let known = proxies.find(|proxies| proxies.net.contains(teller))?;
        Some(known.internal)
    }
}

/// There may be thousands of them: the list is never copied.
fn add(proxies: &mut String, teller: IpAddr) {
    if !proxies.is_empty() {
        proxies.push_str(", ");
    }
    // Writing to a text cannot fail.
    let _ = write!(proxies, "{teller}");
}

/// An address with blanks around it.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_matches(' ');
    text.parse::<IpAddr>().ok().map(|own| own.to_canonical())
}

/// Whether a proxy that is not internal is believed about this address.
const fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_global_unicast(v6),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    !address.is_private() && !address.is_loopback() && !address.is_link_local()
}

/// 2000::/3
const fn is_global_unicast(address: Ipv6Addr) -> bool {
    let [first, ..] = address.octets();
    first & 0xe0 == 0x20
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::parse_net;

    fn rules(internal: &[&str], trusted: &[&str]) -> RemoteIp {
        let proxies = |list: &[&str], internal| {
            let list = list.iter().map(|text| Proxies {
                net: parse_net(text).unwrap(),
                internal,
            });
            list.collect::<Vec<_>>()
        };
        RemoteIp {
            header: "X-Forwarded-For".into(),
            proxies_header: None,
            proxies: [proxies(internal, true), proxies(trusted, false)]
                .concat()
                .into(),
        }
    }

    /// Address, rest, proxies.
    fn client(rules: &RemoteIp, value: &str) -> Option<(String, Option<String>, Option<String>)> {
        let found = rules.client("127.0.0.1".parse().unwrap(), value.as_bytes())?;
        let rest = found.rest.map(|rest| String::from_utf8(rest).unwrap());
        Some((found.address.to_string(), rest, found.proxies))
    }

    #[test]
    fn a_long_way_is_gone_once() {
        // Were the list copied for each of them, this would take minutes.
        let value = vec!["1.1.1.1"; 300_000].join(",");
        let (address, rest, proxies) = client(&rules(&[], &[]), &value).unwrap();
        assert_eq!((&*address, rest), ("1.1.1.1", None));
        assert_eq!(proxies.unwrap().split(", ").count(), 300_000);
    }

    #[test]
    fn internal_proxies_are_believed_about_all_addresses() {
        let rules = rules(&["127.0.0.1"], &[]);
        for (value, address, rest) in [
            ("1.2.3.4", "1.2.3.4", None),
            ("10.1.2.3", "10.1.2.3", None),
            ("1.2.3.4, 127.0.0.1", "1.2.3.4", None),
            ("junk, 5.6.7.8", "5.6.7.8", Some("junk")),
            (",1.2.3.4", "1.2.3.4", Some("")),
            ("::ffff:1.2.3.4", "1.2.3.4", None),
            ("::1", "::1", None),
            ("1.1.1.1,2.2.2.2,127.0.0.1", "2.2.2.2", Some("1.1.1.1")),
            ("1.2.3.4 , 2.3.4.5 ", "2.3.4.5", Some("1.2.3.4 ")),
        ] {
            let expected = (address.to_owned(), rest.map(str::to_owned), None);
            assert_eq!(client(&rules, value), Some(expected), "{value}");
        }
        for value in [
            "",
            "junk",
            "5.6.7.8, junk",
            "1.2.3.4,",
            "1.2.3.4:80",
            "[::1]",
            "1.2.3.4,\t2.3.4.5",
            "localhost",
            "127.1",
        ] {
            assert_eq!(client(&rules, value), None, "{value}");
        }
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn trusted_proxies_are_believed_about_public_addresses() {
        let rules = rules(&[], &["127.0.0.1", "2.2.2.0/24", "2001:db8::/32"]);
        for (value, address, rest, proxies) in [
            ("1.2.3.4", "1.2.3.4", None, "127.0.0.1"),
            ("::ffff:2.2.2.2", "2.2.2.2", None, "127.0.0.1"),
            (
                "1.1.1.1,2001:db8::1, 2.2.2.2",
                "1.1.1.1",
                None,
                "127.0.0.1, 2.2.2.2, 2001:db8::1",
            ),
            (
                "9.9.9.9,8.8.8.8, 2.2.2.2",
                "8.8.8.8",
                Some("9.9.9.9"),
                "127.0.0.1, 2.2.2.2",
            ),
            (
                "10.0.0.1, 8.8.8.8",
                "8.8.8.8",
                Some("10.0.0.1"),
                "127.0.0.1",
            ),
        ] {
            let expected = (
                address.to_owned(),
                rest.map(str::to_owned),
                Some(proxies.to_owned()),
            );
            assert_eq!(client(&rules, value), Some(expected), "{value}");
        }
        for value in [
            "10.1.2.3",
            "172.20.0.1",
            "192.168.0.1",
            "169.254.3.3",
            "127.0.0.2",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert_eq!(client(&rules, value), None, "{value}");
        }
    }

    #[test]
    fn without_a_list_everybody_is_trusted() {
        let everybody = rules(&[], &[]);
        let proxies = Some("127.0.0.1, 5.6.7.8".to_owned());
        assert_eq!(
            client(&everybody, "1.2.3.4, 5.6.7.8"),
            Some(("1.2.3.4".to_owned(), None, proxies))
        );
        assert_eq!(client(&rules(&[], &["10.0.0.0/8"]), "1.2.3.4"), None);
    }
}
