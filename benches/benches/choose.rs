//! What choosing a member costs.

use std::{hint::black_box, sync::Arc, thread, time::Duration, time::Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jkd::balancer::{
    Attempts, Balancer, Now, RuleOverrides, Selection, SessionIds, Tried, Verdict,
};
use jkd_benches::balancer;

const PATH: &[u8] = b"/app/page;v=1";
const COOKIES: &[u8] = b"theme=dark; JSESSIONID=8A2F0C1D9B7E46553210FEDCBA987654.node1; lang=en";

fn now() -> Now {
    Now::after_start(Duration::from_secs(1))
}

fn choose(balancer: &Balancer, sessions: &SessionIds<'_>) -> usize {
    let selection = Selection {
        sessions,
        rule: RuleOverrides::default(),
    };
    balancer
        .choose(&selection, &Tried::default(), now())
        .map_or(usize::MAX, |chosen| chosen.index)
}

fn find(cookies: &[u8]) -> SessionIds<'_> {
    SessionIds::find(PATH, [cookies], ";jsessionid", "JSESSIONID")
}

/// Choose, count in flight, record, count out, and the retry budget: what every request does.
fn whole(balancer: &Arc<Balancer>) {
    let sessions = find(b"");
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    let mut attempts = Attempts::new(Arc::clone(balancer));
    black_box(attempts.step(&selection, now()));
    if let Some(mut guard) = attempts.answered() {
        guard.record(Verdict::Ok, now());
    }
}

fn single_thread(c: &mut Criterion) {
    let mut group = c.benchmark_group("choose");
    for members in [2, 10, 500] {
        let balancer = balancer(members);
        group.bench_with_input(
            BenchmarkId::new("new", members),
            &balancer,
            |b, balancer| {
                b.iter(|| choose(balancer, black_box(&SessionIds::default())));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("sticky", members),
            &balancer,
            |b, balancer| {
                b.iter(|| choose(balancer, &find(black_box(COOKIES))));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("whole", members),
            &balancer,
            |b, balancer| {
                b.iter(|| whole(balancer));
            },
        );
    }
    group.finish();
}

/// Nanoseconds a request when two threads do nothing but choose.
fn two_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("choose/two threads");
    for members in [2, 500] {
        let balancer = balancer(members);
        group.bench_function(BenchmarkId::new("new", members), |b| {
            b.iter_custom(|requests| {
                on_two(|| {
                    for _ in 0..requests {
                        black_box(choose(&balancer, &SessionIds::default()));
                    }
                })
            });
        });
        group.bench_function(BenchmarkId::new("whole", members), |b| {
            b.iter_custom(|requests| on_two(|| (0..requests).for_each(|_| whole(&balancer))));
        });
    }
    group.finish();
}

#[allow(clippy::disallowed_methods, reason = "measures real time")]
fn on_two(work: impl Fn() + Sync) -> Duration {
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(&work);
        scope.spawn(&work);
    });
    began.elapsed()
}

criterion_group!(benches, single_thread, two_threads);
criterion_main!(benches);
