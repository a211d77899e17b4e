//! Waiting for conditions, and finding free ports.

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

/// A deadline that only a broken program misses, also on a machine that is busy with other things.
pub const LONG: Duration = Duration::from_secs(60);

/// Waits until `condition` holds; panics with `what` when it does not within [`LONG`].
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    within(LONG, what, || condition().then_some(()));
}

/// Waits until `probe` gives something, and returns it; panics with `what` after `deadline`.
#[track_caller]
pub fn within<T>(deadline: Duration, what: &str, probe: impl FnMut() -> Option<T>) -> T {
    try_within(deadline, probe)
        .unwrap_or_else(|| panic!("still waiting after {deadline:?}: {what}"))
}

/// Waits until `probe` gives something, for `deadline` at most.
pub fn try_within<T>(deadline: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = probe();
        if found.is_some() || start.elapsed() >= deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sets a flag when it is dropped, so that threads which go on until then end also when the test
/// panics.
#[derive(Debug)]
pub struct Until<'a>(pub &'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// An address at which nobody listens as long as this lives: its port is taken and refuses. One
/// that was only free a moment ago may be given to another test.
#[derive(Debug)]
pub struct Nobody {
    /// The address.
    pub address: SocketAddr,
    taken: Socket,
}

impl Nobody {
    /// Takes a port of 127.0.0.1.
    #[allow(clippy::new_without_default, reason = "each one is another address")]
    pub fn new() -> Self {
        let taken = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        taken.bind(&any.into()).expect("a free port");
        let address = taken.local_addr().expect("an address");
        Self {
            address: address.as_socket().expect("an address of IPv4"),
            taken,
        }
    }

    /// Listens from now on. Nobody else can have taken the port in between.
    pub fn listen(self) -> TcpListener {
        self.taken.listen(128).expect("a socket that listens");
        self.taken.into()
    }
}

/// A port on 127.0.0.1 that nobody uses now. For programs that cannot choose one themselves; where
/// a program can, let it bind port 0.
pub fn free_port() -> u16 {
    // The kernel walks through its range of ephemeral ports, so a port that was just given back
    // does not come again soon.
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
