//! What differs between two plays, and what of it is accepted.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    accepted::{self, Difference},
    case::{Case, Configuration},
    packed,
    play::{Play, Seen},
};

/// What comparing has led to.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Complaints; empty where there are none.
    pub(crate) report: String,
    /// Names of the differences that occurred.
    pub(crate) occurred: BTreeSet<&'static str>,
}

/// Compares the plays of both servers.
pub(crate) fn compare(configuration: &Configuration, mod_jk: &Play, jkd: &Play) -> Verdict {
    let mut verdict = Verdict::default();
    let pairs = mod_jk.cases.iter().zip(&jkd.cases);
    for (case, (mod_jk, jkd)) in configuration.cases.iter().zip(pairs) {
        verdict.case(configuration, case, mod_jk, jkd);
    }
    verdict.status(configuration, mod_jk, jkd);
    if mod_jk.logs != jkd.logs {
        let columns = side_by_side(&mod_jk.logs, &jkd.logs);
        let _ = write!(verdict.report, "\n{}: logs\n{columns}", configuration.title);
    }
    verdict
}

impl Verdict {
    /// Compares the status pages, unless a difference on the wire has led to other attempts.
    fn status(&mut self, configuration: &Configuration, mod_jk: &Play, jkd: &Play) {
        let names = configuration.cases.iter().flat_map(|case| &case.differs);
        let named: BTreeSet<_> = names.map(|name| &**name).collect();
        if named.iter().any(|name| accepted::wire(name).is_some()) {
            return;
        }
        let (mut left, mut right) = (mod_jk.status.clone(), jkd.status.clone());
        if ["hop-by-hop fields of requests", "Proxy"]
            .iter()
            .any(|name| self.occurred.contains(name))
        {
            equal_where_less_is_sent(&left, &mut right);
        }
        let title = &configuration.title;
        for difference in accepted::STATUS {
            let is_named = named.contains(difference.name);
            if !difference.everywhere && !is_named {
                continue;
            }
            if (difference.explains)(&mut left, &mut right) {
                self.occurred.insert(difference.name);
            } else if is_named {
                let name = difference.name;
                let _ = writeln!(
                    self.report,
                    "\n{title}: status page\n  does not differ by {name:?}"
                );
            }
        }
        if left != right {
            let columns = side_by_side(&left, &right);
            let _ = write!(self.report, "\n{title}: status page\n{columns}");
        }
    }

    fn case(&mut self, all: &Configuration, case: &Case, mod_jk: &[Seen], jkd: &[Seen]) {
        let named = case.differs.iter().filter_map(|name| accepted::wire(name));
        let named: Vec<&Difference> = named.collect();
        let mut here = BTreeSet::new();
        for (mod_jk, jkd) in mod_jk.iter().zip(jkd) {
            let (mut left, mut right) = (mod_jk.clone(), jkd.clone());
            packed::equalise_times(&mut left, &mut right);
            for difference in accepted::everywhere().chain(named.iter().copied()) {
                if difference.explains(&mut left, &mut right) {
                    here.insert(difference.name);
                }
            }
            if left != right {
                let (title, case, what) = (&all.title, &case.title, brief(&left.what));
                let columns = side_by_side(&left.lines(), &right.lines());
                let _ = write!(self.report, "\n{title}: {case}\n  > {what}\n{columns}");
            }
        }
        for difference in named {
            if !here.contains(difference.name) {
                let (title, case, name) = (&all.title, &case.title, difference.name);
                let _ = writeln!(
                    self.report,
                    "\n{title}: {case}\n  does not differ by {name:?}"
                );
            }
        }
        self.occurred.extend(here);
    }
}

/// What is left out of requests is not transferred.
fn equal_where_less_is_sent(mod_jk: &[String], jkd: &mut [String]) {
    let count = |line: &str| {
        let (name, count) = line.split_once(".transferred=")?;
        Some((name.to_owned(), count.parse::<u64>().ok()?))
    };
    for (theirs, ours) in mod_jk.iter().zip(jkd) {
        if let (Some(theirs_is), Some(ours_is)) = (count(theirs), count(ours))
            && theirs_is.0 == ours_is.0
            && ours_is.1 < theirs_is.1
        {
            ours.clone_from(theirs);
        }
    }
}

/// Both, line by line, with what differs marked.
fn side_by_side(left: &[String], right: &[String]) -> String {
    let common = common(left, right);
    let mut text = String::new();
    let (mut a, mut b) = (0, 0);
    for &(next_a, next_b) in common.iter().chain([&(left.len(), right.len())]) {
        for line in &left[a..next_a] {
            let _ = writeln!(text, "  mod_jk | {}", brief(line));
        }
        for line in &right[b..next_b] {
            let _ = writeln!(text, "  jkd    | {}", brief(line));
        }
        if let Some(line) = left.get(next_a) {
            let _ = writeln!(text, "  both   | {}", brief(line));
        }
        (a, b) = (next_a + 1, next_b + 1);
    }
    text
}

/// So much of a line as a reader wants.
fn brief(line: &str) -> String {
    const MOST: usize = 600;
    let end = line.char_indices().nth(MOST).map(|(at, _)| at);
    end.map_or_else(|| line.to_owned(), |end| format!("{}…", &line[..end]))
}

/// Places of a longest common subsequence.
fn common(left: &[String], right: &[String]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for a in (0..left.len()).rev() {
        for b in (0..right.len()).rev() {
            lengths[a][b] = if left[a] == right[b] {
                lengths[a + 1][b + 1] + 1
            } else {
                lengths[a + 1][b].max(lengths[a][b + 1])
            };
        }
    }
    let (mut a, mut b, mut places) = (0, 0, Vec::new());
    while a < left.len() && b < right.len() {
        if left[a] == right[b] {
            places.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if lengths[a + 1][b] >= lengths[a][b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    places
}
