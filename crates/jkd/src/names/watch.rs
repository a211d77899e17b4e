//! Looking names up again and again.

use std::{future, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    select,
    task::{JoinSet, spawn_blocking},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Entry, Name, lookup};
use crate::serve::Shared;

/// The least time between two lookups of a name, however many connects fail.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches all names of the running configuration until `closing`. All of them are looked up
/// anew when files have been read again.
pub(crate) async fn run(shared: Arc<Shared>, closing: CancellationToken) {
    loop {
        let snapshot = shared.snapshot.load_full();
        let interval = snapshot.model.global.resolve_interval;
        let mut watches = JoinSet::new();
        for entry in snapshot.names.iter() {
            watches.spawn(watch_one(entry.clone(), interval, shared.clone()));
        }
        drop(snapshot);
        select! {
            () = closing.cancelled() => return,
            () = shared.reloaded.notified() => {}
        }
    }
}

async fn watch_one(Entry { name, many }: Entry, interval: Duration, shared: Arc<Shared>) {
    let host = name.host.clone();
    let look_up = || lookup::system(host.clone());
    let changed = || {
        if many {
            let shared = shared.clone();
            // Goes on although this task may be ended by a reload: nothing is to be waited for.
            drop(spawn_blocking(move || shared.change().serve_again()));
        }
    };
    watch(&name, interval, look_up, changed).await;
}

/// Looks a name up at once, then every `interval` and whenever a connect asks for it, but not
/// more often than every [`PAUSE`]. Where the interval is zero, ends with the first success.
pub(super) async fn watch<F>(
    name: &Name,
    interval: Duration,
    look_up: impl Fn() -> F,
    changed: impl Fn(),
) where
    F: Future<Output = io::Result<Vec<SocketAddr>>>,
{
    loop {
        if name.note(look_up().await) {
            changed();
        }
        let once = interval.is_zero();
        if once && !name.addresses.known().is_empty() {
            return;
        }
        sleep(PAUSE).await;
        select! {
            () = due(interval) => {}
            () = name.addresses.wanted() => {}
        }
    }
}

async fn due(interval: Duration) {
    if interval.is_zero() {
        future::pending::<()>().await;
    }
    sleep(interval.saturating_sub(PAUSE)).await;
}
