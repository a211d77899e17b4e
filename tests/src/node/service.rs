//! The node's side: an AJP server that makes its answers out of the requests.

use std::{
    convert::Infallible,
    fs::File,
    io::Write,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use ajp13::server::{RequestBody, Server, ServerOptions};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{Sleep, sleep},
};

use super::{TOLD, Told, socket};
use crate::load::Pattern;

/// Answers requests until SIGTERM where this process was started to be a node; else returns false.
pub fn serve_if_asked() -> bool {
    let Ok(told) = std::env::var(TOLD) else {
        return false;
    };
    let told = Told::parse(&told).expect("what a node is told");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(serve(told));
    true
}

async fn serve(told: Told) {
    let socket = socket(told.address);
    socket.listen(1024).expect("a socket that listens");
    socket.set_nonblocking(true).expect("an option");
    let listener = TcpListener::from_std(socket.into()).expect("a listener");
    let record = File::options().create(true).append(true).open(&told.record);
    let node = Arc::new(Service {
        name: told.name,
        delay: told.delay,
        record: record.expect("a file"),
    });
    let service = move |request| {
        let node = node.clone();
        async move { node.answer(request).await }
    };
    let mut term = signal(SignalKind::terminate()).expect("a signal");
    Server::new(listener, ServerOptions::default())
        .run(service, async move { _ = term.recv().await })
        .await;
}

struct Service {
    name: String,
    delay: Duration,
    record: File,
}

impl Service {
    async fn answer(&self, request: Request<RequestBody>) -> Response<BoxBody<Bytes, Infallible>> {
        let (head, body) = request.into_parts();
        let number = number(&head.headers);
        if let Some(number) = &number {
            // One write for each line: it is there even if the next moment is the last.
            let line = format!("{} {number}\n", head.method);
            (&self.record).write_all(line.as_bytes()).expect("a file");
        }
        let told = |name| told(head.uri.query().unwrap_or_default(), name);
        let seed = number.as_deref();
        let seed = seed.and_then(|number| u64::from_str_radix(number, 16).ok());
        let mut pattern = Pattern::new(seed.unwrap_or_default());
        let mut held = Some(body);
        let mut whole = None;
        if told("early").is_none() {
            whole = read(held.take(), &mut pattern).await;
            if whole.is_none() {
                // Nobody is there any more.
                return Response::default();
            }
        }
        let ms = told("ms").and_then(|ms| ms.parse().ok()).unwrap_or(0);
        let delay = self.delay + Duration::from_millis(ms);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let size = told("size")
            .and_then(|size| size.parse().ok())
            .unwrap_or(64);
        let mut answer = Response::builder()
            .status(told("status").unwrap_or("200"))
            .header("X-Node", &*self.name);
        if let Some(number) = &number {
            answer = answer.header("X-Id", number);
        }
        if let Some(read) = whole.and_then(Whole::told) {
            answer = answer.header("X-Read", read);
        }
        if told("chunked").is_none() {
            answer = answer.header("Content-Length", size);
        }
        let bytes = Bytes::from(Pattern::new(seed.unwrap_or_default()).take(size));
        let body = match told("drip").and_then(|ms| ms.parse().ok()) {
            Some(ms) => Drip::new(bytes, Duration::from_millis(ms)).boxed(),
            None => Full::from(bytes).boxed(),
        };
        answer.body(body).expect("a response")
    }
}

/// A body that comes piece by piece.
struct Drip {
    left: Bytes,
    piece: usize,
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Drip {
    const PIECES: u32 = 20;

    /// All of it takes this long.
    fn new(bytes: Bytes, lasts: Duration) -> Self {
        let pause = lasts / Self::PIECES;
        Self {
            piece: bytes.len().div_ceil(20).max(1),
            left: bytes,
            pause,
            sleep: Box::pin(sleep(Duration::ZERO)),
        }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.sleep.as_mut().poll(cx));
        self.sleep = Box::pin(sleep(self.pause));
        let piece = self.piece.min(self.left.len());
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(piece)))))
    }
}

/// A body that has come to its end.
struct Whole {
    length: usize,
    /// Whether it is the one of the request's number.
    same: bool,
}

impl Whole {
    /// What is said of a body that is not empty.
    fn told(self) -> Option<String> {
        let told = if self.same {
            self.length.to_string()
        } else {
            "other bytes".to_owned()
        };
        (self.length > 0).then_some(told)
    }
}

/// Reads a body to its end; nothing where it does not come.
async fn read(body: Option<RequestBody>, pattern: &mut Pattern) -> Option<Whole> {
    let (mut length, mut same) = (0, true);
    if let Some(mut body) = body {
        while let Some(frame) = body.frame().await {
            let data = frame.ok()?.into_data().unwrap_or_default();
            same &= pattern.is_next(&data);
            length += data.len();
        }
    }
    Some(Whole { length, same })
}

fn number(headers: &HeaderMap) -> Option<String> {
    headers.get("x-id")?.to_str().ok().map(str::to_owned)
}

fn told<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next()
}
