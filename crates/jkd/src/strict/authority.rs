//! Hosts and ports as requests name them.

use super::Refusal;

/// Host and port that the request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The name or address, an IPv6 address with its brackets; `None` where HTTP/1.0 named none.
    pub(crate) host: Option<&'a str>,
    /// The port, where one was named.
    pub(crate) port: Option<u16>,
}

/// `host[:port]`, where host is a name, an IPv4 address or an IPv6 address in brackets.
pub(super) fn split_authority(text: &[u8]) -> Result<Target<'_>, Refusal> {
    let text = str::from_utf8(text).map_err(|_| Refusal::HostSyntax)?;
    if text.is_empty() {
        // As if there were none.
        return Ok(Target {
            host: None,
            port: None,
        });
    }
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']').ok_or(Refusal::HostSyntax)?;
        let (host, rest) = text.split_at(end + 1);
        check_ipv6(host)?;
        (host, rest)
    } else {
        let end = (text.bytes()).position(|b| OF_NAME.get(usize::from(b)) != Some(&true));
        let (host, rest) = text.split_at(end.unwrap_or(text.len()));
        if !is_name(host.as_bytes()) {
            return Err(Refusal::HostSyntax);
        }
        (host, rest)
    };
    Ok(Target {
        host: Some(host),
        port: parse_port(port)?,
    })
}

/// Whether `CONNECT` is told whom to connect to: `host:port`.
pub(super) fn names_a_port(target: &[u8]) -> bool {
    let target = str::from_utf8(target).ok();
    let parts = target.and_then(|target| target.rsplit_once(':'));
    parts.is_some_and(|(host, port)| {
        !host.contains('/') && decimal(port).is_some_and(|_| !port.is_empty())
    })
}

/// The port in an authority that does not count.
pub(super) fn port_of_stranger(authority: &[u8]) -> Result<Option<u16>, Refusal> {
    let end = match authority {
        [b'[', ..] => authority.iter().position(|b| *b == b']'),
        _ => Some(0),
    };
    let rest = authority.get(end.ok_or(Refusal::Target)?..);
    let mut parts = rest.unwrap_or_default().splitn(2, |b| *b == b':');
    let host = parts.next().unwrap_or_default();
    if host.contains(&b'@') {
        return Err(Refusal::HostSyntax);
    }
    match parts.next().map(str::from_utf8) {
        None | Some(Ok("")) => Ok(None),
        Some(Ok(digits)) => decimal(digits).map(Some).ok_or(Refusal::HostSyntax),
        Some(Err(_)) => Err(Refusal::HostSyntax),
    }
}

/// Whether it is a name or an IPv4 address, as httpd has it: no label but the first is empty, and
/// the last one does not begin with a digit, unless all is one address.
fn is_name(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let mut labels = text.split(|b| *b == b'.');
    let first = labels.next().unwrap_or_default();
    let digits = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
    let is_number = |label: &[u8]| label.len() == 1 || !label.starts_with(b"0");
    let (mut last, mut count) = (first, 1);
    let (mut all_digits, mut all_numbers) = (digits(first), !first.is_empty() && is_number(first));
    for label in labels {
        if label.is_empty() {
            return false;
        }
        all_digits &= digits(label);
        all_numbers &= is_number(label);
        (last, count) = (label, count + 1);
    }
    if all_digits {
        return count == 4 && all_numbers;
    }
    count == 1 || last.first().is_some_and(u8::is_ascii_alphabetic)
}

fn check_ipv6(bracketed: &str) -> Result<(), Refusal> {
    bracketed
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|address| address.parse::<std::net::Ipv6Addr>().ok())
        .map(|_| ())
        .ok_or(Refusal::HostSyntax)
}

/// The bytes of host names.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler")]
static OF_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &[u8] = b"-.0123456789_\
        ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    while let [byte, tail @ ..] = rest {
        table[*byte as usize] = true;
        rest = tail;
    }
    table
};

/// Nothing or `:digits`. RFC 3986 allows the empty port as well, httpd does not.
fn parse_port(rest: &str) -> Result<Option<u16>, Refusal> {
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok(None),
        Some(digits) => match decimal(digits) {
            Some(port) if port > 0 => Ok(Some(port)),
            _ => Err(Refusal::HostSyntax),
        },
        _ => Err(Refusal::HostSyntax),
    }
}

/// A number of digits alone: `parse` would take a sign, too.
fn decimal(digits: &str) -> Option<u16> {
    digits.bytes().try_fold(0u16, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u16::from(digit))
    })
}
