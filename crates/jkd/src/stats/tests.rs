use metrics::with_local_recorder;

use super::*;
use crate::balancer::{Verdict, testing::*};

/// What is exported after `measure`.
fn exported(measure: impl FnOnce()) -> String {
    let recorder = builder(GONE).unwrap().build_recorder();
    let exporter = Exporter::new(recorder.handle());
    with_local_recorder(&recorder, || {
        names::describe();
        measure();
        exporter.upkeep();
        exporter.render()
    })
}

#[track_caller]
fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|l| l == *line), "no {line} in\n{text}");
    }
}

#[test]
fn requests() {
    let text = exported(|| {
        let router = Requests::new("router", ["a", "b"]);
        router.count(Some(0), 200, Duration::from_millis(3));
        router.count(Some(0), 204, Duration::from_millis(3));
        router.count(Some(1), 404, Duration::from_millis(3));
        router.count(None, 503, Duration::from_millis(200));
        router.count(Some(1), 999, Duration::from_secs(1000));
        router.count(Some(9), 200, Duration::ZERO);
        // A new configuration goes on counting.
        Requests::new("router", ["a"]).count(Some(0), 200, Duration::ZERO);
        Requests::new("status", []).count(None, 200, Duration::ZERO);
    });
    assert_has(
        &text,
        &[
            "# HELP jkd_requests_total Requests that ended",
            r#"jkd_requests_total{worker="router",member="a",code="2xx"} 3"#,
            r#"jkd_requests_total{worker="router",member="b",code="4xx"} 1"#,
            r#"jkd_requests_total{worker="router",member="b",code="5xx"} 1"#,
            r#"jkd_requests_total{worker="router",member="",code="5xx"} 1"#,
            r#"jkd_requests_total{worker="status",member="",code="2xx"} 1"#,
            r#"jkd_request_duration_seconds_bucket{worker="router",le="0.005"} 5"#,
            r#"jkd_request_duration_seconds_bucket{worker="router",le="300"} 6"#,
            r#"jkd_request_duration_seconds_count{worker="router"} 7"#,
        ],
    );
}

#[test]
fn the_last_counts_of_a_pool_that_is_given_up() {
    let mut old = PoolStats::default();
    (old.opened, old.busy, old.idle) = (4, 1, 1);
    let mut new = PoolStats::default();
    (new.opened, new.idle) = (9, 1);
    let text = exported(|| {
        let tally = &mut Tally::default();
        report_pool("a", (1, &old), tally);
        report_pool("b", (2, &old), tally);
        tally.end();
        // A reload gives one of the name to another address, and takes the other one away.
        old.closed.drained = 3;
        (old.busy, old.idle) = (0, 0);
        report_pool("a", (3, &new), tally);
        report_retired("a", (1, &old), true, tally);
        report_retired("b", (2, &old), false, tally);
        tally.end();
    });
    assert_has(
        &text,
        &[
            r#"jkd_pool_opened_total{endpoint="a"} 13"#,
            r#"jkd_pool_closed_total{endpoint="a",reason="drained"} 3"#,
            r#"jkd_pool_connections{endpoint="a",state="idle"} 1"#,
            r#"jkd_pool_opened_total{endpoint="b"} 4"#,
            r#"jkd_pool_closed_total{endpoint="b",reason="drained"} 3"#,
            r#"jkd_pool_connections{endpoint="b",state="busy"} 0"#,
        ],
    );
}

#[test]
fn members() {
    let text = exported(|| {
        let balancer = balancer(&[1, 1]);
        let mut guard = balancer
            .begin(balancer.pick("", at(0)).unwrap(), at(0))
            .unwrap();
        guard.count_bytes(10, 200);
        balancer.record(1, Verdict::HardStatus, at(0));
        balancer.begin_probe(1).unwrap().failed(at(0));
        let tally = &mut Tally::default();
        report_balancer("router", &balancer.view(at(0)), tally);
        tally.end();
        // A reset on the status page leaves counters alone.
        balancer.reset(1, at(0));
        balancer.record(1, Verdict::HardStatus, at(0));
        report_balancer("router", &balancer.view(at(0)), tally);
    });
    assert_has(
        &text,
        &[
            r#"jkd_balancer_repeats_total{balancer="router",result="granted"} 0"#,
            r#"jkd_balancer_repeats_total{balancer="router",result="refused"} 0"#,
            r#"jkd_member_elected_total{balancer="router",member="a"} 1"#,
            r#"jkd_member_errors_total{balancer="router",member="b"} 2"#,
            r#"jkd_member_probes_total{balancer="router",member="b",result="answered"} 0"#,
            r#"jkd_member_probes_total{balancer="router",member="b",result="failed"} 1"#,
            r#"jkd_member_bytes_total{balancer="router",member="a",direction="sent"} 10"#,
            r#"jkd_member_bytes_total{balancer="router",member="a",direction="received"} 200"#,
            r#"jkd_member_busy{balancer="router",member="a"} 1"#,
            r#"jkd_member_lb_value{balancer="router",member="a"} 1"#,
            r#"jkd_member_state{balancer="router",member="b",state="ERR"} 1"#,
            r#"jkd_member_state{balancer="router",member="b",state="OK"} 0"#,
            r#"jkd_member_activation{balancer="router",member="b",activation="ACT"} 1"#,
            r#"jkd_member_activation{balancer="router",member="b",activation="STP"} 0"#,
        ],
    );
}

