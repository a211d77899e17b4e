//! mod_ssl's variables about a connection.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Session, certificate};

/// A variable and its value.
pub(crate) type Named = (Cow<'static, str>, Vec<u8>);

/// `SSLOptions StdEnvVars`, but for `HTTPS` and `SSL_TLS_SNI`, which are there anyway.
pub(super) fn standard(session: &Session) -> Vec<Named> {
    let key_size = session.key_size.to_string();
    let verified = if session.certificates.is_empty() {
        "NONE"
    } else {
        "SUCCESS"
    };
    let resumed = if session.is_resumed {
        "Resumed"
    } else {
        "Initial"
    };
    let plain = [
        (
            "SSL_VERSION_INTERFACE",
            concat!("jkd/", env!("CARGO_PKG_VERSION")),
        ),
        ("SSL_VERSION_LIBRARY", "rustls"),
        ("SSL_PROTOCOL", session.version),
        ("SSL_SECURE_RENEG", "true"),
        ("SSL_COMPRESS_METHOD", "NULL"),
        ("SSL_CIPHER", session.cipher),
        ("SSL_CIPHER_EXPORT", "false"),
        ("SSL_CIPHER_USEKEYSIZE", &key_size),
        ("SSL_CIPHER_ALGKEYSIZE", &key_size),
        ("SSL_CLIENT_VERIFY", verified),
        ("SSL_SESSION_ID", &session.id),
        ("SSL_SESSION_RESUMED", resumed),
    ];
    let plain = plain.map(|(name, value)| (Cow::Borrowed(name), value.into()));
    let mut all = Vec::from(plain);
    if let Some(client) = session.certificates.first() {
        certificate::describe("SSL_CLIENT", client, &mut all);
    }
    certificate::describe("SSL_SERVER", &session.side.certificate, &mut all);
    all
}

/// `SSLOptions ExportCertData`
pub(super) fn exported(session: &Session) -> Vec<Named> {
    let mut all: Vec<Named> = vec![("SSL_SERVER_CERT".into(), pem(&session.side.certificate))];
    let mut certificates = session.certificates.iter();
    if let Some(client) = certificates.next() {
        all.push(("SSL_CLIENT_CERT".into(), pem(client)));
    }
    for (number, certificate) in certificates.enumerate() {
        let name = format!("SSL_CLIENT_CERT_CHAIN_{number}");
        all.push((name.into(), pem(certificate)));
    }
    all
}

/// As OpenSSL writes it: lines of 64.
fn pem(der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
    for line in text.as_bytes().chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
    pem
}
