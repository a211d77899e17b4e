//! TLS between clients and a host: what mod_ssl's directives say.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::Serialize;

use crate::diag::Origin;

/// What a host says about TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// `SSLEngine`: whether its clients have to use TLS.
    pub is_on: bool,
    /// Where the host says so, or else where it begins.
    #[serde(skip)]
    pub origin: Origin,
    /// `SSLCertificateFile`, each with the chain that may stand in it.
    pub certificates: Vec<Pem>,
    /// `SSLCertificateKeyFile`, in the order of the certificates; a certificate that has none here
    /// has its key in its own file.
    pub keys: Vec<Pem>,
    /// `SSLCertificateChainFile`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Pem>,
    /// `SSLProtocol`
    pub versions: TlsVersions,
    /// `SSLVerifyClient`
    pub verify: VerifyClient,
    /// `SSLVerifyDepth`: how many certificates may lead from the client's to one that is trusted.
    pub verify_depth: u32,
    /// `SSLCACertificateFile`: who may have signed the certificates of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Pem>,
    /// `SSLCACertificatePath`: more of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_directory: Option<PemDirectory>,
    /// `SSLCARevocationFile`: certificates that no longer count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Pem>,
    /// `SSLCARevocationPath`: more of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_directory: Option<PemDirectory>,
    /// `SSLCARevocationCheck`
    #[serde(skip_serializing_if = "Revocation::is_off")]
    pub revocation: Revocation,
    /// `SSLStrictSNIVHostCheck`: clients have to name the host before they ask it for anything.
    pub strict_sni: bool,
    /// `SSLSessionTickets`
    pub session_tickets: bool,
}

impl Tls {
    /// No TLS.
    pub fn off(origin: Origin) -> Self {
        Self {
            is_on: false,
            origin,
            certificates: Vec::new(),
            keys: Vec::new(),
            chain: None,
            versions: TlsVersions::default(),
            verify: VerifyClient::default(),
            verify_depth: 1,
            authorities: None,
            authority_directory: None,
            revoked: None,
            revoked_directory: None,
            revocation: Revocation::default(),
            strict_sni: false,
            session_tickets: true,
        }
    }

    /// All files.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut Pem> {
        let several = self.certificates.iter_mut().chain(&mut self.keys);
        let single = [&mut self.chain, &mut self.authorities, &mut self.revoked];
        let directories = [&mut self.authority_directory, &mut self.revoked_directory];
        let listed = directories.into_iter().flatten();
        several
            .chain(single.into_iter().flatten())
            .chain(listed.flat_map(|directory| &mut directory.files))
    }

    /// The files of those who may have signed the certificates of clients.
    pub fn all_authorities(&self) -> impl Iterator<Item = &Pem> {
        let listed = self.authority_directory.iter();
        (self.authorities.iter()).chain(listed.flat_map(|directory| &directory.files))
    }

    /// The files that say which certificates no longer count.
    pub fn all_revoked(&self) -> impl Iterator<Item = &Pem> {
        let listed = self.revoked_directory.iter();
        (self.revoked.iter()).chain(listed.flat_map(|directory| &directory.files))
    }

    /// Whether a client that has shaken hands with `self` may ask `other`, as mod_ssl has it: what
    /// it was asked to prove, and how, must be the same.
    pub fn asks_as_much_as(&self, other: &Self) -> bool {
        let authorities = |tls: &Self| {
            let directory = tls.authority_directory.as_ref();
            let file = tls.authorities.as_ref().map(|pem| pem.path.clone());
            (file, directory.map(|directory| directory.path.clone()))
        };
        let asked = |tls: &Self| (tls.is_on, tls.versions, tls.verify, tls.verify_depth);
        asked(self) == asked(other) && authorities(self) == authorities(other)
    }

    /// Whether both show the same certificates.
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        let paths = |files: &[Pem]| {
            let mut paths: Vec<_> = files.iter().map(|pem| pem.path.clone()).collect();
            paths.sort();
            paths
        };
        paths(&self.certificates) == paths(&other.certificates)
            && paths(&self.keys) == paths(&other.keys)
    }
}

/// A file of certificates or keys.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pem {
    /// Its name.
    pub path: PathBuf,
    /// Where it was named.
    #[serde(skip)]
    pub origin: Origin,
    /// What is in it: it may be a private key. Empty where nobody needs it.
    #[serde(skip)]
    pub content: Arc<[u8]>,
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.origin)
    }
}

/// A directory of files whose names are hashes, as `openssl rehash` makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PemDirectory {
    /// Its name.
    pub path: PathBuf,
    /// Where it was named.
    #[serde(skip)]
    pub origin: Origin,
    /// The files, in the order of their names.
    #[serde(skip)]
    pub files: Vec<Pem>,
}

/// `SSLCARevocationCheck`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// How much of a chain is looked up.
    pub scope: RevocationScope,
    /// `no_crl_for_cert_ok`: a certificate about whose issuer nothing is known counts.
    pub unknown_is_fine: bool,
}

impl Revocation {
    /// Whether nothing is looked up.
    pub fn is_off(&self) -> bool {
        self.scope == RevocationScope::None
    }
}

/// Which certificates of a chain are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationScope {
    /// None at all.
    #[default]
    None,
    /// The client's.
    Leaf,
    /// All.
    Chain,
}

/// The versions of TLS that clients may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TlsVersions {
    /// TLS 1.2
    pub v12: bool,
    /// TLS 1.3
    pub v13: bool,
}

impl Default for TlsVersions {
    fn default() -> Self {
        Self {
            v12: true,
            v13: true,
        }
    }
}

/// `SSLVerifyClient`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyClient {
    /// Clients are not asked for a certificate.
    #[default]
    None,
    /// They may show one.
    Optional,
    /// They have to.
    Require,
}

/// What a section or a server says about requests that came over TLS, or should have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TlsSettings {
    /// `SSLOptions StdEnvVars`: there are variables about the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std_env_vars: Option<bool>,
    /// `SSLOptions ExportCertData`: there are variables with certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_cert_data: Option<bool>,
    /// `SSLRequireSSL`
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// `SSLUserName`: the variable that names the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<Arc<str>>,
    /// `SSLVerifyDepth`, in a section, and where it is written: not less than that of the host,
    /// which counts.
    #[serde(skip)]
    pub verify_depth: Option<(u32, Origin)>,
}

impl TlsSettings {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What holds where `base` is said around it.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        Self {
            std_env_vars: self.std_env_vars.or(base.std_env_vars),
            export_cert_data: self.export_cert_data.or(base.export_cert_data),
            required: self.required || base.required,
            user_name: self.user_name.as_ref().or(base.user_name.as_ref()).cloned(),
            verify_depth: None,
        }
    }
}
