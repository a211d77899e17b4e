//! Functions of a text alone.

use std::{fmt::Write as _, str};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use md5::{Digest as _, Md5};
use sha1::Sha1;

/// As `strtoll` reads a number: as much of the beginning as is one.
pub(super) fn number(text: &[u8]) -> i64 {
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == 11;
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0, |sum: i64, digit| {
        let digit = i64::from(digit - b'0');
        let sum = sum.saturating_mul(10);
        if negative {
            sum.saturating_sub(digit)
        } else {
            sum.saturating_add(digit)
        }
    })
}

pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .encode(text)
        .into_bytes()
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Up to the first byte that is none of base64, and up to a byte of value 0 in what that means.
pub(super) fn unbase64(text: &[u8]) -> Vec<u8> {
    let known = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let count = text.iter().take_while(known).count();
    // A single digit at the end means nothing.
    let count = if count % 4 == 1 { count - 1 } else { count };
    let digits = text.get(..count).unwrap_or_default();
    let mut meant = LENIENT.decode(digits).unwrap_or_default();
    if let Some(end) = meant.iter().position(|b| *b == 0) {
        meant.truncate(end);
    }
    meant
}

pub(super) fn md5(text: &[u8]) -> Vec<u8> {
    hexadecimal(&Md5::digest(text))
}

pub(super) fn sha1(text: &[u8]) -> Vec<u8> {
    hexadecimal(&Sha1::digest(text))
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into_bytes()
}

/// As httpd escapes a path.
pub(super) fn escape(text: &[u8]) -> Vec<u8> {
    let kept = b"$-_.+!*'(),:@&=/~;";
    replaced(
        text,
        |b| b.is_ascii_alphanumeric() || kept.contains(&b),
        '%',
    )
}

/// As RFC 4514 and RFC 4515 have it of texts in names and in filters.
pub(super) fn ldap(text: &[u8]) -> Vec<u8> {
    let special = b"*()\\\0,+\"<>;";
    replaced(text, |b| !special.contains(&b), '\\')
}

/// Each byte that is not kept becomes a mark and two digits.
fn replaced(text: &[u8], keeps: impl Fn(u8) -> bool, mark: char) -> Vec<u8> {
    let mut made = Vec::with_capacity(text.len());
    for &byte in text {
        if keeps(byte) {
            made.push(byte);
        } else {
            made.extend_from_slice(format!("{mark}{byte:02x}").as_bytes());
        }
    }
    made
}

/// `%41` becomes `A`; `%2f` stays. `None` where an escape is none, or means a byte of value 0.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut made = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            made.push(byte);
            continue;
        }
        let digits = behind.get(..2)?;
        let digits = str::from_utf8(digits).ok()?;
        let meant = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let meant = meant.then(|| u8::from_str_radix(digits, 16).ok())??;
        match meant {
            0 => return None,
            b'/' => {
                made.push(b'%');
                made.extend_from_slice(digits.as_bytes());
            }
            other => made.push(other),
        }
        rest = behind.get(2..)?;
    }
    Some(made)
}
