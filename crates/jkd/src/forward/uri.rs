//! The URI as the backend gets it: `JkOptions +ForwardURIProxy`, mod_jk's default.
//!
//! The path is decoded once, its dot segments are resolved, and what is not in a small set of
//! harmless characters is encoded again. Path parameters (`;jsessionid=…`) survive.

use std::borrow::Cow;

use jkworkers::uri_map::{self, UriRules};

/// The path to forward. `raw` is what the client sent, `decoded` and `cleaned` are what the URI
/// map made of it: the text before and after path parameters went.
///
/// Slashes that httpd merges for its own use stay doubled for the backend, unless that would make
/// it see another path than the one that was mapped and checked.
///
/// Paths that are already in the outgoing form, nearly all, are borrowed.
pub(crate) fn forwarded<'a>(
    raw: &'a [u8],
    decoded: &'a [u8],
    cleaned: &[u8],
    rules: UriRules,
) -> Cow<'a, [u8]> {
    if !rules.merge_slashes || !has_double_slash(raw) {
        return encode(decoded);
    }
    let unmerged = UriRules {
        merge_slashes: false,
        ..rules
    };
    match uri_map::decode(raw, unmerged) {
        Ok(path) if uri_map::clean(&path).is_ok_and(|c| *c == *cleaned) => {
            Cow::Owned(encode(&path).into_owned())
        }
        _ => encode(decoded),
    }
}

fn has_double_slash(path: &[u8]) -> bool {
    path.windows(2).any(|pair| pair == b"//")
}

/// What mod_jk leaves alone.
const fn keeps(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'~' | b'$'
                | b'-'
                | b'_'
                | b'.'
                | b'+'
                | b'!'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b','
                | b';'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'/'
        )
}

fn encode(plain: &[u8]) -> Cow<'_, [u8]> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if plain.iter().all(|b| keeps(*b)) {
        return Cow::Borrowed(plain);
    }
    let mut encoded = Vec::with_capacity(plain.len() + 8);
    for &b in plain {
        if keeps(b) {
            encoded.push(b);
        } else {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            encoded.extend_from_slice(&[b'%', digit(b >> 4), digit(b & 15)]);
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(raw: &str) -> String {
        let rules = UriRules::default();
        let decoded = uri_map::decode(raw.as_bytes(), rules).unwrap();
        let cleaned = uri_map::clean(&decoded).unwrap();
        let sent = forwarded(raw.as_bytes(), &decoded, &cleaned, rules);
        String::from_utf8(sent.into_owned()).unwrap()
    }

    #[test]
    fn paths_leave_as_mod_jk_sends_them() {
        let table = [
            ("/a//b", "/a//b"),
            ("/a/x/../b", "/a/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a;jsessionid=1.n/b;p=2", "/a;jsessionid=1.n/b;p=2"),
            ("/a%3Bb", "/a;b"),
            ("/a%20b", "/a%20b"),
            ("/a%25b", "/a%25b"),
            ("/a%3Fb", "/a%3Fb"),
            ("/%7Eu", "/~u"),
            ("/caf%C3%A9", "/caf%C3%A9"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a[b]", "/a%5Bb%5D"),
            ("/a/..;/b", "/a/..;/b"),
            ("/t/%252e%252e/other", "/t/%252e%252e/other"),
            ("/t/a%0d%0aX-Injected:%201", "/t/a%0D%0AX-Injected:%201"),
            ("/.well-known/x", "/.well-known/x"),
            ("/", "/"),
        ];
        for (raw, expected) in table {
            assert_eq!(forward(raw), expected, "{raw}");
        }
    }

    #[test]
    fn the_backend_sees_the_path_that_was_mapped() {
        // Merged first, the step back leaves /admin; unmerged it would take the empty segment.
        assert_eq!(forward("/app//../admin"), "/admin");
    }

    #[test]
    fn a_plain_path_is_not_copied() {
        let path = b"/app/x;jsessionid=1.a";
        let sent = forwarded(path, path, b"/app/x", UriRules::default());
        assert!(matches!(sent, Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn what_leaves_is_harmless(raw in "/[ -~]{0,40}") {
            let rules = UriRules::default();
            let Ok(decoded) = uri_map::decode(raw.as_bytes(), rules) else { return Ok(()) };
            let Ok(cleaned) = uri_map::clean(&decoded) else { return Ok(()) };
            let sent = forwarded(raw.as_bytes(), &decoded, &cleaned, rules);
            proptest::prop_assert!(sent.iter().all(|b| keeps(*b) || *b == b'%'));
            let again = uri_map::decode(&sent, rules);
            proptest::prop_assert!(again.is_ok_and(|p| *uri_map::clean(&p).unwrap() == *cleaned));
        }
    }
}
