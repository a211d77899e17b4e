//! What is written in a query, as the value of a setting: mod_jk's reading and its bounds.

use jkworkers::model::{Activation, Lock, Method};

use crate::edits::{Range, Value};

/// A name has at most so many bytes.
pub(super) const MAX_NAME: usize = 60;

/// Packets are at least so large, and at most.
const PACKETS: std::ops::RangeInclusive<i64> = 8192..=65536;

/// The value that is written; `None` where there is none that the setting may have, so that it
/// stays as it is. Texts are taken as they are.
pub(super) fn value(range: Range, text: &str) -> Option<Value> {
    match range {
        Range::Flag => flag(text).map(Value::Flag),
        Range::From(least) => number(text)
            .filter(|number| *number >= i64::from(least))
            .map(Value::Number),
        Range::Lock => Some(Value::Lock(lock(text))),
        Range::Method => Some(Value::Method(method(text))),
        Range::PacketSize => number(text)
            .map(|size| size.saturating_add(1023) & !1023)
            .filter(|size| PACKETS.contains(size))
            .map(Value::Number),
        Range::Text => Some(Value::Text(text.into())),
    }
}

/// By its first letter or digit; anything else is active.
pub(super) fn activation(text: &str) -> Activation {
    match first(text) {
        'd' | '1' => Activation::Disabled,
        's' | '2' => Activation::Stopped,
        _ => Activation::Active,
    }
}

fn flag(text: &str) -> Option<bool> {
    match first(text) {
        _ if text.eq_ignore_ascii_case("off") || text == "0" => Some(false),
        _ if text.eq_ignore_ascii_case("on") || text == "1" => Some(true),
        'f' | 'n' => Some(false),
        't' | 'y' => Some(true),
        _ => None,
    }
}

fn method(text: &str) -> Method {
    match first(text) {
        't' | '1' => Method::Traffic,
        'b' | '2' => Method::Busyness,
        's' | '3' => Method::Session,
        'n' | '4' => Method::Next,
        _ => Method::Request,
    }
}

fn lock(text: &str) -> Lock {
    match first(text) {
        'p' | '1' => Lock::Pessimistic,
        _ => Lock::Optimistic,
    }
}

fn first(text: &str) -> char {
    text.chars().next().unwrap_or(' ').to_ascii_lowercase()
}

/// As C reads it: as far as there are digits. `None` beyond what mod_jk can hold.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let digits = digits.get(..end.unwrap_or(digits.len()))?;
    if digits.is_empty() {
        return Some(0);
    }
    let number = digits.parse::<i32>().ok()?;
    Some(sign * i64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_bounds() {
        let from = |least, text| value(Range::From(least), text);
        let is = |number| Some(Value::Number(number));
        assert_eq!(from(0, "x"), is(0));
        assert_eq!(from(1, "x"), None);
        assert_eq!(from(1, " 12 apes"), is(12));
        assert_eq!(from(0, "-1"), None);
        assert_eq!(from(0, "2147483647"), is(2_147_483_647));
        for text in ["2147483648", "99999999999999999999", "\u{0663}", "0x10"] {
            assert_eq!(from(1, text), None, "{text}");
        }
    }

    #[test]
    fn packets_are_rounded_up() {
        let packet = |text| value(Range::PacketSize, text);
        assert_eq!(packet("9000"), Some(Value::Number(9216)));
        assert_eq!(packet("8000"), Some(Value::Number(8192)));
        assert_eq!(packet("65536"), Some(Value::Number(65536)));
        for text in ["7168", "65537", "-1", "", "2147483647"] {
            assert_eq!(packet(text), None, "{text}");
        }
    }

    #[test]
    fn flags_need_a_word() {
        for text in ["1", "on", "ON", "True", "yes", "t"] {
            assert_eq!(flag(text), Some(true), "{text}");
        }
        for text in ["0", "off", "Off", "False", "no", "F"] {
            assert_eq!(flag(text), Some(false), "{text}");
        }
        for text in ["", "2", "10", "x", "o"] {
            assert_eq!(flag(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_letter_counts() {
        assert_eq!(activation("Disabled"), Activation::Disabled);
        assert_eq!(activation("2"), Activation::Stopped);
        assert_eq!(activation("nonsense"), Activation::Active);
        assert_eq!(activation(""), Activation::Active);
        let methods = ["R", "traffic", "B", "s", "Next", "4", "?"].map(method);
        let expected = [
            Method::Request,
            Method::Traffic,
            Method::Busyness,
            Method::Session,
            Method::Next,
            Method::Next,
            Method::Request,
        ];
        assert_eq!(methods, expected);
        assert_eq!(["P", "1", "O", "x"].map(lock)[..2], [Lock::Pessimistic; 2]);
        assert_eq!(lock("x"), Lock::Optimistic);
    }
}
