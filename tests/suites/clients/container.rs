//! A container made of the library's server side, with an application that tells what it saw.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use ajp13::{
    facts::{ConnectionInfo, Secret, Text},
    server::{RequestBody, ServerOptions, serve_connection},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Either, Full};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

/// The secret that it wants.
pub const SECRET: &str = "hush";

/// A running container; it ends when dropped.
pub struct Container {
    /// Where it listens.
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    uploads: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Container {
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let uploads = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel::<()>();
        let (count, busy) = (accepted.clone(), uploads.clone());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                tokio::select! {
                    () = accept(listener, &count, busy) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            accepted,
            uploads,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// How many connections it has accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Relaxed)
    }

    /// How many uploads to `/count` it is in the middle of.
    pub fn uploads(&self) -> usize {
        self.uploads.load(Relaxed)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

async fn accept(
    listener: std::net::TcpListener,
    accepted: &AtomicUsize,
    uploads: Arc<AtomicUsize>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (io, _) = listener.accept().await.unwrap();
        accepted.fetch_add(1, Relaxed);
        let secret = Some(Secret::new(SECRET));
        let uploads = uploads.clone();
        connections.spawn(async move {
            let options = ServerOptions {
                secret,
                ..ServerOptions::default()
            };
            if let Err(error) =
                serve_connection(io, &options, |request| application(request, &uploads)).await
            {
                eprintln!("closed a connection: {error:?}");
            }
        });
    }
}

type Answer = Response<Either<RequestBody, Full<Bytes>>>;

async fn application(request: Request<RequestBody>, uploads: &Arc<AtomicUsize>) -> Answer {
    let uri = request.uri().clone();
    match uri.path() {
        "/count" => {
            let _busy = Busy::new(uploads);
            let known = request.headers().contains_key("content-length");
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let sum = checksum(&body);
            text(format!(
                "bytes={} sum={sum} announced={known}\n",
                body.len()
            ))
        }
        "/mirror" => Response::new(Either::Left(request.into_body())),
        "/ignore" => text("ignored=yes\n"),
        "/download" => text(pattern(number(&uri))),
        "/status" => {
            let mut response = text("not seen with 204 and 304\n");
            *response.status_mut() =
                StatusCode::from_u16(number(&uri).try_into().unwrap()).unwrap();
            response
        }
        _ => text(facts(&request)),
    }
}

/// Counts an upload for as long as its request is being answered.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(uploads: &Arc<AtomicUsize>) -> Self {
        uploads.fetch_add(1, Relaxed);
        Self(uploads.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn text(body: impl Into<Bytes>) -> Answer {
    Response::new(Either::Right(Full::new(body.into())))
}

fn number(uri: &Uri) -> usize {
    uri.query().unwrap().parse().unwrap()
}

/// What the request was, in words of the form `name=value`.
fn facts(request: &Request<RequestBody>) -> String {
    let connection = request.extensions().get::<ConnectionInfo>().unwrap();
    let own = |(name, _): &(&http::HeaderName, _)| name.as_str().starts_with("x-");
    let headers = request.headers();
    format!(
        "method={} path={} query={} version={:?} host={} x-headers={} cookies={} remote={} ssl={}\n",
        request.method(),
        request.uri().path(),
        request.uri().query().unwrap_or("none"),
        request.version(),
        headers
            .get("host")
            .map_or("none", |host| host.to_str().unwrap()),
        headers.iter().filter(own).count(),
        headers.get_all("cookie").iter().count(),
        connection
            .remote_addr
            .clone()
            .unwrap_or_else(|| Text::from_static("none")),
        connection.is_ssl,
    )
}

/// Bytes that are not all the same and not of a power of two.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Notices lost, changed, and swapped bytes.
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
