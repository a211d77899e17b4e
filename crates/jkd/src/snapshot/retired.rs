//! Pools that no configuration has any more, until they have told what there is to tell.

use std::sync::Arc;

use ajp13::Pool;
use parking_lot::Mutex;

/// So many are kept where nobody asks: metrics may be off.
const MOST: usize = 1000;

/// Pools that are being given up, under the names of their workers.
#[derive(Debug, Default)]
pub(crate) struct Retired(Mutex<Vec<(Arc<str>, Pool)>>);

impl Retired {
    /// Keeps those that a reload has taken away.
    pub(crate) fn extend(&self, pools: Vec<(Arc<str>, Pool)>) {
        let mut kept = self.0.lock();
        kept.extend(pools);
        if kept.len() > MOST {
            kept.retain(|(_, pool)| is_open(pool));
        }
    }

    /// Reports each of them, and forgets those that will not change any more.
    pub(crate) fn report(&self, mut report: impl FnMut(&str, &Pool)) {
        self.0.lock().retain(|(name, pool)| {
            let stays = is_open(pool);
            report(name, pool);
            stays
        });
    }
}

/// Whether it has connections, or somebody waits for one.
fn is_open(pool: &Pool) -> bool {
    let stats = pool.stats();
    stats.busy > 0 || stats.idle > 0
}
