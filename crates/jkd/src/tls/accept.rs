//! The handshake of one connection.

use std::{io, sync::Arc, time::Duration};

use jkworkers::model::Host;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{Session, side::Side};
use crate::{peer::Peer, snapshot::Snapshot};

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The first byte of a client that shakes hands: a record of the type `handshake`.
const RECORD: u8 = 22;

/// How a connection goes on.
pub(crate) enum Way<S> {
    /// Without TLS, because nobody wants it here, or because the client does not use it: its
    /// request is refused then.
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

/// Shakes hands with a client that came where a host wants it.
///
/// What the client says first is looked at before it is read, and before the socket becomes a
/// stream `with` something around it.
///
/// # Errors
///
/// When the client goes away, is too slow, or nothing can be agreed upon.
pub(crate) async fn accept<S>(
    stream: TcpStream,
    with: impl FnOnce(TcpStream) -> S,
    snapshot: &Snapshot,
    peer: &Peer,
) -> io::Result<Way<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let base = snapshot.model.host_for(peer.local, None);
    let Some(side) = snapshot.tls.of(base) else {
        return Ok(Way::Plain(with(stream)));
    };
    let shaken = timeout(HANDSHAKE, async {
        if first_byte(&stream).await? == RECORD {
            shake(with(stream), side, snapshot, peer).await
        } else {
            Ok(Way::Plain(with(stream)))
        }
    });
    shaken.await?
}

/// The first byte that a client sends; it stays to be read.
async fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut first = [0];
    let [byte] = match stream.peek(&mut first).await? {
        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
        _ => first,
    };
    Ok(byte)
}

async fn shake<S>(
    stream: S,
    base: &Arc<Side>,
    snapshot: &Snapshot,
    peer: &Peer,
) -> io::Result<Way<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let name = begun.client_hello().server_name().map(str::to_owned);
    let named = |name: &str| -> &Host { snapshot.model.host_for(peer.local, Some(name)) };
    // As in httpd: a name that nobody has is as good as none.
    let side = name.as_deref().map(named);
    let side = side.and_then(|host| snapshot.tls.of(host)).unwrap_or(base);
    let stream = begun.into_stream(side.config.clone()).await?;
    let session = Session::new(stream.get_ref().1, side.clone(), name);
    // It is set once, here.
    let _ = peer.tls.set(session);
    Ok(Way::Tls(Box::new(stream)))
}
