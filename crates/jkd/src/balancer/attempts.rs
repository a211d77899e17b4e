//! All attempts of one request: what to do next, step by step.
//!
//! ```text
//! loop {
//!     match attempts.step(&selection, now) {
//!         Step::Try(chosen) => match try_it(chosen) {
//!             Ok(answer) => return (answer, attempts.answered()),
//!             Err(failure) => attempts.failed(failure, &facts, now),
//!         },
//!         Step::Sleep(pause) => sleep(pause),
//!         Step::GiveUp(why) => return error_page(why.status()),
//!     }
//! }
//! ```
//!
//! Three limits nest: `retries` passes of the balancer, in each up to `lb_retries` members, on each
//! up to `retries` tries of the worker. Over all requests of the balancer `retry_budget` limits how
//! often one is sent again that a member had already.

use std::{mem, sync::Arc, time::Duration};

use jkworkers::model::Retries;

use super::{
    Balancer,
    choose::{Chosen, NoMember, Selection},
    clock::Now,
    in_flight::{InFlight, OverLimit},
    retry::{self, Facts, Failure, Progress, Retry, Stage},
    state::Transition,
    tried::Tried,
};

/// One request's way from member to member.
///
/// It holds the [`InFlight`] guard of the attempt that is going on; dropping it ends the count.
#[derive(Debug)]
pub struct Attempts {
    balancer: Arc<Balancer>,
    guard: Option<InFlight>,
    tried: Tried,
    then: Then,
    last: GiveUp,
    /// Members tried in this pass.
    members: u32,
    /// Passes that are over.
    passes: u32,
    /// Tries on the present member.
    tries: u32,
    resent: u32,
    /// Whether a repetition is paid for that has not begun.
    paid: bool,
    begun: bool,
    /// Whether nobody waits for the end of a try any more.
    over: bool,
    forced: bool,
    /// Whether the last try found nobody at a member that was in error before.
    in_vain: bool,
    transition: Option<Transition>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the request to this member.
    Try(Chosen),
    /// Wait, then ask again.
    Sleep(Duration),
    /// Answer with an error.
    GiveUp(GiveUp),
}

/// Why a request is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// No member could have it.
    NoMember(NoMember),
    /// The last attempt failed, and no other is allowed.
    Failed(Failure),
}

