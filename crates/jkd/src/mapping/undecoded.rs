//! Paths that cannot be decoded: what httpd has of them then, for logs, expressions and pages.

use std::borrow::Cow;

use jkworkers::uri_map::{self, BadUri, UriRules};

use crate::http1::Head;

/// The path of a target that cannot be decoded: as far as httpd got with it.
pub(crate) fn as_far_as_decoded(head: &Head, rules: UriRules) -> Vec<u8> {
    let raw = match head.path() {
        // Neither a path nor a URL.
        b"" => head.target().split(|b| *b == b'?').next(),
        path => Some(path),
    };
    let raw = raw.unwrap_or_default();
    let decoded = uri_map::decode(raw, rules).or_else(|error| match error {
        BadUri::EncodedSlash => {
            let resolved = uri_map::resolved_at_least(raw, rules);
            Ok(Cow::Owned(without_escapes(&resolved)))
        }
        BadUri::AboveRoot | BadUri::Escape => {
            Ok(Cow::Owned(uri_map::resolved_at_least(raw, rules)))
        }
        BadUri::Nul => {
            let end = raw.windows(3).position(|escape| escape == b"%00");
            let rest = end.and_then(|end| raw.get(..end));
            rest.map_or(Err(error), |rest| uri_map::decode(rest, rules))
        }
        BadUri::Relative => Err(error),
    });
    decoded.map_or_else(|_| raw.to_vec(), Cow::into_owned)
}

/// Each byte for what stands for it.
fn without_escapes(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(escaped) = escaped.filter(|_| *byte == b'%') {
            decoded.push(escaped);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            decoded.push(*byte);
            rest = behind;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_decoded_stays_as_far_as_it_got() {
        let rules = UriRules::default();
        for (target, expected) in [
            ("/a%zz?q", "/a%zz"),
            ("/a%2fb", "/a/b"),
            ("/..%2f", "/../"),
            ("/a//b/%2f%2f", "/a/b///"),
            ("/a/%2e%2e/%2f", "//"),
            ("/../x", "/x"),
            ("/%2E./..//x%20y", "/x%20y"),
            ("/%41/../../%42%20", "/B%20"),
            ("/a//./%62%zz/../%63/", "/a/c/"),
            ("/%41%20%zz%2f", "/A%20%zz%2f"),
            ("/a%20b%00c", "/a b"),
            ("a?q=1", "a"),
            ("/", "/"),
        ] {
            let head = Head::with("GET", target, &[]);
            let shown = as_far_as_decoded(&head, rules);
            assert_eq!(shown, expected.as_bytes(), "{target}");
        }
    }
}
