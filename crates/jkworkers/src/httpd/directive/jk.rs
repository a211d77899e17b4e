//! Directives of mod_jk, and of jkd's own.

use super::{
    Arguments::Raw,
    Directive,
    Effect::{Accepted, Works},
    MANY, ONE, ONE_OR_TWO,
    Place::{Anywhere, Global, Server},
    row,
};
use crate::httpd::apply::{clients, jk, jk_options, logs, remote_ip, variables};

/// One row for each.
pub(super) const JK: &[Directive] = &[
    // mod_jk: files and mounts
    row("JkWorkersFile", Global, ONE, Works(jk::workers_file)),
    row("JkWorkerProperty", Global, Raw, Works(jk::worker_property)),
    row("JkMount", Anywhere, ONE_OR_TWO, Works(jk::mount)),
    row("JkUnMount", Anywhere, ONE_OR_TWO, Works(jk::unmount)),
    row("JkMountCopy", Server, ONE, Works(jk::mount_copy)),
    row("JkMountFile", Server, ONE, Works(jk::mount_file)),
    row(
        "JkMountFileReload",
        Server,
        ONE,
        Works(jk::mount_file_reload),
    ),
    row("JkdReload", Global, ONE, Works(jk::reload)),
    row("JkdRequireSecret", Global, ONE, Works(jk::require_secret)),
    row("JkOptions", Server, MANY, Works(jk_options::options)),
    row("JkAutoAlias", Server, ONE, Works(jk::auto_alias)),
    row(
        "JkStripSession",
        Server,
        ONE_OR_TWO,
        Works(jk::strip_session),
    ),
    row("JkEnvVar", Server, ONE_OR_TWO, Works(variables::env_var)),
    // jkd's own
    row(
        "JkdForwardedHeaders",
        Server,
        ONE,
        Works(remote_ip::forwarded),
    ),
    row("JkdRequestTimeout", Server, ONE, Works(jk::request_timeout)),
    row(
        "JkdMaxConnections",
        Global,
        ONE,
        Works(clients::max_connections),
    ),
    row(
        "JkdMaxConnectionsPerClient",
        Global,
        ONE,
        Works(clients::max_connections_of_client),
    ),
    row("JkdSendMinRate", Server, ONE, Works(clients::send_rate)),
    // mod_jk: logging and the process
    row("JkLogFile", Server, ONE, Works(logs::jk_log_file)),
    row("JkLogLevel", Server, ONE, Works(logs::jk_log_level)),
    row("JkLogStampFormat", Server, ONE, Works(logs::jk_stamp)),
    row("JkRequestLogFormat", Server, ONE, Works(logs::jk_requests)),
    row("JkShmFile", Global, ONE, Accepted(jk::anything)),
    row("JkShmSize", Global, ONE, Accepted(jk::integer)),
    row("JkWatchdogInterval", Global, ONE, Accepted(jk::integer)),
    // mod_jk: names of variables
    row(
        "JkAuthTypeIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkCERTCHAINPrefix",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row("JkCERTSIndicator", Server, ONE, Works(variables::indicator)),
    row(
        "JkCIPHERIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row("JkExtractSSL", Server, ONE, Works(jk::extract_tls)),
    row("JkHTTPSIndicator", Server, ONE, Works(variables::indicator)),
    row(
        "JkIgnoreCLIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkKEYSIZEIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkLocalAddrIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkLocalNameIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkLocalPortIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkRemoteAddrIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkRemoteHostIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkRemotePortIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkRemoteUserIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkRequestIdIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkSESSIONIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkSSLPROTOCOLIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
    row(
        "JkWorkerIndicator",
        Server,
        ONE,
        Works(variables::indicator),
    ),
];
