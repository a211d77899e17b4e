//! Variables that httpd makes of every request by itself, as it does for CGI programs.

use std::sync::Arc;

/// A variable that each request has without anybody setting it.
///
/// Those are the ones that are there when mod_jk reads variables. `REQUEST_METHOD`,
/// `REQUEST_URI`, `QUERY_STRING`, `SCRIPT_NAME`, `SERVER_PROTOCOL` and `GATEWAY_INTERFACE` are made
/// for CGI programs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnVariable {
    /// `AUTH_TYPE`, where the client has authenticated itself.
    AuthType,
    /// `CONTENT_LENGTH`, the header.
    ContentLength,
    /// `CONTENT_TYPE`, the header.
    ContentType,
    /// `CONTEXT_DOCUMENT_ROOT`.
    ContextDocumentRoot,
    /// `CONTEXT_PREFIX`: empty for what no alias maps.
    ContextPrefix,
    /// `DOCUMENT_ROOT`.
    DocumentRoot,
    /// `HTTP_…`: the header of this name, in lower case.
    Header(Arc<str>),
    /// `PATH`: unless something sets it, that of the server's environment.
    Path,
    /// `REMOTE_ADDR`: the client's address.
    RemoteAddr,
    /// `REMOTE_HOST`: the client's name, where names are looked up.
    RemoteHost,
    /// `REMOTE_PORT`: the client's port.
    RemotePort,
    /// `REMOTE_USER`, where the client has authenticated itself.
    RemoteUser,
    /// `REQUEST_SCHEME`.
    RequestScheme,
    /// `SCRIPT_FILENAME`: the last segment of the path.
    ScriptFilename,
    /// `SERVER_ADDR`: the address that the client connected to.
    ServerAddr,
    /// `SERVER_ADMIN`.
    ServerAdmin,
    /// `SERVER_NAME`, an IPv6 address in brackets.
    ServerName,
    /// `SERVER_PORT`.
    ServerPort,
    /// `SERVER_SIGNATURE`: empty unless it is switched on.
    ServerSignature,
    /// `SERVER_SOFTWARE`: what the field `Server` says.
    ServerSoftware,
}

impl OwnVariable {
    /// The variable of this name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        let own = OWN
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map(|(_, own)| own.clone()).or_else(|| header(name))
    }

    /// Whether a variable that something sets counts instead.
    pub const fn yields(&self) -> bool {
        matches!(self, Self::Path)
    }
}

/// `HTTP_…`. Headers with other characters than letters, digits and `-` make no variables, and
/// neither do those that hold credentials, or would be taken for the setting of a proxy.
fn header(name: &str) -> Option<OwnVariable> {
    let (start, rest) = name.split_at_checked(5)?;
    let is_one = start.eq_ignore_ascii_case("HTTP_")
        && !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let header = rest.to_ascii_lowercase().replace('_', "-");
    let kept = [
        "authorization",
        "content-length",
        "content-type",
        "proxy",
        "proxy-authorization",
    ];
    (is_one && !kept.contains(&&*header)).then(|| OwnVariable::Header(header.into()))
}

const OWN: &[(&str, OwnVariable)] = &[
    ("AUTH_TYPE", OwnVariable::AuthType),
    ("CONTENT_LENGTH", OwnVariable::ContentLength),
    ("CONTENT_TYPE", OwnVariable::ContentType),
    ("CONTEXT_DOCUMENT_ROOT", OwnVariable::ContextDocumentRoot),
    ("CONTEXT_PREFIX", OwnVariable::ContextPrefix),
    ("DOCUMENT_ROOT", OwnVariable::DocumentRoot),
    ("PATH", OwnVariable::Path),
    ("REMOTE_ADDR", OwnVariable::RemoteAddr),
    ("REMOTE_HOST", OwnVariable::RemoteHost),
    ("REMOTE_PORT", OwnVariable::RemotePort),
    ("REMOTE_USER", OwnVariable::RemoteUser),
    ("REQUEST_SCHEME", OwnVariable::RequestScheme),
    ("SCRIPT_FILENAME", OwnVariable::ScriptFilename),
    ("SERVER_ADDR", OwnVariable::ServerAddr),
    ("SERVER_ADMIN", OwnVariable::ServerAdmin),
    ("SERVER_NAME", OwnVariable::ServerName),
    ("SERVER_PORT", OwnVariable::ServerPort),
    ("SERVER_SIGNATURE", OwnVariable::ServerSignature),
    ("SERVER_SOFTWARE", OwnVariable::ServerSoftware),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_httpds() {
        let header = |name: &str| Some(OwnVariable::Header(name.into()));
        for (name, expected) in [
            ("remote_PORT", Some(OwnVariable::RemotePort)),
            ("HTTP_X_Forwarded_For", header("x-forwarded-for")),
            ("http_host", header("host")),
            ("HTTP_", None),
            ("HTTP_X-A", None),
            ("HTTP_PROXY", None),
            ("HTTP_AUTHORIZATION", None),
            ("HTTP_CONTENT_TYPE", None),
            ("REQUEST_URI", None),
            ("HTTPS", None),
            ("HTTPé", None),
        ] {
            assert_eq!(OwnVariable::named(name), expected, "{name}");
        }
    }
}
