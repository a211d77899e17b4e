//! The container's side: takes requests from mod_jk, mod_proxy_ajp or any other AJP13 client and
//! hands them to a service as HTTP.
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use ajp13::facts::ConnectionInfo;
//! use ajp13::server::{RequestBody, Server, ServerOptions};
//! use http::{Request, Response};
//! use tokio::net::TcpListener;
//!
//! async fn hello(request: Request<RequestBody>) -> Response<String> {
//!     let from = request.extensions().get::<ConnectionInfo>().and_then(ConnectionInfo::remote_ip);
//!     Response::new(format!("Hello {from:?}, this is {}\n", request.uri()))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:8009").await?;
//! Server::new(listener, ServerOptions::default())
//!     .run(hello, async { _ = tokio::signal::ctrl_c().await })
//!     .await;
//! # Ok(())
//! # }
//! ```
//!
//! # Requests
//!
//! A request arrives as [`http::Request<RequestBody>`]; what AJP13 knows beside HTTP is on it as
//! extensions (see [`facts`](crate::facts)). The [`RequestBody`] is fetched packet by packet as it
//! is polled, and its content-length is enforced. Names of headers are lower case as always in a
//! [`HeaderMap`](http::HeaderMap); their order is kept among headers of one name only.
//!
//! A request that HTTP's types cannot hold (a target that is no path, control characters in a
//! header, a method that is no token) is answered 400 and never seen by the service; one without
//! the right secret is answered 403.
//!
//! # Responses
//!
//! A response may begin before the request body was read; both stream at once. A body is cut
//! into packets; a data frame without bytes asks the web server to flush what it has to the
//! browser. HEAD requests and the statuses 204, 205 and 304 send no body, whatever the service
//! answers. Trailers, interim responses and headers of the connection (`Connection`,
//! `Transfer-Encoding` …) do not exist on AJP13 and are left out.
//!
//! A body that fails, or is not as long as its `Content-Length` says, closes the connection
//! without the packet that ends a response, so that no one takes it for complete.
//!
//! # Cancellation
//!
//! When the web server closes the connection inside a request, which is what it does when the
//! browser goes away, the service's future is dropped.

mod admission;
mod connection;
mod error;
mod exchange;
mod options;
mod request_body;
mod transport;
mod upload;

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{Instrument, error_span};

pub use error::Error;
pub use options::{AllowedAttributes, ServerOptions};
pub use request_body::{BodyError, RequestBody};

use connection::Connection;

/// How long to wait when no connection can be accepted, which usually is for want of file
/// descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves one connection until it ends.
///
/// # Errors
/// When it ended other than by the web server closing it between two requests, or by us refusing
/// a request.
pub async fn serve_connection<IO, S, F, B>(
    io: IO,
    options: &ServerOptions,
    service: S,
) -> Result<(), Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<RequestBody>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
{
    let (_running, stop) = watch::channel(false);
    Connection::new(io, options, stop).run(&service).await
}

/// Accepts connections on a listener and serves each on its own task.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    options: Arc<ServerOptions>,
}

impl Server {
    /// A server that is not running yet.
    pub fn new(listener: TcpListener, options: ServerOptions) -> Self {
        Self {
            listener,
            options: Arc::new(options),
        }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// When the operating system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready; then accepts no more, closes idle connections, and lets
    /// requests finish for [`ServerOptions::drain_timeout`] before it closes theirs.
    ///
    /// Dropping the future closes everything at once.
    pub async fn run<S, F, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Fn(Request<RequestBody>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        let (stopping, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = self.accept(&mut connections) => accepted,
            };
            if let Some((io, peer)) = accepted {
                let serving = serve(io, self.options.clone(), service.clone(), stopped.clone());
                connections.spawn(serving.instrument(error_span!("ajp13", %peer)));
            }
        }
        let Self { listener, options } = self;
        drop(listener);
        stopping.send_replace(true);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(options.drain_timeout, drained).await.is_err() {
            tracing::warn!("closing connections whose requests did not finish in time");
        }
    }

    /// The next connection, once there is room for it; clears away those that ended.
    async fn accept(&self, connections: &mut JoinSet<()>) -> Option<(TcpStream, SocketAddr)> {
        while connections.len() >= self.options.max_connections.max(1) {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            biased;
            accepted = self.listener.accept() => accepted,
            Some(_) = connections.join_next() => return None,
        };
        match accepted {
            Ok(accepted) => Some(accepted),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }
}

async fn serve<S, F, B>(
    io: TcpStream,
    options: Arc<ServerOptions>,
    service: S,
    stop: watch::Receiver<bool>,
) where
    S: Fn(Request<RequestBody>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
{
    if let Err(error) = io.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn Nagle's algorithm off");
    }
    match Connection::new(io, &options, stop).run(&service).await {
        Ok(()) => {}
        // Browsers go away all the time, and take the web server's connection with them.
        Err(error @ (Error::Disconnected | Error::Io(_))) => {
            tracing::debug!(
                error = &error as &dyn StdError,
                "a connection ended inside a request"
            );
        }
        Err(error) => tracing::warn!(error = &error as &dyn StdError, "closed a connection"),
    }
}
