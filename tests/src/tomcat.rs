//! Real Tomcats, each in a `CATALINA_BASE` of its own below a temporary directory.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    process::Leashed,
    wait::{LONG, free_port, wait_until},
};

/// What Tomcat needs to start, the JVM with its class loading included, on a busy machine.
const START: Duration = Duration::from_secs(180);

/// Where Tomcat is installed: `CATALINA_HOME`, or Debian's package.
pub fn home() -> PathBuf {
    std::env::var_os("CATALINA_HOME").map_or_else(|| "/usr/share/tomcat10".into(), PathBuf::from)
}

/// One Tomcat: its directory, its ports, and its process while it runs.
#[derive(Debug)]
pub struct Tomcat {
    /// The `jvmRoute`.
    pub route: String,
    /// The AJP connectors, in the order in which they were asked for.
    pub ajp: Vec<SocketAddr>,
    base: PathBuf,
    process: Option<Leashed>,
    _directory: Option<TempDir>,
}

/// What a [`Tomcat`] shall be like.
#[derive(Debug)]
pub struct TomcatBuilder {
    route: String,
    connectors: Vec<String>,
    first_at: Option<SocketAddr>,
    /// Name, directory, and what stands inside the `Context` element.
    applications: Vec<(String, PathBuf, String)>,
    files: Vec<(PathBuf, String)>,
}

impl Tomcat {
    /// A Tomcat with this `jvmRoute`.
    pub fn builder(route: &str) -> TomcatBuilder {
        TomcatBuilder {
            route: route.into(),
            connectors: Vec::new(),
            first_at: None,
            applications: Vec::new(),
            files: Vec::new(),
        }
    }

    /// The address of the first AJP connector.
    pub fn address(&self) -> SocketAddr {
        self.ajp[0]
    }

    /// Its `CATALINA_BASE`.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Starts it and waits until it says that it has started and its first connector answers.
    pub fn start(&mut self) {
        let process = Leashed::start(&self.command(), &self.base.join("logs/out.log"))
            .expect("Tomcat can be started: tests/run installs it");
        crate::wait::within(START, &format!("Tomcat {} to start", self.route), || {
            let log = process.log();
            assert!(process.is_running(), "Tomcat ended:\n{log}");
            log.contains("Server startup in").then_some(())
        });
        self.process = Some(process);
        wait_until("the AJP connector to answer a CPing", || self.answers());
    }

    /// Stops it as an operator does (SIGTERM) and waits until it is gone.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Kills it without a chance to say anything.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Freezes it: its port still accepts, and nobody answers.
    pub fn freeze(&self) {
        self.running().signal("STOP");
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.running().signal("CONT");
    }

    /// Whether it was started and not ended.
    pub fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(Leashed::is_running)
    }

    /// Its console output.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Leashed::log).unwrap_or_default()
    }

    /// Whether the first connector answers a CPing with a CPong.
    pub fn answers(&self) -> bool {
        cping(self.address()).unwrap_or(false)
    }

    fn end(&mut self, signal: &str) {
        let process = self.process.take().expect("it runs");
        process.signal(signal);
        process.wait_for_end();
    }

    fn running(&self) -> &Leashed {
        self.process.as_ref().expect("it runs")
    }

    fn command(&self) -> Command {
        let (home, base) = (home(), &self.base);
        let bin = home.join("bin");
        let of = |name: &str, value: &Path| format!("-D{name}={}", value.display());
        let mut java = Command::new(java());
        java.current_dir(base)
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg("-Djava.net.preferIPv4Stack=true")
            .arg("-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager")
            .arg(of(
                "java.util.logging.config.file",
                &base.join("conf/logging.properties"),
            ))
            .arg(format!("-Dnode={}", self.route))
            .arg(of("catalina.home", &home))
            .arg(of("catalina.base", base))
            .arg(of("java.io.tmpdir", &base.join("temp")))
            .arg("-cp")
            .arg(format!(
                "{0}/bootstrap.jar:{0}/tomcat-juli.jar",
                bin.display()
            ))
            .args(["org.apache.catalina.startup.Bootstrap", "start"]);
        java
    }
}

