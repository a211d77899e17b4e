//! The conductor: each scenario on each front end, round by round, in turn and back again.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::time::{Instant, sleep};

use crate::{
    account,
    backend::Segments,
    machine,
    peer::{self, PEERS, Peer, Start},
    record::{Line, Machine, Sample, Writer},
    scenario::{self, SCENARIOS, Scenario},
};
use backends::Backends;

pub mod backends;
mod sample;

/// What is measured, and how.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Front ends, by name and in this order; `list` prints them [default: all that are marked there]
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Scenarios, by name; `list` prints them [default: all]
    #[arg(long, value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    pub repeats: usize,
    /// Seconds that are measured, each time
    #[arg(long, default_value_t = 4.0)]
    pub seconds: f64,
    /// Seconds of load before that
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// How processes are spread over cores
    #[arg(long, value_enum, default_value_t = Pin::Split)]
    pub pin: Pin,
    /// How answers of the backend are cut into writes
    #[arg(long, value_enum, default_value_t = Segments::One)]
    pub segments: Segments,
    /// The binary of jkd
    #[arg(long, default_value = "target/release/jkd")]
    pub jkd: PathBuf,
    /// The file that results are added to
    #[arg(long, default_value = "/tmp/jkd-bench/results.jsonl")]
    pub out: PathBuf,
    /// Share of the cores that others may use meanwhile; beyond it a sample is taken again
    #[arg(long, default_value_t = 0.15)]
    pub max_foreign: f64,
    /// How often it is taken again at most
    #[arg(long, default_value_t = 2)]
    pub retries: usize,
    /// Seconds to wait for a quiet machine before each sample
    #[arg(long, default_value_t = 15.0)]
    pub wait_quiet: f64,
}

/// How processes are spread over cores.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Pin {
    /// The front end on the first core, generator and backend on the second.
    Split,
    /// All on the first.
    Same,
    /// Nothing is bound to a core; the front end may use two.
    None,
}

impl Pin {
    /// The core of the front end.
    pub(crate) fn front(self) -> Option<usize> {
        (self != Self::None).then_some(0)
    }

    /// The core of generator and backend.
    pub(crate) fn load(self) -> Option<usize> {
        match self {
            Self::Split => Some(1),
            Self::Same => Some(0),
            Self::None => None,
        }
    }

    /// How many cores the front end has.
    pub(crate) fn cores(self) -> usize {
        if self == Self::None { 2 } else { 1 }
    }

    /// Binds this process, and what it starts from now on, to its core.
    ///
    /// # Errors
    /// When the machine has no such core.
    pub(crate) fn bind(self) -> io::Result<()> {
        let Some(core) = self.load() else {
            return Ok(());
        };
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(None, &set)?;
        Ok(())
    }
}

/// Measures what the options say, and writes each result as soon as it is there.
///
/// # Errors
/// For names that are none, and when results cannot be written. A front end that does not work is a
/// result, too.
pub async fn run(options: &Options) -> io::Result<()> {
    let peers = options.peers()?;
    let scenarios = options.scenarios()?;
    let mut writer = Writer::open(&options.out)?;
    writer.write(&Line::Machine(options.describe(&peers)))?;
    options.pin.bind()?;
    let directory = directory()?;
    let mut backends = Backends::new(options.segments);
    for repeat in 0..options.repeats {
        for scenario in &scenarios {
            for peer in in_turn(&peers, repeat) {
                if scenario.sticky && !peer.sticky {
                    continue;
                }
                let backend = backends.with(peer.packet_size).await?;
                let place = directory.path().join(peer.name);
                let mut sample = quiet(options, peer, scenario, backend, &place).await;
                sample.repeat = repeat;
                print(&sample);
                writer.write(&Line::Sample(Box::new(sample)))?;
            }
        }
    }
    println!("results are in {}", options.out.display());
    Ok(())
}

