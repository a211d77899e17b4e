//! Opening a socket: resolve, try every address, set the options.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::addresses::{Addresses, Remote};
use super::options::{PoolOptions, TcpOptions};
use super::order::Memory;
use crate::error::{BoxError, Error, ErrorKind, hint};
use crate::stream::Stream;

/// What the system says where it, or this process, has no descriptor (`ENFILE`, `EMFILE`) or buffer
/// (`ENOBUFS`) left, for which the library has no names.
#[cfg(target_os = "linux")]
const OUT_OF: [i32; 3] = [23, 24, 105];
#[cfg(not(target_os = "linux"))]
const OUT_OF: [i32; 0] = [];

/// How to reach a container, and what is known about its addresses.
pub(super) struct Dial {
    pub(super) address: Address,
    /// What its name stands for; `None` asks the system's resolver each time.
    addresses: Option<Addresses>,
    memory: Memory,
}

/// When connecting has to be done, and how long it could take altogether.
#[derive(Clone, Copy)]
struct Limit {
    deadline: Option<Instant>,
    whole: Duration,
}

impl Dial {
    pub(super) fn new(address: Address, addresses: Option<Addresses>) -> Self {
        Self {
            address,
            addresses,
            memory: Memory::default(),
        }
    }

    /// Opens a socket within the connect timeout, which covers name resolution and all addresses
    /// of the name together. `to` is the one among them that it has to be.
    pub(super) async fn connect(
        &self,
        options: &PoolOptions,
        to: Option<SocketAddr>,
    ) -> Result<(Stream, Option<Remote>), Error> {
        let limit = Limit::of(options);
        match &self.address {
            Address::Ip(address) => {
                let socket = open_within(limit.deadline, limit, *address, &options.tcp).await?;
                Ok((socket, None))
            }
            Address::Name { host, port } => {
                let generation = self.addresses.as_ref().map_or(0, Addresses::generation);
                let found = match to {
                    Some(address) => vec![address],
                    None => self.resolve(host, *port, limit).await?,
                };
                let (socket, address) = self.first_of(&found, limit, &options.tcp).await?;
                let signs = self.memory.signs_of(address);
                Ok((socket, Some(Remote::new(address, signs, generation))))
            }
            Address::Unix(path) => Ok((unix(path, limit).await?, None)),
        }
    }

    /// The address accepts connections and is no good nevertheless.
    pub(super) fn distrust(&self, address: SocketAddr) {
        self.memory.failed(address, Instant::now());
        if let Some(addresses) = &self.addresses {
            addresses.want();
        }
    }

    async fn resolve(&self, host: &str, port: u16, limit: Limit) -> Result<Vec<SocketAddr>, Error> {
        let found = match &self.addresses {
            Some(addresses) => within(limit.deadline, addresses.usable())
                .await
                .map(|known| {
                    let list = known.map(|list| with_port(&list, port));
                    list.map_err(|reason| BoxError::from(&*reason))
                }),
            None => within(limit.deadline, tokio::net::lookup_host((host, port)))
                .await
                .map(|found| found.map(Iterator::collect).map_err(BoxError::from)),
        };
        found
            .ok_or_else(|| Error::timeout(ErrorKind::Resolve, limit.whole))?
            .map_err(|cause| Error::new(ErrorKind::Resolve).because(cause))
    }

    /// Tries the addresses one after the other; each gets its share of the time that is left, so
    /// that one that swallows packets does not hide the next.
    async fn first_of(
        &self,
        found: &[SocketAddr],
        limit: Limit,
        options: &TcpOptions,
    ) -> Result<(Stream, SocketAddr), Error> {
        let now = Instant::now();
        let addresses = self.memory.in_order(found.iter().copied(), options, now);
        let mut failures = Failures::default();
        for (address, rest) in addresses.iter().zip((1..=addresses.len()).rev()) {
            let share = limit.deadline.map(|at| share_of(at, rest));
            match open_within(share, limit, *address, options).await {
                Ok(socket) => {
                    self.memory.worked(*address);
                    return Ok((socket, *address));
                }
                // The address is not to blame. Ports are counted for each one by itself; of
                // anything else there is nothing for the others either.
                Err(error) if error.kind() == ErrorKind::Exhausted => {
                    if !is_want_of_ports(&error) {
                        return Err(error);
                    }
                    failures.add(*address, error);
                }
                Err(error) => {
                    self.distrust(*address);
                    failures.add(*address, error);
                }
            }
        }
        Err(failures.into_error())
    }
}

impl Limit {
    fn of(options: &PoolOptions) -> Self {
        Self {
            // Beyond what a clock can hold is as good as never.
            deadline: (options.connect_timeout).and_then(|limit| Instant::now().checked_add(limit)),
            whole: options.connect_timeout.unwrap_or(Duration::MAX),
        }
    }
}

/// What went wrong with each address of a name.
#[derive(Default)]
struct Failures {
    decisive: Option<Error>,
    text: String,
}

