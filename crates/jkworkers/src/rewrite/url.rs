//! URLs: which texts are some, those of this server, and their queries.

use super::{Request, engine::Run, rule::Flags, text::Fact};

impl<R: Request> Run<'_, R> {
    /// What stands behind `?` is the new query.
    pub(super) fn split_query(&mut self, flags: &Flags) {
        let known = scheme(&self.filename);
        if flags.no_query || known.is_some_and(|scheme| !scheme.has_query) {
            self.query = None;
            return;
        }
        if flags.discard_query {
            self.query = None;
        }
        let is_mark = |b: &u8| *b == b'?';
        let mark = if flags.last_mark {
            self.filename.iter().rposition(is_mark)
        } else {
            self.filename.iter().position(is_mark)
        };
        let Some(mark) = mark else { return };
        let mut query = self.filename.split_off(mark);
        query.remove(0);
        if flags.append_query
            && let Some(old) = &self.query
        {
            if !query.is_empty() {
                query.push(b'&');
            }
            query.extend_from_slice(old);
        }
        if query.ends_with(b"&") {
            query.pop();
        }
        self.query = Some(query).filter(|query| !query.is_empty());
    }

    /// A path as a URL of this server.
    pub(super) fn qualified(&self, path: &[u8]) -> Vec<u8> {
        let scheme = self.request.fact(Fact::Scheme);
        let name = self.request.fact(Fact::ServerName);
        let port = self.request.fact(Fact::ServerPort);
        let (colon, port): (&[u8], &[u8]) = match &*port {
            b"80" if *scheme == *b"http" => (b"", b""),
            b"443" if *scheme == *b"https" => (b"", b""),
            port => (b":", port),
        };
        let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
        [&*scheme, b"://", &*name, colon, port, slash, path].concat()
    }

    /// A URL of this server is a path.
    pub(super) fn reduce(&mut self) {
        let scheme = self.request.fact(Fact::Scheme);
        let rest = self.filename.get(scheme.len()..).unwrap_or_default();
        let is_ours = self.filename.get(..scheme.len());
        let is_ours = is_ours.is_some_and(|start| start.eq_ignore_ascii_case(&scheme));
        let Some(rest) = rest.strip_prefix(b"://").filter(|_| is_ours) else {
            return;
        };
        let end = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let colon = authority.iter().rposition(|&b| b == b':');
        let (name, port) = authority.split_at(colon.unwrap_or(authority.len()));
        let port = match std::str::from_utf8(port.get(1..).unwrap_or_default()) {
            Ok("") if *scheme == *b"https" => 443,
            Ok("") => 80,
            Ok(port) => port.parse().unwrap_or_default(),
            Err(_) => 0,
        };
        if self.request.is_own(name, port) {
            self.filename = if path.is_empty() {
                b"/".to_vec()
            } else {
                path.to_vec()
            };
        }
    }
}

/// `path` with `to` for its beginning, if that is `from`.
pub(super) fn with_prefix(path: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let from = from.strip_suffix(b"/").unwrap_or(from);
    let rest = path.strip_prefix(from)?.strip_prefix(b"/")?;
    let slash: &[u8] = if to.is_empty() || to.ends_with(b"/") {
        b""
    } else {
        b"/"
    };
    Some([to, slash, rest].concat())
}

/// How much of a URL is never encoded: the scheme, and the host with its slash.
pub(super) fn plain_length(url: &[u8], scheme: usize, all: bool) -> usize {
    let rest = url.get(scheme..).unwrap_or_default();
    match rest.iter().position(|&b| b == b'/') {
        _ if all => url.len(),
        _ if url.get(scheme.saturating_sub(1)) != Some(&b'/') => scheme,
        Some(slash) => scheme + slash + 1,
        None => url.len(),
    }
}

/// The scheme of a URL.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    /// With its `://`, bytes.
    pub(super) length: usize,
    has_query: bool,
}

/// The scheme of a URL. `None`: it is a path.
pub(super) fn scheme(text: &[u8]) -> Option<Scheme> {
    const SCHEMES: [(&str, bool); 17] = [
        ("http://", true),
        ("https://", true),
        ("ajp://", true),
        ("balancer://", true),
        ("fcgi://", true),
        ("ftp://", false),
        ("gopher://", false),
        ("h2://", true),
        ("h2c://", true),
        ("ldap://", false),
        ("mailto:", true),
        ("news:", false),
        ("nntp://", false),
        ("scgi://", true),
        ("unix:", true),
        ("ws://", true),
        ("wss://", true),
    ];
    let is_it = |(scheme, _): &&(&str, bool)| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let found = SCHEMES.iter().find(is_it).filter(|_| text.len() > 5);
    found.map(|&(scheme, has_query)| Scheme {
        length: scheme.len(),
        has_query,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_become_paths() {
        for (path, from, to, expected) in [
            ("/srv/www/a/b", "/srv/www/", "/x", Some("/x/a/b")),
            ("/srv/www/a", "/srv/www", "/x/", Some("/x/a")),
            ("/srv/www/a", "/srv/www", "", Some("a")),
            ("/srv/wwwa", "/srv/www/", "/x", None),
            ("/srv/www", "/srv/www/", "/x", None),
        ] {
            let made = with_prefix(path.as_bytes(), from.as_bytes(), to.as_bytes());
            assert_eq!(made.as_deref(), expected.map(str::as_bytes), "{path}");
        }
    }
}
