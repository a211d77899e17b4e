//! Who may come in: the sections of the host.

use jkworkers::model::Host;

use crate::{logging::Printable, peer::Peer, rescue::Stumble};

/// Refuses clients that the sections around `path`, as it is mapped, keep out.
pub(crate) fn check(host: &Host, path: &[u8], peer: &Peer) -> Result<(), Stumble> {
    if host.sections.is_empty() || host.allows(path, peer.ip, peer.local.ip()) {
        return Ok(());
    }
    tracing::info!(
        client = %peer.ip_text,
        path = %Printable(path),
        "client denied by the access rules of a section"
    );
    Err(Stumble::Forbidden)
}
