//! What `deny.toml` wants of the crates that jkd is made of, seen without any tool but cargo: where
//! they come from, under which licences, that none is banned, and none there twice.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A package, as cargo knows it.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    licence: String,
    /// `None` for our own.
    source: Option<String>,
}

/// All packages that are built here, those of tests included. Nothing is fetched: this very test
/// could not run without them.
static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| {
    let host = run("rustc", &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = "metadata --format-version 1 --locked --offline --filter-platform";
    let mut arguments: Vec<_> = arguments.split(' ').collect();
    arguments.push(host.unwrap());
    let all: Value = serde_json::from_str(&run(&cargo, &arguments)).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let package = |value: &Value| Package {
        name: text(&value["name"]).unwrap(),
        version: text(&value["version"]).unwrap(),
        licence: text(&value["license"]).unwrap_or_default(),
        source: text(&value["source"]),
    };
    all["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
});

fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(ROOT).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The entries of a list of `deny.toml`: a line for each.
fn list(section: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("deny.toml")).unwrap();
    let (_, rest) = text.split_once(&format!("\n[{section}]\n")).unwrap();
    let rest = rest.split("\n[").next().unwrap();
    let (_, rest) = rest.split_once(&format!("\n{name} = [")).unwrap();
    let (inside, _) = rest.split_once(']').unwrap();
    let quoted = |line: &str| Some(line.split('"').nth(1)?.to_owned());
    let lines = inside
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(quoted).collect()
}

#[test]
fn all_come_from_the_registry() {
    let allowed = list("sources", "allow-registry");
    assert_eq!(allowed.len(), 1);
    assert!(PACKAGES.len() > 150);
    for package in &*PACKAGES {
        let is_own = package.name.starts_with("jk") || package.name == "ajp13";
        match &package.source {
            None => assert!(is_own, "{package:?}"),
            Some(source) => assert_eq!(*source, format!("registry+{}", allowed[0]), "{package:?}"),
        }
    }
}

/// Whether an expression of licences can be met with those that are allowed.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    // None of those that are there puts an `OR` beside an `AND` without parentheses around it, and
    // those bind no tighter than this.
    (expression.split(" AND ")).all(|part| part.split(" OR ").any(|one| is_one(one, allowed)))
}

fn is_one(licence: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|known| known == licence.trim())
}

#[test]
fn licences_are_read() {
    let allowed = ["MIT", "ISC"].map(str::to_owned);
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "Apache-2.0/MIT",
        "(MIT OR X) AND ISC",
    ] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for not in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR X) AND Y",
        "MIT-0",
    ] {
        assert!(!is_met(not, &allowed), "{not}");
    }
}

#[test]
fn all_have_licences_that_are_allowed() {
    let allowed = list("licenses", "allow");
    assert!(allowed.contains(&"MIT".to_owned()));
    for package in &*PACKAGES {
        assert!(is_met(&package.licence, &allowed), "{package:?}");
    }
}

#[test]
fn none_is_banned() {
    let banned = list("bans", "deny");
    assert!(banned.len() >= 4);
    for package in &*PACKAGES {
        assert!(!banned.contains(&package.name), "{package:?}");
    }
    // Nor for other platforms, or with other features.
    let lock = fs::read_to_string(Path::new(ROOT).join("Cargo.lock")).unwrap();
    for name in banned {
        assert!(!lock.contains(&format!("\nname = \"{name}\"\n")), "{name}");
    }
}

#[test]
fn none_is_there_twice_but_those_that_are_named() {
    let skipped = list("bans", "skip");
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in &*PACKAGES {
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
    }
    let is_skipped = |name: &str, version: &str| {
        let mut of_name = skipped.iter().filter_map(|one| one.split_once('@'));
        of_name.any(|(known, begin)| known == name && version.starts_with(&format!("{begin}.")))
    };
    for (name, versions) in &versions {
        let counted = versions.iter().filter(|version| !is_skipped(name, version));
        assert!(counted.count() <= 1, "{name}: {versions:?}");
    }
    for one in &skipped {
        let name = one.split('@').next().unwrap().to_owned();
        let count = versions.get(&name).map_or(0, BTreeSet::len);
        assert!(
            count > 1,
            "{one} is not there twice any more: deny.toml may be stricter"
        );
    }
}
