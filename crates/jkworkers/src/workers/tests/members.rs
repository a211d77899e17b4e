//! Balancers and their members.

use super::{lb, ms, s, workers};
use crate::model::{
    Activation, Balancer, Lock, Member, Method, ProbeSettings, Resolve, StickySettings, WorkerKind,
};

/// One row: the lines, what comes of them, and how many findings they bring.
type Row<T> = (&'static str, T, usize);

fn check<T: PartialEq + std::fmt::Debug>(
    rows: impl IntoIterator<Item = Row<T>>,
    get: impl Fn(&Balancer) -> T,
) {
    for (text, value, findings) in rows {
        let (balancer, found) = lb(text);
        assert_eq!(get(&balancer), value, "{text}");
        assert_eq!(found.matches("remedy").count(), findings, "{text}: {found}");
    }
}

fn check_member<T: PartialEq + std::fmt::Debug>(
    rows: impl IntoIterator<Item = Row<T>>,
    get: impl Fn(&Member) -> T,
) {
    check(rows, |balancer| get(&balancer.members[0]));
}

#[test]
fn members_have_weights_and_distances() {
    check_member(
        [
            ("", (1, 0), 0),
            ("worker.m.lbfactor=3", (3, 0), 0),
            ("worker.m.lbfactor=2.5", (2, 0), 1),
            ("worker.m.lbfactor=0", (1, 0), 1),
            ("worker.m.lbfactor=-2", (1, 0), 1),
            ("worker.m.distance=7", (1, 7), 0),
            ("worker.m.distance=-1", (1, -1), 0),
            ("worker.m.distance=3\nworker.m.distance=7", (1, 3), 2),
        ],
        |member| (member.lbfactor, member.distance),
    );
}

#[test]
fn names_of_members_may_be_many_tomcats() {
    check_member(
        [
            ("", (Resolve::One, false), 0),
            ("worker.m.resolve=all", (Resolve::All, true), 0),
            (
                "worker.m.resolve=a\nworker.m.host=10.0.0.1",
                (Resolve::All, false),
                0,
            ),
        ],
        |member| {
            let many = member.worker.name_of_many().is_some();
            (member.worker.resolve, many)
        },
    );
}

#[test]
fn members_of_one_name_need_routes_that_tell_them_apart() {
    let found = |more: &str| {
        let (_, found) = workers(&format!(
            "worker.list=b\nworker.b.type=lb\nworker.b.balance_workers=x,y\n\
             worker.x.host=n\nworker.x.resolve=all\nworker.x.port=1\n\
             worker.y.reference=worker.x\nworker.y.port=2\n{more}"
        ));
        found
    };
    insta::assert_snapshot!(found(""), @r"
    w:7: error: `x` and `y` turn the name `n` into members with the same routes in the balancer `b`
        remedy: Write `worker.y.route=ROUTE`, and `ROUTE.ADDRESS` as jvmRoute of its Tomcats.
    ");
    assert_eq!(found("worker.y.route=r\n"), "");
}

#[test]
fn places_are_those_among_the_members_that_are_admitted() {
    let (workers, _) = workers(
        "worker.list=b\nworker.b.type=lb\nworker.b.balance_workers=s,x,y\n\
         worker.s.type=status\nworker.x.port=1\nworker.y.port=2\n",
    );
    let WorkerKind::Balancer(balancer) = &workers.workers[0].kind else {
        panic!("{workers:?}");
    };
    let places: Vec<_> = (balancer.members.iter())
        .map(|m| (&*m.worker.name, m.configured))
        .collect();
    assert_eq!(places, [("x", 0), ("y", 1)]);
}

#[test]
fn members_have_routes_and_domains() {
    let some = |text: &str| Some(text.to_owned());
    check_member(
        [
            ("", (some("m"), None, None), 0),
            ("worker.m.route=r", (some("r"), None, None), 0),
            ("worker.m.jvm_route=r", (some("r"), None, None), 1),
            (
                "worker.m.route=r\nworker.m.jvm_route=q",
                (some("r"), None, None),
                1,
            ),
            ("worker.m.route=d.r.x", (some("d.r.x"), some("d"), None), 0),
            (
                "worker.m.route=d.r\nworker.m.domain=e",
                (some("d.r"), some("e"), None),
                0,
            ),
            ("worker.m.domain=", (some("m"), None, None), 1),
            ("worker.m.domain=d.e", (some("m"), some("d.e"), None), 1),
            ("worker.m.redirect=m", (some("m"), None, some("m")), 0),
            ("worker.m.redirect=n", (some("m"), None, some("n")), 1),
        ],
        |member| {
            let text = |part: &Option<std::sync::Arc<str>>| part.as_deref().map(str::to_owned);
            (
                some(&member.route),
                text(&member.domain),
                text(&member.redirect),
            )
        },
    );
}

#[test]
fn activation_and_its_old_forms() {
    use Activation::{Active, Disabled, Stopped};
    check_member(
        [
            ("", Active, 0),
            ("worker.m.activation=A", Active, 0),
            ("worker.m.activation=disabled", Disabled, 0),
            ("worker.m.activation=Dis", Disabled, 0),
            ("worker.m.activation=1", Disabled, 0),
            ("worker.m.activation=STP", Stopped, 0),
            ("worker.m.activation=2", Stopped, 0),
            ("worker.m.activation=x", Active, 1),
            ("worker.m.disabled=1", Disabled, 1),
            ("worker.m.stopped=true", Stopped, 1),
            ("worker.m.disabled=1\nworker.m.stopped=1", Stopped, 2),
            ("worker.m.disabled=1\nworker.m.stopped=0", Disabled, 2),
            ("worker.m.activation=a\nworker.m.stopped=1", Active, 1),
            // The address is not known yet.
            ("worker.m.port=0", Stopped, 2),
        ],
        |member| member.activation,
    );
}

#[test]
fn methods_and_locks_are_known_by_their_initials() {
    check(
        [
            ("", Method::Request, 0),
            (".method=Request", Method::Request, 0),
            (".method=T", Method::Traffic, 0),
            (".method=busy", Method::Busyness, 0),
            (".method=Sessions", Method::Session, 0),
            (".method=N", Method::Next, 0),
            (".method=0", Method::Request, 0),
            (".method=1", Method::Traffic, 0),
            (".method=2", Method::Busyness, 0),
            (".method=3", Method::Session, 0),
            (".method=4", Method::Next, 0),
            (".method=5", Method::Request, 1),
            (".method=cpu", Method::Request, 1),
        ],
        |balancer| balancer.method,
    );
    check(
        [
            ("", Lock::Optimistic, 0),
            (".lock=P", Lock::Pessimistic, 0),
            (".lock=1", Lock::Pessimistic, 0),
            (".lock=O", Lock::Optimistic, 0),
            (".lock=x", Lock::Optimistic, 1),
        ],
        |balancer| balancer.lock,
    );
}

#[test]
fn times_and_counts_of_a_balancer() {
    check(
        [
            ("", (s(60), s(30)), 0),
            (".recover_time=10", (s(10), s(5)), 0),
            (".recover_time=1", (s(1), s(0)), 0),
            (".recover_time=0", (s(1), s(0)), 1),
            (".error_escalation_time=0", (s(60), s(0)), 0),
            (".error_escalation_time=x", (s(60), s(30)), 1),
        ],
        |balancer| (balancer.recover_time, balancer.error_escalation_time),
    );
    check(
        [
            ("", (0, 2, ms(100), 2), 0),
            (".max_reply_timeouts=10", (10, 2, ms(100), 2), 0),
            (".retries=5", (0, 5, ms(100), 2), 0),
            (".retries=0", (0, 1, ms(100), 2), 1),
            (".retry_interval=0", (0, 2, ms(0), 2), 0),
            (".lb_retries=4", (0, 2, ms(100), 4), 0),
            (".lb_retries=0", (0, 2, ms(100), 1), 1),
        ],
        |balancer| {
            let retries = balancer.retries;
            (
                balancer.max_reply_timeouts,
                retries.attempts,
                retries.interval,
                balancer.lb_retries,
            )
        },
    );
}

#[test]
fn balancers_have_settings_of_jkd() {
    check(
        [
            ("", (20, s(0)), 0),
            (".retry_budget=0\n.slow_start=90", (0, s(90)), 0),
            (".retry_budget=100", (100, s(0)), 0),
            (".retry_budget=101", (100, s(0)), 1),
            (".slow_start=-1", (20, s(0)), 1),
        ],
        |balancer| (balancer.retry_budget, balancer.slow_start),
    );
}

#[test]
fn members_are_probed() {
    let row = |text: &'static str, change: fn(&mut ProbeSettings), findings: usize| {
        let mut probe = ProbeSettings::default();
        change(&mut probe);
        (text, probe, findings)
    };
    check_member(
        [
            row("", |_| {}, 0),
            row("worker.m.probe_interval=0", |p| p.interval = None, 0),
            row("worker.m.probe_interval=5", |p| p.interval = Some(s(5)), 0),
            row("worker.m.probe_timeout=0", |p| p.timeout = ms(1), 2),
            row("worker.m.probe_timeout=300", |p| p.timeout = ms(300), 0),
            row(
                "worker.m.probe_uri=/app/health?deep=1",
                |p| p.uri = Some("/app/health?deep=1".into()),
                0,
            ),
            row("worker.m.probe_uri=app/health", |_| {}, 1),
            row("worker.m.probe_uri=/app/my health", |_| {}, 1),
            row("worker.m.probe_uri=/äpp", |_| {}, 1),
            row(
                "worker.m.probe_status=200,204 503",
                |p| p.statuses = vec![200, 204, 503],
                0,
            ),
            row(
                "worker.m.probe_status=200,-404,2xx,1000",
                |p| p.statuses = vec![200],
                3,
            ),
            row("worker.m.probe_status=ok", |_| {}, 2),
        ],
        |member| member.worker.probe.clone(),
    );
}

#[test]
fn sessions() {
    let row = |text: &'static str, change: fn(&mut StickySettings), findings: usize| {
        let mut sticky = StickySettings::default();
        change(&mut sticky);
        (text, sticky, findings)
    };
    check(
        [
            row("", |_| {}, 0),
            row(".sticky_session=0", |s| s.enabled = false, 0),
            row(".sticky_session=maybe", |_| {}, 1),
            row(".sticky_session_force=on", |s| s.force = true, 0),
            row(".session_cookie=SID", |s| s.cookie = "SID".into(), 0),
            row(".session_path=;sid", |s| s.path = ";sid".into(), 0),
            row(".set_session_cookie=1", |s| s.set_cookie = true, 0),
            row(
                ".session_cookie_path=/app",
                |s| s.cookie_path = "/app".into(),
                0,
            ),
        ],
        |balancer| balancer.sticky.clone(),
    );
}