impl Failures {
    fn add(&mut self, address: SocketAddr, error: Error) {
        let separator = if self.text.is_empty() { "" } else { "; " };
        let cause = error.source().map(ToString::to_string);
        let cause = cause.as_deref().unwrap_or("no answer");
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{separator}{address}: {cause}");
        // As long as one could not be tried, nothing is known of the container.
        let known = (self.decisive.as_ref()).is_none_or(|e| e.kind() != ErrorKind::Exhausted);
        if known {
            self.decisive = Some(error);
        }
    }

    /// The kind and hint of the last failure, or of one that says nothing about the container, and
    /// the causes of all.
    fn into_error(self) -> Error {
        let none = || Error::new(ErrorKind::Resolve).because("the name has no usable address");
        (self.decisive).map_or_else(none, |error| error.because(self.text))
    }
}

fn with_port(list: &[SocketAddr], port: u16) -> Vec<SocketAddr> {
    let with_port = |address: &SocketAddr| {
        let mut address = *address;
        address.set_port(port);
        address
    };
    list.iter().map(with_port).collect()
}

async fn open_within(
    share: Option<Instant>,
    limit: Limit,
    address: SocketAddr,
    options: &TcpOptions,
) -> Result<Stream, Error> {
    match within(share, open(address, options)).await {
        Some(opened) => opened.map(Stream::Tcp),
        None => Err(unreachable_within(limit.whole)),
    }
}

#[cfg(unix)]
async fn unix(path: &Path, limit: Limit) -> Result<Stream, Error> {
    within(limit.deadline, tokio::net::UnixStream::connect(path))
        .await
        .ok_or_else(|| unreachable_within(limit.whole))?
        .map(Stream::Unix)
        .map_err(|cause| exhausted_or_refused(cause, None))
}

#[cfg(not(unix))]
async fn unix(_: &Path, _: Limit) -> Result<Stream, Error> {
    Err(refused(io::ErrorKind::Unsupported.into()))
}

fn share_of(deadline: Instant, attempts: usize) -> Instant {
    let now = Instant::now();
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / attempts
}

async fn open(address: SocketAddr, options: &TcpOptions) -> Result<TcpStream, Error> {
    let socket = socket(address, options).map_err(|cause| exhausted_or_refused(cause, None))?;
    let connected = socket.connect(address).await;
    let stream = connected.map_err(|cause| exhausted_or_refused(cause, Some(address)))?;
    set_keepalive(&stream, options).map_err(refused)?;
    Ok(stream)
}

fn socket(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_nodelay(true)?;
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size)?;
    }
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    if let Some(source) = options.source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    Ok(socket)
}

fn set_keepalive(stream: &TcpStream, options: &TcpOptions) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    match options.keepalive_time {
        _ if !options.keepalive => Ok(()),
        Some(time) => socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(time)),
        None => socket.set_keepalive(true),
    }
}

/// `connecting` is where to, once there is a socket.
fn exhausted_or_refused(cause: io::Error, connecting: Option<SocketAddr>) -> Error {
    let exhausted = match cause.kind() {
        io::ErrorKind::OutOfMemory => true,
        // No port is free at `source`.
        io::ErrorKind::AddrInUse => connecting.is_none(),
        // No port is free, or there is no address of this machine from which a way leads there.
        io::ErrorKind::AddrNotAvailable => connecting.is_some_and(has_way),
        _ => cause
            .raw_os_error()
            .is_some_and(|code| OUT_OF.contains(&code)),
    };
    if !exhausted {
        return refused(cause);
    }
    Error::new(ErrorKind::Exhausted)
        .with_hint(hint::EXHAUSTED)
        .because(cause)
}

/// Whether it is ports that this machine lacks, rather than descriptors or memory.
fn is_want_of_ports(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    let kind = cause.map(io::Error::kind);
    matches!(
        kind,
        Some(io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
    )
}

/// Whether this machine has an address from which a way leads to this one; nothing is sent.
fn has_way(address: SocketAddr) -> bool {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    UdpSocket::bind(any).is_ok_and(|socket| socket.connect(address).is_ok())
}

fn refused(cause: io::Error) -> Error {
    let error = match cause.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            Error::new(ErrorKind::Connect).with_hint(hint::REFUSED)
        }
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable => Error::new(ErrorKind::Connect)
            .with_hint(hint::UNREACHABLE)
            .by_silence(),
        _ => Error::new(ErrorKind::Connect),
    };
    error.because(cause)
}

fn unreachable_within(limit: Duration) -> Error {
    Error::timeout(ErrorKind::Connect, limit).with_hint(hint::UNREACHABLE)
}

