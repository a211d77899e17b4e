//! mod_remoteip: who the client is where proxies in between say so.

use std::sync::Arc;

use crate::{answer::Visit, forward::own_scheme, peer::Peer, strict};

/// Lets a request be its client's, as the host's rules have it, and rewrites the fields that say
/// so. What is no request stays the connection's.
pub(crate) fn find_client(visit: &mut Visit) {
    let snapshot = visit.snapshot.clone();
    let own_scheme = || own_scheme(&snapshot.model, &visit.peer);
    let Ok(checked) = strict::check(&visit.head, own_scheme) else {
        return;
    };
    let host = snapshot
        .model
        .host_for(visit.peer.local, checked.target.host);
    let Some(rules) = &host.remote_ip else {
        return;
    };
    let value = visit.head.headers.joined(&*rules.header);
    let Some(found) = value.and_then(|value| rules.client(visit.peer.ip, &value)) else {
        return;
    };
    let fields = &mut visit.head.headers;
    match &found.rest {
        Some(rest) => fields.set(rules.header.as_bytes(), rest),
        None => fields.remove(rules.header.as_bytes()),
    }
    if let (Some(name), Some(proxies)) = (&rules.proxies_header, &found.proxies) {
        fields.set(name.as_bytes(), proxies.as_bytes());
    }
    visit.peer = Arc::new(Peer::behind(&visit.peer, found.address, found.proxies));
}
