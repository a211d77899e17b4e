//! Compares what jkd has counted with what clients and members have seen.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    fs,
    time::Duration,
};

use jkd_tests::executed_twice;

use crate::{
    figures::{Counts, Metrics, on_status_page},
    front::Front,
    job::{Fate, Seen},
    ledger::{Ledger, Sums},
    trouble::Member,
};

/// What is not as it should be.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<String>);

impl Findings {
    pub(crate) fn check(&mut self, holds: bool, what: impl Display) {
        if !holds {
            let what = what.to_string();
            println!("  FOUND: {what}");
            self.0.push(what);
        }
    }
}

/// The books before a round without trouble.
pub(crate) struct Before {
    metrics: Metrics,
    /// What the status page said: metrics do not run backwards where an election is taken back.
    page: String,
    ledgers: Vec<(usize, u64, u64)>,
    seen: usize,
}

impl Before {
    pub(crate) fn now(front: &mut Front, members: &[Member], seen: usize) -> Self {
        let sizes = |member: &Member| {
            let ledger = member.relay.ledger();
            (ledger.exchanges.len(), ledger.pings, ledger.pongs)
        };
        Self {
            metrics: front.metrics(),
            page: front.counts(),
            ledgers: members.iter().map(sizes).collect(),
            seen,
        }
    }

    /// Where nothing goes wrong, everything is counted once.
    pub(crate) fn compare(
        &self,
        (after, page): (&Metrics, &str),
        members: &[Member],
        seen: &[Seen],
        findings: &mut Findings,
    ) {
        let seen = &seen[self.seen..];
        for one in seen {
            let is_right = one.fate == Fate::Whole && one.node.is_some();
            findings.check(is_right, format_args!("in a calm round: {one:?}"));
            // Nobody waits for a member for longer, as far as it has not got the request.
            let waited = one.took >= Duration::from_millis(90);
            let sticks = one.session.is_none_or(|session| one.node == Some(session));
            let sticks = sticks || waited;
            findings.check(
                sticks,
                format_args!("a session that does not stick: {one:?}"),
            );
        }
        for (member, &sizes) in members.iter().zip(&self.ledgers) {
            self.member((after, page), member, sizes, findings);
            self.requests(after, member.name, seen, findings);
        }
    }

    fn member(
        &self,
        (after, page): (&Metrics, &str),
        member: &Member,
        (from, pings, pongs): (usize, u64, u64),
        findings: &mut Findings,
    ) {
        let ledger = member.relay.ledger();
        let carried = ledger.sums(from, |_| true);
        let pings = 5 * (ledger.pings - pings);
        let pongs = 5 * (ledger.pongs - pongs);
        let name = member.name;
        let elected = |page: &str| on_status_page(page, name).elected;
        let counted = Counts {
            elected: elected(page) - elected(&self.page),
            ..difference(after.counts(name), self.metrics.counts(name))
        };
        let holds = counted.elected == signed(carried.exchanges)
            && carried.exchanges == carried.requests
            && is_within(counted.sent, carried.sent, carried.sent + pings)
            && is_within(counted.read, carried.read, carried.read + pongs)
            && (counted.errors, counted.client_errors) == (0, 0);
        findings.check(
            holds,
            format_args!("calm round, {name}: {counted:?}, the wire: {carried:?}, pings {pings}"),
        );
    }

    fn requests(&self, after: &Metrics, name: char, seen: &[Seen], findings: &mut Findings) {
        for class in 2..=5 {
            let of = |one: &&Seen| one.node == Some(name) && one.status / 100 == class;
            let count = signed_len(seen.iter().filter(of).count());
            let requests = |metrics: &Metrics| metrics.requests(&name.to_string(), class);
            let counted = requests(after) - requests(&self.metrics);
            findings.check(
                counted == count,
                format_args!("calm round, {name}: {counted} requests of {class}xx, {count} seen"),
            );
        }
    }
}

/// One line of the access log.
#[derive(Clone, Debug)]
struct Line {
    method: String,
    status: u16,
    bytes: u64,
    end: String,
    node: Option<char>,
    path: String,
}

impl Line {
    fn parse(text: &str) -> Option<(u64, Self)> {
        let mut words = text.split(' ');
        let mut next = || words.next();
        let id = next()?;
        let line = Self {
            method: next()?.to_owned(),
            status: next()?.parse().unwrap_or(0),
            bytes: next()?.parse().ok()?,
            end: next()?.to_owned(),
            node: next()?.chars().last().filter(|c| *c != '-'),
            path: next()?.to_owned(),
        };
        Some((u64::from_str_radix(id, 16).unwrap_or(0), line))
    }
}

