//! What stands in a certificate, in mod_ssl's words.

use std::{collections::HashMap, fmt::Write as _};

use x509_parser::prelude::{
    ASN1Time, AttributeTypeAndValue, FromDer as _, GeneralName, X509Certificate, X509Name,
};

use super::variables::Named;

/// Adds the variables of a certificate, whose names begin with `prefix`. Of one that cannot be
/// read nothing is said.
pub(super) fn describe(prefix: &str, der: &[u8], all: &mut Vec<Named>) {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return;
    };
    let mut add = |name: &str, value: String| {
        all.push((format!("{prefix}_{name}").into(), value.into_bytes()));
    };
    let version = certificate.version().0.saturating_add(1);
    add("M_VERSION", version.to_string());
    add("M_SERIAL", serial(certificate.raw_serial()));
    let validity = certificate.validity();
    add("V_START", time(&validity.not_before));
    add("V_END", time(&validity.not_after));
    let mut days = 0;
    if let Some(left) = validity.time_to_expiration() {
        days = left.whole_days();
    }
    add("V_REMAIN", days.to_string());
    add("S_DN", name(certificate.subject()));
    add("I_DN", name(certificate.issuer()));
    let key = certificate.public_key().algorithm.algorithm.to_id_string();
    add("A_KEY", algorithm(&key));
    add(
        "A_SIG",
        algorithm(&certificate.signature_algorithm.algorithm.to_id_string()),
    );
    for (which, parts) in [
        ("S_DN", certificate.subject()),
        ("I_DN", certificate.issuer()),
    ] {
        for (part, value) in numbered(parts) {
            add(&format!("{which}_{part}"), value);
        }
    }
    for (part, value) in alternatives(&certificate) {
        add(&part, value);
    }
}

/// Upper case, two digits for each byte.
fn serial(bytes: &[u8]) -> String {
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        bytes => bytes,
    };
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// `Nov  1 20:21:18 2026 GMT`
fn time(time: &ASN1Time) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = time.to_datetime();
    let month = MONTHS.get(usize::from(u8::from(at.month())).saturating_sub(1));
    let month = month.copied().unwrap_or_default();
    let (day, year) = (at.day(), at.year());
    let (h, m, s) = (at.hour(), at.minute(), at.second());
    format!("{month} {day:2} {h:02}:{m:02}:{s:02} {year} GMT")
}

/// RFC 2253: the last part first.
fn name(name: &X509Name<'_>) -> String {
    let parts: Vec<_> = name.iter_rdn().collect();
    let parts = parts.into_iter().rev().map(|part| {
        let attributes = part
            .iter()
            .map(|a| format!("{}={}", key(a), escaped(&text(a))));
        attributes.collect::<Vec<_>>().join("+")
    });
    parts.collect::<Vec<_>>().join(",")
}

/// The parts that have variables of their own: the first of each kind without a number.
fn numbered(name: &X509Name<'_>) -> Vec<(String, String)> {
    let mut seen: HashMap<&'static str, usize> = HashMap::new();
    let mut parts = Vec::new();
    for attribute in name.iter_attributes() {
        let Some(short) = variable(&attribute.attr_type().to_id_string()) else {
            continue;
        };
        let count = seen.entry(short).or_default();
        let part = match *count {
            0 => short.to_owned(),
            number => format!("{short}_{number}"),
        };
        *count += 1;
        parts.push((part, text(attribute)));
    }
    parts
}

/// `SAN_DNS_0` and its like.
fn alternatives(certificate: &X509Certificate<'_>) -> Vec<(String, String)> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let (mut dns, mut email) = (0_usize, 0_usize);
    let names = names.value.general_names.iter();
    names
        .filter_map(|name| {
            let (kind, count, value) = match name {
                GeneralName::DNSName(value) => ("DNS", &mut dns, *value),
                GeneralName::RFC822Name(value) => ("Email", &mut email, *value),
                _ => return None,
            };
            let part = format!("SAN_{kind}_{count}");
            *count += 1;
            Some((part, value.to_owned()))
        })
        .collect()
}

fn key(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    short_name(&oid).map_or(oid, str::to_owned)
}

fn text(attribute: &AttributeTypeAndValue<'_>) -> String {
    let text = attribute.as_str().map(str::to_owned);
    text.unwrap_or_else(|_| String::from_utf8_lossy(attribute.as_slice()).into_owned())
}

/// What RFC 2253 escapes.
fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (place, c) in text.chars().enumerate() {
        let at_end = place == 0 || place == last;
        let is_special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if c.is_ascii_control() {
            let _ = write!(result, "\\{:02X}", u32::from(c));
            continue;
        }
        if is_special || (at_end && c == ' ') || (place == 0 && c == '#') {
            result.push('\\');
        }
        result.push(c);
    }
    result
}

/// The names that RFC 2253 and OpenSSL write.
fn short_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.5" => "serialNumber",
        "2.5.4.9" => "street",
        "2.5.4.17" => "postalCode",
        "2.5.4.46" => "dnQualifier",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "2.5.4.43" => "initials",
        "2.5.4.4" => "SN",
        "2.5.4.13" => "description",
        _ => return variable(oid),
    })
}

/// The names of the variables.
fn variable(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.6" => "C",
        "2.5.4.8" => "ST",
        "2.5.4.7" => "L",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.3" => "CN",
        "2.5.4.12" => "T",
        "2.5.4.43" => "I",
        "2.5.4.42" => "G",
        "2.5.4.4" => "S",
        "2.5.4.13" => "D",
        "0.9.2342.19200300.100.1.1" => "UID",
        "1.2.840.113549.1.9.1" => "Email",
        _ => return None,
    })
}

/// OpenSSL's long names.
fn algorithm(oid: &str) -> String {
    let name = match oid {
        "1.2.840.113549.1.1.1" => "rsaEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.2.1" => "id-ecPublicKey",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "ED25519",
        oid => oid,
    };
    name.to_owned()
}
