//! What a server says about proxies in front of it.

use std::{path::PathBuf, sync::Arc};

use crate::{
    diag::Origin,
    model::{ForwardedFields, ForwardedHeaders, Proxies, RemoteIp},
};

/// The directives of mod_remoteip, as far as they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteIpDraft {
    pub(crate) header: Option<Arc<str>>,
    pub(crate) proxies_header: Option<Arc<str>>,
    pub(crate) proxies: Vec<Proxies>,
    /// `JkdForwardedHeaders`
    pub(crate) headers: Option<ForwardedHeaders>,
    /// Files with more of them, and whether those are internal.
    pub(crate) lists: Vec<(PathBuf, bool, Origin)>,
}

impl RemoteIpDraft {
    /// What holds, with what `base`, the main server, says.
    pub(crate) fn over(&self, base: Option<&Self>) -> Option<RemoteIp> {
        let of = base.unwrap_or(self);
        Some(RemoteIp {
            header: self.header.clone().or_else(|| of.header.clone())?,
            proxies_header: (self.proxies_header.clone()).or_else(|| of.proxies_header.clone()),
            proxies: self.known(of).into(),
        })
    }

    /// Whose word counts, with what `base` says; `rules` are what holds of mod_remoteip.
    pub(crate) fn forwarded(
        &self,
        base: Option<&Self>,
        rules: Option<&RemoteIp>,
    ) -> ForwardedFields {
        let of = base.unwrap_or(self);
        let known = self.known(of);
        let names = rules.map(|rules| [Some(&rules.header), rules.proxies_header.as_ref()]);
        ForwardedFields {
            headers: self.headers.or(of.headers).unwrap_or_default(),
            proxies: (rules.is_some() || !known.is_empty()).then(|| known.into()),
            names: names.into_iter().flatten().flatten().cloned().collect(),
        }
    }

    fn known<'a>(&'a self, base: &'a Self) -> &'a [Proxies] {
        if self.proxies.is_empty() {
            &base.proxies
        } else {
            &self.proxies
        }
    }
}
