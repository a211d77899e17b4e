//! Certificates and keys, made anew for each test.

use std::collections::BTreeMap;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};

/// Files and what is in them.
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    pub(crate) fn new() -> Self {
        let mut files = Self(BTreeMap::new());
        for name in ["a", "b"] {
            let params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
            files.add(name, &params, None);
        }
        let mut old = CertificateParams::new(vec!["old.example".to_owned()]).unwrap();
        old.not_before = date_time_ymd(2001, 1, 1);
        old.not_after = date_time_ymd(2002, 1, 1);
        files.add("old", &old, None);
        let ca = files.authority("ca");
        let unknown = files.authority("unknown");
        for (name, issuer) in [("client", &ca), ("stranger", &unknown), ("gone", &ca)] {
            let mut params = CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Ex, Inc");
            params.distinguished_name.push(DnType::CommonName, name);
            let serial = if name == "gone" { GONE } else { 0x1234 };
            params.serial_number = Some(SerialNumber::from(serial));
            files.add(name, &params, Some(issuer));
        }
        files.put("ca", "crl", &revoked(&ca, 2100));
        files.put("stale", "crl", &revoked(&ca, 2002));
        let between = files.authority_by("between", &ca);
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "chained");
        files.add("chained", &params, Some(&between));
        let chain = [files.get("chained.pem"), files.get("between.pem")].concat();
        files.put("chained", "pem", &chain);
        let locked =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
        files.0.insert("locked.key".into(), locked.into());
        files
    }

    fn authority(&mut self, name: &str) -> Issuer<'static, KeyPair> {
        let (params, key) = authority(name);
        let certificate = params.self_signed(&key).unwrap();
        self.put(name, "pem", &certificate.pem());
        Issuer::new(params, key)
    }

    /// One that another has signed.
    fn authority_by(&mut self, name: &str, by: &Issuer<'_, KeyPair>) -> Issuer<'static, KeyPair> {
        let (params, key) = authority(name);
        let certificate = params.signed_by(&key, by).unwrap();
        self.put(name, "pem", &certificate.pem());
        Issuer::new(params, key)
    }

    fn add(&mut self, name: &str, params: &CertificateParams, by: Option<&Issuer<'_, KeyPair>>) {
        let key = KeyPair::generate().unwrap();
        let certificate = match by {
            Some(issuer) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        self.put(name, "pem", &certificate.unwrap().pem());
        self.put(name, "key", &key.serialize_pem());
    }

    fn put(&mut self, name: &str, kind: &str, text: &str) {
        self.0
            .insert(format!("{name}.{kind}"), text.replace("\r\n", "\n"));
    }

    /// Another file.
    pub(crate) fn add_file(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.to_owned());
    }

    /// What is in a file.
    pub(crate) fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }
}

/// The serial number of a certificate that has been revoked.
const GONE: u64 = 0x99;

/// A list that has it, until a year.
fn revoked(by: &Issuer<'_, KeyPair>, until: i32) -> String {
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2001, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(GONE),
            revocation_time: date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(by).unwrap().pem().unwrap()
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params, KeyPair::generate().unwrap())
}
