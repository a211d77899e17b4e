//! Whether the tests exist that `docs/threat-model.md` and `docs/cves.md` name.

use std::{collections::BTreeSet, fs, path::Path};

use crate::compatibility::{ROOT, Sources, code};

/// The rows of the tables of a page whose last column names tests: first column, and those.
fn rows(page: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(Path::new(ROOT).join("docs").join(page)).unwrap();
    let mut rows = Vec::new();
    let mut names_tests = false;
    for line in text.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", first, .., last, ""] = &*cells else {
            names_tests = false;
            continue;
        };
        if *last == "Tests" {
            names_tests = true;
        } else if names_tests && !last.starts_with("---") {
            rows.push(((*first).to_owned(), code(last)));
        }
    }
    rows
}

/// Names of tests, of cases and of targets for a fuzzer.
struct Known {
    sources: Sources,
    others: BTreeSet<String>,
}

impl Known {
    fn read() -> Self {
        let mut sources = Sources::read();
        sources.directory(&Path::new(ROOT).join("fuzz/tests"));
        let read = |path: &str| fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
        let mut others = BTreeSet::new();
        for line in read("crates/jkd/tests/edge/cases.json").lines() {
            if let Some((_, id)) = line.split_once("\"id\": \"") {
                let id = id.trim_end_matches([',', '"']);
                let (group, _) = id.split_once('-').unwrap();
                others.insert(format!("{group}-*"));
                others.insert(id.to_owned());
            }
        }
        let behaviours = read("crates/jkd/tests/hostile/behaviours.txt");
        others.extend(behaviours.lines().filter_map(behaviour));
        for target in fs::read_dir(Path::new(ROOT).join("fuzz/seeds")).unwrap() {
            let name = target.unwrap().file_name();
            others.insert(format!("fuzz/{}", name.to_string_lossy()));
        }
        Self { sources, others }
    }

    fn has(&self, test: &str) -> bool {
        self.others.contains(test) || self.sources.has(test)
    }
}

/// `H30` of the line that begins one.
fn behaviour(line: &str) -> Option<String> {
    let (id, _) = line.split_once(' ')?;
    let number = id.strip_prefix(['H', 'P'])?;
    let is_one = number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit());
    is_one.then(|| id.to_owned())
}

#[test]
fn promises_and_vulnerabilities_have_tests_that_exist() {
    let known = Known::read();
    assert!(known.has("CL-12") && known.has("H30") && known.has("fuzz/forward"));
    assert!(!known.has("CL-99") && !known.has("fuzz/nothing") && !known.has("nothing"));
    let mut wrong = Vec::new();
    for (page, least) in [("threat-model.md", 20), ("cves.md", 80)] {
        let rows = rows(page);
        assert!(rows.len() >= least, "{page} has {} rows", rows.len());
        for (name, tests) in rows {
            if tests.is_empty() {
                wrong.push(format!("{page}: {name}: no test"));
            }
            let missing = tests.iter().filter(|test| !known.has(test));
            wrong.extend(missing.map(|test| format!("{page}: {name}: there is no {test}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_invariants_have_rows_and_no_vulnerability_has_two() {
    let names: Vec<_> = rows("cves.md").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..7], ["1", "2", "3", "4", "5", "6", "7"]);
    let once: BTreeSet<_> = names.iter().collect();
    assert_eq!(once.len(), names.len());
}
