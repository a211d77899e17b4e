//! What a server says about TLS.

use std::path::PathBuf;

use crate::{
    diag::Origin,
    model::{Pem, PemDirectory, Revocation, Tls, TlsVersions, VerifyClient},
};

/// The directives of mod_ssl, as far as they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsDraft {
    /// `SSLEngine`, and where it is written.
    pub(crate) engine: Option<(bool, Origin)>,
    pub(crate) certificates: Vec<(PathBuf, Origin)>,
    pub(crate) keys: Vec<(PathBuf, Origin)>,
    pub(crate) chain: Option<(PathBuf, Origin)>,
    pub(crate) versions: Option<TlsVersions>,
    pub(crate) verify: Option<VerifyClient>,
    pub(crate) verify_depth: Option<u32>,
    pub(crate) authorities: Option<(PathBuf, Origin)>,
    pub(crate) authority_directory: Option<(PathBuf, Origin)>,
    pub(crate) revoked: Option<(PathBuf, Origin)>,
    pub(crate) revoked_directory: Option<(PathBuf, Origin)>,
    pub(crate) revocation: Option<Revocation>,
    pub(crate) strict_sni: Option<bool>,
    pub(crate) session_tickets: Option<bool>,
}

impl TlsDraft {
    /// What holds, with what `base`, the main server, says. `https`: `Listen … https` is about the
    /// server, which counts where nobody says `SSLEngine`.
    pub(crate) fn over(&self, base: Option<&Self>, origin: &Origin, https: bool) -> Tls {
        let of = base.unwrap_or(self);
        let off = Tls::off(origin.clone());
        let certificates = files(&self.certificates, base.map(|base| &*base.certificates));
        let engine = self.engine.as_ref().or(of.engine.as_ref());
        let one = |own: &Option<(PathBuf, Origin)>, main: &Option<_>| {
            own.as_ref().or(main.as_ref()).map(pem)
        };
        let listed = |own: &Option<(PathBuf, Origin)>, main: &Option<_>| {
            own.as_ref().or(main.as_ref()).map(directory)
        };
        Tls {
            is_on: engine.map_or(https && !certificates.is_empty(), |(is_on, _)| *is_on),
            origin: engine.map_or(off.origin, |(_, origin)| origin.clone()),
            certificates,
            keys: files(&self.keys, base.map(|base| &*base.keys)),
            chain: one(&self.chain, &of.chain),
            versions: self.versions.or(of.versions).unwrap_or(off.versions),
            verify: self.verify.or(of.verify).unwrap_or(off.verify),
            verify_depth: (self.verify_depth)
                .or(of.verify_depth)
                .unwrap_or(off.verify_depth),
            authorities: one(&self.authorities, &of.authorities),
            authority_directory: listed(&self.authority_directory, &of.authority_directory),
            revoked: one(&self.revoked, &of.revoked),
            revoked_directory: listed(&self.revoked_directory, &of.revoked_directory),
            revocation: self.revocation.or(of.revocation).unwrap_or_default(),
            strict_sni: self.strict_sni.or(of.strict_sni).unwrap_or(off.strict_sni),
            session_tickets: (self.session_tickets)
                .or(of.session_tickets)
                .unwrap_or(off.session_tickets),
        }
    }
}

/// As mod_ssl has it: the first of a virtual host takes the place of the main server's first, and
/// so on.
fn files(own: &[(PathBuf, Origin)], base: Option<&[(PathBuf, Origin)]>) -> Vec<Pem> {
    let inherited = base.and_then(|base| base.get(own.len()..));
    let all = own.iter().chain(inherited.unwrap_or_default());
    all.map(pem).collect()
}

/// What is in it is found out later.
fn directory((path, origin): &(PathBuf, Origin)) -> PemDirectory {
    PemDirectory {
        path: path.clone(),
        origin: origin.clone(),
        files: Vec::new(),
    }
}

fn pem((path, origin): &(PathBuf, Origin)) -> Pem {
    Pem {
        path: path.clone(),
        origin: origin.clone(),
        content: [].into(),
    }
}