impl Options {
    /// The front ends that are asked for.
    pub(crate) fn peers(&self) -> io::Result<Vec<&'static Peer>> {
        if self.peers.is_empty() {
            return Ok(PEERS.iter().filter(|peer| peer.is_default).collect());
        }
        let named = |name: &String| peer::find(name).ok_or_else(|| unknown("front end", name));
        self.peers.iter().map(named).collect()
    }

    /// The scenarios that are asked for.
    pub(crate) fn scenarios(&self) -> io::Result<Vec<&'static Scenario>> {
        if self.scenarios.is_empty() {
            return Ok(SCENARIOS.iter().collect());
        }
        let named = |name: &String| scenario::find(name).ok_or_else(|| unknown("scenario", name));
        self.scenarios.iter().map(named).collect()
    }

    /// The scenarios that are asked for, or this one.
    pub(crate) fn scenarios_or(&self, name: &str) -> io::Result<Vec<&'static Scenario>> {
        match self.scenarios[..] {
            [] => Ok(scenario::find(name).into_iter().collect()),
            _ => self.scenarios(),
        }
    }

    /// How front ends are started.
    pub(crate) fn start<'a>(&self, backend: &'a backends::Running, place: &Path) -> Start<'a> {
        Start {
            jkd: self.jkd.canonicalize().unwrap_or_else(|_| self.jkd.clone()),
            backend: &backend.addresses,
            core: self.pin.front(),
            cores: self.pin.cores(),
            directory: place.to_owned(),
            few_threads: false,
            under: Vec::new(),
        }
    }

    pub(crate) fn describe(&self, peers: &[&Peer]) -> Machine {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        Machine {
            pinned: name(self.pin.to_possible_value()),
            segments: name(self.segments.to_possible_value()),
            ..machine::describe(peers, &self.jkd)
        }
    }
}

fn unknown(what: &str, name: &str) -> io::Error {
    io::Error::other(format!("there is no {what} {name}: `list` prints them"))
}

/// A B C, then C B A: what drifts with time meets all alike.
fn in_turn<'a>(peers: &[&'a Peer], repeat: usize) -> Vec<&'a Peer> {
    let mut peers = peers.to_vec();
    if repeat % 2 == 1 {
        peers.reverse();
    }
    peers
}

/// A folder for what front ends need, which is gone at the end. They may become another user, and
/// still have to reach their files.
pub(crate) fn directory() -> io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::Builder::new().prefix("jkd-bench-").tempdir()?;
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755))?;
    Ok(directory)
}

/// A sample that others have not spoilt, or the one they have spoilt least.
async fn quiet(
    options: &Options,
    peer: &Peer,
    scenario: &Scenario,
    backend: &backends::Running,
    place: &Path,
) -> Sample {
    let mut best: Option<Sample> = None;
    for _ in 0..=options.retries {
        wait_for_quiet(Duration::from_secs_f64(options.wait_quiet)).await;
        let sample = sample::take(options, peer, scenario, backend, place).await;
        let sample = sample.unwrap_or_else(|error| Sample {
            failed: Some(error.to_string()),
            foreign: f64::INFINITY,
            ..Sample::default()
        });
        if best
            .as_ref()
            .is_none_or(|best| sample.foreign < best.foreign)
        {
            best = Some(sample);
        }
        if best
            .as_ref()
            .is_some_and(|best| best.foreign <= options.max_foreign)
        {
            break;
        }
    }
    let mut best = best.unwrap_or_default();
    if best.failed.is_some() {
        best.foreign = 0.0;
    }
    best.peer = peer.name.into();
    best.scenario = scenario.name.into();
    best
}

/// Waits until the cores are idle but for a quarter of one.
async fn wait_for_quiet(longest: Duration) {
    const LOOK: Duration = Duration::from_millis(500);
    let busy = || {
        account::cores()
            .iter()
            .map(|core| core.busy + core.stolen)
            .sum::<f64>()
    };
    let deadline = Instant::now() + longest;
    while Instant::now() < deadline {
        let before = busy();
        sleep(LOOK).await;
        if busy() - before < 0.25 * LOOK.as_secs_f64() {
            return;
        }
    }
}

fn print(sample: &Sample) {
    let Sample {
        repeat,
        scenario,
        peer,
        ..
    } = sample;
    if let Some(error) = &sample.failed {
        println!("{repeat} {scenario:10} {peer:14} failed: {error}");
        return;
    }
    let outcome = &sample.outcome;
    println!(
        "{repeat} {scenario:10} {peer:14} {:8.0}/s  p50 {:.0} p99 {:.0} p99.9 {:.0} us  \
         cpu {:.2} ms/1000 ({:.2} user)  {} KiB  used {:.2}+{:.2}, others {:.2}  {} faults{}{}",
        sample.throughput(),
        outcome.p50,
        outcome.p99,
        outcome.p999,
        sample.cpu_ms(),
        sample.user_ms,
        sample.memory_kib,
        sample.used,
        sample.used_by_load,
        sample.foreign,
        sample.faults(),
        if outcome.reconnects > 0 {
            ", connections closed"
        } else {
            ""
        },
        outcome
            .faults
            .first
            .as_ref()
            .map_or_else(String::new, |first| format!(" ({first})")),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_round_goes_back() {
        let peers: Vec<_> = PEERS.iter().take(3).collect();
        let names = |repeat| {
            in_turn(&peers, repeat)
                .iter()
                .map(|peer| peer.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(0), names(2));
        let mut back = names(1);
        back.reverse();
        assert_eq!(back, names(0));
    }
}
