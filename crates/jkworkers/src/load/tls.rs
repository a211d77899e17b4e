//! Certificates and keys: the files of hosts that use TLS. What is in them is not looked at here.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use super::Loader;
use crate::model::{Host, Tls, VerifyClient};

impl Loader<'_> {
    /// Reads what the hosts need that use TLS.
    pub(super) fn read_certificates(&mut self, hosts: &mut [Host]) {
        let mut known: HashMap<PathBuf, Option<Arc<[u8]>>> = HashMap::new();
        for host in hosts.iter_mut().filter(|host| host.tls.is_on) {
            self.check_certificates(&host.tls);
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
        if tls.verify != VerifyClient::None && tls.authorities.is_none() {
            let message = "SSLVerifyClient: nobody is trusted to sign certificates of clients";
            let help = "Write SSLCACertificateFile.";
            self.found.error(&tls.origin, message).help(help);
        }
    }
}

const HELP: &str = "Create the file, or correct its path.";
