//! The table of directives: where each may stand, what it takes, what it does.

mod files;
mod jk;
mod remote_ip;
mod tls;

use super::{
    apply::{
        Apply, Call, access, auth, clients, error_logs, headers, identity, logs, server, variables,
    },
    known,
};

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Directive {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) arguments: Arguments,
    pub(super) effect: Effect,
}

/// Where a directive may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The main server only.
    Global,
    /// The main server and virtual hosts.
    Server,
    /// Sections only: `<Location>` and its like.
    Section,
    /// All of these.
    Anywhere,
}

/// What a directive takes.
#[derive(Clone, Copy)]
pub(super) enum Arguments {
    /// So many words at least and at most.
    Words(usize, usize),
    /// The rest of the line as it stands.
    Raw,
}

/// What a directive does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// It is in effect.
    Works(Setter),
    /// It is not needed: accepted without a word.
    Accepted(Setter),
}

/// Carries a directive out.
pub(super) type Setter = fn(&mut Apply<'_>, &Call<'_>);

/// The row of a name, whatever its case.
pub(super) fn find(name: &str) -> Option<&'static Directive> {
    all().find(|d| d.name.eq_ignore_ascii_case(name))
}

/// All rows.
fn all() -> impl Iterator<Item = &'static Directive> {
    TABLE
        .iter()
        .chain(jk::JK)
        .chain(files::FILES)
        .chain(tls::TLS)
        .chain(remote_ip::REMOTE_IP)
}

/// Whether a directive has an effect here: what `<IfDirective>` asks.
pub(super) fn works(name: &str) -> bool {
    find(name).is_some() || IMMEDIATE.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Whether a section has an effect here: what `<IfSection>` asks. The brackets may be there.
pub(super) fn is_section(name: &str) -> bool {
    let name = name.trim_matches(['<', '>']);
    SECTIONS.iter().any(|s| s.eq_ignore_ascii_case(name))
}

/// Every name that may stand at the beginning of a line, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let table = all().map(|d| d.name);
    table
        .chain(IMMEDIATE.iter().copied())
        .chain(known::DIRECTIVES.iter().copied())
}

/// Each directive of the tables with what `docs/compatibility.md` says of it.
#[cfg(test)]
pub(crate) fn states() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = TABLE
        .iter()
        .chain(jk::JK)
        .chain(tls::TLS)
        .chain(remote_ip::REMOTE_IP)
        .map(|directive| {
            let state = match directive.effect {
                Works(_) => "works",
                Accepted(_) => "accepted",
            };
            (directive.name, state)
        });
    table.chain(IMMEDIATE.iter().map(|name| (*name, "works")))
}

/// The arguments of directives that are often looked up.
pub(super) fn syntax(name: &str) -> Option<&'static str> {
    Some(match name {
        "Alias" | "ScriptAlias" => "/PATH DIRECTORY",
        "AliasMatch" | "ScriptAliasMatch" => "REGEX DIRECTORY",
        "BrowserMatch" | "BrowserMatchNoCase" => "REGEX [!]NAME[=VALUE] …",
        "CustomLog" | "GlobalLog" => "FILE|\"|PROGRAM\" FORMAT|NICKNAME [env=[!]VARIABLE]",
        "ErrorDocument" => "STATUS /PATH|URL|TEXT",
        "ErrorLog" => "FILE|\"|PROGRAM\"|syslog[:FACILITY[:TAG]]",
        "TransferLog" => "FILE|\"|PROGRAM\"",
        "DocumentRoot" | "JkAutoAlias" | "ServerRoot" => "DIRECTORY",
        "JkLogLevel" => "trace|debug|info|warn|error|emerg",
        "JkMountCopy" => "On|Off|All",
        "RegisterHttpMethod" => "METHOD …",
        "JkOptions" => "[+|-]OPTION …",
        "JkWorkerProperty" => "worker.NAME.ATTRIBUTE=VALUE",
        "JkEnvVar" => "NAME [DEFAULT]",
        "JkMount" | "JkUnMount" => "/URI WORKER",
        "JkMountFile" | "JkWorkersFile" | "JkLogFile" => "FILE",
        "JkMountFileReload" | "JkdRequestTimeout" => "SECONDS",
        "JkdForwardedHeaders" => "all|none|trusted",
        "JkdReload" => "On|Off|SECONDS",
        "Listen" => "[ADDRESS:]PORT",
        "RedirectPermanent" | "RedirectTemp" => "/PATH TARGET",
        "PassEnv" | "UnsetEnv" => "NAME …",
        "ServerName" => "NAME[:PORT]",
        "SetEnv" => "NAME [VALUE]",
        "SetEnvIf" | "SetEnvIfNoCase" => "ATTRIBUTE REGEX [!]NAME[=VALUE] …",
        "SetHandler" => "jakarta-servlet",
        name if name.ends_with("Indicator") => "VARIABLE",
        _ => return None,
    })
}

