//! What PCRE takes in another sense than the `regex` crate.

/// Whether an expression means something else to PCRE than to the `regex` crate, although both
/// take it.
pub(super) fn is_foreign(text: &str) -> bool {
    let mut scan = Scan::default();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { return false };
        rest = chars.as_str();
        if scan.is_foreign(c, chars.next()) {
            return true;
        }
        if c == '\\' {
            rest = chars.as_str();
        } else if c == '(' && scan.class.is_none() && has_foreign_flag(rest) {
            return true;
        } else if c == '[' && rest.starts_with(':') && scan.class.is_some() {
            let Some(behind) = behind_named_class(rest) else {
                return true;
            };
            rest = behind;
        }
    }
}

/// What stands behind `:alpha:]`. Where it looks like that and is not, every engine has its own view.
fn behind_named_class(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix(':')?;
    let name = name.strip_prefix('^').unwrap_or(name);
    name.trim_start_matches(|c: char| c.is_ascii_lowercase())
        .strip_prefix(":]")
}

/// Whether flags stand behind a `(` that PCRE takes for recursion, does not have, or does not
/// extend to `[…]`.
fn has_foreign_flag(behind: &str) -> bool {
    let flags = behind.strip_prefix('?').unwrap_or_default();
    let mut flags = flags
        .chars()
        .take_while(|c| matches!(c, 'A'..='Z' | 'a'..='z' | '-'));
    flags.any(|flag| matches!(flag, 'R' | 'u' | 'x'))
}

#[derive(Default)]
struct Scan {
    /// How many characters of a class in `[…]` have been seen.
    class: Option<usize>,
    /// The last character was a quantifier, and it is not known yet what kind.
    quantified: bool,
}

impl Scan {
    fn is_foreign(&mut self, c: char, next: Option<char>) -> bool {
        // More than one character to PCRE.
        if (c, next) == ('\\', Some('v')) {
            return true;
        }
        match self.class {
            Some(seen) => self.is_foreign_in_class(c, next, seen),
            None => self.is_foreign_outside(c, next),
        }
    }

    /// Classes in classes, and operators between classes, are the `regex` crate's own.
    fn is_foreign_in_class(&mut self, c: char, next: Option<char>, seen: usize) -> bool {
        self.class = match c {
            // `[^` and a `]` that stands first belong to the class.
            ']' if seen > 0 => None,
            '^' if seen == 0 => Some(0),
            _ => Some(seen + 1),
        };
        match (c, next) {
            ('[', Some(':')) => false,
            ('[', _) => true,
            ('&' | '-' | '~', Some(next)) => next == c,
            _ => false,
        }
    }

    /// `a++` is possessive, and `\<` is no escape.
    fn is_foreign_outside(&mut self, c: char, next: Option<char>) -> bool {
        let was_quantified = std::mem::take(&mut self.quantified);
        match (c, next) {
            ('[', _) => self.class = Some(0),
            ('\\', Some('<' | '>')) => return true,
            ('+', _) if was_quantified => return true,
            ('*' | '+' | '?' | '}', _) => self.quantified = !was_quantified,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_else_is_known() {
        for text in [
            "a++",
            "a{2}+",
            "a?+b",
            "[a[b]",
            "[a&&b]",
            "[+--]",
            "\\v",
            "[\\v]",
            "a((?R)|b)",
            "(?i-x:a)",
            "\\<a",
            "[[:a]b:]",
            "[[:\u{2}a:]]",
        ] {
            assert!(is_foreign(text), "{text}");
        }
    }

    #[test]
    fn what_looks_like_it_is_not() {
        for text in [
            "\\++",
            "[+]+",
            "[]a]+$",
            "[^]a]+",
            "[[:alpha:]]+[[:digit:]]",
            "[[:alpha:]*+]$",
            "[[:^digit:]a]",
            "a*?",
            "[\\[]",
            "(?P<x>a)(?<Ru>b)(?i:C)",
            "\\(?R[(?u]",
            "\\\\v",
            "a-{1}-",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
    }
}
