//! A request's way from member to member.

use http::Method;
use jkworkers::model::{Activation, Retries};

use super::{
    Model, Time, Tried,
    choice::{Choice, Search, Wish},
    health::{Guard, millis},
};
use crate::balancer::{
    GiveUp, NoMember, State,
    retry::{Failure, Stage},
};

/// One request.
#[derive(Debug)]
pub(in super::super) struct Way {
    pub(in super::super) era: usize,
    pub(in super::super) guard: Option<Guard>,
    wish: Wish,
    tried: Tried,
    next: Next,
    last: GiveUp,
    begun: bool,
    forced: bool,
    /// The last try found nobody at a member in error.
    in_vain: bool,
    /// Members in this pass, passes, and tries at this member.
    members: u32,
    passes: u32,
    tries: u32,
    resent: u32,
    pub(in super::super) paid: bool,
}

#[derive(Debug)]
enum Next {
    Choose,
    SameAfter(Time),
    Same,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum WayStep {
    Try(usize, bool, bool),
    Sleep(Time),
    GiveUp(GiveUp),
}

/// A failed try.
#[derive(Clone, Debug)]
pub(in super::super) struct Fault {
    pub(in super::super) failure: Failure,
    pub(in super::super) stage: Stage,
    pub(in super::super) method: Method,
    pub(in super::super) body_consumed: bool,
    pub(in super::super) body_asked: bool,
    pub(in super::super) pooled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Same(Time),
    Elsewhere,
    No,
}

impl Way {
    pub(in super::super) fn new(era: usize, wish: Wish) -> Self {
        Self {
            era,
            guard: None,
            wish,
            tried: Tried::new(),
            next: Next::Choose,
            last: GiveUp::NoMember(NoMember::NoneUsable),
            begun: false,
            forced: false,
            in_vain: false,
            members: 0,
            passes: 0,
            tries: 0,
            resent: 0,
            paid: false,
        }
    }

    pub(in super::super) fn step(
        &mut self,
        model: &mut Model,
        hint: Option<usize>,
        now: Time,
    ) -> WayStep {
        let step = match std::mem::replace(&mut self.next, Next::Choose) {
            Next::Choose => self.choose(model, hint, now),
            Next::SameAfter(pause) => {
                self.next = Next::Same;
                WayStep::Sleep(pause)
            }
            Next::Same => {
                self.tries += 1;
                tries(&self.guard.as_ref().unwrap().choice)
            }
            Next::Nothing => WayStep::GiveUp(self.last),
        };
        match step {
            WayStep::Try(..) => self.paid = false,
            WayStep::GiveUp(_) => {
                self.next = Next::Nothing;
                self.put_back(model, now);
            }
            WayStep::Sleep(_) => {}
        }
        step
    }

    /// What was paid for does not come about.
    pub(in super::super) fn put_back(&mut self, model: &mut Model, now: Time) {
        if std::mem::take(&mut self.paid) {
            let percent = model.eras[self.era].config.retry_budget;
            model.account.put_back(percent, now);
        }
    }

    fn choose(&mut self, model: &mut Model, hint: Option<usize>, now: Time) -> WayStep {
        let config = &model.eras[self.era].config;
        let (passes, pause) = (config.retries.attempts, millis(config.retries.interval));
        let count = u32::try_from(config.members.len()).unwrap();
        let per_pass = count.min(config.lb_retries.max(1));
        if !std::mem::replace(&mut self.begun, true) {
            let percent = config.retry_budget;
            model.account.pay_in(percent, now);
        }
        while self.members < per_pass {
            match self.search(model, hint) {
                Ok(choice) => {
                    self.members += 1;
                    self.tries = 1;
                    self.guard = model.begin(self.era, choice, now);
                    if self.guard.is_some() {
                        return tries(&choice);
                    }
                    self.tried.insert(choice.member);
                    self.last = GiveUp::Failed(Failure::Busy);
                }
                Err(reason) => {
                    let first = !std::mem::replace(&mut self.forced, true);
                    if !first || !model.force(self.era, &mut self.tried) {
                        self.last = GiveUp::NoMember(reason);
                        break;
                    }
                }
            }
        }
        self.passes += 1;
        if self.passes >= passes || self.in_vain {
            return WayStep::GiveUp(self.last);
        }
        self.members = 0;
        self.tried.clear();
        WayStep::Sleep(pause)
    }

    fn search(&self, model: &mut Model, hint: Option<usize>) -> Result<Choice, NoMember> {
        let search = Search {
            model,
            era: self.era,
            wish: &self.wish,
            tried: &self.tried,
            hint,
        };
        search.run()
    }

