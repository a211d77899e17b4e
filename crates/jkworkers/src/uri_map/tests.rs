//! The map against a slow one that tries everything.

use proptest::prelude::*;

use super::{oracle::Plain, *};
use crate::{
    diag::{Diagnostics, Origin},
    model::MountSource,
    mounts::Rule,
};

/// A line of a rule: pattern with prefixes, worker, source.
type Line = (String, &'static str, MountSource);

fn line() -> impl Strategy<Value = Line> {
    let prefix = prop_oneof![6 => Just(""), 2 => Just("!"), 1 => Just("-"), 1 => Just("-!")];
    let pattern = prop_oneof![
        3 => "/[ab/*?]{0,6}",
        2 => "/[ab]{0,2}(/[ab]{1,2}){0,2}/?\\*",
        2 => "/[ab]{0,2}/?\\*[ab]{0,3}",
        2 => "/[ab/]{0,3}[*?]{1,3}[ab/]{1,3}[*?]{1,3}[ab/]{0,2}",
        1 => "/[ab/*]{0,3}\\|[ab/*|]{0,3}",
    ];
    let worker = prop::sample::select(&["v", "w", "*"][..]);
    let source = prop::sample::select(
        &[
            MountSource::WorkerDefinition,
            MountSource::JkMount,
            MountSource::UriWorkerMap,
        ][..],
    );
    (prefix, pattern, worker, source).prop_map(|(prefix, pattern, worker, source)| {
        // Only an exclusion can be for all workers.
        let worker = if worker == "*" && !prefix.ends_with('!') {
            "v"
        } else {
            worker
        };
        (format!("{prefix}{pattern}"), worker, source)
    })
}

fn map(lines: &[Line]) -> UriMap {
    let mut found = Diagnostics::default();
    let mounts = lines.iter().enumerate().flat_map(|(n, line)| {
        let (pattern, worker, source) = line;
        let origin = &Origin::new("test", u32::try_from(n).unwrap());
        let rule = Rule {
            pattern,
            worker,
            source: *source,
            origin,
        };
        rule.expand(&mut found).unwrap()
    });
    UriMap::new(mounts)
}

fn plain(lines: &[Line]) -> Vec<Plain> {
    let rules = lines.iter();
    let rules = rules.flat_map(|(pattern, worker, source)| Plain::read(pattern, worker, *source));
    rules.collect()
}

/// What can be told of a rule from outside.
fn shown(pattern: &str, worker: &str, source: MountSource) -> String {
    format!("{pattern} {worker} {source:?}")
}

fn check(lines: &[Line], uris: &[String]) -> Result<(), TestCaseError> {
    let (map, plain) = (map(lines), plain(lines));
    for uri in uris.iter().map(|uri| format!("/{uri}")) {
        let found = map.find(uri.as_bytes());
        let expected = oracle::find(&plain, uri.as_bytes());
        prop_assert_eq!(
            found.map(|m| shown(&m.pattern, &m.worker, m.source)),
            expected.map(|p| shown(&p.pattern, &p.worker, p.source)),
            "{} of {:?}",
            uri,
            lines
        );
        let explained = map.explain(uri.as_bytes());
        prop_assert!(same(found, explained.winner));
        let told = explained.losers.len()
            + usize::from(explained.winner.is_some())
            + usize::from(explained.exclusion.is_some());
        let matching = map.iter().filter(|rule| rule.matches(uri.as_bytes()));
        prop_assert_eq!(told, matching.count());
    }
    Ok(())
}

fn same(one: Option<&Mount>, other: Option<&Mount>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_map_answers_like_one_that_tries_everything(
        lines in prop::collection::vec(line(), 0..25),
        uris in prop::collection::vec("[ab/]{0,8}", 20),
    ) {
        check(&lines, &uris)?;
    }

    #[test]
    fn also_where_many_rules_share_their_ends(
        lines in prop::collection::vec(("/[ab]?\\*(a|b|ab|aab|/a/)(\\*|\\?|\\*(a|b|ba)\\*)b?", prop::sample::select(&["v", "w"][..]), Just(MountSource::JkMount)), 1..40),
        uris in prop::collection::vec("[ab/]{0,12}", 20),
    ) {
        check(&lines, &uris)?;
    }
}

#[test]
fn a_rule_wins_over_an_equal_one_that_was_written_later() {
    let line = |pattern: &str, worker, source| (pattern.to_owned(), worker, source);
    let (mount, file) = (MountSource::JkMount, MountSource::UriWorkerMap);
    for (first, second, winner) in [
        (mount, mount, "v"),
        (mount, file, "w"),
        (file, mount, "v"),
        (MountSource::WorkerDefinition, mount, "w"),
    ] {
        for (pattern, other) in [
            ("/a", "/a"),
            ("/a*", "/?a"),
            ("/*a", "/a?"),
            ("/*a?a*", "/a*a?*"),
        ] {
            let lines = [line(pattern, "v", first), line(other, "w", second)];
            let map = map(&lines);
            let uri: &[u8] = if pattern == "/a" { b"/a" } else { b"/aaa" };
            let uri = if pattern.len() == 3 { &uri[..3] } else { uri };
            let found = map.find(uri).map(|m| &*m.worker);
            assert_eq!(
                found,
                Some(winner),
                "{pattern} {other} {first:?} {second:?}"
            );
        }
    }
}

/// Nothing here may take long: each URI is as hostile as the rules allow.
#[test]
fn hostile_uris_are_answered() {
    let rules: Vec<_> = ["/*/x/*/y/*", "/*x?x*y", "/*xx*xxx*y", "/*/x/x/*", "!/*x*z*"]
        .iter()
        .map(|pattern| ((*pattern).to_owned(), "w", MountSource::JkMount))
        .collect();
    let map = map(&rules);
    for unit in ["/x", "x", "xx/", "/xy"] {
        let uri = format!("/a{}", unit.repeat(4000 / unit.len()));
        let found = map.find(uri.as_bytes()).map(|m| &*m.pattern);
        let expected = match unit {
            "/x" => Some("/*/x/x/*"),
            _ => None,
        };
        assert_eq!(found, expected, "{unit}");
    }
}
