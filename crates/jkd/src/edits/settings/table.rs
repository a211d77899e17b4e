//! The settings, one by one.

use std::time::Duration;

use jkworkers::model::{AjpWorker, Balancer, Member, PingPolicy, PrepostPing, RecoveryOptions};

use super::{Kind, Range, Value};

/// Settings of balancers, in mod_jk's order.
pub(crate) const BALANCER: &[Kind<Balancer>] = &[
    Kind {
        code: "vlr",
        name: "retries",
        range: Range::From(1),
        get: |lb| Value::Number(lb.retries.attempts.into()),
        set: |lb, value| lb.retries.attempts = value.number(),
    },
    Kind {
        code: "vlri",
        name: "retry_interval",
        range: Range::From(1),
        get: |lb| Value::millis(Some(lb.retries.interval)),
        set: |lb, value| lb.retries.interval = value.some_millis().unwrap_or_default(),
    },
    Kind {
        code: "vlt",
        name: "recover_time",
        range: Range::From(1),
        get: |lb| Value::seconds(Some(lb.recover_time)),
        set: |lb, value| lb.recover_time = value.some_seconds().unwrap_or_default(),
    },
    Kind {
        code: "vlee",
        name: "error_escalation_time",
        range: Range::From(1),
        get: |lb| Value::seconds(Some(lb.error_escalation_time)),
        set: |lb, value| lb.error_escalation_time = value.some_seconds().unwrap_or_default(),
    },
    Kind {
        code: "vlx",
        name: "max_reply_timeouts",
        range: Range::From(0),
        get: |lb| Value::Number(lb.max_reply_timeouts.into()),
        set: |lb, value| lb.max_reply_timeouts = value.number(),
    },
    Kind {
        code: "vls",
        name: "sticky_session",
        range: Range::Flag,
        get: |lb| Value::Flag(lb.sticky.enabled),
        set: |lb, value| lb.sticky.enabled = value.flag(),
    },
    Kind {
        code: "vlf",
        name: "sticky_session_force",
        range: Range::Flag,
        get: |lb| Value::Flag(lb.sticky.force),
        set: |lb, value| lb.sticky.force = value.flag(),
    },
    Kind {
        code: "vlm",
        name: "method",
        range: Range::Method,
        get: |lb| Value::Method(lb.method),
        set: |lb, value| {
            if let Value::Method(method) = value {
                lb.method = *method;
            }
        },
    },
    Kind {
        code: "vll",
        name: "lock",
        range: Range::Lock,
        get: |lb| Value::Lock(lb.lock),
        set: |lb, value| {
            if let Value::Lock(lock) = value {
                lb.lock = *lock;
            }
        },
    },
];

/// Settings of members, in mod_jk's order; the activation is none of them.
pub(crate) const MEMBER: &[Kind<Member>] = &[
    Kind {
        code: "vwf",
        name: "lbfactor",
        range: Range::From(1),
        get: |member| Value::Number(member.lbfactor.into()),
        set: |member, value| member.lbfactor = value.number().max(1),
    },
    Kind {
        code: "vwn",
        name: "route",
        range: Range::Text,
        get: |member| Value::text(Some(&member.route)),
        set: |member, value| member.route = value.as_text().into(),
    },
    Kind {
        code: "vwr",
        name: "redirect",
        range: Range::Text,
        get: |member| Value::text(member.redirect.as_deref()),
        set: |member, value| member.redirect = value.as_name(),
    },
    Kind {
        code: "vwc",
        name: "domain",
        range: Range::Text,
        get: |member| Value::text(member.domain.as_deref()),
        set: |member, value| member.domain = value.as_name(),
    },
    Kind {
        code: "vwd",
        name: "distance",
        range: Range::From(0),
        get: |member| Value::Number(member.distance.into()),
        set: |member, value| member.distance = i32::try_from(value.number()).unwrap_or(i32::MAX),
    },
];

/// `vahst`.
pub(crate) const HOST: Kind<AjpWorker> = Kind {
    code: "vahst",
    name: "host",
    range: Range::Text,
    get: |ajp| Value::text(Some(&ajp.host)),
    set: |ajp, value| value.as_text().clone_into(&mut ajp.host),
};

/// `vaprt`.
pub(crate) const PORT: Kind<AjpWorker> = Kind {
    code: "vaprt",
    name: "port",
    range: Range::From(0),
    get: |ajp| Value::Number(ajp.port.into()),
    set: |ajp, value| ajp.port = u16::try_from(value.number()).unwrap_or_default(),
};

