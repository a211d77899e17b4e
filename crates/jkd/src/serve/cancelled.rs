//! Clients that are gone after one poll, after two, after three …: whatever a request is waiting
//! for, nothing is left of it, and nobody else notices.

mod backend;
mod panics;

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    task::{Context, Wake, Waker},
    time::Duration,
};

use jkworkers::{LoadOptions, model::Model};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split},
    net::{TcpListener, TcpSocket},
    sync::Notify,
    task::{JoinSet, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::backend::{Seen, said};
use super::Shared;
use crate::{
    handler::Front,
    http1,
    logs::{Logs, Writer},
    peer::Peer,
    snapshot::{self, Group, Snapshot},
    tls,
};

/// Nothing here takes nearly so long unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who does not move for so long waits for something that does not come by itself.
const STUCK: Duration = Duration::from_millis(60);

/// A request, and what it meets.
#[derive(Clone, Copy)]
struct Scene {
    /// What it is about.
    title: &'static str,
    /// Its path and its body; `Transfer-Encoding` where the path says so.
    path: &'static str,
    body: usize,
    /// Connections are open already.
    is_warm: bool,
    /// Another request has the only connection.
    is_full: bool,
    /// The first member refuses connections.
    fails_over: bool,
    /// It is tried a second time, after a while.
    pauses: bool,
    /// Connections are pinged, which would find out those that may not be used.
    pings: bool,
}

const PLAIN: Scene = Scene {
    title: "a GET over a new connection",
    path: "/get/0",
    body: 0,
    is_warm: false,
    is_full: false,
    fails_over: false,
    pauses: false,
    pings: true,
};

const SCENES: [Scene; 9] = [
    PLAIN,
    Scene {
        title: "a GET over one that is there, after a CPing",
        is_warm: true,
        ..PLAIN
    },
    Scene {
        title: "a long answer",
        path: "/long/0/50000",
        is_warm: true,
        ..PLAIN
    },
    Scene {
        title: "a short POST",
        path: "/short/300",
        body: 300,
        ..PLAIN
    },
    Scene {
        title: "a POST of several packets",
        path: "/post/30000",
        body: 30_000,
        is_warm: true,
        ..PLAIN
    },
    Scene {
        title: "an upload of unknown length",
        path: "/up/chunked",
        body: 20_000,
        is_warm: true,
        ..PLAIN
    },
    Scene {
        title: "a wait for a free connection",
        is_full: true,
        ..PLAIN
    },
    Scene {
        title: "another member after the first has refused",
        fails_over: true,
        ..PLAIN
    },
    Scene {
        title: "a pause before the first is tried again",
        path: "/post/3000",
        body: 3000,
        fails_over: true,
        pauses: true,
        ..PLAIN
    },
];

/// The daemon without listeners, and the container behind it.
struct House {
    shared: Arc<Shared>,
    seen: Arc<Seen>,
    tasks: JoinSet<()>,
    /// Takes no connections.
    _deaf: TcpSocket,
    _writer: Writer,
}

impl House {
    async fn build(scene: &Scene) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let deaf = TcpSocket::new_v4().unwrap();
        deaf.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let works = listener.local_addr().unwrap().port();
        let first = if scene.fails_over {
            deaf.local_addr().unwrap().port()
        } else {
            works
        };
        let writer = Writer::start(1).unwrap();
        let model = Arc::new(model(first, works, scene));
        let logs = Arc::new(Logs::open(&model, &writer).unwrap());
        let tls = Arc::new(tls::Hosts::new(&model).unwrap());
        let seen = Arc::<Seen>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(backend::run(listener, seen.clone()));
        Self {
            shared: Shared::new(model, (logs, tls), 1),
            seen,
            tasks,
            _deaf: deaf,
            _writer: writer,
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// A client's connection, from its first byte to its last.
    fn serve<S>(&self, stream: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let here = ([127, 0, 0, 1], 8080).into();
        let front = Front {
            shared: self.shared.clone(),
            peer: Arc::new(Peer::new(([127, 0, 0, 1], 50_000).into(), here, 0)),
            is_one_too_many: false,
        };
        http1::serve(stream, front, CancellationToken::new())
    }

    /// A whole request: its answer has to be its own.
    async fn asks(&self, path: &str, body: usize) {
        let (stream, theirs) = duplex(2000);
        let served = self.serve(stream);
        let (answer, ()) = timeout(PATIENCE, async {
            tokio::join!(client(theirs, path, body), served)
        })
        .await
        .expect("hangs");
        assert_answers(&answer, path, body);
    }

    /// Drops a request after so many polls; with `late` others go on for a while before. Whether it
    /// had come to its end.
    async fn asks_in_vain(&mut self, scene: &Scene, polls: usize, late: bool) -> bool {
        let (stream, theirs) = duplex(2000);
        let mut held = self.hold(scene).await;
        let mut served = Box::pin(self.serve(stream));
        let Scene { path, body, .. } = *scene;
        let asking = self
            .tasks
            .spawn(async move { drop(client(theirs, path, body).await) });
        let (bell, mut is_over) = (Arc::<Bell>::default(), false);
        for poll in 0..polls {
            // What it waits for may have to be given back first.
            if poll > 0 && timeout(STUCK, bell.0.notified()).await.is_err() {
                drop(held.take());
                let rung = timeout(PATIENCE, bell.0.notified()).await;
                rung.unwrap_or_else(|_| panic!("{}: hangs", scene.title));
            }
            is_over = bell.polls(served.as_mut());
            if is_over {
                break;
            }
        }
        drop(held);
        for _ in 0..if late { 30 } else { 0 } {
            yield_now().await;
        }
        drop(served);
        asking.abort();
        is_over
    }

    /// The only connection, where the scene is about a wait for it.
    async fn hold(&self, scene: &Scene) -> Option<ajp13::PooledConn> {
        if !scene.is_full {
            return None;
        }
        let snapshot = self.snapshot();
        let pool = &lb(&snapshot).endpoints[0].pool;
        Some(pool.checkout_on(0).await.unwrap())
    }

    /// No request is on its way, nobody is blamed, and connections are those that are counted.
    async fn is_quiet(&self, scene: &Scene) {
        let snapshot = self.snapshot();
        let group = lb(&snapshot);
        let view = group.balancer.view(snapshot::now());
        assert_eq!(view.busy, 0);
        for (index, member) in view.members.iter().enumerate() {
            assert_eq!(group.balancer.member(index).unwrap().in_flight(), 0);
            let refuses = scene.fails_over && index == 0;
            assert!(refuses || member.state.is_usable(), "{:?}", member.state);
            assert_eq!(group.endpoints[index].pool.stats().busy, 0);
        }
        let open = || -> u64 {
            (group.endpoints.iter())
                .map(|e| e.pool.stats().open())
                .sum()
        };
        let seen = || u64::try_from(self.seen.open.load(SeqCst)).unwrap();
        let same = async {
            while open() != seen() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let same = timeout(PATIENCE, same).await;
        same.unwrap_or_else(|_| panic!("{} are counted, {} are open", open(), seen()));
        assert_eq!(*self.seen.wrong.lock(), [""; 0]);
    }
}

fn lb(snapshot: &Snapshot) -> &Group {
    snapshot.groups().next().unwrap()
}

/// Each member has one connection at most.
fn model(first: u16, second: u16, scene: &Scene) -> Model {
    let members = if first == second { "b" } else { "a,b" };
    let retries = if scene.pauses { 2 } else { 1 };
    let pings = if scene.pings {
        "worker.all.ping_mode=A\n"
    } else {
        "worker.all.ping_mode=\n"
    };
    let text = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers={members}\n\
         worker.all.host=127.0.0.1\nworker.all.connection_pool_size=1\n\
         worker.all.connection_acquire_timeout=20000\n{pings}\
         worker.all.ping_timeout=20000\nworker.all.retries={retries}\n\
         worker.all.retry_interval=20\n\
         worker.a.reference=worker.all\nworker.a.port={first}\n\
         worker.b.reference=worker.all\nworker.b.port={second}\n"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let loaded = jkworkers::load(&LoadOptions {
        workers: Some(file.path().to_owned()),
        mounts: vec!["/*=lb".into()],
        ..LoadOptions::default()
    });
    loaded
        .model
        .unwrap_or_else(|| panic!("{}", loaded.diagnostics))
}

/// Sends a request piece by piece and reads all that comes.
async fn client(stream: DuplexStream, path: &str, body: usize) -> Vec<u8> {
    let (mut from, mut to) = split(stream);
    let writes = async {
        for piece in request(path, body) {
            // Who is answered early, or not at all, is not heard to the end.
            if to.write_all(&piece).await.is_err() {
                return;
            }
            yield_now().await;
        }
    };
    let mut answer = Vec::new();
    let reads = async { drop(from.read_to_end(&mut answer).await) };
    tokio::join!(writes, reads);
    answer
}

fn request(path: &str, length: usize) -> Vec<Vec<u8>> {
    let is_chunked = path.ends_with("/chunked");
    let framing = match length {
        0 => String::new(),
        _ if is_chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
        _ => format!("Content-Length: {length}\r\n"),
    };
    let method = if length == 0 { "GET" } else { "POST" };
    let line = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    let fields = format!("Host: localhost\r\n{framing}Connection: close\r\n\r\n").into_bytes();
    let mut pieces = vec![line, fields];
    for piece in sent(length).chunks(3000) {
        if is_chunked {
            pieces.push(format!("{:x}\r\n", piece.len()).into_bytes());
            pieces.push([piece, b"\r\n"].concat());
        } else {
            pieces.push(piece.to_vec());
        }
    }
    if is_chunked {
        pieces.push(b"0\r\n\r\n".to_vec());
    }
    pieces
}

fn sent(length: usize) -> Vec<u8> {
    (0..length).map(|at| b"abcdefg"[at % 7]).collect()
}

fn assert_answers(answer: &[u8], path: &str, body: usize) {
    let answer = String::from_utf8_lossy(answer);
    let more = path
        .split('/')
        .nth(3)
        .map_or(0, |more| more.parse().unwrap());
    let expected = said(path, &sent(body), more);
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    assert_eq!(text, expected, "{path}");
}

/// Whether the future that has it as its waker wants to be polled.
#[derive(Default)]
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl Bell {
    /// Polls once, whatever comes of it. True at the end.
    fn polls<F: Future<Output = ()>>(self: &Arc<Self>, future: Pin<&mut F>) -> bool {
        let waker = Waker::from(self.clone());
        future.poll(&mut Context::from_waker(&waker)).is_ready()
    }
}

/// How many polls there were until it came to its end.
async fn drop_everywhere(scene: &Scene, late: bool) -> usize {
    for polls in 1.. {
        let mut house = House::build(scene).await;
        if scene.is_warm {
            house.asks("/first/0", 0).await;
        }
        let is_over = house.asks_in_vain(scene, polls, late).await;
        house.is_quiet(scene).await;
        house.asks("/next/0", 0).await;
        house.asks(scene.path, scene.body).await;
        house.is_quiet(scene).await;
        if is_over {
            return polls;
        }
    }
    unreachable!("it ends some time")
}

#[tokio::test]
async fn whoever_leaves_whenever_leaves_nothing_behind() {
    for scene in &SCENES {
        for (late, pings) in [(false, true), (true, true), (false, false)] {
            let scene = &Scene { pings, ..*scene };
            let polls = drop_everywhere(scene, late).await;
            assert!(polls > 3, "{}: only {polls}", scene.title);
            println!("{polls:4} polls: {}", scene.title);
        }
    }
}
