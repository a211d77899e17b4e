//! Whole configurations: httpd's syntax with everything that is written in it, and the files that
//! it names.

use jkworkers::{
    Loaded, diff,
    model::{Asked, Host, Model},
    uri_map::normalise,
};

use crate::files::Memory;

/// Appended to a file of workers, so that a secret is always there to be kept.
const SECRET: &[u8] = b"\nworker.zz.secret=hushhushhush\n";

/// Paths that are asked for.
const PATHS: [&str; 5] = [
    "/",
    "/app/x.jsp",
    "/app;a=b/../status",
    "/manager/html",
    "/a/b/c/d",
];

/// Files as [`Memory`] has them.
pub(crate) fn run(input: &[u8]) {
    let files = Memory::of(input).with("workers.properties", SECRET);
    let loaded = files.load();
    let said = loaded.diagnostics.to_string();
    assert_eq!(
        loaded.model.is_some(),
        !loaded.diagnostics.has_errors(),
        "{said}"
    );
    is_readable(&loaded, &files);
    let told = input.windows(12).any(|text| text == b"hushhushhush");
    assert!(told || !said.contains("hushhushhush"), "{said}");
    let again = files.load();
    assert_eq!(again.diagnostics, loaded.diagnostics);
    if let (Some(model), Some(again)) = (&loaded.model, &again.model) {
        let shown = serde_json::to_string(model).unwrap();
        assert!(told || !shown.contains("hushhushhush"), "{shown}");
        assert_eq!(shown, serde_json::to_string(again).unwrap());
        let changes: Vec<_> = diff::models(model, again)
            .iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(changes, [""; 0]);
        is_usable(model, &said);
    }
}

/// Each finding names a place that there is, and can be printed.
fn is_readable(loaded: &Loaded, files: &Memory) {
    for found in loaded.diagnostics.iter() {
        let control = |c: char| c.is_control() && c != '\n';
        let shown = found.to_string();
        assert!(!shown.contains(control), "{shown:?}");
        if let Some(lines) = files.lines(&found.origin.file) {
            assert!(
                usize::try_from(found.origin.line).unwrap() <= lines,
                "{shown}"
            );
        }
    }
}

/// Requests can be decided about, and what they are mapped to is there.
fn is_usable(model: &Model, said: &str) {
    assert!(!model.hosts.is_empty());
    for (number, host) in model.hosts.iter().enumerate() {
        assert_eq!(host.number, number);
        for path in PATHS {
            decide(model, host, path, said);
        }
    }
    let local = "127.0.0.1:80".parse().unwrap();
    for name in [None, Some("www.example.com"), Some(""), Some("A.B:80")] {
        let host = model.host_for(local, name);
        assert!(host.number < model.hosts.len());
    }
}

fn decide(model: &Model, host: &Host, path: &str, said: &str) {
    let Ok(path) = normalise(path.as_bytes(), host.uri_rules) else {
        return;
    };
    let mount = host.uri_map.find(&path);
    let explained = host.uri_map.explain(&path);
    let _ = serde_json::to_string(&explained).unwrap();
    if let Some(mount) = mount {
        assert!(!mount.exclusion && !mount.disabled);
        let is_there = model.worker(&mount.worker).is_some();
        assert!(
            is_there || said.contains("answered with 500"),
            "{}",
            mount.worker
        );
    }
    let asked = Asked::at(&path);
    let _ = (
        host.max_body(asked),
        host.handler_of(asked),
        host.lookups(asked),
    );
    let _ = (
        host.files_about(asked),
        host.uncertain_section(asked),
        host.rewrites(&path),
    );
    let _ = (
        host.rewriting_about(asked),
        host.sections_about(asked).count(),
    );
}