#[test]
fn retired_balancer_settings_have_no_effect() {
    for text in [".local_worker=1", ".local_worker_only=1"] {
        let (_, found) = lb(text);
        assert!(found.contains("has no effect"), "{found}");
    }
}

#[test]
fn a_balancer_without_members_is_an_error() {
    for text in [
        "",
        "worker.b.balance_workers=,\n",
        "worker.b.balance_workers=\n",
    ] {
        let (built, found) = workers(&format!("worker.list=b\nworker.b.type=lb\n{text}"));
        assert!(built.workers.is_empty());
        assert!(
            found.contains("error: the balancer `b` has no members"),
            "{found}"
        );
    }
}

#[test]
fn the_old_list_of_members_counts_where_the_new_one_is_missing() {
    let names = |text: &str| -> (Vec<String>, String) {
        let (built, found) = workers(&format!(
            "worker.list=b\nworker.b.type=lb\nworker.x.port=1\nworker.y.port=2\n{text}"
        ));
        let WorkerKind::Balancer(balancer) = &built.workers[0].kind else {
            panic!("{built:?}");
        };
        let names = balancer
            .members
            .iter()
            .map(|m| m.worker.name.to_string())
            .collect();
        (names, found)
    };
    let (members, found) = names("worker.b.balanced_workers=x,y\n");
    assert_eq!(members, ["x", "y"]);
    assert!(
        found.contains("`worker.b.balanced_workers` is an old name"),
        "{found}"
    );
    let (members, found) = names("worker.b.balance_workers=x\nworker.b.balanced_workers=y\n");
    assert_eq!(members, ["x"]);
    assert!(
        found.contains("`worker.b.balanced_workers` has no effect"),
        "{found}"
    );
}

