//! One scenario on one front end, once.

use std::{io, path::Path, process, time::Duration};

use tokio::time::Instant;

use super::{Options, Pin, backends::Running};
use crate::{
    account::{self, Core, Cpu},
    load::{self, Moment, Timing},
    peer::Peer,
    record::Sample,
    scenario::Scenario,
};

/// Starts the front end anew, loads it, and looks at what that took.
pub(super) async fn take(
    options: &Options,
    peer: &Peer,
    scenario: &Scenario,
    backend: &Running,
    place: &Path,
) -> io::Result<Sample> {
    let _ = std::fs::remove_dir_all(place);
    let front = peer.start(&options.start(backend, place)).await?;
    backend.reset().await?;
    let mut watch = Watch {
        front: front.process.ids(),
        load: vec![process::id(), backend.id()],
        ..Watch::default()
    };
    let timing = Timing {
        warm_up: Duration::from_secs_f64(options.warm_up),
        measured: Duration::from_secs_f64(options.seconds),
    };
    let outcome = load::run(front.address, &scenario.plan, timing, |moment| {
        watch.at(moment)
    });
    let outcome = outcome.await?;
    let mut sample = watch.sample(options.pin, outcome.requests);
    sample.outcome = outcome;
    sample.backend = backend.counts().await?;
    Ok(sample)
}

/// What is looked at when measuring begins and when it ends.
#[derive(Default)]
struct Watch {
    front: Vec<u32>,
    load: Vec<u32>,
    before: Option<Reading>,
    after: Option<Reading>,
    memory: u64,
    memory_before_idle: u64,
    threads: u32,
}

struct Reading {
    at: Instant,
    front: Cpu,
    load: Cpu,
    cores: Vec<Core>,
}

impl Watch {
    fn at(&mut self, moment: Moment) {
        match moment {
            Moment::BeforeIdle => self.memory_before_idle = account::memory(&self.front),
            Moment::Start => {
                // Threads and children that came with the load are the front end's, too.
                if let Some(&root) = self.front.first() {
                    self.front = account::tree(root);
                }
                self.before = Some(self.read());
            }
            Moment::End => {
                self.after = Some(self.read());
                self.memory = account::memory(&self.front);
                self.threads = account::threads(&self.front);
            }
        }
    }

    fn read(&self) -> Reading {
        Reading {
            at: Instant::now(),
            front: account::cpu(&self.front),
            load: account::cpu(&self.load),
            cores: account::cores(),
        }
    }

    fn sample(&self, pin: Pin, requests: u64) -> Sample {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return Sample::default();
        };
        let span = (after.at - before.at).as_secs_f64();
        let front = after.front - before.front;
        let load = after.load - before.load;
        let cores = before.cores.iter().zip(&after.cores);
        let cores: Vec<_> = cores.map(|(before, after)| *after - *before).collect();
        // Seconds for a request are milliseconds for 1,000 requests, times a million.
        let per_thousand = 1e6 / requests.max(1) as f64;
        Sample {
            user_ms: front.user * per_thousand,
            system_ms: front.system * per_thousand,
            used: front.total() / span,
            used_by_load: load.total() / span,
            foreign: foreign(pin, front.total(), load.total(), &cores) / span,
            memory_kib: self.memory,
            memory_before_idle_kib: self.memory_before_idle,
            threads: self.threads,
            ..Sample::default()
        }
    }
}

/// Seconds that others have used on the cores that count. Beside generator and backend they disturb
/// half as much as beside the front end.
fn foreign(pin: Pin, front: f64, load: f64, cores: &[Core]) -> f64 {
    let busy = |core: usize| cores.get(core).map_or(0.0, |core| core.busy);
    let stolen: f64 = cores.iter().map(|core| core.stolen).sum();
    let others = match pin {
        Pin::Split => (busy(0) - front).max(0.0) + (busy(1) - load).max(0.0) / 2.0,
        Pin::Same => (busy(0) - front - load).max(0.0),
        Pin::None => {
            let all: f64 = cores.iter().map(|core| core.busy).sum();
            (all - front - load).max(0.0)
        }
    };
    others + stolen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_use_is_what_is_left() {
        let core = |busy, stolen| Core { busy, stolen };
        let cores = [core(3.0, 0.0), core(4.0, 0.5)];
        let near = |pin, expected: f64| {
            let foreign = foreign(pin, 2.5, 3.0, &cores);
            assert!((foreign - expected).abs() < 1e-9, "{pin:?}: {foreign}");
        };
        near(Pin::Split, 0.5 + 0.5 + 0.5);
        near(Pin::Same, 0.5);
        near(Pin::None, 2.0);
    }
}
