//! Addresses and networks, as `Require ip` and `Allow from` take them.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::model::Net;

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAddress {
    /// A host name, or something that looks like one.
    #[error("this is not an IP address")]
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
            Self::Mask => "Write a prefix length (10.1.0.0/16) or a mask (255.255.0.0)",
        }
    }
}

/// Reads one address as `Require ip` and `Allow from` take it: whole, partial, with prefix
/// length, or with mask.
pub(crate) fn parse_net(text: &str) -> Result<Net, BadAddress> {
    if !looks_like_address(text) {
        return Err(BadAddress::HostName);
    }
    match text.split_once('/') {
        None => match text.parse::<IpAddr>() {
            Ok(ip) => Ok(Net::Prefix(ip.to_canonical().into())),
            Err(_) => partial(text).map(Net::Prefix).ok_or(BadAddress::Address),
        },
        Some((address, mask)) => with_mask(address, mask),
    }
}

/// As httpd decides it: any colon, or nothing but digits and dots; a mask is for addresses only.
fn looks_like_address(text: &str) -> bool {
    let dotted = |c: char| c.is_ascii_digit() || c == '.';
    text.contains([':', '/']) || !text.is_empty() && text.chars().all(dotted)
}

fn with_mask(address: &str, mask: &str) -> Result<Net, BadAddress> {
    let ip: IpAddr = address.parse().map_err(|_| BadAddress::Address)?;
    let net = match (mask.parse::<u8>(), mask.parse::<IpAddr>()) {
        (Ok(length), _) => IpNet::new(ip, length).map_err(|_| BadAddress::Mask)?,
        (_, Ok(mask)) => return with_bits(ip, mask).ok_or(BadAddress::Mask),
        _ => return Err(BadAddress::Mask),
    };
    Ok(Net::Prefix(net.trunc()))
}

fn with_bits(ip: IpAddr, mask: IpAddr) -> Option<Net> {
    let (IpAddr::V4(address), IpAddr::V4(bits)) = (ip, mask) else {
        return None;
    };
    Some(match IpNet::with_netmask(ip, mask) {
        Ok(net) => Net::Prefix(net.trunc()),
        Err(_) => Net::Masked {
            address: address & bits,
            mask: bits,
        },
    })
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
            ("10.1.2.3/255.0.255.0", Ok("10.0.2.0/255.0.255.0")),
            ("::1/255.0.0.0", Err(BadAddress::Mask)),
            ("10.1.2.3/", Err(BadAddress::Mask)),
            ("localhost", Err(BadAddress::HostName)),
            (".example.com", Err(BadAddress::HostName)),
            ("dead.beef", Err(BadAddress::HostName)),
            ("", Err(BadAddress::HostName)),
            ("foo/16", Err(BadAddress::Address)),
            ("10.1.2.ab", Err(BadAddress::HostName)),
            ("3com.example", Err(BadAddress::HostName)),
        ] {
            let net = parse_net(text).map(|net| net.to_string());
            assert_eq!(net, expected.map(str::to_owned), "{text}");
        }
    }
}
