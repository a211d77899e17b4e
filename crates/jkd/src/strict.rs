//! What HTTP forbids: checked before anything looks at the request.
//!
//! Broken request lines, fields and lengths are found while the head is read. Here: the number and
//! form of `Host` (RFC 9112, section 3.2), and methods and targets that make no sense at an
//! origin server.

mod authority;
mod refusal;

use http::{Method, Version};

use self::authority::{names_a_port, port_of_stranger, split_authority};
pub(crate) use self::{authority::Target, refusal::Refusal};
use crate::http1::{BodyLength, Head};

/// What the checks have found on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) target: Target<'a>,
    /// The target in the request line has named the host.
    is_named_by_target: bool,
    pub(crate) body: BodyLength,
    pub(crate) has_cookies: bool,
}

/// Checks the head and says which host it is for. `own_scheme` is that of the connection; it is
/// asked for where the target names one.
pub(crate) fn check(
    head: &Head,
    own_scheme: impl FnOnce() -> &'static str,
) -> Result<Checked<'_>, Refusal> {
    let checked = named_by(head, own_scheme)?;
    let surprises = head.framing().is_ok_and(|framing| framing.surprises);
    if surprises {
        return Err(Refusal::Expectation);
    }
    Ok(checked)
}

/// The same, whatever the client expects.
pub(crate) fn named_by(
    head: &Head,
    own_scheme: impl FnOnce() -> &'static str,
) -> Result<Checked<'_>, Refusal> {
    if head.version != Version::HTTP_11 && head.version != Version::HTTP_10 {
        return Err(Refusal::Version);
    }
    check_target(head)?;
    let framing = head.framing()?;
    let (target, is_named_by_target) = name(head, own_scheme)?;
    Ok(Checked {
        target,
        is_named_by_target,
        body: framing.body,
        has_cookies: framing.has_cookies,
    })
}

/// The name of the host for one that was refused, as far as httpd has asked: by the target before
/// anything else, by the `Host` field before what is about the body.
pub(crate) fn named_anyway(head: &Head, own_scheme: impl FnOnce() -> &'static str) -> Target<'_> {
    let name = match check(head, || "") {
        Ok(_) | Err(Refusal::Expectation | Refusal::TransferCoding) => name(head, own_scheme),
        Err(_) => by_target(head, own_scheme),
    };
    name.map(|(target, _)| target).unwrap_or_default()
}

fn by_target(
    head: &Head,
    own_scheme: impl FnOnce() -> &'static str,
) -> Result<(Target<'_>, bool), Refusal> {
    match head.parts().absolute() {
        Some((scheme, authority)) if scheme.eq_ignore_ascii_case(own_scheme().as_bytes()) => {
            Ok((split_authority(authority)?, true))
        }
        _ => Ok((Target::default(), false)),
    }
}

/// The name and the port of the host, and whether the target says them.
fn name(
    head: &Head,
    own_scheme: impl FnOnce() -> &'static str,
) -> Result<(Target<'_>, bool), Refusal> {
    let host = named_host(head)?;
    let mut is_named_by_target = false;
    let target = match head.parts().absolute() {
        // RFC 9112, section 3.2.2: the absolute form wins over the Host field.
        Some((scheme, authority)) if scheme.eq_ignore_ascii_case(own_scheme().as_bytes()) => {
            is_named_by_target = true;
            split_authority(authority)?
        }
        // As in httpd: of an authority of another scheme there is nothing but a port.
        Some((_, authority)) => Target {
            port: host.port.or(port_of_stranger(authority)?),
            ..host
        },
        None => host,
    };
    if target.host.is_none() && (head.version == Version::HTTP_11 || is_named_by_target) {
        return Err(Refusal::HostSyntax);
    }
    Ok((target, is_named_by_target))
}

/// The same for a request whose `Host` nobody has asked about, because it was refused before.
pub(crate) fn nameless(head: &Head) -> Checked<'_> {
    let framing = head.framing().ok();
    Checked {
        target: Target::default(),
        is_named_by_target: false,
        body: framing.map_or(BodyLength::None, |framing| framing.body),
        has_cookies: framing.is_some_and(|framing| framing.has_cookies),
    }
}

/// The head with the host in it that counts (RFC 9112, section 3.2.2): the authority of a target in
/// absolute form, in lower case. `None`: it is the same. Boxed, since hardly any request needs it.
pub(crate) fn named(head: &Head, checked: &Checked<'_>) -> Option<Box<Head>> {
    if !checked.is_named_by_target || !head.headers.contains("host") {
        return None;
    }
    let host = checked.target.host?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut authority = host.to_ascii_lowercase();
    if let Some(port) = checked.target.port {
        authority.push(':');
        authority.push_str(&port.to_string());
    }
    let mut named = Box::new(head.clone());
    named.headers.set(b"Host", authority.as_bytes());
    Some(named)
}

fn check_target(head: &Head) -> Result<(), Refusal> {
    let target = head.parts();
    if head.method == Method::CONNECT {
        return Err(if names_a_port(target.raw()) {
            Refusal::Tunnel
        } else {
            Refusal::Target
        });
    }
    match target.scheme() {
        _ if target.has_fragment() => Err(Refusal::Target),
        Some(scheme) if is_http(scheme) => Ok(()),
        None if target.is_origin() => Ok(()),
        None if target.is_asterisk() && head.method == Method::OPTIONS => Ok(()),
        _ => Err(Refusal::Target),
    }
}

fn is_http(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
}

/// The host that the one `Host` field names.
fn named_host(head: &Head) -> Result<Target<'_>, Refusal> {
    let mut fields = head.headers.get_all("host");
    match (fields.next(), fields.next()) {
        (Some(host), None) => split_authority(host),
        (None, None) if head.version == Version::HTTP_10 => Ok(Target {
            host: None,
            port: None,
        }),
        _ => Err(Refusal::HostCount),
    }
}

/// The head with the host in it that counts, on a connection without TLS.
#[cfg(test)]
pub(crate) fn renamed(head: Head) -> Head {
    let checked = check(&head, || "http").ok();
    let named = checked.and_then(|checked| named(&head, &checked));
    named.map_or(head, |named| *named)
}

#[cfg(test)]
mod tests;
