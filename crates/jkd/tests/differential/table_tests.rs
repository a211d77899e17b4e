//! The table holds what it says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    accepted,
    table::{self, KINDS, Row, Shown},
};

#[test]
fn the_documentation_is_the_table() {
    let path = root().join("docs/differences.md");
    let page = table::page();
    if std::env::var_os("JKD_WRITE_DIFFERENCES").is_some() {
        fs::write(&path, &page).expect("the page is written");
    }
    let written = fs::read_to_string(&path).expect("the page");
    assert!(
        written == page,
        "docs/differences.md is not what the table says: change crates/jkd/tests/differential/table/, \
         and run this test with JKD_WRITE_DIFFERENCES=1"
    );
}

#[test]
fn each_row_has_a_name_and_a_kind() {
    let mut names = BTreeSet::new();
    for Row { name, kind, .. } in table::rows() {
        assert!(KINDS.contains(&&*kind), "{name}: no kind: {kind}");
        assert!(names.insert(name.clone()), "twice: {name}");
    }
}

#[test]
fn each_row_says_why() {
    for (row, text) in table::rows().iter().zip(table::lines()) {
        let why = text.trim_end_matches(['|', ' ']).rsplit('|').next();
        let why = why.unwrap_or_default().trim();
        let is_said = !["", "-", "the same", "not in effect yet"].contains(&why);
        assert!(is_said, "{}: the last column is {why:?}", row.name);
    }
}

#[test]
fn what_shows_on_the_wire_has_a_predicate_each() {
    let rows: BTreeSet<_> = table::names(&Shown::Wire).into_iter().collect();
    let predicates: BTreeSet<_> = accepted::names().map(str::to_owned).collect();
    assert_eq!(rows, predicates, "rows of the table, and predicates");
}

#[test]
fn the_tests_that_show_a_difference_exist() {
    let sources = sources();
    for row in table::rows() {
        let Shown::Test(names) = &row.shown else {
            continue;
        };
        for name in names {
            let function = format!("fn {name}(");
            let exists = sources.iter().any(|source| source.contains(&function));
            assert!(exists, "{}: there is no test {name}", row.name);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of all files of Rust.
fn sources() -> Vec<String> {
    let (mut sources, mut directories) = (
        Vec::new(),
        vec![root().join("crates"), root().join("tests")],
    );
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(fs::read_to_string(path).expect("a file of text"));
            }
        }
    }
    sources
}
