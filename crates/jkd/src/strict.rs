//! What HTTP forbids: checked before anything looks at the request.
//!
//! Broken request lines, fields and lengths are found while the head is read. Here: the number and
//! form of `Host` (RFC 9112, section 3.2), and methods and targets that make no sense at an
//! origin server.

use http::{Method, StatusCode, Version};

use crate::http1::{BodyLength, Head, MAX_HEAD};

/// Why a request is refused before it is routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("request without TLS where it is needed")]
    WithoutTls,
    #[error("the method is not served")]
    Method,
    #[error("HTTP version other than 1.0 and 1.1")]
    Version,
    #[error("request target is neither a path nor an http URL")]
    Target,
    #[error("HTTP/1.1 needs exactly one Host field")]
    HostCount,
    #[error("Host field is not a host name with an optional port")]
    HostSyntax,
    #[error("Content-Length beyond what any peer can count")]
    Length,
    #[error("transfer coding other than chunked")]
    TransferCoding,
    #[error("last transfer coding is not chunked")]
    Coding,
    #[error("expectation other than 100-continue")]
    Expectation,
    #[error("request line that is not method, target and version")]
    Syntax,
    #[error("request line is longer than LimitRequestLine")]
    LineLength,
    #[error("line that does not end with CR LF")]
    LineEnd,
    #[error("header field that is no name and value")]
    Field,
    #[error("header field is longer than LimitRequestFieldSize")]
    FieldLength,
    #[error("more header fields than LimitRequestFields")]
    FieldCount,
    #[error("head is longer than {MAX_HEAD} bytes")]
    HeadLength,
    #[error("head came too slowly")]
    Late,
    #[error("body is longer than LimitRequestBody")]
    BodyLength,
}

impl Refusal {
    /// The status that tells the client.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::LineLength => StatusCode::URI_TOO_LONG,
            Self::BodyLength => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Host and port that the request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The name or address, an IPv6 address with its brackets; `None` where HTTP/1.0 named none.
    pub(crate) host: Option<&'a str>,
    /// The port, where one was named.
    pub(crate) port: Option<u16>,
}

/// What the checks have found on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) target: Target<'a>,
    pub(crate) body: BodyLength,
    pub(crate) has_cookies: bool,
}

/// Checks the head and says which host it is for.
pub(crate) fn check(head: &Head) -> Result<Checked<'_>, Refusal> {
    if head.method == Method::CONNECT {
        return Err(Refusal::Method);
    }
    if head.version != Version::HTTP_11 && head.version != Version::HTTP_10 {
        return Err(Refusal::Version);
    }
    check_target(head)?;
    let framing = head.framing()?;
    let host = named_host(head)?;
    if framing.surprises {
        return Err(Refusal::Expectation);
    }
    let target = match head.parts().absolute() {
        // RFC 9112, section 3.2.2: the absolute form wins over the Host field.
        Some((_, authority)) => split_authority(authority)?,
        None => host,
    };
    if target.host.is_none() && head.version == Version::HTTP_11 {
        return Err(Refusal::HostSyntax);
    }
    Ok(Checked {
        target,
        body: framing.body,
        has_cookies: framing.has_cookies,
    })
}

/// The head with the host in it that counts (RFC 9112, section 3.2.2): the authority of a target in
/// absolute form, in lower case. `None`: it is the same. Boxed, since hardly any request needs it.
pub(crate) fn named(head: &Head) -> Option<Box<Head>> {
    let (_, authority) = head.parts().absolute()?;
    if !head.headers.contains("host") {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let mut named = Box::new(head.clone());
    named.headers.set(b"Host", &authority);
    Some(named)
}

fn check_target(head: &Head) -> Result<(), Refusal> {
    let target = head.parts();
    match target.absolute() {
        _ if target.has_fragment() => Err(Refusal::Target),
        None if target.is_origin() => Ok(()),
        None if target.is_asterisk() && head.method == Method::OPTIONS => Ok(()),
        Some((scheme, authority)) if is_http(scheme) && !authority.is_empty() => Ok(()),
        _ => Err(Refusal::Target),
    }
}

fn is_http(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
}

/// The host that the one `Host` field names.
fn named_host(head: &Head) -> Result<Target<'_>, Refusal> {
    let mut fields = head.headers.get_all("host");
    match (fields.next(), fields.next()) {
        (Some(host), None) => split_authority(host),
        (None, None) if head.version == Version::HTTP_10 => Ok(Target {
            host: None,
            port: None,
        }),
        _ => Err(Refusal::HostCount),
    }
}

