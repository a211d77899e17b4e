//! What the server is called: `UseCanonicalName` and `UseCanonicalPhysicalPort`.

use std::borrow::Cow;

use jkworkers::model::{CanonicalName, Host, Model, Naming};

use crate::{peer::Peer, strict::Target};

/// The name that the client used, else the host's own; with `UseCanonicalName On` always the
/// host's own, with `DNS` that of our address. In lower case, an IPv6 address without its brackets.
pub(crate) fn server_name<'a>(
    target: &Target<'a>,
    naming: Naming,
    host: &'a Host,
    peer: &'a Peer,
) -> Cow<'a, str> {
    let canonical = naming.name;
    let own = host.server_name.as_ref().map(|own| &*own.name);
    let by_address = (canonical == CanonicalName::Dns).then(|| peer.local_name.any());
    let own = by_address.flatten().or(own);
    let named = target.host.map(bare);
    match (named, own) {
        (_, Some(own)) if canonical != CanonicalName::Off => Cow::Borrowed(own),
        (Some(name), _) if has_uppercase(name) => Cow::Owned(name.to_ascii_lowercase()),
        (Some(name), _) => Cow::Borrowed(name),
        (None, Some(own)) => Cow::Borrowed(own),
        (None, None) => Cow::Borrowed(&peer.local_text),
    }
}

/// A name as it stands in URLs: an IPv6 address in brackets.
pub(crate) fn in_url(name: Cow<'_, str>) -> Cow<'_, [u8]> {
    match name {
        name if name.contains(':') => Cow::Owned(format!("[{name}]").into_bytes()),
        Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
        Cow::Owned(name) => Cow::Owned(name.into_bytes()),
    }
}

/// A final dot says that a name is whole; brackets say that it is an address.
fn bare(name: &str) -> &str {
    let address = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    address.unwrap_or_else(|| name.strip_suffix('.').unwrap_or(name))
}

fn has_uppercase(name: &str) -> bool {
    // Not `any`, which looks at one byte after the other.
    name.bytes()
        .fold(false, |any, b| any | b.is_ascii_uppercase())
}

/// The port that goes with the name: the one that the client named, else the host's own, else
/// that of the scheme. With `UseCanonicalPhysicalPort On` the one that the client connected to is
/// asked for, too.
pub(crate) fn server_port(target: &Target<'_>, naming: Naming, host: &Host, peer: &Peer) -> u16 {
    let own = host.identity.port;
    let physical = naming.physical_port.then(|| peer.local.port());
    let port = if naming.name == CanonicalName::On {
        own.or(physical)
    } else {
        target.port.or(physical).or(own)
    };
    port.unwrap_or_else(|| default_port(host))
}

/// The port that URLs of this host do not mention.
pub(crate) fn default_port(host: &Host) -> u16 {
    if scheme(host) == "https" { 443 } else { 80 }
}

/// The scheme of requests on this connection, as far as it is known before their host is.
pub(crate) fn own_scheme(model: &Model, peer: &Peer) -> &'static str {
    scheme(model.host_for(peer.local, None))
}

/// What URLs of this host begin with: `SSLEngine On` or `ServerName https://…` says so.
pub(crate) fn scheme(host: &Host) -> &'static str {
    if host.tls.is_on {
        return "https";
    }
    let own = host.server_name.as_ref();
    match own.and_then(|own| own.scheme.as_deref()) {
        Some("https") => "https",
        _ => "http",
    }
}
