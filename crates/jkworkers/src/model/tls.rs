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
            strict_sni: false,
            session_tickets: true,
        }
    }

    /// All files.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut Pem> {
        let several = self.certificates.iter_mut().chain(&mut self.keys);
        several.chain(&mut self.chain).chain(&mut self.authorities)
    }

    /// Whether a client that has shaken hands with `self` may ask `other`, as mod_ssl has it: what
    /// it was asked to prove, and how, must be the same.
    pub fn asks_as_much_as(&self, other: &Self) -> bool {
        let authorities = |tls: &Self| tls.authorities.as_ref().map(|pem| pem.path.clone());
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
        }
    }
}
