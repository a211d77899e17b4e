//! Certificates and keys: the files of hosts that use TLS. What is in them is not looked at here.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use super::Loader;
use crate::{
    files,
    model::{Host, Pem, PemDirectory, Tls, VerifyClient},
};

impl Loader<'_> {
    /// Reads what the hosts need that use TLS.
    pub(super) fn read_certificates(&mut self, hosts: &mut [Host]) {
        let mut known: HashMap<PathBuf, Option<Arc<[u8]>>> = HashMap::new();
        for host in hosts.iter_mut().filter(|host| host.tls.is_on) {
            self.check_certificates(&host.tls);
            self.check_depths(host);
            self.list_certificates(&mut host.tls);
            for pem in host.tls.files_mut() {
                let content = match known.get(&pem.path) {
                    Some(content) => content.clone(),
                    None => self.file(&pem.path, &pem.origin, HELP).map(Arc::from),
                };
                known.insert(pem.path.clone(), content.clone());
                pem.content = content.unwrap_or_default();
            }
        }
    }

    fn check_certificates(&mut self, tls: &Tls) {
        if tls.certificates.is_empty() {
            let message = "SSLEngine On: there is no certificate";
            let help = "Write SSLCertificateFile and SSLCertificateKeyFile.";
            self.found.error(&tls.origin, message).help(help);
        }
        let trusts = tls.authorities.is_some() || tls.authority_directory.is_some();
        if tls.verify != VerifyClient::None && !trusts {
            let message = "SSLVerifyClient: nobody is trusted to sign certificates of clients";
            let help = "Write SSLCACertificateFile.";
            self.found.error(&tls.origin, message).help(help);
        }
        if !tls.revocation.is_off() && tls.revoked.is_none() && tls.revoked_directory.is_none() {
            let message = "SSLCARevocationCheck: nothing says which certificates are revoked";
            let help = "Write SSLCARevocationFile.";
            self.found.error(&tls.origin, message).help(help);
        }
    }

    /// `SSLVerifyDepth` in a section must not be less than in the handshake, where certificates are
    /// verified.
    fn check_depths(&mut self, host: &Host) {
        let most = host.tls.verify_depth;
        let sections = host.sections.iter().map(|section| &section.settings.tls);
        let said = sections.filter_map(|settings| settings.verify_depth.as_ref());
        let asks = host.tls.verify != VerifyClient::None;
        for (depth, origin) in said.filter(|(depth, _)| asks && *depth < most) {
            let message = format!(
                "SSLVerifyDepth {depth} in a section is not supported where the host lets chains of {most} in: nothing is verified again"
            );
            let help = "Write it outside of the section, or in a virtual host of its own.";
            self.found.error(origin, message).help(help);
        }
    }

    /// Finds the files that OpenSSL would find.
    fn list_certificates(&mut self, tls: &mut Tls) {
        if let Some(directory) = &mut tls.authority_directory {
            self.list_hashed(directory, ".");
        }
        if let Some(directory) = &mut tls.revoked_directory {
            self.list_hashed(directory, ".r");
        }
    }

    fn list_hashed(&mut self, directory: &mut PemDirectory, behind_hash: &str) {
        let path = &directory.path;
        let names = match self.files.list(path) {
            Ok(names) => names,
            Err(error) => {
                let message = format!("cannot list {}: {}", path.display(), files::reason(&error));
                let help = files::remedy(&error).unwrap_or(HELP);
                self.found.error(&directory.origin, message).help(help);
                return;
            }
        };
        let mut names: Vec<_> = names.into_iter().collect();
        names.retain(|name| {
            name.to_str()
                .is_some_and(|name| is_hashed(name, behind_hash))
        });
        names.sort();
        if names.is_empty() {
            let message = format!("{}: no file has a hash for its name", path.display());
            let help = format!("Run `openssl rehash {}`.", path.display());
            self.found.error(&directory.origin, message).help(help);
        }
        let files = names.into_iter().map(|name| Pem {
            path: path.join(name),
            origin: directory.origin.clone(),
            content: [].into(),
        });
        directory.files = files.collect();
    }
}

/// `9d66eef0.0`, or `9d66eef0.r0` of what is revoked.
fn is_hashed(name: &str, behind_hash: &str) -> bool {
    let Some((hash, rest)) = name.split_at_checked(8) else {
        return false;
    };
    let number = rest.strip_prefix(behind_hash).unwrap_or_default();
    hash.bytes().all(|b| b.is_ascii_hexdigit())
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

const HELP: &str = "Create the file, or correct its path.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_openssl_looks_for() {
        for (name, authority, revoked) in [
            ("9d66eef0.0", true, false),
            ("9d66eef0.12", true, false),
            ("9d66eef0.r0", false, true),
            ("9d66eef0.r", false, false),
            ("9d66eef0.", false, false),
            ("9d66eef.0", false, false),
            ("9d66eefg.0", false, false),
            ("ca.pem", false, false),
        ] {
            assert_eq!(is_hashed(name, "."), authority, "{name}");
            assert_eq!(is_hashed(name, ".r"), revoked, "{name}");
        }
    }
}
