//! mod_ssl's directives about clients.

use super::{
    Accepted, Anywhere, Directive, Global, MANY, ONE, ONE_OR_TWO, Section, Server, Words, Works,
    row,
};
use crate::httpd::apply::tls;

pub(super) const TLS: &[Directive] = &[
    row("SSLCACertificateFile", Server, ONE, Works(tls::file)),
    row("SSLCACertificatePath", Server, ONE, Works(tls::file)),
    row(
        "SSLCARevocationCheck",
        Server,
        MANY,
        Works(tls::revocation_check),
    ),
    row("SSLCARevocationFile", Server, ONE, Works(tls::file)),
    row("SSLCARevocationPath", Server, ONE, Works(tls::file)),
    row("SSLCertificateChainFile", Server, ONE, Works(tls::file)),
    row("SSLCertificateFile", Server, ONE, Works(tls::file)),
    row("SSLCertificateKeyFile", Server, ONE, Works(tls::file)),
    row(
        "SSLCipherSuite",
        Anywhere,
        ONE_OR_TWO,
        Accepted(tls::left_alone),
    ),
    row("SSLCompression", Server, ONE, Accepted(tls::left_alone)),
    row("SSLCryptoDevice", Global, ONE, Accepted(tls::left_alone)),
    row("SSLEngine", Server, ONE, Works(tls::engine)),
    row("SSLFIPS", Global, ONE, Works(tls::refuse)),
    row(
        "SSLHonorCipherOrder",
        Server,
        ONE,
        Accepted(tls::left_alone),
    ),
    row(
        "SSLInsecureRenegotiation",
        Server,
        ONE,
        Accepted(tls::left_alone),
    ),
    row("SSLOCSPEnable", Server, ONE, Works(tls::refuse)),
    row(
        "SSLOpenSSLConfCmd",
        Server,
        Words(2, 2),
        Accepted(tls::left_alone),
    ),
    row("SSLOptions", Anywhere, MANY, Works(tls::options)),
    row(
        "SSLPassPhraseDialog",
        Global,
        ONE,
        Accepted(tls::left_alone),
    ),
    row("SSLProtocol", Server, MANY, Works(tls::protocol)),
    row(
        "SSLRandomSeed",
        Global,
        Words(2, 3),
        Accepted(tls::left_alone),
    ),
    row(
        "SSLRequireSSL",
        Section,
        Words(0, 0),
        Works(tls::require_tls),
    ),
    row("SSLSessionCache", Global, ONE, Accepted(tls::left_alone)),
    row(
        "SSLSessionCacheTimeout",
        Server,
        ONE,
        Accepted(tls::left_alone),
    ),
    row("SSLSessionTickets", Server, ONE, Works(tls::flag)),
    row("SSLStaplingCache", Global, ONE, Accepted(tls::left_alone)),
    row("SSLStrictSNIVHostCheck", Server, ONE, Works(tls::flag)),
    row("SSLUserName", Anywhere, ONE, Works(tls::user_name)),
    row("SSLUseStapling", Server, ONE, Accepted(tls::left_alone)),
    row("SSLVerifyClient", Anywhere, ONE, Works(tls::verify_client)),
    row("SSLVerifyDepth", Anywhere, ONE, Works(tls::verify_depth)),
];