    /// The try has failed.
    pub(in super::super) fn failed(&mut self, model: &mut Model, fault: &Fault, now: Time) {
        self.last = GiveUp::Failed(fault.failure);
        let mut again = self.again(model, fault);
        self.in_vain = self.is_in_vain(model, fault);
        if fault.stage > Stage::NothingSent && again != Again::No {
            let percent = model.eras[self.era].config.retry_budget;
            if model.account.take_out(percent, now) {
                self.resent += 1;
                self.paid = true;
            } else {
                again = Again::No;
            }
        }
        self.next = match again {
            Again::Same(pause) => {
                let guard = self.guard.as_mut().unwrap();
                model.connect(guard, false);
                if fault.failure == Failure::ReplyTimeout {
                    let life = model.life_mut(guard.era, guard.choice.member);
                    life.reply_timeouts.add(1);
                    life.recent_timeouts += 1;
                }
                if pause > 0 {
                    Next::SameAfter(pause)
                } else {
                    Next::Same
                }
            }
            Again::Elsewhere => Next::Choose,
            Again::No => Next::Nothing,
        };
        if !matches!(again, Again::Same(_)) {
            let mut guard = self.guard.take().unwrap();
            self.tried.insert(guard.choice.member);
            model.record(&mut guard, fault.failure.verdict(), now);
            model.end(guard);
        }
    }

    /// Nobody was there, as was to be expected, and nothing else is written.
    fn is_in_vain(&self, model: &Model, fault: &Fault) -> bool {
        let member = self.guard.as_ref().unwrap().choice.member;
        let by_default = model.eras[self.era].config.retries == Retries::DEFAULT
            && model.worker(self.era, member).recovery_options.is_none();
        fault.failure == Failure::Connect && by_default && self.is_in_error(model)
    }

    fn is_in_error(&self, model: &Model) -> bool {
        let member = self.guard.as_ref().unwrap().choice.member;
        let state = model.life(self.era, member).state;
        matches!(state, State::Error | State::Forced | State::Probe)
    }

    /// A member that refuses is not waited for where it is in error or another one works.
    fn hurries(&self, model: &Model) -> bool {
        let choice = &self.guard.as_ref().unwrap().choice;
        let is_forced = choice.sticky && model.eras[self.era].config.sticky.force;
        let works = |member| {
            let life = model.life(self.era, member);
            life.activation == Activation::Active && life.state.is_usable()
        };
        let mut others = model
            .members(self.era)
            .filter(|other| *other != choice.member);
        let by_default = model.worker(self.era, choice.member).retries == Retries::DEFAULT;
        by_default && (self.is_in_error(model) || !is_forced && others.any(works))
    }

    /// Whether nothing can happen twice, or the configuration does not mind.
    fn again(&self, model: &Model, fault: &Fault) -> Again {
        use Failure::{
            Busy, ClientRead, ClientWrite, Closed, Connect, HardStatus, NoEndpoint, ReplyTimeout,
            Send, SoftStatus, Stalled, TooLarge, Unresponsive,
        };
        let worker = model.worker(self.era, self.guard.as_ref().unwrap().choice.member);
        let by_client = matches!(fault.failure, TooLarge | ClientRead | ClientWrite);
        let by_status = matches!(fault.failure, HardStatus | SoftStatus);
        let has_begun = fault.stage == Stage::HeadersReceived && !by_status;
        if by_client || has_begun || fault.body_consumed || fault.body_asked {
            return Again::No;
        }
        let is_full = matches!(fault.failure, NoEndpoint | Busy);
        let here = if is_full || self.tries >= worker.retries.attempts {
            Again::Elsewhere
        } else {
            Again::Same(millis(worker.retries.interval))
        };
        if let Some(options) = worker.recovery_options {
            let spared = if options.always_head {
                fault.method == Method::HEAD
            } else {
                options.always_get && fault.method == Method::GET
            };
            let was_sent = fault.stage == Stage::RequestSent && fault.failure != Send;
            let refused = was_sent && options.not_if_request_sent && !spared;
            return if refused { Again::No } else { here };
        }
        match (fault.stage, fault.failure) {
            (Stage::NothingSent, Unresponsive) => Again::Elsewhere,
            (Stage::NothingSent, Connect) if self.hurries(model) => Again::Elsewhere,
            (Stage::NothingSent, _) => here,
            (_, ReplyTimeout | Stalled) => Again::No,
            _ if ["POST", "PATCH", "LOCK"].contains(&fault.method.as_str()) => Again::No,
            (_, HardStatus | SoftStatus) => Again::Elsewhere,
            _ if self.resent > 0 => Again::No,
            (_, Closed) if fault.pooled && here != Again::Elsewhere => Again::Same(0),
            _ => Again::Elsewhere,
        }
    }
}

fn tries(choice: &Choice) -> WayStep {
    WayStep::Try(choice.member, choice.sticky, choice.probe)
}
