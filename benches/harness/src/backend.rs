//! The synthetic backend: two nodes that speak AJP13 and HTTP/1.1, much cheaper than any front end.
//!
//! | path | answer |
//! |---|---|
//! | `/bytes/N` | N bytes |
//! | `/unsized/N` | N bytes without a length |
//! | `/echo` | how many bytes of body came, in digits |
//! | `/delay/MS` | 128 bytes after so many milliseconds |
//! | `/route` | the name of the node |
//! | `/counters` | what all nodes have counted, as JSON; `/counters/reset` begins anew |
//!
//! A request whose session belongs to another node counts as misrouted, a packet or head that
//! breaks the protocol as malformed.

use std::{io, net::SocketAddr, sync::Arc};

use ajp13::wire::PacketSize;
use clap::{Args, ValueEnum};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub use counters::Counts;
use node::Node;

mod ajp;
mod answers;
mod counters;
mod http;
mod node;

/// How the backend behaves.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of the largest AJP packet.
    #[arg(long, default_value_t = PacketSize::DEFAULT.max_packet())]
    pub packet_size: usize,
    /// How an AJP answer leaves.
    #[arg(long, value_enum, default_value_t = Segments::One)]
    pub segments: Segments,
}

/// How an AJP answer is cut into writes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Segments {
    /// Head and body together.
    #[default]
    One,
    /// The head by itself, then the body.
    Head,
    /// Each packet by itself, as Tomcat does.
    Packet,
}

/// Where the nodes listen.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// AJP13, a port for each node.
    pub ajp: [SocketAddr; 2],
    /// HTTP/1.1, a port for each node.
    pub http: [SocketAddr; 2],
}

/// The names of the nodes.
pub const NODES: [&str; 2] = ["node1", "node2"];

/// A backend that listens.
#[derive(Debug)]
pub struct Backend {
    listeners: Vec<(TcpListener, Protocol, Arc<Node>)>,
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Ajp,
    Http,
}

impl Backend {
    /// Listens on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When there are none.
    pub fn bind(options: Options) -> io::Result<Self> {
        let nodes = NODES.map(|name| Arc::new(Node::new(name, options)));
        Node::introduce(&nodes);
        let mut listeners = Vec::new();
        for protocol in [Protocol::Ajp, Protocol::Http] {
            for node in &nodes {
                listeners.push((listen()?, protocol, Arc::clone(node)));
            }
        }
        Ok(Self { listeners })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When a socket does not tell.
    pub fn addresses(&self) -> io::Result<Addresses> {
        let at = |index: usize| self.listeners[index].0.local_addr();
        Ok(Addresses {
            ajp: [at(0)?, at(1)?],
            http: [at(2)?, at(3)?],
        })
    }

    /// Serves until it is dropped.
    pub async fn serve(self) {
        let mut accepting = JoinSet::new();
        for (listener, protocol, node) in self.listeners {
            accepting.spawn(accept(listener, protocol, node));
        }
        while accepting.join_next().await.is_some() {}
    }
}

fn listen() -> io::Result<TcpListener> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

async fn accept(listener: TcpListener, protocol: Protocol, node: Arc<Node>) {
    let mut open = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            open.spawn(serve(stream, protocol, Arc::clone(&node)));
        }
        while open.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: TcpStream, protocol: Protocol, node: Arc<Node>) {
    let _ = stream.set_nodelay(true);
    node.counters.opened();
    let ended = match protocol {
        Protocol::Ajp => ajp::serve(&mut stream, &node).await,
        Protocol::Http => http::serve(&mut stream, &node).await,
    };
    if let Err(error) = ended
        && error.kind() == io::ErrorKind::InvalidData
    {
        eprintln!("{}: {error}", node.name);
        node.counters.malformed();
    }
    node.counters.closed();
}
