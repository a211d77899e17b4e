//! What is measured.
//!
//! Requests are counted as they end, through handles that are made once. Everything that the
//! balancers and pools count for themselves is copied when somebody asks ([`report_balancer`],
//! [`report_pool`]), so that it costs requests nothing.

pub mod names;
mod tally;

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use ajp13::PoolStats;
use jkworkers::model::Activation;
use metrics::{Counter, Histogram, Label, counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use parking_lot::Mutex;

use self::names::Metric;
pub use self::tally::Tally;
use crate::balancer::{MemberView, State, View};

/// Upper bounds of the duration histogram, seconds.
const DURATIONS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// What nobody has reported for this long belongs to members that are gone.
const GONE: Duration = Duration::from_secs(300);

static IN_FLIGHT: AtomicU64 = AtomicU64::new(0);
static CONFIG_READ_AT: AtomicU64 = AtomicU64::new(0);

/// Where the measurements are read.
pub struct Exporter {
    handle: PrometheusHandle,
    /// What was reported last.
    pub(crate) tally: Mutex<Tally>,
}

/// Begins to measure. Handles that were made before this count into the void.
///
/// # Errors
///
/// When this process has a recorder already.
pub fn install_recorder() -> Result<Exporter, BuildError> {
    let handle = builder(GONE)?.install_recorder()?;
    names::describe();
    Ok(Exporter::new(handle))
}

fn builder(gone: Duration) -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Full(names::REQUEST_DURATION.name.into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &DURATIONS)?;
    let of_members = MetricKindMask::COUNTER | MetricKindMask::GAUGE;
    Ok(builder.idle_timeout(of_members, Some(gone)))
}

impl Exporter {
    fn new(handle: PrometheusHandle) -> Self {
        Self {
            handle,
            tally: Mutex::default(),
        }
    }

    /// The `Content-Type` of [`render`](Self::render).
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// All measurements in Prometheus' text format. Report workers, balancers and pools first:
    /// what was not reported for five minutes is forgotten, because its member is gone. So this is
    /// to be called now and then also where nobody reads it.
    pub fn render(&self) -> String {
        report_process();
        self.handle.render()
    }

    /// Folds durations into the histogram. To be called every few seconds: until then each of them
    /// takes up memory.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exporter")
    }
}

/// The handles for one mounted worker's requests. Made once for each configuration; the counts of
/// a worker that stays go on.
#[derive(Debug)]
pub struct Requests {
    /// One for each member, then one for requests that no member had.
    by_member: Vec<Classes>,
    duration: Histogram,
}

/// Counters by class of status; anything unheard-of counts as the last one.
type Classes = [Counter; 5];

impl Requests {
    /// The handles for a worker with these members; for one that has none, such as a status page,
    /// an empty list.
    pub fn new<'a>(worker: &str, members: impl IntoIterator<Item = &'a str>) -> Self {
        let nobody = std::iter::once("");
        Self {
            by_member: (members.into_iter().chain(nobody))
                .map(|member| classes(worker, member))
                .collect(),
            duration: histogram!(names::REQUEST_DURATION.name, "worker" => worker.to_owned()),
        }
    }

    /// Counts a request that has ended: the member that answered, the status that the client got
    /// and the time it took.
    pub fn count(&self, member: Option<usize>, status: u16, took: Duration) {
        let nobody = self.by_member.len().saturating_sub(1);
        let classes = self.by_member.get(member.unwrap_or(nobody));
        let class = usize::from((status / 100).clamp(1, 5) - 1);
        if let Some(counter) = classes.and_then(|classes| classes.get(class)) {
            counter.increment(1);
        }
        self.duration.record(took);
    }

    /// Keeps the counters of members that have nothing to count.
    pub fn report(&self) {
        let counters = self.by_member.iter().flatten();
        counters.for_each(|counter| counter.increment(0));
    }
}

fn classes(worker: &str, member: &str) -> Classes {
    ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| {
        counter!(
            names::REQUESTS.name,
            "worker" => worker.to_owned(),
            "member" => member.to_owned(),
            "code" => class
        )
    })
}

/// A request that has begun. Dropping it ends the count.
#[derive(Debug)]
pub struct Begun(&'static AtomicU64);

impl Begun {
    /// Counts a request as in flight.
    #[allow(
        clippy::new_without_default,
        reason = "it counts, which a default should not"
    )]
    pub fn new() -> Self {
        Self::among(&IN_FLIGHT)
    }

    fn among(count: &'static AtomicU64) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Counts an attempt to read the configuration again.
pub fn count_reload(accepted: bool) {
    reloads(if accepted { "ok" } else { "refused" }).increment(1);
}

fn reloads(result: &'static str) -> Counter {
    counter!(names::RELOADS.name, "result" => result)
}

/// Notes that the configuration that runs from now on has just been read.
pub fn note_config_read() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    CONFIG_READ_AT.store(now.map_or(0, |now| now.as_secs()), Relaxed);
}

fn report_process() {
    gauge!(names::REQUESTS_IN_FLIGHT.name).set(lossy(IN_FLIGHT.load(Relaxed)));
    gauge!(names::CONFIG_TIME.name).set(lossy(CONFIG_READ_AT.load(Relaxed)));
    gauge!(names::BUILD.name, "version" => env!("CARGO_PKG_VERSION")).set(1);
    for result in ["ok", "refused"] {
        reloads(result).increment(0);
    }
}

