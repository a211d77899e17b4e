//! Numbers as C's `atoi` reads them, and with it mod_jk.

/// The number at the begin of a text, blanks and a sign before it included; 0 where there is none.
pub fn atoi(text: &[u8]) -> i32 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    let number = digits.fold(0i32, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(i32::from(digit - b'0'))
    });
    if negative { -number } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("", 0),
            ("x", 0),
            ("12x3", 12),
            (" \t-7", -7),
            ("+5", 5),
            ("--5", 0),
            ("99999999999", i32::MAX),
            ("%2012", 0),
        ] {
            assert_eq!(atoi(text.as_bytes()), expected, "{text}");
        }
    }
}
