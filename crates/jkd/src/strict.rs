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
    #[error("TRACE, which TraceEnable does not allow")]
    Method,
    #[error("CONNECT, and there are no tunnels here")]
    Tunnel,
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
            Self::Method | Self::Tunnel => StatusCode::METHOD_NOT_ALLOWED,
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
    /// The target in the request line has named the host.
    is_named_by_target: bool,
    pub(crate) body: BodyLength,
    pub(crate) has_cookies: bool,
}

/// Checks the head and says which host it is for. `own_scheme` is that of the connection; it is
/// asked for where the target names one.
pub(crate) fn check(
    head: &Head,
    own_scheme: impl FnOnce() -> &'static str,
) -> Result<Checked<'_>, Refusal> {
    if head.version != Version::HTTP_11 && head.version != Version::HTTP_10 {
        return Err(Refusal::Version);
    }
    check_target(head)?;
    let framing = head.framing()?;
    let host = named_host(head)?;
    if framing.surprises {
        return Err(Refusal::Expectation);
    }
    let mut is_named_by_target = false;
    let target = match head.parts().absolute() {
        // RFC 9112, section 3.2.2: the absolute form wins over the Host field.
        Some((scheme, authority)) if scheme.eq_ignore_ascii_case(own_scheme().as_bytes()) => {
            is_named_by_target = true;
            split_authority(authority)?
        }
        // As in httpd: of an authority of another scheme there is nothing but a port.
        Some((_, authority)) => Target {
            port: host.port.or(port_of_stranger(authority)?),
            ..host
        },
        None => host,
    };
    if target.host.is_none() && (head.version == Version::HTTP_11 || is_named_by_target) {
        return Err(Refusal::HostSyntax);
    }
    Ok(Checked {
        target,
        is_named_by_target,
        body: framing.body,
        has_cookies: framing.has_cookies,
    })
}

/// The head with the host in it that counts (RFC 9112, section 3.2.2): the authority of a target in
/// absolute form, in lower case. `None`: it is the same. Boxed, since hardly any request needs it.
pub(crate) fn named(head: &Head, checked: &Checked<'_>) -> Option<Box<Head>> {
    if !checked.is_named_by_target || !head.headers.contains("host") {
        return None;
    }
    let host = checked.target.host?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut authority = host.to_ascii_lowercase();
    if let Some(port) = checked.target.port {
        authority.push(':');
        authority.push_str(&port.to_string());
    }
    let mut named = Box::new(head.clone());
    named.headers.set(b"Host", authority.as_bytes());
    Some(named)
}

fn check_target(head: &Head) -> Result<(), Refusal> {
    let target = head.parts();
    if head.method == Method::CONNECT {
        return Err(if names_a_port(target.raw()) {
            Refusal::Tunnel
        } else {
            Refusal::Target
        });
    }
    match target.scheme() {
        _ if target.has_fragment() => Err(Refusal::Target),
        Some(scheme) if is_http(scheme) => Ok(()),
        None if target.is_origin() => Ok(()),
        None if target.is_asterisk() && head.method == Method::OPTIONS => Ok(()),
        _ => Err(Refusal::Target),
    }
}

/// Whether `CONNECT` is told whom to connect to: `host:port`.
fn names_a_port(target: &[u8]) -> bool {
    let target = str::from_utf8(target).ok();
    let parts = target.and_then(|target| target.rsplit_once(':'));
    parts.is_some_and(|(host, port)| {
        !host.contains('/') && decimal(port).is_some_and(|_| !port.is_empty())
    })
}

/// The port in an authority that does not count.
fn port_of_stranger(authority: &[u8]) -> Result<Option<u16>, Refusal> {
    let end = match authority {
        [b'[', ..] => authority.iter().position(|b| *b == b']'),
        _ => Some(0),
    };
    let rest = authority.get(end.ok_or(Refusal::Target)?..);
    let mut parts = rest.unwrap_or_default().splitn(2, |b| *b == b':');
    let host = parts.next().unwrap_or_default();
    if host.contains(&b'@') {
        return Err(Refusal::HostSyntax);
    }
    match parts.next().map(str::from_utf8) {
        None | Some(Ok("")) => Ok(None),
        Some(Ok(digits)) => decimal(digits).map(Some).ok_or(Refusal::HostSyntax),
        Some(Err(_)) => Err(Refusal::HostSyntax),
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
        if !is_name(host.as_bytes()) {
            return Err(Refusal::HostSyntax);
        }
        (host, rest)
    };
    Ok(Target {
        host: Some(host),
        port: parse_port(port)?,
    })
}

