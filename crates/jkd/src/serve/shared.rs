//! What all lanes share: the running configuration, and the one way in which it changes.
//!
//! What files say and what runs are two things: names that turn into several addresses make the
//! running model larger than the configured one, and operators change settings at run time. All of
//! it changes here only, under one lock, so that no change is lost to another one that happens at
//! the same time.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use jkworkers::model::Model;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::{
    edits::Edits,
    listener::Guests,
    logs::Logs,
    names::{self, Names},
    snapshot::{Before, Retired, Snapshot},
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
    /// What the snapshot is made of. Requests do not need it.
    origin: Mutex<Origin>,
    /// Pools that are given up.
    pub(crate) retired: Retired,
    /// Connections of clients.
    pub(crate) guests: Arc<Guests>,
    lanes: usize,
    /// Files have been read again, or names are others.
    pub(crate) reloaded: Notify,
    home: Weak<Self>,
}

/// What the snapshot is made of.
#[derive(Debug)]
struct Origin {
    /// What files say.
    configured: Arc<Model>,
    /// What was changed since.
    edits: Edits,
}

/// What is opened for a configuration: its logs, and its certificates.
pub(super) type Means = (Arc<Logs>, Arc<tls::Hosts>);

/// The right to change the running configuration. There is one at a time.
pub(crate) struct Change<'a> {
    shared: &'a Shared,
    origin: MutexGuard<'a, Origin>,
}

impl Shared {
    pub(super) fn new(configured: Arc<Model>, means: Means, lanes: usize) -> Arc<Self> {
        let names = Arc::new(Names::new(&configured, None));
        names.await_members(MOMENT);
        let models = (configured.clone(), names.expand(&configured));
        Arc::new_cyclic(|home| {
            let place = (lanes, home.clone());
            Self {
                snapshot: ArcSwap::from_pointee(Snapshot::new(models, names, means, None, place)),
                origin: Mutex::new(Origin {
                    configured,
                    edits: Edits::default(),
                }),
                retired: Retired::default(),
                guests: Guests::new(),
                lanes,
                reloaded: Notify::new(),
                home: home.clone(),
            }
        })
    }

    /// What files say.
    pub(crate) fn configured(&self) -> Arc<Model> {
        self.origin.lock().configured.clone()
    }

    /// Begins a change; waits for one that is under way.
    ///
    /// May block for as long as sockets are being opened: not for a lane's runtime.
    pub(crate) fn change(&self) -> Change<'_> {
        Change {
            shared: self,
            origin: self.origin.lock(),
        }
    }
}

impl Change<'_> {
    /// What runs until now.
    pub(crate) fn running(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// What was changed at run time.
    pub(crate) fn edits(&self) -> &Edits {
        &self.origin.edits
    }

    /// Looks up what members of a configuration depend on that is not served yet. May block for a
    /// moment.
    pub(crate) fn await_names(&self, configured: &Arc<Model>) -> Arc<Names> {
        let mut edits = self.edits().clone();
        edits.follow(configured);
        let edited = edits.apply(configured);
        looked_up(&edited, &self.running())
    }

    /// Serves what files say now, from the next request on, with the names that were
    /// [looked up](Self::await_names) for it.
    pub(crate) fn serve(&mut self, configured: Arc<Model>, names: Arc<Names>, means: Means) {
        self.origin.edits.follow(&configured);
        self.origin.configured = configured;
        self.replace(Some((names, means)), false);
        self.shared.reloaded.notify_one();
    }

    /// Makes the running configuration anew from the same files: names have other addresses.
    pub(crate) fn serve_again(self) {
        let old = self.running();
        let new = self.replace(None, false);
        names::log_members(&old.model, &new.model);
    }

    /// Serves the same files with these changes, from the next request on.
    pub(crate) fn edit(mut self, edits: Edits) {
        self.origin.edits = edits;
        self.replace(None, true);
        self.shared.reloaded.notify_one();
    }

    /// `read`: what there is for files that were read again.
    fn replace(&self, read: Option<(Arc<Names>, Means)>, is_edited: bool) -> Arc<Snapshot> {
        let Origin { configured, edits } = &*self.origin;
        let old = self.running();
        let edited = edits.apply(configured);
        let (names, means) = read.unwrap_or_else(|| {
            let names = looked_up(&edited, &old);
            (names, (old.logs.clone(), old.tls.clone()))
        });
        // Once more: some are about members that there were not before.
        let model = edits.apply(&names.expand(&edited));
        let before = Before {
            snapshot: &old,
            is_edited,
        };
        let place = (self.shared.lanes, self.shared.home.clone());
        let models = (configured.clone(), model);
        let new = Snapshot::new(models, names, means, Some(before), place);
        let new = Arc::new(new);
        self.shared.snapshot.store(new.clone());
        self.shared.retired.extend(new.retire(&old));
        new
    }
}

/// What the members of a model depend on that `old` does not serve yet. May block for a moment.
fn looked_up(edited: &Model, old: &Snapshot) -> Arc<Names> {
    let names = Arc::new(Names::new(edited, Some(&old.names)));
    names.await_members(MOMENT);
    names
}
