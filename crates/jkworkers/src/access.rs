//! `Require`, `Order`, `Allow` and `Deny` by address: reading their arguments and evaluating them.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::model::{AccessRule, AddressSet, Order, Require};

/// Whether a client may come in: both parts have to agree, unless `Satisfy Any` says otherwise.
pub(crate) fn allows(
    require: Option<&Require>,
    order: Option<&Order>,
    client: IpAddr,
    local: IpAddr,
) -> bool {
    let ends = Ends {
        client: client.to_canonical(),
        local: local.to_canonical(),
    };
    let required = require.map(|r| r.verdict(ends) == Verdict::Granted);
    let ordered = order.map(|o| o.allows(ends));
    if order.is_some_and(|o| o.satisfy_any) {
        // httpd counts a missing part as satisfied here, too.
        return required.unwrap_or(true) || ordered.unwrap_or(true);
    }
    required.unwrap_or(true) && ordered.unwrap_or(true)
}

/// What `Require` knows besides yes and no: a `not` whose condition does not hold grants nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Granted,
    Denied,
    Neutral,
}

#[derive(Clone, Copy)]
struct Ends {
    client: IpAddr,
    local: IpAddr,
}

impl Require {
    fn verdict(&self, ends: Ends) -> Verdict {
        match self {
            Self::Any(children) => first(children, ends, Verdict::Granted),
            Self::All(children) => first(children, ends, Verdict::Denied),
            Self::None(children) => negate(first(children, ends, Verdict::Granted)),
            Self::Rule(rule) => rule.verdict(ends),
        }
    }
}

impl AccessRule {
    fn verdict(&self, ends: Ends) -> Verdict {
        let verdict = if self.who.iter().any(|set| set.contains(ends)) {
            Verdict::Granted
        } else {
            Verdict::Denied
        };
        if self.negated {
            negate(verdict)
        } else {
            verdict
        }
    }
}

/// The first child with the deciding verdict decides, else the last one that is not neutral.
fn first(children: &[Require], ends: Ends, deciding: Verdict) -> Verdict {
    let mut result = Verdict::Neutral;
    for verdict in children.iter().map(|child| child.verdict(ends)) {
        if verdict == deciding {
            return verdict;
        }
        if verdict != Verdict::Neutral {
            result = verdict;
        }
    }
    result
}

fn negate(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Granted => Verdict::Denied,
        Verdict::Denied | Verdict::Neutral => Verdict::Neutral,
    }
}

impl Order {
    fn allows(&self, ends: Ends) -> bool {
        let allowed = self.allow.iter().any(|set| set.contains(ends));
        let denied = self.deny.iter().any(|set| set.contains(ends));
        if self.allow_first {
            allowed && !denied
        } else {
            allowed || !denied
        }
    }
}

impl AddressSet {
    fn contains(&self, ends: Ends) -> bool {
        match self {
            Self::All => true,
            Self::Local => ends.client.is_loopback() || ends.client == ends.local,
            Self::Net(net) => net.contains(&ends.client),
        }
    }
}

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAddress {
    /// A host name, or something that looks like one.
    #[error("host names are not looked up here")]
    HostName,
    /// Not an address.
    #[error("this is not an IP address")]
    Address,
    /// The part behind `/`.
    #[error("the network mask is invalid")]
    Mask,
}

impl BadAddress {
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::HostName | Self::Address => {
                "Write an address (10.1.2.3, ::1), a partial address (10.1) or a network \
                 (10.1.0.0/16, 10.1.0.0/255.255.0.0, 2001:db8::/32)"
            }
            Self::Mask => {
                "Write a prefix length (10.1.0.0/16) or a mask of leading ones (255.255.0.0)"
            }
        }
    }
}

/// Reads one address as `Require ip` and `Allow from` take it: whole, partial, with prefix
/// length, or with mask.
pub(crate) fn parse_net(text: &str) -> Result<IpNet, BadAddress> {
    let looks_numeric = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/');
    let starts_numeric = text.starts_with(|c: char| c.is_ascii_digit()) || text.contains(':');
    if !starts_numeric || !text.chars().all(looks_numeric) {
        return Err(BadAddress::HostName);
    }
    match text.split_once('/') {
        None => match text.parse::<IpAddr>() {
            Ok(ip) => Ok(IpNet::from(ip.to_canonical())),
            Err(_) => partial(text).ok_or(BadAddress::Address),
        },
        Some((address, mask)) => with_mask(address, mask),
    }
}

fn with_mask(address: &str, mask: &str) -> Result<IpNet, BadAddress> {
    let ip: IpAddr = address.parse().map_err(|_| BadAddress::Address)?;
    let net = match (mask.parse::<u8>(), mask.parse::<IpAddr>()) {
        (Ok(length), _) => IpNet::new(ip, length).map_err(|_| BadAddress::Mask)?,
        (_, Ok(mask)) => IpNet::with_netmask(ip, mask).map_err(|_| BadAddress::Mask)?,
        _ => return Err(BadAddress::Mask),
    };
    Ok(net.trunc())
}

