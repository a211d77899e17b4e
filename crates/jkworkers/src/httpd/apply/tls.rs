//! mod_ssl's directives, as far as they are about clients.

use super::{Apply, Call};
use crate::{
    httpd::draft::TlsDraft,
    model::{Revocation, RevocationScope, TlsVersions, VerifyClient},
};

/// `SSLEngine On|Off`
pub(in crate::httpd) fn engine(apply: &mut Apply<'_>, call: &Call<'_>) {
    if call.first().eq_ignore_ascii_case("optional") {
        let message = "SSLEngine optional is not supported: clients would be answered without TLS";
        let help = "Write On, and a host of its own for clients without TLS.";
        return apply.error(call.origin, message.to_owned(), help);
    }
    if let Some(is_on) = apply.on_or_off(call) {
        apply.tls().engine = Some((is_on, call.origin.clone()));
    }
}

/// `SSLCertificateFile file`, `SSLCertificateKeyFile file`, `SSLCertificateChainFile file`,
/// `SSLCACertificateFile file`, `SSLCACertificatePath directory`, `SSLCARevocationFile file`,
/// `SSLCARevocationPath directory`
pub(in crate::httpd) fn file(apply: &mut Apply<'_>, call: &Call<'_>) {
    let file = (apply.path(call.first()), call.origin.clone());
    let tls = apply.tls();
    match call.name {
        "SSLCertificateFile" => tls.certificates.push(file),
        "SSLCertificateKeyFile" => tls.keys.push(file),
        "SSLCertificateChainFile" => tls.chain = Some(file),
        "SSLCACertificatePath" => tls.authority_directory = Some(file),
        "SSLCARevocationFile" => tls.revoked = Some(file),
        "SSLCARevocationPath" => tls.revoked_directory = Some(file),
        _ => tls.authorities = Some(file),
    }
}

/// `SSLProtocol [+|-]protocol …`
pub(in crate::httpd) fn protocol(apply: &mut Apply<'_>, call: &Call<'_>) {
    let none = TlsVersions {
        v12: false,
        v13: false,
    };
    let mut versions = none;
    let mut old = None;
    for word in call.words {
        let (sign, name) = match word.strip_prefix(['+', '-']) {
            Some(name) => (word.get(..1).unwrap_or_default(), name),
            None => ("", word.as_str()),
        };
        let adds = sign != "-";
        if sign.is_empty() {
            versions = none;
        }
        match &*name.to_ascii_lowercase() {
            "all" => (versions.v12, versions.v13) = (adds, adds),
            "tlsv1.2" => versions.v12 = adds,
            "tlsv1.3" => versions.v13 = adds,
            "sslv2" | "sslv3" | "tlsv1" | "tlsv1.1" => old = old.or_else(|| adds.then_some(name)),
            _ => {
                let message = format!("SSLProtocol: Illegal protocol '{name}'");
                let help = "Write all, TLSv1.2 or TLSv1.3, with + or - before it.";
                return apply.error(call.origin, message, help);
            }
        }
    }
    apply.allow(versions, old, call);
}

impl Apply<'_> {
    fn allow(&mut self, versions: TlsVersions, old: Option<&str>, call: &Call<'_>) {
        const HELP: &str = "Write `SSLProtocol TLSv1.2 +TLSv1.3`: versions before these are broken \
                            and no longer allowed (RFC 8996).";
        if !versions.v12 && !versions.v13 {
            let message = "SSLProtocol: no version is left that is supported".to_owned();
            return self.error(call.origin, message, HELP);
        }
        if let Some(old) = old {
            let message = format!("SSLProtocol: {old} is not supported; clients need TLS 1.2");
            self.warning(call.origin, message, HELP);
        }
        self.tls().versions = Some(versions);
    }

    fn tls(&mut self) -> &mut TlsDraft {
        &mut self.server().tls
    }
}

/// `SSLVerifyClient none|optional|require`; in sections `none` alone
pub(in crate::httpd) fn verify_client(apply: &mut Apply<'_>, call: &Call<'_>) {
    let verify = match &*call.first().to_ascii_lowercase() {
        "none" | "off" => VerifyClient::None,
        "optional" => VerifyClient::Optional,
        "require" | "on" => VerifyClient::Require,
        "optional_no_ca" => {
            let message = "SSLVerifyClient optional_no_ca is not supported: certificates that \
                           nobody has verified would be passed on";
            let help = "Write optional, and the authorities into SSLCACertificateFile.";
            return apply.error(call.origin, message.to_owned(), help);
        }
        _ => {
            let message = "SSLVerifyClient: Invalid argument".to_owned();
            return apply.error(call.origin, message, "Write none, optional or require.");
        }
    };
    match apply.within {
        None => apply.tls().verify = Some(verify),
        // As in httpd it takes nothing back that was asked for in the handshake.
        Some(_) if verify == VerifyClient::None => {}
        Some(section) => {
            let message = format!("SSLVerifyClient not allowed in <{}> context", section.name);
            apply.error(call.origin, message, "Move the line out of the section.");
        }
    }
}

