//! A real Apache httpd with mod_jk, in one process and in a directory of its own.

use std::{
    fs::{self, Permissions},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use crate::{
    process::Leashed,
    wait::{free_port, wait_until},
};

/// A running Apache.
#[derive(Debug)]
pub struct Httpd {
    /// Where it listens.
    pub address: SocketAddr,
    process: Leashed,
    directory: TempDir,
}

/// How it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// `-X`: one process.
    Single,
    /// A parent and one child with threads, as in production.
    Forked,
}

const MODULES: &str = "/usr/lib/apache2/modules";

impl Httpd {
    /// Starts one with these files in its directory, and `configuration` behind what every
    /// configuration needs. It is one process.
    pub fn start(files: &[(&str, &str)], configuration: &str) -> Self {
        Self::run(Mode::Single, files, configuration)
    }

    /// The same as a parent and one child with threads, and with the modules that Debian's package
    /// has on.
    pub fn start_forked(files: &[(&str, &str)], configuration: &str) -> Self {
        Self::run(Mode::Forked, files, configuration)
    }

    /// As `start_forked`, for a configuration that it may refuse.
    ///
    /// # Errors
    ///
    /// What it has logged, when it does not start.
    pub fn try_start_forked(files: &[(&str, &[u8])], configuration: &str) -> Result<Self, String> {
        // Apache cannot choose its port itself, and another program may be quicker.
        for _ in 0..5 {
            match Self::try_start(Mode::Forked, files, configuration) {
                Err(logs) if logs.contains("Address already in use") => {}
                started => return started,
            }
        }
        panic!("no port for Apache")
    }

    fn run(mode: Mode, files: &[(&str, &str)], configuration: &str) -> Self {
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, text.as_bytes()))
            .collect();
        for _ in 0..5 {
            match Self::try_start(mode, &files, configuration) {
                Ok(httpd) => return httpd,
                Err(logs) => assert!(logs.contains("Address already in use"), "{logs}"),
            }
        }
        panic!("no port for Apache")
    }

    fn try_start(mode: Mode, files: &[(&str, &[u8])], configuration: &str) -> Result<Self, String> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path();
        // A child that is not root has to see the files.
        fs::set_permissions(root, Permissions::from_mode(0o755)).expect("permissions");
        fs::create_dir(root.join("www")).expect("a directory");
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::write(&path, text).expect("a file");
            age(&path);
        }
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let file = root.join("httpd.conf");
        let configuration = configuration.replace("@root@", &root.display().to_string());
        fs::write(&file, basis(mode, root, address) + &configuration).expect("a file");
        // Both stay in the foreground. The children of a parent are of its process group, which ends
        // with it.
        let mut command = match mode {
            Mode::Single => words("apache2 -X"),
            Mode::Forked => words("setsid apache2 -D FOREGROUND"),
        };
        command.arg("-f").arg(&file);
        let process = Leashed::start(&command, &root.join("output")).expect("Apache starts");
        let httpd = Self {
            address,
            process,
            directory,
        };
        // It is written once Apache has its port; until then another one may have it.
        let pid = httpd.directory.path().join("httpd.pid");
        wait_until("Apache listens", || {
            let listens = pid.exists() && TcpStream::connect(address).is_ok();
            listens || !httpd.process.is_running()
        });
        if httpd.process.is_running() {
            return Ok(httpd);
        }
        Err(httpd.logs())
    }

    /// The parent of all its processes.
    pub fn process(&self) -> &Leashed {
        &self.process
    }

    /// The path of a file in its directory.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// All that it has logged.
    pub fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        [self.process.log(), read("error.log"), read("jk.log")].join("\n")
    }
}

/// Makes a file as old as all others: what has just changed has a weak entity tag.
pub fn age(path: &Path) {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.set_modified(long_ago).expect("a time");
}

fn words(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

fn basis(mode: Mode, root: &Path, address: SocketAddr) -> String {
    let root = root.display();
    let mut text = format!(
        "ServerRoot \"{root}\"\nServerName localhost\nPidFile \"{root}/httpd.pid\"\n\
         ErrorLog \"{root}/error.log\"\nDefaultRuntimeDir \"{root}\"\nMutex pthread\n\
         DocumentRoot \"{root}/www\"\nListen {address}\n"
    );
    text += &load_lines(mode);
    if mode == Mode::Forked {
        text += FORKED;
    }
    text + &format!(
        "JkShmFile \"{root}/jk.shm\"\nJkLogFile \"{root}/jk.log\"\nJkLogLevel info\n\
         JkWorkersFile workers.properties\n"
    )
}

/// The `LoadModule` lines of [`Httpd::start_forked`].
pub fn modules() -> String {
    load_lines(Mode::Forked)
}

/// In Debian's order: mod_jk comes after mod_alias, mod_autoindex and mod_dir.
fn load_lines(mode: Mode) -> String {
    let more: &[&str] = if mode == Mode::Forked { &MORE } else { &[] };
    let modules = BASIC.iter().chain(more).chain(&["jk"]);
    let lines =
        modules.map(|module| format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n"));
    lines.collect()
}

const BASIC: [&str; 7] = [
    "mpm_event",
    "authz_core",
    "authz_host",
    "access_compat",
    "env",
    "setenvif",
    "headers",
];

const MORE: [&str; 15] = [
    "alias",
    "auth_basic",
    "authn_core",
    "authn_file",
    "authz_groupfile",
    "authz_user",
    "autoindex",
    "deflate",
    "dir",
    "expires",
    "filter",
    "mime",
    "negotiation",
    "reqtimeout",
    "rewrite",
];

/// The user counts where root starts it, the types are Debian's.
const FORKED: &str = "ServerLimit 1\nStartServers 1\nThreadLimit 25\nThreadsPerChild 25\n\
                      MaxRequestWorkers 25\nMinSpareThreads 1\nMaxSpareThreads 25\n\
                      MaxConnectionsPerChild 0\nUser www-data\nGroup www-data\n\
                      TypesConfig /etc/mime.types\n";
