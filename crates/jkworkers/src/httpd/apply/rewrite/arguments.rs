//! The arguments of a line: mod_rewrite splits them by its own rules, which leave backslashes to
//! expressions.

/// Two arguments, and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) first: &'a str,
    pub(super) second: &'a str,
    pub(super) flags: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// `None` where there are too few arguments.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (first, rest) = argument(text)?;
        let (second, rest) = argument(rest)?;
        Some(Self {
            first,
            second,
            flags: argument(rest).map(|(flags, _)| flags),
        })
    }
}

/// The next argument and what stands behind it.
fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next()?;
    let quoted = matches!(quote, '"' | '\'');
    let text = if quoted { text.get(1..)? } else { text };
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let ends = if quoted {
            c == quote
        } else {
            c.is_ascii_whitespace()
        };
        if ends && !(escaped && c.is_ascii_whitespace()) {
            let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
            return Some((text.get(..at)?, rest));
        }
        escaped = c == '\\' && !escaped;
    }
    Some((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_end_at_blanks_and_quotes() {
        for (text, expected) in [
            ("^/a /b", Some(("^/a", "/b", None))),
            ("  ^/a\t/b  [R,L]", Some(("^/a", "/b", Some("[R,L]")))),
            (
                "\"^/a b\" '/b c' \"[R]\"",
                Some(("^/a b", "/b c", Some("[R]"))),
            ),
            (r"^/a\ b /c", Some((r"^/a\ b", "/c", None))),
            ("^/a [E=a:b c]", Some(("^/a", "[E=a:b", Some("c]")))),
            ("^/a", None),
            ("", None),
        ] {
            let line = Line::read(text);
            let line = line.map(|line| (line.first, line.second, line.flags));
            assert_eq!(line, expected, "{text}");
        }
    }
}