/// Settings of the way to a Tomcat, in mod_jk's order; its address comes behind the first of them.
pub(crate) const AJP: &[Kind<AjpWorker>] = &[
    Kind {
        code: "vacpt",
        name: "connection_pool_timeout",
        range: Range::From(0),
        get: |ajp| Value::seconds(ajp.pool.idle_timeout),
        set: |ajp, value| ajp.pool.idle_timeout = value.some_seconds(),
    },
    Kind {
        code: "vapng",
        name: "ping_timeout",
        range: Range::From(0),
        get: |ajp| Value::millis(Some(ajp.ping.timeout)),
        set: |ajp, value| {
            ajp.ping.timeout = value.some_millis().unwrap_or_default();
            let timeout = ajp.ping.timeout;
            ajp.ping.interval = ajp.ping.interval.map(|(idle, _)| (idle, timeout));
        },
    },
    Kind {
        code: "vact",
        name: "connect_timeout",
        range: Range::From(0),
        get: |ajp| Value::millis(own_connect(&ajp.ping)),
        set: |ajp, value| ajp.ping = with_pings(&ajp.ping, value.some_millis(), ajp.ping.prepost),
    },
    Kind {
        code: "vapt",
        name: "prepost_timeout",
        range: Range::From(0),
        get: |ajp| Value::millis(ajp.ping.prepost.map(|prepost| prepost.timeout)),
        set: |ajp, value| {
            let prepost = value.some_millis().map(|timeout| PrepostPing {
                timeout,
                min_idle: Duration::ZERO,
            });
            ajp.ping = with_pings(&ajp.ping, own_connect(&ajp.ping), prepost);
        },
    },
    Kind {
        code: "vart",
        name: "reply_timeout",
        range: Range::From(0),
        get: |ajp| Value::millis(ajp.reply_timeout),
        set: |ajp, value| ajp.reply_timeout = value.some_millis(),
    },
    Kind {
        code: "var",
        name: "retries",
        range: Range::From(1),
        get: |ajp| Value::Number(ajp.retries.attempts.into()),
        set: |ajp, value| ajp.retries.attempts = value.number().max(1),
    },
    Kind {
        code: "vari",
        name: "retry_interval",
        range: Range::From(1),
        get: |ajp| Value::millis(Some(ajp.retries.interval)),
        set: |ajp, value| ajp.retries.interval = value.some_millis().unwrap_or_default(),
    },
    Kind {
        code: "vacpi",
        name: "connection_ping_interval",
        range: Range::From(1),
        get: |ajp| Value::seconds(ajp.ping.interval.map(|(idle, _)| idle)),
        set: |ajp, value| {
            let timeout = ajp.ping.timeout;
            ajp.ping.interval = value.some_seconds().map(|idle| (idle, timeout));
        },
    },
    Kind {
        code: "varo",
        name: "recovery_options",
        range: Range::From(0),
        get: |ajp| {
            let bits = ajp.recovery_options.map(RecoveryOptions::bits);
            Value::Number(bits.unwrap_or_default().into())
        },
        set: |ajp, value| {
            ajp.recovery_options = Some(RecoveryOptions::from_bits(value.number()));
        },
    },
    Kind {
        code: "vabl",
        name: "busy_limit",
        range: Range::From(0),
        get: |ajp| Value::Number(ajp.busy_limit.into()),
        set: |ajp, value| ajp.busy_limit = value.number(),
    },
    Kind {
        code: "vamps",
        name: "max_packet_size",
        range: Range::PacketSize,
        get: |ajp| Value::Number(ajp.max_packet_size.into()),
        set: |ajp, value| ajp.max_packet_size = value.number(),
    },
];

/// The CPing after a connect, unless there is one only because of those before requests.
fn own_connect(ping: &PingPolicy) -> Option<Duration> {
    ping.connect.filter(|_| !ping.connect_by_prepost)
}

/// As the reader of files does: a connection that was just opened is asked before its first
/// request, too.
fn with_pings(
    ping: &PingPolicy,
    connect: Option<Duration>,
    prepost: Option<PrepostPing>,
) -> PingPolicy {
    PingPolicy {
        connect: connect.or_else(|| prepost.map(|prepost| prepost.timeout)),
        connect_by_prepost: connect.is_none() && prepost.is_some(),
        prepost,
        ..ping.clone()
    }
}
