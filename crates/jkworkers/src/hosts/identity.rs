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
        canonical_name: (own.canonical_name.or(base.canonical_name)).unwrap_or_default(),
        physical_port: own.physical_port.or(base.physical_port).unwrap_or(false),
        port,
        admin: (own.admin.as_deref().or(base.admin.as_deref())).map(Into::into),
        signature: own.signature.or(base.signature).unwrap_or_default(),
        version: base.version.unwrap_or(false),
        trace: own.trace.or(base.trace).unwrap_or_default(),
    }
}
