//! Two real Tomcats in directories of their own, which replicate each other's sessions.

use std::{
    env, fs,
    fs::File,
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use jkworkers::model::{AjpWorker, Secret};
use std::os::unix::process::CommandExt as _;
use tokio::time::{Instant, sleep};

/// How long a Tomcat may take to start.
const START: Duration = Duration::from_secs(120);

/// Ends the program when its own standard input ends, which is when we do, however that happens.
const LEASH: &str = r#""$@" </dev/null & cat >/dev/null; kill $! 2>/dev/null; wait $! 2>/dev/null"#;

const SERVER_XML: &str = include_str!("server.xml");
const WEB_XML: &str = include_str!("web.xml");
const LOGGING: &str = include_str!("logging.properties");
const COUNTER_JSP: &str = include_str!("counter.jsp");

/// Tomcats, written and perhaps started.
#[derive(Debug)]
pub(super) struct Tomcats {
    home: PathBuf,
    java: PathBuf,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    route: Arc<str>,
    base: PathBuf,
    port: u16,
    process: Option<Child>,
}

/// Why there are no Tomcats.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTomcat {
    /// Nothing to start.
    #[error(
        "there is no Tomcat 10 in {0}\n    remedy: apt install tomcat10 openjdk-17-jre-headless, \
         or set CATALINA_HOME"
    )]
    NotInstalled(PathBuf),
    /// Java cannot be started.
    #[error(
        "{0} cannot be started: {1}\n    remedy: apt install openjdk-17-jre-headless, or set JAVA_HOME"
    )]
    NoJava(PathBuf, io::Error),
    /// It ended, or did not start in time.
    #[error("{route} did not start; the end of its log is:\n{log}")]
    NotStarted {
        /// Which.
        route: Arc<str>,
        /// What it said last.
        log: String,
    },
    /// Its files cannot be written.
    #[error("cannot prepare Tomcat: {0}")]
    Files(#[from] io::Error),
}

impl Tomcats {
    /// Writes a Tomcat for each member below `directory`. None runs yet.
    pub(super) fn prepare(directory: &Path, members: &[Arc<AjpWorker>]) -> Result<Self, NoTomcat> {
        let home = env::var_os("CATALINA_HOME").map_or_else(debian, PathBuf::from);
        if !home.join("bin/bootstrap.jar").is_file() {
            return Err(NoTomcat::NotInstalled(home));
        }
        let java = env::var_os("JAVA_HOME")
            .map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java"));
        check(&java)?;
        let ports = free_ports(members.len() * 2)?;
        let (ajp, receivers) = ports.split_at(members.len());
        let mut nodes = Vec::new();
        for ((index, member), port) in members.iter().enumerate().zip(ajp) {
            let base = directory.join(&*member.name);
            let server_xml = server_xml(member, index, *port, receivers);
            write_base(&home, &base, &server_xml)?;
            nodes.push(Node {
                route: Arc::clone(&member.name),
                base,
                port: *port,
                process: None,
            });
        }
        Ok(Self { home, java, nodes })
    }

    /// The ports of the AJP connectors.
    pub(super) fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(|node| node.port).collect()
    }

    /// Starts one after the other: two that start at once may wait for each other's sessions.
    pub(super) async fn start(&mut self) -> Result<(), NoTomcat> {
        for node in &mut self.nodes {
            println!("starting {} …", node.route);
            node.process = Some(node.spawn(&self.home, &self.java)?);
            node.started().await?;
        }
        Ok(())
    }

    /// Stops all, at the same time, and waits until they are gone.
    pub(super) fn stop(mut self) {
        let running = self.nodes.iter_mut().filter_map(|node| node.process.take());
        let mut stopping: Vec<_> = running.collect();
        for process in &mut stopping {
            drop(process.stdin.take());
        }
        for mut process in stopping {
            let _ = process.wait();
        }
    }
}

