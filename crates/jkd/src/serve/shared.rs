//! What all lanes share: the running configuration, and the one way in which it changes.
//!
//! What files say and what runs are two things: names that turn into several addresses make the
//! running model larger than the configured one. Both change here only, under one lock, so that no
//! change is lost to another one that happens at the same time.

use std::{mem, sync::Arc};

use arc_swap::ArcSwap;
use jkworkers::model::Model;
use parking_lot::{Mutex, MutexGuard};

use crate::snapshot::Snapshot;

/// What all lanes share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The running configuration; replaced as a whole at a change.
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// What files say, of which the snapshot is made. Requests do not need it.
    configured: Mutex<Arc<Model>>,
    lanes: usize,
}

/// The right to change the running configuration. There is one at a time.
pub(crate) struct Change<'a> {
    shared: &'a Shared,
    configured: MutexGuard<'a, Arc<Model>>,
}

impl Shared {
    pub(super) fn new(configured: Arc<Model>, lanes: usize) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(Snapshot::new(configured.clone(), None, lanes)),
            configured: Mutex::new(configured),
            lanes,
        }
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
    /// Serves what files say now, from the next request on. Returns what they said before.
    pub(crate) fn serve(mut self, configured: Arc<Model>) -> Arc<Model> {
        let old = mem::replace(&mut *self.configured, configured);
        self.serve_again();
        old
    }

    /// Makes the running configuration anew from the same files: something else has changed that
    /// it depends on.
    pub(crate) fn serve_again(self) {
        let Shared {
            snapshot, lanes, ..
        } = self.shared;
        let old = snapshot.load_full();
        let new = Arc::new(Snapshot::new(self.configured.clone(), Some(&old), *lanes));
        snapshot.store(new.clone());
        new.retire(&old);
    }
}
