//! TLS towards clients: which certificate a host shows, what clients have to prove, and what is
//! known of a connection afterwards.
//!
//! rustls does the work. A host's [`Side`] is made with the snapshot, so that new certificates
//! come with a reload, and connections that are there keep theirs.

mod accept;
mod certificate;
mod check;
mod clients;
mod session;
mod side;
mod variables;

use std::sync::Arc;

use jkworkers::{
    diag::Diagnostics,
    model::{Host, Model},
};

use self::side::Side;
pub(crate) use self::{
    accept::{Way, accept},
    check::checked,
    session::Session,
};
use crate::{rescue::Stumble, strict::Refusal};

/// What each host shows clients.
#[derive(Debug, Default)]
pub(crate) struct Hosts(Vec<Option<Arc<Side>>>);

impl Hosts {
    /// Prepares all hosts that use TLS.
    ///
    /// # Errors
    ///
    /// What is wrong with their certificates and keys, and where they are named.
    pub(crate) fn new(model: &Model) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::default();
        let hosts = model.hosts.iter().map(|host| {
            let side = host.tls.is_on.then(|| Side::new(&host.tls))?;
            match side {
                Ok(side) => Some(Arc::new(side)),
                Err(problem) => {
                    problem.tell(&mut found);
                    None
                }
            }
        });
        let hosts = Self(hosts.collect());
        if found.has_errors() {
            Err(found)
        } else {
            Ok(hosts)
        }
    }

    fn of(&self, host: &Host) -> Option<&Arc<Side>> {
        self.0.get(host.number)?.as_ref()
    }

    /// Whether a connection, which shook hands in this way, may ask this host.
    ///
    /// # Errors
    ///
    /// When it may not: it uses no TLS, or was promised another host.
    pub(crate) fn admit(&self, session: Option<&Session>, host: &Host) -> Result<(), Stumble> {
        let Some(session) = session else {
            let refused = Err(Stumble::Refused(Refusal::WithoutTls));
            return if host.tls.is_on { refused } else { Ok(()) };
        };
        if self.of(host).is_some_and(|side| session.is_with(side)) {
            return session.admit_name(host);
        }
        let (promised, asked) = (session.terms(), &host.tls);
        if promised.asks_as_much_as(asked) && promised.shows_the_same_as(asked) {
            session.admit_name(host)
        } else {
            Err(Stumble::Misdirected)
        }
    }
}
