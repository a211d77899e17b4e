//! The chunked transfer coding (RFC 9112, section 7.1), pure.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

use super::{parse, scan::Bounds};

/// Reads chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks {
    state: State,
    /// Up to where the present line has been looked at.
    seen: usize,
    /// The fields behind the last chunk, so far.
    trailers: usize,
    /// How much data there was, bytes.
    data: u64,
    /// And how much about it: the lines of chunks, and the fields behind the last one.
    about: u64,
}

/// So much may be said about chunks beyond as much as there is in them, bytes. Signatures of chunks
/// are far from it.
const ABOUT: u64 = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a chunk's line.
    Size,
    /// In its data; so many bytes are left.
    Data(u64),
    /// Before the end of the line behind its data.
    DataEnd,
    /// Behind the last chunk.
    Trailers,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Data(Bytes),
    /// Nothing, until there is more input.
    More,
    End,
}

/// What breaks the coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadChunk {
    #[error("the size of a chunk is no hexadecimal number")]
    Size,
    #[error("an extension of a chunk has characters that it must not have")]
    Extension,
    #[error("more is said about the chunks than is in them")]
    About,
    #[error("a line of the chunked coding does not end with CR LF")]
    LineEnd,
    #[error("a line of the chunked coding is too long")]
    Length,
    #[error("what follows the last chunk are no fields, or too many")]
    Trailers,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Size,
            seen: 0,
            trailers: 0,
            data: 0,
            about: 0,
        }
    }

    /// Takes the next piece out of `input`. Lines and fields are bounded as those of heads.
    pub(super) fn next(&mut self, input: &mut BytesMut, bounds: &Bounds) -> Result<Step, BadChunk> {
        loop {
            match self.state {
                State::Data(left) => {
                    if input.is_empty() {
                        return Ok(Step::More);
                    }
                    return Ok(Step::Data(self.take(input, left)));
                }
                State::DataEnd => match input.as_ref() {
                    [b'\r', b'\n', ..] => {
                        let _ = input.split_to(2);
                        self.state = State::Size;
                    }
                    [] | [b'\r'] => return Ok(Step::More),
                    _ => return Err(BadChunk::LineEnd),
                },
                State::Size => {
                    let Some(line) = self.line(input, bounds)? else {
                        return Ok(Step::More);
                    };
                    self.state = match size(&line)? {
                        0 => State::Trailers,
                        size => State::Data(size),
                    };
                }
                State::Trailers => {
                    let Some(line) = self.line(input, bounds)? else {
                        return Ok(Step::More);
                    };
                    if line.is_empty() {
                        return Ok(Step::End);
                    }
                    self.check_trailer(line, bounds)?;
                }
            }
        }
    }

    fn take(&mut self, input: &mut BytesMut, left: u64) -> Bytes {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let data = input.split_to(wanted.min(input.len())).freeze();
        let taken = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.data = self.data.saturating_add(taken);
        self.state = match left.saturating_sub(taken) {
            0 => State::DataEnd,
            left => State::Data(left),
        };
        data
    }

    /// The next line without its end; `None` where it is not whole.
    fn line(
        &mut self,
        input: &mut BytesMut,
        bounds: &Bounds,
    ) -> Result<Option<BytesMut>, BadChunk> {
        let rest = input.get(self.seen..).unwrap_or_default();
        let Some(found) = memchr(b'\n', rest) else {
            self.seen = input.len();
            if self.seen > bounds.field.saturating_add(1) {
                return Err(BadChunk::Length);
            }
            return Ok(None);
        };
        let end = self.seen + found;
        self.seen = 0;
        let mut line = input.split_to(end + 1);
        if !line.ends_with(b"\r\n") {
            return Err(BadChunk::LineEnd);
        }
        line.truncate(end - 1);
        if line.len() > bounds.field {
            return Err(BadChunk::Length);
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.about = self.about.saturating_add(length);
        if self.about > self.data.saturating_add(ABOUT) {
            return Err(BadChunk::About);
        }
        Ok(Some(line))
    }

    /// A field behind the last chunk must be one, and is thrown away: it would have no place in AJP.
    fn check_trailer(&mut self, mut line: BytesMut, bounds: &Bounds) -> Result<(), BadChunk> {
        self.trailers += 1;
        line.extend_from_slice(b"\r\n\r\n");
        if self.trailers > bounds.fields || !parse::are_fields(&line, 1) {
            return Err(BadChunk::Trailers);
        }
        Ok(())
    }
}

