//! Which member gets a request.

use jkworkers::model::{Activation, Method};

use super::{Model, Tried};
use crate::balancer::{NoMember, State};

/// What a request says about itself.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Wish {
    /// It carries a session id.
    pub(in super::super) has_session: bool,
    /// The routes in its ids.
    pub(in super::super) routes: Vec<String>,
    pub(in super::super) stateless: bool,
    /// The activations that its rule prescribes, member by member.
    pub(in super::super) rule: Vec<Option<Activation>>,
}

/// The member that was chosen, and what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Choice {
    pub(in super::super) member: usize,
    pub(in super::super) sticky: bool,
    pub(in super::super) probe: bool,
    pub(super) new_session: bool,
    pub(super) charge: u64,
}

/// One search among the members of one era.
pub(super) struct Search<'a> {
    pub(super) model: &'a mut Model,
    pub(super) era: usize,
    pub(super) wish: &'a Wish,
    pub(super) tried: &'a Tried,
    /// Who was chosen, where loads are not known: it has to be one of the nearest.
    pub(super) hint: Option<usize>,
}

impl Search<'_> {
    pub(super) fn run(mut self) -> Result<Choice, NoMember> {
        let (member, sticky) = self.find()?;
        let new_session = !self.wish.has_session && !self.wish.stateless;
        let mult = self.model.eras[self.era].mults[member];
        let charge = match self.model.method(self.era) {
            Method::Request | Method::Busyness => mult,
            Method::Session | Method::Next if new_session => mult,
            _ => 0,
        };
        let life = self.model.life_mut(self.era, member);
        life.load += charge;
        let probe = life.state == State::Recover;
        if probe {
            life.state = State::Probe;
        }
        Ok(Choice {
            member,
            sticky,
            probe,
            new_session,
            charge,
        })
    }

    fn find(&mut self) -> Result<(usize, bool), NoMember> {
        if self.model.members(self.era).len() == 1 {
            if !self.serves_sessions(0) {
                return Err(NoMember::NoneUsable);
            }
            if self.serves_all(0) {
                return Ok((0, true));
            }
        }
        for route in self.wish.routes.clone() {
            if let Some(found) = self.by_route(&route) {
                return Ok(found);
            }
        }
        if self.wish.has_session && self.is_forced() {
            return Err(NoMember::SessionLost);
        }
        let found = self.by_value().or_else(|| self.standby());
        Ok((found.ok_or(NoMember::NoneUsable)?, false))
    }

    fn is_forced(&self) -> bool {
        self.model.eras[self.era].config.sticky.force
    }

    fn by_route(&mut self, route: &str) -> Option<(usize, bool)> {
        let Some(owner) = self.of_route(route) else {
            let domain = route.split('.').next().unwrap();
            return Some((self.by_domain(domain)?, false));
        };
        if self.serves_sessions(owner) {
            return Some((owner, true));
        }
        if self.is_forced() {
            return None;
        }
        let member = &self.model.eras[self.era].config.members[owner];
        let (redirect, domain) = (member.redirect.clone(), member.domain.clone());
        if let Some(redirect) = redirect {
            let other = self.of_route(&redirect)?;
            return self.serves_sessions(other).then_some((other, false));
        }
        Some((self.by_domain(&domain?)?, false))
    }

    fn of_route(&self, route: &str) -> Option<usize> {
        let members = &self.model.eras[self.era].config.members;
        members.iter().position(|m| &*m.route == route)
    }

    fn by_domain(&mut self, domain: &str) -> Option<usize> {
        let members = &self.model.eras[self.era].config.members;
        let of_domain = |i: &usize| members[*i].domain.as_deref() == Some(domain);
        let of_domain: Vec<_> = self.model.members(self.era).filter(of_domain).collect();
        self.best(of_domain, false)
    }

    fn by_value(&mut self) -> Option<usize> {
        let count = self.model.members(self.era).len();
        let cursor = self.model.eras[self.era].cursor;
        let order = (0..count).map(|turn| (cursor + turn) % count).collect();
        let best = self.best(order, self.wish.stateless)?;
        self.model.eras[self.era].cursor = (best + 1) % count;
        Some(best)
    }

    /// The nearest and then least loaded, the first of equals.
    fn best(&mut self, mut order: Vec<usize>, any_load: bool) -> Option<usize> {
        order.retain(|member| self.serves_all(*member));
        let members = &self.model.eras[self.era].config.members;
        let nearest = order.iter().map(|i| members[*i].distance).min()?;
        order.retain(|i| members[*i].distance == nearest);
        if let Some(hint) = self.hint {
            assert!(order.contains(&hint), "{hint} is none of {order:?}");
            return Some(hint);
        }
        let load = |i: &usize| self.model.life(self.era, *i).load;
        let least = order.iter().map(load).min()?;
        order.into_iter().find(|i| any_load || load(i) == least)
    }

    /// The hot standby: whoever takes over from the first member that names somebody.
    fn standby(&mut self) -> Option<usize> {
        let members = &self.model.eras[self.era].config.members;
        let redirect = members.iter().find_map(|m| m.redirect.clone())?;
        Some(self.by_route(&redirect)?.0)
    }

    fn serves_all(&mut self, member: usize) -> bool {
        self.is_up(member) && self.activation(member) == Activation::Active
    }

    fn serves_sessions(&mut self, member: usize) -> bool {
        self.is_up(member) && self.activation(member) != Activation::Stopped
    }

    fn activation(&self, member: usize) -> Activation {
        let configured = self.model.eras[self.era].config.members[member].configured;
        let own = self.model.life(self.era, member).activation;
        let rule = self.wish.rule.get(configured).copied().flatten();
        rule.unwrap_or(own)
    }

    /// Whoever is looked at is no longer busy when a place is free.
    fn is_up(&mut self, member: usize) -> bool {
        if self.tried.contains(&member) {
            return false;
        }
        let worker = self.model.worker(self.era, member);
        let limit = Some(worker.busy_limit).filter(|limit| *limit > 0);
        let size = worker.pool.size;
        let life = self.model.life_mut(self.era, member);
        let fits = |limit: Option<u32>| limit.is_none_or(|limit| life.in_flight < limit);
        if life.state == State::Busy && fits(limit) && fits(size) {
            life.state = State::Ok;
        }
        match life.state {
            State::Idle | State::Ok | State::Recover | State::Forced => true,
            State::Busy | State::Error | State::Probe => false,
        }
    }
}