/// The books of the whole time.
pub(crate) struct Books<'a> {
    pub(crate) seen: &'a [Seen],
    pub(crate) members: &'a [Member],
    pub(crate) metrics: &'a Metrics,
    pub(crate) front: &'a Front,
}

impl Books<'_> {
    pub(crate) fn compare(&self, findings: &mut Findings) {
        self.clients(findings);
        self.log(findings);
        self.executed(findings);
        // The last one comes and goes, and its counts with it.
        let (_, staying) = self.members.split_last().expect("members");
        for member in staying {
            self.member(member, findings);
        }
        let errors = |member: &Member| self.metrics.counts(member.name).client_errors;
        let (counted, left) = (self.members.iter().map(errors).sum::<i64>(), self.left());
        findings.check(
            counted <= signed_len(left),
            format_args!("{counted} client errors, and {left} clients have left"),
        );
    }

    /// Nobody saw another's answer, or waited without end.
    fn clients(&self, findings: &mut Findings) {
        for one in self.seen {
            let bad = matches!(
                one.fate,
                Fate::Wrong | Fate::TimedOut | Fate::Refused | Fate::Lost
            );
            findings.check(!bad, format_args!("{one:?}"));
        }
    }

    /// Each request has its line.
    fn log(&self, findings: &mut Findings) {
        let texts = self
            .front
            .logs("access.log")
            .into_iter()
            .map(|path| fs::read_to_string(path).unwrap_or_default());
        let mut lines = HashMap::<u64, Vec<Line>>::new();
        for text in texts {
            for text in text.lines() {
                let parsed = Line::parse(text);
                findings.check(parsed.is_some(), format_args!("a torn line: {text:?}"));
                if let Some((id, line)) = parsed {
                    lines.entry(id).or_default().push(line);
                }
            }
        }
        let nameless = lines.remove(&0).unwrap_or_default();
        self.nameless(&nameless, findings);
        self.per_class(lines.values().flatten(), findings);
        let broken = self.broken();
        for one in self.seen {
            let lines = lines.remove(&one.id).unwrap_or_default();
            findings.check(
                is_told(one, &lines, broken.contains(&one.id)),
                format_args!("in the access log {lines:?}, seen {one:?}"),
            );
        }
        let unknown = lines.len();
        findings.check(
            unknown == 0,
            format_args!("{unknown} requests that nobody sent: {lines:?}"),
        );
    }

    /// Requests of which an exchange did not come to its end. Their clients may have had all of the
    /// answer by then.
    fn broken(&self) -> HashSet<u64> {
        let ledgers = self.members.iter().map(|member| member.relay.ledger());
        let broken = |ledger: Ledger| ledger.exchanges.into_iter().filter(|one| !one.ended);
        ledgers.flat_map(broken).map(|one| one.id).collect()
    }

    /// Lines without a number: the status page, and heads that did not come as a whole.
    fn nameless(&self, lines: &[Line], findings: &mut Findings) {
        let looks = lines.iter().filter(|line| line.path == "/jk").count();
        let rest = lines.len() - looks;
        let early = self.count(Fate::LeftEarly);
        let expected = self.front.looks;
        findings.check(
            looks == expected && rest <= early,
            format_args!("{looks} lines of the status page for {expected} requests, {rest} others for {early} broken heads"),
        );
    }

    /// The metrics count as many requests as there are lines.
    fn per_class<'a>(&self, lines: impl Iterator<Item = &'a Line>, findings: &mut Findings) {
        let mut classes = BTreeMap::<(Option<char>, u16), i64>::new();
        let mut all = BTreeMap::<u16, i64>::new();
        for line in lines {
            *classes.entry((line.node, line.status / 100)).or_default() += 1;
            *all.entry(line.status / 100).or_default() += 1;
        }
        for class in 2..=5 {
            let code = format!("{class}xx");
            let labels = [("worker", "lb"), ("code", &*code)];
            let counted = self.metrics.sum("jkd_requests_total", &labels);
            let lines = all.get(&class).copied().unwrap_or(0);
            findings.check(
                counted == lines,
                format_args!(
                    "{counted} requests of {class}xx in the metrics, {lines} in the access log"
                ),
            );
        }
        println!("  lines by member and class: {classes:?}");
    }

    /// No POST is executed twice, and what was answered was executed.
    fn executed(&self, findings: &mut Findings) {
        let nodes: Vec<_> = self.members.iter().map(|member| &member.node).collect();
        let twice = executed_twice("POST", &nodes);
        findings.check(twice.is_empty(), format_args!("executed twice: {twice:?}"));
        let mut times = HashMap::<u64, usize>::new();
        for executed in nodes.iter().flat_map(|node| node.executed()) {
            let id = u64::from_str_radix(&executed.number, 16).unwrap_or(0);
            *times.entry(id).or_default() += 1;
        }
        for one in self.seen {
            let times = times.get(&one.id).copied().unwrap_or(0);
            let holds = match one.fate {
                Fate::Whole if one.node.is_some() => times >= 1,
                Fate::LeftEarly | Fate::Stale | Fate::Refused => times == 0,
                _ => true,
            };
            findings.check(holds, format_args!("executed {times} times: {one:?}"));
        }
    }

    fn member(&self, member: &Member, findings: &mut Findings) {
        let ledger = member.relay.ledger();
        let all = ledger.sums(0, |_| true);
        let name = member.name;
        let counted = self.metrics.counts(name);
        println!(
            "  {name}: {counted:?}\n     the wire: {all:?}, {} connections, {} CPings, {} resets, {} stray",
            ledger.connections, ledger.pings, ledger.resets, ledger.stray
        );
        let left = signed_len(self.left());
        let holds = counted.elected >= signed(all.requests)
            && counted.elected <= signed(all.exchanges) + counted.errors + left;
        findings.check(
            holds,
            format_args!("{name}: {counted:?}, the wire: {all:?}, {left} left"),
        );
        let (least, most) = self.bytes(&ledger, all);
        let holds = (least.0..=most.0).contains(&counted.sent)
            && (least.1..=most.1).contains(&counted.read);
        findings.check(
            holds,
            format_args!("{name}: {counted:?}, not within {least:?} and {most:?}"),
        );
    }

    /// What was sent and read at least and at most.
    fn bytes(&self, ledger: &Ledger, all: Sums) -> ((i64, i64), (i64, i64)) {
        let whole: HashSet<_> = (self.seen.iter())
            .filter(|one| one.fate == Fate::Whole)
            .map(|one| one.id)
            .collect();
        let sure = ledger.sums(0, |one| one.ended && whole.contains(&one.id));
        let unseen = ledger.stray + ledger.resets * 65_536;
        // Where nothing else is missing, jkd counts the end of an answer before it comes.
        let without_end = ledger.exchanges.iter().filter(|one| !one.ended).count();
        let ends = 6 * u64::try_from(without_end).expect("64 bits");
        let least = (signed(all.sent), signed(sure.read));
        let most = (
            signed(all.sent + unseen + 5 * ledger.pings),
            signed(all.read + ends + 5 * ledger.pongs),
        );
        (least, most)
    }

    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.seen.iter().filter(|one| one.fate == fate).count()
    }

    fn left(&self) -> usize {
        self.count(Fate::Left) + self.count(Fate::LeftInAnswer)
    }
}

