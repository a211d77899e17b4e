//! Finds the end of a head while it comes in, within bounds.

use memchr::memchr;

use super::parse;
use crate::strict::Refusal;

/// What a head may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The request line, bytes: `LimitRequestLine`.
    pub(crate) line: usize,
    /// How many fields: `LimitRequestFields`.
    pub(crate) fields: usize,
    /// One field, bytes: `LimitRequestFieldSize`.
    pub(crate) field: usize,
}

/// What a head may take in all, bytes, whatever its parts may.
pub(crate) const MAX_HEAD: usize = 128 * 1024;

/// How far a head has been read. Each byte is looked at once, in however many pieces they come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// Where the present line begins.
    line: usize,
    /// Up to where there is no end of a line.
    seen: usize,
    /// Where the request line begins: empty lines may come before it (RFC 9112, section 2.2).
    begin: usize,
    /// How many lines there were, the request line included.
    lines: usize,
    /// Where the first one ends.
    first: usize,
    /// It was looked at.
    is_request: bool,
}

/// A whole head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// Where its request line begins.
    pub(super) begin: usize,
    /// Where the body begins.
    pub(super) end: usize,
    /// How many lines it has, the request line included and the empty one not.
    pub(super) lines: usize,
}

impl Scan {
    /// Goes on where it stopped. `input` begins with the same bytes each time.
    ///
    /// # Errors
    ///
    /// As soon as a bound is passed, a line does not end with CR LF, or the first one can be no
    /// request line: who speaks something else need not be waited for.
    pub(super) fn go_on(
        &mut self,
        input: &[u8],
        bounds: &Bounds,
    ) -> Result<Option<Whole>, Refusal> {
        match self.find_end(input, bounds) {
            Ok(Some(whole)) => Ok(Some(whole)),
            Ok(None) => self.check_first(input).map(|()| None),
            // In however many pieces it comes, what is wrong first counts.
            Err(refusal) => Err(self.check_first(input).err().unwrap_or(refusal)),
        }
    }

    fn find_end(&mut self, input: &[u8], bounds: &Bounds) -> Result<Option<Whole>, Refusal> {
        while let Some(found) = input.get(self.seen..).and_then(|rest| memchr(b'\n', rest)) {
            let end = self.seen + found;
            let text = input.get(self.line..end).unwrap_or_default();
            (self.line, self.seen) = (end + 1, end + 1);
            let Some((b'\r', text)) = text.split_last() else {
                // In pieces, its length would have been seen before its end.
                self.check_line(text.len().saturating_sub(1), bounds)?;
                return Err(Refusal::LineEnd);
            };
            if text.is_empty() && self.lines == 0 {
                self.begin = end + 1;
                if self.begin > 2 * bounds.fields.clamp(1, MAX_HEAD) {
                    return Err(Refusal::Syntax);
                }
            } else if text.is_empty() {
                return Ok(Some(Whole {
                    begin: self.begin,
                    end: end + 1,
                    lines: self.lines,
                }));
            } else {
                if self.lines == 0 {
                    self.first = end + 1;
                }
                self.check_line(text.len(), bounds)?;
                self.lines += 1;
            }
        }
        self.seen = input.len();
        self.check_line((self.seen - self.line).saturating_sub(1), bounds)?;
        if self.seen - self.begin > MAX_HEAD {
            return Err(Refusal::HeadLength);
        }
        Ok(None)
    }

    /// Looks at the request line, once, as far as it is there.
    fn check_first(&mut self, input: &[u8]) -> Result<(), Refusal> {
        if self.lines == 0 {
            let first = input.get(self.begin).copied();
            return first
                .is_none_or(may_begin)
                .then_some(())
                .ok_or(Refusal::Syntax);
        }
        if !self.is_request {
            let line = input.get(self.begin..self.first).unwrap_or_default();
            parse::check_request_line(line)?;
            self.is_request = true;
        }
        Ok(())
    }

    /// What has come without the empty lines before it.
    pub(super) fn text(self, input: &[u8]) -> &[u8] {
        input.get(self.begin..).unwrap_or_default()
    }

    /// Whether the request line is here.
    pub(super) const fn has_line(&self) -> bool {
        self.lines > 0
    }

    /// Whether anything but empty lines has come.
    pub(super) const fn has_begun(&self) -> bool {
        self.seen > self.begin
    }

    fn check_line(&self, length: usize, bounds: &Bounds) -> Result<(), Refusal> {
        match self.lines {
            0 if length > bounds.line => Err(Refusal::LineLength),
            0 => Ok(()),
            _ if length > bounds.field => Err(Refusal::FieldLength),
            fields if fields > bounds.fields && length > 0 => Err(Refusal::FieldCount),
            _ => Ok(()),
        }
    }
}

