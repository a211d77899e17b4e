//! Opening a socket: resolve, try every address, set the options.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::options::{PoolOptions, TcpOptions};
use crate::error::{Error, ErrorKind, hint};
use crate::stream::Stream;

/// Opens a socket to `address` within the connect timeout, which covers name resolution and all
/// addresses of the name together.
pub(super) async fn connect(address: &Address, options: &PoolOptions) -> Result<Stream, Error> {
    // Beyond what a clock can hold is as good as never.
    let deadline = options
        .connect_timeout
        .and_then(|limit| Instant::now().checked_add(limit));
    let limit = options.connect_timeout.unwrap_or(Duration::MAX);
    match address {
        Address::Ip(address) => tcp(&[*address], deadline, limit, &options.tcp).await,
        Address::Name { host, port } => {
            let found = within(deadline, tokio::net::lookup_host((&**host, *port))).await;
            let found = found
                .ok_or_else(|| Error::timeout(ErrorKind::Resolve, limit))?
                .map_err(|cause| Error::new(ErrorKind::Resolve).because(cause))?;
            tcp(
                &in_order(found, &options.tcp),
                deadline,
                limit,
                &options.tcp,
            )
            .await
        }
        #[cfg(unix)]
        Address::Unix(path) => within(deadline, tokio::net::UnixStream::connect(path))
            .await
            .ok_or_else(|| unreachable_within(limit))?
            .map(Stream::Unix)
            .map_err(refused),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(refused(io::ErrorKind::Unsupported.into())),
    }
}

fn in_order(found: impl Iterator<Item = SocketAddr>, options: &TcpOptions) -> Vec<SocketAddr> {
    let fits = |to: &SocketAddr| {
        options
            .source
            .is_none_or(|from| from.is_ipv4() == to.is_ipv4())
    };
    let mut addresses: Vec<_> = found.filter(fits).collect();
    if options.prefer_ipv6 {
        addresses.sort_by_key(SocketAddr::is_ipv4);
    }
    addresses
}

/// Tries the addresses one after the other; each gets its share of the time that is left, so
/// that one that swallows packets does not hide the next.
async fn tcp(
    addresses: &[SocketAddr],
    deadline: Option<Instant>,
    limit: Duration,
    options: &TcpOptions,
) -> Result<Stream, Error> {
    let none = || Error::new(ErrorKind::Resolve).because("the name has no usable address");
    let mut last = None;
    for (address, rest) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let share = deadline.map(|at| share_of(at, rest));
        match within(share, open(*address, options)).await {
            Some(Ok(socket)) => return Ok(Stream::Tcp(socket)),
            Some(Err(cause)) => last = Some(refused(cause)),
            None => last = Some(unreachable_within(limit)),
        }
    }
    Err(last.unwrap_or_else(none))
}

fn share_of(deadline: Instant, attempts: usize) -> Instant {
    let now = Instant::now();
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / attempts
}

async fn open(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpStream> {
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
    let stream = socket.connect(address).await?;
    set_keepalive(&stream, options)?;
    Ok(stream)
}

fn set_keepalive(stream: &TcpStream, options: &TcpOptions) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    match options.keepalive_time {
        _ if !options.keepalive => Ok(()),
        Some(time) => socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(time)),
        None => socket.set_keepalive(true),
    }
}

fn refused(cause: io::Error) -> Error {
    let error = match cause.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            Error::new(ErrorKind::Connect).with_hint(hint::REFUSED)
        }
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

    #[tokio::test]
    async fn tries_every_address() {
        // Taken and not listening: it refuses, and no other test can be given it.
        let nobody = TcpSocket::new_v4().unwrap();
        nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let dead = nobody.local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let limit = Duration::from_secs(10);
        let deadline = Some(Instant::now() + limit);
        let options = TcpOptions::default();
        tcp(&[dead, alive], deadline, limit, &options)
            .await
            .unwrap();
        let error = tcp(&[dead, dead], deadline, limit, &options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.hint().is_some());
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

    #[test]
    fn a_source_address_rules_out_the_other_family() {
        let found: [SocketAddr; 2] = ["127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap()];
        let prefer = TcpOptions {
            prefer_ipv6: true,
            ..TcpOptions::default()
        };
        assert_eq!(in_order(found.into_iter(), &prefer), [found[1], found[0]]);
        let source = TcpOptions {
            source: Some("127.0.0.1".parse().unwrap()),
            ..prefer
        };
        assert_eq!(in_order(found.into_iter(), &source), [found[0]]);
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_a_socket_file_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = PoolOptions::default();
        connect(&Address::new("localhost", port), &options)
            .await
            .unwrap();
        let endless = PoolOptions {
            connect_timeout: Some(Duration::MAX),
            ..PoolOptions::default()
        };
        connect(&Address::new("127.0.0.1", port), &endless)
            .await
            .unwrap();
        let missing = Address::Unix("/nonexistent/ajp".into());
        let error = connect(&missing, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
    }
}