impl TomcatBuilder {
    /// Adds an AJP connector with these attributes beside port and address, such as
    /// `secret="x" packetSize="16384"`.
    #[must_use]
    pub fn connector(mut self, attributes: &str) -> Self {
        self.connectors.push(attributes.into());
        self
    }

    /// Where the first AJP connector listens; otherwise at a free port of 127.0.0.1.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.first_at = Some(address);
        self
    }

    /// Serves the application in `directory` at `/name`.
    #[must_use]
    pub fn application(self, name: &str, directory: impl Into<PathBuf>) -> Self {
        self.application_with(name, directory, "")
    }

    /// Serves the application in `directory` at `/name`, with these elements inside its `Context`,
    /// such as a `Valve` or a `Realm`.
    #[must_use]
    pub fn application_with(
        mut self,
        name: &str,
        directory: impl Into<PathBuf>,
        elements: &str,
    ) -> Self {
        self.applications
            .push((name.into(), directory.into(), elements.into()));
        self
    }

    /// Writes a file into the root application, for example a JSP.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.into(), text.into()));
        self
    }

    /// Writes everything and starts it.
    pub fn start(self) -> Tomcat {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let base = directory.path().to_owned();
        let mut ajp: Vec<SocketAddr> = self.connectors.iter().map(|_| free_address()).collect();
        if let (Some(first), Some(at)) = (ajp.first_mut(), self.first_at) {
            *first = at;
        }
        let scan = if self.applications.is_empty() {
            Scan::Nothing
        } else {
            Scan::Everything
        };
        write_base(&base, &self.server_xml(&ajp), scan);
        let root = base.join("webapps/ROOT");
        for (path, text) in &self.files {
            write(&root.join(path), text);
        }
        let mut tomcat = Tomcat {
            route: self.route,
            ajp,
            base,
            process: None,
            _directory: Some(directory),
        };
        tomcat.start();
        tomcat
    }

    fn server_xml(&self, ajp: &[SocketAddr]) -> String {
        use std::fmt::Write as _;
        let (mut connectors, mut contexts) = (String::new(), String::new());
        for (address, attributes) in ajp.iter().zip(&self.connectors) {
            let (ip, port) = (address.ip(), address.port());
            let _ = writeln!(
                connectors,
                r#"<Connector port="{port}" protocol="AJP/1.3" address="{ip}" {attributes}/>"#
            );
        }
        for (name, directory, elements) in &self.applications {
            let _ = writeln!(
                contexts,
                r#"<Context path="/{name}" docBase="{}"><Resources allowLinking="true"/>{elements}</Context>"#,
                directory.display()
            );
        }
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1" shutdown="SHUTDOWN">
  <Service name="Catalina">
    {connectors}
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="{}">
      <Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false">{contexts}</Host>
    </Engine>
  </Service>
</Server>
"#,
            self.route
        )
    }
}

/// Two Tomcats, `tomcat1` and `tomcat2`, that replicate each other's sessions. The session id keeps
/// its route when the other one takes a session over (no `JvmRouteBinderValve`).
#[derive(Debug)]
pub struct Cluster {
    /// `tomcat1` and `tomcat2`.
    pub nodes: [Tomcat; 2],
    _directory: TempDir,
}

impl Cluster {
    /// The secret of both AJP connectors.
    pub const SECRET: &'static str = "a secret of the tests";

