//! Lines and words of httpd's configuration language.

use crate::blank::{is_blank, is_foreign_blank};

/// A logical line: physical lines joined where one ends with a backslash.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The number of its first physical line, counted from 1.
    pub(super) number: u32,
    /// The text without the backslashes and line ends, not trimmed.
    pub(super) text: String,
}

/// Joins continued lines. A backslash continues when it is the very last character, also in a
/// comment, and also when another backslash stands before it.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut result = Vec::new();
    let mut open: Option<Line> = None;
    for (number, physical) in (1..).zip(text.split_inclusive('\n')) {
        let ended = physical.strip_suffix('\n');
        let content = ended.map_or(physical, |l| l.strip_suffix('\r').unwrap_or(l));
        let mut line = open.take().unwrap_or(Line {
            number,
            text: String::new(),
        });
        match content.strip_suffix('\\') {
            Some(continued) if ended.is_some() => {
                line.text.push_str(continued);
                open = Some(line);
            }
            _ => {
                line.text.push_str(content);
                result.push(line);
            }
        }
    }
    result.extend(open);
    result
}

/// Takes the first word; the rest begins with the next one.
///
/// A word in `"` or `'` ends at the same quote, where a backslash escapes that quote and itself.
/// Any other word ends at a blank; there a backslash escapes only itself.
pub(super) fn word(text: &str) -> Option<(String, &str)> {
    scan(text).map(|scanned| (scanned.word, scanned.rest))
}

/// The first word, what follows, and the quote that begins the word if nothing ends it.
struct Scanned<'a> {
    word: String,
    rest: &'a str,
    open: Option<char>,
}

fn scan(text: &str) -> Option<Scanned<'_>> {
    let text = trim_start(text);
    let first = text.chars().next()?;
    let quote = matches!(first, '"' | '\'').then_some(first);
    let body = match quote {
        Some(quote) => text.strip_prefix(quote).unwrap_or(text),
        None => text,
    };
    let mut result = String::new();
    let mut chars = body.char_indices().peekable();
    let mut end = body.len();
    let mut open = quote;
    while let Some((at, c)) = chars.next() {
        if Some(c) == quote || quote.is_none() && is_blank(c) {
            end = at + if quote.is_some() { c.len_utf8() } else { 0 };
            open = None;
            break;
        }
        let escaped = chars.next_if(|&(_, n)| c == '\\' && (n == '\\' || Some(n) == quote));
        result.push(escaped.map_or(c, |(_, n)| n));
    }
    Some(Scanned {
        word: result,
        rest: trim_start(body.get(end..).unwrap_or_default()),
        open,
    })
}

/// All words.
pub(super) fn words(mut text: &str) -> Vec<String> {
    let mut result = Vec::new();
    while let Some((word, rest)) = word(text) {
        result.push(word);
        text = rest;
    }
    result
}

/// The quote that begins the last word and is never closed.
pub(super) fn open_quote(mut text: &str) -> Option<char> {
    loop {
        let scanned = scan(text)?;
        if scanned.open.is_some() {
            return scanned.open;
        }
        text = scanned.rest;
    }
}

pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// The first blank that copy-paste brings and that httpd takes for a part of a word, outside of
/// quotes.
pub(super) fn foreign_blank(text: &str) -> Option<char> {
    let mut quote = None;
    for c in text.chars() {
        match quote {
            None if is_foreign_blank(c) => return Some(c),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn continued_lines_join() {
        let text = "a \\\n  b\nc\\\\\nd\\\r\ne\r\nf \\ \n# g \\\nh\n\nlast\\";
        let lines = lines(text);
        let found: Vec<_> = lines.iter().map(|l| (l.number, &*l.text)).collect();
        assert_eq!(
            found,
            [
                (1, "a   b"),
                (3, "c\\de"),
                (6, "f \\ "),
                (7, "# g h"),
                (9, ""),
                (10, "last\\"),
            ]
        );
    }

    #[test]
    fn words_as_httpd_splits_them() {
        for (text, expected) in [
            ("", &[][..]),
            ("  a  b\t c ", &["a", "b", "c"]),
            (r#""a b" 'c d'"#, &["a b", "c d"]),
            (r#""a \"b\" \\ \n""#, &[r#"a "b" \ \n"#]),
            (r#"'it\'s' "x"y"#, &["it's", "x", "y"]),
            (r#"a\\b a\ b c"d e""#, &[r"a\b", r"a\", "b", "c\"d", "e\""]),
            (r#""open"#, &["open"]),
            (r#""" x"#, &["", "x"]),
            ("a\u{3000}b \u{a0}c", &["a\u{3000}b", "\u{a0}c"]),
            ("\"a\u{3000}b\"", &["a\u{3000}b"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn quotes_that_stay_open_are_seen() {
        for (text, quote) in [
            ("a b", None),
            ("a \"b c\" ", None),
            ("\"a\" \"b", Some('"')),
            ("\"/a/* app", Some('"')),
            ("'it", Some('\'')),
            ("it's", None),
            ("\"", Some('"')),
            ("\"\"", None),
            (r#""a \"b\"""#, None),
            (r#""a \"b\""#, Some('"')),
        ] {
            assert_eq!(open_quote(text), quote, "{text}");
        }
    }

    #[test]
    fn foreign_blanks_are_told_outside_of_quotes() {
        assert_eq!(foreign_blank("a\u{a0}b"), Some('\u{a0}'));
        assert_eq!(foreign_blank("a \"b\u{a0}c\" d"), None);
    }

    proptest! {
        #[test]
        fn lines_keep_every_character(text in r"[a\\\r\n ]{0,20}") {
            let kept: String = lines(&text).iter().map(|l| &*l.text).collect();
            prop_assert!(kept.len() <= text.len());
            prop_assert_eq!(kept.matches('a').count(), text.matches('a').count());
        }

        #[test]
        fn words_end(text: String) {
            prop_assert!(words(&text).len() <= text.chars().count());
        }
    }
}
