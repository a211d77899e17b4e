//! Our side of handshakes: certificates, keys and rules of one host.

use std::{fmt, sync::Arc};

use jkworkers::{
    diag::{Diagnostics, Origin},
    model::{Pem, Tls, VerifyClient},
};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use super::clients::Verifier;

/// What a host needs to shake hands.
pub(super) struct Side {
    pub(super) config: Arc<ServerConfig>,
    /// The certificate that variables tell of.
    pub(super) certificate: CertificateDer<'static>,
    /// What the host says.
    pub(super) terms: Tls,
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("certificates", &self.terms.certificates)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a file.
pub(super) struct Problem {
    origin: Origin,
    message: String,
    help: &'static str,
}

impl Problem {
    fn new(pem: &Pem, message: &str, help: &'static str) -> Self {
        Self {
            origin: pem.origin.clone(),
            message: format!("{}: {message}", pem.path.display()),
            help,
        }
    }

    pub(super) fn tell(self, found: &mut Diagnostics) {
        found.error(&self.origin, self.message).help(self.help);
    }
}

impl Side {
    pub(super) fn new(terms: &Tls) -> Result<Self, Problem> {
        let provider = Arc::new(ring::default_provider());
        let keys = keys(terms, &provider)?;
        let Some(certificate) = keys.first().and_then(|key| key.cert.first()).cloned() else {
            return Err(Problem {
                origin: terms.origin.clone(),
                message: "there is no certificate".to_owned(),
                help: "Write SSLCertificateFile.",
            });
        };
        let failed = |error: rustls::Error| Problem {
            origin: terms.origin.clone(),
            message: format!("TLS cannot be set up: {error}"),
            help: "Correct SSLProtocol or the certificates.",
        };
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(&versions(terms));
        let builder = builder.map_err(failed)?;
        let builder = match verifier(terms, &provider)? {
            Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Keys(keys)));
        if terms.session_tickets {
            // A client that comes back brings what it needs: nothing is kept for it.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.ticketer = ring::Ticketer::new().map_err(failed)?;
        }
        Ok(Self {
            config: Arc::new(config),
            certificate,
            terms: terms.clone(),
        })
    }
}

fn versions(terms: &Tls) -> Vec<&'static SupportedProtocolVersion> {
    let said = [(terms.versions.v13, &TLS13), (terms.versions.v12, &TLS12)];
    let wanted = said.into_iter().filter(|(wanted, _)| *wanted);
    wanted.map(|(_, version)| version).collect()
}

/// Each certificate with its chain and its key.
fn keys(terms: &Tls, provider: &CryptoProvider) -> Result<Vec<Arc<CertifiedKey>>, Problem> {
    let chain_file = chain_file(terms)?;
    let numbered = terms.certificates.iter().enumerate();
    let keys = numbered.map(|(number, pem)| {
        let mut chain = certificates(pem)?;
        if let Some(others) = &chain_file {
            chain.truncate(1);
            chain.extend(others.iter().cloned());
        }
        let of_key = terms.keys.get(number).unwrap_or(pem);
        let key = private_key(of_key)?;
        let certified = CertifiedKey::from_der(chain, key, provider);
        certified.map(Arc::new).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => Problem::new(
                of_key,
                &format!(
                    "this key does not belong to the certificate {}",
                    pem.path.display()
                ),
                "Name the key that the certificate was made with.",
            ),
            error => Problem::new(
                of_key,
                &format!("this key cannot be used: {error}"),
                "Use an RSA key of 2048 bits or more, an ECDSA key (P-256, P-384) or Ed25519.",
            ),
        })
    });
    keys.collect()
}

/// What `SSLCertificateChainFile` has instead of what stands behind the certificates in their own
/// files. One of these has its own certificate first.
fn chain_file(terms: &Tls) -> Result<Option<Vec<CertificateDer<'static>>>, Problem> {
    let Some(pem) = &terms.chain else {
        return Ok(None);
    };
    let mut chain = certificates(pem)?;
    let is_own = |own: &Pem| own.path == pem.path;
    if terms.certificates.iter().any(is_own) {
        chain.remove(0);
    }
    Ok(Some(chain))
}

/// All certificates of a file, at least one.
fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Problem> {
    const HELP: &str = "It must hold `-----BEGIN CERTIFICATE-----` and what follows, in PEM.";
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.content).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(Problem::new(pem, "there is no certificate in it", HELP)),
        Err(_) => Err(Problem::new(pem, "the certificate is damaged", HELP)),
    }
}

/// The first key of a file. What is wrong is told without what is in it.
fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>, Problem> {
    let has = |text: &[u8]| memchr::memmem::find(&pem.content, text).is_some();
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        let help = "jkd asks nobody for a pass phrase: write the key without one \
                    (`openssl pkey -in OLD -out NEW`), readable by nobody else.";
        return Err(Problem::new(pem, "the key is encrypted", help));
    }
    PrivateKeyDer::from_pem_slice(&pem.content).map_err(|_| {
        let help = "It must hold `-----BEGIN PRIVATE KEY-----` and what follows, in PEM; without \
                    SSLCertificateKeyFile the key stands in the certificate's file.";
        Problem::new(pem, "there is no private key in it", help)
    })
}

fn verifier(terms: &Tls, provider: &Arc<CryptoProvider>) -> Result<Option<Verifier>, Problem> {
    const HELP: &str = "It must hold the certificates of authorities, in PEM.";
    let mut files = terms.all_authorities().peekable();
    let Some(&first) = files.peek().filter(|_| terms.verify != VerifyClient::None) else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for pem in files {
        for certificate in certificates(pem)? {
            let added = roots.add(certificate);
            added.map_err(|error| Problem::new(pem, &format!("{error}"), HELP))?;
        }
    }
    let verifier = Verifier::new(roots, revoked(terms)?, provider.clone(), terms);
    let verifier = verifier.map_err(|error| Problem::new(first, &format!("{error}"), HELP))?;
    Ok(Some(verifier))
}

/// What says which certificates no longer count, where anybody asks.
fn revoked(terms: &Tls) -> Result<Vec<CertificateRevocationListDer<'static>>, Problem> {
    const HELP: &str = "It must hold `-----BEGIN X509 CRL-----` and what follows, in PEM.";
    let mut all = Vec::new();
    for pem in terms.all_revoked().filter(|_| !terms.revocation.is_off()) {
        let before = all.len();
        for list in CertificateRevocationListDer::pem_slice_iter(&pem.content) {
            all.push(list.map_err(|_| Problem::new(pem, "the list is damaged", HELP))?);
        }
        if all.len() == before {
            return Err(Problem::new(
                pem,
                "there is no list of revoked certificates in it",
                HELP,
            ));
        }
    }
    Ok(all)
}

/// The certificates of a host. The first one that a client understands is shown.
#[derive(Debug)]
struct Keys(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Keys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let understood = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        let found = self.0.iter().find(understood);
        found.or_else(|| self.0.first()).cloned()
    }
}