    /// Writes both, with these files in the root application of each; starts none.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let receivers = [free_port(), free_port()];
        let node = |index: usize| {
            let number = index + 1;
            let base = directory.path().join(format!("tomcat{number}"));
            let ajp = free_address();
            write_base(
                &base,
                &clustered_server_xml(number, ajp.port(), receivers),
                Scan::Nothing,
            );
            let root = base.join("webapps/ROOT");
            write(&root.join("WEB-INF/web.xml"), WEB_XML);
            write(&root.join("counter.jsp"), COUNTER_JSP);
            for (path, text) in files {
                write(&root.join(path), text);
            }
            Tomcat {
                route: format!("tomcat{number}"),
                ajp: vec![ajp],
                base,
                process: None,
                _directory: None,
            }
        };
        Self {
            nodes: [node(0), node(1)],
            _directory: directory,
        }
    }

    /// Starts one after the other: two that start at once may each wait for the other's sessions.
    pub fn start_all(&mut self) {
        for node in &mut self.nodes {
            node.start();
        }
    }
}

const SERVER_XML: &str = include_str!("../../crates/jkd/src/cli/demo/server.xml");
const WEB_XML: &str = include_str!("../../crates/jkd/src/cli/demo/web.xml");
const LOGGING: &str = include_str!("../../crates/jkd/src/cli/demo/logging.properties");

/// Says what the node knows, one fact a word. `new=true` means that the session was made here and
/// now.
const COUNTER_JSP: &str = r#"<%@page contentType="text/plain;charset=UTF-8" trimDirectiveWhitespaces="true"%><%
  Integer c = (Integer) session.getAttribute("c");
  c = (c == null) ? 1 : c + 1;
  session.setAttribute("c", c);
  out.println("count=" + c + " node=" + System.getProperty("node") + " new=" + session.isNew()
    + " id=" + session.getId() + " activation=" + request.getAttribute("JK_LB_ACTIVATION"));
%>
"#;

fn clustered_server_xml(number: usize, ajp: u16, receivers: [u16; 2]) -> String {
    let peer = 3 - number;
    [
        ("@AJP@", ajp.to_string()),
        ("@SECRET@", Cluster::SECRET.into()),
        ("@ROUTE@", format!("tomcat{number}")),
        ("@NUMBER@", number.to_string()),
        ("@PEER_NUMBER@", peer.to_string()),
        ("@RECEIVER@", receivers[number - 1].to_string()),
        ("@PEER_RECEIVER@", receivers[peer - 1].to_string()),
    ]
    .iter()
    .fold(SERVER_XML.to_owned(), |text, (word, value)| {
        text.replace(word, value)
    })
}

/// Which jars Tomcat searches for tag libraries and annotations. That takes most of the time of a
/// start, and only applications that bring some need it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scan {
    Everything,
    Nothing,
}

fn write_base(base: &Path, server_xml: &str, scan: Scan) {
    for directory in ["conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"] {
        fs::create_dir_all(base.join(directory)).expect("a directory");
    }
    write(&base.join("conf/server.xml"), server_xml);
    write(&base.join("conf/logging.properties"), LOGGING);
    for name in ["web.xml", "catalina.properties"] {
        let mut text = default_of(name);
        if scan == Scan::Nothing {
            text = text.replace(SCAN, &format!("{SCAN}*.jar,"));
        }
        write(&base.join("conf").join(name), &text);
    }
}

const SCAN: &str = "tomcat.util.scan.StandardJarScanFilter.jarsToSkip=";

/// A file as the installation ships it: Debian keeps readable copies beside `bin`.
fn default_of(name: &str) -> String {
    ["etc", "conf"]
        .iter()
        .find_map(|directory| fs::read_to_string(home().join(directory).join(name)).ok())
        .unwrap_or_else(|| {
            panic!(
                "no {name} below {}: tests/run installs Tomcat",
                home().display()
            )
        })
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn free_address() -> SocketAddr {
    ([127, 0, 0, 1], free_port()).into()
}

fn java() -> PathBuf {
    std::env::var_os("JAVA_HOME")
        .map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java"))
}

fn cping(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, LONG)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(&[0x12, 0x34, 0, 1, 10])?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(answer == *b"AB\x00\x01\x09")
}
