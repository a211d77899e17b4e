//! jkd, and its backends: one has small answers, the other one has large ones.

use std::{
    convert::Infallible,
    fs,
    pin::Pin,
    task::{Context, Poll},
    thread,
    time::Duration,
};

use ajp13::server::{RequestBody, Server, ServerOptions};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use jkd_tests::{Jkd, raise_file_limit, wait_until};
use tokio::net::TcpListener;

/// What every request but one is answered with.
pub(crate) const ANSWER: &str = "fine";

/// Bytes of the large answer.
const LARGE: u64 = 100_000_000;

/// jkd in front of backends of this process.
pub(crate) struct Stage {
    pub(crate) jkd: Jkd,
    _backends: [tokio::sync::oneshot::Sender<()>; 2],
}

impl Stage {
    /// Connections may stay for as long as the test takes; `lines` may say otherwise.
    pub(crate) fn new(lines: &str) -> Self {
        raise_file_limit();
        // Who behaves shall not wait for a backend that has others to serve.
        let backends = [serve(), serve()];
        let [small, large] = [0, 1].map(|which| backends[which].0);
        let workers = format!(
            "worker.list=small,large\nworker.small.host=127.0.0.1\nworker.small.port={small}\n\
             worker.large.host=127.0.0.1\nworker.large.port={large}\n\
             worker.large.connection_pool_size=8000\n"
        );
        let conf = format!(
            "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMount /* small\nJkMount /large large\n\
             KeepAliveTimeout 300\nMaxKeepAliveRequests 0\n{lines}"
        );
        let jkd = Jkd::builder(env!("CARGO_BIN_EXE_jkd"))
            .file("workers.properties", &workers)
            .file("jk.conf", &conf)
            .start(&["run", "-f", "jk.conf"]);
        Self {
            jkd,
            _backends: backends.map(|(_, stop)| stop),
        }
    }

    /// Files that jkd has open.
    pub(crate) fn files(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.jkd.process().pid()));
        open.unwrap().count()
    }

    /// The same, once it does not change any more.
    pub(crate) fn settled_files(&self) -> usize {
        let mut last = (self.files(), 0);
        wait_until("files to be closed", || {
            thread::sleep(Duration::from_millis(200));
            let now = self.files();
            last = (now, if now == last.0 { last.1 + 1 } else { 0 });
            last.1 >= 15
        });
        last.0
    }

    /// The memory that it uses, kB.
    pub(crate) fn memory(&self) -> u64 {
        self.jkd.process().memory_kb("VmRSS")
    }
}

/// An application server in a thread of its own, until what is returned is dropped.
fn serve() -> (u16, tokio::sync::oneshot::Sender<()>) {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            let server = Server::new(listener, ServerOptions::default());
            server
                .run(answer, async {
                    _ = stopped.await;
                })
                .await;
        });
    });
    (port, stop)
}

async fn answer(request: Request<RequestBody>) -> Response<Zeros> {
    let is_large = request.uri().path() == "/large";
    let length = if is_large { LARGE } else { ANSWER.len() as u64 };
    let answer = Response::builder().header("Content-Length", length);
    answer.body(Zeros(length, is_large)).unwrap()
}

/// So many bytes that cost nothing.
struct Zeros(u64, bool);

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static ZEROS: [u8; 8000] = [0; 8000];
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        let whole: &'static [u8] = if self.1 { &ZEROS } else { ANSWER.as_bytes() };
        let length = usize::try_from(self.0).map_or(whole.len(), |left| left.min(whole.len()));
        self.0 -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&whole[..length])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}
