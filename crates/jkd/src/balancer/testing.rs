//! Balancers for tests, in a line or two.

use std::{sync::Arc, time::Duration};

use jkworkers::{
    diag::Origin,
    model::{
        self, AjpWorker, Lock, Member, Method, PingPolicy, PoolSettings, Retries, SocketSettings,
        StickySettings,
    },
};

use super::{
    Balancer, Now,
    choose::{Chosen, NoMember, RuleOverrides, Selection},
    sticky::SessionIds,
    tried::Tried,
};

/// Milliseconds after the start.
pub(crate) fn at(millis: u64) -> Now {
    Now::after_start(Duration::from_millis(millis))
}

pub(crate) fn seconds(seconds: u64) -> Now {
    at(seconds * 1000)
}

/// A configuration with mod_jk's defaults and members `a`, `b`, … of these factors.
pub(crate) fn config(factors: &[u32]) -> model::Balancer {
    model::Balancer {
        members: (factors.iter().zip('a'..))
            .enumerate()
            .map(|(configured, (lbfactor, name))| Member {
                configured,
                ..member(&name.to_string(), *lbfactor)
            })
            .collect(),
        method: Method::Request,
        lock: Lock::Optimistic,
        sticky: StickySettings::default(),
        recover_time: Duration::from_secs(60),
        error_escalation_time: Duration::from_secs(30),
        max_reply_timeouts: 0,
        retries: retries(),
        lb_retries: 2,
        retry_budget: 100,
        slow_start: Duration::ZERO,
    }
}

pub(crate) fn balancer(factors: &[u32]) -> Arc<Balancer> {
    with(factors, |_| {})
}

pub(crate) fn with(factors: &[u32], change: impl FnOnce(&mut model::Balancer)) -> Arc<Balancer> {
    let mut config = config(factors);
    change(&mut config);
    Arc::new(Balancer::new(Arc::new(config)))
}

pub(crate) fn member(name: &str, lbfactor: u32) -> Member {
    Member {
        worker: Arc::new(worker(name)),
        lbfactor,
        distance: 0,
        route: name.into(),
        domain: None,
        redirect: None,
        activation: model::Activation::Active,
        configured: 0,
    }
}

pub(crate) fn worker(name: &str) -> AjpWorker {
    AjpWorker {
        name: name.into(),
        host: "localhost".into(),
        port: 8009,
        source: None,
        prefer_ipv6: false,
        resolve: model::Resolve::One,
        secret: None,
        max_packet_size: 8192,
        pool: PoolSettings {
            size: None,
            min_size: 0,
            idle_timeout: None,
            acquire_timeout: Duration::from_secs(2),
        },
        socket: SocketSettings {
            connect_timeout: None,
            timeout: None,
            keepalive: false,
            buffer: None,
        },
        ping: PingPolicy::default(),
        reply_timeout: None,
        retries: retries(),
        recovery_options: None,
        fail_on_status: Vec::new(),
        probe: model::ProbeSettings {
            interval: None,
            ..model::ProbeSettings::default()
        },
        busy_limit: 0,
        origin: Origin::new("workers.properties", 1),
    }
}

fn retries() -> Retries {
    Retries {
        attempts: 2,
        interval: Duration::from_millis(100),
    }
}

/// Changes a member's worker.
pub(crate) fn edit(member: &mut Member, change: impl FnOnce(&mut AjpWorker)) {
    change(Arc::get_mut(&mut member.worker).unwrap());
}

/// Session ids as a `Cookie` header brings them.
pub(crate) fn cookie(header: &str) -> SessionIds<'_> {
    SessionIds::find(b"/", [header.as_bytes()], ";jsessionid", "JSESSIONID")
}

impl Balancer {
    /// Chooses for a request with this cookie header, or none.
    pub(crate) fn pick(&self, header: &str, now: Now) -> Result<Chosen, NoMember> {
        let sessions = cookie(header);
        let selection = Selection {
            sessions: &sessions,
            rule: RuleOverrides::default(),
        };
        self.choose(&selection, &Tried::default(), now)
    }

    /// The names of the next `count` members for requests without a session.
    pub(crate) fn next_names(&self, count: usize, now: Now) -> String {
        (0..count)
            .map(|_| self.name_of(self.pick("", now)))
            .collect()
    }

    /// The member's name, or `-`.
    pub(crate) fn name_of(&self, chosen: Result<Chosen, NoMember>) -> String {
        match chosen {
            Ok(chosen) => self.config.members[chosen.index].worker.name.to_string(),
            Err(_) => "-".into(),
        }
    }

    /// All states as one text.
    pub(crate) fn states(&self) -> String {
        let states: Vec<_> = self.slots.iter().map(|s| s.state.state().text()).collect();
        states.join(" ")
    }
}
