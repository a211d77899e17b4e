//! Programs on a leash: they end with the test that started them, also when it is killed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::wait::{LONG, within};

/// A program whose output goes to a file and whose life is bound to ours.
///
/// Between us and it stands a shell that waits for the end of its input: whatever ends this
/// process closes that pipe, and then the shell kills the program. So not even `static`s, whose
/// destructors never run, leave a program behind.
#[derive(Debug)]
pub struct Leashed {
    shell: Child,
    leash: Option<ChildStdin>,
    pid: u32,
    log: PathBuf,
    status: PathBuf,
}

/// `$1` is where to write the program's id, and with `.status` behind it the exit status; the rest
/// is the program. The program must not inherit the leash, or it would hold its own. Once it has
/// ended its id may belong to somebody else, so then nobody is killed. One that has made a process
/// group of its own, as servers with children do, ends with all of the group.
const SCRIPT: &str = r#"
at=$1; shift
exec 3<&0
(
  sh -c 'echo $$ >"$0.tmp" && mv "$0.tmp" "$0"; exec "$@"' "$at" "$@"
  echo $? >"$at.status.tmp" && mv "$at.status.tmp" "$at.status"
) </dev/null 3<&- &
cat <&3 >/dev/null
[ -e "$at.status" ] || kill -9 "-$(cat "$at")" 2>/dev/null || kill -9 "$(cat "$at")" 2>/dev/null
wait
"#;

impl Leashed {
    /// Starts `command` with standard output and error in `log`, a file of its own.
    pub fn start(command: &Command, log: &Path) -> io::Result<Self> {
        let pid_file = log.with_extension("pid");
        let status = log.with_extension("pid.status");
        for old in [&pid_file, &status] {
            let _ = fs::remove_file(old);
        }
        let output = File::create(log)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "leash"]).arg(&pid_file);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        let mut shell = shell
            .stdin(Stdio::piped())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()?;
        let pid = within(LONG, "the id of a program that was just started", || {
            fs::read_to_string(&pid_file).ok()?.trim().parse().ok()
        });
        Ok(Self {
            leash: shell.stdin.take(),
            shell,
            pid,
            log: log.into(),
            status,
        })
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it still runs (a stopped one does).
    pub fn is_running(&self) -> bool {
        !self.status.exists()
    }

    /// Sends a signal by name (`TERM`, `KILL`, `STOP`, `CONT`, `HUP`, `INT`).
    pub fn signal(&self, name: &str) {
        signal(self.pid, name);
    }

    /// Waits until it has ended, and returns its exit status as a shell has it: 128 and the signal's
    /// number where a signal ended it.
    pub fn wait_for_end(&self) -> i32 {
        within(LONG, "the end of a program", || {
            fs::read_to_string(&self.status).ok()?.trim().parse().ok()
        })
    }

    /// Whether no thread of it or of its children has anything to do right now.
    pub fn is_at_rest(&self) -> bool {
        let own = self.pid.to_string();
        let is_ours = |process: &Path| {
            let is_child = || state(process).is_some_and(|(_, parent)| parent == own);
            process.file_name().is_some_and(|name| *name == *own) || is_child()
        };
        let processes = entries(Path::new("/proc")).filter(|path| is_ours(path));
        let mut tasks = processes.flat_map(|process| entries(&process.join("task")));
        tasks.all(|task| state(&task).is_none_or(|(state, _)| state == "S"))
    }

    /// The value of a line of `/proc/PID/status` in kB, such as `VmHWM` (the peak of its resident
    /// memory) or `VmRSS`.
    pub fn memory_kb(&self, what: &str) -> u64 {
        fs::read_to_string(format!("/proc/{}/status", self.pid))
            .ok()
            .and_then(|status| {
                let line = status.lines().find(|l| l.starts_with(what))?;
                line.split_whitespace().nth(1)?.parse().ok()
            })
            .unwrap_or_else(|| panic!("no {what} of process {}", self.pid))
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.shell.wait();
    }
}

/// What a process or a thread does (`S`: it sleeps), and its parent, of its directory in `/proc`.
fn state(directory: &Path) -> Option<(String, String)> {
    let stat = fs::read_to_string(directory.join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').map(str::to_owned);
    Some((fields.next()?, fields.next()?))
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// From now on this process may have as many files open as the system lets it.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).expect("a limit up to the highest");
}

/// Sends a signal by name to a process that the caller has started.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "kill", name])
        .arg(pid.to_string())
        .status()
        .expect("sh runs");
    assert!(status.success(), "cannot send {name} to {pid}");
}
