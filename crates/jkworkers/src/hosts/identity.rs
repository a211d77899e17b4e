//! What a host says about itself, over what the main server says.

use crate::{httpd::Server, model::Identity};

/// Of a server; the main one is its own `main`.
pub(super) fn of(main: &Server, server: &Server) -> Identity {
    let (base, own) = (&main.identity, &server.identity);
    let address = || server.addresses.first().and_then(|(_, port)| *port);
    let port = match &server.name {
        Some(name) => name.port,
        None => address(),
    };
    Identity {
        port,
        admin: (own.admin.as_deref().or(base.admin.as_deref())).map(Into::into),
        version: base.version.unwrap_or(false),
        trace: own.trace.or(base.trace).unwrap_or_default(),
    }
}
