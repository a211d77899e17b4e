//! `corpus/`: configurations of the kind that people publish, each with the model that is made of it.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    case::{self, Case, Content},
    render::render,
};

/// What jkd cannot honour protects something: it refuses these.
const REFUSED: &[&str] = &[];

#[test]
fn every_model_is_as_expected() {
    let cases = case::all("corpus");
    assert!(cases.len() >= 32, "{} cases", cases.len());
    let outcomes = cases.iter().map(|case| {
        let loaded = case.load();
        let model = loaded.model.as_ref().map(render).unwrap_or_default();
        (case, format!("{model}{}", case::findings(&loaded)))
    });
    case::compare(outcomes);
}

#[test]
fn all_load_but_those_that_must_not() {
    for case in case::all("corpus") {
        let loaded = case.load();
        let refused = REFUSED.contains(&&*case.name());
        let found = &loaded.diagnostics;
        assert_eq!(loaded.model.is_none(), refused, "{}:\n{found}", case.name());
    }
}

#[test]
#[ignore = "needs a real Apache with mod_jk: run tests/run configurations"]
fn httpd_accepts_all_of_them() {
    let mut refused = String::new();
    for case in case::all("corpus") {
        let directory = tempfile::tempdir().unwrap();
        let file = written(&case, directory.path());
        let mut command = Command::new("apache2");
        command.args(["-t", "-f"]).arg(file);
        for option in &case.options {
            let name = option.strip_prefix("--define ").unwrap();
            command.args(["-D", name]);
        }
        let output = command.envs(case.environment.clone()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.contains("Syntax OK") {
            writeln!(refused, "{}: {said}", case.name()).unwrap();
        }
    }
    assert!(refused.is_empty(), "{refused}");
}

/// Where Debian has httpd's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Writes the files of a case below a directory, and one that loads modules and includes the first.
fn written(case: &Case, root: &Path) -> PathBuf {
    let tops: BTreeSet<_> = case
        .files
        .iter()
        .filter_map(|(name, _)| top(name))
        .collect();
    furnish(root);
    for (name, content) in &case.files {
        let path = below(root, name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if let Content::Bytes(bytes) = content {
            let text = String::from_utf8(bytes.clone()).unwrap();
            fs::write(path, moved(&text, &tops, root)).unwrap();
        }
    }
    for top in &tops {
        furnish(&below(root, top));
    }
    let first = below(root, &case.files[0].0);
    let file = root.join("test.conf");
    fs::write(
        &file,
        beginning(root) + &format!("Include \"{}\"\n", first.display()),
    )
    .unwrap();
    file
}

/// What httpd wants to find in a `ServerRoot`.
fn furnish(server_root: &Path) {
    symlink(MODULES, server_root.join("modules")).unwrap();
    fs::create_dir_all(server_root.join("logs")).unwrap();
}

fn below(root: &Path, name: &str) -> PathBuf {
    root.join(name.trim_start_matches('/'))
}

/// The first two directories of an absolute name: `/etc/httpd`.
fn top(name: &str) -> Option<String> {
    let rest = name.strip_prefix('/')?;
    let mut parts = rest.splitn(3, '/');
    Some(format!("/{}/{}", parts.next()?, parts.next()?))
}

/// The text with its absolute names below the directory, and without users and sites that are not
/// on this machine.
fn moved(text: &str, tops: &BTreeSet<String>, root: &Path) -> String {
    let mut moved = String::new();
    for line in text.lines() {
        match line.split_whitespace().next() {
            Some("User" | "Group") => {}
            Some("DocumentRoot") => writeln!(moved, "DocumentRoot \"{}\"", root.display()).unwrap(),
            _ => writeln!(moved, "{line}").unwrap(),
        }
    }
    for top in tops {
        for before in [" ", "\""] {
            let there = format!("{before}{}{top}", root.display());
            moved = moved.replace(&format!("{before}{top}"), &there);
        }
    }
    moved
}

fn beginning(root: &Path) -> String {
    let modules = [
        "mpm_event",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_groupfile",
        "authz_host",
        "authz_user",
        "auth_basic",
        "access_compat",
        "alias",
        "dir",
        "env",
        "setenvif",
        "mime",
        "reqtimeout",
        "jk",
    ];
    let loaded = modules.map(|m| format!("LoadModule {m}_module {MODULES}/mod_{m}.so\n"));
    let root = root.display();
    format!(
        "ServerRoot \"{root}\"\nServerName localhost\nDefaultRuntimeDir \"{root}\"\nMutex pthread\n{}",
        loaded.concat()
    )
}