/// The sections that have an effect, `RequireAny` and its like included.
pub(crate) const SECTIONS: &[&str] = &[
    "Directory",
    "DirectoryMatch",
    "Else",
    "ElseIf",
    "Files",
    "FilesMatch",
    "If",
    "IfDefine",
    "IfDirective",
    "IfFile",
    "IfModule",
    "IfSection",
    "IfVersion",
    "Limit",
    "LimitExcept",
    "Location",
    "LocationMatch",
    "Macro",
    "RequireAll",
    "RequireAny",
    "RequireNone",
    "VirtualHost",
];

/// Directives that were carried out while the file was read.
const IMMEDIATE: &[&str] = &[
    "Define",
    "Error",
    "Include",
    "IncludeOptional",
    "ServerRoot",
    "UnDefine",
    "UndefMacro",
    "Use",
];

const fn row(name: &'static str, place: Place, arguments: Arguments, effect: Effect) -> Directive {
    Directive {
        name,
        place,
        arguments,
        effect,
    }
}

const ONE: Arguments = Words(1, 1);
const ONE_OR_TWO: Arguments = Words(1, 2);
const MANY: Arguments = Words(1, usize::MAX);

use Arguments::Words;
use Effect::{Accepted, Works};
use Place::{Anywhere, Global, Section, Server};

