//! A supervisor that does what systemd does: it opens a socket, passes it on, and hears how the
//! daemon fares.

use std::{
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixDatagram,
    },
    path::PathBuf,
};

use jkd_tests::{Jkd, JkdBuilder, LONG, within};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use tempfile::TempDir;

use crate::front::{Nodes, binary};

/// `$1` is the number of the socket; the rest is the program.
const PASS: &str = "exec 3<&\"$1\"\n[ \"$1\" = 3 ] || eval \"exec $1<&-\"\nshift\n\
                    LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";

pub(crate) struct Supervisor {
    /// Where the socket listens.
    pub(crate) address: SocketAddr,
    /// Passed on to every process that is started while it lives.
    socket: OwnedFd,
    heard: UnixDatagram,
    notify: PathBuf,
    _directory: TempDir,
}

impl Supervisor {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // systemd's own is as long as the system allows.
        socket2::SockRef::from(&listener).listen(4096).unwrap();
        let address = listener.local_addr().unwrap();
        // Not one of the numbers that shells use themselves.
        let socket = fcntl_dupfd_cloexec(&listener, 20).unwrap();
        fcntl_setfd(&socket, FdFlags::empty()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let notify = directory.path().join("notify");
        Self {
            address,
            socket,
            heard: UnixDatagram::bind(&notify).unwrap(),
            notify,
            _directory: directory,
        }
    }

    /// A daemon that listens where this configuration says, if it says it.
    pub(crate) fn builder(&self, nodes: &Nodes, lines: &str) -> JkdBuilder {
        let notify = self.notify.to_str().unwrap();
        let builder = nodes.front_by("bash", lines);
        builder.environment("NOTIFY_SOCKET", notify)
    }

    /// Starts it with the socket.
    pub(crate) fn start(&self, builder: JkdBuilder) -> Jkd {
        let (socket, binary) = (self.socket.as_raw_fd().to_string(), binary());
        builder.start(&["-c", PASS, "bash", &socket, &binary, "run", "-f", "jk.conf"])
    }

    /// What the daemon says next.
    pub(crate) fn hears(&self) -> String {
        self.heard.set_read_timeout(Some(LONG)).unwrap();
        let mut message = [0; 1000];
        let length = self.heard.recv(&mut message).expect("a word of the daemon");
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    /// Waits for a word of it that begins so.
    pub(crate) fn waits_for(&self, beginning: &str) {
        within(LONG, beginning, || {
            self.hears().starts_with(beginning).then_some(())
        });
    }
}
