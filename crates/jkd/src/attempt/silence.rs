//! Members that say nothing while a request waits for them: what is done before `reply_timeout` is
//! over, so that one that hangs costs no client its answer.
//!
//! Whoever waits for a connection notices it first. Whoever waits for an answer cannot tell silence
//! from work, and lets the member be asked by a CPing over a new connection. Where that is not
//! answered either, and nothing else has come from the member, the member is in error, and a
//! request that may be repeated is, at another one.

use std::{future::Future, time::Duration};

use ajp13::{Error, PooledConn};
use tokio::{
    select,
    time::{sleep, timeout},
};

use super::{
    Answered,
    failed::{Cause, Failed},
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

/// Waits for a connection, and notices when the member is silent meanwhile. One request goes on
/// waiting then, to find out; the others go elsewhere, as nothing of them has been sent.
pub(super) async fn noticed(
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
    notice.ends(conn.is_ok());
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
            let before = std::mem::replace(&mut signs, self.guard.signs());
            // In a pool that is full it may be other requests that one waits for.
            if before != signs || !endpoint.has_room() {
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

    /// A connection that was waited for is a new one, or was checked.
    fn ends(mut self, with_success: bool) {
        match self.question.take() {
            Some(question) if !with_success => question.not_answered(),
            _ if with_success && self.waits => self.guard.gives_sign(),
            _ => {}
        }
    }
}

/// `recovery_options` are mod_jk's rules, in which there is nothing like it.
fn may_leave(endpoint: &Endpoint, guard: &InFlight) -> bool {
    endpoint.worker.recovery_options.is_none() && guard.has_alternative()
}

/// The head of the answer, as long as there is hope for it.
pub(super) async fn answered(
    sending: impl Future<Output = Result<Answered, Failed>>,
    watch: Option<Watch<'_>>,
    guard: Option<&InFlight>,
) -> Result<Answered, Failed> {
    let answered = match watch {
        None => sending.await,
        Some(watch) => select! {
            biased;
            answered = sending => answered,
            () = watch.silent() => Err(Failed::new(Cause::Silent(watch.patience), None)),
        },
    };
    if answered.is_ok() {
        guard.inspect(|guard| guard.gives_sign());
    }
    answered
}

/// Watches a member that has a request which may be repeated elsewhere.
pub(super) struct Watch<'a> {
    endpoint: &'a Endpoint,
    guard: &'a InFlight,
    /// The longest wait for a CPong.
    patience: Duration,
}

impl<'a> Watch<'a> {
    /// Nothing where the request may not be repeated, or nobody asks by CPing. `recovery_options`
    /// are mod_jk's rules, in which there is nothing like it.
    pub(super) fn new(
        endpoint: &'a Endpoint,
        forward: &Forward<'_>,
        upload: &Upload,
        guard: Option<&'a InFlight>,
    ) -> Option<Self> {
        let worker = &endpoint.worker;
        let repeatable = retry::is_idempotent(&forward.head.method) && upload.is_at_hand();
        (repeatable && worker.recovery_options.is_none()).then_some(())?;
        Some(Self {
            endpoint,
            guard: guard?,
            patience: worker.ping.connect?,
        })
    }

    /// Ready when the member is silent, and the request better goes elsewhere.
    async fn silent(&self) {
        let (mut signs, mut pause) = (self.guard.signs(), ASKED);
        loop {
            sleep(pause).await;
            let before = std::mem::replace(&mut signs, self.guard.signs());
            pause = (pause * 2).min(SELDOM);
            if before != signs || !self.guard.has_alternative() {
                continue;
            }
            if self.guard.is_given_up() || self.stays_silent().await {
                return;
            }
        }
    }

    /// Asks, unless somebody else does; then his result counts as soon as he has one.
    async fn stays_silent(&self) -> bool {
        let signs = self.guard.signs();
        let Some(question) = self.guard.begin_question() else {
            let given_up = async {
                while !self.guard.is_given_up() {
                    sleep(NOTICED).await;
                }
            };
            return timeout(self.patience, given_up).await.is_ok();
        };
        let probe = self.endpoint.pool.probe(self.patience);
        let answered = timeout(self.patience, probe).await;
        if matches!(answered, Ok(Ok(_))) {
            self.guard.gives_sign();
            return false;
        }
        let silent = signs == self.guard.signs();
        if silent {
            question.not_answered();
        }
        silent
    }
}