impl GiveUp {
    /// The status for the client.
    pub const fn status(self) -> u16 {
        match self {
            Self::NoMember(_) => 503,
            Self::Failed(failure) => failure.status(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Choose,
    Again { after: Duration },
    Stop,
}

impl Attempts {
    /// A request that has not been sent anywhere.
    pub fn new(balancer: Arc<Balancer>) -> Self {
        Self {
            balancer,
            guard: None,
            tried: Tried::default(),
            then: Then::Choose,
            last: GiveUp::NoMember(NoMember::NoneUsable),
            members: 0,
            passes: 0,
            tries: 0,
            resent: 0,
            paid: false,
            begun: false,
            over: false,
            forced: false,
            in_vain: false,
            transition: None,
        }
    }

    /// What to do next. `selection` must be the same each time.
    pub fn step(&mut self, selection: &Selection<'_>, now: Now) -> Step {
        let step = match mem::replace(&mut self.then, Then::Choose) {
            Then::Choose => self.choose(selection, now),
            Then::Again { after } => self.again(after),
            Then::Stop => {
                self.then = Then::Stop;
                Step::GiveUp(self.last)
            }
        };
        match step {
            Step::Try(_) => self.paid = false,
            // Allowed, but nobody was left for it.
            Step::GiveUp(_) => self.put_back(now),
            Step::Sleep(_) => {}
        }
        step
    }

    /// The attempt failed: records what that means for the member and decides how to go on.
    ///
    /// As long as the same member is tried again, nothing is recorded.
    pub fn failed(&mut self, failure: Failure, facts: &Facts<'_>, now: Now) -> Retry {
        self.last = GiveUp::Failed(failure);
        let progress = self.progress();
        let mut retry = retry::decide(failure, facts, &progress);
        let refused = failure == Failure::Connect && progress.options.is_none();
        let by_default = self.balancer.config().retries == Retries::DEFAULT;
        self.in_vain = refused && by_default && self.is_at_one_in_error();
        if facts.stage > Stage::NothingSent && retry != Retry::No {
            if self.balancer.budget.take_out(now) {
                self.resent += 1;
                self.paid = true;
            } else {
                retry = Retry::OverBudget;
            }
        }
        match retry {
            Retry::SameMember { after } => {
                self.in_flight().map(InFlight::disconnected);
                if failure == Failure::ReplyTimeout {
                    self.in_flight().map(InFlight::missed_reply);
                }
                self.then = Then::Again { after };
            }
            Retry::Elsewhere => self.leave(failure, now),
            Retry::No | Retry::OverBudget => {
                self.leave(failure, now);
                self.then = Then::Stop;
            }
        }
        retry
    }

    /// The attempt is being answered: the guard goes to whoever passes the answer on, and records
    /// the verdict at its end.
    pub fn answered(&mut self) -> Option<InFlight> {
        self.then = Then::Stop;
        self.guard.take()
    }

    /// The tries have ended. Where they did not, the client has left while one went on.
    pub const fn are_over(&mut self) {
        self.over = true;
    }

    /// The guard of the attempt that is going on.
    pub fn in_flight(&mut self) -> Option<&mut InFlight> {
        self.guard.as_mut()
    }

    /// The last change of a member's state that this request brought about, once.
    pub fn take_transition(&mut self) -> Option<Transition> {
        self.transition.take()
    }

    #[cfg(test)]
    pub(super) const fn balancer(&self) -> &Arc<Balancer> {
        &self.balancer
    }

    fn choose(&mut self, selection: &Selection<'_>, now: Now) -> Step {
        if !mem::replace(&mut self.begun, true) {
            self.balancer.budget.pay_in(now);
        }
        loop {
            if self.members >= self.members_per_pass() {
                return self.next_pass();
            }
            match self.balancer.choose(selection, &self.tried, now) {
                Ok(chosen) => match self.begin(chosen, now) {
                    Some(step) => return step,
                    None => self.last = GiveUp::Failed(Failure::Busy),
                },
                Err(reason) => self.nobody(reason),
            }
        }
    }

    fn begin(&mut self, chosen: Chosen, now: Now) -> Option<Step> {
        self.members += 1;
        match self.balancer.begin(chosen, now) {
            Ok(guard) => {
                self.guard = Some(guard);
                self.tries = 1;
                Some(Step::Try(chosen))
            }
            Err(OverLimit(transition)) => {
                self.transition = transition.or(self.transition);
                self.tried.insert(chosen.index);
                None
            }
        }
    }

    /// Once in a request, members in error get another chance. Beyond that this pass is over.
    fn nobody(&mut self, reason: NoMember) {
        if !mem::replace(&mut self.forced, true)
            && self.balancer.force_recovery(&mut self.tried) > 0
        {
            return;
        }
        self.last = GiveUp::NoMember(reason);
        self.members = self.members_per_pass();
    }

    fn next_pass(&mut self) -> Step {
        let retries = self.balancer.config().retries;
        self.passes += 1;
        if self.passes >= retries.attempts || self.in_vain {
            self.then = Then::Stop;
            return Step::GiveUp(self.last);
        }
        self.members = 0;
        self.tried.clear();
        Step::Sleep(retries.interval)
    }

    fn again(&mut self, after: Duration) -> Step {
        let Some(guard) = &self.guard else {
            return Step::GiveUp(self.last);
        };
        if after > Duration::ZERO {
            self.then = Then::Again {
                after: Duration::ZERO,
            };
            return Step::Sleep(after);
        }
        self.tries += 1;
        Step::Try(*guard.chosen())
    }

    fn leave(&mut self, failure: Failure, now: Now) {
        if let Some(mut guard) = self.guard.take() {
            self.tried.insert(guard.chosen().index);
            let transition = guard.record(failure.verdict(), now);
            self.transition = transition.or(self.transition);
        }
    }

    /// What was paid for does not come about.
    fn put_back(&mut self, now: Now) {
        if mem::take(&mut self.paid) {
            self.balancer.budget.put_back(now);
        }
    }

    fn members_per_pass(&self) -> u32 {
        let config = self.balancer.config();
        let all = u32::try_from(config.members.len()).unwrap_or(u32::MAX);
        all.min(config.lb_retries.max(1))
    }

    /// Whether the present member was known to be in error before this try, or is by now.
    fn is_at_one_in_error(&self) -> bool {
        self.guard.as_ref().is_some_and(InFlight::is_in_error)
    }

    fn progress(&self) -> Progress {
        let config = self.balancer.config();
        let worker = (self.guard.as_ref())
            .and_then(|guard| config.members.get(guard.chosen().index))
            .map(|member| &member.worker);
        let retries = worker.map_or(config.retries, |w| w.retries);
        let elsewhere =
            self.is_at_one_in_error() || self.guard.as_ref().is_some_and(InFlight::has_alternative);
        Progress {
            options: worker.and_then(|w| w.recovery_options),
            retries,
            tries: self.tries,
            resent: self.resent,
            hurries: elsewhere && retries == Retries::DEFAULT,
        }
    }
}

impl Drop for Attempts {
    /// The client may be gone before a repetition begins. An account takes a clock that is behind
    /// for its own.
    fn drop(&mut self) {
        if let Some(guard) = &mut self.guard
            && guard.is_connected()
            && !self.over
        {
            guard.client_leaves();
        }
        self.put_back(Now::default());
    }
}

#[cfg(test)]
mod tests;
