//! The names that expressions know: variables, functions and operators.

use std::sync::Arc;

use super::BadExpression;

/// A variable of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variable {
    /// `API_VERSION`
    ApiVersion,
    /// `AUTH_TYPE`
    AuthType,
    /// `CONN_REMOTE_ADDR`: the address of the other end of the connection.
    ConnectionAddr,
    /// `CONTENT_TYPE`: the answer's.
    ContentType,
    /// `DOCUMENT_ROOT`
    DocumentRoot,
    /// `REQUEST_FILENAME`, `SCRIPT_FILENAME`
    Filename,
    /// `HTTP_USER_AGENT` and its relatives: this field of the request.
    Header(&'static str),
    /// `HTTP2`: `on` or `off`.
    Http2,
    /// `HTTPS`: `on` or `off`.
    Https,
    /// `IPV6`: `on` or `off`.
    Ipv6,
    /// `IS_SUBREQ`: `true` or `false`.
    IsSubrequest,
    /// `PATH_INFO`
    PathInfo,
    /// `QUERY_STRING`
    Query,
    /// `REMOTE_ADDR`
    RemoteAddr,
    /// `REMOTE_HOST`
    RemoteHost,
    /// `REMOTE_IDENT`
    RemoteIdent,
    /// `REMOTE_PORT`
    RemotePort,
    /// `REMOTE_USER`
    RemoteUser,
    /// `REQUEST_METHOD`
    Method,
    /// `REQUEST_SCHEME`
    Scheme,
    /// `REQUEST_STATUS`
    Status,
    /// `SERVER_ADMIN`
    ServerAdmin,
    /// `SERVER_NAME`
    ServerName,
    /// `SERVER_PORT`
    ServerPort,
    /// `SERVER_PROTOCOL`
    Protocol,
    /// `SERVER_SOFTWARE`
    ServerSoftware,
    /// `THE_REQUEST`: the request line.
    TheRequest,
    /// `TIME` and `TIME_…`: this format of the time of day, for `strftime`.
    Time(&'static str),
    /// `SSL_…`: what the connection's TLS says under this name.
    Tls(Arc<str>),
    /// `REQUEST_URI`, `DOCUMENT_URI`: the path, decoded.
    Uri,
}

/// Where functions look something up by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Table {
    /// `reqenv`: variables of the request.
    Environment,
    /// `note`
    Notes,
    /// `osenv`: variables of the process.
    Process,
    /// `req`, `http`, `req_novary`: fields of the request.
    Request,
    /// `resp`: fields of the answer.
    Response,
}

/// A test of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileTest {
    /// `-d`
    Directory,
    /// `-e`
    Exists,
    /// `-x`: somebody may execute it.
    Executable,
    /// `-L`, `-h`
    Link,
    /// `-s`: a regular file with something in it.
    NotEmpty,
    /// `-f`
    Regular,
}

/// A function with one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Base64,
    /// `env`: a note, a variable of the request, or one of the process.
    Env,
    Escape,
    File,
    FileSize,
    Ldap,
    Lower,
    Md5,
    Sha1,
    /// With whether caches have to know of it.
    Table(Table, bool),
    Unbase64,
    Unescape,
    Upper,
}

impl Function {
    pub(super) fn named(name: &str) -> Result<Self, BadExpression> {
        Ok(match &*name.to_ascii_lowercase() {
            "base64" => Self::Base64,
            "env" => Self::Env,
            "escape" => Self::Escape,
            "file" => Self::File,
            "filesize" => Self::FileSize,
            "http" | "req" => Self::Table(Table::Request, true),
            "ldap" => Self::Ldap,
            "md5" => Self::Md5,
            "note" => Self::Table(Table::Notes, false),
            "osenv" => Self::Table(Table::Process, false),
            "req_novary" => Self::Table(Table::Request, false),
            "reqenv" => Self::Table(Table::Environment, false),
            "resp" => Self::Table(Table::Response, false),
            "sha1" => Self::Sha1,
            "tolower" => Self::Lower,
            "toupper" => Self::Upper,
            "unbase64" => Self::Unbase64,
            "unescape" => Self::Unescape,
            _ => return Err(unknown("Function", name)),
        })
    }
}

