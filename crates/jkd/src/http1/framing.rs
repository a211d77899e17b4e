//! What the fields of a request say about its body and its connection (RFC 9112, sections 6 and 9).

use http::Version;

use super::{Fields, outgoing::number};
use crate::strict::Refusal;

/// What a request says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyLength {
    /// There is none.
    None,
    /// `Content-Length`, not zero.
    Known(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

impl BodyLength {
    /// `JkIgnoreCLIndicator`: a length that is `ignored` is as good as none.
    pub(crate) const fn unless(self, ignored: bool) -> Self {
        match self {
            Self::Known(_) if ignored => Self::Chunked,
            body => body,
        }
    }

    /// Whether it is known to be longer than so much, bytes.
    pub(crate) fn exceeds(self, most: u64) -> bool {
        self.known().is_some_and(|length| length > most)
    }

    /// The length, where it is known. No body has the length 0.
    pub(crate) const fn known(self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Known(length) => Some(length),
            Self::Chunked => None,
        }
    }
}

/// What the fields that are about the message itself say, found in one walk over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) body: BodyLength,
    /// Whether there is a `Cookie` field.
    pub(crate) has_cookies: bool,
    /// Whether the client waits for `100 Continue` before it sends its body.
    pub(crate) expects_continue: bool,
    /// Whether the client expects something that nobody knows.
    pub(crate) surprises: bool,
    /// Whether the client wants the connection to stay open, and says so.
    pub(crate) asks_to_stay: bool,
    /// Whether the connection can be used again.
    pub(crate) persists: bool,
}

/// The fields to be looked at.
#[derive(Default)]
struct Found<'a> {
    coding: Only<'a>,
    length: Only<'a>,
    expects: Only<'a>,
    closes: bool,
    stays: bool,
    has_cookies: bool,
}

/// A field that may occur once.
#[derive(Clone, Copy, Default)]
enum Only<'a> {
    #[default]
    Absent,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Only<'a> {
    const fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

impl Framing {
    /// Reads it off the fields of a request.
    ///
    /// # Errors
    ///
    /// Where it cannot be told with certainty where the request ends.
    pub(super) fn of(version: Version, fields: &Fields) -> Result<Self, Refusal> {
        let found = Found::of(fields);
        let length = found.length()?;
        let is_new = version == Version::HTTP_11;
        let body = match (found.is_chunked()?, length) {
            // Somebody before may have gone by the other one (RFC 9112, section 6.1).
            (true, Some(_)) => return Err(Refusal::BothLengths),
            (true, None) => BodyLength::Chunked,
            (false, None | Some(0)) => BodyLength::None,
            (false, Some(length)) => BodyLength::Known(length),
        };
        if body == BodyLength::Chunked && !is_new {
            // The version has no codings: whoever passed it on may have read it otherwise.
            return Err(Refusal::Coding);
        }
        Ok(Self {
            body,
            has_cookies: found.has_cookies,
            expects_continue: found.expects_continue() && is_new,
            surprises: found.surprises(),
            asks_to_stay: found.stays,
            persists: !found.closes && (is_new || found.stays),
        })
    }
}

impl<'a> Found<'a> {
    fn of(fields: &'a Fields) -> Self {
        let mut found = Self::default();
        for (name, value) in fields.iter() {
            let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
            match name.len() {
                6 if is(b"cookie") => found.has_cookies = true,
                6 if is(b"expect") => found.expects.add(value),
                10 if is(b"connection") => {
                    found.closes |= has_token(value, b"close");
                    found.stays |= has_token(value, b"keep-alive");
                }
                14 if is(b"content-length") => found.length.add(value),
                17 if is(b"transfer-encoding") => found.coding.add(value),
                _ => {}
            }
        }
        found
    }

    fn expects_continue(&self) -> bool {
        matches!(self.expects, Only::Once(value) if value.eq_ignore_ascii_case(b"100-continue"))
    }

    fn surprises(&self) -> bool {
        match self.expects {
            Only::Absent | Only::Once(b"") => false,
            Only::Once(_) => !self.expects_continue(),
            Only::Repeated => true,
        }
    }

    fn is_chunked(&self) -> Result<bool, Refusal> {
        match self.coding {
            Only::Absent => Ok(false),
            Only::Once(one) if one.eq_ignore_ascii_case(b"chunked") => Ok(true),
            // As in httpd: codings that are not known, where at least the end could be found.
            Only::Once(list) if ends_with_token(list, b"chunked") => Err(Refusal::TransferCoding),
            // Whoever takes one field of several takes another one than the next.
            Only::Once(_) | Only::Repeated => Err(Refusal::Coding),
        }
    }

