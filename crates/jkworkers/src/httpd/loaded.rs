//! Which modules are there, for `<IfModule>`.

use super::modules::short_name;

/// Modules whose function is built in.
#[rustfmt::skip]
const BUILT_IN: &[&str] = &[
    "access_compat", "alias", "auth_basic", "authn_core", "authn_file", "authz_core",
    "authz_groupfile", "authz_host", "authz_user", "core", "deflate", "dir", "env", "expires",
    "filter", "headers", "http", "jk", "log_config", "logio", "macro", "mime", "reqtimeout", "rewrite", "setenvif", "so", "unixd",
    "version",
];

/// Built in, too, and there only where the files load them: what stands in their sections opens
/// ports, lets proxies say who a client is, keeps somebody out, or counts on names of requests.
const ON_DEMAND: &[&str] = &["allowmethods", "remoteip", "ssl", "unique_id"];

/// Part of a program of httpd, even one whose modules are all loaded by `LoadModule`; and mod_jk,
/// in whose place jkd is.
const ALWAYS: &[&str] = &[
    "core",
    "http",
    "jk",
    "log_config",
    "logio",
    "so",
    "unixd",
    "version",
];

/// Beginnings of the names of modules about processes, sockets and memory: nobody misses them.
const NOT_MISSED: &[&str] = &[
    "mpm_", "cgi", "slotmem_", "socache_", "suexec", "systemd", "watchdog",
];

/// The modules of the `LoadModule` lines read so far.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    identifiers: Vec<String>,
}

impl Loaded {
    pub(super) fn note(&mut self, identifier: &str) {
        self.identifiers.push(identifier.to_owned());
    }

    /// Whether a module, by its identifier or its source file, is there. Where the files load the
    /// module of processes (`mpm_…`) they are the whole configuration of an httpd that loads all
    /// its modules: then those count. A `jk.conf` alone loads few or none, and all that is built
    /// in counts.
    pub(super) fn has(&self, written: &str) -> bool {
        let Some(name) = name_of(written) else {
            return false;
        };
        let loaded = self.loads(name);
        if ON_DEMAND.contains(&name) {
            return loaded;
        }
        BUILT_IN.contains(&name) && (loaded || ALWAYS.contains(&name) || !self.are_all())
    }

    /// Whether httpd has a module that jkd does not have, and that somebody may miss.
    pub(super) fn misses(&self, written: &str) -> bool {
        name_of(written).is_some_and(|name| {
            let is_missed = !NOT_MISSED.iter().any(|begin| name.starts_with(begin));
            is_missed && self.loads(name) && !self.has(written)
        })
    }

    fn loads(&self, name: &str) -> bool {
        let mut names = self.identifiers.iter().filter_map(|one| short_name(one));
        names.any(|loaded| loaded == name)
    }

    fn are_all(&self) -> bool {
        let mut identifiers = self.identifiers.iter();
        identifiers.any(|one| one.starts_with("mpm_"))
    }
}

/// The short name of a module that is written as `<IfModule>` wants it.
fn name_of(written: &str) -> Option<&'static str> {
    let is_long = written.ends_with("_module") || written.strip_suffix(".c").is_some();
    short_name(written).filter(|_| is_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(identifiers: &[&str]) -> Loaded {
        let identifiers = identifiers.iter().map(ToString::to_string).collect();
        Loaded { identifiers }
    }

    #[test]
    fn a_file_alone_has_all_that_is_built_in() {
        let alone = loaded(&["jk_module"]);
        for module in ["mod_headers.c", "auth_basic_module", "mod_jk.c", "core.c"] {
            assert!(alone.has(module), "{module}");
        }
        for module in [
            "ssl_module",
            "mod_allowmethods.c",
            "mod_unique_id.c",
            "mod_remoteip.c",
            "mod_dav.c",
            "headers",
            "no.c",
        ] {
            assert!(!alone.has(module), "{module}");
        }
    }

    #[test]
    fn a_whole_configuration_has_what_it_loads() {
        let whole = loaded(&["mpm_event_module", "headers_module", "ssl_module"]);
        for module in [
            "mod_headers.c",
            "mod_ssl.c",
            "log_config_module",
            "mod_jk.c",
        ] {
            assert!(whole.has(module), "{module}");
        }
        assert!(!whole.has("mod_rewrite.c"));
        assert!(loaded(&["allowmethods_module"]).has("mod_allowmethods.c"));
    }

    #[test]
    fn what_httpd_has_besides_is_missed() {
        let whole = loaded(&["mpm_event_module", "brotli_module", "alias_module"]);
        assert!(whole.misses("mod_brotli.c"));
        for module in ["mod_alias.c", "mpm_event_module", "event.c", "mod_dav.c"] {
            assert!(!whole.misses(module), "{module}");
        }
    }
}
