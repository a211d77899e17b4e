//! What can be said about certificates before anybody comes.

use jkworkers::{Loaded, diag::Diagnostics, model::Model};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use super::Hosts;

/// Adds what is wrong with certificates and keys. With errors there is no model.
pub(crate) fn checked(mut loaded: Loaded) -> Loaded {
    let Some(model) = &loaded.model else {
        return loaded;
    };
    warn(model, &mut loaded.diagnostics);
    if let Err(found) = Hosts::new(model) {
        loaded.diagnostics.append(found);
        loaded.model = None;
    }
    loaded.diagnostics.dedup();
    loaded
}

/// Clients would not trust a certificate whose time is over, or has not come.
fn warn(model: &Model, found: &mut Diagnostics) {
    let hosts = model.hosts.iter().filter(|host| host.tls.is_on);
    for pem in hosts.flat_map(|host| &host.tls.certificates) {
        let first = CertificateDer::from_pem_slice(&pem.content).ok();
        let parsed = first
            .as_ref()
            .and_then(|der| X509Certificate::from_der(der).ok());
        let Some((_, certificate)) = parsed else {
            continue;
        };
        let (now, validity) = (ASN1Time::now(), certificate.validity());
        let state = if validity.not_after < now {
            format!("has expired ({})", validity.not_after)
        } else if validity.not_before > now {
            format!("is not valid yet ({})", validity.not_before)
        } else {
            continue;
        };
        let message = format!("{}: the certificate {state}", pem.path.display());
        let help = "Renew it; a reload (SIGHUP) reads it.";
        found.warning(&pem.origin, message).help(help);
    }
}
