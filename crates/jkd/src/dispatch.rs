//! One request for one worker: which member next, until one answers or no other may have it.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    answer::Answer,
    attempt::{self, Answered, Failed, Try},
    balancer::{
        Attempts, Chosen, GiveUp, InFlight, Step, Verdict,
        retry::{Facts, Retry},
    },
    forward::Forward,
    http1::Outgoing,
    logs::Record,
    maintain::{log_transition, log_transition_after},
    rescue::Stumble,
    snapshot::{self, Group},
    steering::Steering,
    upload::{Replay, Upload},
};

/// Sends the request to one member after the other until one answers or no other may have it, or
/// the time is up: `JkdRequestTimeout` is for all of it up to the head of the answer.
pub(crate) async fn dispatch(
    group: &Group,
    forward: &Forward<'_>,
    steering: &Steering<'_>,
    upload: Upload,
    mut traced: Traced<'_>,
) -> Result<Outgoing<Answer>, Stumble> {
    let mut attempts = Attempts::new(group.balancer.clone());
    let at_hand = upload.is_at_hand();
    let tried = {
        // Made where it is awaited: a future of this size costs much when it is moved.
        let tries = || tries(group, forward, steering, upload, &mut attempts, &mut traced);
        match steering.request_timeout() {
            None => tries().await,
            Some(limit) => {
                (timeout(limit, Box::pin(tries())).await).unwrap_or(Err(Stumble::TooLate))
            }
        }
    };
    attempts.are_over();
    if matches!(tried, Err(Stumble::TooLate)) {
        let patience = steering.request_timeout().filter(|_| at_hand);
        let patience = patience.map(|limit| limit / 2);
        give_up_late(
            group,
            forward,
            *traced.member,
            patience,
            attempts.in_flight(),
        );
    }
    let answered = tried?;
    let guard = attempts.answered();
    answered
        .into_response(group, forward, steering, guard)
        .await
}

async fn tries(
    group: &Group,
    forward: &Forward<'_>,
    steering: &Steering<'_>,
    upload: Upload,
    attempts: &mut Attempts,
    traced: &mut Traced<'_>,
) -> Result<Answered, Stumble> {
    let sticky = &group.balancer.config().sticky;
    let sessions = steering.sessions(forward.uri, forward.head, forward.has_cookies, sticky);
    let selection = steering.selection(&sessions);
    let mut body = Replay::new(upload);
    let mut stale = None;
    let mut reason = None;
    loop {
        let step = attempts.step(&selection, snapshot::now());
        if let Some(change) = attempts.take_transition() {
            log_transition_after(group, change, reason.take().as_deref());
        }
        let chosen = match step {
            Step::Try(chosen) => chosen,
            Step::Sleep(pause) => {
                sleep(pause).await;
                continue;
            }
            Step::GiveUp(why) => return Err(give_up(group, forward, why)),
        };
        *traced.member = Some(chosen.index);
        let fresh = stale == Some(chosen.index);
        let this = Try {
            group,
            chosen,
            forward,
            steering,
            fresh,
        };
        match attempt::attempt(this, body.take(), attempts.in_flight()).await {
            Ok(answered) => return Ok(answered),
            Err(mut failed) => {
                stale = failed.is_stale().then_some(chosen.index);
                body.restore(failed.upload.take());
                look_back(group, chosen, forward, &failed, &body, attempts, traced);
                reason = Some(failed.reason());
            }
        }
    }
}

/// What is noted about the tries of a request.
pub(crate) struct Traced<'a> {
    /// The member that has it, or had it last.
    pub(crate) member: &'a mut Option<usize>,
    pub(crate) record: &'a Record,
}

/// Learns from a failed try.
fn look_back(
    group: &Group,
    chosen: Chosen,
    forward: &Forward<'_>,
    failed: &Failed,
    body: &Replay,
    attempts: &mut Attempts,
    traced: &Traced<'_>,
) {
    let facts = facts(failed, forward, body);
    if let Some(guard) = attempts.in_flight() {
        guard.count_bytes(failed.tally.written, failed.tally.read);
    }
    let next = attempts.failed(failed.failure, &facts, snapshot::now());
    failed.log(group, chosen, forward, next);
    if !matches!(next, Retry::SameMember { .. }) {
        traced.record.has_failed_at(&group.balancer, chosen.index);
    }
}

/// What a decision about another try depends on.
fn facts<'a>(failed: &Failed, forward: &Forward<'a>, body: &Replay) -> Facts<'a> {
    Facts {
        stage: failed.stage,
        method: &forward.head.method,
        body_consumed: body.is_consumed(),
        body_asked: failed.body_asked,
        pooled: failed.pooled,
    }
}

/// The time is up; the connection to the member is closed. One that has had the whole request for
/// longer than `patience` is judged as after a reply timeout. One that got it just now, or waits
/// for the client's body, is not to blame.
fn give_up_late(
    group: &Group,
    forward: &Forward<'_>,
    member: Option<usize>,
    patience: Option<Duration>,
    guard: Option<&mut InFlight>,
) {
    let now = snapshot::now();
    let waited = guard.as_ref().map(|guard| guard.connected_for(now));
    let doing = match waited {
        Some(Some(_)) => "its answer",
        Some(None) => "a connection to it",
        None => "another try",
    };
    let waited = waited.flatten();
    if patience.is_some_and(|patience| waited.is_some_and(|waited| waited >= patience))
        && let Some(change) = guard.and_then(|guard| guard.record(Verdict::ReplyTimeout, now))
    {
        log_transition(group, change);
    }
    if !group.may_log() {
        return;
    }
    let config = group.balancer.config();
    let known = member.and_then(|index| Some((config.members.get(index)?, index)));
    let name = known.map_or("", |(member, _)| &*member.worker.name);
    let state = known.and_then(|(_, index)| group.balancer.member(index));
    let state = state.map_or("", |member| member.state().text());
    let (worker, client) = (&group.name, &forward.peer.ip_text);
    tracing::error!(%worker, member = name, state, %client, request = %forward, status = 504, "request given up after JkdRequestTimeout while waiting for {doing}");
}

/// The last word on a request that nobody answered. Each try has had a line of its own.
fn give_up(group: &Group, forward: &Forward<'_>, why: GiveUp) -> Stumble {
    let (worker, client) = (&group.name, &forward.peer.ip_text);
    let status = why.status();
    if !group.may_log() {
        return Stumble::GaveUp(why);
    }
    match why {
        GiveUp::Failed(failure) if failure.verdict() == Verdict::ClientError => {
            tracing::info!(%worker, %client, request = %forward, status, "request refused");
        }
        GiveUp::Failed(_) => {
            tracing::error!(%worker, %client, request = %forward, status, "request failed");
        }
        GiveUp::NoMember(reason) => {
            tracing::error!(%worker, %client, request = %forward, status, "request failed: {reason}");
        }
    }
    Stumble::GaveUp(why)
}
