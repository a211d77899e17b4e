//! Sockets that whoever started the process has opened for it: systemd's socket activation
//! (`LISTEN_FDS`, sd_listen_fds(3)).
//!
//! They outlive the process. Clients who connect while one jkd ends and the next one begins wait in
//! their queue, and notice nothing.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use jkworkers::model::Listen;
use listenfd::ListenFd;
use socket2::SockRef;

/// Listening sockets that were open before the process began.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    sockets: Vec<(SocketAddr, TcpListener)>,
}

impl Inherited {
    /// Takes what the environment tells of. To be called once, before there are threads: it clears
    /// the variables, which are no business of the programs that logs are piped to.
    ///
    /// # Errors
    ///
    /// When what was passed is not a TCP socket that listens.
    pub(crate) fn take() -> io::Result<Self> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            let Some(socket) = passed.take_tcp_listener(index)? else {
                continue;
            };
            sockets.push(checked(socket)?);
        }
        Ok(Self { sockets })
    }

    /// Each address that was passed.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<_> = self.sockets.iter().map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Says which of them nobody serves: clients are let in there all the same, and hear nothing.
    pub(crate) fn log_unused(&self, wanted: &[Listen]) {
        for address in self.unused(wanted) {
            tracing::warn!(
                "nobody serves the socket {address} that was passed: add a Listen directive"
            );
        }
    }

    /// The addresses that none of these stands for.
    fn unused(&self, wanted: &[Listen]) -> Vec<SocketAddr> {
        let addresses = self.sockets.iter().map(|(address, _)| *address);
        let is_unused = |address: &SocketAddr| !wanted.iter().any(|listen| is_at(listen, *address));
        addresses.filter(is_unused).collect()
    }

    /// Copies of the sockets of an address: each of them, and at least one for each lane. None
    /// where nothing was passed for it.
    pub(super) fn copies(&self, listen: &Listen, lanes: usize) -> io::Result<Vec<TcpListener>> {
        let sockets = self.sockets.iter();
        let passed = sockets.filter(|(address, _)| is_at(listen, *address));
        let passed: Vec<_> = passed.map(|(_, socket)| socket).collect();
        if passed.is_empty() {
            return Ok(Vec::new());
        }
        let count = passed.len().max(lanes);
        let copies = passed.iter().cycle().take(count);
        copies.map(|socket| socket.try_clone()).collect()
    }
}

fn checked(socket: TcpListener) -> io::Result<(SocketAddr, TcpListener)> {
    let address = socket.local_addr()?;
    if !SockRef::from(&socket).is_listener()? {
        let problem = format!("the socket {address} does not listen");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    socket.set_nonblocking(true)?;
    Ok((address, socket))
}

fn is_at(listen: &Listen, address: SocketAddr) -> bool {
    let same_address = match listen.address {
        Some(wanted) => wanted == address.ip(),
        None => address.ip().is_unspecified(),
    };
    same_address && listen.port == address.port()
}

#[cfg(test)]
mod tests {
    use jkworkers::diag::Origin;

    use super::*;

    fn listen(address: SocketAddr) -> Listen {
        Listen {
            address: Some(address.ip()),
            port: address.port(),
            instead_of: None,
            origin: Origin::new("test", 0),
        }
    }

    fn inherited(addresses: &[&str]) -> Inherited {
        let open = |address: &&str| checked(TcpListener::bind(*address).unwrap()).unwrap();
        Inherited {
            sockets: addresses.iter().map(open).collect(),
        }
    }

    #[test]
    fn each_lane_and_each_socket_has_its_part() {
        let inherited = inherited(&["127.0.0.1:0"]);
        let listens: Vec<_> = inherited.addresses().into_iter().map(listen).collect();
        assert_eq!(listens.len(), 1);
        for lanes in [1, 3] {
            let copies = inherited.copies(&listens[0], lanes).unwrap();
            assert_eq!(copies.len(), lanes);
            let addresses = copies.iter().map(|copy| copy.local_addr().unwrap().port());
            assert!(addresses.into_iter().all(|port| port == listens[0].port));
        }
        assert!(inherited.unused(&listens).is_empty());
    }

    #[test]
    fn another_address_is_not_taken() {
        let inherited = inherited(&["127.0.0.1:0"]);
        let port = inherited.addresses()[0].port();
        for address in [None, Some("127.0.0.2".parse().unwrap())] {
            let mut other = listen(([127, 0, 0, 1], port).into());
            other.address = address;
            assert!(inherited.copies(&other, 2).unwrap().is_empty());
            assert_eq!(inherited.unused(&[other]).len(), 1);
        }
    }

    #[test]
    fn all_addresses_are_found_in_either_family() {
        let inherited = inherited(&["0.0.0.0:0"]);
        let mut all = listen(inherited.addresses()[0]);
        all.address = None;
        assert_eq!(inherited.copies(&all, 2).unwrap().len(), 2);
    }

    #[test]
    fn a_socket_that_does_not_listen_is_refused() {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into()).unwrap();
        let refused = checked(socket.into()).unwrap_err().to_string();
        assert!(refused.contains("does not listen"), "{refused}");
    }
}
