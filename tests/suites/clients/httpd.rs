//! A real Apache with both of its AJP13 clients, in a directory of its own.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
};

use jkd_tests::{Leashed, free_port, wait_until};
use tempfile::TempDir;

/// Which of its modules talks AJP13 to the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    Jk,
    ProxyAjp,
}

/// A running Apache with one listener for each module.
pub struct Httpd {
    process: Leashed,
    directory: TempDir,
    jk: SocketAddr,
    proxy_ajp: SocketAddr,
}

impl Httpd {
    /// Starts one whose modules send `secret` to the container.
    pub fn start(container: SocketAddr, secret: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let [jk, proxy_ajp] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
        let root = directory.path();
        fs::write(root.join("workers.properties"), workers(container, secret)).unwrap();
        let configuration = root.join("httpd.conf");
        fs::write(
            &configuration,
            httpd_conf(root, jk, proxy_ajp, container, secret),
        )
        .unwrap();
        let mut command = Command::new("apache2");
        // -X: one process, in the foreground, that one signal ends.
        command.args(["-X", "-f"]).arg(&configuration);
        let process = Leashed::start(&command, &root.join("output")).unwrap();
        let httpd = Self {
            process,
            directory,
            jk,
            proxy_ajp,
        };
        wait_until("Apache listens", || {
            assert!(
                httpd.process.is_running(),
                "Apache does not start: {}",
                httpd.logs()
            );
            [jk, proxy_ajp]
                .iter()
                .all(|address| TcpStream::connect(address).is_ok())
        });
        httpd
    }

    /// Where the listener of a module is.
    pub fn address(&self, module: Module) -> SocketAddr {
        match module {
            Module::Jk => self.jk,
            Module::ProxyAjp => self.proxy_ajp,
        }
    }

    /// All that it has logged, for a test that failed.
    pub fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        [self.process.log(), read("error.log"), read("jk.log")].join("\n")
    }
}

fn workers(container: SocketAddr, secret: &str) -> String {
    format!(
        "worker.list=container\n\
         worker.container.type=ajp13\n\
         worker.container.host={}\n\
         worker.container.port={}\n\
         worker.container.secret={secret}\n\
         worker.container.ping_mode=A\n\
         worker.container.ping_timeout=10000\n\
         worker.container.reply_timeout=30000\n",
        container.ip(),
        container.port(),
    )
}

fn httpd_conf(
    root: &Path,
    jk: SocketAddr,
    proxy_ajp: SocketAddr,
    container: SocketAddr,
    secret: &str,
) -> String {
    let modules = "/usr/lib/apache2/modules";
    let root = root.display();
    format!(
        r#"
ServerRoot "{root}"
ServerName localhost
PidFile "{root}/httpd.pid"
ErrorLog "{root}/error.log"
LogLevel info
DefaultRuntimeDir "{root}"
Mutex pthread
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_ajp_module {modules}/mod_proxy_ajp.so
LoadModule jk_module {modules}/mod_jk.so
JkWorkersFile "{root}/workers.properties"
JkShmFile "{root}/jk.shm"
JkLogFile "{root}/jk.log"
JkLogLevel info
Listen {jk}
Listen {proxy_ajp}
<VirtualHost {jk}>
  JkMount /* container
</VirtualHost>
<VirtualHost {proxy_ajp}>
  ProxyPass / ajp://{container}/ secret={secret} ping=10 timeout=30
</VirtualHost>
"#
    )
}