/// `10.1` is 10.1.0.0/16; a final dot changes nothing.
fn partial(text: &str) -> Option<IpNet> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut octets = [0_u8; 4];
    let mut bits = 0;
    for part in text.split('.') {
        *octets.get_mut(usize::from(bits / 8))? = part.parse().ok()?;
        bits += 8;
    }
    let net = Ipv4Net::new(Ipv4Addr::from(octets), bits).ok()?;
    Some(IpNet::V4(net))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn rule(negated: bool, nets: &[&str]) -> Require {
        Require::Rule(AccessRule {
            negated,
            who: nets
                .iter()
                .map(|net| AddressSet::Net(parse_net(net).unwrap()))
                .collect(),
        })
    }

    fn granted(require: &Require, client: &str) -> bool {
        allows(Some(require), None, ip(client), ip("192.0.2.1"))
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("10.1.2.3", Ok("10.1.2.3/32")),
            ("10", Ok("10.0.0.0/8")),
            ("10.1", Ok("10.1.0.0/16")),
            ("10.1.", Ok("10.1.0.0/16")),
            ("10.1.2", Ok("10.1.2.0/24")),
            ("10.1.2.3/16", Ok("10.1.0.0/16")),
            ("10.1.2.3/255.255.0.0", Ok("10.1.0.0/16")),
            ("::1", Ok("::1/128")),
            ("2001:db8::5/32", Ok("2001:db8::/32")),
            ("::ffff:10.1.2.3", Ok("10.1.2.3/32")),
            ("10.1/16", Err(BadAddress::Address)),
            ("300.1", Err(BadAddress::Address)),
            ("10.1.2.3.4", Err(BadAddress::Address)),
            ("10.1.2.3/33", Err(BadAddress::Mask)),
            ("10.1.2.3/255.0.255.0", Err(BadAddress::Mask)),
            ("10.1.2.3/", Err(BadAddress::Mask)),
            ("localhost", Err(BadAddress::HostName)),
            (".example.com", Err(BadAddress::HostName)),
            ("dead.beef", Err(BadAddress::HostName)),
            ("", Err(BadAddress::HostName)),
        ] {
            let net = parse_net(text).map(|net| net.to_string());
            assert_eq!(net, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn order_decides_as_in_the_manual() {
        let net = |text| vec![AddressSet::Net(parse_net(text).unwrap())];
        let order = |allow_first, allow, deny| Order {
            allow_first,
            allow,
            deny,
            satisfy_any: false,
        };
        let ask = |order: &Order, client| allows(None, Some(order), ip(client), ip("192.0.2.1"));
        let deny_allow = order(false, net("10.1"), vec![AddressSet::All]);
        assert!(ask(&deny_allow, "10.1.0.1"));
        assert!(!ask(&deny_allow, "10.2.0.1"));
        assert!(ask(&order(false, vec![], vec![]), "10.2.0.1"));
        let allow_deny = order(true, net("10.1"), net("10.1.2"));
        assert!(ask(&allow_deny, "10.1.0.1"));
        assert!(!ask(&allow_deny, "10.1.2.1"));
        assert!(!ask(&allow_deny, "10.2.0.1"));
        assert!(!ask(&order(true, vec![], vec![]), "10.2.0.1"));
    }

    #[test]
    fn requirements_have_three_values() {
        let any = Require::Any(vec![rule(false, &["10.1"]), rule(false, &["10.2", "10.3"])]);
        assert!(granted(&any, "10.1.0.1"));
        assert!(granted(&any, "10.3.0.1"));
        assert!(!granted(&any, "10.4.0.1"));
        let all = Require::All(vec![rule(false, &["10"]), rule(true, &["10.9"])]);
        assert!(granted(&all, "10.1.0.1"));
        assert!(!granted(&all, "10.9.0.1"));
        assert!(!granted(&all, "11.0.0.1"));
        let none = Require::None(vec![rule(false, &["10.9"])]);
        assert!(
            !granted(&none, "10.1.0.1"),
            "a none grants nothing by itself"
        );
        let both = Require::All(vec![rule(false, &["10"]), none]);
        assert!(granted(&both, "10.1.0.1"));
        assert!(!granted(&both, "10.9.0.1"));
        assert!(!granted(&Require::Any(vec![]), "10.9.0.1"));
    }

    #[test]
    fn all_denied_and_local() {
        let denied = Require::Any(vec![rule(false, &[])]);
        assert!(!granted(&denied, "127.0.0.1"));
        let local = Require::Rule(AccessRule {
            negated: false,
            who: vec![AddressSet::Local],
        });
        for (client, expected) in [
            ("127.8.0.1", true),
            ("::1", true),
            ("192.0.2.1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.2", false),
        ] {
            assert_eq!(granted(&local, client), expected, "{client}");
        }
    }

    #[test]
    fn both_kinds_have_to_agree_unless_satisfied_by_any() {
        let require = rule(false, &["10.1"]);
        let mut order = Order {
            allow_first: true,
            allow: vec![AddressSet::Net(parse_net("10.2").unwrap())],
            deny: vec![],
            satisfy_any: false,
        };
        let ask = |order: &Order, client| {
            allows(Some(&require), Some(order), ip(client), ip("192.0.2.1"))
        };
        assert!(!ask(&order, "10.1.0.1"));
        order.satisfy_any = true;
        assert!(ask(&order, "10.1.0.1"));
        assert!(ask(&order, "10.2.0.1"));
        assert!(!ask(&order, "10.3.0.1"));
        let without = allows(None, Some(&order), ip("10.3.0.1"), ip("192.0.2.1"));
        assert!(without, "nothing is required, which satisfies any");
    }
}
