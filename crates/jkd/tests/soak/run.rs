//! The course of it: trouble, then none, then a look at the books, and again.

use std::{collections::BTreeMap, fs, time::Duration};

use jkd_tests::{LONG, Node, try_within};
use tokio::{runtime::Runtime, time::Instant};

use crate::{
    books::{Before, Books, Findings},
    crowd::{Crowd, Rest},
    dice::Dice,
    figures::{descriptors, on_status_page},
    front::Front,
    relay::Relay,
    trouble::{self, Done, Member},
};

/// The last one comes and goes as files are read.
const NODES: [char; 5] = ['a', 'b', 'c', 'd', 'e'];

/// Clients at the same time.
const CLIENTS: usize = 16;

/// How long there is trouble until it has to be over for a while.
const TROUBLE: Duration = Duration::from_secs(12);

/// Memory may grow by so much of a hundred, and this, from the first look at the books after the
/// warm-up to the last.
const GROWTH: (u64, u64) = (15, 12 * 1024);

/// A run.
pub(crate) struct Soak {
    seed: u64,
    lasts: Duration,
    dice: Dice,
    members: Vec<Member>,
    front: Front,
    crowd: Crowd,
    done: Done,
    findings: Findings,
    looks: Vec<Look>,
    /// Ends after everything that runs on it.
    _runtime: Runtime,
}

/// What a look at the process between two times of trouble shows.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "when it was is read where something is found")]
struct Look {
    at: Duration,
    rss_kb: u64,
    descriptors: usize,
    idle: i64,
}

impl Soak {
    pub(crate) fn new() -> Self {
        let seed = number("JKD_SOAK_SEED").unwrap_or_else(by_chance);
        let lasts = Duration::from_secs(number("JKD_SOAK_SECONDS").unwrap_or(30));
        println!("soak of {lasts:?} with JKD_SOAK_SEED={seed}");
        let mut dice = Dice::new(seed);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.handle().clone();
        let members: Vec<_> = (NODES.iter())
            .map(|&name| {
                let node = Node::new(&name.to_string());
                let relay = Relay::to(node.address, dice.fork(), &handle);
                Member::new(name, node, relay)
            })
            .collect();
        let ports: Vec<_> = members
            .iter()
            .map(|m| (m.name, m.relay.address.port()))
            .collect();
        let front = Front::over(&ports);
        let crowd = Crowd::of(front.jkd.address, &NODES, CLIENTS, &mut dice, &handle);
        Self {
            seed,
            lasts,
            dice,
            members,
            front,
            crowd,
            done: Done::new(),
            findings: Findings::default(),
            looks: Vec::new(),
            _runtime: runtime,
        }
    }

    pub(crate) fn run(mut self) {
        let begin = Instant::now();
        let mut rest = self.crowd.rest();
        self.calm(begin, &rest);
        while begin.elapsed() < self.lasts {
            drop(rest);
            let lasts = TROUBLE.min(self.lasts / 3);
            let Self {
                members,
                front,
                dice,
                done,
                ..
            } = &mut self;
            trouble::trouble(members, front, lasts, dice, done);
            trouble::soothe(members, front);
            self.recovers();
            rest = self.crowd.rest();
            self.calm(begin, &rest);
        }
        self.finish(rest);
    }

    /// Without trouble all members work again, under the load that there is.
    fn recovers(&mut self) {
        let all_ok = || {
            let metrics = self.front.metrics();
            NODES
                .iter()
                .all(|&member| metrics.is_ok(member))
                .then_some(())
        };
        let ok = try_within(LONG, all_ok).is_some();
        self.findings.check(ok, "a member does not come back");
        if !ok {
            println!("{}", self.front.status("mime=txt&cmd=list"));
        }
    }

