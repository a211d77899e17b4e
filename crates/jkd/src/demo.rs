//! The demo's application servers: real AJP13 servers on real sockets, with a small application.
//!
//! They share their sessions, like the members of a cluster do. Whoever is in front of them talks
//! to them over TCP as to any Tomcat and cannot tell that they are in the same process.

mod application;
mod counter;
mod download;
mod echo;
mod page;
mod sessions;
mod slow;
mod upload;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ajp13::facts::Secret;
use ajp13::server::{Server, ServerOptions};
use ajp13::wire::PacketSize;
use jkworkers::model::AjpWorker;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use application::Application;
use sessions::Sessions;

/// How long requests may take to finish when the demo ends.
const DRAIN: Duration = Duration::from_secs(5);

/// One application server to start.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name of the worker, and its route.
    pub name: Arc<str>,
    /// The port on 127.0.0.1; 0 for any.
    pub port: u16,
    /// The secret that requests must carry, if any.
    pub secret: Option<Secret>,
    /// The size of the largest packet, in bytes.
    pub packet_size: PacketSize,
}

impl Node {
    /// A node without secret and with packets of the default size.
    pub fn new(name: &str, port: u16) -> Self {
        Self {
            name: name.into(),
            port,
            secret: None,
            packet_size: PacketSize::DEFAULT,
        }
    }

    /// The application server that a worker's settings call for.
    pub fn of(worker: &AjpWorker) -> Self {
        let size = usize::try_from(worker.max_packet_size).unwrap_or(usize::MAX);
        Self {
            name: worker.name.clone(),
            port: worker.port,
            secret: worker
                .secret
                .as_ref()
                .map(|secret| Secret::new(secret.reveal())),
            packet_size: PacketSize::rounded(size),
        }
    }
}

/// A running application server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Name of the worker, and its route.
    pub name: Arc<str>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether its port was taken, so that it listens on another.
    pub moved: bool,
}

impl Running {
    /// The setting that leads its worker to where it listens, as a `JkWorkerProperty` has it.
    pub fn property(&self) -> String {
        format!("worker.{}.port={}", self.name, self.address.port())
    }
}

/// The running application servers. Dropping them closes them at once.
#[derive(Debug)]
pub struct Backends {
    nodes: Vec<Running>,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Backends {
    /// Starts one application server per node. One whose port is taken gets a free one instead.
    ///
    /// # Errors
    /// When a socket cannot be opened.
    pub async fn start(nodes: impl IntoIterator<Item = Node>) -> io::Result<Self> {
        let sessions = Arc::new(Sessions::default());
        let mut backends = Self {
            nodes: Vec::new(),
            stop: watch::Sender::new(false),
            servers: JoinSet::new(),
        };
        for node in nodes {
            let listener = listen(node.port).await?;
            backends.launch(node, listener, sessions.clone())?;
        }
        Ok(backends)
    }

    /// The application servers in the order in which they were asked for.
    pub fn nodes(&self) -> &[Running] {
        &self.nodes
    }

    /// Accepts no more and lets requests finish for a few seconds.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while self.servers.join_next().await.is_some() {}
    }

    fn launch(
        &mut self,
        node: Node,
        listener: TcpListener,
        sessions: Arc<Sessions>,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        let options = ServerOptions {
            secret: node.secret,
            packet_size: node.packet_size,
            drain_timeout: DRAIN,
            ..ServerOptions::default()
        };
        let application = Application::new(node.name.clone(), sessions);
        let service = move |request| application.clone().answer(request);
        let mut stopped = self.stop.subscribe();
        let stop = async move { _ = stopped.wait_for(|stop| *stop).await };
        self.servers
            .spawn(Server::new(listener, options).run(service, stop));
        let moved = node.port != 0 && node.port != address.port();
        self.nodes.push(Running {
            name: node.name,
            address,
            moved,
        });
        Ok(())
    }
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests;
