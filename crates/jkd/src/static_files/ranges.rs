//! Which parts of a file a client asks for: `Range` (RFC 9110, section 14), as httpd reads it.

use jkworkers::model::RangeLimits;

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

impl Part {
    pub(crate) const fn length(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// Whether it was written as `0-`.
    const fn is_everything(self) -> bool {
        self.first == 0 && self.last == u64::MAX
    }
}

/// Reads the field for a file of `length` bytes.
pub(crate) fn wanted(field: &[u8], length: u64, limits: RangeLimits) -> Wanted {
    let unit = field.get(..6).unwrap_or_default();
    let rest = field.get(6..).unwrap_or_default();
    if !unit.eq_ignore_ascii_case(b"bytes=") || length == 0 {
        return Wanted::Whole;
    }
    let Some(specs) = specs(rest, length) else {
        return Wanted::Whole;
    };
    let merged = merged(&specs, length);
    if !merged.are_allowed(limits) {
        return Wanted::Whole;
    }
    match merged.parts {
        parts if parts.is_empty() && !specs.is_empty() => Wanted::Nothing,
        parts if !parts.is_empty() && is_sane(&parts, length) => Wanted::Parts(parts),
        _ => Wanted::Whole,
    }
}

/// More bytes than there are is what nobody means.
fn is_sane(parts: &[Part], length: u64) -> bool {
    let sum = parts
        .iter()
        .fold(0u64, |sum, part| sum.saturating_add(part.length()));
    sum <= length
}

/// Each part as it was written; `None` where one is broken. One that is everything is the last to be
/// looked at.
fn specs(text: &[u8], length: u64) -> Option<Vec<Part>> {
    if text.starts_with(b",") {
        return None;
    }
    let texts = text.split(|&b| b == b',').filter(|text| !text.is_empty());
    let mut specs = Vec::new();
    for text in texts {
        let part = spec(text, length)?;
        specs.push(part);
        if part.is_everything() {
            break;
        }
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

/// What is left of the parts that were written.
#[derive(Default)]
struct Merged {
    parts: Vec<Part>,
    overlaps: usize,
    reversals: usize,
}

impl Merged {
    fn are_allowed(&self, limits: RangeLimits) -> bool {
        limits.allow(self.parts.len(), self.overlaps, self.reversals)
    }
}

/// Neighbours that touch become one. Where one is everything it is the only one that counts.
fn merged(specs: &[Part], length: u64) -> Merged {
    let mut merged = Merged::default();
    for spec in specs.iter().filter(|spec| spec.first < length) {
        let next = Part {
            first: spec.first,
            last: spec.last.min(length.saturating_sub(1)),
        };
        if spec.is_everything() {
            merged.parts = vec![next];
            break;
        }
        let Some(open) = merged.parts.last_mut().filter(|open| touch(**open, next)) else {
            merged.parts.push(next);
            continue;
        };
        merged.overlaps += 1;
        merged.reversals += usize::from(next.first < open.first);
        open.first = open.first.min(next.first);
        open.last = open.last.max(next.last);
    }
    merged
}

const fn touch(one: Part, other: Part) -> bool {
    one.first <= other.last.saturating_add(1) && other.first <= one.last.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(field: &[u8], length: u64) -> Wanted {
        super::wanted(field, length, RangeLimits::default())
    }

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

    #[test]
    fn limits_are_those_of_the_configuration() {
        let limits = |parts, overlaps, reversals| RangeLimits {
            parts: Some(parts),
            overlaps: Some(overlaps),
            reversals: Some(reversals),
        };
        let all = u32::MAX;
        for (field, within, beyond) in [
            ("bytes=0-0", limits(1, 0, 0), limits(0, all, all)),
            ("bytes=0-0,2-2", limits(2, 0, 0), limits(1, all, all)),
            ("bytes=0-1,1-2", limits(1, 1, 0), limits(all, 0, all)),
            ("bytes=1-2,0-1", limits(1, 1, 1), limits(all, all, 0)),
            ("bytes=0-1,1-2,0-", limits(1, 1, 0), limits(all, 0, all)),
        ] {
            let within = super::wanted(field.as_bytes(), 30, within);
            assert!(matches!(within, Wanted::Parts(_)), "{field} {within:?}");
            let beyond = super::wanted(field.as_bytes(), 30, beyond);
            assert_eq!(beyond, Wanted::Whole, "{field}");
        }
        let nothing = super::wanted(b"bytes=30-", 30, limits(0, 0, 0));
        assert_eq!(nothing, Wanted::Nothing);
    }
}