/// Whether a request may begin so: by a method, or by an empty line.
const fn may_begin(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(b, b'\r' | b'\n' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
pub(super) const BOUNDS: Bounds = Bounds {
    line: 40,
    fields: 3,
    field: 20,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(input: &[u8]) -> Result<Option<Whole>, Refusal> {
        Scan::default().go_on(input, &BOUNDS)
    }

    #[test]
    fn the_end_is_an_empty_line() {
        let head = b"\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nbody";
        let found = Whole {
            begin: 4,
            end: 28,
            lines: 2,
        };
        assert_eq!(whole(head), Ok(Some(found)));
        assert_eq!(whole(&head[..27]), Ok(None));
        assert_eq!(whole(b"\r\n"), Ok(None));
        assert_eq!(whole(b"GET / HTTP/1.1\n\n"), Err(Refusal::LineEnd));
        assert_eq!(whole(b"\n"), Err(Refusal::LineEnd));
        assert_eq!(whole(&b"\r\n".repeat(4)), Err(Refusal::Syntax));
    }

    #[test]
    fn bounds_are_met_as_soon_as_they_are_passed() {
        let line = |n| vec![b'x'; n];
        assert_eq!(whole(&line(41)), Ok(None), "a CR may be its last byte");
        assert_eq!(whole(&line(42)), Err(Refusal::LineLength));
        let field = |n| [b"GET / HTTP/1.1\r\n".to_vec(), line(n)].concat();
        assert_eq!(whole(&field(21)), Ok(None));
        assert_eq!(whole(&field(22)), Err(Refusal::FieldLength));
        let fields = |n| [&b"GET / HTTP/1.1\r\n"[..], &b"a: b\r\n".repeat(n), b"\r\n"].concat();
        assert!(whole(&fields(3)).unwrap().is_some());
        assert_eq!(whole(&fields(4)), Err(Refusal::FieldCount));
    }

    #[test]
    fn who_speaks_something_else_is_told_so_at_once() {
        for other in [
            &b"\x16\x03\x01"[..],
            b"\x124\0\x01",
            b" GET",
            b"GET /\r\n",
            b"\r\nx\r\n",
        ] {
            assert_eq!(
                whole(other),
                Err(Refusal::Syntax),
                "{}",
                other.escape_ascii()
            );
        }
    }

    /// What the whole input is judged as, which has to be the same wherever it is cut in two.
    fn judged(input: &[u8]) -> Result<Option<Whole>, Refusal> {
        let at_once = whole(input);
        for cut in 0..=input.len() {
            let mut scan = Scan::default();
            let first = scan.go_on(&input[..cut], &BOUNDS);
            let last = match first {
                Ok(None) => scan.go_on(input, &BOUNDS),
                judged => judged,
            };
            assert_eq!(last, at_once, "cut at {cut}");
        }
        at_once
    }

    #[test]
    fn what_is_wrong_twice_is_judged_alike_wherever_it_is_cut() {
        const LINE: &[u8] = b"GET / HTTP/1.1\r\n";
        let judged = |rest: &[u8]| judged(&[LINE, rest].concat());
        let too_many = b"a\r\na\r\naaaa\r\naaaaaaaaaaaa\n";
        assert_eq!(judged(too_many), Err(Refusal::FieldCount));
        assert_eq!(judged(b"a\r\na\r\na\r\n\n"), Err(Refusal::LineEnd));
        assert_eq!(judged(b"a\r\na\r\na\r\n\r\r\n"), Err(Refusal::FieldCount));
        let too_long = [&[b'a'; 22][..], b"\n"].concat();
        assert_eq!(judged(&too_long), Err(Refusal::FieldLength));
        assert_eq!(judged(b"aaaaaaaaaaaaaaaaaaaaa\n"), Err(Refusal::LineEnd));
        assert_eq!(
            judged(b"a\r\na\r\na\r\n\r\nbody\n").map(|w| w.is_some()),
            Ok(true)
        );
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            input in proptest::collection::vec(
                prop_oneof![3 => Just(b'a'), 2 => Just(b'\r'), 2 => Just(b'\n')], 0..60),
            cuts in proptest::collection::vec(0_usize..80, 0..6),
            is_request in any::<bool>(),
        ) {
            let line = if is_request { &b"GET / HTTP/1.1\r\n"[..] } else { b"" };
            let input = [line, &input].concat();
            let mut scan = Scan::default();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < input.len()).collect();
            cuts.sort_unstable();
            cuts.push(input.len());
            let mut last = Ok(None);
            for cut in cuts {
                last = scan.go_on(&input[..cut], &BOUNDS);
                if last != Ok(None) {
                    break;
                }
            }
            // What is wrong with a request line is found later where the whole head is there.
            let checked = |whole: Option<Whole>| {
                let line = whole.map_or(&b""[..], |whole| &input[whole.begin..whole.end]);
                let line = line.split_inclusive(|b| *b == b'\n').next();
                line.map_or(Ok(()), parse::check_request_line).map(|()| whole)
            };
            prop_assert_eq!(last.and_then(checked), whole(&input).and_then(checked));
        }
    }
}
