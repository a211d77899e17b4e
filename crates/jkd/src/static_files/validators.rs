//! Whether the client has a file already: entity tags, dates, and the conditions that look at them
//! (RFC 9110, section 13), as httpd makes and checks them.

use std::time::{Duration, SystemTime};

use http::Method;
use jkworkers::model::ETagParts;

/// What tells one version of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validators {
    pub(crate) etag: Option<String>,
    pub(crate) modified: SystemTime,
    now: SystemTime,
}

/// What is known of an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) size: u64,
    pub(crate) inode: u64,
    pub(crate) modified: SystemTime,
}

/// What a client says about what it has.
#[allow(clippy::struct_field_names, reason = "the names of the fields")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions<'a> {
    pub(crate) if_match: Option<&'a [u8]>,
    pub(crate) if_none_match: Option<&'a [u8]>,
    pub(crate) if_modified_since: Option<&'a [u8]>,
    pub(crate) if_unmodified_since: Option<&'a [u8]>,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// The file is sent.
    Yes,
    /// 304
    NotModified,
    /// 412
    No,
}

impl Validators {
    /// A file that has changed within the last second may do so again: its tag is weak.
    pub(crate) fn new(facts: Facts, parts: ETagParts, now: SystemTime) -> Self {
        let age = now.duration_since(facts.modified).unwrap_or_default();
        let weak = if age > Duration::from_secs(1) {
            ""
        } else {
            "W/"
        };
        let micros = (facts.modified.duration_since(SystemTime::UNIX_EPOCH)).unwrap_or_default();
        let values = [
            (parts.inode, u128::from(facts.inode)),
            (parts.size, u128::from(facts.size)),
            (parts.mtime, micros.as_micros()),
        ];
        let values = values.iter().filter(|(wanted, _)| *wanted);
        let values: Vec<_> = values.map(|(_, value)| format!("{value:x}")).collect();
        Self {
            etag: (!values.is_empty()).then(|| format!("{weak}\"{}\"", values.join("-"))),
            // A date in the future would be one that nobody has seen.
            modified: facts.modified.min(now),
            now,
        }
    }

    /// What the conditions come to.
    pub(crate) fn check(&self, asked: Conditions<'_>, method: &Method) -> Met {
        if let Some(field) = asked.if_match {
            if !self.is_among(field, Comparison::Strong) {
                return Met::No;
            }
        } else if asked
            .if_unmodified_since
            .and_then(date)
            .is_some_and(|date| self.second() > date)
        {
            return Met::No;
        }
        let reads = *method == Method::GET || *method == Method::HEAD;
        match (asked.if_none_match, asked.if_modified_since.and_then(date)) {
            (Some(field), _) if !self.is_among(field, Comparison::Weak) => Met::Yes,
            (Some(_), _) if reads => Met::NotModified,
            (Some(_), _) => Met::No,
            // A date in the future is none.
            (None, Some(date)) if reads && self.second() <= date && date <= self.now => {
                Met::NotModified
            }
            _ => Met::Yes,
        }
    }

    /// `If-Range`: whether the file is still the one that the client has begun to read.
    pub(crate) fn is_current(&self, field: &[u8]) -> bool {
        match date(field) {
            Some(date) => date == self.second(),
            None => self.is_among(field, Comparison::Strong) && field != b"*",
        }
    }

    fn is_among(&self, field: &[u8], comparison: Comparison) -> bool {
        if field.trim_ascii() == b"*" {
            return true;
        }
        let Some(own) = self.etag.as_deref() else {
            return false;
        };
        let mut tags = field.split(|&b| b == b',').map(<[u8]>::trim_ascii);
        tags.any(|tag| comparison.holds(tag, own.as_bytes()))
    }

    /// Dates in HTTP know no parts of seconds.
    fn second(&self) -> SystemTime {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }
}

/// RFC 9110, section 8.8.3.2.
#[derive(Clone, Copy)]
enum Comparison {
    Strong,
    Weak,
}

impl Comparison {
    fn holds(self, one: &[u8], other: &[u8]) -> bool {
        let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
        match self {
            Self::Strong => one == other && !one.starts_with(b"W/"),
            Self::Weak => opaque(one) == opaque(other),
        }
    }
}

