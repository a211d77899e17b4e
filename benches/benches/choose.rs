//! What choosing a member costs.

use std::{hint::black_box, sync::Arc, thread, time::Duration, time::Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jkd::balancer::{Balancer, Now, RuleOverrides, Selection, SessionIds, Tried, Verdict};
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

/// Choose, count in flight, record, count out: what every request does.
fn whole(balancer: &Arc<Balancer>) {
    let sessions = find(b"");
    let selection = Selection {
        sessions: &sessions,
        rule: RuleOverrides::default(),
    };
    if let Ok(chosen) = balancer.choose(&selection, &Tried::default(), now())
        && let Ok(mut guard) = balancer.begin(chosen, now())
    {
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

/// Nanoseconds a request when all cores do nothing but choose.
#[allow(clippy::disallowed_methods, reason = "measures real time")]
fn contended(c: &mut Criterion) {
    let balancer = balancer(2);
    let threads = thread::available_parallelism().map_or(2, usize::from);
    c.bench_function("choose/whole/2/all cores", |b| {
        b.iter_custom(|requests| {
            let began = Instant::now();
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| (0..requests).for_each(|_| whole(&balancer)));
                }
            });
            began.elapsed()
        });
    });
}

criterion_group!(benches, single_thread, contended);
criterion_main!(benches);
