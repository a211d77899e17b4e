//! Idle connections to the nodes.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use ajp13::wire::PacketSize;
use parking_lot::Mutex;
use tokio::net::TcpStream;

/// The nodes, and the idle connections of one thread.
#[derive(Debug)]
pub(super) struct Pool {
    nodes: Vec<Node>,
    turn: AtomicUsize,
    /// The port that clients see.
    pub(super) port: u16,
    pub(super) size: PacketSize,
}

#[derive(Debug)]
struct Node {
    name: String,
    address: SocketAddr,
    idle: Mutex<Vec<TcpStream>>,
}

impl Pool {
    pub(super) fn new(nodes: &[(&str, SocketAddr)], port: u16, size: PacketSize) -> Self {
        let node = |&(name, address): &(&str, SocketAddr)| Node {
            name: name.into(),
            address,
            idle: Mutex::default(),
        };
        Self {
            nodes: nodes.iter().map(node).collect(),
            turn: AtomicUsize::new(0),
            port,
            size,
        }
    }

    /// The node that a session belongs to, or the next in turn.
    pub(super) fn choose(&self, route: Option<&[u8]>) -> usize {
        let belongs = |route: &[u8]| {
            self.nodes
                .iter()
                .position(|node| node.name.as_bytes() == route)
        };
        route
            .and_then(belongs)
            .unwrap_or_else(|| self.turn.fetch_add(1, Ordering::Relaxed) % self.nodes.len())
    }

    pub(super) async fn checkout(&self, node: usize) -> io::Result<TcpStream> {
        let node = &self.nodes[node];
        let idle = node.idle.lock().pop();
        match idle {
            Some(stream) => Ok(stream),
            None => {
                let stream = TcpStream::connect(node.address).await?;
                stream.set_nodelay(true)?;
                Ok(stream)
            }
        }
    }

    pub(super) fn give_back(&self, node: usize, stream: TcpStream) {
        self.nodes[node].idle.lock().push(stream);
    }
}
