use bytes::BytesMut;

use super::frame::Direction;
use super::primitive::{PacketWriter, int, run};
use super::{Error, PacketSize, TooLarge};

/// The type byte.
pub(super) const TYPE: u8 = 3;

/// A piece of response body; without bytes it asks the client to flush, and is not the end.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SendBodyChunk<'a> {
    /// Body bytes. None: a flush, which must never become an empty HTTP chunk.
    pub data: &'a [u8],
}

impl<'a> SendBodyChunk<'a> {
    /// The flush as a whole packet.
    pub const FLUSH: [u8; 8] = [b'A', b'B', 0, 4, TYPE, 0, 0, 0];

    /// What follows the bytes on the wire.
    pub const SUFFIX: [u8; 1] = [0];

    /// What precedes so many bytes on the wire, for writing them without copying;
    /// [`SUFFIX`](Self::SUFFIX) comes after them. `None` when they do not fit a packet of the
    /// largest size.
    pub fn prefix(length: usize) -> Option<[u8; 7]> {
        let inner = u16::try_from(length)
            .ok()
            .filter(|_| length <= PacketSize::MAX.max_chunk())?;
        let [a, b] = inner.checked_add(4)?.to_be_bytes();
        let [c, d] = inner.to_be_bytes();
        Some([b'A', b'B', a, b, TYPE, c, d])
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// [`TooLarge`] when the bytes are more than [`PacketSize::max_chunk`].
    pub fn encode(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        let mut writer = PacketWriter::begin(buffer, Direction::Response, size.max_packet());
        writer.byte(TYPE);
        writer.string(Some(self.data));
        writer.finish()
    }

    /// Decodes what follows the type byte. The NUL at the end may be missing and more may follow,
    /// as for mod_jk.
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let (rest, length) = run(int(body))?;
        let data = rest.get(..usize::from(length)).ok_or(Error::Truncated)?;
        Ok(Self { data })
    }
}

impl std::fmt::Debug for SendBodyChunk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SendBodyChunk({} bytes)", self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminator_is_optional_and_surplus_ignored() {
        for body in [&b"\x00\x02ab\x00"[..], b"\x00\x02ab", b"\x00\x02ab\x00more"] {
            assert_eq!(
                SendBodyChunk::decode(body),
                Ok(SendBodyChunk { data: b"ab" })
            );
        }
        assert_eq!(SendBodyChunk::decode(b"\x00\x03ab"), Err(Error::Truncated));
        assert_eq!(SendBodyChunk::decode(b"\x00"), Err(Error::Truncated));
    }

    #[test]
    fn the_largest_fits_exactly() {
        let mut buffer = BytesMut::new();
        let body = [7; 8185];
        let fits = SendBodyChunk {
            data: &body[..8184],
        };
        assert_eq!(fits.encode(&mut buffer, PacketSize::DEFAULT), Ok(()));
        assert_eq!(buffer.len(), 8192);
        assert_eq!(
            SendBodyChunk::prefix(8184).as_ref().map(|p| &p[..]),
            buffer.get(..7)
        );
        let larger = SendBodyChunk { data: &body };
        assert!(larger.encode(&mut buffer, PacketSize::DEFAULT).is_err());
        assert!(SendBodyChunk::prefix(65528).is_some());
        assert!(SendBodyChunk::prefix(65529).is_none());
    }

    #[test]
    fn the_flush_is_an_empty_chunk() {
        let mut buffer = BytesMut::new();
        SendBodyChunk { data: b"" }
            .encode(&mut buffer, PacketSize::DEFAULT)
            .unwrap();
        assert_eq!(buffer[..], SendBodyChunk::FLUSH);
    }
}