/// Whether it is a name or an IPv4 address, as httpd has it: no label but the first is empty, and
/// the last one does not begin with a digit, unless all is one address.
fn is_name(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let mut labels = text.split(|b| *b == b'.');
    let first = labels.next().unwrap_or_default();
    let digits = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
    let is_number = |label: &[u8]| label.len() == 1 || !label.starts_with(b"0");
    let (mut last, mut count) = (first, 1);
    let (mut all_digits, mut all_numbers) = (digits(first), !first.is_empty() && is_number(first));
    for label in labels {
        if label.is_empty() {
            return false;
        }
        all_digits &= digits(label);
        all_numbers &= is_number(label);
        (last, count) = (label, count + 1);
    }
    if all_digits {
        return count == 4 && all_numbers;
    }
    count == 1 || last.first().is_some_and(u8::is_ascii_alphabetic)
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
    let mut rest: &[u8] = b"-.0123456789_\
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
        Some(digits) => match decimal(digits) {
            Some(port) if port > 0 => Ok(Some(port)),
            _ => Err(Refusal::HostSyntax),
        },
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

/// The head with the host in it that counts, on a connection without TLS.
#[cfg(test)]
pub(crate) fn renamed(head: Head) -> Head {
    let checked = check(&head, || "http").ok();
    let named = checked.and_then(|checked| named(&head, &checked));
    named.map_or(head, |named| *named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(method: &str, target: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        check(&Head::with(method, target, fields), || "http").map(|_| ())
    }

    fn host(value: &str) -> Result<(), Refusal> {
        verdict("GET", "/", &[("host", value)])
    }

    #[test]
    fn one_well_formed_host_is_demanded() {
        let good = "a a:80 a.b_c-d 127.0.0.1:1 [::1] [::1]:8080 .a a. 1a -a- 999.1.1.1 1.2.3.4. \
                    1.2.3.a4";
        for good in good.split(' ') {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        let bad = "a/evil user@a a:80:80 [::1 a\\b a:99999 a<x> a:x [::1]x :80 a%00 a: . a..b a.. \
                   a:0 a:65536 a:+1 1.2.3 1.2.3. 1 1.2.3.4.5 01.2.3.4 1.2.3.04 .1.2.3 a.1 1.2.3.4a \
                   a~b";
        for bad in bad.split(' ').chain(["", "a b", "a, b"]) {
            assert_eq!(host(bad), Err(Refusal::HostSyntax), "{bad}");
        }
        assert_eq!(verdict("GET", "/", &[]), Err(Refusal::HostCount));
        let twice = [("host", "a"), ("host", "a")];
        assert_eq!(verdict("GET", "/", &twice), Err(Refusal::HostCount));
    }

    #[test]
    fn http_1_0_may_do_without_a_host() {
        let head = Head::with("GET", "/", &[]).in_version(Version::HTTP_10);
        assert_eq!(check(&head, || "http").unwrap().target.host, None);
    }

    fn target(method: &str, target: &str) -> Result<(), Refusal> {
        verdict(method, target, &[("host", "a")])
    }

    #[test]
    fn targets_have_to_make_sense() {
        let good = "/a?b http://b/a ?b http:/a http:?b HTTPS: https://b/a https://? https:///";
        for good in good.split(' ') {
            assert_eq!(target("GET", good), Ok(()), "{good}");
        }
        let bad = "* *a ftp://b/a ftp:/a example.org a:/b http:a : http:/a#b # 1://b/ https://[b/";
        for bad in bad.split(' ').chain([""]) {
            assert_eq!(target("GET", bad), Err(Refusal::Target), "{bad:?}");
        }
        let hosts = "http:// http://b:/ http://b:65536/ http://u:p@b/a https://b:x/ https://u@b/";
        for bad in hosts.split(' ') {
            assert_eq!(target("GET", bad), Err(Refusal::HostSyntax), "{bad}");
        }
        assert_eq!(target("OPTIONS", "*"), Ok(()));
        assert_eq!(target("OPTIONS", "http://b"), Ok(()));
        assert_eq!(target("TRACE", "/"), Ok(()));
    }

    #[test]
    fn nobody_gets_a_tunnel() {
        for whom in ["a:80", "[::1]:80", ":80"] {
            assert_eq!(target("CONNECT", whom), Err(Refusal::Tunnel), "{whom}");
        }
        for nobody in "/ * a a: a:x a:+1 http://a:80/ http://a:80".split(' ') {
            assert_eq!(target("CONNECT", nobody), Err(Refusal::Target), "{nobody}");
        }
    }

    #[test]
    fn of_another_scheme_only_the_port_counts() {
        let found = |target: &str, host: &str| {
            let head = Head::with("GET", target, &[("host", host)]);
            let checked = check(&head, || "http").unwrap();
            assert!(named(&head, &checked).is_none());
            (checked.target.host.map(str::to_owned), checked.target.port)
        };
        let a = || Some("a".to_owned());
        assert_eq!(found("https://b/x", "a"), (a(), None));
        assert_eq!(found("https://b:81/x", "a"), (a(), Some(81)));
        assert_eq!(found("https://b:81/x", "a:82"), (a(), Some(82)));
        assert_eq!(found("https://[::1]:81/x", "a"), (a(), Some(81)));
        assert_eq!(found("https://%/x", "a"), (a(), None));
        assert_eq!(found("http:/x", "a:83"), (a(), Some(83)));
        let head = Head::with("GET", "https://b/x", &[("host", "a")]);
        assert_eq!(check(&head, || "https").unwrap().target.host, Some("b"));
    }

    #[test]
    fn the_absolute_form_names_the_host() {
        let head = Head::with("GET", "http://b:81/x", &[("host", "a:82")]);
        let expected = Target {
            host: Some("b"),
            port: Some(81),
        };
        assert_eq!(check(&head, || "http").unwrap().target, expected);
        let said = |target| renamed(Head::with("GET", target, &[("host", "a:82")]));
        assert_eq!(
            said("HTTP://B.:81/x").headers.get("host"),
            Some(&b"b:81"[..])
        );
        assert_eq!(
            said("http://[::A]/x").headers.get("host"),
            Some(&b"[::a]"[..])
        );
    }
}
