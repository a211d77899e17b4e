//! Clients of all kinds, each with one request or a few at a time.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{OwnedRwLockWriteGuard, RwLock},
    task::JoinSet,
    time::sleep,
};

use crate::{
    conn::Conn,
    dice::Dice,
    job::{Fate, Job, Seen},
};

/// Clients that go on until they are told to stop.
#[derive(Debug)]
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    runtime: Handle,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    nodes: Vec<char>,
    /// Read by those who are about to ask.
    gate: Arc<RwLock<()>>,
    over: AtomicBool,
    next: AtomicU64,
    seen: Mutex<Vec<Seen>>,
}

/// While it lives no client has a request or a connection.
pub(crate) type Rest = OwnedRwLockWriteGuard<()>;

impl Crowd {
    /// So many clients of a server.
    pub(crate) fn of(
        address: SocketAddr,
        nodes: &[char],
        clients: usize,
        dice: &mut Dice,
        runtime: &Handle,
    ) -> Self {
        let shared = Arc::new(Shared {
            address,
            nodes: nodes.to_vec(),
            gate: Arc::default(),
            over: AtomicBool::new(false),
            next: AtomicU64::new(1),
            seen: Mutex::default(),
        });
        for _ in 0..clients {
            runtime.spawn(shared.clone().client(dice.fork()));
        }
        Self {
            shared,
            runtime: runtime.clone(),
        }
    }

    /// Waits until all clients have what they asked for.
    pub(crate) fn rest(&self) -> Rest {
        self.runtime
            .block_on(self.shared.gate.clone().write_owned())
    }

    /// So many requests, one after the other, of each of some clients that stay. The others have to
    /// rest.
    pub(crate) fn calm(&self, clients: usize, each: usize, dice: &mut Dice, _: &Rest) {
        self.runtime.block_on(async {
            let mut round = JoinSet::new();
            for _ in 0..clients {
                let (shared, mut dice) = (self.shared.clone(), dice.fork());
                round.spawn(async move {
                    let mut conn = None;
                    for _ in 0..each {
                        conn = shared.turn(conn, &mut dice, Job::calm).await;
                    }
                });
            }
            round.join_all().await;
        });
    }

    /// Nobody asks any more.
    pub(crate) fn stop(&self, _: Rest) {
        self.shared.over.store(true, SeqCst);
    }

    /// What clients have seen, from this place on.
    pub(crate) fn seen(&self, from: usize) -> Vec<Seen> {
        self.shared.seen.lock()[from..].to_vec()
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.seen.lock().len()
    }
}

type MakesJob = fn(u64, &mut Dice, &[char]) -> Job;

impl Shared {
    async fn client(self: Arc<Self>, mut dice: Dice) {
        let mut conn = None;
        loop {
            let turn = if let Ok(turn) = self.gate.try_read() {
                turn
            } else {
                conn = None;
                self.gate.read().await
            };
            if self.over.load(SeqCst) {
                return;
            }
            conn = self.turn(conn, &mut dice, Job::rough).await;
            drop(turn);
            sleep(dice.ms(0..15)).await;
        }
    }

    /// A request, or some at once.
    async fn turn(&self, conn: Option<Conn>, dice: &mut Dice, one: MakesJob) -> Option<Conn> {
        let count = if dice.per_mille(60) {
            2 + dice.below(4)
        } else {
            1
        };
        let makes = if count > 1 { Job::one_of_many } else { one };
        let jobs: Vec<_> = (0..count)
            .map(|_| makes(self.next.fetch_add(1, SeqCst), dice, &self.nodes))
            .collect();
        let conn = match conn.filter(|_| !dice.per_mille(40)) {
            Some(conn) => Ok(conn),
            None => Conn::open(self.address).await,
        };
        let Ok(conn) = conn else {
            self.seen.lock().extend(jobs.iter().map(refused));
            sleep(Duration::from_millis(50)).await;
            return None;
        };
        let (seen, conn) = conn.ask(&jobs).await;
        self.seen.lock().extend(seen);
        conn
    }
}

fn refused(job: &Job) -> Seen {
    Seen {
        id: job.id,
        method: job.method,
        fate: Fate::Refused,
        status: 0,
        bytes: 0,
        node: None,
        session: job.session,
        took: Duration::ZERO,
    }
}
