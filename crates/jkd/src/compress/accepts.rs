//! `Accept-Encoding`, as mod_deflate reads it: the first `gzip` counts, and with it the parameter
//! behind it.

/// Whether the client takes gzip.
pub(super) fn gzip(field: &[u8]) -> bool {
    let mut rest = field;
    loop {
        let (name, behind) = token(rest, false);
        if name.is_empty() {
            return false;
        }
        if name.eq_ignore_ascii_case(b"gzip") {
            return !is_refused(behind);
        }
        let mut behind = behind;
        while let Some(parameter) = behind.strip_prefix(b";") {
            (_, behind) = token(parameter, true);
        }
        rest = behind.strip_prefix(b",").unwrap_or(behind);
    }
}

/// Whether what stands behind a name says that it is not wanted: `;q=0`.
fn is_refused(mut behind: &[u8]) -> bool {
    while let Some(rest) = behind.strip_prefix(b";") {
        behind = rest;
    }
    let (quality, _) = token(behind, true);
    quality.len() >= 3 && b"q=0.000".starts_with(quality)
}

/// The next token, and what stands behind it. `blanks`: they belong to it.
fn token(text: &[u8], blanks: bool) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let mut quoted = false;
    let ends = |b: &u8| {
        quoted ^= *b == b'"';
        !quoted && (matches!(b, b';' | b',') || (!blanks && b.is_ascii_whitespace()))
    };
    let end = text.iter().position(ends).unwrap_or(text.len());
    let (token, rest) = text.split_at_checked(end).unwrap_or((text, b""));
    (token, rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_take_gzip_or_not() {
        for (field, expected) in [
            ("gzip", true),
            ("GZip", true),
            ("gzip, deflate, br", true),
            ("deflate, gzip", true),
            ("deflate;q=0.5, gzip;q=0.1", true),
            ("deflate ; q=1 , gzip", true),
            ("br;a;b , gzip", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("gzip;q=0.000", false),
            ("gzip;q=0.001", true),
            ("gzip;;q=0", false),
            ("gzip;Q=0", true),
            ("gzip;q=1", true),
            ("deflate", false),
            ("*", false),
            ("x-gzip", false),
            ("identity", false),
            ("", false),
            (",gzip", false),
            ("\"gzip\"", false),
        ] {
            assert_eq!(gzip(field.as_bytes()), expected, "{field}");
        }
    }
}
