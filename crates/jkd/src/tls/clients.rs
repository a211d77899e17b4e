//! The certificates that clients show.

use std::sync::Arc;

use jkworkers::model::{RevocationScope, Tls, VerifyClient};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime},
    server::{
        VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

/// Verifies as rustls does, and holds `SSLVerifyDepth`.
#[derive(Debug)]
pub(super) struct Verifier {
    inner: Arc<dyn ClientCertVerifier>,
    /// How many certificates may stand between a client's and one that is trusted.
    between: usize,
}

impl Verifier {
    pub(super) fn new(
        roots: RootCertStore,
        revoked: Vec<CertificateRevocationListDer<'static>>,
        provider: Arc<CryptoProvider>,
        terms: &Tls,
    ) -> Result<Self, VerifierBuilderError> {
        let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        let builder = match terms.verify {
            VerifyClient::Require => builder,
            VerifyClient::Optional | VerifyClient::None => builder.allow_unauthenticated(),
        };
        let builder = match terms.revocation.scope {
            RevocationScope::None => builder,
            RevocationScope::Leaf => builder
                .with_crls(revoked)
                .only_check_end_entity_revocation(),
            RevocationScope::Chain => builder.with_crls(revoked),
        };
        let builder = match terms.revocation {
            said if said.is_off() => builder,
            said if said.unknown_is_fine => {
                (builder.allow_unknown_revocation_status()).enforce_revocation_expiration()
            }
            _ => builder.enforce_revocation_expiration(),
        };
        let between = terms.verify_depth.saturating_sub(1);
        Ok(Self {
            inner: builder.build()?,
            between: usize::try_from(between).unwrap_or(usize::MAX),
        })
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // A longer way needs what is left out here.
        let some = intermediates.get(..self.between).unwrap_or(intermediates);
        self.inner.verify_client_cert(end_entity, some, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