/// The future's output, or `None` once the deadline has passed.
async fn within<F: Future>(deadline: Option<Instant>, future: F) -> Option<F::Output> {
    match deadline {
        Some(at) => timeout(at.saturating_duration_since(Instant::now()), future)
            .await
            .ok(),
        None => Some(future.await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpSocket};

    /// Taken and not listening: it refuses, and no other test can be given it.
    fn nobody() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[tokio::test]
    async fn tries_every_address() {
        let (_taken, dead) = nobody();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let dial = Dial::new(Address::new("tomcat", 1), None);
        let limit = Limit::of(&PoolOptions::default());
        let options = TcpOptions::default();
        let (_, found) = dial
            .first_of(&[dead, alive], limit, &options)
            .await
            .unwrap();
        assert_eq!(found, alive);
        let error = dial
            .first_of(&[dead, dead], limit, &options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.hint().is_some());
        let line = error.to_string();
        assert_eq!(line.matches(&dead.to_string()).count(), 2, "{line}");
    }

    #[tokio::test]
    async fn a_failed_connect_asks_for_a_lookup_and_remembers_who_failed() {
        let (_taken, dead) = nobody();
        // The same port at another address.
        let listener = TcpListener::bind(("127.0.0.2", dead.port())).await.unwrap();
        let alive = listener.local_addr().unwrap();
        let addresses = Addresses::new();
        addresses.set([dead, alive]);
        let dial = Dial::new(Address::new("tomcat", dead.port()), Some(addresses.clone()));
        let options = PoolOptions::default();
        let (_, remote) = dial.connect(&options, None).await.unwrap();
        assert_eq!(remote.unwrap().address, alive);
        timeout(Duration::from_secs(20), addresses.wanted())
            .await
            .expect("the dead address asks for a lookup");
        let order = dial
            .memory
            .in_order([dead, alive], &options.tcp, Instant::now());
        assert_eq!(order, [alive, dead]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_nobody_looks_up_ends_with_the_connect_timeout() {
        let dial = Dial::new(Address::new("tomcat", 1), Some(Addresses::new()));
        let error = dial
            .connect(&PoolOptions::default(), None)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Resolve);
        assert!(error.is_timeout());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ports_are_wanting_for_one_address_and_files_for_all() {
        let to = |code| {
            let error = exhausted_or_refused(
                io::Error::from_raw_os_error(code),
                Some("127.0.0.1:9".parse().unwrap()),
            );
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{code}");
            is_want_of_ports(&error)
        };
        assert!(to(99));
        assert!(!OUT_OF.into_iter().any(to));
        let mut failures = Failures::default();
        let address = "127.0.0.1:9".parse().unwrap();
        failures.add(
            address,
            exhausted_or_refused(io::Error::from_raw_os_error(99), Some(address)),
        );
        failures.add(address, refused(io::ErrorKind::ConnectionRefused.into()));
        let error = failures.into_error();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
    }

    #[test]
    fn silence_is_told_from_a_no() {
        let silent = |kind: io::ErrorKind| refused(kind.into()).is_silence();
        assert!(silent(io::ErrorKind::TimedOut) && silent(io::ErrorKind::HostUnreachable));
        assert!(!silent(io::ErrorKind::ConnectionRefused));
        assert!(unreachable_within(Duration::from_secs(1)).is_silence());
        let own = exhausted_or_refused(io::ErrorKind::OutOfMemory.into(), None);
        assert!(!own.is_silence());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_machine_lacks_says_nothing_about_others() {
        let kind = |code, connecting| {
            let cause = io::Error::from_raw_os_error(code);
            exhausted_or_refused(cause, connecting).kind()
        };
        let (here, nowhere) = (
            "127.0.0.1:9".parse().unwrap(),
            "[fe80::1]:9".parse().unwrap(),
        );
        for code in OUT_OF {
            assert_eq!(kind(code, None), ErrorKind::Exhausted);
        }
        let code_of = |name: &str| match name {
            "in use" => 98,
            "not available" => 99,
            _ => 111,
        };
        let expected = [
            ("in use", None, ErrorKind::Exhausted),
            ("not available", None, ErrorKind::Connect),
            ("not available", Some(here), ErrorKind::Exhausted),
            // Without the device nobody knows a way there.
            ("not available", Some(nowhere), ErrorKind::Connect),
            ("refused", Some(here), ErrorKind::Connect),
        ];
        for (name, connecting, expected) in expected {
            assert_eq!(kind(code_of(name), connecting), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_socket_has_its_options() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let options = TcpOptions {
            keepalive: true,
            keepalive_time: Some(Duration::from_secs(77)),
            source: Some("127.0.0.9".parse().unwrap()),
            receive_buffer: Some(64 * 1024),
            ..TcpOptions::default()
        };
        let stream = open(to, &options).await.unwrap();
        let (_, from) = listener.accept().await.unwrap();
        assert_eq!(from.ip(), options.source.unwrap());
        assert!(stream.nodelay().unwrap());
        let socket = socket2::SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert!(socket.recv_buffer_size().unwrap() >= 64 * 1024);
    }

    async fn connect(to: Address, options: &PoolOptions) -> Result<Stream, Error> {
        let dial = Dial::new(to, None);
        dial.connect(options, None).await.map(|(stream, _)| stream)
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_a_socket_file_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = PoolOptions::default();
        connect(Address::new("localhost", port), &options)
            .await
            .unwrap();
        let endless = PoolOptions {
            connect_timeout: Some(Duration::MAX),
            ..PoolOptions::default()
        };
        connect(Address::new("127.0.0.1", port), &endless)
            .await
            .unwrap();
        let missing = Address::Unix("/nonexistent/ajp".into());
        let error = connect(missing, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
    }
}
