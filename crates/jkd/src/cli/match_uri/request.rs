//! The head of a request, as a client would send it.

use http::{HeaderName, HeaderValue, Method, Request, header, request};

use crate::peer::Peer;

/// One header line.
pub(super) type Header = (HeaderName, HeaderValue);

/// Reads `Name: value`.
pub(super) fn header(text: &str) -> Result<Header, String> {
    let (name, value) = (text.split_once(':')).ok_or("a header is such as 'Accept: text/html'")?;
    let name = name.trim().parse().map_err(|e| format!("{e}"))?;
    let value = value.trim().parse().map_err(|e| format!("{e}"))?;
    Ok((name, value))
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
    pub(super) fn head(&self, uri: &str, peer: &Peer) -> Result<request::Parts, http::Error> {
        let (in_uri, target) = split(uri);
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = target.parse()?;
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        let given = request.headers().get(header::HOST).is_some();
        let host = match (self.host.as_deref().or(in_uri), given) {
            (Some(host), _) => Some(host.parse()?),
            (None, true) => None,
            (None, false) => Some(peer.local.to_string().parse()?),
        };
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
        Ok(request.into_parts().0)
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
            let line = line.map(|value| (header::HOST, value.parse().unwrap()));
            let asked = Asked {
                host: flag.map(str::to_owned),
                headers: line.into_iter().collect(),
                method: Method::GET,
            };
            let head = asked.head(uri, &peer).unwrap();
            let mut all = head.headers.get_all(header::HOST).iter();
            let only = all.next().unwrap().to_str().unwrap().to_owned();
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
            (HeaderName::from_static("x-a"), "b:c".parse().unwrap())
        );
        assert!(header("nothing").is_err());
        assert!(header("a b: c").is_err());
    }
}
