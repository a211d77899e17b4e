//! Which parts of a file a client asks for: `Range` (RFC 9110, section 14), as httpd reads it.

/// One part: first and last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What a `Range` field comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: the field is broken, asks for too much, or for another unit.
    Whole,
    /// These parts, at least one.
    Parts(Vec<Part>),
    /// Nothing of what there is.
    Nothing,
}

/// httpd's `MaxRanges`.
const MAX_PARTS: usize = 200;

/// httpd's `MaxRangeOverlaps` and `MaxRangeReversals`.
const MAX_ODDITIES: usize = 20;

impl Part {
    pub(crate) const fn length(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// Reads the field for a file of `length` bytes.
pub(crate) fn wanted(field: &[u8], length: u64) -> Wanted {
    let unit = field.get(..6).unwrap_or_default();
    let rest = field.get(6..).unwrap_or_default();
    if !unit.eq_ignore_ascii_case(b"bytes=") || length == 0 {
        return Wanted::Whole;
    }
    let Some(specs) = specs(rest, length) else {
        return Wanted::Whole;
    };
    match merged(&specs, length) {
        Some(parts) if parts.is_empty() && !specs.is_empty() => Wanted::Nothing,
        Some(parts) if !parts.is_empty() && is_sane(&parts, length) => Wanted::Parts(parts),
        _ => Wanted::Whole,
    }
}

/// More bytes than there are is what nobody means.
fn is_sane(parts: &[Part], length: u64) -> bool {
    let sum = parts
        .iter()
        .fold(0u64, |sum, part| sum.saturating_add(part.length()));
    parts.len() <= MAX_PARTS && sum <= length
}

/// Each part as it was written; `None` where one is broken. One that is everything is the last to be
/// looked at, and the only one that counts.
fn specs(text: &[u8], length: u64) -> Option<Vec<Part>> {
    if text.starts_with(b",") {
        return None;
    }
    let texts = text.split(|&b| b == b',').filter(|text| !text.is_empty());
    let mut specs = Vec::new();
    for text in texts {
        let part = spec(text, length)?;
        if (part.first, part.last) == (0, u64::MAX) {
            return Some(vec![part]);
        }
        specs.push(part);
    }
    Some(specs)
}

fn spec(text: &[u8], length: u64) -> Option<Part> {
    let dash = text.iter().position(|&b| b == b'-')?;
    let (from, to) = text.split_at_checked(dash)?;
    let to = to.get(1..)?;
    Some(match (from, to) {
        (b"", suffix) => {
            let suffix = number(suffix).filter(|&suffix| suffix > 0)?;
            Part {
                first: length.saturating_sub(suffix),
                last: length.saturating_sub(1),
            }
        }
        (from, b"") => Part {
            first: number(from)?,
            last: u64::MAX,
        },
        (from, to) => Part {
            first: number(from)?,
            last: number(to)?,
        },
    })
    .filter(|part| part.first <= part.last)
}

/// Digits and nothing else, as far as httpd counts.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    let number: i64 = digits.parse().ok()?;
    u64::try_from(number).ok()
}

/// Neighbours that touch become one. `None` where they overlap, or go backwards, too often.
fn merged(specs: &[Part], length: u64) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut overlaps, mut reversals) = (0, 0);
    for spec in specs.iter().filter(|spec| spec.first < length) {
        let last = spec.last.min(length.saturating_sub(1));
        let next = Part {
            first: spec.first,
            last,
        };
        let Some(open) = parts.last_mut().filter(|open| touch(**open, next)) else {
            parts.push(next);
            continue;
        };
        overlaps += 1;
        reversals += usize::from(next.first < open.first);
        open.first = open.first.min(next.first);
        open.last = open.last.max(next.last);
    }
    (overlaps <= MAX_ODDITIES && reversals <= MAX_ODDITIES).then_some(parts)
}

const fn touch(one: Part, other: Part) -> bool {
    one.first <= other.last.saturating_add(1) && other.first <= one.last.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(list: &[(u64, u64)]) -> Wanted {
        let parts = list.iter().map(|&(first, last)| Part { first, last });
        Wanted::Parts(parts.collect())
    }

    #[test]
    fn parts_are_read_as_httpd_does() {
        for (field, expected) in [
            ("bytes=0-3", parts(&[(0, 3)])),
            ("Bytes=0-3", parts(&[(0, 3)])),
            ("bytes=0-", parts(&[(0, 29)])),
            ("bytes=5-100", parts(&[(5, 29)])),
            ("bytes=-5", parts(&[(25, 29)])),
            ("bytes=-50", parts(&[(0, 29)])),
            ("bytes=0-3,5-6", parts(&[(0, 3), (5, 6)])),
            ("bytes=0-3, 5-6", Wanted::Whole),
            ("bytes= 0-3", Wanted::Whole),
            ("bytes=0-3,,5-6,", parts(&[(0, 3), (5, 6)])),
            ("bytes=,0-3", Wanted::Whole),
            ("bytes=5-6,0-,x", parts(&[(0, 29)])),
            ("bytes=0-9223372036854775807", parts(&[(0, 29)])),
            ("bytes=0-9223372036854775808", Wanted::Whole),
            ("bytes=0-3,4-6", parts(&[(0, 6)])),
            ("bytes=0-3,2-5", parts(&[(0, 5)])),
            ("bytes=5-6,0-3", parts(&[(5, 6), (0, 3)])),
            ("bytes=5-6,0-4", parts(&[(0, 6)])),
            ("bytes=0-0,-1", parts(&[(0, 0), (29, 29)])),
            ("bytes=0-3,100-", parts(&[(0, 3)])),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=-0", Wanted::Whole),
            ("bytes=x-2", Wanted::Whole),
            ("bytes=1-+2", Wanted::Whole),
            ("bytes=1-2,x", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
            ("bytes=0-20,25-29,0-20", Wanted::Whole),
        ] {
            assert_eq!(wanted(field.as_bytes(), 30), expected, "{field}");
        }
        assert_eq!(wanted(b"bytes=-1", 0), Wanted::Whole);
    }

    #[test]
    fn many_parts_are_too_many() {
        let field = |count: u64| {
            let specs: Vec<_> = (0..count).map(|n| format!("{0}-{0}", n * 2)).collect();
            format!("bytes={}", specs.join(","))
        };
        assert!(
            matches!(wanted(field(200).as_bytes(), 1000), Wanted::Parts(parts) if parts.len() == 200)
        );
        assert_eq!(wanted(field(201).as_bytes(), 1000), Wanted::Whole);
        let overlapping = format!("bytes={}", ["0-5"; 22].join(","));
        assert_eq!(wanted(overlapping.as_bytes(), 1000), Wanted::Whole);
    }
}
