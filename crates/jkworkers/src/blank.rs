//! What separates words to httpd and mod_jk, and what only seems to.

/// C's `isspace`.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// What looks like a blank, or like nothing, and is none to httpd and mod_jk: web pages and word
/// processors are full of them.
pub(crate) fn is_foreign_blank(c: char) -> bool {
    !c.is_ascii()
        && (c.is_whitespace()
            || matches!(
                c,
                '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}'
            ))
}

/// What to do about one of those.
pub(crate) const REMEDY: &str =
    "Replace it by a plain blank, or save the file without byte order mark.";
