//! The sections that are decided while reading: `<IfModule>` and its relatives.

use std::path::Path;

use super::{Reader, directive, lex};
use crate::{diag::Origin, pattern::Pattern};

/// The version of httpd whose configuration language this is.
const VERSION: [u32; 3] = [2, 4, 71];

/// Modules whose function is built in, by identifier and by source file.
const PRESENT: &[&str] = &[
    "access_compat_module",
    "mod_access_compat.c",
    "alias_module",
    "mod_alias.c",
    "authz_core_module",
    "mod_authz_core.c",
    "authz_host_module",
    "mod_authz_host.c",
    "core_module",
    "core.c",
    "dir_module",
    "mod_dir.c",
    "env_module",
    "mod_env.c",
    "http_module",
    "http_core.c",
    "jk_module",
    "mod_jk.c",
    "macro_module",
    "mod_macro.c",
    "mime_module",
    "mod_mime.c",
    "rewrite_module",
    "setenvif_module",
    "mod_rewrite.c",
    "mod_setenvif.c",
    "so_module",
    "mod_so.c",
    "version_module",
    "mod_version.c",
];

/// The module that is there where the files load it: what stands in its sections opens ports.
const TLS: &[&str] = &["ssl_module", "mod_ssl.c"];

/// The same: without it nobody believes in proxies.
const PROXIES: &[&str] = &["remoteip_module", "mod_remoteip.c"];

impl Reader<'_> {
    /// Whether the content of a section is read. `None`: this is not a conditional section.
    pub(super) fn condition(&mut self, name: &str, args: &str, origin: &Origin) -> Option<bool> {
        let test: fn(&mut Self, &str, &Origin) -> bool = match &*name.to_ascii_lowercase() {
            "ifmodule" => |reader, module, _| {
                let is = |name: &&str| name.eq_ignore_ascii_case(module);
                PRESENT.iter().any(is)
                    || (TLS.iter().any(is) && reader.has_tls)
                    || (PROXIES.iter().any(is) && reader.has_proxies)
            },
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
