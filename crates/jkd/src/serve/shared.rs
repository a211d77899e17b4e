//! What all lanes share: the running configuration, and the one way in which it changes.
//!
//! What files say and what runs are two things: names that turn into several addresses make the
//! running model larger than the configured one. Both change here only, under one lock, so that no
//! change is lost to another one that happens at the same time.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jkworkers::model::Model;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::{
    logs::Logs,
    names::{self, Names},
    snapshot::Snapshot,
    tls,
};

/// How long a configuration waits for names that turn into members. A resolver that takes longer
/// is not waited for: the members come when it answers.
const MOMENT: Duration = Duration::from_secs(1);

/// What all lanes share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The running configuration; replaced as a whole at a change.
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// What files say, of which the snapshot is made. Requests do not need it.
    configured: Mutex<Arc<Model>>,
    lanes: usize,
    /// Files have been read again.
    pub(crate) reloaded: Notify,
}

/// What is opened for a configuration: its logs, and its certificates.
pub(super) type Means = (Arc<Logs>, Arc<tls::Hosts>);

/// The right to change the running configuration. There is one at a time.
pub(crate) struct Change<'a> {
    shared: &'a Shared,
    configured: MutexGuard<'a, Arc<Model>>,
}

impl Shared {
    pub(super) fn new(configured: Arc<Model>, means: Means, lanes: usize) -> Self {
        let names = Arc::new(Names::new(&configured, None));
        names.await_members(MOMENT);
        let models = (configured.clone(), names.expand(&configured));
        Self {
            snapshot: ArcSwap::from_pointee(Snapshot::new(models, names, means, None, lanes)),
            configured: Mutex::new(configured),
            lanes,
            reloaded: Notify::new(),
        }
    }

    /// What files say.
    pub(crate) fn configured(&self) -> Arc<Model> {
        self.configured.lock().clone()
    }

    /// Begins a change; waits for one that is under way.
    ///
    /// May block for as long as sockets are being opened: not for a lane's runtime.
    pub(crate) fn change(&self) -> Change<'_> {
        Change {
            shared: self,
            configured: self.configured.lock(),
        }
    }
}

impl Change<'_> {
    /// Serves what files say now, from the next request on.
    pub(crate) fn serve(&mut self, configured: Arc<Model>, means: Means) {
        let running = self.shared.snapshot.load_full();
        let names = Arc::new(Names::new(&configured, Some(&running.names)));
        names.await_members(MOMENT);
        *self.configured = configured;
        self.replace(&running, names, means);
        self.shared.reloaded.notify_one();
    }

    /// Makes the running configuration anew from the same files: names have other addresses.
    pub(crate) fn serve_again(self) {
        let old = self.shared.snapshot.load_full();
        let new = self.replace(&old, old.names.clone(), (old.logs.clone(), old.tls.clone()));
        names::log_members(&old.model, &new.model);
    }

    fn replace(&self, old: &Snapshot, names: Arc<Names>, means: Means) -> Arc<Snapshot> {
        let models = (self.configured.clone(), names.expand(&self.configured));
        let new = Snapshot::new(models, names, means, Some(old), self.shared.lanes);
        let new = Arc::new(new);
        self.shared.snapshot.store(new.clone());
        new.retire(old);
        new
    }
}
