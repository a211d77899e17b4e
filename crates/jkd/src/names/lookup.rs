//! Asking the system's resolver, which blocks for as long as it likes.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::{sync::Semaphore, task::spawn_blocking, time::Instant};

use super::{LOOKUPS, Name};

/// A thread that hangs keeps its permit, so that there are never more than [`LOOKUPS`] of them.
static THREADS: Semaphore = Semaphore::const_new(LOOKUPS);

/// Asks in a thread of the runtime's own for such work.
pub(super) async fn system(host: Arc<str>) -> io::Result<Vec<SocketAddr>> {
    let permit = THREADS.acquire().await.map_err(io::Error::other)?;
    let ask = move || {
        let _permit = permit;
        ask(&host)
    };
    spawn_blocking(ask).await.map_err(io::Error::other)?
}

fn ask(host: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((host, 0).to_socket_addrs()?.collect())
}

/// Asks for several names at once, as far as threads are free, and takes what is known after
/// `moment` at the latest. Blocks.
pub(super) fn within(
    moment: Duration,
    names: &[Arc<Name>],
    mut take: impl FnMut(&Name, io::Result<Vec<SocketAddr>>),
) {
    let until = Instant::now() + moment;
    let (answers, answered) = mpsc::channel();
    for name in names {
        let Ok(permit) = THREADS.try_acquire() else {
            break;
        };
        let (name, answers) = (name.clone(), answers.clone());
        let work = move || {
            let _permit = permit;
            let found = ask(&name.host);
            // Nobody listens any more after the moment.
            let _ = answers.send((name, found));
        };
        // Without a thread the name is looked up later, as the others are.
        let _ = thread::Builder::new().name("lookup".into()).spawn(work);
    }
    drop(answers);
    let left = || until.saturating_duration_since(Instant::now());
    while let Ok((name, found)) = answered.recv_timeout(left()) {
        take(&name, found);
    }
}