/// The size in `1a ; extension`.
fn size(line: &[u8]) -> Result<u64, BadChunk> {
    let end = line.iter().position(|b| !b.is_ascii_hexdigit());
    let (digits, rest) = line.split_at(end.unwrap_or(line.len()));
    let blanks = rest.iter().position(|b| !matches!(b, b' ' | b'\t'));
    let rest = rest.get(blanks.unwrap_or(rest.len())..).unwrap_or_default();
    if !matches!(rest, [] | [b';', ..]) {
        return Err(BadChunk::Size);
    }
    if rest.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        return Err(BadChunk::Extension);
    }
    let digits = str::from_utf8(digits).map_err(|_| BadChunk::Size)?;
    let size = u64::from_str_radix(digits, 16).map_err(|_| BadChunk::Size)?;
    // Backends count in signed numbers.
    i64::try_from(size)
        .map(|_| size)
        .map_err(|_| BadChunk::Size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        line: 100,
        fields: 3,
        field: 100,
    };

    /// The body that comes in these pieces, and what is left behind it.
    fn read(pieces: &[&[u8]]) -> Result<(Vec<u8>, Vec<u8>), Option<BadChunk>> {
        let (mut input, mut body) = (BytesMut::new(), Vec::new());
        let mut chunks = Chunks::new();
        let mut ended = false;
        for piece in pieces {
            input.extend_from_slice(piece);
            while !ended {
                match chunks.next(&mut input, &BOUNDS).map_err(Some)? {
                    Step::Data(data) => {
                        assert!(!data.is_empty());
                        body.extend_from_slice(&data);
                    }
                    Step::More => break,
                    Step::End => ended = true,
                }
            }
        }
        if ended {
            Ok((body, input.to_vec()))
        } else {
            Err(None)
        }
    }

    fn body(text: &[u8]) -> Result<Vec<u8>, Option<BadChunk>> {
        read(&[text]).map(|(body, _)| body)
    }

    #[test]
    fn chunks_are_put_together() {
        for (text, expected) in [
            (&b"0\r\n\r\n"[..], &b""[..]),
            (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
            (
                b"1;a=b\r\nh\r\n4 \t ; c=\"d\"\r\nello\r\n000\r\nX: y\r\n\r\n",
                b"hello",
            ),
            (
                b"0000000000000000000000A\r\n0123456789\r\n0\r\n\r\n",
                b"0123456789",
            ),
        ] {
            assert_eq!(body(text).unwrap(), expected, "{}", text.escape_ascii());
        }
        let (body, rest) = read(&[b"1\r\nx\r\n0\r\n\r\nGET /"]).unwrap();
        assert_eq!((body, rest), (b"x".to_vec(), b"GET /".to_vec()));
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, expected) in [
            (&b"g\r\nhello\r\n0\r\n\r\n"[..], BadChunk::Size),
            (b"0x5\r\nhello", BadChunk::Size),
            (b"+5\r\nhello", BadChunk::Size),
            (b"-5\r\nhello", BadChunk::Size),
            (b" 5\r\nhello", BadChunk::Size),
            (b"\r\nhello", BadChunk::Size),
            (b";a\r\nhello", BadChunk::Size),
            (b"5_0\r\nhello", BadChunk::Size),
            (b"5 0\r\nhello", BadChunk::Size),
            (b"FFFFFFFFFFFFFFFFF\r\nhello", BadChunk::Size),
            (b"10000000000000005\r\nhello", BadChunk::Size),
            (b"8000000000000000\r\nhello", BadChunk::Size),
            (b"5\nhello\r\n0\r\n\r\n", BadChunk::LineEnd),
            (b"5\rhello\r\n0\r\n\r\n", BadChunk::Size),
            (b"5;a=b\nhello", BadChunk::LineEnd),
            (b"5;a\rb\r\nhello", BadChunk::Extension),
            (b"5\r\r;a=b\r\nhello", BadChunk::Size),
            (b"5\x0C;a=b\r\nhello", BadChunk::Size),
            (b"5;\0=b\r\nhello", BadChunk::Extension),
            (b"5\r\nhelloXX0\r\n\r\n", BadChunk::LineEnd),
            (b"5\r\nhello\n0\r\n\r\n", BadChunk::LineEnd),
            (b"0\n\r\n", BadChunk::LineEnd),
            (b"0\r\nX\r\n\r\n", BadChunk::Trailers),
            (b"0\r\nX y: z\r\n\r\n", BadChunk::Trailers),
            (
                b"0\r\na: b\r\na: b\r\na: b\r\na: b\r\n\r\n",
                BadChunk::Trailers,
            ),
        ] {
            let refused = body(text).unwrap_err();
            assert_eq!(refused, Some(expected), "{}", text.escape_ascii());
        }
        let long = [&b"5;"[..], &[b'x'; 101]].concat();
        assert_eq!(body(&long), Err(Some(BadChunk::Length)));
    }

    #[test]
    fn no_more_is_said_about_chunks_than_is_in_them() {
        let chunks = |count, size: usize, extension: usize| {
            let chunk = format!(
                "{size:x};{}\r\n{}\r\n",
                "e".repeat(extension),
                "d".repeat(size)
            );
            let text = chunk.repeat(count) + "0\r\n\r\n";
            body(text.as_bytes()).map(|body| body.len())
        };
        assert_eq!(chunks(5000, 1, 0), Ok(5000));
        assert_eq!(chunks(150, 1, 90), Ok(150));
        assert_eq!(chunks(200, 1, 90), Err(Some(BadChunk::About)));
        assert_eq!(chunks(2000, 100, 90), Ok(200_000));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "3\r\nabc\r\n", "1;x\r\nd\r\n", "0\r\n", "\r\n", "T: u\r\n", "\n", "2", "zz",
                ]), 0..8),
            cuts in proptest::collection::vec(0_usize..80, 0..8),
        ) {
            let text = parts.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts {
                pieces.push(&text[start..cut]);
                start = cut;
            }
            pieces.push(&text[start..]);
            prop_assert_eq!(read(&pieces), read(&[&text]));
        }

        #[test]
        fn bodies_arrive_exactly(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            rest in proptest::collection::vec(any::<u8>(), 0..10),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x};e=1\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            text.extend_from_slice(&rest);
            let cut = cut.index(text.len());
            let (body, left) = read(&[&text[..cut], &text[cut..]]).unwrap();
            prop_assert_eq!(body, chunks.concat());
            prop_assert_eq!(left, rest);
        }
    }
}
