//! Balancers.

use super::{Choice, Directive, Kind, Preset, Scope, Section, Unit, directives};

const METHODS: &[Choice] = &[
    Choice {
        name: "request",
        initials: "r0",
    },
    Choice {
        name: "traffic",
        initials: "t1",
    },
    Choice {
        name: "busyness",
        initials: "b2",
    },
    Choice {
        name: "session",
        initials: "s3",
    },
    Choice {
        name: "next",
        initials: "n4",
    },
];

const LOCKS: &[Choice] = &[
    Choice {
        name: "optimistic",
        initials: "o0",
    },
    Choice {
        name: "pessimistic",
        initials: "p1",
    },
];

directives! {
    BALANCER_SECTION: "Balancers", "For workers of type lb.";

    /// The members, as a list of names of ajp13 workers. There must be at least one; a balancer
    /// or a status worker cannot be a member.
    BALANCE_WORKERS = Directive::list("balance_workers", Scope::LB);

    /// What is shared out: requests, traffic in bytes, busyness (requests in flight), sessions, or
    /// the next member in turn for each new session. The first letter or the number decides.
    METHOD = Directive::new("method", Scope::LB, Kind::Choice(METHODS))
        .mod_jk(Preset::Text("request"));

    /// How mod_jk's processes keep their counters apart. Accepted: jkd counts in one process.
    LOCK = Directive::new("lock", Scope::LB, Kind::Choice(LOCKS))
        .mod_jk(Preset::Text("optimistic"));

    /// Sends the requests of a session to the member that has it.
    STICKY_SESSION = Directive::flag("sticky_session", Scope::LB, true);

    /// Refuses a request whose session's member is not usable, rather than send it elsewhere.
    STICKY_SESSION_FORCE = Directive::flag("sticky_session_force", Scope::LB, false);

    /// Name of the cookie that carries the session id. Upper and lower case count.
    SESSION_COOKIE = Directive::name("session_cookie", Scope::LB)
        .mod_jk(Preset::Text("JSESSIONID"));

    /// What precedes the session id in a URI, with its semicolon.
    SESSION_PATH = Directive::name("session_path", Scope::LB)
        .mod_jk(Preset::Text(";jsessionid"));

    /// Adds a cookie with the member's route to answers of requests that came without session.
    SET_SESSION_COOKIE = Directive::flag("set_session_cookie", Scope::LB, false);

    /// Path of that cookie.
    SESSION_COOKIE_PATH = Directive::name("session_cookie_path", Scope::LB)
        .mod_jk(Preset::Text("/"));

    /// How long a member in error rests before a request tries it again. One that probes in the
    /// background bring back (`probe_interval`) does not wait for this; if it fails again within
    /// this time, it is asked at doubled intervals, up to this time.
    RECOVER_TIME =
        Directive::int("recover_time", Scope::LB, Unit::Seconds, 1, i32::MAX)
            .mod_jk(Preset::Int(60));

    /// How long a member may fail while other requests to it are in flight before it counts as in
    /// error. Ten failures in a row, and one more for each of those requests, count before that.
    /// 0: at once.
    ERROR_ESCALATION_TIME =
        Directive::int("error_escalation_time", Scope::LB, Unit::Seconds, 0, i32::MAX)
            .mod_jk(Preset::Rule("recover_time / 2"));

    /// Reply timeouts that a member may have before it counts as in error; they decay at
    /// maintenance.
    MAX_REPLY_TIMEOUTS =
        Directive::int("max_reply_timeouts", Scope::LB, Unit::None, 0, i32::MAX)
            .mod_jk(Preset::Int(0));

    /// Members that are tried in one pass.
    LB_RETRIES =
        Directive::int("lb_retries", Scope::LB, Unit::None, 1, i32::MAX)
            .mod_jk(Preset::Int(2));

    /// Repetitions of requests that a member had already been sent, in percent of all requests, so
    /// that a broken cluster does not get a multiple of its load. About a hundred in ten seconds
    /// are granted beyond that, for clusters with few requests. Refused connections and whatever
    /// else reached no member do not count. 0: no such repetition at all; 100: no limit.
    RETRY_BUDGET =
        Directive::int("retry_budget", Scope::LB, Unit::None, 0, 100)
            .own(Preset::Int(20));

    /// How long a member that comes back from an error has less than its share of the load: it
    /// begins with next to nothing, and its share grows evenly to the whole one. Requests of its
    /// own sessions always go to it. Members of equal `distance` are compared only, so that a nearer
    /// one gets everything in spite of it, and so does the last one that is left. 0: its whole share
    /// at once, as in mod_jk.
    SLOW_START =
        Directive::int("slow_start", Scope::LB, Unit::Seconds, 0, i32::MAX)
            .own(Preset::Int(0));
}
