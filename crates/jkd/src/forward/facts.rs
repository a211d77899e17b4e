//! What httpd knows of every request without anybody setting a variable: its own variables, made
//! for who asks.

use std::{borrow::Cow, env, os::unix::ffi::OsStrExt as _};

use http::header;
use jkworkers::model::{Asked, Host, Signature, variables::OwnVariable};

use super::{in_url, scheme};
use crate::{access::Claims, http1::Head, peer::Peer, variables};

/// Where a request's own variables come from.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    /// The server's name as the client knows it.
    pub(crate) server_name: &'a str,
    pub(crate) server_port: u16,
    /// The path as it was mapped.
    pub(crate) path: &'a [u8],
    /// Who the client is, if it was asked.
    pub(crate) claims: &'a Claims,
    /// Which `<If>` sections hold.
    pub(crate) chosen: &'a [bool],
}

/// `PATH`, where nobody says anything: what httpd has for it.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin:/usr/ucb:/usr/bsd:/usr/local/bin";

impl<'a> Facts<'a> {
    /// The value of a variable. `None`: this request has none of this name.
    pub(crate) fn value(&self, own: &OwnVariable) -> Option<Cow<'a, [u8]>> {
        let borrowed = |text: &'a [u8]| Some(Cow::Borrowed(text));
        match own {
            OwnVariable::ContentLength => self.header(header::CONTENT_LENGTH.as_str()),
            OwnVariable::ContentType => self.header(header::CONTENT_TYPE.as_str()),
            OwnVariable::Header(name) => self.header(name),
            OwnVariable::Path => Some(path()),
            OwnVariable::RemoteAddr => borrowed(self.peer.ip_text.as_bytes()),
            OwnVariable::RemotePort => borrowed(self.peer.port_text.as_bytes()),
            OwnVariable::RequestScheme => borrowed(scheme(self.host).as_bytes()),
            OwnVariable::ContextPrefix => borrowed(b""),
            OwnVariable::ServerSignature => Some(self.signature()),
            OwnVariable::ScriptFilename => {
                let name = self.path.rsplit(|b| *b == b'/').next();
                Some(Cow::Owned(name.unwrap_or_default().to_vec()))
            }
            OwnVariable::ServerAddr => borrowed(self.peer.local_text.as_bytes()),
            OwnVariable::ServerAdmin => borrowed(self.admin().as_bytes()),
            OwnVariable::ServerName => Some(in_url(Cow::Borrowed(self.server_name))),
            OwnVariable::ServerPort => Some(Cow::Owned(self.server_port.to_string().into_bytes())),
            OwnVariable::ServerSoftware => borrowed(software(self.host).as_bytes()),
            OwnVariable::AuthType => self.claims.auth_type.as_deref().and_then(borrowed),
            OwnVariable::RemoteUser => self.claims.user.as_deref().and_then(borrowed),
            OwnVariable::RemoteHost => self.remote_host().map(str::as_bytes).and_then(borrowed),
            OwnVariable::ContextDocumentRoot | OwnVariable::DocumentRoot => {
                let root = self.host.roots.document_root.as_deref()?;
                borrowed(root.as_os_str().as_bytes())
            }
        }
    }

    /// The client's name, where it was looked up.
    pub(super) fn remote_host(&self) -> Option<&'a str> {
        let name = &self.peer.name;
        name.is_known()
            .then(|| name.by(self.host.lookups(Asked::at(self.path))))?
    }

    fn header(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        variables::header(self.head, name.as_bytes())
    }

    fn admin(&self) -> &'a str {
        let own = self.host.identity.admin.as_deref();
        own.unwrap_or("[no address given]")
    }

    /// `ServerSignature`: what stands below pages.
    fn signature(&self) -> Cow<'a, [u8]> {
        let name = escaped(&String::from_utf8_lossy(&in_url(Cow::Borrowed(
            self.server_name,
        ))));
        let asked = Asked::at(self.path).choosing(self.chosen);
        let name = match self.host.signature(asked) {
            Signature::Off => return Cow::Borrowed(b""),
            Signature::On => name,
            Signature::Email => {
                let admin = self.admin();
                let scheme = if is_url(admin) { "" } else { "mailto:" };
                format!("<a href=\"{scheme}{}\">{name}</a>", escaped(admin))
            }
        };
        let (software, port) = (software(self.host), self.server_port);
        let text = format!("<address>{software} Server at {name} Port {port}</address>\n");
        Cow::Owned(text.into_bytes())
    }
}

/// What the server calls itself: `ServerTokens`.
pub(crate) const fn software(host: &Host) -> &'static str {
    if host.identity.version {
        concat!("jkd/", env!("CARGO_PKG_VERSION"))
    } else {
        "jkd"
    }
}

/// Whether httpd takes an address for a URL, which needs no `mailto:`.
fn is_url(address: &str) -> bool {
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let scheme = address.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.chars().all(is_of_scheme))
}

/// Text as it stands in HTML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn path() -> Cow<'static, [u8]> {
    use std::os::unix::ffi::OsStringExt as _;
    let path = env::var_os("PATH").map(|path| Cow::Owned(path.into_vec()));
    path.unwrap_or(Cow::Borrowed(DEFAULT_PATH))
}
