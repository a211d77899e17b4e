//! Files of rules: what the map finds is the first rule in its order that matches, tried one by one.

use std::cmp::Reverse;

use jkworkers::{
    model::Mount,
    uri_map::{UriMap, clean},
};

use crate::files::Memory;

const CONFIG: &[u8] = b"Listen 80\nJkWorkersFile w\nJkMountFile u\nJkMount /jk/* b\n";
const WORKERS: &[u8] = b"worker.list=a,b,c,l\nworker.a.port=1\nworker.b.port=2\nworker.c.port=3\n\
    worker.l.type=lb\nworker.l.balance_workers=m,n\nworker.m.port=4\nworker.n.port=5\n";

/// Rules; then, behind a line that begins with `#?`, paths to look for, one a line.
pub(crate) fn run(input: &[u8]) {
    let split = input.windows(3).position(|text| text == b"\n#?");
    let (rules, paths) = input.split_at(split.unwrap_or(input.len()));
    let files = Memory::default()
        .with("jk.conf", CONFIG)
        .with("w", WORKERS)
        .with("u", rules);
    let loaded = files.load();
    let Some(model) = &loaded.model else {
        assert!(loaded.diagnostics.has_errors());
        return;
    };
    let map = &model.hosts[0].uri_map;
    is_sorted(map);
    let patterns = rules.split(|b| matches!(b, b'\n' | b'=' | b'|')).take(50);
    for path in paths.split(|b| *b == b'\n').take(50).chain(patterns) {
        let path = path.trim_ascii_start();
        if let Ok(path) = clean(&path[..path.len().min(300)]) {
            look_for(map, &path);
        }
    }
}

fn is_sorted(map: &UriMap) {
    let key = |mount: &Mount| {
        let slashes = mount.pattern.bytes().filter(|b| *b == b'/').count();
        (Reverse(slashes), Reverse(mount.pattern.len()))
    };
    assert!(map.iter().map(key).is_sorted());
}

fn look_for(map: &UriMap, path: &[u8]) {
    let applies = |mount: &&Mount| !mount.disabled && matches(mount.pattern.as_bytes(), path);
    let first = map.iter().filter(|mount| !mount.exclusion).find(applies);
    let excludes = |mount: &Mount| {
        let is_about = first.is_some_and(|first| first.worker == mount.worker);
        mount.exclusion && (is_about || &*mount.worker == "*")
    };
    let is_excluded = map.iter().filter(applies).any(excludes);
    let expected = first.filter(|_| !is_excluded);
    let found = map.find(path);
    let shown = |mount: Option<&Mount>| mount.map(|mount| format!("{mount:?}"));
    assert_eq!(shown(found), shown(expected), "{}", path.escape_ascii());
}

/// Wildcards, by the table of all prefixes of both.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for length in 0..=text.len() {
            next[length] = match wanted {
                b'*' => row[length] || length > 0 && next[length - 1],
                b'?' => length > 0 && row[length - 1],
                byte => length > 0 && row[length - 1] && text[length - 1] == *byte,
            };
        }
        row = next;
    }
    row[text.len()]
}
