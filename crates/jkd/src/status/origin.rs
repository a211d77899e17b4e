//! Whether a browser was sent by a page of another site.
//!
//! Changes are made by GET, as mod_jk has it, so that any page could make an operator's browser
//! send one. Browsers tell on whose behalf they ask; scripts do not, and are let through.

use crate::http1::Head;

/// Whether the request comes from a page of another site.
pub(super) fn is_elsewhere(head: &Head) -> bool {
    let field = |name: &str| {
        let value = head.headers.get(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let host = field("host").unwrap_or_default();
    judge(
        &host,
        field("sec-fetch-site").as_deref(),
        field("origin").as_deref(),
        field("referer").as_deref(),
    )
}

/// What is said first counts: `Sec-Fetch-Site`, which a page cannot forge, then the others.
fn judge(host: &str, site: Option<&str>, origin: Option<&str>, referer: Option<&str>) -> bool {
    match (site, origin.or(referer)) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(url)) => authority(url).is_none_or(|(scheme, authority)| {
            !bare(authority, scheme).eq_ignore_ascii_case(bare(host, scheme))
        }),
        (None, None) => false,
    }
}

/// The scheme and the authority of an absolute URL.
fn authority(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    Some((scheme, rest.split(['/', '?', '#']).next().unwrap_or(rest)))
}

/// Without the scheme's own port.
fn bare<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let port = if scheme.eq_ignore_ascii_case("https") {
        ":443"
    } else {
        ":80"
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_is_a_script() {
        assert!(!judge("jk.example", None, None, None));
        assert!(!judge("", None, None, None));
    }

    #[test]
    fn what_the_browser_says_counts_first() {
        let of = |site| judge("h", Some(site), Some("http://evil"), Some("http://evil/"));
        assert!(!of("same-origin"));
        // Typed by hand, or a bookmark.
        assert!(!of("none"));
        for site in ["cross-site", "same-site", "", "Same-Origin", "x"] {
            assert!(of(site), "{site}");
        }
    }

    #[test]
    fn pages_of_the_same_address_may() {
        for (host, url) in [
            ("jk.example", "http://jk.example"),
            ("JK.example:80", "http://jk.example/status?x"),
            ("jk.example", "https://jk.example:443/"),
            ("jk.example:8080", "http://jk.example:8080"),
            ("[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert!(!judge(host, None, Some(url), None), "{url}");
            assert!(!judge(host, None, None, Some(url)), "{url}");
        }
    }

    #[test]
    fn pages_of_others_may_not() {
        for url in [
            "null",
            "",
            "http://evil.example",
            "http://jk.example.evil",
            "http://jk.example:81",
            "http://evil/?http://jk.example",
            "http://jk.example@evil/",
        ] {
            assert!(judge("jk.example", None, Some(url), None), "{url}");
            assert!(judge("jk.example", None, None, Some(url)), "{url}");
        }
        let (ours, evil) = (Some("http://h/"), Some("http://evil/"));
        assert!(judge("h", None, evil, ours));
    }
}