/// `SSLCARevocationCheck chain|leaf|none [no_crl_for_cert_ok]`
pub(in crate::httpd) fn revocation_check(apply: &mut Apply<'_>, call: &Call<'_>) {
    const HELP: &str = "Write chain, leaf or none, and no_crl_for_cert_ok behind it if need be.";
    let scope = match &*call.first().to_ascii_lowercase() {
        "none" => RevocationScope::None,
        "leaf" => RevocationScope::Leaf,
        "chain" => RevocationScope::Chain,
        _ => {
            let message = "SSLCARevocationCheck: Invalid argument".to_owned();
            return apply.error(call.origin, message, HELP);
        }
    };
    let flags = call.words.get(1..).unwrap_or_default();
    let is_flag = |word: &String| word.eq_ignore_ascii_case("no_crl_for_cert_ok");
    if let Some(unknown) = flags.iter().find(|word| !is_flag(word)) {
        let message = format!("SSLCARevocationCheck: Invalid argument {unknown}");
        return apply.error(call.origin, message, HELP);
    }
    apply.tls().revocation = Some(Revocation {
        scope,
        unknown_is_fine: !flags.is_empty(),
    });
}

/// `SSLVerifyDepth number`
pub(in crate::httpd) fn verify_depth(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Ok(depth @ 1..=100) = call.first().parse() {
        match apply.section_number() {
            Some(_) => apply.settings().tls.verify_depth = Some((depth, call.origin.clone())),
            None => apply.tls().verify_depth = Some(depth),
        }
        return;
    }
    let message = format!("SSLVerifyDepth: Invalid argument {}", call.first());
    let help = "Write how many certificates may lead from the client's to one in \
                SSLCACertificateFile; 1 is the default.";
    apply.error(call.origin, message, help);
}

/// `SSLStrictSNIVHostCheck On|Off`, `SSLSessionTickets On|Off`
pub(in crate::httpd) fn flag(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(value) = apply.on_or_off(call) {
        let tls = apply.tls();
        match call.name {
            "SSLSessionTickets" => tls.session_tickets = Some(value),
            _ => tls.strict_sni = Some(value),
        }
    }
}

/// `SSLRequireSSL`
pub(in crate::httpd) fn require_tls(apply: &mut Apply<'_>, _: &Call<'_>) {
    apply.settings().tls.required = true;
}

/// `SSLUserName variable`
pub(in crate::httpd) fn user_name(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.settings().tls.user_name = Some(call.first().into());
}

/// `SSLOptions [+|-]option …`
pub(in crate::httpd) fn options(apply: &mut Apply<'_>, call: &Call<'_>) {
    for word in call.words {
        let (sign, name) = match word.strip_prefix(['+', '-']) {
            Some(name) => (word.get(..1), name),
            None => (None, word.as_str()),
        };
        let value = sign != Some("-");
        let tls = &mut apply.settings().tls;
        if sign.is_none() {
            // As for `Options`: without a sign it begins anew.
            (tls.std_env_vars, tls.export_cert_data) = (Some(false), Some(false));
        }
        match &*name.to_ascii_lowercase() {
            "stdenvvars" => tls.std_env_vars = Some(value),
            "exportcertdata" => tls.export_cert_data = Some(value),
            "strictrequire" | "optrenegotiate" | "compatenvvars" => {}
            "legacydnstringformat" | "exportbase64certdata" | "fakebasicauth" if !value => {}
            "fakebasicauth" | "legacydnstringformat" | "exportbase64certdata" => {
                let message = format!("SSLOptions {word} is not supported");
                let help = "Remove it; JkEnvVar passes variables such as SSL_CLIENT_S_DN on.";
                return apply.error(call.origin, message, help);
            }
            _ => {
                let message = format!("SSLOptions: Illegal option '{name}'");
                return apply.error(call.origin, message, "Write StdEnvVars or ExportCertData.");
            }
        }
    }
}

/// What TLS does by itself here, as well as can be: the directive has no effect.
pub(in crate::httpd) fn left_alone(apply: &mut Apply<'_>, call: &Call<'_>) {
    let why = match call.name {
        "SSLCipherSuite" | "SSLHonorCipherOrder" => {
            "jkd has the ciphers of TLS 1.3, and of TLS 1.2 those with forward secrecy and \
             authenticated encryption"
        }
        "SSLUseStapling" if call.first().eq_ignore_ascii_case("off") => return,
        "SSLUseStapling" => "answers of the authority are not stapled",
        "SSLOpenSSLConfCmd" => "there is no OpenSSL",
        _ => return,
    };
    let message = format!("{} is not in effect: {why}", call.name);
    apply.tell_once(call.name, call.origin, message);
}

/// What keeps clients out, and is not there.
pub(in crate::httpd) fn refuse(apply: &mut Apply<'_>, call: &Call<'_>) {
    let is = |text: &str| call.first().eq_ignore_ascii_case(text);
    let (what, help) = match call.name {
        "SSLOCSPEnable" | "SSLFIPS" if is("off") => return,
        "SSLFIPS" => ("its ciphers are not certified", "Remove it."),
        _ => (
            "revoked certificates would be let in",
            "Let something in front of jkd do TLS for this host.",
        ),
    };
    let message = format!("{} is not supported: {what}", call.name);
    apply.error(call.origin, message, help);
}
