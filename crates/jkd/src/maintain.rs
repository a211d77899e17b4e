//! What happens without a request: loads fade, members recover, pools shrink, idle connections
//! are checked.

use std::{sync::Arc, time::Duration};

use tokio::{
    select,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    balancer::{State, Transition},
    serve::Shared,
    snapshot::{self, Group, Snapshot},
};

/// How often pools and short recovery times are looked at, whatever `worker.maintain` says.
const TICK: Duration = Duration::from_secs(1);

/// Runs until `closing`.
pub(crate) async fn run(shared: Arc<Shared>, closing: CancellationToken) {
    let mut last = Instant::now();
    loop {
        select! {
            () = closing.cancelled() => return,
            () = sleep(TICK) => {}
        }
        let snapshot = shared.snapshot.load_full();
        let interval = snapshot.model.global.maintain;
        if !interval.is_zero() && last.elapsed() >= interval {
            last = Instant::now();
            maintain_balancers(&snapshot, interval);
        }
        maintain_pools(&snapshot, &closing).await;
    }
}

fn maintain_balancers(snapshot: &Snapshot, interval: Duration) {
    for group in snapshot.groups() {
        for change in group.balancer.maintain(snapshot::now(), interval) {
            log_transition(group, change);
        }
    }
}

/// Pools are looked after one by one. A CPing that is not answered holds up the next pool's
/// maintenance for its timeout, but no request.
async fn maintain_pools(snapshot: &Snapshot, closing: &CancellationToken) {
    for endpoint in snapshot.groups().flat_map(|group| &group.endpoints) {
        select! {
            () = closing.cancelled() => return,
            () = endpoint.pool.maintain() => {}
        }
    }
}

/// One line for each change of a member's state that tells something new, and not too many of them.
pub(crate) fn log_transition(group: &Group, change: Transition) {
    log_transition_after(group, change, None);
}

/// The same, with the failure that has led to it.
pub(crate) fn log_transition_after(group: &Group, change: Transition, error: Option<&str>) {
    let Some(member) = group.balancer.config().members.get(change.member) else {
        return;
    };
    let (worker, member) = (&group.name, &member.worker.name);
    let (from, to) = (change.from.text(), change.to.text());
    match (change.from, change.to) {
        (State::Idle, State::Ok) | (State::Ok, State::Idle) => {
            tracing::debug!(%worker, %member, from, to, "member changed its state");
        }
        // With all members in error each request tries again, and nobody thought that it works.
        (State::Forced, State::Error) => {
            tracing::debug!(%worker, %member, from, to, "member is still in error");
        }
        _ if !group.may_log_change() => {}
        (_, State::Error) => {
            tracing::warn!(%worker, %member, from, to, error, "member is in error: it gets no requests");
        }
        _ => tracing::info!(%worker, %member, from, to, "member changed its state"),
    }
}
