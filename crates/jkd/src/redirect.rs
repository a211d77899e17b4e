//! `Redirect` and `DirectorySlash`: the client is sent elsewhere, or told that there is nothing.

use http::{HeaderValue, StatusCode};
use jkworkers::{
    model::{Asked, Host, Redirected, is_url},
    uri_map,
};

use crate::{expressions::Subject, forward::encode_path, http1::Head, rescue::Stumble};

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

    /// To a URL that the configuration names, or makes.
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
    subject: &Subject<'_>,
    decoded: &[u8],
    asked: Asked<'_>,
) -> Result<(), Stumble> {
    for section in subject.host.sections_about(asked).rev() {
        let redirects = &section.settings.redirects;
        let seen = |path: &[u8]| redirects.find(path).map(|found| made(&found, subject));
        if !redirects.is_empty()
            && let Some(stumble) = seen(decoded).or_else(|| seen(&cleaned(decoded)?))
        {
            return Err(stumble);
        }
    }
    Ok(())
}

/// `Redirect` without a path in the sections about a path.
///
/// # Errors
///
/// When there is one.
pub(crate) fn by_whole_sections(subject: &Subject<'_>, asked: Asked<'_>) -> Result<(), Stumble> {
    let mut sections = subject.host.sections_about(asked).rev();
    match sections.find_map(|section| section.settings.redirects.of_section()) {
        Some(found) => Err(made(&found, subject)),
        None => Ok(()),
    }
}

/// The same as [`answer`], where the target may be made of what is known of the request.
fn made(found: &Redirected<'_>, subject: &Subject<'_>) -> Stumble {
    let Some(text) = found.by.text() else {
        return answer(found, subject.head);
    };
    let to = match text.evaluate(subject) {
        Ok(to) => escaped(&to),
        Err(fault) => {
            let client = &subject.peer.ip_text;
            tracing::error!(%client, "Can't evaluate redirect expression \"{text}\": {fault}");
            return Stumble::Said(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    let status = StatusCode::from_u16(found.by.status);
    Stumble::Elsewhere(Box::new(Elsewhere {
        status: status.unwrap_or(StatusCode::FOUND),
        to: with_query(to, subject.head),
    }))
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

/// What an expression has made: its path is encoded, its query and its fragment are not. The port of
/// its scheme is not told; where a port is no number, what stands behind it is not, either.
fn escaped(target: &[u8]) -> Vec<u8> {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#'));
    let (front, rest) = target.split_at(end.unwrap_or(target.len()));
    let (server, path) = front.split_at(server_length(front));
    let (name, port) = server.split_at(port_at(server).unwrap_or(server.len()));
    let encoded = encode_path(path);
    match port.get(1..) {
        Some(number) if !number.iter().all(u8::is_ascii_digit) => name.to_vec(),
        Some(number) if is_default(name, number) => [name, &*encoded, rest].concat(),
        _ => [server, &*encoded, rest].concat(),
    }
}

/// How much of a URL is its scheme, its server and its port.
fn server_length(url: &[u8]) -> usize {
    let colon = url.iter().position(|b| *b == b':').unwrap_or_default();
    let behind = url.get(colon..).and_then(|rest| rest.strip_prefix(b"://"));
    let Some(rest) = behind.filter(|_| is_url(url)) else {
        return 0;
    };
    let name = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    url.len() - rest.len() + name
}

/// Where the port of a URL's server begins, with its colon.
fn port_at(server: &[u8]) -> Option<usize> {
    let scheme = server.windows(3).position(|part| part == b"://")? + 3;
    let last = |byte: u8| server.iter().rposition(|b| *b == byte);
    let host = [Some(scheme), last(b'@'), last(b']')].into_iter().max()??;
    let port = server.get(host..)?.iter().position(|b| *b == b':')?;
    Some(host + port)
}

/// Whether this port need not be told. `name` is all before it.
fn is_default(name: &[u8], port: &[u8]) -> bool {
    let begins = |scheme: &[u8]| {
        let start = name.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    match port {
        b"" => true,
        b"80" => begins(b"http://"),
        b"443" => begins(b"https://"),
        _ => false,
    }
}

/// The query of the request goes along, unless the target has its own.
fn with_query(to: Vec<u8>, head: &Head) -> Vec<u8> {
    match head.query() {
        Some(query) if !to.contains(&b'?') => [&*to, b"?", query].concat(),
        _ => to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_as_httpd_tells_them() {
        for (target, expected) in [
            ("/a b?c d#e f", "/a%20b?c d#e f"),
            ("http://h/a b", "http://h/a%20b"),
            ("http://h:80/a", "http://h/a"),
            ("HTTPS://h:443", "HTTPS://h"),
            ("https://h:80/a", "https://h:80/a"),
            ("http://h:/a", "http://h/a"),
            ("http://h:x/a", "http://h"),
            ("http://u:x@h:81/a", "http://u:x@h:81/a"),
            ("http://[::1]:80/a", "http://[::1]/a"),
            ("http://[::1]/a:80/", "http://[::1]/a:80/"),
            ("mailto:x y", "mailto:x%20y"),
            ("", ""),
        ] {
            let made = escaped(target.as_bytes());
            assert_eq!(made, expected.as_bytes(), "{target}");
        }
    }
}
