//! `broken/`: configurations that are wrong, with all that is said about them.

use std::sync::LazyLock;

use jkworkers::{Loaded, diag::Severity};

use super::case::{self, Case};

/// All cases, loaded once: some of their files are long.
static LOADED: LazyLock<Vec<(Case, Loaded)>> = LazyLock::new(|| {
    let cases = case::all("broken").into_iter();
    let loaded = cases.map(|case| {
        let loaded = case.load();
        (case, loaded)
    });
    loaded.collect()
});

#[test]
fn every_finding_is_as_expected() {
    let outcomes = LOADED.iter().map(|(case, loaded)| {
        let has_errors = loaded.diagnostics.has_errors();
        assert_eq!(loaded.model.is_none(), has_errors, "{}", case.name());
        (case, case::findings(loaded))
    });
    case::compare(outcomes);
}

#[test]
fn there_are_many_and_each_has_a_finding() {
    assert!(LOADED.len() >= 110, "{} cases", LOADED.len());
    for (case, loaded) in &*LOADED {
        assert!(!loaded.diagnostics.is_empty(), "{}", case.name());
    }
}

/// Whoever reads a finding has to know where to look and what to do.
#[test]
fn every_error_names_its_place_and_a_remedy() {
    for (case, loaded) in &*LOADED {
        for finding in loaded.diagnostics.iter() {
            let name = case.name();
            assert!(!finding.origin.file.is_empty(), "{name}: {finding}");
            let error = finding.severity == Severity::Error;
            assert!(
                !error || finding.help.is_some(),
                "{name}: no remedy: {finding}"
            );
            let length = finding.to_string().len();
            assert!(length < 1200, "{name}: {length} bytes are too much to read");
        }
    }
}

/// In all cases, what begins with `hush` is a secret.
#[test]
fn no_finding_tells_a_secret() {
    for (case, loaded) in &*LOADED {
        let told = format!("{loaded:?}");
        assert!(
            !told.contains("hush"),
            "{}: {}",
            case.name(),
            loaded.diagnostics
        );
    }
}
