//! Values of ajp13 workers: defaults, units, ranges, bad ones.

use super::{ajp, ms, s};
use crate::model::{AjpWorker, PingPolicy, PrepostPing, RecoveryOptions, Resolve};

/// One row: the lines, what comes of them, and how many findings they bring.
type Row<T> = (&'static str, T, usize);

fn check<T: PartialEq + std::fmt::Debug>(
    rows: impl IntoIterator<Item = Row<T>>,
    get: impl Fn(&AjpWorker) -> T,
) {
    for (text, value, findings) in rows {
        let (worker, found) = ajp(text);
        assert_eq!(get(&worker), value, "{text}");
        assert_eq!(found.matches("remedy").count(), findings, "{text}: {found}");
    }
}

#[test]
fn addresses() {
    check(
        [
            ("", "localhost".to_owned(), 0),
            (".host=10.0.0.1", "10.0.0.1".into(), 0),
            (".host=::1", "::1".into(), 0),
            (".host=[::1]", "[::1]".into(), 1),
            (".host=a:8010", "a:8010".into(), 1),
            (".host=http://a/", "http://a/".into(), 1),
            (".host=10.0.0.256", "10.0.0.256".into(), 1),
        ],
        |worker| worker.host.clone(),
    );
}

#[test]
fn names_alone_are_one_tomcat() {
    check(
        [
            ("", Resolve::One, 0),
            (".resolve=one", Resolve::One, 0),
            (".resolve=x", Resolve::One, 1),
            // A worker that is mounted by itself.
            (".resolve=all", Resolve::One, 1),
        ],
        |worker| worker.resolve,
    );
}

#[test]
fn ports_and_sources() {
    check(
        [
            ("", 8009, 0),
            (".port=8010", 8010, 0),
            (".port=8k", 8192, 0),
            (".port=0", 0, 1),
            (".port=abc", 8009, 1),
            (".port=8010x", 8010, 1),
            (".port=70000", 0, 1),
            (".port=-1", 0, 1),
            (".port=99999999999", 8009, 1),
        ],
        |worker| worker.port,
    );
    check(
        [
            ("", None, 0),
            (".source=10.0.0.2", Some("10.0.0.2".to_owned()), 0),
            (".source=[::1]", Some("[::1]".to_owned()), 1),
        ],
        |worker| worker.source.clone(),
    );
    check(
        [
            ("", false, 0),
            (".prefer_ipv6=yes", true, 0),
            (".prefer_ipv6=2", false, 1),
        ],
        |worker| worker.prefer_ipv6,
    );
}

#[test]
fn unusable_addresses_are_errors_with_a_remedy() {
    for (text, remedy) in [
        (
            ".host=a:8010",
            "Write `worker.a.host=a` and `worker.a.port=8010`.",
        ),
        (
            ".host=[::1]:8010",
            "Write `worker.a.host=::1` and `worker.a.port=8010`.",
        ),
        (".host=ajp://tomcat:8009/", "Write `worker.a.host=tomcat`."),
        (".host=a b", "Write a host name or an IP address."),
        (".port=70000", "Write a number from 1 to 65535."),
    ] {
        let (_, found) = ajp(text);
        assert!(found.starts_with("w:3: error: "), "{found}");
        assert!(found.contains(remedy), "{found}");
    }
}

#[test]
fn texts_have_limits() {
    for word in ["host", "source", "route", "domain", "redirect"] {
        let (_, found) = ajp(&format!(".{word}={}", "x".repeat(63)));
        assert_eq!(found, "", "{word}");
        let (_, found) = ajp(&format!(".{word}={}", "x".repeat(64)));
        assert!(
            found.contains(&format!(
                "error: `worker.a.{word}` has 64 bytes, at most 63"
            )),
            "{found}"
        );
    }
}

#[test]
fn pools() {
    check(
        [
            ("", (None, 0), 0),
            (".connection_pool_size=200", (Some(200), 100), 0),
            (".connection_pool_size=25", (Some(25), 13), 0),
            (".connection_pool_size=1", (Some(1), 1), 1),
            (".connection_pool_size=0", (None, 0), 1),
            (".connection_pool_size=-1", (None, 0), 1),
            (".cachesize=100", (Some(100), 50), 1),
            (
                ".connection_pool_size=20\n.cachesize=100",
                (Some(20), 10),
                1,
            ),
            (
                ".connection_pool_size=-1\n.cachesize=100",
                (Some(100), 50),
                1,
            ),
            (".connection_pool_minsize=5", (None, 5), 0),
            (
                ".connection_pool_size=20\n.connection_pool_minsize=0",
                (Some(20), 0),
                0,
            ),
            (
                ".connection_pool_size=20\n.connection_pool_minsize=30",
                (Some(20), 20),
                1,
            ),
        ],
        |worker| (worker.pool.size, worker.pool.min_size),
    );
}

#[test]
fn waiting_in_pools() {
    check(
        [
            ("", Some(s(60)), 0),
            (".connection_pool_timeout=600", Some(s(600)), 0),
            (".connection_pool_timeout=0", None, 0),
            (".connection_pool_timeout=-1", None, 1),
            (".cache_timeout=30", Some(s(30)), 1),
            (
                ".connection_pool_timeout=-1\n.cache_timeout=30",
                Some(s(30)),
                1,
            ),
        ],
        |worker| worker.pool.idle_timeout,
    );
    check(
        [
            ("", ms(2000), 0),
            (".connection_acquire_timeout=500", ms(500), 0),
            (".connection_acquire_timeout=0", ms(2000), 1),
            (".connection_acquire_timeout=-1", ms(2000), 1),
            (".connection_acquire_timeout=x", ms(2000), 1),
            (".retry_interval=0", ms(2000), 1),
        ],
        |worker| worker.pool.acquire_timeout,
    );
}

#[test]
fn sockets_and_packets() {
    check(
        [
            ("", 8192, 0),
            (".max_packet_size=65536", 65536, 0),
            (".max_packet_size=64k", 65536, 0),
            (".max_packet_size=10000", 10240, 1),
            (".max_packet_size=8193", 9216, 1),
            (".max_packet_size=65535", 65536, 1),
            (".max_packet_size=1", 8192, 1),
            (".max_packet_size=100000", 65536, 1),
        ],
        |worker| worker.max_packet_size,
    );
    check(
        [
            ("", None, 0),
            (".socket_buffer=0", None, 0),
            (".socket_buffer=100", Some(8192), 1),
            (".socket_buffer=8192", Some(8192), 0),
            (".socket_buffer=16k", Some(16384), 0),
            (".socket_buffer=16k\n.max_packet_size=64k", Some(65536), 1),
        ],
        |worker| worker.socket.buffer,
    );
    check(
        [
            ("", false, 0),
            (".socket_keepalive=1", true, 0),
            (".socket_keepalive=True", true, 0),
        ],
        |worker| worker.socket.keepalive,
    );
}

#[test]
fn timeouts_have_their_units() {
    check(
        [
            ("", Some(ms(2000)), 0),
            (".socket_connect_timeout=5000", Some(ms(5000)), 0),
            (".socket_connect_timeout=5", Some(ms(5)), 1),
            (".socket_connect_timeout=0", None, 0),
            (".socket_timeout=10", Some(ms(2000)), 0),
            (".socket_timeout=1", Some(s(1)), 0),
            (".socket_timeout=0", Some(ms(2000)), 0),
            (
                ".socket_timeout=10\n.socket_connect_timeout=300",
                Some(ms(300)),
                0,
            ),
            (".socket_timeout=10\n.socket_connect_timeout=0", None, 0),
        ],
        |worker| worker.socket.connect_timeout,
    );
    check(
        [
            ("", None, 0),
            (".socket_timeout=10", Some(s(10)), 0),
            (".socket_timeout=-1", None, 1),
        ],
        |worker| worker.socket.timeout,
    );
    check(
        [
            ("", Some(s(300)), 0),
            (".reply_timeout=0", None, 0),
            (".reply_timeout=-5", None, 1),
            (".reply_timeout=20000", Some(s(20)), 0),
            (".reply_timeout=60", Some(ms(60)), 1),
            (".socket_timeout=10", None, 0),
            (".socket_timeout=0", Some(s(300)), 0),
            (".socket_timeout=10\n.reply_timeout=20000", Some(s(20)), 0),
        ],
        |worker| worker.reply_timeout,
    );
}

#[test]
fn retries_are_attempts() {
    check(
        [
            ("", (2, ms(100)), 0),
            (".retries=1", (1, ms(100)), 0),
            (".retries=0", (1, ms(100)), 1),
            (".retries=-3", (1, ms(100)), 1),
            (".retry_interval=500", (2, ms(500)), 0),
            (".retry_interval=0", (2, ms(0)), 1),
            (".retry_interval=-1", (2, ms(0)), 1),
            (
                ".retry_interval=0\n.connection_acquire_timeout=300",
                (2, ms(0)),
                0,
            ),
        ],
        |worker| (worker.retries.attempts, worker.retries.interval),
    );
}

#[test]
fn recovery_options_are_bits() {
    let bits = |bits: [u8; 5]| {
        Some(RecoveryOptions {
            unknown: 0,
            not_if_request_sent: bits[0] == 1,
            not_if_headers_sent: bits[1] == 1,
            abort_if_client_fails: bits[2] == 1,
            always_head: bits[3] == 1,
            always_get: bits[4] == 1,
        })
    };
    check(
        [
            ("", None, 0),
            (".recovery_options=x", None, 1),
            (".recovery_options=0", bits([0, 0, 0, 0, 0]), 0),
            (".recovery_options=3", bits([1, 1, 0, 0, 0]), 0),
            (".recovery_options=4", bits([0, 0, 1, 0, 0]), 0),
            (".recovery_options=27", bits([1, 1, 0, 1, 1]), 0),
            (".recovery_options=33", bits([1, 0, 0, 0, 0]), 1),
        ],
        |worker| {
            let written = worker.recovery_options;
            written.map(|options| RecoveryOptions {
                unknown: 0,
                ..options
            })
        },
    );
}

#[test]
fn failures() {
    check(
        [
            ("", vec![], 0),
            (".fail_on_status=500,-404 503", vec![500, -404, 503], 0),
            (
                ".fail_on_status=500\n.fail_on_status=503",
                vec![500, 503],
                0,
            ),
            (".fail_on_status=5xx,503", vec![503], 1),
            (".fail_on_status=abc", vec![], 1),
        ],
        |worker| worker.fail_on_status.clone(),
    );
    check(
        [
            ("", 0, 0),
            (".busy_limit=10", 10, 0),
            (".busy_limit=-1", 0, 1),
        ],
        |worker| worker.busy_limit,
    );
}

#[test]
fn secrets_are_kept_and_never_shown() {
    let (worker, found) = ajp(".secret=hu sh=");
    assert_eq!(found, "");
    assert_eq!(worker.secret.as_ref().unwrap().reveal(), "hu sh=");
    assert!(!format!("{worker:?}").contains("hu sh"));
    assert!(!serde_json::to_string(&worker).unwrap().contains("hu sh"));
    let (worker, found) = ajp(".secret=hush#no");
    assert_eq!(worker.secret.unwrap().reveal(), "hush");
    assert!(found.contains("ends before the `#`"));
}

fn ping(connect: u64, prepost: u64, min_idle: u64, interval: Option<(u64, u64)>) -> PingPolicy {
    let some = |millis: u64| (millis > 0).then(|| ms(millis));
    PingPolicy {
        connect: some(connect),
        prepost: some(prepost).map(|timeout| PrepostPing {
            timeout,
            min_idle: ms(min_idle),
        }),
        interval: interval.map(|(idle, timeout)| (s(idle), ms(timeout))),
        ..PingPolicy::default()
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one flat table")]
fn cpings() {
    let sane = ping(1000, 1000, 1000, None);
    check(
        [
            // Nothing said about connect and prepost: sane ones.
            ("", sane.clone(), 0),
            (".ping_timeout=3000", ping(3000, 3000, 1000, None), 0),
            (".ping_mode=x", sane.clone(), 1),
            (".ping_timeout=x", sane.clone(), 1),
            (
                ".connection_ping_interval=30",
                ping(1000, 1000, 1000, Some((30, 10_000))),
                0,
            ),
            // The letters.
            (
                ".ping_mode=A",
                ping(10_000, 10_000, 0, Some((100, 10_000))),
                0,
            ),
            (".ping_mode=C", ping(10_000, 0, 0, None), 0),
            (".ping_mode=P", ping(10_000, 10_000, 0, None), 0),
            (".ping_mode=I", ping(0, 0, 0, Some((100, 10_000))), 0),
            (
                ".ping_mode=cpi\n.ping_timeout=5000",
                ping(5000, 5000, 0, Some((50, 5000))),
                0,
            ),
            (
                ".ping_mode=A\n.connection_ping_interval=7",
                ping(10_000, 10_000, 0, Some((7, 10_000))),
                0,
            ),
            (
                ".ping_mode=A\n.connect_timeout=1500",
                ping(1500, 10_000, 0, Some((100, 10_000))),
                0,
            ),
            (".ping_mode=A\n.ping_timeout=0", ping(0, 0, 0, None), 0),
            // The timeouts switch them on by themselves.
            (".connect_timeout=1500", ping(1500, 0, 0, None), 0),
            (".prepost_timeout=1500", ping(1500, 1500, 0, None), 0),
            (
                ".prepost_timeout=1500\n.connect_timeout=2500",
                ping(2500, 1500, 0, None),
                0,
            ),
            (
                ".connect_timeout=0\n.prepost_timeout=0",
                ping(0, 0, 0, None),
                0,
            ),
            (".connect_timeout=5", ping(5, 0, 0, None), 1),
        ],
        |worker| PingPolicy {
            timeout: ms(0),
            connect_by_prepost: false,
            ..worker.ping.clone()
        },
    );
    check(
        [
            ("", (ms(10_000), false), 0),
            (".ping_timeout=3000", (ms(3000), false), 0),
            (".ping_timeout=0", (ms(0), false), 0),
            (".prepost_timeout=1500", (ms(10_000), true), 0),
            (
                ".connect_timeout=1500\n.prepost_timeout=1500",
                (ms(10_000), false),
                0,
            ),
        ],
        |worker| (worker.ping.timeout, worker.ping.connect_by_prepost),
    );
}
