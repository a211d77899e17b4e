//! Where to accept HTTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Loader;
use crate::{
    diag::Origin,
    hosts,
    httpd::{self, Draft},
    model::Listen,
};

/// Where jkd listens when nobody says where.
const DEFAULT_LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 8080);

impl Loader<'_> {
    /// What flags say, else the files, else a default.
    pub(super) fn listen(&mut self, draft: &Draft) -> Vec<Listen> {
        if self.options.listen.is_empty() && !draft.listen.is_empty() {
            return draft.listen.clone();
        }
        let mut result = Vec::new();
        for text in &self.options.listen {
            match flag_listen(text) {
                Ok(listen) => result.push(listen),
                Err(problem) => {
                    self.found
                        .error(&Origin::new(hosts::FLAG, 0), format!("{text}: {problem}"))
                        .help("Write 8080, *:8080, 127.0.0.1:8080, [::1]:8080, or 8080=80.");
                }
            }
        }
        if self.options.listen.is_empty() {
            result.extend(self.options.passed.iter().copied().map(passed));
            if result.is_empty() {
                result.push(self.default_listen());
            }
        }
        result
    }

    fn default_listen(&mut self) -> Listen {
        let (address, port) = DEFAULT_LISTEN;
        if let Some(config) = &self.options.config {
            let origin = Origin::new(config.display().to_string(), 0);
            self.found
                .warning(
                    &origin,
                    format!("no Listen directive: {address}:{port} is used"),
                )
                .help("Write `Listen 80`, or start with --listen ADDRESS:PORT.");
        }
        Listen {
            address: Some(address.into()),
            port,
            instead_of: None,
            origin: Origin::new("default", 0),
        }
    }
}

fn passed(address: SocketAddr) -> Listen {
    let is_all = address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED);
    Listen {
        address: (!is_all).then_some(address.ip()),
        port: address.port(),
        instead_of: None,
        origin: Origin::new("LISTEN_FDS", 0),
    }
}

/// Reads `[ADDRESS:]PORT[=PORT]`.
fn flag_listen(text: &str) -> Result<Listen, String> {
    let (written, instead_of) = match text.split_once('=') {
        Some((written, port)) => {
            let number = port.parse::<u16>().ok().filter(|&port| port != 0);
            let port = number.ok_or_else(|| format!("`{port}` is not a port (1 to 65535)"))?;
            (written, Some(port))
        }
        None => (text, None),
    };
    let (address, port) = httpd::listen(written)?;
    Ok(Listen {
        address,
        port,
        instead_of,
        origin: Origin::new(hosts::FLAG, 0),
    })
}
