//! A client's socket: knows when the client is slow to read, and closes so that the client can
//! still read the answer.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use crate::peer::Peer;

/// The silence after which a client that was told of the end is believed to have read it.
const SILENCE: Duration = Duration::from_secs(2);

/// Writes of up to so many bytes are put together first: one `send` is cheaper than a `writev` of
/// several pieces, and costs more only where much has to be copied.
const SMALL: usize = 1024;

/// The socket of one client.
///
/// A socket that is closed while bytes of a request are still coming in is reset by the system,
/// and a reset takes the answer away from clients that have not read it yet: a refused upload would
/// look like a broken network. So the end of the answer is sent first, and what still comes is
/// read and thrown away until the client closes or falls silent. How long that may take as a
/// whole is the connection's deadline.
pub(super) struct ClientStream {
    stream: TcpStream,
    peer: Arc<Peer>,
    /// Set while waiting for the client's end.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub(super) const fn new(stream: TcpStream, peer: Arc<Peer>) -> Self {
        Self {
            stream,
            peer,
            lingering: None,
        }
    }

    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Pending => self.peer.waits_for_client(),
            Poll::Ready(Ok(bytes)) => {
                self.peer.wire().has_written(bytes);
                self.peer.has_read();
            }
            Poll::Ready(Err(_)) => self.peer.has_read(),
        }
        polled
    }

    /// Ready when the client has closed, has fallen silent or is gone.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            stream, lingering, ..
        } = self;
        let timer = lingering.get_or_insert_with(|| Box::pin(sleep(SILENCE)));
        let mut scrap = [0; 8192];
        loop {
            let mut scrap = ReadBuf::new(&mut scrap);
            match Pin::new(&mut *stream).poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() => {
                    timer.as_mut().reset(Instant::now() + SILENCE);
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return timer.as_mut().poll(cx),
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        if read > 0 {
            self.peer.wire().has_read(read);
            self.peer.sends();
        }
        polled
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut joined = [0; SMALL];
        let polled = match join(slices, &mut joined) {
            Some(bytes) => Pin::new(&mut self.stream).poll_write(cx, bytes),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        };
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.peer.has_sent_all() {
            return Poll::Ready(Ok(()));
        }
        self.linger(cx).map(Ok)
    }
}

/// The slices as one, in `room`; `None` where they do not fit.
fn join<'a>(slices: &[io::IoSlice<'_>], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut filled = 0;
    for slice in slices {
        let end = filled + slice.len();
        room.get_mut(filled..end)?.copy_from_slice(slice);
        filled = end;
    }
    room.get(..filled)
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;

    async fn pair() -> (ClientStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (stream, from) = listener.accept().await.unwrap();
        let peer = Arc::new(Peer::new(from, address, 0));
        (ClientStream::new(stream, peer), client)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_may_be_sending_is_waited_for_but_not_for_ever() {
        let (mut ours, _client) = pair().await;
        let begin = Instant::now();
        ours.shutdown().await.unwrap();
        assert!(begin.elapsed() < SILENCE, "it has not begun to send");
        let (mut ours, _client) = pair().await;
        ours.peer.sends();
        let begin = Instant::now();
        ours.shutdown().await.unwrap();
        assert!(begin.elapsed() >= SILENCE);
    }

    #[test]
    fn small_pieces_are_joined_and_large_ones_left_alone() {
        let slices = [&b"head"[..], b"", b"body"].map(io::IoSlice::new);
        assert_eq!(join(&slices, &mut [0; 9]), Some(&b"headbody"[..]));
        assert_eq!(join(&slices, &mut [0; 8]), Some(&b"headbody"[..]));
        assert_eq!(join(&slices, &mut [0; 7]), None);
        assert_eq!(join(&[], &mut [0; 7]), Some(&b""[..]));
    }
}
