//! Certificates and keys, made anew for each test.

use std::collections::BTreeMap;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SerialNumber, date_time_ymd,
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
        for (name, issuer) in [("client", &ca), ("stranger", &unknown)] {
            let mut params = CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Ex, Inc");
            params.distinguished_name.push(DnType::CommonName, name);
            params.serial_number = Some(SerialNumber::from(0x1234_u64));
            files.add(name, &params, Some(issuer));
        }
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

    /// What is in a file.
    pub(crate) fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params, KeyPair::generate().unwrap())
}
