//! `$(name)` in values.

use super::is_secret;
use crate::{
    diag::Diagnostics,
    properties::{Line, shown},
};

/// Replacements that mod_jk tries in one value.
const LIMIT: usize = 21;

/// The line's value with each `$(name)` replaced by what `lookup` knows. The replacement itself is
/// not looked at again; an unknown name stays as it stands.
pub(crate) fn substitute(
    line: &Line,
    lookup: impl Fn(&str) -> Option<String>,
    found: &mut Diagnostics,
) -> String {
    let mut result = String::with_capacity(line.value.len());
    let mut rest = line.value.as_str();
    let mut tried = 0;
    while let Some((before, after)) = rest.split_once("$(") {
        let Some((name, behind)) = after.split_once(')') else {
            warn_of_open_parenthesis(line, found);
            break;
        };
        if tried == LIMIT {
            warn_of_limit(line, found);
            break;
        }
        tried += 1;
        result.push_str(before);
        if let Some(value) = lookup(name) {
            result.push_str(&value);
        } else {
            warn_of_unknown(line, name, found);
            result.extend(["$(", name, ")"]);
        }
        rest = behind;
    }
    result.push_str(rest);
    result
}

fn warn_of_unknown(line: &Line, name: &str, found: &mut Diagnostics) {
    // A secret may contain `$(` by itself, so what follows is a part of it.
    let name = if is_secret(&line.key) { "…" } else { name };
    found
        .warning(
            &line.origin,
            format!(
                "`{}` uses $({name}), which is not set: the text stays as it is",
                shown(&line.key)
            ),
        )
        .help("Set it on an earlier line or in the environment; later lines are not seen.");
}

fn warn_of_open_parenthesis(line: &Line, found: &mut Diagnostics) {
    found
        .warning(
            &line.origin,
            format!(
                "`{}` has a `$(` without its `)`: the text stays as it is",
                shown(&line.key)
            ),
        )
        .help("Close the parenthesis.");
}

fn warn_of_limit(line: &Line, found: &mut Diagnostics) {
    found
        .warning(
            &line.origin,
            format!(
                "`{}` uses more than {LIMIT} variables: the others stay as they are",
                shown(&line.key)
            ),
        )
        .help("Collect some of them in a variable of their own.");
}
