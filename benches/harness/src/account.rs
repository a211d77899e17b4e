//! What the kernel has written down about processes and cores.

use std::{collections::HashMap, fs, ops::Sub};

use rustix::param::clock_ticks_per_second;

/// Time on a core, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cpu {
    /// In the program.
    pub user: f64,
    /// In the kernel, for it.
    pub system: f64,
}

/// Time of a core, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Core {
    /// Not idle.
    pub busy: f64,
    /// Taken by the machine that this one is a guest of.
    pub stolen: f64,
}

impl Cpu {
    /// Both together.
    pub fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
        }
    }
}

impl Sub for Core {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            busy: self.busy - earlier.busy,
            stolen: self.stolen - earlier.stolen,
        }
    }
}

/// A process and all below it.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for id in all() {
        if let Some(parent) = Stat::of(id).and_then(|stat| stat.field(PARENT)) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next) {
        found.extend(children.remove(id).unwrap_or_default());
        next += 1;
    }
    found
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What these processes have used so far, with those of their children that have ended.
pub fn cpu(ids: &[u32]) -> Cpu {
    let mut sum = Cpu::default();
    for stat in ids.iter().filter_map(|&id| Stat::of(id)) {
        let ticks = |fields: [usize; 2]| -> u32 {
            fields
                .into_iter()
                .filter_map(|field| stat.field::<u32>(field))
                .sum()
        };
        sum.user += seconds(ticks(USER));
        sum.system += seconds(ticks(SYSTEM));
    }
    sum
}

/// How many threads these processes have.
pub fn threads(ids: &[u32]) -> u32 {
    let threads = |&id: &u32| Stat::of(id)?.field::<u32>(THREADS);
    ids.iter().filter_map(threads).sum()
}

/// Their memory in KiB; what several share is divided between them.
pub fn memory(ids: &[u32]) -> u64 {
    let pss = |id: &u32| {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    ids.iter().filter_map(pss).sum()
}

/// All cores of the machine.
pub fn cores() -> Vec<Core> {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let is_core = |line: &&str| {
        let rest = line.strip_prefix("cpu");
        rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    text.lines().filter(is_core).map(core).collect()
}

fn core(line: &str) -> Core {
    let ticks: Vec<u32> = (line.split_whitespace().skip(1))
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    let of = |fields: &[usize]| {
        let ticks = fields.iter().filter_map(|&field| ticks.get(field));
        seconds(ticks.sum())
    };
    Core {
        // user, nice, system; irq, softirq. Between them: idle, iowait.
        busy: of(&[0, 1, 2, 5, 6]),
        stolen: of(&[7]),
    }
}

fn seconds(ticks: u32) -> f64 {
    f64::from(ticks) / clock_ticks_per_second() as f64
}

/// `/proc/ID/stat` behind the program's name, which may contain anything.
struct Stat(String);

/// Places of fields there, counted from 0.
const PARENT: usize = 1;
const USER: [usize; 2] = [11, 13];
const SYSTEM: [usize; 2] = [12, 14];
const THREADS: usize = 17;

impl Stat {
    fn of(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (_, fields) = text.rsplit_once(')')?;
        Some(Self(fields.into()))
    }

    fn field<T: std::str::FromStr>(&self, at: usize) -> Option<T> {
        self.0.split_whitespace().nth(at)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_accounted_for() {
        let me = [std::process::id()];
        let before = cpu(&me);
        let mut burnt = 0_u64;
        while cpu(&me).total() - before.total() < 0.05 {
            for number in 0..1_000_000_u64 {
                burnt = std::hint::black_box(burnt ^ number);
            }
        }
        assert!((cpu(&me) - before).user > 0.0);
        assert!(memory(&me) > 500, "{} KiB", memory(&me));
        assert!(threads(&me) > 1);
        let cores = cores();
        assert!(cores.iter().map(|core| core.busy).sum::<f64>() >= cpu(&me).total());
    }

    #[test]
    fn a_child_belongs_to_the_tree() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let tree = tree(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(tree.contains(&child.id()) && tree[0] == std::process::id());
    }
}
