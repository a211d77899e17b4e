//! Whether the client has a file already: entity tags, dates, and the conditions that look at them
//! (RFC 9110, section 13), as httpd makes and checks them.

use std::time::{Duration, SystemTime};

use http::Method;
use jkworkers::model::ETagParts;

use super::date;

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
    pub(crate) if_range: Option<&'a [u8]>,
    pub(crate) range: Option<&'a [u8]>,
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
        let values = [
            (parts.inode, facts.inode),
            (parts.size, facts.size),
            (parts.mtime, micros(facts.modified)),
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

    /// What the conditions come to. All of them count.
    pub(crate) fn check(&self, asked: Conditions<'_>, method: &Method) -> Met {
        let reads = *method == Method::GET || *method == Method::HEAD;
        let is_other = |field: &[u8]| !self.is_among_or_any(field, Comparison::Strong);
        let is_later = |field: &[u8]| date::parse(field).is_some_and(|date| self.second() > date);
        if asked.if_match.is_some_and(is_other)
            || (asked.if_unmodified_since.is_some_and(is_later) && self.counts(asked))
        {
            return Met::No;
        }
        let comparison = if reads && asked.range.is_none() {
            Comparison::Weak
        } else {
            Comparison::Strong
        };
        let by_tag = (asked.if_none_match).map(|field| self.is_among_or_any(field, comparison));
        if !reads {
            return if by_tag == Some(true) {
                Met::No
            } else {
                Met::Yes
            };
        }
        let by_date = asked.if_modified_since.map(|field| {
            // A date in the future is none.
            let is_known = |date| self.second() <= date && date <= self.now;
            date::parse(field).is_some_and(is_known) && self.counts(asked)
        });
        let wants_part = asked.range.is_some() && asked.if_range.is_some();
        if (by_tag, by_date) == (None, None)
            || [by_tag, by_date].contains(&Some(false))
            || wants_part
        {
            return Met::Yes;
        }
        Met::NotModified
    }

    /// `If-Range`: whether the file can still be the one that the client has begun to read. What has
    /// just changed may have done so twice within the second that the client knows.
    pub(crate) fn can_be_current(&self, asked: Conditions<'_>) -> bool {
        let is_date = |field: &[u8]| !field.starts_with(b"\"");
        !(asked.if_range.is_some_and(is_date) && self.is_fresh())
    }

    /// Whether a date tells enough: of what has just changed it does not where parts are asked for.
    fn counts(&self, asked: Conditions<'_>) -> bool {
        asked.range.is_none() || !self.is_fresh()
    }

    /// It has changed within a minute.
    fn is_fresh(&self) -> bool {
        const MINUTE: Duration = Duration::from_secs(60);
        self.now < self.second() + MINUTE
    }

    fn is_among_or_any(&self, field: &[u8], comparison: Comparison) -> bool {
        field.starts_with(b"*") || self.is_among(field, comparison)
    }

    /// Looks through a list until something is no tag.
    fn is_among(&self, field: &[u8], comparison: Comparison) -> bool {
        let Some(own) = self
            .etag
            .as_deref()
            .map(|own| comparison.part(own.as_bytes()))
        else {
            return false;
        };
        let mut rest = field;
        loop {
            let is_between = |b: &u8| *b == b',' || b.is_ascii_whitespace();
            let start = rest
                .iter()
                .position(|b| !is_between(b))
                .unwrap_or(rest.len());
            rest = comparison.part(rest.get(start..).unwrap_or_default());
            if !rest.starts_with(b"\"") {
                return false;
            }
            let (item, others) = rest.split_at_checked(end_of(rest)).unwrap_or((rest, b""));
            if item.trim_ascii_end() == own {
                return true;
            }
            rest = others;
        }
    }

    /// Dates in HTTP know no parts of seconds. To httpd the beginning of 1970, and what lies before,
    /// is no date: such a file has just changed.
    fn second(&self) -> SystemTime {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH);
        match since.unwrap_or_default().as_secs() {
            0 => self.now,
            seconds => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }
}

/// Since 1970; what lies before is counted down from zero, without a sign.
fn micros(moment: SystemTime) -> u64 {
    let count = |length: Duration| u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
    match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => count(since),
        Err(before) => count(before.duration()).wrapping_neg(),
    }
}

/// The next comma that is not within quotes.
fn end_of(list: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let is_end = |&b: &u8| {
        if escaped || (quoted && b == b'\\') {
            escaped = !escaped;
        } else if b == b'"' {
            quoted = !quoted;
        }
        b == b',' && !quoted
    };
    list.iter().position(is_end).unwrap_or(list.len())
}

/// RFC 9110, section 8.8.3.2.
#[derive(Clone, Copy)]
enum Comparison {
    Strong,
    Weak,
}

impl Comparison {
    /// What of a tag is compared.
    fn part(self, tag: &[u8]) -> &[u8] {
        match self {
            Self::Strong => tag,
            Self::Weak => tag.strip_prefix(b"W/").unwrap_or(tag),
        }
    }
}

#[cfg(test)]
mod tests;
