//! What a server says about proxies in front of it.

use std::{path::PathBuf, sync::Arc};

use crate::{
    diag::Origin,
    model::{Proxies, RemoteIp},
};

/// The directives of mod_remoteip, as far as they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteIpDraft {
    pub(crate) header: Option<Arc<str>>,
    pub(crate) proxies_header: Option<Arc<str>>,
    pub(crate) proxies: Vec<Proxies>,
    /// Files with more of them, and whether those are internal.
    pub(crate) lists: Vec<(PathBuf, bool, Origin)>,
}

impl RemoteIpDraft {
    /// What holds, with what `base`, the main server, says.
    pub(crate) fn over(&self, base: Option<&Self>) -> Option<RemoteIp> {
        let of = base.unwrap_or(self);
        let own = !self.proxies.is_empty();
        Some(RemoteIp {
            header: self.header.clone().or_else(|| of.header.clone())?,
            proxies_header: (self.proxies_header.clone()).or_else(|| of.proxies_header.clone()),
            proxies: if own { &self.proxies } else { &of.proxies }
                .as_slice()
                .into(),
        })
    }
}