impl Node {
    fn spawn(&self, home: &Path, java: &Path) -> Result<Child, NoTomcat> {
        let log = File::create(self.log_path())?;
        let property = |name: &str, value: &Path| format!("-D{name}={}", value.display());
        let logging = self.base.join("conf/logging.properties");
        let mut command = Command::new("sh");
        command
            .args(["-c", LEASH, "leash"])
            .arg(java)
            .args(["-Xmx256m", "-Djava.net.preferIPv4Stack=true"])
            .arg("-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager")
            .arg(property("java.util.logging.config.file", &logging))
            .arg(format!("-Dnode={}", self.route))
            .arg(property("catalina.home", home))
            .arg(property("catalina.base", &self.base))
            .arg(property("java.io.tmpdir", &self.base.join("temp")))
            .arg("-cp")
            .arg(format!(
                "{0}/bin/bootstrap.jar:{0}/bin/tomcat-juli.jar",
                home.display()
            ))
            .args(["org.apache.catalina.startup.Bootstrap", "start"])
            .current_dir(&self.base)
            // A group of its own: Ctrl-C shall reach jkd, which then stops everything in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(log.try_clone()?)
            .stdout(log);
        Ok(command.spawn()?)
    }

    async fn started(&mut self) -> Result<(), NoTomcat> {
        let start = Instant::now();
        loop {
            let log = fs::read(self.log_path())?;
            let log = String::from_utf8_lossy(&log);
            if log.contains("Server startup in") {
                return Ok(());
            }
            if start.elapsed() > START || log.contains("Could not find or load main class") {
                let lines: Vec<_> = log.lines().rev().take(10).collect();
                return Err(NoTomcat::NotStarted {
                    route: Arc::clone(&self.route),
                    log: lines.into_iter().rev().collect::<Vec<_>>().join("\n"),
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn log_path(&self) -> PathBuf {
        self.base.join("logs/console.log")
    }
}

fn debian() -> PathBuf {
    "/usr/share/tomcat10".into()
}

fn check(java: &Path) -> Result<(), NoTomcat> {
    let version = Command::new(java)
        .arg("-version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match version {
        Ok(_) => Ok(()),
        Err(error) => Err(NoTomcat::NoJava(java.into(), error)),
    }
}

/// Ports that nobody uses now, all different.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners: Vec<_> = (0..count).map(listen).collect::<io::Result<_>>()?;
    listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect()
}

fn server_xml(member: &AjpWorker, index: usize, port: u16, receivers: &[u16]) -> String {
    let peer = 1 - index.min(1);
    let receiver = |index: usize| {
        receivers
            .get(index)
            .copied()
            .unwrap_or_default()
            .to_string()
    };
    let secret = member
        .secret
        .as_ref()
        .map(Secret::reveal)
        .unwrap_or_default();
    [
        ("@AJP@", port.to_string()),
        ("@SECRET@", escaped(secret)),
        ("@ROUTE@", escaped(&member.name)),
        ("@NUMBER@", (index + 1).to_string()),
        ("@PEER_NUMBER@", (peer + 1).to_string()),
        ("@RECEIVER@", receiver(index)),
        ("@PEER_RECEIVER@", receiver(peer)),
    ]
    .iter()
    .fold(SERVER_XML.to_owned(), |text, (word, value)| {
        text.replace(word, value)
    })
}

/// As the value of an XML attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

fn write_base(home: &Path, base: &Path, server_xml: &str) -> io::Result<()> {
    for directory in ["conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"] {
        fs::create_dir_all(base.join(directory))?;
    }
    for (path, text) in [
        ("conf/server.xml", server_xml),
        ("conf/logging.properties", LOGGING),
        ("webapps/ROOT/WEB-INF/web.xml", WEB_XML),
        ("webapps/ROOT/counter.jsp", COUNTER_JSP),
    ] {
        fs::write(base.join(path), text)?;
    }
    for name in ["web.xml", "catalina.properties"] {
        // Debian keeps copies that everybody may read in `etc`.
        let places = [home.join("etc").join(name), home.join("conf").join(name)];
        let text = fs::read_to_string(&places[0]).or_else(|_| fs::read_to_string(&places[1]))?;
        // There is nothing in the jars to search for, and searching takes most of the start.
        let text = text.replace("jarsToSkip=\\", "jarsToSkip=*.jar,\\");
        fs::write(base.join("conf").join(name), text)?;
    }
    Ok(())
}
