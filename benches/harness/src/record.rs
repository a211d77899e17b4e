//! Results, one JSON object a line.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{backend::Counts, load::Outcome};

/// A line of results.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// Where and with what the lines that follow were measured.
    Machine(Machine),
    /// One scenario on one front end, once.
    Sample(Box<Sample>),
    /// System calls under load.
    Calls(Calls),
    /// Instructions in user space.
    Instructions(Instructions),
}

/// The machine, and versions of everything.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// How many cores.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// Version of the kernel.
    pub kernel: String,
    /// Version of the compiler that built jkd, the floor, backend and generator.
    pub rustc: String,
    /// Name and version of each program.
    pub programs: Vec<(String, String)>,
    /// How processes were spread over cores.
    pub pinned: String,
    /// How answers of the backend were cut.
    pub segments: String,
}

/// One scenario on one front end, once.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Sample {
    /// Which front end.
    pub peer: String,
    /// Which scenario.
    pub scenario: String,
    /// In which round.
    pub repeat: usize,
    /// Why there are no figures.
    pub failed: Option<String>,
    /// What the generator saw.
    pub outcome: Outcome,
    /// Milliseconds of CPU for 1,000 requests, in the front end's programs.
    pub user_ms: f64,
    /// The same in the kernel.
    pub system_ms: f64,
    /// Share of a core that the front end used.
    pub used: f64,
    /// Share of a core that generator and backend used.
    pub used_by_load: f64,
    /// Share of the cores that others used, and that was stolen.
    pub foreign: f64,
    /// Memory at the end, with requests in flight, in KiB.
    pub memory_kib: u64,
    /// Memory before idle connections came, in KiB.
    pub memory_before_idle_kib: u64,
    /// Threads of the front end.
    pub threads: u32,
    /// What the backend counted.
    pub backend: Counts,
}

/// System calls under load.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Calls {
    /// Which front end.
    pub peer: String,
    /// Which scenario.
    pub scenario: String,
    /// Requests while counting.
    pub requests: u64,
    /// System calls for each of them.
    pub calls: f64,
    /// Switches to another thread for each of them.
    pub switches: f64,
    /// Each call by name, the most frequent first.
    pub by_name: Vec<(String, f64)>,
}

/// Instructions in user space.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Instructions {
    /// Which front end.
    pub peer: String,
    /// For each request.
    pub instructions: f64,
}

impl Sample {
    /// Milliseconds of CPU for 1,000 requests.
    pub fn cpu_ms(&self) -> f64 {
        self.user_ms + self.system_ms
    }

    /// Requests a second.
    pub fn throughput(&self) -> f64 {
        self.outcome.requests as f64 / self.outcome.seconds
    }

    /// Whatever makes the figures worthless.
    pub fn faults(&self) -> u64 {
        self.outcome.faults.count() as u64 + self.backend.misrouted + self.backend.malformed
    }
}

/// A file of results that grows.
#[derive(Debug)]
pub struct Writer(File);

impl Writer {
    /// Opens it, behind what is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map(Self)
    }

    /// Adds a line, at once.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.0.write_all(text.as_bytes())
    }
}

/// Reads files of results.
///
/// # Errors
/// When there is none, or it holds something else.
pub fn read(paths: &[impl AsRef<Path>]) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for path in paths {
        for line in BufReader::new(File::open(path)?).lines() {
            lines.push(serde_json::from_str(&line?)?);
        }
    }
    Ok(lines)
}

/// The last count of system calls for each scenario and front end.
pub fn last_calls(lines: &[Line]) -> Vec<&Calls> {
    let mut last: Vec<&Calls> = Vec::new();
    for line in lines {
        if let Line::Calls(calls) = line {
            last.retain(|old| (&old.scenario, &old.peer) != (&calls.scenario, &calls.peer));
            last.push(calls);
        }
    }
    last
}

/// The last count of instructions for each front end.
pub fn last_instructions(lines: &[Line]) -> Vec<&Instructions> {
    let mut last: Vec<&Instructions> = Vec::new();
    for line in lines {
        if let Line::Instructions(counted) = line {
            last.retain(|old| old.peer != counted.peer);
            last.push(counted);
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below/results.jsonl");
        let sample = Sample {
            peer: "jkd".into(),
            user_ms: 1.5,
            system_ms: 2.25,
            ..Sample::default()
        };
        for _ in 0..2 {
            let mut writer = Writer::open(&path).unwrap();
            writer
                .write(&Line::Sample(Box::new(sample.clone())))
                .unwrap();
            writer.write(&Line::Calls(Calls::default())).unwrap();
        }
        let lines = read(&[path]).unwrap();
        assert_eq!(lines.len(), 4);
        let Line::Sample(read) = &lines[2] else {
            panic!("{lines:?}");
        };
        assert_eq!((read.peer.as_str(), read.cpu_ms()), ("jkd", 3.75));
    }

    #[test]
    fn the_last_count_counts() {
        let calls = |peer: &str, calls| {
            Line::Calls(Calls {
                peer: peer.into(),
                calls,
                ..Calls::default()
            })
        };
        let lines = [calls("jkd", 5.0), calls("nginx", 5.1), calls("jkd", 4.0)];
        let last: Vec<_> = last_calls(&lines).iter().map(|calls| calls.calls).collect();
        assert_eq!(last, [5.1, 4.0]);
        assert!(last_instructions(&lines).is_empty());
    }
}
