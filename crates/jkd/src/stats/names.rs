//! All metrics: one line each says name, kind, unit and meaning.
//!
//! Names end in their base unit, counters in `_total`. Labels are names from the configuration or
//! words of a fixed set, never anything that a client sends.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub text: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Labels: worker, member (empty when no member had the request), code (`2xx` …).
pub const REQUESTS: Metric = counter("jkd_requests_total", "Requests that ended");
/// Label: worker.
pub const REQUEST_DURATION: Metric = histogram(
    "jkd_request_duration_seconds",
    "Time from a request's head to the end of its answer",
);
/// No labels.
pub const REQUESTS_IN_FLIGHT: Metric = gauge(
    "jkd_requests_in_flight",
    "Requests that have begun and not ended",
);
/// Labels: balancer, member, state (mod_jk's text).
pub const MEMBER_STATE: Metric = gauge("jkd_member_state", "1 for the state that the member is in");
/// Labels: balancer, member, activation (`ACT`, `DIS`, `STP`).
pub const MEMBER_ACTIVATION: Metric = gauge(
    "jkd_member_activation",
    "1 for the activation that the member has",
);
/// Labels: balancer, member; so have all that follow up to the pools.
pub const MEMBER_ELECTED: Metric = counter("jkd_member_elected_total", "Attempts on the member");
/// Attempts without a session id.
pub const MEMBER_SESSIONS: Metric = counter(
    "jkd_member_sessions_total",
    "Attempts that may have begun a session",
);
/// Failures that count against the member.
pub const MEMBER_ERRORS: Metric = counter("jkd_member_errors_total", "Failed attempts");
/// Failures that do not.
pub const MEMBER_CLIENT_ERRORS: Metric = counter(
    "jkd_member_client_errors_total",
    "Attempts that ended because of the client",
);
/// `reply_timeout` ran out.
pub const MEMBER_REPLY_TIMEOUTS: Metric =
    counter("jkd_member_reply_timeouts_total", "Reply timeouts");
/// One more label: result (`answered`, `failed`).
pub const MEMBER_PROBES: Metric = counter(
    "jkd_member_probes_total",
    "Times that the member in error was asked in the background whether it works again",
);
/// Now.
pub const MEMBER_BUSY: Metric = gauge("jkd_member_busy", "Requests in flight at the member");
/// Since the last reset.
pub const MEMBER_BUSY_MAX: Metric = gauge(
    "jkd_member_busy_max",
    "Requests in flight at the member at most",
);
/// mod_jk's `lbvalue`.
pub const MEMBER_LB_VALUE: Metric = gauge(
    "jkd_member_lb_value",
    "The load by which members take turns",
);
/// One more label: direction (`sent`, `received`).
pub const MEMBER_BYTES: Metric = counter(
    "jkd_member_bytes_total",
    "Bytes sent to the member and received from it, AJP framing included",
);
/// Labels: balancer, result (`granted`, `refused`).
pub const BALANCER_REPEATS: Metric = counter(
    "jkd_balancer_repeats_total",
    "Repetitions of requests that a member had already, by what the retry budget said",
);
/// Labels: endpoint, state (`idle`, `busy`).
pub const POOL_CONNECTIONS: Metric = gauge("jkd_pool_connections", "Connections of the endpoint");
/// Label: endpoint.
pub const POOL_OPENED: Metric = counter("jkd_pool_opened_total", "Connections opened");
/// Label: endpoint.
pub const POOL_REUSED: Metric = counter(
    "jkd_pool_reused_total",
    "Requests that found an open connection",
);
/// Labels: endpoint, reason.
pub const POOL_CLOSED: Metric = counter("jkd_pool_closed_total", "Connections closed");
/// Label: result (`ok`, `refused`).
pub const RELOADS: Metric = counter(
    "jkd_config_reloads_total",
    "Times that the configuration was read again",
);
/// No labels.
pub const CONFIG_TIME: Metric = gauge(
    "jkd_config_last_success_timestamp_seconds",
    "When the running configuration was read",
);
/// Label: version.
pub const BUILD: Metric = gauge("jkd_build_info", "1, with the version as a label");

/// All of them.
pub const ALL: [Metric; 23] = [
    REQUESTS,
    REQUEST_DURATION,
    REQUESTS_IN_FLIGHT,
    MEMBER_STATE,
    MEMBER_ACTIVATION,
    MEMBER_ELECTED,
    MEMBER_SESSIONS,
    MEMBER_ERRORS,
    MEMBER_CLIENT_ERRORS,
    MEMBER_REPLY_TIMEOUTS,
    MEMBER_PROBES,
    MEMBER_BUSY,
    MEMBER_BUSY_MAX,
    MEMBER_LB_VALUE,
    MEMBER_BYTES,
    BALANCER_REPEATS,
    POOL_CONNECTIONS,
    POOL_OPENED,
    POOL_REUSED,
    POOL_CLOSED,
    RELOADS,
    CONFIG_TIME,
    BUILD,
];

/// Tells the recorder what all metrics mean.
pub(super) fn describe() {
    for Metric { name, text, kind } in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, Unit::Count, text),
            Kind::Gauge => describe_gauge!(name, Unit::Count, text),
            Kind::Histogram => describe_histogram!(name, Unit::Seconds, text),
        }
    }
}

const fn counter(name: &'static str, text: &'static str) -> Metric {
    Metric {
        name,
        text,
        kind: Kind::Counter,
    }
}

const fn gauge(name: &'static str, text: &'static str) -> Metric {
    Metric {
        name,
        text,
        kind: Kind::Gauge,
    }
}

const fn histogram(name: &'static str, text: &'static str) -> Metric {
    Metric {
        name,
        text,
        kind: Kind::Histogram,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let names: BTreeSet<_> = ALL.iter().map(|m| m.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            assert!(metric.name.starts_with("jkd_"), "{}", metric.name);
            let is_total = metric.name.ends_with("_total");
            assert_eq!(is_total, metric.kind == Kind::Counter, "{}", metric.name);
        }
    }

    #[test]
    fn the_documentation_lists_them_in_this_order() {
        let page = include_str!("../../../../docs/metrics.md");
        let listed: Vec<_> = (page.lines())
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        assert_eq!(listed, ALL.map(|m| m.name));
    }
}
