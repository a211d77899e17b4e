//! The real `jkd` binary.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    http1::Http,
    process::Leashed,
    wait::{LONG, try_within, within},
};

/// A running `jkd` with a directory of its own for its files.
#[derive(Debug)]
pub struct Jkd {
    /// Where it serves HTTP.
    pub address: SocketAddr,
    binary: PathBuf,
    process: Leashed,
    directory: TempDir,
}

/// What a [`Jkd`] shall be started with.
#[derive(Debug)]
pub struct JkdBuilder {
    binary: PathBuf,
    directory: TempDir,
    environment: Vec<(String, String)>,
    /// Files and directories of the machine, with the names in its directory of what it sees in
    /// their place.
    instead: Vec<(String, String)>,
}

impl Jkd {
    /// A `jkd` of this binary: `env!("CARGO_BIN_EXE_jkd")`.
    pub fn builder(binary: &str) -> JkdBuilder {
        JkdBuilder {
            binary: binary.into(),
            directory: tempfile::tempdir().expect("a temporary directory"),
            environment: Vec::new(),
            instead: Vec::new(),
        }
    }

    /// Serves these workers, mounted as told, on a free port.
    pub fn serving(binary: &str, workers: &str, mounts: &[&str]) -> Self {
        let builder = Self::builder(binary).file("workers.properties", workers);
        let mut arguments = vec![
            "run",
            "--listen",
            "127.0.0.1:0",
            "--workers",
            "workers.properties",
        ];
        arguments.extend(mounts.iter().flat_map(|mount| ["--mount", mount]));
        builder.start(&arguments)
    }

    /// A client of it.
    pub fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// Its process.
    pub fn process(&self) -> &Leashed {
        &self.process
    }

    /// Runs another command in its directory, to its end.
    pub fn run(&self, arguments: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("NO_COLOR", "1");
        command.output()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until its log contains `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        let found = try_within(LONG, || self.log().contains(text).then_some(()));
        assert!(found.is_some(), "no {text:?} in the log:\n{}", self.log());
    }

    /// Writes a file of its directory anew.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).expect("a file");
    }

    /// The path of a file of its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sends SIGTERM and waits for the end; returns the exit status.
    pub fn terminate(&self) -> i32 {
        self.process.signal("TERM");
        self.process.wait_for_end()
    }
}

impl JkdBuilder {
    /// Writes a file into its directory, which is also its working directory, or below it.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, text).expect("a file");
        crate::httpd::age(&path);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Lets it see these lines instead of the machine's `/etc/hosts`, and ask nobody else for
    /// names. They can be changed while it runs: [`Jkd::write`] the file `hosts`. Needs root, or a
    /// kernel that lets everybody make namespaces.
    #[must_use]
    pub fn names(self, hosts: &str) -> Self {
        self.file("hosts", hosts)
            .file("nsswitch.conf", "hosts: files\n")
            .file("host.conf", "multi on\n")
            .instead("/etc/hosts", "hosts")
            .instead("/etc/nsswitch.conf", "nsswitch.conf")
            .instead("/etc/host.conf", "host.conf")
    }

    /// Lets it see a file or directory of its own directory in place of one of the machine, if
    /// there is one. Needs root, or a kernel that lets everybody make namespaces.
    #[must_use]
    pub fn instead(mut self, path: &str, name: &str) -> Self {
        self.instead.push((path.into(), name.into()));
        self
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it with these arguments and waits until it listens.
    pub fn start(self, arguments: &[&str]) -> Jkd {
        let log = self.directory.path().join("jkd.out");
        let process = Leashed::start(&self.command(arguments), &log).expect("jkd can be started");
        let address = within(LONG, "jkd to listen", || {
            let log = process.log();
            assert!(process.is_running(), "jkd ended:\n{log}");
            listening(&log)
        });
        Jkd {
            address,
            binary: self.binary,
            process,
            directory: self.directory,
        }
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> io::Result<Output> {
        self.command(arguments).output()
    }

    /// A directory for temporary files, so that a test sees what is left there.
    fn temporary(&self) -> PathBuf {
        let path = self.directory.path().join("tmp");
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = if self.instead.is_empty() {
            Command::new(&self.binary)
        } else {
            in_own_namespace(&self.binary, &self.instead)
        };
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("TMPDIR", self.temporary())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env_remove("RUST_LOG")
            .env("NO_COLOR", "1");
        command
    }
}

/// Puts files and directories of the working directory over those of the system, for this program
/// alone.
fn over(instead: &[(String, String)]) -> String {
    let mounts = instead.iter().map(|(path, name)| {
        format!("[ ! -e '{path}' ] || mount --bind '{name}' '{path}' || exit 1\n")
    });
    mounts.chain(["exec \"$0\" \"$@\"\n".to_owned()]).collect()
}

fn in_own_namespace(binary: &Path, instead: &[(String, String)]) -> Command {
    let mut command = Command::new("unshare");
    let may_mount = Command::new("unshare").args(["--mount", "true"]).output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command.arg(over(instead));
    command.arg(binary);
    command
}

/// The address in the line `… listening on http://ADDRESS`.
fn listening(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("listening on http")?;
    let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix("://")?;
    let end = rest.find(|c: char| c.is_whitespace() || c == '/')?;
    rest[..end].parse().ok()
}