/// Whether the lines of the access log fit what the client saw.
fn is_told(one: &Seen, lines: &[Line], broken: bool) -> bool {
    let is_same = |line: &Line| line.method == one.method && line.path == "/soak";
    if lines.len() > 1 || !lines.iter().all(is_same) {
        return false;
    }
    let line = lines.first();
    let by_node = |line: &Line| line.status == one.status && line.node == one.node;
    match one.fate {
        Fate::Whole => line.is_some_and(|line| {
            by_node(line) && line.bytes == one.bytes && (broken || line.end != "X")
        }),
        Fate::Cut => line.is_some_and(|line| by_node(line) && line.end == "X"),
        Fate::LeftInAnswer => line.is_some_and(by_node),
        Fate::Stale | Fate::LeftEarly | Fate::Refused => line.is_none(),
        _ => true,
    }
}

fn difference(after: Counts, before: Counts) -> Counts {
    Counts {
        elected: after.elected - before.elected,
        errors: after.errors - before.errors,
        client_errors: after.client_errors - before.client_errors,
        sent: after.sent - before.sent,
        read: after.read - before.read,
        busy: after.busy,
    }
}

fn is_within(value: i64, least: u64, most: u64) -> bool {
    (signed(least)..=signed(most)).contains(&value)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).expect("a count")
}

fn signed_len(value: usize) -> i64 {
    i64::try_from(value).expect("a count")
}
