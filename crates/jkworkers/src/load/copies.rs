//! `JkMountCopy`: what virtual hosts have of the main server's rules.

use std::fmt::Write;

use proptest::prelude::*;

use super::memory::Memory;
use crate::{
    model::{Host, Model, MountSource},
    uri_map::oracle::{self, Plain},
};

const WORKERS: &str = "worker.list=v,w\nworker.v.port=1\nworker.w.port=2\n";

fn load(config: &str, files: &[(&str, &str)]) -> Model {
    let config = format!("Listen 80\nJkWorkersFile workers.properties\n{config}");
    let memory = Memory::new(&[
        ("/etc/jk.conf", &*config),
        ("/etc/workers.properties", WORKERS),
    ]);
    let with = |memory: Memory, (name, text): &(&str, &str)| memory.with(name, text.as_bytes());
    files.iter().fold(memory, with).model()
}

/// All rules of a host, in matching order.
fn rules(host: &Host) -> String {
    let rules = host.uri_map.iter().map(|rule| {
        let sign = if rule.exclusion { "!" } else { "" };
        format!("{sign}{}={}", rule.pattern, rule.worker)
    });
    rules.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(main: &str, host: &str, expected: &str) {
    let config = format!("{main}\n<VirtualHost *>\n{host}\n</VirtualHost>\n");
    let workers = format!("{WORKERS}worker.w.mount=/definition\n");
    let files = [
        ("/etc/main.map", "/main-file=w"),
        ("/etc/own.map", "/own-file=w"),
        ("/etc/workers.properties", &*workers),
    ];
    let model = load(&config, &files);
    assert_eq!(rules(&model.hosts[1]), expected);
}

const MAIN: &str = "JkMount /a v\nJkUnMount /a/x v\nJkMountFile main.map";

#[test]
fn nothing_is_copied_unasked() {
    check(MAIN, "", "");
    check(MAIN, "JkMountCopy Off", "");
    check(MAIN, "JkMount /b w", "/b=w");
    check(&format!("{MAIN}\nJkMountCopy On"), "", "");
    check(
        &format!("{MAIN}\nJkMountCopy All"),
        "JkMountCopy Off\nJkMount /b w",
        "/b=w",
    );
}

#[test]
fn without_own_rules_the_main_map_is_shared_with_the_workers_definitions() {
    let all = "!/a/x=v /definition=w /main-file=w /a=v";
    check(MAIN, "JkMountCopy On", all);
    check(&format!("JkMountCopy All\n{MAIN}"), "", all);
    check(&format!("JkMountCopy All\n{MAIN}"), "JkMountCopy On", all);
}

#[test]
fn with_own_rules_lines_and_the_file_are_copied() {
    for (own, expected) in [
        ("JkMount /b w", "!/a/x=v /main-file=w /b=w /a=v"),
        ("JkMount /a w", "!/a/x=v /main-file=w /a=w"),
        ("JkUnMount /a w", "!/a/x=v /main-file=w !/a=w /a=v"),
        ("JkUnMount /a/x w", "!/a/x=w /main-file=w /a=v"),
        ("JkMountFile own.map", "!/a/x=v /own-file=w /a=v"),
        (
            "JkMountFile own.map\nJkUnMount /a/x *",
            "!/a/x=* /own-file=w /a=v",
        ),
        ("JkMount /a|/b w", "/a/b=w !/a/x=v /main-file=w /a=w /a=v"),
    ] {
        check(MAIN, &format!("JkMountCopy On\n{own}"), expected);
    }
}

#[test]
fn a_line_that_is_replaced_is_replaced_in_all_that_it_stands_for() {
    let main = "JkMount /a|/* v\nJkMount /a/b v";
    check(
        main,
        "JkMountCopy On\nJkMount /a|/* w",
        "/a/*=w /a/b=v /a=w",
    );
}

/// Of two equal lines, one in the host and one copied, the host's wins.
#[test]
fn own_lines_come_first() {
    let main = "JkMount /a* v\nJkMount /?a v";
    let own = "JkMountCopy On\nJkMount /*a w";
    check(main, own, "/*a=w /a*=v /?a=v");
    let model = load(
        &format!("{main}\n<VirtualHost *>\n{own}\n</VirtualHost>"),
        &[],
    );
    let worker = |uri: &[u8]| &*model.hosts[1].uri_map.find(uri).unwrap().worker;
    assert_eq!((worker(b"/aa"), worker(b"/ab")), ("w", "v"));
}

#[test]
fn hosts_without_own_rules_share_one_map() {
    let hosts = "<VirtualHost *>\nJkMountCopy On\n</VirtualHost>\n".repeat(2);
    let model = load(&format!("{MAIN}\n{hosts}"), &[("/etc/main.map", "/m=w")]);
    let first = |n: usize| {
        let rule = model.hosts[n].uri_map.iter().next();
        rule.map(std::ptr::from_ref)
    };
    assert_eq!(first(0), first(1));
    assert_eq!(first(1), first(2));
}

/// However many they are.
#[test]
fn hosts_that_replace_the_same_exclusions_share_what_they_copy() {
    let host = "<VirtualHost *>\nJkMountCopy On\nJkUnMount /a/x w\nJkMount /b w\n</VirtualHost>\n";
    let model = load(
        &format!("{MAIN}\n{}", host.repeat(2)),
        &[("/etc/main.map", "/m=w")],
    );
    let copied = |n: usize| {
        let rules = model.hosts[n].uri_map.iter();
        let of_file = rules.filter(|rule| rule.source == MountSource::UriWorkerMap);
        of_file.map(std::ptr::from_ref).collect::<Vec<_>>()
    };
    assert_eq!(copied(1).len(), 1);
    assert_eq!(copied(1), copied(2));
    assert_eq!(rules(&model.hosts[2]), "!/a/x=w /m=w /b=w /a=v");
}

/// (exclusion, path, worker)
type Line = (bool, String, &'static str);

fn line() -> impl Strategy<Value = Line> {
    let path = prop_oneof!["/[ab*?]{0,2}", "/[ab*]\\|[ab*]", "/[ab]/[ab*]"];
    let worker = prop::sample::select(&["v", "w"][..]);
    (any::<bool>(), path, worker)
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec(line(), 0..6)
}

/// The lines as a server keeps them: of equal paths the last one counts, at the first one's place.
fn kept(lines: &[Line]) -> Vec<Line> {
    let mut kept: Vec<Line> = Vec::new();
    for line in lines {
        match kept
            .iter_mut()
            .find(|old| (old.0, &old.1) == (line.0, &line.1))
        {
            Some(old) => old.2 = line.2,
            None => kept.push(line.clone()),
        }
    }
    kept
}

fn config(lines: &[Line], file: Option<&str>) -> String {
    let mut text = String::new();
    for (exclusion, path, worker) in lines {
        let name = if *exclusion { "JkUnMount" } else { "JkMount" };
        writeln!(text, "{name} {path} {worker}").unwrap();
    }
    if let Some(file) = file {
        writeln!(text, "JkMountFile {file}").unwrap();
    }
    text
}

fn map_file(lines: &[Line]) -> String {
    let lines = lines.iter().map(|(exclusion, path, worker)| {
        let sign = if *exclusion { "!" } else { "" };
        format!("{sign}{path}={worker}\n")
    });
    lines.collect()
}

fn plain(lines: &[Line], source: MountSource) -> Vec<Plain> {
    let rules = kept(lines);
    let rules = rules.iter().flat_map(|(exclusion, path, worker)| {
        let sign = if *exclusion { "!" } else { "" };
        Plain::read(&format!("{sign}{path}"), worker, source)
    });
    rules.collect()
}

proptest! {
    #[test]
    fn a_copy_answers_like_one_that_tries_everything(
        main in lines(),
        main_file in prop::option::of(lines()),
        own in lines(),
        own_file in prop::option::of(lines()),
        uris in prop::collection::vec("/[ab/]{0,3}", 12),
    ) {
        prop_assume!(!own.is_empty() || own_file.is_some());
        let text = |file: &Option<Vec<Line>>| map_file(file.as_deref().unwrap_or_default());
        let name = |file: &Option<Vec<Line>>, name| file.as_ref().map(|_| name);
        let config = format!(
            "{}<VirtualHost *>\nJkMountCopy On\n{}</VirtualHost>\n",
            config(&main, name(&main_file, "main.map")),
            config(&own, name(&own_file, "own.map")),
        );
        let files = [("/etc/main.map", &*text(&main_file)), ("/etc/own.map", &*text(&own_file))];
        let model = load(&config, &files);

        let mut lines = kept(&own);
        let is_own = |line: &&Line| own.iter().any(|own| (own.0, &own.1) == (line.0, &line.1));
        lines.extend(main.iter().filter(|line| !is_own(line)).cloned());
        let file = own_file.or(main_file).unwrap_or_default();
        let mut expected = plain(&lines, MountSource::JkMount);
        expected.extend(plain(&file, MountSource::UriWorkerMap));
        let map = &model.hosts[1].uri_map;
        prop_assert_eq!(map.iter().count(), expected.len());
        for uri in &uris {
            let found = map.find(uri.as_bytes()).map(|m| (&*m.pattern, &*m.worker));
            let slow = oracle::find(&expected, uri.as_bytes());
            prop_assert_eq!(found, slow.map(|p| (&*p.pattern, &*p.worker)), "{} of {}", uri, config);
            let explained = map.explain(uri.as_bytes()).winner;
            prop_assert_eq!(found, explained.map(|m| (&*m.pattern, &*m.worker)));
        }
    }
}
