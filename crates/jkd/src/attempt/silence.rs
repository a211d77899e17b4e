//! Members that say nothing while a request waits for them: what is done before `reply_timeout` is
//! over, so that one that hangs costs no client its answer.
//!
//! Whoever waits for a connection notices it first. Whoever waits for an answer cannot tell silence
//! from work, and lets the member be asked by a CPing over a new connection. Where that is not
//! answered either, and nothing else has come from the member, the member is in error, and a
//! request that may be repeated is, at another one.

use std::{future::Future, mem, net::SocketAddr, sync::OnceLock, time::Duration};

use ajp13::{Doubt, Error, PooledConn, Signs};
use tokio::{
    select,
    time::{sleep, timeout},
};

use crate::{
    balancer::{InFlight, Question, retry},
    forward::Forward,
    snapshot::Endpoint,
    upload::Upload,
};

/// A connect or a CPing that takes longer than this, while nothing else comes from the member
/// either, makes others go elsewhere.
const NOTICED: Duration = Duration::from_millis(100);

/// An answer that takes longer than this makes the member be asked.
const ASKED: Duration = Duration::from_millis(500);

/// The longest time between two questions while one answer takes its time.
const SELDOM: Duration = Duration::from_secs(4);

/// Why there is no connection.
pub(super) enum Unconnected {
    /// There will be none.
    Failed(Error),
    /// The member is silent, and somebody else finds out about it.
    Silent,
}

/// A connection: an idle one unless it has to be `fresh`. Where the member is silent meanwhile that
/// is noticed. One request goes on waiting then, to find out; the others go elsewhere, as nothing of
/// them has been sent.
pub(super) async fn connected(
    endpoint: &Endpoint,
    lane: usize,
    fresh: bool,
    guard: Option<&InFlight>,
) -> Result<PooledConn, Unconnected> {
    // Until there is a place other requests are what is waited for.
    let place = select! {
        biased;
        place = endpoint.pool.place(lane) => place.map_err(Unconnected::Failed)?,
        () = others_notice(endpoint, guard) => return Err(Unconnected::Silent),
    };
    let connecting = async {
        if fresh {
            place.fresh_connection().await
        } else {
            place.connection().await
        }
    };
    noticed(connecting, endpoint, guard).await
}

/// Ready when a member for which others wait has better not be waited for.
async fn others_notice(endpoint: &Endpoint, guard: Option<&InFlight>) {
    let leaves = |guard: &InFlight| guard.is_silence_noticed() && may_leave(endpoint, guard);
    loop {
        sleep(NOTICED).await;
        if guard.is_some_and(leaves) {
            return;
        }
    }
}

async fn noticed(
    connecting: impl Future<Output = Result<PooledConn, Error>>,
    endpoint: &Endpoint,
    guard: Option<&InFlight>,
) -> Result<PooledConn, Unconnected> {
    let Some(guard) = guard else {
        return connecting.await.map_err(Unconnected::Failed);
    };
    let mut notice = Notice {
        guard,
        question: None,
        waits: false,
    };
    let conn = select! {
        biased;
        conn = connecting => conn,
        () = notice.look(endpoint) => return Err(Unconnected::Silent),
    };
    notice.ends(conn.as_ref().err());
    conn.map_err(Unconnected::Failed)
}

/// Somebody who waits for a connection.
struct Notice<'a> {
    guard: &'a InFlight,
    question: Option<Question<'a>>,
    waits: bool,
}

impl Notice<'_> {
    /// Ready when the request better goes elsewhere. Connections of the pool are at hand before this
    /// begins.
    async fn look(&mut self, endpoint: &Endpoint) {
        self.waits = true;
        let mut signs = self.guard.signs();
        loop {
            sleep(NOTICED).await;
            let before = mem::replace(&mut signs, self.guard.signs());
            if before != signs {
                continue;
            }
            self.guard.notices_silence(signs);
            if self.question.is_none() {
                self.question = self.guard.begin_question();
            }
            if self.question.is_none() && may_leave(endpoint, self.guard) {
                return;
            }
        }
    }

    /// A connection that was waited for is a new one, or was checked. One that was refused, or could
    /// not be tried, says nothing about silence.
    fn ends(mut self, error: Option<&Error>) {
        match (self.question.take(), error) {
            (Some(question), Some(error)) if error.is_silence() => question.not_answered(),
            (_, None) if self.waits => self.guard.gives_sign(),
            _ => {}
        }
    }
}

