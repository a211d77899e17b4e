//! The sections that are decided while reading: `<IfModule>` and its relatives.

use std::path::Path;

use super::{Reader, directive, lex};
use crate::{diag::Origin, pattern::Pattern};

/// The version of httpd whose configuration language this is.
const VERSION: [u32; 3] = [2, 4, 71];

impl Reader<'_> {
    /// Whether the content of a section is read. `None`: this is not a conditional section.
    pub(super) fn condition(&mut self, name: &str, args: &str, origin: &Origin) -> Option<bool> {
        let test: fn(&mut Self, &str, &Origin) -> bool = match &*name.to_ascii_lowercase() {
            "ifmodule" => |reader, module, _| reader.loaded.has(module),
            "ifdefine" => |reader, name, _| reader.variables.is_defined(name),
            "iffile" => |reader, file, _| {
                let path = reader.resolve(file);
                reader.files.exists(&path)
            },
            "ifdirective" => |_, name, _| directive::works(name),
            "ifsection" => |_, name, _| directive::is_section(name),
            "ifversion" => return Some(self.if_version(args, origin)),
            _ => return None,
        };
        let words = lex::words(args);
        let [argument] = &*words else {
            self.diagnostics
                .error(origin, format!("<{name}> takes one argument"))
                .help(format!("Write <{name} NAME> or <{name} !NAME>."));
            return Some(false);
        };
        let (negated, argument) = match argument.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, argument.as_str()),
        };
        if name.eq_ignore_ascii_case("IfModule") && !negated && self.loaded.misses(argument) {
            let message = format!("what stands in <IfModule {argument}> is skipped");
            let help = "The files load the module, and jkd has nothing of it: see whether its \
                        lines are missed.";
            self.diagnostics.warning(origin, message).help(help);
        }
        Some(test(self, argument, origin) != negated)
    }

    fn if_version(&mut self, args: &str, origin: &Origin) -> bool {
        let words = lex::words(args);
        let (operator, version) = match &*words {
            [version] => ("=", version.as_str()),
            [operator, version] => (operator.as_str(), version.as_str()),
            _ => ("=", ""),
        };
        let compared = compare(operator, version);
        if compared.is_none() {
            let message = format!("<IfVersion {}> cannot be decided", args.trim());
            let help = "Write an operator (=, >, >=, <, <=, or one with ! before it) and \
                        major[.minor[.patch]], or ~ and a regular expression.";
            self.diagnostics.error(origin, message).help(help);
        }
        compared.unwrap_or(false)
    }

    /// A path relative to `ServerRoot`.
    pub(super) fn resolve(&self, path: &str) -> std::path::PathBuf {
        self.server_root.join(Path::new(path))
    }
}

fn compare(operator: &str, version: &str) -> Option<bool> {
    let (negated, operator) = match operator.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let holds = match (operator, version.strip_prefix('/')) {
        ("~", _) => is_like(version)?,
        ("=" | "==", Some(expression)) => is_like(expression.strip_suffix('/')?)?,
        _ => is_in_order(operator, version)?,
    };
    Some(holds != negated)
}

/// Whether a regular expression finds anything in the version.
fn is_like(expression: &str) -> Option<bool> {
    let [major, minor, patch] = VERSION;
    let pattern = Pattern::new(expression, false).ok()?;
    Some(pattern.is_match(format!("{major}.{minor}.{patch}").as_bytes()))
}

fn is_in_order(operator: &str, version: &str) -> Option<bool> {
    let mut wanted = [0; 3];
    let parts: Vec<_> = version.split('.').collect();
    if parts.len() > wanted.len() {
        return None;
    }
    for (slot, part) in wanted.iter_mut().zip(parts) {
        *slot = part.parse().ok()?;
    }
    Some(match operator {
        "=" | "==" => VERSION == wanted,
        ">" => VERSION > wanted,
        ">=" => VERSION >= wanted,
        "<" => VERSION < wanted,
        "<=" => VERSION <= wanted,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (operator, version, expected) in [
            ("=", "2.4", Some(false)),
            ("==", "2.4.71", Some(true)),
            (">", "2.4", Some(true)),
            (">=", "2.5", Some(false)),
            ("<=", "2.4", Some(false)),
            ("!<", "2.4", Some(true)),
            ("<", "2.4.72", Some(true)),
            (">", "2", Some(true)),
            (">=", "x", None),
            ("~", "^2\\.4", Some(true)),
            ("~", "/2", Some(false)),
            ("!~", "^2", Some(false)),
            ("=", "/^2/", Some(true)),
            ("==", "/^3/", Some(false)),
            ("!=", "/^3/", Some(true)),
            ("=", "/^2", None),
            ("~", "(", None),
            (">", "/^2/", None),
            ("=", "", None),
            ("=", "2.4.71.1", None),
        ] {
            assert_eq!(compare(operator, version), expected, "{operator} {version}");
        }
    }
}