const TABLE: &[Directive] = &[
    // httpd's own
    row("Allow", Section, MANY, Works(access::allow)),
    row(
        "AllowEncodedSlashes",
        Server,
        ONE,
        Works(server::allow_encoded_slashes),
    ),
    row(
        "AuthBasicAuthoritative",
        Section,
        ONE,
        Works(auth::authoritative),
    ),
    row("AuthBasicFake", Section, ONE_OR_TWO, Works(auth::off)),
    row("AuthBasicProvider", Section, MANY, Works(auth::provider)),
    row(
        "AuthBasicUseDigestAlgorithm",
        Section,
        ONE,
        Works(auth::off),
    ),
    row("AuthGroupFile", Section, ONE, Works(auth::group_file)),
    row("AuthMerging", Section, ONE, Works(access::auth_merging)),
    row("AuthName", Section, ONE, Works(auth::name)),
    row("AuthType", Section, ONE, Works(auth::kind)),
    row("AuthUserFile", Section, ONE, Works(auth::user_file)),
    row(
        "AuthzSendForbiddenOnFailure",
        Section,
        ONE,
        Works(auth::forbids),
    ),
    row(
        "BrowserMatch",
        Anywhere,
        Words(2, usize::MAX),
        Works(variables::browser_match),
    ),
    row(
        "BrowserMatchNoCase",
        Anywhere,
        Words(2, usize::MAX),
        Works(variables::browser_match_no_case),
    ),
    row("BufferedLogs", Server, ONE, Accepted(logs::flag)),
    row("CustomLog", Server, Words(2, 3), Works(logs::custom_log)),
    row("Deny", Section, MANY, Works(access::deny)),
    row("ErrorLog", Server, ONE, Works(error_logs::error_log)),
    row(
        "ErrorLogFormat",
        Server,
        ONE_OR_TWO,
        Works(error_logs::error_log_format),
    ),
    row("GlobalLog", Global, Words(2, 3), Works(logs::global_log)),
    row("Header", Anywhere, MANY, Works(headers::header)),
    row("HostnameLookups", Anywhere, ONE, Works(identity::lookups)),
    row("Listen", Global, Words(1, 3), Works(server::listen)),
    row("LogFormat", Server, ONE_OR_TWO, Works(logs::log_format)),
    row("LogIOTrackTTFB", Anywhere, ONE, Works(logs::first_byte)),
    row("LogLevel", Anywhere, MANY, Works(error_logs::log_level)),
    row(
        "HttpProtocolOptions",
        Server,
        MANY,
        Works(clients::protocol_options),
    ),
    row("KeepAlive", Server, ONE, Works(clients::keep_alive)),
    row(
        "KeepAliveTimeout",
        Server,
        ONE,
        Works(clients::keep_alive_timeout),
    ),
    row(
        "LimitRequestBody",
        Anywhere,
        ONE,
        Works(clients::limit_body),
    ),
    row(
        "LimitRequestFields",
        Server,
        ONE,
        Works(clients::limit_fields),
    ),
    row(
        "LimitRequestFieldSize",
        Server,
        ONE,
        Works(clients::limit_field_size),
    ),
    row("LimitRequestLine", Server, ONE, Works(clients::limit_line)),
    row("ListenBacklog", Global, ONE, Accepted(clients::backlog)),
    row(
        "MaxKeepAliveRequests",
        Server,
        ONE,
        Works(clients::max_keep_alive_requests),
    ),
    row("MergeSlashes", Server, ONE, Works(server::merge_slashes)),
    row("Order", Section, MANY, Works(access::order)),
    row("PassEnv", Anywhere, MANY, Works(variables::pass_env)),
    row("Protocols", Server, MANY, Accepted(clients::protocols)),
    row(
        "RequestReadTimeout",
        Server,
        MANY,
        Works(clients::request_read_timeout),
    ),
    row("Timeout", Server, ONE, Works(clients::timeout)),
    row("AllowMethods", Section, MANY, Works(access::allow_methods)),
    row("Require", Section, MANY, Works(access::require)),
    row("Satisfy", Section, ONE, Works(access::satisfy)),
    row("ServerAdmin", Server, ONE, Works(identity::admin)),
    row("ServerAlias", Server, MANY, Works(server::server_alias)),
    row("ServerName", Server, ONE, Works(server::server_name)),
    row(
        "RegisterHttpMethod",
        Server,
        Words(1, usize::MAX),
        Works(clients::register_method),
    ),
    row(
        "RequestHeader",
        Anywhere,
        MANY,
        Works(headers::request_header),
    ),
    row("ServerSignature", Anywhere, ONE, Works(identity::signature)),
    row("ServerTokens", Global, ONE, Works(identity::tokens)),
    row("User", Global, ONE, Works(identity::user)),
    row("Group", Global, ONE, Works(identity::group)),
    row("SetEnv", Anywhere, ONE_OR_TWO, Works(variables::set_env)),
    row(
        "SetEnvIf",
        Anywhere,
        Words(3, usize::MAX),
        Works(variables::set_env_if),
    ),
    row(
        "SetEnvIfExpr",
        Anywhere,
        Words(2, usize::MAX),
        Works(variables::set_env_if_expr),
    ),
    row(
        "SetEnvIfNoCase",
        Anywhere,
        Words(3, usize::MAX),
        Works(variables::set_env_if_no_case),
    ),
    row("SetHandler", Anywhere, ONE, Works(variables::set_handler)),
    row("TransferLog", Server, ONE, Works(logs::transfer_log)),
    row("TraceEnable", Server, ONE, Works(identity::trace)),
    row("UnsetEnv", Anywhere, MANY, Works(variables::unset_env)),
    row(
        "UseCanonicalName",
        Anywhere,
        ONE,
        Works(identity::canonical_name),
    ),
    row(
        "UseCanonicalPhysicalPort",
        Anywhere,
        ONE,
        Works(identity::physical_port),
    ),
];
