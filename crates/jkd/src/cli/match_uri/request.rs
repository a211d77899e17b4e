//! The head of a request, as a client would send it.

use http::{HeaderName, HeaderValue, Method, Version};

use crate::{http1::Head, peer::Peer};

/// One header line.
pub(super) type Header = (String, HeaderValue);

/// Reads `Name: value`.
pub(super) fn header(text: &str) -> Result<Header, String> {
    let (name, value) = (text.split_once(':')).ok_or("a header is such as 'Accept: text/html'")?;
    let name = name.trim();
    name.parse::<HeaderName>().map_err(|e| format!("{e}"))?;
    let value = value.trim().parse().map_err(|e| format!("{e}"))?;
    Ok((name.to_owned(), value))
}

/// What all requests of one command line have in common.
#[derive(Debug)]
pub(super) struct Asked {
    /// The `Host` header; wins over all others.
    pub(super) host: Option<String>,
    pub(super) headers: Vec<Header>,
    pub(super) method: Method,
}

impl Asked {
    /// The head of a request for `uri`. Without any word about the host it is for the address that
    /// it comes in at.
    ///
    /// # Errors
    ///
    /// Where no client can send it in one line.
    pub(super) fn head(&self, uri: &str, peer: &Peer) -> Result<Head, &'static str> {
        let (in_uri, target) = split(uri);
        if (target.bytes()).any(|b| b == b' ' || b.is_ascii_control()) {
            return Err("a target has neither blanks nor control characters");
        }
        let is_host = |name: &str| name.eq_ignore_ascii_case("host");
        let given = self.headers.iter().any(|(name, _)| is_host(name));
        let host = match self.host.as_deref().or(in_uri) {
            None if given => None,
            host => Some(host.map_or_else(|| peer.local.to_string(), str::to_owned)),
        };
        let kept = |name: &str| host.is_none() || !is_host(name);
        let fields = self.headers.iter().filter(|(name, _)| kept(name));
        let fields = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let host = host.iter().map(|host| (&b"Host"[..], host.as_bytes()));
        let (method, target) = (self.method.clone(), target.as_bytes());
        Ok(Head::new(
            method,
            Version::HTTP_11,
            target,
            host.chain(fields),
        ))
    }
}

/// The host in a URL, and what a client sends of the rest.
fn split(uri: &str) -> (Option<&str>, String) {
    let uri = uri.split('#').next().unwrap_or(uri);
    let Some((_, rest)) = uri.split_once("://").filter(|_| !uri.starts_with('/')) else {
        return (None, uri.to_owned());
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    let slash = if target.starts_with('/') { "" } else { "/" };
    (Some(host), format!("{slash}{target}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_host_and_target() {
        let whole = |host, target: &str| (host, target.to_owned());
        assert_eq!(split("/a?b#c"), whole(None, "/a?b"));
        assert_eq!(split("/a?b=http://c"), whole(None, "/a?b=http://c"));
        assert_eq!(
            split("http://h:8080/a/b?c"),
            whole(Some("h:8080"), "/a/b?c")
        );
        assert_eq!(split("https://h"), whole(Some("h"), "/"));
        assert_eq!(split("http://h?x"), whole(Some("h"), "/?x"));
    }

    #[test]
    fn the_host_is_what_was_said_last() {
        let local = "127.0.0.1:8080".parse().unwrap();
        let peer = Peer::new(local, local, 0);
        let host = |flag: Option<&str>, line: Option<&str>, uri: &str| {
            let line = line.map(|value| ("host".to_owned(), value.parse().unwrap()));
            let asked = Asked {
                host: flag.map(str::to_owned),
                headers: line.into_iter().collect(),
                method: Method::GET,
            };
            let head = asked.head(uri, &peer).unwrap();
            let mut all = head.headers.get_all("host");
            let only = str::from_utf8(all.next().unwrap()).unwrap().to_owned();
            assert_eq!(all.next(), None);
            only
        };
        assert_eq!(host(None, None, "/"), "127.0.0.1:8080");
        assert_eq!(host(None, Some("b"), "/"), "b");
        assert_eq!(host(None, Some("b"), "http://c/"), "c");
        assert_eq!(host(Some("a"), Some("b"), "http://c/"), "a");
    }

    #[test]
    fn headers_are_read_as_curl_reads_them() {
        assert_eq!(
            header("X-A:  b:c ").unwrap(),
            ("X-A".to_owned(), "b:c".parse().unwrap())
        );
        assert!(header("nothing").is_err());
        assert!(header("a b: c").is_err());
    }
}
