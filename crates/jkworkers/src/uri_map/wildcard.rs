//! The three kinds of wildcards of httpd and mod_jk. Linear in space, never recursive.

/// mod_jk's: `?` is exactly one byte, `*` any run of bytes; `/` is a byte like any other.
///
/// Compares at most as many bytes as the text has, times the length of the pattern's longest part
/// without a `*`: behind a `*` each place is tried once, and what matched is never given up.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    run(pattern, text, |a, b| a == b)
}

/// The same, blind to ASCII case: `ServerAlias`.
pub(crate) fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    run(pattern, text, |a, b| a.eq_ignore_ascii_case(&b))
}

/// Walks both texts; on a mismatch lets the last `*` swallow one byte more.
fn run(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(&wanted) if wanted == b'?' || same(wanted, byte) => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    (p, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&b| b == b'*'))
}

/// Whether httpd takes a text for a file name pattern: `*`, `?` or a bracket expression.
pub(crate) fn is_glob(pattern: &[u8]) -> bool {
    let open = pattern.iter().position(|&b| b == b'[');
    let bracket = open
        .and_then(|at| pattern.get(at..))
        .is_some_and(|rest| rest.contains(&b']'));
    bracket || pattern.iter().any(|b| matches!(b, b'*' | b'?'))
}

/// File name patterns: `*`, `?` and `[…]`, none of which matches a `/`; `\` takes the next byte
/// literally.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    globbed(pattern, text, Some(b'/'))
}

/// The same, where a `/` is a byte like any other.
pub(crate) fn fnmatch(pattern: &[u8], text: &[u8]) -> bool {
    globbed(pattern, text, None)
}

/// `barrier` is the byte that no wildcard matches.
fn globbed(pattern: &[u8], text: &[u8], barrier: Option<u8>) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        if let Some(next) = one(pattern, p, byte, barrier) {
            (p, t) = (next, t + 1);
            continue;
        }
        match &mut star {
            Some((after, from)) if barrier.is_none() || text.get(*from) != barrier.as_ref() => {
                *from += 1;
                (p, t) = (*after, *from);
            }
            _ => return false,
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&b| b == b'*'))
}

/// Compares one element of a pattern with one byte; the answer is where the next element begins.
fn one(pattern: &[u8], p: usize, byte: u8, barrier: Option<u8>) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => (Some(byte) != barrier).then_some(p + 1),
        b'[' => match bracket(pattern, p + 1, byte) {
            Some((hit, next)) => (hit && Some(byte) != barrier).then_some(next),
            None => (byte == b'[').then_some(p + 1),
        },
        b'\\' => match pattern.get(p + 1) {
            Some(&literal) => (literal == byte).then_some(p + 2),
            None => (byte == b'\\').then_some(p + 1),
        },
        literal => (literal == byte).then_some(p + 1),
    }
}

/// A bracket expression from behind its `[`: whether it holds `byte`, and where it ends.
/// `None` when there is no closing bracket: the `[` is then a literal.
fn bracket(pattern: &[u8], start: usize, byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(start), Some(b'!' | b'^'));
    let first = start + usize::from(negated);
    let mut at = first;
    let mut hit = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((hit != negated, at + 1));
        }
        let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(&high)) if high != b']' => Some(high),
            _ => None,
        };
        hit |= (low..=high.unwrap_or(low)).contains(&byte);
        at += if high.is_some() { 3 } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_mounts() {
        for (pattern, text, expected) in [
            ("/app/*", "/app/", true),
            ("/app/*", "/app", false),
            ("/app/*.jsp", "/app/x/y.jsp", true),
            ("/app/*.jsp", "/app/x.jsp/z", false),
            ("/a?c", "/a/c", true),
            ("/a?c", "/ac", false),
            ("/**", "/", true),
            ("/*a*b", "/xaxaxb", true),
            ("/*a*b", "/xaxaxbc", false),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn patterns_of_files_and_locations() {
        for (pattern, text, expected) in [
            ("/app/*", "/app/x", true),
            ("/app/*", "/app/x/y", false),
            ("/*/y", "/app/y", true),
            ("/a?c", "/a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("/*/*/z", "/a/b/z", true),
            ("/[/]", "//", false),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(is_glob(b"/x[a]") && is_glob(b"*") && !is_glob(b"/x]a["));
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = "*a".repeat(200);
        let text = "a".repeat(4000) + "b";
        assert!(!matches(pattern.as_bytes(), text.as_bytes()));
        assert!(!glob(pattern.as_bytes(), text.as_bytes()));
    }
}