    /// Backends count bodies in signed 64-bit numbers.
    fn length(&self) -> Result<Option<u64>, Refusal> {
        let digits = match self.length {
            Only::Absent => return Ok(None),
            Only::Once(digits) => digits,
            Only::Repeated => return Err(Refusal::Length),
        };
        let countable = |number: &u64| i64::try_from(*number).is_ok();
        let number = number(digits).filter(countable);
        number.map(Some).ok_or(Refusal::Length)
    }
}

fn ends_with_token(list: &[u8], token: &[u8]) -> bool {
    let last = list.rsplit(|b| *b == b',').next().unwrap_or_default();
    last.trim_ascii().eq_ignore_ascii_case(token)
}

/// Whether a list has this member.
pub(super) fn has_token(list: &[u8], token: &[u8]) -> bool {
    let mut members = list.split(|b| *b == b',');
    members.any(|member| member.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: Version, list: &[(&str, &str)]) -> Result<Framing, Refusal> {
        let mut fields = Fields::default();
        for (name, value) in list {
            fields.add(name.as_bytes(), value.as_bytes());
        }
        Framing::of(version, &fields)
    }

    fn body(list: &[(&str, &str)]) -> Result<BodyLength, Refusal> {
        of(Version::HTTP_11, list).map(|framing| framing.body)
    }

    #[test]
    fn only_chunked_is_a_transfer_coding() {
        let coded = |value| body(&[("Transfer-Encoding", value)]);
        assert_eq!(coded("chunked"), Ok(BodyLength::Chunked));
        assert_eq!(coded("Chunked"), Ok(BodyLength::Chunked));
        for bad in ["gzip, chunked", "chunked, chunked", ",chunked"] {
            assert_eq!(coded(bad), Err(Refusal::TransferCoding), "{bad}");
        }
        for bad in ["chunked, gzip", "identity", "", "chunked;q=1"] {
            assert_eq!(coded(bad), Err(Refusal::Coding), "{bad}");
        }
        let twice = [("transfer-encoding", "chunked"); 2];
        assert_eq!(body(&twice), Err(Refusal::Coding));
    }

    #[test]
    fn a_length_is_one_number() {
        let long = |value| body(&[("Content-Length", value)]);
        assert_eq!(long("0"), Ok(BodyLength::None));
        assert_eq!(long("0005"), Ok(BodyLength::Known(5)));
        let most = i64::MAX as u64;
        assert_eq!(long("9223372036854775807"), Ok(BodyLength::Known(most)));
        for bad in [
            "9223372036854775808",
            "99999999999999999999",
            "",
            "+5",
            "-5",
            "5,5",
            "5 5",
            "0x5",
            "5.0",
        ] {
            assert_eq!(long(bad), Err(Refusal::Length), "{bad}");
        }
        assert_eq!(body(&[("content-length", "5"); 2]), Err(Refusal::Length));
    }

    #[test]
    fn two_lengths_are_none_and_old_versions_have_no_chunks() {
        for length in ["5", "0"] {
            let both = [("content-length", length), ("transfer-encoding", "chunked")];
            assert_eq!(of(Version::HTTP_11, &both), Err(Refusal::BothLengths));
            assert_eq!(of(Version::HTTP_10, &both[1..]), Err(Refusal::Coding));
        }
    }

    #[test]
    fn only_one_expectation_is_known() {
        let expect = |version, value| of(version, &[("content-length", "1"), ("expect", value)]);
        let said = |framing: Result<Framing, _>| framing.map(|f| (f.expects_continue, f.surprises));
        let new = |value| said(expect(Version::HTTP_11, value));
        let old = |value| said(expect(Version::HTTP_10, value));
        assert_eq!(new("100-Continue"), Ok((true, false)));
        assert_eq!(new("200-ok"), Ok((false, true)));
        assert_eq!(old("100-continue"), Ok((false, false)));
        assert_eq!(old("200-ok"), Ok((false, true)));
        assert_eq!(new(""), Ok((false, false)));
        let twice = [("expect", "100-continue"); 2];
        assert_eq!(said(of(Version::HTTP_11, &twice)), Ok((false, true)));
    }

    #[test]
    fn connections_persist_as_their_version_has_it() {
        for (version, value, expected) in [
            (Version::HTTP_11, "", true),
            (Version::HTTP_11, "x, Close", false),
            (Version::HTTP_11, "keep-alive,close", false),
            (Version::HTTP_10, "", false),
            (Version::HTTP_10, "Keep-Alive", true),
            (Version::HTTP_10, "keep-alive, close", false),
        ] {
            let framing = of(version, &[("connection", value)]).unwrap();
            assert_eq!(framing.persists, expected, "{version:?} {value}");
        }
    }
}
