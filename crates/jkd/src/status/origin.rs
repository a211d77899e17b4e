//! Whether a browser was sent by a page of another site.
//!
//! Changes are made by GET, as mod_jk has it, so that any page could make an operator's browser
//! send one. Browsers tell on whose behalf they ask, unless the page asks them not to and there is no
//! TLS; who is a browser and says nothing is taken for one that another site has sent. Scripts say
//! nothing either, and are let through.

use crate::http1::Head;

/// Whether the request comes from a page of another site.
pub(super) fn is_elsewhere(head: &Head) -> bool {
    let field = |name: &str| {
        let value = head.headers.get(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let host = field("host").unwrap_or_default();
    let site = field("sec-fetch-site");
    let page = field("origin").or_else(|| field("referer"));
    if site.is_none() && page.is_none() {
        return field("user-agent").is_some_and(|agent| is_browser(&agent));
    }
    judge(&host, site.as_deref(), page.as_deref())
}

/// All browsers say so, and no page can have them say something else; of scripts only PowerShell's.
fn is_browser(agent: &str) -> bool {
    agent.starts_with("Mozilla/") && !agent.contains("PowerShell/")
}

/// What is said first counts: `Sec-Fetch-Site`, which a page cannot forge, then the page that asks.
fn judge(host: &str, site: Option<&str>, page: Option<&str>) -> bool {
    match (site, page) {
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
    fn browsers_are_known() {
        for agent in [
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0",
        ] {
            assert!(is_browser(agent), "{agent}");
        }
        for agent in [
            "",
            "curl/8.5.0",
            "Wget/1.21",
            "python-requests/2.31",
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1682",
        ] {
            assert!(!is_browser(agent), "{agent}");
        }
    }

    #[test]
    fn what_the_browser_says_counts_first() {
        let of = |site| judge("h", Some(site), Some("http://evil"));
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
            assert!(!judge(host, None, Some(url)), "{url}");
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
            assert!(judge("jk.example", None, Some(url)), "{url}");
        }
    }
}
