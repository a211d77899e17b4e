//! Tomcats that can be killed: AJP backends in processes of their own, which answer a
//! [`Load`](crate::Load) and note each request that they execute.
//!
//! The process is the test's own binary, started once more to run a single one of its tests: the
//! one that [`nodes`](crate::nodes) makes.

mod service;

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::{
    process::Leashed,
    wait::{LONG, within},
};
pub use service::serve_if_asked;

/// The variable that makes a test binary a node: its name, its port and where it notes requests.
const TOLD: &str = "JKD_TESTS_NODE";

/// Makes the test that is a node where [`Node`] asks for it. It has to stand in the root of a test
/// binary that uses nodes.
#[macro_export]
macro_rules! nodes {
    () => {
        /// A node listens until it is killed; where another test asks for one, this is it.
        #[test]
        #[ignore = "takes minutes: run tests/run"]
        fn a_node() {
            if !$crate::serve_if_asked() {
                $crate::Node::new("a").check();
            }
        }
    };
}

/// A backend with a port that is its own, whether it runs or not.
#[derive(Debug)]
pub struct Node {
    /// Where it listens when it runs.
    pub address: SocketAddr,
    name: String,
    delay: Duration,
    /// Keeps the port.
    _taken: Socket,
    // Before the directory, in which the leash finds what it holds.
    process: Mutex<Option<Leashed>>,
    directory: TempDir,
}

/// A request that a node has begun to execute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Executed {
    /// The method.
    pub method: String,
    /// The request's number.
    pub number: String,
}

impl Node {
    /// A node that runs. Answers tell its name in `X-Node`.
    pub fn new(name: &str) -> Self {
        let node = Self::stopped(name);
        node.start();
        node
    }

    /// A node that does not run yet; connections are refused.
    pub fn stopped(name: &str) -> Self {
        let taken = socket(([127, 0, 0, 1], 0).into());
        let address = taken.local_addr().expect("an address");
        Self {
            address: address.as_socket().expect("an address of IPv4"),
            name: name.to_owned(),
            delay: Duration::ZERO,
            _taken: taken,
            directory: tempfile::tempdir().expect("a temporary directory"),
            process: Mutex::new(None),
        }
    }

    /// It shall take this long for each answer, once it is started again.
    #[must_use]
    pub fn slow(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Starts it, and waits until it listens.
    pub fn start(&self) {
        let mut process = self.process.lock();
        assert!(process.is_none(), "{} runs already", self.name);
        let binary = std::env::current_exe().expect("a test binary");
        let told = format!(
            "{} {} {} {}",
            self.name,
            self.address.port(),
            self.delay.as_millis(),
            self.record().display()
        );
        let mut command = Command::new(binary);
        command
            .args(["--ignored", "--exact", "a_node", "--nocapture"])
            .env(TOLD, told);
        let log = self.directory.path().join("node.out");
        let started = Leashed::start(&command, &log).expect("a node can be started");
        within(LONG, "a node that listens", || {
            assert!(started.is_running(), "a node ended: {}", started.log());
            TcpStream::connect(self.address).ok()
        });
        *process = Some(started);
    }

    /// Ends it by SIGKILL; from then on connections are refused.
    pub fn kill(&self) {
        let process = self.process.lock().take().expect("a node that runs");
        process.signal("KILL");
        process.wait_for_end();
    }

    /// Ends it by SIGTERM: requests that it has are answered.
    pub fn terminate(&self) {
        let process = self.process.lock().take().expect("a node that runs");
        process.signal("TERM");
        process.wait_for_end();
    }

    /// Sends it a signal by name, such as `STOP` and `CONT`.
    pub fn signal(&self, name: &str) {
        let process = self.process.lock();
        process.as_ref().expect("a node that runs").signal(name);
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.lock().as_ref().map(Leashed::pid)
    }

    /// A socket on its port with this backlog, for somebody else in its place while it does not
    /// run.
    pub fn listener(&self, backlog: i32) -> TcpListener {
        assert!(self.process.lock().is_none(), "{} runs", self.name);
        let socket = socket(self.address);
        socket.listen(backlog).expect("a socket that listens");
        socket.into()
    }

    /// All requests with a number that it has begun to execute since the beginning, over all of
    /// its lives, in order.
    pub fn executed(&self) -> Vec<Executed> {
        let text = fs::read_to_string(self.record()).unwrap_or_default();
        let executed = |line: &str| {
            let (method, number) = line.split_once(' ')?;
            Some(Executed {
                method: method.to_owned(),
                number: number.to_owned(),
            })
        };
        text.lines().filter_map(executed).collect()
    }

    /// It dies when it is killed, and lives again.
    pub fn check(&self) {
        self.kill();
        assert!(
            TcpStream::connect(self.address).is_err(),
            "{} lives",
            self.name
        );
        self.start();
        assert_eq!(self.executed(), []);
    }

    fn record(&self) -> PathBuf {
        self.directory.path().join("executed")
    }
}

/// Numbers of requests with this method that were executed more than once by these nodes together.
pub fn executed_twice(method: &str, nodes: &[&Node]) -> Vec<String> {
    let executed = nodes.iter().flat_map(|node| node.executed());
    let mut numbers: Vec<_> = executed
        .filter(|e| e.method == method)
        .map(|e| e.number)
        .collect();
    numbers.sort_unstable();
    let twice = numbers.windows(2).filter(|pair| pair[0] == pair[1]);
    twice.map(|pair| pair[0].clone()).collect()
}

/// A socket with an address that others of the same kind may have, too, as long as they do not
/// listen.
fn socket(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&address.into()).expect("a port that is free");
    socket
}

/// The words of [`TOLD`].
struct Told {
    name: String,
    address: SocketAddr,
    delay: Duration,
    record: PathBuf,
}

impl Told {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(4, ' ');
        Some(Self {
            name: words.next()?.to_owned(),
            address: ([127, 0, 0, 1], words.next()?.parse().ok()?).into(),
            delay: Duration::from_millis(words.next()?.parse().ok()?),
            record: Path::new(words.next()?).to_owned(),
        })
    }
}