    /// Nobody asks: nothing is left of what was. Then a round of which everything is known.
    fn calm(&mut self, begin: Instant, rest: &Rest) {
        let quiet = || {
            let metrics = self.front.metrics();
            (metrics.in_flight() == 0).then_some(metrics)
        };
        let metrics = try_within(LONG, quiet);
        self.findings
            .check(metrics.is_some(), "requests in flight that are over");
        let before = Before::now(&mut self.front, &self.members, self.crowd.count());
        self.crowd.calm(8, 40, &mut self.dice, rest);
        let quiet = || (self.front.metrics().in_flight() == 0).then_some(());
        let is_quiet = try_within(LONG, quiet).is_some();
        self.findings
            .check(is_quiet, "requests in flight that are over");
        let after = self.front.metrics();
        let seen = self.crowd.seen(0);
        let page = self.front.counts();
        before.compare((&after, &page), &self.members, &seen, &mut self.findings);
        for member in &NODES[..NODES.len() - 1] {
            let lost = after.unaccounted(*member);
            self.findings.check(
                lost == 0,
                format_args!("{lost} connections to {member} that are nowhere"),
            );
            let (shown, counted) = (on_status_page(&page, *member), after.counts(*member));
            self.findings.check(
                shown == counted,
                format_args!("{member}: on the status page {shown:?}, in the metrics {counted:?}"),
            );
        }
        let look = Look {
            at: begin.elapsed(),
            rss_kb: self.front.jkd.process().memory_kb("VmRSS"),
            descriptors: descriptors(self.front.jkd.process().pid()),
            idle: after.idle(),
        };
        println!("  after {} requests {look:?}", self.crowd.count());
        self.looks.push(look);
    }

    fn finish(mut self, rest: Rest) {
        self.crowd.stop(rest);
        self.is_flat();
        let metrics = self.front.metrics();
        let status = self.front.jkd.terminate();
        self.findings
            .check(status == 0, format_args!("jkd ended with {status}"));
        let seen = self.crowd.seen(0);
        let books = Books {
            seen: &seen,
            members: &self.members,
            metrics: &metrics,
            front: &self.front,
        };
        books.compare(&mut self.findings);
        let mut fates = BTreeMap::<_, usize>::new();
        for one in &seen {
            let status = if one.node.is_some() { 0 } else { one.status };
            *fates.entry((one.fate, status)).or_default() += 1;
        }
        println!(
            "  {} requests: {fates:?}\n  done: {:?}",
            seen.len(),
            self.done
        );
        self.has_no_panic();
        self.verdict();
    }

    /// Neither memory nor descriptors go on growing.
    fn is_flat(&mut self) {
        let warm = self.looks.len() / 4;
        let (Some(first), Some(last)) = (self.looks.get(warm.max(1)), self.looks.last()) else {
            return;
        };
        let most = first.rss_kb + first.rss_kb * GROWTH.0 / 100 + GROWTH.1;
        self.findings.check(
            last.rss_kb <= most,
            format_args!("memory grows: {first:?}, {last:?}"),
        );
        let own = |look: &Look| i64::try_from(look.descriptors).expect("a count") - look.idle;
        self.findings.check(
            own(last) <= own(first) + 4,
            format_args!("descriptors grow: {first:?}, {last:?}"),
        );
    }

    fn has_no_panic(&mut self) {
        let logs = self.front.logs("jk.log").into_iter();
        let texts = logs.map(|path| fs::read_to_string(path).unwrap_or_default());
        for text in texts.chain([self.front.jkd.log()]) {
            for line in text.lines().filter(|line| line.contains("panic")) {
                self.findings.check(false, line);
            }
        }
    }

    fn verdict(self) {
        let Findings(found) = &self.findings;
        if found.is_empty() {
            return;
        }
        let kept = std::env::temp_dir().join(format!("jkd-soak-{}", self.seed));
        let _ = fs::create_dir_all(&kept);
        for name in ["access.log", "jk.log"] {
            for path in self.front.logs(name) {
                let name = path.file_name().expect("a name");
                let _ = fs::copy(&path, kept.join(name));
            }
        }
        let first: Vec<_> = found.iter().take(20).map(String::as_str).collect();
        panic!(
            "JKD_SOAK_SEED={}: {} findings, the first ones:\n{}\nlogs in {}",
            self.seed,
            found.len(),
            first.join("\n"),
            kept.display()
        );
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn by_chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("soak") % 1_000_000_000
}