/// `recovery_options` are mod_jk's rules, in which there is nothing like it.
fn may_leave(endpoint: &Endpoint, guard: &InFlight) -> bool {
    endpoint.worker.recovery_options.is_none() && guard.has_alternative()
}

/// Watches a member that has a request which may be repeated elsewhere.
pub(super) struct Watch<'a> {
    endpoint: &'a Endpoint,
    guard: &'a InFlight,
    /// Which of the machines behind the member's name owes the answer.
    remote: Option<SocketAddr>,
    /// Its signs of life.
    of_remote: Option<Signs>,
    /// The longest wait for a CPong.
    patience: Duration,
    /// The signs of life of who owes the answer, when it got the request.
    signs: u32,
    /// Who has been found to be silent.
    silent: OnceLock<Silent>,
}

/// Who says nothing any more, not even a CPong within this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    Member(Duration),
    /// One of the machines behind the member's name; others of them have answered meanwhile.
    Address(Duration),
}

impl<'a> Watch<'a> {
    /// Nothing where the request may not be repeated, or nobody asks by CPing. `recovery_options`
    /// are mod_jk's rules, in which there is nothing like it.
    pub(super) fn new(
        endpoint: &'a Endpoint,
        forward: &Forward<'_>,
        upload: &Upload,
        conn: &PooledConn,
        guard: Option<&'a InFlight>,
    ) -> Option<Self> {
        let worker = &endpoint.worker;
        let guard = guard.filter(|guard| guard.has_others())?;
        let repeatable = retry::is_idempotent(&forward.head.method) && upload.is_at_hand();
        (repeatable && worker.recovery_options.is_none()).then_some(())?;
        let of_remote = conn.signs();
        Some(Self {
            endpoint,
            guard,
            remote: conn.remote(),
            patience: worker.ping.connect?,
            signs: signs(of_remote.as_ref(), guard),
            of_remote,
            silent: OnceLock::new(),
        })
    }

    /// Why the request was given up, if it was.
    pub(super) fn found(&self) -> Option<Silent> {
        self.silent.get().copied()
    }

    /// Justified when the member is silent, and the request better goes elsewhere.
    pub(super) fn doubt(&self) -> Doubt<impl Future<Output = ()>> {
        Doubt {
            after: ASKED,
            justified: self.is_silent(),
        }
    }

    /// Begins when nothing has come for a while.
    async fn is_silent(&self) {
        let (mut signs, mut pause) = (self.signs, ASKED);
        loop {
            let before = mem::replace(&mut signs, self.signs());
            if before == signs
                && self.guard.has_alternative()
                && let Some(silent) = Box::pin(self.who_is_silent()).await
            {
                let _ = self.silent.set(silent);
                return;
            }
            pause = (pause * 2).min(SELDOM);
            sleep(pause).await;
        }
    }

    /// Asks, unless somebody else does; then his result counts as soon as he has one.
    async fn who_is_silent(&self) -> Option<Silent> {
        let member = Silent::Member(self.patience);
        if self.guard.is_given_up() {
            return Some(member);
        }
        let (signs, of_all) = (self.signs(), self.guard.signs());
        let Some(question) = self.guard.begin_question() else {
            let given_up = async {
                while !self.guard.is_given_up() {
                    sleep(NOTICED).await;
                }
            };
            return (timeout(self.patience, given_up).await.ok()).map(|()| member);
        };
        let probe = self.endpoint.pool.probe_at(self.remote, self.patience);
        match timeout(self.patience, probe).await {
            Ok(Ok(_)) => self.guard.gives_sign(),
            // It is there and refuses, or could not even be asked.
            Ok(Err(error)) if !error.is_silence() => {}
            _ if signs != self.signs() => {}
            _ if of_all != self.guard.signs() => return Some(Silent::Address(self.patience)),
            _ => {
                question.not_answered();
                return Some(member);
            }
        }
        None
    }

    fn signs(&self) -> u32 {
        signs(self.of_remote.as_ref(), self.guard)
    }
}

/// Those of the machine that owes the answer: others behind the same name do not speak for it.
fn signs(of_remote: Option<&Signs>, guard: &InFlight) -> u32 {
    of_remote.map_or_else(|| guard.signs(), Signs::count)
}