/// Copies what a balancer counts.
pub fn report_balancer(worker: &str, view: &View, tally: &mut Tally) {
    for (member, counts) in view.config.members.iter().zip(&view.members) {
        Member {
            balancer: worker,
            member: &member.worker.name,
        }
        .report(counts, tally);
    }
    for (result, value) in [("granted", view.repeated), ("refused", view.over_budget)] {
        let labels = vec![
            Label::new("balancer", worker.to_owned()),
            Label::new("result", result),
        ];
        tally.count_on(names::BALANCER_REPEATS, labels, value);
    }
}

struct Member<'a> {
    balancer: &'a str,
    member: &'a str,
}

impl Member<'_> {
    fn report(&self, view: &MemberView, tally: &mut Tally) {
        self.report_counts(view, tally);
        self.gauge(names::MEMBER_BUSY, u64::from(view.busy));
        self.gauge(names::MEMBER_BUSY_MAX, u64::from(view.max_busy));
        self.gauge(names::MEMBER_LB_VALUE, view.load);
        for state in State::ALL {
            let is = u64::from(state == view.state);
            self.flag(names::MEMBER_STATE, "state", state.text(), is);
        }
        for activation in [
            Activation::Active,
            Activation::Disabled,
            Activation::Stopped,
        ] {
            let is = u64::from(activation == view.activation);
            self.flag(
                names::MEMBER_ACTIVATION,
                "activation",
                activation.code(),
                is,
            );
        }
    }

    fn report_counts(&self, view: &MemberView, tally: &mut Tally) {
        let totals = &view.totals;
        let (answered, failed) = view.probes;
        for (metric, label, value) in [
            (names::MEMBER_ELECTED, None, totals.elected),
            (names::MEMBER_SESSIONS, None, totals.sessions),
            (names::MEMBER_ERRORS, None, totals.errors),
            (names::MEMBER_CLIENT_ERRORS, None, totals.client_errors),
            (names::MEMBER_REPLY_TIMEOUTS, None, totals.reply_timeouts),
            (
                names::MEMBER_BYTES,
                Some(("direction", "sent")),
                totals.transferred,
            ),
            (
                names::MEMBER_BYTES,
                Some(("direction", "received")),
                totals.read,
            ),
            (names::MEMBER_PROBES, Some(("result", "answered")), answered),
            (names::MEMBER_PROBES, Some(("result", "failed")), failed),
        ] {
            let own = self.labels().map(|(key, value)| Label::new(key, value));
            let more = label.map(|(key, value)| Label::new(key, value));
            tally.count(metric, own.into_iter().chain(more).collect(), value);
        }
    }

    fn gauge(&self, metric: Metric, value: u64) {
        let labels = self.labels();
        gauge!(metric.name, &labels).set(lossy(value));
    }

    fn flag(&self, metric: Metric, label: &'static str, text: &str, value: u64) {
        let [balancer, member] = self.labels();
        let labels = [balancer, member, (label, text.to_owned())];
        gauge!(metric.name, &labels).set(lossy(value));
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        [
            ("balancer", self.balancer.to_owned()),
            ("member", self.member.to_owned()),
        ]
    }
}

/// A pool: what tells it from others, and what it counts.
type Counted<'a> = (usize, &'a PoolStats);

/// Copies what a pool counts. `endpoint` is the worker's name.
pub fn report_pool(endpoint: &str, pool: Counted<'_>, tally: &mut Tally) {
    report_connections(endpoint, pool.1);
    count_pool(endpoint, pool, tally);
}

/// The same of one that a reload has taken away. `is_back`: another one has its name.
pub fn report_retired(endpoint: &str, pool: Counted<'_>, is_back: bool, tally: &mut Tally) {
    if !is_back {
        report_connections(endpoint, pool.1);
    }
    count_pool(endpoint, pool, tally);
}

fn report_connections(endpoint: &str, stats: &PoolStats) {
    for (state, count) in [("idle", stats.idle), ("busy", stats.busy)] {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        gauge!(names::POOL_CONNECTIONS.name, "endpoint" => endpoint.to_owned(), "state" => state)
            .set(lossy(count));
    }
}

fn count_pool(endpoint: &str, (id, stats): Counted<'_>, tally: &mut Tally) {
    let own = || Label::new("endpoint", endpoint.to_owned());
    let mut count = |metric, labels, count| tally.count_of(id, metric, labels, count);
    count(names::POOL_OPENED, vec![own()], stats.opened);
    count(names::POOL_REUSED, vec![own()], stats.reused);
    let closed = &stats.closed;
    for (reason, closed) in [
        ("aborted", closed.aborted),
        ("asked", closed.asked),
        ("broken", closed.broken),
        ("drained", closed.drained),
        ("idle", closed.idle),
        ("moved", closed.moved),
        ("ping", closed.ping),
        ("stale", closed.stale),
    ] {
        let labels = vec![own(), Label::new("reason", reason)];
        count(names::POOL_CLOSED, labels, closed);
    }
}

/// Gauges are floating-point numbers; above 2^53 they lose the last digits.
#[allow(clippy::cast_precision_loss, reason = "that is what a gauge is")]
fn lossy(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
