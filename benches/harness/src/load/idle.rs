//! Connections that have had one answer, and then stay.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Connection, Shared};
use crate::{input::invalid, load::connection::Fault};

/// So many are opened at once.
const AT_ONCE: usize = 50;

/// The idle connections that could be opened.
#[derive(Debug)]
pub(super) struct Idle {
    open: Vec<Connection>,
}

/// Opens as many as the plan wants.
pub(super) async fn open(shared: &Arc<Shared>) -> Idle {
    let wanted = shared.plan.idle;
    let mut openers: JoinSet<_> = (0..AT_ONCE.min(wanted))
        .map(|nth| {
            let share = (wanted + AT_ONCE - 1 - nth) / AT_ONCE;
            open_some(Arc::clone(shared), share)
        })
        .collect();
    let mut open = Vec::with_capacity(wanted);
    while let Some(some) = openers.join_next().await {
        open.extend(some.unwrap_or_default());
    }
    Idle { open }
}

async fn open_some(shared: Arc<Shared>, count: usize) -> Vec<Connection> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        match open_one(&shared).await {
            Ok(connection) => open.push(connection),
            Err(fault) => shared.tally.lock().failed(fault),
        }
    }
    open
}

async fn open_one(shared: &Shared) -> Result<Connection, Fault> {
    let mut connection = Connection::open(shared.address).await?;
    let answer = connection.ask(&shared.request.of_connection()).await?;
    match (answer.status, answer.closes) {
        (200, false) => Ok(connection),
        (200, true) => Err(Fault::Broken(invalid(
            "an answer that closes its connection",
        ))),
        (other, _) => Err(Fault::Status(other)),
    }
}

impl Idle {
    /// How many of them are gone.
    pub(super) fn lost(&self) -> usize {
        self.open.iter().filter(|one| one.is_lost()).count()
    }
}
