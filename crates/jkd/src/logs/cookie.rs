//! `%{NAME}C`.

/// The value of a cookie as httpd finds it in a `Cookie` header: names in any case, blanks around
/// names and values do not count, empty values are none.
pub(super) fn find<'a>(header: &'a [u8], name: &str) -> Option<&'a [u8]> {
    header.split(|b| *b == b';').find_map(|pair| {
        let equals = pair.iter().position(|b| *b == b'=')?;
        let (key, value) = pair.split_at(equals);
        let value = value.get(1..)?;
        let found = key.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        (found && !value.is_empty()).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_httpd_finds_them() {
        let header = b"a=1; sid = x y ; b=\"2=3\"; empty=; SID=2";
        for (name, expected) in [
            ("a", Some("1")),
            ("Sid", Some("x y")),
            ("b", Some("\"2=3\"")),
            ("empty", None),
            ("c", None),
        ] {
            assert_eq!(find(header, name), expected.map(str::as_bytes), "{name}");
        }
    }
}
