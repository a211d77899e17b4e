//! The floor: the least work that a front end from HTTP to AJP13 can do on tokio. It keeps no
//! limits, no timeouts, no log, tries nothing twice, and trusts everybody: a yardstick, no product.
//!
//! One single-threaded runtime for each thread, with an own listening socket and own idle
//! connections, so that threads share nothing. An idle client costs no buffer.

use std::{io, net::SocketAddr, sync::Arc};

use ajp13::wire::PacketSize;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use pool::Pool;

mod answer;
mod client;
mod date;
mod pool;
mod relay;
mod request;
mod upload;

/// A floor that listens.
#[derive(Debug)]
pub struct Floor {
    listener: TcpListener,
    pool: Arc<Pool>,
}

impl Floor {
    /// Listens on an address, which several may share, for these nodes. In a runtime.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn bind(
        address: SocketAddr,
        nodes: &[(&str, SocketAddr)],
        size: PacketSize,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        socket.listen(4096)?;
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket.into())?;
        let port = listener.local_addr()?.port();
        Ok(Self {
            listener,
            pool: Arc::new(Pool::new(nodes, port, size)),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped.
    pub async fn serve(self) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let pool = Arc::clone(&self.pool);
            tokio::spawn(async move {
                let _ = client::serve(stream, &pool).await;
            });
        }
    }
}
