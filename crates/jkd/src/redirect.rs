//! `Redirect` and `DirectorySlash`: the client is sent elsewhere, or told that there is nothing.

use http::{HeaderValue, StatusCode};
use jkworkers::{
    model::{Asked, Host, Redirected, is_url},
    uri_map,
};

use crate::{forward::encode_path, http1::Head, rescue::Stumble};

/// Where a client is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub(crate) status: StatusCode,
    /// A URL, or a path on this server.
    to: Vec<u8>,
}

impl Elsewhere {
    /// To a directory, whose name ends with a slash (`DirectorySlash`). `path` is decoded.
    pub(crate) fn directory(path: &[u8], head: &Head) -> Self {
        let path = [&*encode_path(path), b"/"].concat();
        Self {
            status: StatusCode::MOVED_PERMANENTLY,
            to: with_query(path, head),
        }
    }

    /// To a URL that the configuration names.
    pub(crate) fn url(status: StatusCode, url: &str) -> Self {
        let to = url.as_bytes().to_vec();
        Self { status, to }
    }

    /// To a URL that rules have made.
    pub(crate) const fn to(status: StatusCode, url: Vec<u8>) -> Self {
        Self { status, to: url }
    }

    /// The `Location`, absolute. `None` where it is none, or cannot be sent.
    pub(crate) fn location(
        &self,
        scheme: &str,
        server: &str,
        port: Option<u16>,
    ) -> Option<HeaderValue> {
        if is_url(&self.to) {
            return HeaderValue::from_bytes(&self.to).ok();
        }
        let authority = match port {
            None => format!("{scheme}://{server}"),
            Some(port) => format!("{scheme}://{server}:{port}"),
        };
        let url = [authority.as_bytes(), &self.to].concat();
        let is_path = self.to.starts_with(b"/");
        HeaderValue::from_bytes(&url).ok().filter(|_| is_path)
    }
}

/// `Redirect` outside of sections, for a path as httpd decodes it.
///
/// # Errors
///
/// When it is about the request.
pub(crate) fn by_server(host: &Host, head: &Head, decoded: &[u8]) -> Result<(), Stumble> {
    let redirects = &host.settings.redirects;
    if redirects.is_empty() {
        return Ok(());
    }
    let seen = |path: &[u8]| redirects.find(path).map(|found| answer(&found, head));
    match seen(decoded).or_else(|| seen(&cleaned(decoded)?)) {
        Some(stumble) => Err(stumble),
        None => Ok(()),
    }
}

/// `Redirect` in the sections about what is asked for: the innermost one has the first say.
///
/// # Errors
///
/// When it is about the request.
pub(crate) fn by_sections(
    host: &Host,
    head: &Head,
    decoded: &[u8],
    asked: Asked<'_>,
) -> Result<(), Stumble> {
    for section in host.sections_about(asked).rev() {
        let redirects = &section.settings.redirects;
        let seen = |path: &[u8]| redirects.find(path).map(|found| answer(&found, head));
        if !redirects.is_empty()
            && let Some(stumble) = seen(decoded).or_else(|| seen(&cleaned(decoded)?))
        {
            return Err(stumble);
        }
    }
    Ok(())
}

/// A backend reads a path without its parameters: what is said about that path holds, too.
fn cleaned(decoded: &[u8]) -> Option<Vec<u8>> {
    let parameters = decoded.contains(&b';');
    let cleaned = || {
        uri_map::clean(decoded)
            .ok()
            .map(std::borrow::Cow::into_owned)
    };
    parameters.then(cleaned).flatten()
}

fn answer(found: &Redirected<'_>, head: &Head) -> Stumble {
    let status = StatusCode::from_u16(found.by.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !status.is_redirection() {
        return Stumble::Said(status);
    }
    let to = if found.by.is_plain() {
        [&*found.to, &*encode_path(&found.rest)].concat()
    } else {
        escaped(&found.to)
    };
    Stumble::Elsewhere(Box::new(Elsewhere {
        status,
        to: with_query(to, head),
    }))
}

/// What an expression has made: its path is encoded, its query and its fragment are not.
fn escaped(target: &[u8]) -> Vec<u8> {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#'));
    let (path, rest) = target.split_at(end.unwrap_or(target.len()));
    [&*encode_path(path), rest].concat()
}

/// The query of the request goes along, unless the target has its own.
fn with_query(to: Vec<u8>, head: &Head) -> Vec<u8> {
    match head.query() {
        Some(query) if !to.contains(&b'?') => [&*to, b"?", query].concat(),
        _ => to,
    }
}
