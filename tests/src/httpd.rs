//! A real Apache httpd with mod_jk, in one process and in a directory of its own.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
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

const MODULES: &str = "/usr/lib/apache2/modules";

impl Httpd {
    /// Starts one with these files in its directory, and `configuration` behind what every
    /// configuration needs.
    pub fn start(files: &[(&str, &str)], configuration: &str) -> Self {
        // Apache cannot choose its port itself, and another program may be quicker.
        for _ in 0..5 {
            if let Some(httpd) = Self::try_start(files, configuration) {
                return httpd;
            }
        }
        panic!("no port for Apache")
    }

    fn try_start(files: &[(&str, &str)], configuration: &str) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path();
        fs::create_dir(root.join("www")).expect("a directory");
        for (name, text) in files {
            fs::write(root.join(name), text).expect("a file");
        }
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let file = root.join("httpd.conf");
        fs::write(&file, basis(root, address) + configuration).expect("a file");
        let mut command = Command::new("apache2");
        // -X: one process, in the foreground, that one signal ends.
        command.args(["-X", "-f"]).arg(&file);
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
            return Some(httpd);
        }
        let logs = httpd.logs();
        assert!(logs.contains("Address already in use"), "{logs}");
        None
    }

    /// All that it has logged.
    pub fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        [self.process.log(), read("error.log"), read("jk.log")].join("\n")
    }
}

fn basis(root: &Path, address: SocketAddr) -> String {
    let root = root.display();
    let mut text = format!(
        "ServerRoot \"{root}\"\nServerName localhost\nPidFile \"{root}/httpd.pid\"\n\
         ErrorLog \"{root}/error.log\"\nDefaultRuntimeDir \"{root}\"\nMutex pthread\n\
         DocumentRoot \"{root}/www\"\nListen {address}\n"
    );
    for module in [
        "mpm_event",
        "authz_core",
        "authz_host",
        "access_compat",
        "env",
        "setenvif",
        "headers",
        "jk",
    ] {
        text.push_str(&format!(
            "LoadModule {module}_module {MODULES}/mod_{module}.so\n"
        ));
    }
    text + &format!(
        "JkShmFile \"{root}/jk.shm\"\nJkLogFile \"{root}/jk.log\"\nJkLogLevel info\n\
         JkWorkersFile workers.properties\n"
    )
}
