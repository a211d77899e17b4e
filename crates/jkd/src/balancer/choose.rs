//! Choosing a member, step by step as mod_jk does it.

use jkworkers::model::Activation;

use super::{Balancer, Slot, clock::Now, method, state::State, sticky::SessionIds, tried::Tried};

/// What steers the choice for one request.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// The session ids that it carries. None where sessions do not stick.
    pub sessions: &'a SessionIds<'a>,
    /// What the rule that matched its URI says.
    pub rule: RuleOverrides<'a>,
}

/// What a rule of the URI map may change about balancing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleOverrides<'a> {
    /// `stateless`: members take turns; the request counts for no session.
    pub stateless: bool,
    /// `active`, `disabled`, `stopped`: another activation for each member, by its place among
    /// those that are configured (`Member::configured`).
    pub activations: &'a [Option<Activation>],
}

/// The member that gets the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its index.
    pub index: usize,
    /// Whether the request's own session led there.
    pub sticky: bool,
    /// The activation that holds for this request: what `JK_LB_ACTIVATION` says.
    pub activation: Activation,
    /// Whether this request finds out if the member has recovered.
    pub probe: bool,
    /// Whether the request may begin a new session.
    pub(super) new_session: bool,
    /// What choosing it added to its load.
    pub(super) charge: u64,
}

/// Why no member gets the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMember {
    /// Each one is in error, busy, tried already or not active.
    #[error("no member of the balancer is usable")]
    NoneUsable,
    /// `sticky_session_force`: the session's own member cannot have it.
    #[error("the member that owns the session is not usable, and sticky_session_force is set")]
    SessionLost,
}

/// What a search needs to know.
struct Search<'a> {
    balancer: &'a Balancer,
    selection: &'a Selection<'a>,
    tried: &'a Tried,
    now: Now,
    /// Whether members may warm up.
    warms: bool,
}

#[derive(Clone, Copy)]
struct Found {
    index: usize,
    sticky: bool,
}

impl Balancer {
    /// Chooses a member that is not in `tried`, and adds the request to its load.
    ///
    /// Choosing and counting are one step under the balancer's own lock, so that requests that
    /// arrive together are spread exactly as if they came one after the other. The lock is held
    /// for the scan alone, and not at all where there is nothing to choose from.
    ///
    /// # Errors
    ///
    /// [`NoMember`] when nobody may have the request.
    pub fn choose(
        &self,
        selection: &Selection<'_>,
        tried: &Tried,
        now: Now,
    ) -> Result<Chosen, NoMember> {
        let search = Search {
            balancer: self,
            selection,
            tried,
            now,
            warms: !self.config.slow_start.is_zero(),
        };
        let taken = if let Some(only) = search.alone()? {
            self.take(only, selection, now)
        } else {
            let mut cursor = self.cursor.lock();
            let found = search.run(&mut cursor)?;
            self.take(found, selection, now)
        };
        taken.ok_or(NoMember::NoneUsable)
    }

    fn take(&self, found: Found, selection: &Selection<'_>, now: Now) -> Option<Chosen> {
        let slot = self.slots.get(found.index)?;
        let new_session = selection.sessions.is_empty() && !selection.rule.stateless;
        let by = self.config.method;
        let mut charge = method::before(by, slot.mult, new_session);
        if !found.sticky && method::keeps_handicap(by, new_session) {
            charge = charge.saturating_add(self.settle(slot, now));
        }
        self.add_load(slot, charge);
        let probe = slot.state.change(State::Recover, State::Probe);
        if probe || slot.state.state() == State::Forced {
            slot.begin_warm_up(now);
        }
        Some(Chosen {
            index: found.index,
            sticky: found.sticky,
            activation: selection.rule.activation(slot),
            probe,
            new_session,
            charge,
        })
    }
}

impl RuleOverrides<'_> {
    fn activation(&self, slot: &Slot) -> Activation {
        match self.activations.get(slot.configured) {
            Some(Some(activation)) => *activation,
            _ => slot.state.activation(),
        }
    }
}

