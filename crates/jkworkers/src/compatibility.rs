//! Whether `docs/compatibility.md` has a row for every name of the tables, and its tests exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use crate::{directive, httpd};

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A row of the page.
struct Row {
    chapter: String,
    name: String,
    state: String,
    tests: Vec<String>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/compatibility.md")).unwrap();
    let mut chapter = String::new();
    let mut rows = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut chapter);
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let ["", name, state, tests, ""] = &*cells
            && (name.starts_with('`') || is_free(&chapter) && code(tests) != [""; 0])
        {
            rows.push(Row {
                chapter: chapter.clone(),
                name: name.trim_matches('`').into(),
                state: (*state).into(),
                tests: code(tests),
            });
        }
    }
    rows
});

/// Whether a chapter is about what has no name and no state.
fn is_free(chapter: &str) -> bool {
    [
        "Beyond httpd and mod_jk",
        "Not taken over: refused at the start",
        "Not taken over: modules that change answers or make them",
    ]
    .contains(&chapter)
}

/// What stands between backquotes.
pub(crate) fn code(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

fn names(chapters: &[&str]) -> BTreeSet<&'static str> {
    let rows = ROWS.iter();
    let rows = rows.filter(|row| chapters.contains(&&*row.chapter));
    rows.map(|row| &*row.name).collect()
}

/// Fails with what has no row.
#[track_caller]
fn complete(chapters: &[&str], known: &BTreeSet<&str>) {
    let rows = names(chapters);
    let missing: Vec<_> = known.difference(&rows).collect();
    assert!(
        missing.is_empty(),
        "docs/compatibility.md has no row for {missing:?}: write one, with the test that proves it"
    );
}

const DIRECTIVES: &[&str] = &[
    "Directives of httpd",
    "Directives of jkd's own",
    "Directives of mod_jk",
];

#[test]
fn every_directive_has_a_row() {
    complete(DIRECTIVES, &httpd::states().map(|(name, _)| name).collect());
    complete(
        &["Sections of httpd"],
        &httpd::SECTIONS.iter().copied().collect(),
    );
}

#[test]
fn every_attribute_of_workers_has_a_row() {
    let known = directive::all().map(|directive| directive.name);
    complete(&["Attributes of workers"], &known.collect());
}

#[test]
fn every_rule_extension_has_a_row() {
    let known = crate::target::NAMES.iter().copied();
    complete(&["Rule extensions"], &known.collect());
}

#[test]
fn what_is_beyond_and_what_is_not_taken_over_has_rows() {
    let rows = |chapter| ROWS.iter().filter(|row| row.chapter == chapter).count();
    assert!(rows("Beyond httpd and mod_jk") >= 4);
    assert!(rows("Not taken over: refused at the start") >= 1);
}

#[test]
fn states_are_those_of_the_tables() {
    let states: BTreeMap<_, _> = httpd::states().collect();
    for row in ROWS.iter().filter(|row| !is_free(&row.chapter)) {
        let known = ["works", "accepted", "error", "not yet"];
        let state = known.iter().find(|known| row.state.starts_with(**known));
        let state = state.unwrap_or_else(|| panic!("{}: what is {}?", row.name, row.state));
        let expected = states
            .get(&*row.name)
            .filter(|_| DIRECTIVES.contains(&&*row.chapter));
        let expected = expected.filter(|expected| !(**expected == "works" && *state == "error"));
        assert!(
            expected.is_none_or(|expected| expected == state),
            "docs/compatibility.md: {} is now {expected:?}",
            row.name
        );
    }
}

#[test]
fn every_row_names_tests_that_exist_and_mention_it() {
    let sources = Sources::read();
    let mut wrong = Vec::new();
    for row in &*ROWS {
        if row.tests.is_empty() {
            wrong.push(format!("{} ({}): no test", row.name, row.chapter));
        }
        for test in &row.tests {
            if !sources.has(test) {
                wrong.push(format!("{} ({}): no test {test}", row.name, row.chapter));
            }
        }
        if !row.tests.is_empty()
            && !is_free(&row.chapter)
            && !row
                .tests
                .iter()
                .any(|test| sources.mentions(test, &row.name))
        {
            wrong.push(format!(
                "{} ({}): no test mentions it",
                row.name, row.chapter
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/compatibility.md:\n{}",
        wrong.join("\n")
    );
}

/// All tests, by the names that the page has for them, with the texts of their files.
pub(crate) struct Sources {
    tests: BTreeMap<String, Vec<usize>>,
    texts: Vec<String>,
}

impl Sources {
    pub(crate) fn read() -> Self {
        let mut sources = Self {
            tests: BTreeMap::new(),
            texts: Vec::new(),
        };
        for crate_name in ["ajp13", "jkd", "jkworkers"] {
            for directory in ["src", "tests"] {
                sources.directory(
                    &Path::new(ROOT)
                        .join("crates")
                        .join(crate_name)
                        .join(directory),
                );
            }
        }
        sources.directory(&Path::new(ROOT).join("tests/suites"));
        sources
    }

    pub(crate) fn directory(&mut self, path: &Path) {
        let Ok(entries) = fs::read_dir(path) else {
            return;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                self.directory(&path);
            } else {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let extension = path.extension().and_then(|e| e.to_str());
        if !matches!(extension, Some("rs" | "txt")) {
            return;
        }
        let text = fs::read_to_string(path).unwrap();
        let names = match extension {
            Some("rs") => functions(&text),
            _ => cases(path, &text),
        };
        for name in names {
            self.tests.entry(name).or_default().push(self.texts.len());
        }
        self.texts.push(text);
    }

    pub(crate) fn has(&self, test: &str) -> bool {
        self.tests.contains_key(test)
    }

    fn mentions(&self, test: &str, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let mut files = self.tests.get(test).into_iter().flatten();
        files.any(|file| self.texts[*file].to_ascii_lowercase().contains(&name))
    }
}

/// The names of the functions that are tests.
fn functions(text: &str) -> Vec<String> {
    let tests = text
        .split("#[test]")
        .chain(text.split("#[tokio::test"))
        .skip(1);
    let names = tests.filter_map(|part| {
        let (_, rest) = part.split_once("fn ")?;
        Some(rest.split('(').next()?.to_owned())
    });
    names.collect()
}

/// The name of a file of `corpus` or `broken`, or the cases in one of `differential`.
fn cases(path: &Path, text: &str) -> Vec<String> {
    let stem = path.file_stem().unwrap().to_string_lossy();
    let directory: PathBuf = path.parent().unwrap().into();
    let directory = directory.file_name().unwrap().to_string_lossy();
    let titles = text.lines().filter_map(|line| line.strip_prefix("=== "));
    let titles = titles.map(|title| format!("{stem}: {}", title.trim()));
    titles.chain([format!("{directory}/{stem}")]).collect()
}
