//! What may stand in `host` and `source`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A host as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written<'a> {
    /// A name or an address that mod_jk takes as well.
    Plain,
    /// An IPv6 address in brackets; this is what they enclose.
    Bracketed(&'a str),
    /// A host with its port: both, without brackets.
    WithPort(&'a str, &'a str),
    /// A URL, of which this seems to be the host.
    Url(&'a str),
    /// Something that cannot be resolved.
    Unusable,
}

/// Looks at a host.
pub(super) fn read(text: &str) -> Written<'_> {
    if let Some((_, behind)) = text.split_once("://") {
        let host = behind.split(['/', ':']).next().unwrap_or_default();
        return Written::Url(host);
    }
    if let Some((inside, behind)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        return bracketed(inside, behind);
    }
    if is_ipv6(text) || is_name_or_ipv4(text) {
        return Written::Plain;
    }
    match text.split_once(':') {
        Some((host, port)) if is_name_or_ipv4(host) && is_number(port) => {
            Written::WithPort(host, port)
        }
        _ => Written::Unusable,
    }
}

fn bracketed<'a>(inside: &'a str, behind: &'a str) -> Written<'a> {
    match behind.strip_prefix(':') {
        _ if !is_ipv6(inside) => Written::Unusable,
        None if behind.is_empty() => Written::Bracketed(inside),
        Some(port) if is_number(port) => Written::WithPort(inside, port),
        _ => Written::Unusable,
    }
}

fn is_ipv6(text: &str) -> bool {
    let address = text
        .split_once('%')
        .map_or(text, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().is_ok()
}

fn is_name_or_ipv4(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if text.is_empty() || !text.chars().all(allowed) {
        return false;
    }
    // Digits and dots alone are never looked up as a name.
    let numeric = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    !numeric || text.parse::<Ipv4Addr>().is_ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_recognised() {
        for (text, written) in [
            ("localhost", Written::Plain),
            ("tomcat_1", Written::Plain),
            ("node-1.example.org.", Written::Plain),
            ("192.168.1.100", Written::Plain),
            ("::1", Written::Plain),
            ("fe80::1%eth0", Written::Plain),
            ("[::1]", Written::Bracketed("::1")),
            ("[::1]:8009", Written::WithPort("::1", "8009")),
            ("a:8010", Written::WithPort("a", "8010")),
            ("10.0.0.1:8010", Written::WithPort("10.0.0.1", "8010")),
            ("ajp://a:8009/", Written::Url("a")),
            ("192.168.1.300", Written::Unusable),
            ("192.168.1", Written::Unusable),
            ("a b", Written::Unusable),
            ("a/b", Written::Unusable),
            ("[::1", Written::Unusable),
            ("[a]", Written::Unusable),
            ("a:", Written::Unusable),
            ("bücher", Written::Unusable),
        ] {
            assert_eq!(read(text), written, "{text}");
        }
    }
}
