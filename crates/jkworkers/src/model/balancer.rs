//! Balancers: what `workers.properties` says about choosing among members.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{AjpWorker, Retries};

/// A load balancer (`type=lb`).
#[derive(Clone, Debug, Serialize)]
pub struct Balancer {
    /// Its members in the order of `balance_workers`. Never empty.
    pub members: Vec<Member>,
    /// `method`.
    pub method: Method,
    /// `lock`. Accepted; choosing needs no lock here.
    pub lock: Lock,
    /// Sessions.
    pub sticky: StickySettings,
    /// `recover_time`: how long a member in error rests.
    pub recover_time: Duration,
    /// `error_escalation_time`.
    pub error_escalation_time: Duration,
    /// `max_reply_timeouts`.
    pub max_reply_timeouts: u32,
    /// `retries` (passes over the members) and `retry_interval`.
    pub retries: Retries,
    /// `lb_retries`: members tried in one pass.
    pub lb_retries: u32,
    /// `retry_budget`: percent of requests that may be repeated after they were sent. 100: no
    /// limit.
    pub retry_budget: u32,
    /// `slow_start`: how long a recovered member has less than its share. Zero: not at all.
    pub slow_start: Duration,
}

/// One member of a balancer.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// The Tomcat.
    pub worker: Arc<AjpWorker>,
    /// `lbfactor`, at least 1.
    pub lbfactor: u32,
    /// `distance`: nearer members are preferred absolutely.
    pub distance: i32,
    /// `route`: what stands behind the dot of its session ids.
    pub route: Arc<str>,
    /// `domain`.
    pub domain: Option<Arc<str>>,
    /// `redirect`: the route to use when this member fails.
    pub redirect: Option<Arc<str>>,
    /// `activation`.
    pub activation: Activation,
    /// Its place among the members that are written in `balance_workers`: what the activations of
    /// a [`Mount`](super::Mount) go by. Members that stand for the addresses of one name share it.
    #[serde(skip)]
    pub configured: usize,
}

/// `activation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Activation {
    /// Serves everything.
    #[default]
    #[serde(rename = "ACT")]
    Active,
    /// Serves its own sessions only.
    #[serde(rename = "DIS")]
    Disabled,
    /// Serves nothing.
    #[serde(rename = "STP")]
    Stopped,
}

impl Activation {
    /// mod_jk's three-letter name, as in `JK_LB_ACTIVATION`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "ACT",
            Self::Disabled => "DIS",
            Self::Stopped => "STP",
        }
    }

    /// The word of `worker.NAME.activation`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Stopped => "stopped",
        }
    }
}

/// `method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By requests.
    #[default]
    Request,
    /// By bytes.
    Traffic,
    /// By requests in flight.
    Busyness,
    /// By new sessions.
    Session,
    /// By new sessions, round robin.
    Next,
}

/// `lock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    /// The default.
    #[default]
    Optimistic,
    /// Across processes.
    Pessimistic,
}

/// How sessions stick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StickySettings {
    /// `sticky_session`.
    pub enabled: bool,
    /// `sticky_session_force`.
    pub force: bool,
    /// `session_cookie`.
    pub cookie: String,
    /// `session_path`, with its leading `;`.
    pub path: String,
    /// `set_session_cookie`.
    pub set_cookie: bool,
    /// `session_cookie_path`.
    pub cookie_path: String,
}

impl Default for StickySettings {
    fn default() -> Self {
        Self {
            enabled: true,
            force: false,
            cookie: "JSESSIONID".into(),
            path: ";jsessionid".into(),
            set_cookie: false,
            cookie_path: "/".into(),
        }
    }
}