fn date(field: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(field).ok()?;
    httpdate::parse_http_date(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &[u8] = b"Wed, 01 Jan 2020 00:00:00 GMT";
    const BEFORE: &[u8] = b"Tue, 31 Dec 2019 23:59:59 GMT";

    fn facts() -> Facts {
        Facts {
            size: 29,
            inode: 255,
            modified: httpdate::parse_http_date("Wed, 01 Jan 2020 00:00:00 GMT").unwrap(),
        }
    }

    fn validators() -> Validators {
        Validators::new(facts(), ETagParts::default(), SystemTime::now())
    }

    #[test]
    fn tags_are_httpds() {
        assert_eq!(validators().etag.as_deref(), Some("\"1d-59b08c1fa4000\""));
        let all = ETagParts {
            inode: true,
            mtime: true,
            size: true,
        };
        let now = facts().modified + Duration::from_secs(1);
        let weak = Validators::new(facts(), all, now);
        assert_eq!(weak.etag.as_deref(), Some("W/\"ff-1d-59b08c1fa4000\""));
        let none = ETagParts {
            inode: false,
            mtime: false,
            size: false,
        };
        let future = Validators::new(facts(), none, now - Duration::from_secs(60));
        assert_eq!(future.etag, None);
        assert_eq!(future.modified, now - Duration::from_secs(60));
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn conditions_are_checked_in_their_order() {
        const OWN: &[u8] = b"\"1d-59b08c1fa4000\"";
        let none = Conditions::default();
        for (asked, get, post) in [
            (none, Met::Yes, Met::Yes),
            (
                Conditions {
                    if_none_match: Some(b"*"),
                    ..none
                },
                Met::NotModified,
                Met::No,
            ),
            (
                Conditions {
                    if_none_match: Some(OWN),
                    ..none
                },
                Met::NotModified,
                Met::No,
            ),
            (
                Conditions {
                    if_none_match: Some(b"\"z\" , W/\"1d-59b08c1fa4000\""),
                    ..none
                },
                Met::NotModified,
                Met::No,
            ),
            (
                Conditions {
                    if_match: Some(OWN),
                    ..none
                },
                Met::Yes,
                Met::Yes,
            ),
            (
                Conditions {
                    if_match: Some(b"*"),
                    ..none
                },
                Met::Yes,
                Met::Yes,
            ),
            (
                Conditions {
                    if_match: Some(b"\"x\""),
                    ..none
                },
                Met::No,
                Met::No,
            ),
            (
                Conditions {
                    if_match: Some(b"W/\"1d-59b08c1fa4000\""),
                    ..none
                },
                Met::No,
                Met::No,
            ),
            (
                Conditions {
                    if_modified_since: Some(DAY),
                    ..none
                },
                Met::NotModified,
                Met::Yes,
            ),
            (
                Conditions {
                    if_modified_since: Some(BEFORE),
                    ..none
                },
                Met::Yes,
                Met::Yes,
            ),
            (
                Conditions {
                    if_modified_since: Some(b"junk"),
                    ..none
                },
                Met::Yes,
                Met::Yes,
            ),
            (
                Conditions {
                    if_unmodified_since: Some(DAY),
                    ..none
                },
                Met::Yes,
                Met::Yes,
            ),
            (
                Conditions {
                    if_unmodified_since: Some(BEFORE),
                    ..none
                },
                Met::No,
                Met::No,
            ),
            (
                Conditions {
                    if_modified_since: Some(DAY),
                    if_none_match: Some(b"\"no\""),
                    ..none
                },
                Met::Yes,
                Met::Yes,
            ),
        ] {
            assert_eq!(validators().check(asked, &Method::GET), get, "{asked:?}");
            assert_eq!(validators().check(asked, &Method::POST), post, "{asked:?}");
        }
    }

    #[test]
    fn parts_are_sent_of_what_the_client_has_begun() {
        let own = validators();
        for (field, expected) in [
            (&b"\"1d-59b08c1fa4000\""[..], true),
            (b"W/\"1d-59b08c1fa4000\"", false),
            (b"\"xx\"", false),
            (DAY, true),
            (BEFORE, false),
            (b"", false),
            (b"*", false),
        ] {
            assert_eq!(own.is_current(field), expected, "{}", field.escape_ascii());
        }
    }
}
