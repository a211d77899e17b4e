//! `Authorization: Basic …` (RFC 7617), read as httpd does.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// A user's name and password. Both are bytes: what they mean was never agreed on.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// Longer ones belong to nobody.
const LONGEST: usize = 8192;

/// httpd looks neither at padding nor at the bits that are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Credentials {
    /// Reads the value of an `Authorization` header. What stands behind the first character that
    /// is none of base64 does not count; where there is no colon, there is no password.
    ///
    /// `None`: it is of another scheme, or longer than anybody's.
    pub(crate) fn parse(header: &[u8]) -> Option<Self> {
        let end = header.iter().position(|&b| b == b' ');
        let (scheme, rest) = header.split_at_checked(end.unwrap_or(header.len()))?;
        if !scheme.eq_ignore_ascii_case(b"Basic") || rest.len() > LONGEST {
            return None;
        }
        let rest = rest.trim_ascii_start();
        let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        let length = rest.iter().take_while(|b| is_base64(b)).count();
        // One character alone is not a byte yet.
        let length = if length % 4 == 1 { length - 1 } else { length };
        let decoded = BASE64.decode(rest.get(..length)?).ok()?;
        let text = decoded.split(|&b| b == 0).next().unwrap_or_default();
        let mut parts = text.splitn(2, |&b| b == b':');
        let mut next = || parts.next().unwrap_or_default().to_vec();
        Some(Self {
            user: next(),
            password: next(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let tim = Some(("tim", "pw"));
        for (header, expected) in [
            ("Basic dGltOnB3", tim),
            ("basic dGltOnB3", tim),
            ("Basic   dGltOnB3", tim),
            ("Basic dGltOnB3 x", tim),
            ("Basic dGltOnB3, Basic eDp5", tim),
            ("Basic dGltOnB3A", tim),
            ("Basic dGltOnB3AHg=", tim),
            ("Basic dGltOnB3MQ==", Some(("tim", "pw1"))),
            ("Basic dGltOnB3MQ", Some(("tim", "pw1"))),
            ("Basic dGltOg==", Some(("tim", ""))),
            ("Basic OnB3", Some(("", "pw"))),
            ("Basic dGltOmE6Yg==", Some(("tim", "a:b"))),
            ("Basic dGlt", Some(("tim", ""))),
            ("Basic\tdGltOnB3", None),
            ("Basic", Some(("", ""))),
            ("Basic ", Some(("", ""))),
            ("Basic !!!", Some(("", ""))),
            ("\"Basic\" dGlt", None),
            ("Bearer dGltOnB3", None),
            ("", None),
        ] {
            let found = Credentials::parse(header.as_bytes());
            let found = found.map(|c| {
                let text = |bytes| String::from_utf8(bytes).unwrap();
                (text(c.user), text(c.password))
            });
            let found = found
                .as_ref()
                .map(|(user, password)| (&**user, &**password));
            assert_eq!(found, expected, "{header}");
        }
        let long = format!("Basic {}", "A".repeat(9000));
        assert!(Credentials::parse(long.as_bytes()).is_none());
    }
}