#[test]
fn members_that_are_gone_are_forgotten_and_idle_ones_are_not() {
    let recorder = builder(Duration::ZERO).unwrap().build_recorder();
    let exporter = Exporter::new(recorder.handle());
    let render = |requests: &Requests, members: &[u32]| {
        requests.report();
        report_balancer(
            "router",
            &balancer(members).view(at(0)),
            &mut Tally::default(),
        );
        exporter.render()
    };
    with_local_recorder(&recorder, || {
        count_reload(true);
        let old = Requests::new("router", ["a", "b"]);
        old.count(Some(0), 200, Duration::ZERO);
        assert!(render(&old, &[1, 1]).contains(r#"member="b""#));
        let new = Requests::new("router", ["a"]);
        for _ in 0..3 {
            let text = render(&new, &[1]);
            assert!(!text.contains(r#"member="b""#), "{text}");
            assert_has(
                &text,
                &[
                    r#"jkd_requests_total{worker="router",member="a",code="2xx"} 1"#,
                    r#"jkd_requests_total{worker="router",member="",code="5xx"} 0"#,
                    r#"jkd_member_elected_total{balancer="router",member="a"} 0"#,
                    r#"jkd_config_reloads_total{result="ok"} 1"#,
                ],
            );
        }
    });
}

#[test]
fn what_is_taken_back_counts_once() {
    let balancer = balancer(&[1]);
    let text = exported(|| {
        let tally = &mut Tally::default();
        let mut report = |repeated| {
            let mut view = balancer.view(at(0));
            view.repeated = repeated;
            report_balancer("lb", &view, tally);
            tally.end();
        };
        let chosen = balancer.pick("", at(0)).unwrap();
        let mut guard = balancer.begin(chosen, at(0)).unwrap();
        report(3);
        // No connection was free: the attempt did not begin.
        guard.record(Verdict::NoEndpoint, at(0));
        report(2);
        report(4);
    });
    assert_has(
        &text,
        &[
            r#"jkd_member_elected_total{balancer="lb",member="a"} 1"#,
            r#"jkd_balancer_repeats_total{balancer="lb",result="granted"} 4"#,
        ],
    );
}

#[test]
fn pools() {
    let mut stats = PoolStats::default();
    stats.idle = 3;
    stats.busy = 2;
    stats.opened = 7;
    stats.closed.stale = 2;
    let text = exported(|| {
        let tally = &mut Tally::default();
        // It is an endpoint of two balancers.
        report_pool("a", (1, &stats), tally);
        report_pool("a", (1, &stats), tally);
        tally.end();
        // Other settings: it begins anew.
        stats.opened = 1;
        report_pool("a", (1, &stats), tally);
        tally.end();
        // Gone for a while.
        tally.end();
        stats.opened = 3;
        report_pool("a", (1, &stats), tally);
    });
    assert_has(
        &text,
        &[
            r#"jkd_pool_connections{endpoint="a",state="idle"} 3"#,
            r#"jkd_pool_connections{endpoint="a",state="busy"} 2"#,
            r#"jkd_pool_opened_total{endpoint="a"} 11"#,
            r#"jkd_pool_closed_total{endpoint="a",reason="stale"} 4"#,
        ],
    );
}

#[test]
fn the_process() {
    let text = exported(|| {
        count_reload(true);
        count_reload(false);
        count_reload(false);
        note_config_read();
    });
    assert_has(
        &text,
        &[
            r#"jkd_config_reloads_total{result="ok"} 1"#,
            r#"jkd_config_reloads_total{result="refused"} 2"#,
            &format!(
                r#"jkd_build_info{{version="{}"}} 1"#,
                env!("CARGO_PKG_VERSION")
            ),
        ],
    );
    let read_at = text
        .lines()
        .find_map(|l| l.strip_prefix("jkd_config_last_success_timestamp_seconds "))
        .unwrap();
    assert!(read_at.parse::<f64>().unwrap() > 1e9);
}

#[test]
fn requests_in_flight() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let guards = [Begun::among(&COUNT), Begun::among(&COUNT)];
    assert_eq!(COUNT.load(Relaxed), 2);
    drop(guards);
    assert_eq!(COUNT.load(Relaxed), 0);
}

#[test]
fn all_metrics_are_described() {
    let text = exported(|| {
        Requests::new("w", ["m"]).count(None, 200, Duration::ZERO);
        let tally = &mut Tally::default();
        report_balancer("w", &balancer(&[1]).view(at(0)), tally);
        report_pool("m", (1, &PoolStats::default()), tally);
        count_reload(true);
    });
    for metric in names::ALL {
        let help = format!("# HELP {} {}", metric.name, metric.text);
        assert_has(&text, &[&help]);
    }
}
