//! The names of httpd's modules, as `LogLevel` uses them.

/// The short name of a module, written as such (`ssl`), as identifier (`ssl_module`) or as source
/// file (`mod_ssl.c`). `None`: httpd comes with no such module.
pub(super) fn short_name(written: &str) -> Option<&'static str> {
    let bare = written.strip_suffix("_module");
    let bare = bare.or_else(|| written.strip_suffix(".c")?.strip_prefix("mod_"));
    let name = match written {
        "core.c" => "core",
        "http_core.c" => "http",
        "event.c" => "mpm_event",
        "worker.c" => "mpm_worker",
        "prefork.c" => "mpm_prefork",
        written => bare.unwrap_or(written),
    };
    MODULES.iter().copied().find(|module| *module == name)
}

#[rustfmt::skip]
const MODULES: &[&str] = &[
    "access_compat", "actions", "alias", "allowmethods", "asis", "auth_basic", "auth_digest",
    "auth_form", "auth_openidc", "authn_anon", "authn_core", "authn_dbd", "authn_dbm",
    "authn_file", "authn_socache", "authnz_fcgi", "authnz_ldap", "authz_core", "authz_dbd",
    "authz_dbm", "authz_groupfile", "authz_host", "authz_owner", "authz_user", "autoindex",
    "brotli", "buffer", "cache", "cache_disk", "cache_socache", "cern_meta", "cgi", "cgid",
    "charset_lite", "core", "data", "dav", "dav_fs", "dav_lock", "dbd", "deflate", "dialup", "dir",
    "dumpio", "echo", "env", "evasive20", "expires", "ext_filter", "fcgid", "file_cache", "filter",
    "headers", "heartbeat", "heartmonitor", "http", "http2", "ident", "imagemap", "include",
    "info", "jk", "lbmethod_bybusyness", "lbmethod_byrequests", "lbmethod_bytraffic",
    "lbmethod_heartbeat", "ldap", "log_config", "log_debug", "log_forensic", "logio", "lua",
    "macro", "md", "mime", "mime_magic", "mpm_event", "mpm_prefork", "mpm_worker", "negotiation",
    "perl", "php", "php5", "php7", "proxy", "proxy_ajp", "proxy_balancer", "proxy_connect",
    "proxy_express", "proxy_fcgi", "proxy_fdpass", "proxy_ftp", "proxy_hcheck", "proxy_html",
    "proxy_http", "proxy_http2", "proxy_scgi", "proxy_uwsgi", "proxy_wstunnel", "qos", "ratelimit",
    "reflector", "remoteip", "reqtimeout", "request", "rewrite", "security2", "sed", "session",
    "session_cookie", "session_crypto", "session_dbd", "setenvif", "slotmem_plain",
    "slotmem_shm", "so", "socache_dbm", "socache_memcache", "socache_redis", "socache_shmcb",
    "speling", "ssl", "status", "substitute", "suexec", "systemd", "tls", "unique_id", "unixd",
    "userdir", "usertrack", "version", "vhost_alias", "watchdog", "wsgi", "xml2enc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_three_names() {
        for written in ["ssl", "ssl_module", "mod_ssl.c"] {
            assert_eq!(short_name(written), Some("ssl"));
        }
        assert_eq!(short_name("core.c"), Some("core"));
        assert_eq!(short_name("nothing"), None);
    }
}
