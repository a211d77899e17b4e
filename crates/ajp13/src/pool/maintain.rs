//! What happens to idle connections without a request.

use std::time::Duration;

use tokio::time::Instant;

use super::pinged::Pinged;
use super::stats::CloseReason;
use super::{IdlePing, Pool, PoolOptions};
use crate::conn::Probe;

/// How long an idle connection keeps its buffers.
const KEEP_BUFFERS: Duration = Duration::from_secs(1);

/// How long the end of a response may take after all of its content.
const FINISH: Duration = Duration::from_secs(60);

impl Pool {
    /// Does what has to be done now and then: closes connections that were closed by the
    /// container or are idle for too long, gives back the buffers of idle ones, and sends the
    /// CPings of [`PingPolicy::interval`](super::PingPolicy::interval). Call it every second or so.
    ///
    /// # Cancel safety
    /// May be dropped at any point; a connection that is just being checked is then closed.
    pub async fn maintain(&self) {
        let now = Instant::now();
        let PoolOptions {
            min, idle_timeout, ..
        } = self.inner.options;
        self.inner.shared.prune(min, |idle| {
            let probe = idle.conn.probe();
            let age = now.saturating_duration_since(idle.since);
            if !self.inner.shared.is_current(&mut idle.conn) {
                return Some(CloseReason::Moved);
            }
            if age >= KEEP_BUFFERS {
                idle.conn.trim();
            }
            match probe {
                Probe::Dead(reason) => Some(reason),
                Probe::NotYet if age >= FINISH => Some(CloseReason::Aborted),
                _ => idle_timeout
                    .filter(|limit| age >= *limit)
                    .map(|_| CloseReason::Idle),
            }
        });
        if let Some(ping) = self.inner.options.ping.interval {
            self.ping_idle(ping).await;
        }
    }

    /// One round of CPings over idle connections, oldest first. Ends at the first that is not
    /// answered in time: the others will not be either, and are checked before their next use.
    async fn ping_idle(&self, ping: IdlePing) {
        let shared = &self.inner.shared;
        for lane in 0..shared.lanes() {
            let mut position = 0;
            while let Some(slot) = shared.try_slot(lane) {
                let Some(idle) = slot.take(lane, position) else {
                    break;
                };
                if idle.checked.elapsed() < ping.idle || idle.conn.exchange().is_some() {
                    slot.restore(lane, idle);
                    position += 1;
                    continue;
                }
                let mut pinged = Pinged::new(&slot, idle);
                match pinged.ping(ping.timeout).await {
                    Err(error) if error.is_timeout() => return,
                    Err(_) => {}
                    Ok(()) => {
                        if let Some(mut idle) = pinged.keep() {
                            idle.conn.forget_pings();
                            slot.restore(lane, idle);
                            position += 1;
                        }
                    }
                }
            }
        }
    }
}
