//! Which host serves a request: as httpd chooses, by address, then by name.

use std::net::{IpAddr, SocketAddr};

use super::{Host, Model};
use crate::uri_map::wildcard;

/// How a virtual host's address fits: an address counts more than a port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    address: bool,
    port: bool,
}

impl Model {
    /// The host that serves a request which came in at `local` and asks for `host_header`.
    ///
    /// As in httpd: the virtual hosts with the best fitting address are candidates (a written
    /// address before `*`, a written port before any); the first of them whose `ServerName` or
    /// `ServerAlias` is the name asked for serves; if none has it, the first candidate; without
    /// candidates the main server. `host_header` may carry a port and a final dot.
    pub fn host_for(&self, local: SocketAddr, host_header: Option<&str>) -> &Host {
        let Some((main, virtual_hosts)) = self.hosts.split_first() else {
            unreachable!("a model has a main server")
        };
        let local = SocketAddr::new(local.ip(), self.configured_port(local.port()));
        let Some(fit) = virtual_hosts.iter().filter_map(|h| h.fit(local)).max() else {
            return main;
        };
        let mut candidates = virtual_hosts.iter().filter(|h| h.has(local, fit));
        let first = candidates.clone().next().unwrap_or(main);
        host_header
            .map(name_of)
            .and_then(|name| candidates.find(|h| h.answers_to(name)))
            .unwrap_or(first)
    }

    /// The port that the files mean where a connection came in at this one.
    fn configured_port(&self, port: u16) -> u16 {
        let with = |wanted| self.listen.iter().find(move |listen| listen.port == wanted);
        // A port that the system chose is not known here.
        let listen = with(port).or_else(|| with(0));
        listen.and_then(|listen| listen.instead_of).unwrap_or(port)
    }
}

impl Host {
    /// Whether `name` (without a port) is this host's `ServerName` or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        let own = self.server_name.as_ref();
        own.is_some_and(|own| own.name.eq_ignore_ascii_case(name))
            || self
                .aliases
                .iter()
                .any(|alias| wildcard::matches_ignoring_case(alias.as_bytes(), name.as_bytes()))
    }

    /// How well the host's addresses fit `local`: the best of them.
    fn fit(&self, local: SocketAddr) -> Option<Fit> {
        let ip = local.ip().to_canonical();
        let fits = |&(address, port): &(Option<IpAddr>, Option<u16>)| {
            (address.is_none_or(|a| a == ip) && port.is_none_or(|p| p == local.port())).then_some(
                Fit {
                    address: address.is_some(),
                    port: port.is_some(),
                },
            )
        };
        self.addresses.iter().filter_map(fits).max()
    }

    fn has(&self, local: SocketAddr, wanted: Fit) -> bool {
        let ip = local.ip().to_canonical();
        let address = wanted.address.then_some(ip);
        let port = wanted.port.then_some(local.port());
        self.addresses.contains(&(address, port))
    }
}

/// The name in a `Host` header: without port, without a final dot.
fn name_of(header: &str) -> &str {
    let name = match header.rfind(':') {
        Some(colon) if !header.ends_with(']') => header.get(..colon).unwrap_or(header),
        _ => header,
    };
    name.strip_suffix('.').unwrap_or(name)
}
