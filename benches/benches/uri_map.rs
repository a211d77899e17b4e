//! What finding the rule of a URI costs, and loading many rules.

use std::{
    collections::HashMap,
    ffi::OsString,
    fmt::Write,
    hint::black_box,
    io,
    path::{Path, PathBuf},
};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jkworkers::{
    LoadOptions,
    files::{Files, Stamp},
    load_with,
    model::Model,
    uri_map::UriMap,
};

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];

/// Files in memory.
#[derive(Default)]
struct Memory(HashMap<PathBuf, String>);

impl Memory {
    /// A configuration with a worker `w`, and what else it says.
    fn new(config: &str) -> Self {
        let config = format!("Listen 80\nJkWorkersFile workers.properties\n{config}");
        let workers = "worker.list=w\nworker.w.port=8009\n";
        Self::default()
            .with("jk.conf", config)
            .with("workers.properties", workers.to_owned())
    }

    fn with(mut self, name: &str, text: String) -> Self {
        self.0.insert(Path::new("/etc").join(name), text);
        self
    }

    fn load(&self) -> Model {
        let options = LoadOptions {
            config: Some("/etc/jk.conf".into()),
            ..LoadOptions::default()
        };
        let loaded = load_with(&options, self);
        loaded.model.expect("the configuration is valid")
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.clone().into_bytes())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn is_directory(&self, _: &Path) -> bool {
        false
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn stamp(&self, _: &Path) -> Option<Stamp> {
        None
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }
}

/// So many rules as applications have them: the application, all in it, its pages, a folder that
/// is not mounted, and services whose names stand deeper.
fn patterns(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| {
        let app = n / 5;
        match n % 5 {
            0 => format!("/app{app}"),
            1 => format!("/app{app}/*"),
            2 => format!("/app{app}/*.jsp"),
            3 => format!("!/app{app}/static/*"),
            _ => format!("/*/service{app}/*"),
        }
    })
}

fn lines(patterns: impl Iterator<Item = String>, line: impl Fn(&str) -> String) -> String {
    patterns.fold(String::new(), |mut text, pattern| {
        writeln!(text, "{}", line(&pattern)).expect("strings grow");
        text
    })
}

fn mount_file(count: usize) -> Memory {
    let file = lines(patterns(count), |pattern| format!("{pattern}=w"));
    Memory::new("JkMountFile map\n").with("map", file)
}

/// `JkMount` and `JkUnMount`.
fn mount_lines(count: usize) -> String {
    lines(patterns(count), |pattern| match pattern.strip_prefix('!') {
        Some(path) => format!("JkUnMount {path} w"),
        None => format!("JkMount {pattern} w"),
    })
}

/// Patterns that all begin and end alike, so that little tells them apart.
fn hostile(count: usize) -> Memory {
    let patterns = (0..count).map(|n| format!("/*a{}*b{}*", n % 100, n / 100));
    let file = lines(patterns, |pattern| format!("{pattern}=w"));
    Memory::new("JkMountFile map\n").with("map", file)
}

fn map(files: &Memory) -> UriMap {
    let model = files.load();
    let host = model.hosts.first().expect("there is a main server");
    host.uri_map.clone()
}

fn find(c: &mut Criterion) {
    let mut group = c.benchmark_group("find");
    for size in SIZES {
        let map = map(&mount_file(size));
        let last = size / 5 - 1;
        for (what, uri) in [
            ("exact", format!("/app{last}")),
            ("prefix", format!("/app{last}/orders/2024/overview.html")),
            ("suffix", format!("/app{last}/orders/2024/overview.jsp")),
            ("middle", format!("/x/service{last}/orders/overview.html")),
            ("excluded", format!("/app{last}/static/css/main.css")),
            ("miss", "/nothing/that/is/mounted/index.html".to_owned()),
        ] {
            let id = BenchmarkId::new(what, size);
            group.bench_function(id, |b| b.iter(|| map.find(black_box(uri.as_bytes()))));
        }
    }
    group.finish();
}

fn find_hostile(c: &mut Criterion) {
    let mut group = c.benchmark_group("find/hostile");
    for size in [10, 10_000] {
        let map = map(&hostile(size));
        for (what, uri) in [
            ("short", "/xa9b9x".to_owned()),
            ("long", format!("/{}", "a9a8a7a6".repeat(511))),
        ] {
            let id = BenchmarkId::new(what, size);
            group.bench_function(id, |b| b.iter(|| map.find(black_box(uri.as_bytes()))));
        }
    }
    group.finish();
}

/// `worker.NAME.mount`, for so many workers that no list is too long.
fn definitions(count: usize) -> String {
    const WORKERS: usize = 100;
    (0..WORKERS).fold(String::new(), |mut text, n| {
        writeln!(text, "worker.list=w{n}\nworker.w{n}.port=8009").expect("strings grow");
        let patterns = patterns(count / WORKERS).map(|p| p.replace("app", &format!("a{n}-")));
        text + &lines(patterns, |pattern| format!("worker.w{n}.mount={pattern}"))
    })
}

fn load(c: &mut Criterion) {
    const RULES: usize = 100_000;
    let mut group = c.benchmark_group("load 100,000 rules");
    group.sample_size(10);
    let mount_copies = "<VirtualHost *>\nJkMountCopy On\n</VirtualHost>\n".repeat(200);
    let own = (0..200).fold(String::new(), |mut text, n| {
        writeln!(
            text,
            "<VirtualHost *>\nServerName h{n}\nJkMountCopy On\nJkMount /own{n}/* w\n</VirtualHost>"
        )
        .expect("strings grow");
        text
    });
    for (what, files) in [
        ("JkMountFile", mount_file(RULES)),
        ("JkMount", Memory::new(&mount_lines(RULES))),
        (
            "worker.NAME.mount",
            Memory::new("").with("workers.properties", definitions(RULES)),
        ),
        (
            "JkMountCopy for 200 hosts",
            Memory::new(&format!("{}{mount_copies}", mount_lines(RULES))),
        ),
        (
            "JkMountCopy for 200 hosts with own rules",
            Memory::new(&format!("{}{own}", mount_lines(RULES))),
        ),
    ] {
        group.bench_function(what, |b| b.iter(|| files.load()));
    }
    group.finish();
}

criterion_group!(benches, find, find_hostile, load);
criterion_main!(benches);