impl Search<'_> {
    /// The only member there is, if it serves everything, or nothing.
    fn alone(&self) -> Result<Option<Found>, NoMember> {
        let [only] = &*self.balancer.slots else {
            return Ok(None);
        };
        if !self.serves_sessions(0, only) {
            return Err(NoMember::NoneUsable);
        }
        Ok((self.serves_all(0, only)).then_some(Found::for_session(0)))
    }

    fn run(&self, cursor: &mut usize) -> Result<Found, NoMember> {
        if let Some(found) = self.by_session() {
            return Ok(found);
        }
        if !self.selection.sessions.is_empty() && self.balancer.config.sticky.force {
            return Err(NoMember::SessionLost);
        }
        (self.by_value(cursor))
            .or_else(|| self.standby())
            .ok_or(NoMember::NoneUsable)
    }

    /// The first of the request's ids that leads to a member.
    fn by_session(&self) -> Option<Found> {
        (self.selection.sessions.routes()).find_map(|route| self.by_route(route))
    }

    fn by_route(&self, route: &[u8]) -> Option<Found> {
        let Some(index) = self.balancer.index_of_route(route) else {
            return self.by_domain(first_label(route));
        };
        let slot = self.balancer.slots.get(index)?;
        if self.serves_sessions(index, slot) {
            return Some(Found::for_session(index));
        }
        if self.balancer.config.sticky.force {
            return None;
        }
        self.instead_of(index)
    }

    /// Who takes over the sessions of a member that cannot serve them.
    fn instead_of(&self, index: usize) -> Option<Found> {
        let member = self.balancer.config.members.get(index)?;
        if let Some(redirect) = &member.redirect {
            let index = self.balancer.index_of_route(redirect.as_bytes())?;
            let slot = self.balancer.slots.get(index)?;
            return (self.serves_sessions(index, slot)).then_some(Found::instead(index));
        }
        self.by_domain(first_label(member.domain.as_ref()?.as_bytes()))
    }

    /// The nearest and then least loaded active member of a domain.
    fn by_domain(&self, domain: &[u8]) -> Option<Found> {
        if !self.balancer.has_domains {
            return None;
        }
        let members = self.balancer.config.members.iter();
        (members.zip(&*self.balancer.slots).enumerate())
            .filter(|(_, (member, _))| is_of_domain(member.domain.as_deref(), domain))
            .filter(|(index, (_, slot))| self.serves_all(*index, slot))
            .min_by_key(|(_, (_, slot))| (slot.distance, self.balancer.load_now(slot, self.now)))
            .map(|(index, _)| Found::instead(index))
    }

    /// The nearest and then least loaded active member; among equals they take turns. One from
    /// which others wait for a sign of life in vain is the last choice.
    fn by_value(&self, cursor: &mut usize) -> Option<Found> {
        let found = self.by_load(cursor, |slot| !slot.state.silence.is_noticed());
        found.or_else(|| self.by_load(cursor, |_| true))
    }

    fn by_load(&self, cursor: &mut usize, suits: impl Fn(&Slot) -> bool) -> Option<Found> {
        let slots = &*self.balancer.slots;
        let (before, after) = slots.split_at_checked(*cursor)?;
        let best = self.scan(after, *cursor, None, &suits);
        let best = self.scan(before, 0, best, &suits);
        let (_, _, index) = best?;
        *cursor = (index + 1) % slots.len();
        Some(Found::instead(index))
    }

    /// A better member than `best` among `slots`, of which the first has the index `first`: its
    /// distance, its load and its index.
    ///
    /// The loop that everything depends on where there are many members.
    fn scan(
        &self,
        slots: &[Slot],
        first: usize,
        mut best: Option<(i32, u64, usize)>,
        suits: &impl Fn(&Slot) -> bool,
    ) -> Option<(i32, u64, usize)> {
        let is_plain = self.tried.is_empty() && self.selection.rule.activations.is_empty();
        for (slot, index) in slots.iter().zip(first..) {
            let serves = is_plain && slot.state.is_active_and_up();
            if !(serves || self.serves_all(index, slot)) || !suits(slot) {
                continue;
            }
            let found = (slot.distance, self.load_of(slot));
            if best.is_none_or(|(distance, load, _)| found < (distance, load)) {
                best = Some((found.0, found.1, index));
            }
        }
        best
    }

    /// Nobody is left: the redirect of the first member that has one names the hot standby.
    fn standby(&self) -> Option<Found> {
        let members = &self.balancer.config.members;
        let redirect = members.iter().find_map(|m| m.redirect.as_ref())?;
        self.by_route(redirect.as_bytes())
            .map(|found| Found::instead(found.index))
    }

    fn load_of(&self, slot: &Slot) -> u64 {
        if self.selection.rule.stateless {
            0
        } else if self.warms {
            self.balancer.load_now(slot, self.now)
        } else {
            slot.load()
        }
    }

    /// Usable for requests without a session.
    fn serves_all(&self, index: usize, slot: &Slot) -> bool {
        self.is_up(index, slot) && self.selection.rule.activation(slot) == Activation::Active
    }

    /// Usable for its own sessions.
    fn serves_sessions(&self, index: usize, slot: &Slot) -> bool {
        self.is_up(index, slot) && self.selection.rule.activation(slot) != Activation::Stopped
    }

    fn is_up(&self, index: usize, slot: &Slot) -> bool {
        !self.tried.contains(index)
            && (slot.state.state().is_usable() || !self.balancer.states_block || slot.wake())
    }
}

impl Found {
    fn for_session(index: usize) -> Self {
        Self {
            index,
            sticky: true,
        }
    }

    fn instead(index: usize) -> Self {
        Self {
            index,
            sticky: false,
        }
    }
}

/// A domain stands before the first dot of a route.
fn first_label(route: &[u8]) -> &[u8] {
    route.split(|b| *b == b'.').next().unwrap_or(route)
}

fn is_of_domain(of_member: Option<&str>, domain: &[u8]) -> bool {
    of_member.is_some_and(|d| !d.is_empty() && d.as_bytes() == domain)
}

#[cfg(test)]
mod tests;
