//! Texts to values, with mod_jk's liberties. Pure; whoever calls says what was wrong.

use crate::{blank::is_blank, directive::Choice};

/// A number, and what stood behind it and was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    pub(crate) value: i32,
    pub(crate) ignored: &'a str,
}

/// A whole number as mod_jk 1.2.51 reads it: sign and digits, then perhaps `k` or `m`. `None`
/// where there are no digits or the number is too large.
///
/// Up to 1.2.50 mod_jk read 0 where there were no digits, and looked for `k` and `m` at the end of
/// the whole value; the newer rule does what the older one looks like.
pub(crate) fn int(text: &str) -> Option<Number<'_>> {
    let text = text.trim_start_matches(is_blank);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let behind = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.strip_suffix(behind)?;
    let (factor, ignored) = match behind.strip_prefix(['k', 'K']) {
        Some(rest) => (1024, rest),
        None => match behind.strip_prefix(['m', 'M']) {
            Some(rest) => (1024 * 1024, rest),
            None => (1, behind),
        },
    };
    let scaled = digits.parse::<i64>().ok()?.checked_mul(factor)?;
    Some(Number {
        value: i32::try_from(scaled).ok()?,
        ignored,
    })
}

/// A flag, or `None` where the text is none.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "0" | "off" => Some(false),
        "1" | "on" => Some(true),
        text if text.starts_with(['f', 'n']) => Some(false),
        text if text.starts_with(['t', 'y']) => Some(true),
        _ => None,
    }
}

/// The choice that begins like the text.
pub(crate) fn choice(text: &str, choices: &'static [Choice]) -> Option<&'static str> {
    let initial = text.chars().next()?.to_ascii_lowercase();
    choices
        .iter()
        .find(|choice| choice.initials.contains(initial))
        .map(|choice| choice.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICES: &[Choice] = &[
        Choice {
            name: "active",
            initials: "a0",
        },
        Choice {
            name: "disabled",
            initials: "d1",
        },
    ];

    #[test]
    fn numbers_are_read_as_mod_jk_reads_them() {
        for (text, value, ignored) in [
            ("8009", 8009, ""),
            (" +5", 5, ""),
            ("-1", -1, ""),
            ("2.5", 2, ".5"),
            ("3*7", 3, "*7"),
            ("8k", 8192, ""),
            ("8K", 8192, ""),
            ("1m", 1_048_576, ""),
            ("1Mb", 1_048_576, "b"),
            ("10 k", 10, " k"),
            ("0x10", 0, "x10"),
            ("2147483647", i32::MAX, ""),
            ("-2147483648", i32::MIN, ""),
            ("-2097152k", i32::MIN, ""),
        ] {
            assert_eq!(int(text), Some(Number { value, ignored }), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_none() {
        for text in [
            "",
            "abc",
            "-",
            "+ 1",
            "k",
            "2147483648",
            "2097152k",
            "2048m",
            "99999999999999999999",
        ] {
            assert_eq!(int(text), None, "{text}");
        }
    }

    #[test]
    fn flags_are_known_by_word_or_first_character() {
        for text in ["on", "ON", "1", "true", "T", "yes", "Yikes"] {
            assert_eq!(flag(text), Some(true), "{text}");
        }
        for text in ["off", "Off", "0", "false", "F", "no", "never"] {
            assert_eq!(flag(text), Some(false), "{text}");
        }
        for text in ["", "2", "00", "01", "maybe", "onn", "o", "-1", "enabled"] {
            assert_eq!(flag(text), None, "{text}");
        }
    }

    #[test]
    fn choices_are_known_by_their_first_character() {
        assert_eq!(choice("Disabled", CHOICES), Some("disabled"));
        assert_eq!(choice("dog", CHOICES), Some("disabled"));
        assert_eq!(choice("1", CHOICES), Some("disabled"));
        assert_eq!(choice("0", CHOICES), Some("active"));
        assert_eq!(choice("x", CHOICES), None);
        assert_eq!(choice("", CHOICES), None);
    }
}
