//! Integers and strings, and the one helper that writes a packet around them.

use std::fmt;

use bytes::BytesMut;
use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16};

use super::frame::{Direction, HEADER};
use super::{Error, TooLarge};

/// A length that announces "no string" and is followed by nothing.
const NULL: u16 = 0xFFFF;

pub(super) type Parsed<'a, T> = IResult<&'a [u8], T, Error>;

pub(super) fn byte(input: &[u8]) -> Parsed<'_, u8> {
    be_u8(input)
}

pub(super) fn int(input: &[u8]) -> Parsed<'_, u16> {
    be_u16(input)
}

/// A string: u16 length, bytes, one byte of terminator that the length does not count. The
/// terminator is skipped without looking at it, as Tomcat does.
pub(super) fn string(input: &[u8]) -> Parsed<'_, Option<&[u8]>> {
    let (rest, length) = int(input)?;
    string_of(length, rest)
}

/// What follows the length of a string.
pub(super) fn string_of(length: u16, input: &[u8]) -> Parsed<'_, Option<&[u8]>> {
    if length == NULL {
        return Ok((input, None));
    }
    let (rest, bytes) = take(length)(input)?;
    let (rest, _terminator) = byte(rest)?;
    Ok((rest, Some(bytes)))
}

/// Stops a parser for good with this error.
pub(super) fn fail<T>(error: Error) -> Parsed<'static, T> {
    Err(nom::Err::Failure(error))
}

/// The value of a parser and what it left over.
pub(super) fn run<T>(parsed: Parsed<'_, T>) -> Result<(&[u8], T), Error> {
    parsed.map_err(|error| match error {
        nom::Err::Error(error) | nom::Err::Failure(error) => error,
        nom::Err::Incomplete(_) => Error::Truncated,
    })
}

/// A string for `Debug`.
pub(super) struct Text<'a>(pub(super) Option<&'a [u8]>);

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            None => f.write_str("null"),
        }
    }
}

/// Appends one packet to a buffer. The length is patched in at the end, so that nobody computes
/// sizes; dropped without [`finish`](Self::finish), the buffer is as it was before.
///
/// Room is made for many fields at once, so that each is one copy into memory that is there.
pub(super) struct PacketWriter<'b> {
    /// Longer than the packet by room made ahead, until it is finished.
    buffer: &'b mut BytesMut,
    start: usize,
    /// Where the next byte goes.
    at: usize,
    /// Where the longest packet would end.
    end: usize,
    failed: bool,
    finished: bool,
}

/// How much room is made at least: most requests fit.
const AHEAD: usize = 512;

impl<'b> PacketWriter<'b> {
    /// Begins a packet of at most `limit` bytes, header included.
    pub(super) fn begin(buffer: &'b mut BytesMut, direction: Direction, limit: usize) -> Self {
        let start = buffer.len();
        let mut writer = Self {
            buffer,
            start,
            at: start,
            end: start.saturating_add(limit),
            failed: false,
            finished: false,
        };
        writer.bytes(&direction.magic());
        writer.int(0);
        writer
    }

    #[inline]
    pub(super) fn byte(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    #[inline]
    pub(super) fn int(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    #[inline]
    pub(super) fn bytes(&mut self, value: &[u8]) {
        if let Some(place) = self.place(value.len()) {
            place.copy_from_slice(value);
        }
    }

    #[inline]
    pub(super) fn string(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else {
            return self.int(NULL);
        };
        let Some(length) = u16::try_from(value.len()).ok().filter(|n| *n != NULL) else {
            return self.spoil();
        };
        if let Some([high, low, text @ .., terminator]) = self.place(value.len() + 3) {
            [*high, *low] = length.to_be_bytes();
            text.copy_from_slice(value);
            *terminator = 0;
        }
    }

    /// Where the next byte goes, for [`patch`](Self::patch).
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Overwrites the two bytes at a position.
    pub(super) fn patch(&mut self, position: usize, value: u16) {
        match self
            .buffer
            .get_mut(position..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            Some(place) => *place = value.to_be_bytes(),
            None => self.failed = true,
        }
    }

    /// Gives the packet up: `finish` will fail.
    pub(super) fn spoil(&mut self) {
        self.failed = true;
    }

    /// Patches the length in and keeps the packet.
    pub(super) fn finish(mut self) -> Result<(), TooLarge> {
        match u16::try_from(self.at.saturating_sub(self.start + HEADER)) {
            Ok(length) => self.patch(self.start + 2, length),
            Err(_) => self.failed = true,
        }
        if self.failed {
            let limit = self.end - self.start;
            return Err(TooLarge { limit });
        }
        self.buffer.truncate(self.at);
        self.finished = true;
        Ok(())
    }

    /// The next bytes of the packet, all to be overwritten; `None` when they do not fit.
    #[inline]
    fn place(&mut self, bytes: usize) -> Option<&mut [u8]> {
        let from = self.at;
        let to = from + bytes;
        if to > self.end {
            self.failed = true;
            return None;
        }
        if to > self.buffer.len() {
            self.make_room(to);
        }
        self.at = to;
        self.buffer.get_mut(from..to)
    }

    #[cold]
    fn make_room(&mut self, to: usize) {
        let ahead = (to - self.start).max(AHEAD);
        self.buffer.resize((to + ahead).min(self.end), 0);
    }
}

impl Drop for PacketWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.buffer.truncate(self.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_empty_and_text() {
        assert_eq!(string(&[0xFF, 0xFF, 7]), Ok((&[7][..], None)));
        assert_eq!(string(&[0, 0, 0]), Ok((&[][..], Some(&[][..]))));
        assert_eq!(string(b"\x00\x02abZ!"), Ok((&b"!"[..], Some(&b"ab"[..]))));
    }

    #[test]
    fn cut_strings_are_truncated() {
        for cut in [&b""[..], b"\x00", b"\x00\x02a", b"\x00\x02ab"] {
            assert_eq!(run(string(cut)), Err(Error::Truncated), "{cut:?}");
        }
    }

    #[test]
    fn a_failed_packet_leaves_the_buffer_alone() {
        let mut buffer = BytesMut::from(&b"before"[..]);
        let mut writer = PacketWriter::begin(&mut buffer, Direction::Request, 10);
        writer.bytes(b"123456");
        writer.byte(7);
        assert_eq!(writer.finish(), Err(TooLarge { limit: 10 }));
        assert_eq!(&buffer[..], b"before");

        let mut writer = PacketWriter::begin(&mut buffer, Direction::Request, 10);
        writer.bytes(b"123456");
        assert_eq!(writer.finish(), Ok(()));
        assert_eq!(&buffer[..], b"before\x12\x34\x00\x06123456");
    }

    #[test]
    fn a_string_longer_than_its_length_field_is_refused() {
        let mut buffer = BytesMut::new();
        let mut writer = PacketWriter::begin(&mut buffer, Direction::Request, 1 << 20);
        writer.string(Some(&vec![b'a'; 65535]));
        assert!(writer.finish().is_err());
        assert!(buffer.is_empty());
    }
}
