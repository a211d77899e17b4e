//! What is known of a connection that uses TLS.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use jkworkers::model::{Host, Tls};
use rustls::{
    CipherSuite, HandshakeKind, ProtocolVersion, ServerConnection, pki_types::CertificateDer,
};

use super::{
    side::Side,
    variables::{self, Named},
};
use crate::rescue::Stumble;

/// A handshake that came to its end.
pub(crate) struct Session {
    pub(super) side: Arc<Side>,
    /// The name that the client gave (SNI).
    pub(super) name: Option<String>,
    pub(super) version: &'static str,
    pub(super) cipher: &'static str,
    /// Bits of the cipher's key.
    pub(super) key_size: u16,
    /// Hexadecimal.
    pub(super) id: String,
    pub(super) is_resumed: bool,
    /// The client's certificate, and those that it sent with it.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    standard: OnceLock<Vec<Named>>,
    exported: OnceLock<Vec<Named>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.cipher)
    }
}

impl Session {
    pub(super) fn new(by: &ServerConnection, side: Arc<Side>, name: Option<String>) -> Self {
        let suite = by.negotiated_cipher_suite().map(|suite| suite.suite());
        let (cipher, key_size) = suite.map_or(("", 0), cipher);
        let certificates = by.peer_certificates().unwrap_or_default();
        Self {
            side,
            name,
            version: match by.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                _ => "TLSv1.2",
            },
            cipher,
            key_size,
            id: id(by),
            is_resumed: by.handshake_kind() == Some(HandshakeKind::Resumed),
            certificates: (certificates.iter().map(|c| c.clone().into_owned())).collect(),
            standard: OnceLock::new(),
            exported: OnceLock::new(),
        }
    }

    /// Whether this is the host that it shook hands with.
    pub(super) fn is_with(&self, side: &Arc<Side>) -> bool {
        Arc::ptr_eq(&self.side, side)
    }

    /// What the host said about TLS that it shook hands with.
    pub(super) fn terms(&self) -> &Tls {
        &self.side.terms
    }

    /// `SSLStrictSNIVHostCheck`
    pub(super) fn admit_name(&self, host: &Host) -> Result<(), Stumble> {
        let is_strict = host.tls.strict_sni || self.terms().strict_sni;
        if is_strict && self.name.is_none() && !host.addresses.is_empty() {
            return Err(Stumble::Forbidden);
        }
        Ok(())
    }

    /// `SSLOptions StdEnvVars`
    pub(crate) fn standard(&self) -> &[Named] {
        self.standard.get_or_init(|| variables::standard(self))
    }

    /// `SSLOptions ExportCertData`
    pub(crate) fn exported(&self) -> &[Named] {
        self.exported.get_or_init(|| variables::exported(self))
    }

    /// The name that the client gave.
    pub(crate) fn server_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What is known under a name, whatever options say.
    pub(crate) fn value(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match name {
            "HTTPS" => return Some(Cow::Borrowed(b"on")),
            "SSL_TLS_SNI" => return self.name.as_ref().map(|n| Cow::Borrowed(n.as_bytes())),
            _ => {}
        }
        let mut all = self.standard().iter().chain(self.exported());
        let found = all.find(|(known, _)| known == name);
        found.map(|(_, value)| Cow::Borrowed(&**value))
    }
}

/// Something that nobody else can know, and that stays as it is as long as the connection.
fn id(by: &ServerConnection) -> String {
    let bytes = by.export_keying_material([0_u8; 32], b"EXPORTER-jkd-session-id", None);
    let bytes = bytes.unwrap_or_default();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
    digits.collect()
}

/// The name that OpenSSL has for it, and the bits of its key.
const fn cipher(suite: CipherSuite) -> (&'static str, u16) {
    use CipherSuite as C;
    match suite {
        C::TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", 128),
        C::TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", 256),
        C::TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", 256),
        C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-ECDSA-AES128-GCM-SHA256", 128),
        C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-ECDSA-AES256-GCM-SHA384", 256),
        C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-ECDSA-CHACHA20-POLY1305", 256),
        C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-RSA-AES128-GCM-SHA256", 128),
        C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-RSA-AES256-GCM-SHA384", 256),
        C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-RSA-CHACHA20-POLY1305", 256),
        _ => ("", 0),
    }
}
