//! A client with an address of its own that says what it has to say, and listens until the end.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
};

use jkd_tests::LONG;
use socket2::{Domain, Socket, Type};

/// What it hears.
pub(crate) fn say(server: SocketAddr, own: Ipv4Addr, text: &[u8]) -> Vec<u8> {
    let mut stream = connect(server, own);
    let _ = stream.write_all(text);
    let _ = stream.shutdown(Shutdown::Write);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    heard
}

/// A connection from this address.
pub(crate) fn connect(server: SocketAddr, own: Ipv4Addr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from((own, 0)).into())
        .expect("an address");
    socket
        .connect_timeout(&server.into(), LONG)
        .expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    stream
}