/// `host[:port]`, where host is a name, an IPv4 address or an IPv6 address in brackets.
fn split_authority(text: &[u8]) -> Result<Target<'_>, Refusal> {
    let text = str::from_utf8(text).map_err(|_| Refusal::HostSyntax)?;
    if text.is_empty() {
        // As if there were none.
        return Ok(Target {
            host: None,
            port: None,
        });
    }
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']').ok_or(Refusal::HostSyntax)?;
        let (host, rest) = text.split_at(end + 1);
        check_ipv6(host)?;
        (host, rest)
    } else {
        let end = (text.bytes()).position(|b| OF_NAME.get(usize::from(b)) != Some(&true));
        let (host, rest) = text.split_at(end.unwrap_or(text.len()));
        if host.is_empty() {
            return Err(Refusal::HostSyntax);
        }
        (host, rest)
    };
    Ok(Target {
        host: Some(host),
        port: parse_port(port)?,
    })
}

fn check_ipv6(bracketed: &str) -> Result<(), Refusal> {
    bracketed
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|address| address.parse::<std::net::Ipv6Addr>().ok())
        .map(|_| ())
        .ok_or(Refusal::HostSyntax)
}

/// The bytes of host names.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler")]
static OF_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &[u8] = b"-.0123456789_~\
        ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    while let [byte, tail @ ..] = rest {
        table[*byte as usize] = true;
        rest = tail;
    }
    table
};

/// Nothing or `:digits`. RFC 3986 allows the empty port as well, httpd does not.
fn parse_port(rest: &str) -> Result<Option<u16>, Refusal> {
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok(None),
        Some(digits) if !digits.is_empty() => decimal(digits).map(Some).ok_or(Refusal::HostSyntax),
        _ => Err(Refusal::HostSyntax),
    }
}

/// A number of digits alone: `parse` would take a sign, too.
fn decimal(digits: &str) -> Option<u16> {
    digits.bytes().try_fold(0u16, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(method: &str, target: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        check(&Head::with(method, target, fields)).map(|_| ())
    }

    fn host(value: &str) -> Result<(), Refusal> {
        verdict("GET", "/", &[("host", value)])
    }

    #[test]
    fn one_well_formed_host_is_demanded() {
        for good in ["a", "a:80", "a.b_c-d", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        let bad = [
            "a/evil", "user@a", "a:80:80", "a b", "a, b", "[::1", "a\\b", "a:99999", "a<x>", "a:x",
            "[::1]x", ":80", "a%00", "a:", "",
        ];
        for bad in bad {
            assert_eq!(host(bad), Err(Refusal::HostSyntax), "{bad}");
        }
        assert_eq!(verdict("GET", "/", &[]), Err(Refusal::HostCount));
        let twice = [("host", "a"), ("host", "a")];
        assert_eq!(verdict("GET", "/", &twice), Err(Refusal::HostCount));
    }

    #[test]
    fn http_1_0_may_do_without_a_host() {
        let head = Head::with("GET", "/", &[]).in_version(Version::HTTP_10);
        assert_eq!(check(&head).unwrap().target.host, None);
    }

    #[test]
    fn targets_have_to_make_sense() {
        let target = |method, target| verdict(method, target, &[("host", "a")]);
        assert_eq!(target("GET", "/a?b"), Ok(()));
        assert_eq!(target("GET", "http://b/a"), Ok(()));
        assert_eq!(target("OPTIONS", "*"), Ok(()));
        assert_eq!(target("GET", "*"), Err(Refusal::Target));
        assert_eq!(target("GET", "ftp://b/a"), Err(Refusal::Target));
        assert_eq!(target("GET", "http://u:p@b/a"), Err(Refusal::HostSyntax));
        assert_eq!(target("GET", "example.org"), Err(Refusal::Target));
        assert_eq!(target("CONNECT", "a:80"), Err(Refusal::Method));
        assert_eq!(target("TRACE", "/"), Ok(()));
    }

    #[test]
    fn the_absolute_form_names_the_host() {
        let head = Head::with("GET", "http://b:81/x", &[("host", "a:82")]);
        let expected = Target {
            host: Some("b"),
            port: Some(81),
        };
        assert_eq!(check(&head).unwrap().target, expected);
    }
}