pub(super) fn unknown(kind: &'static str, name: &str) -> BadExpression {
    let name = name.to_owned();
    BadExpression::Unknown { kind, name }
}

fn not_here(kind: &'static str, name: &str) -> BadExpression {
    let name = name.to_owned();
    BadExpression::NotHere { kind, name }
}

impl FileTest {
    pub(super) fn named(letter: &str) -> Result<Self, BadExpression> {
        Ok(match letter {
            "L" | "h" => Self::Link,
            "d" => Self::Directory,
            "e" => Self::Exists,
            "f" => Self::Regular,
            "s" => Self::NotEmpty,
            "x" => Self::Executable,
            "A" | "F" | "U" => return Err(not_here("Unary operator", &format!("-{letter}"))),
            _ => return Err(unknown("Unary operator", &format!("-{letter}"))),
        })
    }
}

impl Variable {
    #[allow(clippy::too_many_lines, reason = "one line for each name")]
    pub(super) fn named(name: &str) -> Result<Self, BadExpression> {
        let upper = name.to_ascii_uppercase();
        Ok(match &*upper {
            "API_VERSION" => Self::ApiVersion,
            "AUTH_TYPE" => Self::AuthType,
            "CONN_REMOTE_ADDR" => Self::ConnectionAddr,
            "CONTENT_TYPE" => Self::ContentType,
            "DOCUMENT_ROOT" => Self::DocumentRoot,
            "DOCUMENT_URI" | "REQUEST_URI" => Self::Uri,
            "HTTP2" => Self::Http2,
            "HTTPS" => Self::Https,
            "HTTP_ACCEPT" => Self::Header("Accept"),
            "HTTP_COOKIE" => Self::Header("Cookie"),
            "HTTP_FORWARDED" => Self::Header("Forwarded"),
            "HTTP_HOST" => Self::Header("Host"),
            "HTTP_PROXY_CONNECTION" => Self::Header("Proxy-Connection"),
            "HTTP_REFERER" => Self::Header("Referer"),
            "HTTP_USER_AGENT" => Self::Header("User-Agent"),
            "IPV6" => Self::Ipv6,
            "IS_SUBREQ" => Self::IsSubrequest,
            "PATH_INFO" => Self::PathInfo,
            "QUERY_STRING" => Self::Query,
            "REMOTE_ADDR" => Self::RemoteAddr,
            "REMOTE_HOST" => Self::RemoteHost,
            "REMOTE_IDENT" => Self::RemoteIdent,
            "REMOTE_PORT" => Self::RemotePort,
            "REMOTE_USER" => Self::RemoteUser,
            "REQUEST_FILENAME" | "SCRIPT_FILENAME" => Self::Filename,
            "REQUEST_METHOD" => Self::Method,
            "REQUEST_SCHEME" => Self::Scheme,
            "REQUEST_STATUS" => Self::Status,
            "SERVER_ADMIN" => Self::ServerAdmin,
            "SERVER_NAME" => Self::ServerName,
            "SERVER_PORT" => Self::ServerPort,
            "SERVER_PROTOCOL" => Self::Protocol,
            "SERVER_SOFTWARE" => Self::ServerSoftware,
            "THE_REQUEST" => Self::TheRequest,
            "TIME" => Self::Time("%Y%m%d%H%M%S"),
            "TIME_DAY" => Self::Time("%d"),
            "TIME_HOUR" => Self::Time("%H"),
            "TIME_MIN" => Self::Time("%M"),
            "TIME_MON" => Self::Time("%m"),
            "TIME_SEC" => Self::Time("%S"),
            "TIME_WDAY" => Self::Time("%w"),
            "TIME_YEAR" => Self::Time("%Y"),
            "CONN_LOG_ID"
            | "CONTEXT_DOCUMENT_ROOT"
            | "CONTEXT_PREFIX"
            | "HANDLER"
            | "LAST_MODIFIED"
            | "REQUEST_LOG_ID"
            | "SCRIPT_GROUP"
            | "SCRIPT_USER" => return Err(not_here("Variable", name)),
            _ if upper.starts_with("SSL_") => Self::Tls(upper.into()),
            _ => return Err(unknown("Variable", name)),
        })
    }
}
