//! What systemd is told about the process (`Type=notify`, sd_notify(3)). Where it is not systemd
//! that started it, nobody is told anything.

use std::{fs, time::Duration};

use futures_util::future::join_all;
use sd_notify::NotifyState;
use tokio::{
    runtime::Handle,
    time::{MissedTickBehavior, interval, timeout},
};

/// Whether the system gives connections that a closed socket leaves behind to another one that
/// shares its port.
const MIGRATE: &str = "/proc/sys/net/ipv4/tcp_migrate_req";

/// Requests are served: with the first configuration, or again after a reload.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again. [`ready`] follows, whatever came of it.
pub(super) fn reloading() {
    // Wanted by `Type=notify-reload`.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Requests in flight are finished, and no others begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Gives signs of life as often as the supervisor wants them (`WatchdogSec=`), for as long as every
/// lane does its work. A lane that hangs is a reason to be started anew.
pub(super) async fn watch(lanes: Vec<Handle>) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return;
    };
    // Twice as often as is wanted, as sd_watchdog_enabled(3) recommends.
    let mut ticks = interval(limit / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if all_answer(&lanes, limit / 2).await {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("threads that serve requests do not answer");
        }
    }
}

async fn all_answer(lanes: &[Handle], within: Duration) -> bool {
    let answers = lanes.iter().map(|lane| lane.spawn(async {}));
    let answers = timeout(within, join_all(answers)).await;
    answers.is_ok_and(|answers| answers.iter().all(Result::is_ok))
}

/// Where sockets share a port, the system gives each connection to one of them when its first packet
/// comes. Those that are still shaking hands when that one is closed are lost, unless it is told
/// otherwise.
pub(super) fn warn_of_lost_handshakes() {
    if fs::read_to_string(MIGRATE).is_ok_and(|value| value.trim() == "0") {
        tracing::warn!(
            "connections that begin in the moment in which the other jkd ends may be reset: set \
             net.ipv4.tcp_migrate_req=1"
        );
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot notify the supervisor");
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[tokio::test]
    async fn a_lane_that_hangs_is_noticed() {
        let lane = Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let lanes = [Handle::current(), lane.handle().clone()];
        assert!(all_answer(&lanes, Duration::from_secs(60)).await);
        let (go, wait) = std::sync::mpsc::channel::<()>();
        lane.spawn(async move { wait.recv() });
        assert!(!all_answer(&lanes, Duration::from_millis(50)).await);
        drop(go);
        assert!(all_answer(&lanes, Duration::from_secs(60)).await);
        lane.shutdown_background();
    }
}