#[test]
fn members_must_be_ajp13_workers() {
    for (kind, message) in [
        ("lb", "`m` has type lb and cannot be a member of `b`"),
        (
            "status",
            "`m` has type status and cannot be a member of `b`",
        ),
        ("ajp14", "`ajp14` workers are not supported"),
        ("ajp", "there is no worker type `ajp`"),
    ] {
        let (built, found) = workers(&format!(
            "worker.list=b\nworker.b.type=lb\nworker.b.balance_workers=m\nworker.m.type={kind}\n"
        ));
        assert!(built.workers.is_empty());
        assert!(found.contains(message), "{found}");
        assert_eq!(found.matches(": error: ").count(), 1, "{found}");
    }
}

#[test]
fn members_need_no_settings() {
    let (built, found) = workers("worker.list=b\nworker.b.type=lb\nworker.b.balance_workers=m\n");
    assert_eq!(built.workers.len(), 1);
    assert!(
        found.contains("w:3: warning: nothing is set for the worker `m`"),
        "{found}"
    );
}

#[test]
fn routes_are_unique_within_a_balancer() {
    let head = "worker.list=b\nworker.b.type=lb\nworker.b.balance_workers=x,y\nworker.x.port=1\nworker.y.port=2\n";
    let (_, found) = workers(&format!("{head}worker.y.route=x\n"));
    assert!(
        found.contains("w:5: error: `x` and `y` have the same route `x` in the balancer `b`"),
        "{found}"
    );
    let (_, found) = workers(&format!("{head}worker.b.balance_workers=x\n"));
    assert!(
        found.contains("w:6: error: `x` is a member of `b` twice"),
        "{found}"
    );
    let two = "worker.list=c\nworker.c.type=lb\nworker.c.balance_workers=z\nworker.z.port=3\nworker.z.route=x\n";
    let (built, found) = workers(&format!("{head}{two}"));
    assert_eq!((built.workers.len(), &*found), (2, ""));
}

#[test]
fn a_balancers_secret_is_for_members_without_their_own() {
    let (built, found) = workers(
        "worker.list=b,c,x\nworker.b.type=lb\nworker.b.balance_workers=x,y\nworker.b.secret=common\n\
         worker.c.type=lb\nworker.c.balance_workers=x\n\
         worker.x.port=1\nworker.y.port=2\nworker.y.secret=own\n",
    );
    assert_eq!(found, "");
    let secret = |member: &Member| member.worker.secret.as_ref().map(|s| s.reveal().to_owned());
    let secrets: Vec<Vec<Option<String>>> = built
        .workers
        .iter()
        .filter_map(|worker| match &worker.kind {
            WorkerKind::Balancer(b) => Some(b.members.iter().map(secret).collect()),
            _ => None,
        })
        .collect();
    assert_eq!(
        secrets,
        [
            vec![Some("common".to_owned()), Some("own".to_owned())],
            vec![None]
        ]
    );
    assert!(!format!("{built:?}").contains("common"));
}
