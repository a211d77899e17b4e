//! What is told of an answer besides what goes on: in the log, and to its member.

use super::Relay;
use crate::{
    answer::Visit,
    attempt::{failure_of, where_of},
    balancer::Verdict,
    maintain::log_transition,
};

impl Relay {
    /// Tells what there is to tell besides what goes on. Whoever has the whole answer finds it
    /// counted.
    pub(in crate::answer) fn tell(&mut self, visit: &Visit) {
        self.tell_refusal(visit);
        self.tell_excess(visit);
        if self.is_end_stream() {
            self.settle();
        }
    }

    /// Says once what an operator should look at when Tomcat itself refused the request.
    fn tell_refusal(&mut self, visit: &Visit) {
        let hint = self.body.refusal_hint().filter(|_| !self.refusal_told);
        if let Some(hint) = hint {
            self.refusal_told = true;
            tracing::warn!(worker = visit.worker(), request = %visit, "refused with 403: {hint}");
        }
    }

    /// Says that the body went on behind its length. The client has got what was announced.
    fn tell_excess(&mut self, visit: &Visit) {
        let Some(error) = self.body.excess() else {
            return;
        };
        let (packet, stage) = where_of(&error);
        let state = self.state(visit);
        tracing::warn!(worker = visit.worker(), state, request = %visit, %packet, stage, %error, "the rest of an answer is dropped, and its connection");
        if let Some(change) = self.record(failure_of(&error).verdict())
            && let Some(group) = visit.group()
        {
            log_transition(group, change);
        }
    }

    /// The answer broke off in the middle: says so, and holds it against whom it concerns.
    pub(in crate::answer) fn breaks_off(&mut self, error: &ajp13::Error, visit: &Visit) {
        self.broken = true;
        let verdict = failure_of(error).verdict();
        let worker = visit.worker();
        if verdict == Verdict::ClientError {
            tracing::info!(worker, request = %visit, %error, "request given up by its client");
        } else {
            let (packet, stage) = where_of(error);
            let state = self.state(visit);
            tracing::warn!(worker, state, request = %visit, %packet, stage, %error, "answer broken off, and with it the client's connection");
        }
        if let Some(change) = self.record(verdict)
            && let Some(group) = visit.group()
        {
            log_transition(group, change);
        }
    }

    /// The state of its member, before what has happened is held against it.
    fn state(&self, visit: &Visit) -> &'static str {
        (visit.group()).map_or("?", |group| group.state_of(self.member()))
    }
}
