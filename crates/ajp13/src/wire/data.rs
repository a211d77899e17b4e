use bytes::BytesMut;

use super::frame::Direction;
use super::primitive::{PacketWriter, int};
use super::{Error, PacketSize, TooLarge};

/// A piece of request body, or its end.
///
/// The packet has no type byte: only the state of the conversation tells that a packet is DATA.
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub enum Data<'a> {
    /// Body bytes, at least one.
    Bytes(&'a [u8]),
    /// The end of the body as 6 bytes, the form every container reads.
    End,
    /// The end of the body as 4 bytes, the form mod_jk writes.
    ShortEnd,
}

impl<'a> Data<'a> {
    /// The end of the body as a whole packet.
    pub const END: [u8; 6] = [0x12, 0x34, 0, 2, 0, 0];

    /// Decodes the payload of a packet that is known to be DATA. Bytes after the announced ones
    /// are ignored, as Tomcat does.
    ///
    /// # Errors
    /// [`Error::Truncated`] when the inner length says more than there is.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        if payload.is_empty() {
            return Ok(Self::ShortEnd);
        }
        let (rest, length) = super::primitive::run(int(payload))?;
        // Tomcat reads this length as "no string": nothing.
        let length = if length == u16::MAX { 0 } else { length };
        match rest.get(..usize::from(length)) {
            Some([]) => Ok(Self::End),
            Some(bytes) => Ok(Self::Bytes(bytes)),
            None => Err(Error::Truncated),
        }
    }

    /// Appends the packet. No bytes at all are written as the end of the body, which is what they
    /// mean on the wire.
    ///
    /// # Errors
    /// [`TooLarge`] when the bytes are more than [`PacketSize::max_data`].
    pub fn encode(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        let mut writer = PacketWriter::begin(buffer, Direction::Request, size.max_packet());
        match *self {
            Self::Bytes(bytes) => {
                writer.int(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
                writer.bytes(bytes);
            }
            Self::End => writer.int(0),
            Self::ShortEnd => {}
        }
        writer.finish()
    }

    /// What precedes so many body bytes on the wire, for writing them without copying; `None`
    /// when they do not fit a packet of the largest size.
    pub fn prefix(length: usize) -> Option<[u8; 6]> {
        let inner = u16::try_from(length)
            .ok()
            .filter(|_| length <= PacketSize::MAX.max_data())?;
        let [a, b] = inner.checked_add(2)?.to_be_bytes();
        let [c, d] = inner.to_be_bytes();
        Some([0x12, 0x34, a, b, c, d])
    }

    /// The body bytes; none at the end.
    pub const fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::End | Self::ShortEnd => &[],
        }
    }
}

impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::End => f.write_str("End"),
            Self::ShortEnd => f.write_str("ShortEnd"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(Data::decode(b""), Ok(Data::ShortEnd));
        assert_eq!(Data::decode(b"\x00\x00"), Ok(Data::End));
        assert_eq!(Data::decode(b"\x00\x02ab"), Ok(Data::Bytes(b"ab")));
        assert_eq!(Data::decode(b"\x00\x02ab\x00"), Ok(Data::Bytes(b"ab")));
        assert_eq!(Data::decode(b"\xff\xffab"), Ok(Data::End));
        assert_eq!(Data::decode(b"\x00"), Err(Error::Truncated));
        assert_eq!(Data::decode(b"\x00\x03ab"), Err(Error::Truncated));
    }

    #[test]
    fn the_largest_fits_exactly() {
        let mut buffer = BytesMut::new();
        let body = [7; 8187];
        assert_eq!(
            Data::Bytes(&body[..8186]).encode(&mut buffer, PacketSize::DEFAULT),
            Ok(())
        );
        assert_eq!(buffer.len(), 8192);
        assert_eq!(Data::prefix(8186).as_ref().map(|p| &p[..]), buffer.get(..6));
        assert!(
            Data::Bytes(&body)
                .encode(&mut buffer, PacketSize::DEFAULT)
                .is_err()
        );
        assert_eq!(buffer.len(), 8192);
        assert!(Data::prefix(65530).is_some());
        assert!(Data::prefix(65531).is_none());
    }

    #[test]
    fn the_constant_is_the_packet() {
        let mut buffer = BytesMut::new();
        Data::End.encode(&mut buffer, PacketSize::DEFAULT).unwrap();
        assert_eq!(buffer[..], Data::END);
        assert_eq!(Data::prefix(0), Some(Data::END));
    }
}
