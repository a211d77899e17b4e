//! The 4 bytes in front of every packet: magic and payload length.

use super::Error;

/// Bytes of the frame header.
pub const HEADER: usize = 4;

/// The longest payload a frame can announce. Readers should accept it, whatever the agreed packet
/// size: a mismatch of sizes between two configurations is then harmless in one direction.
pub const MAX_PAYLOAD: usize = 65535;

/// Who sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Client (web server) to container.
    Request,
    /// Container to client.
    Response,
}

impl Direction {
    /// The first two bytes of each packet in this direction.
    pub const fn magic(self) -> [u8; 2] {
        match self {
            Self::Request => [0x12, 0x34],
            Self::Response => *b"AB",
        }
    }

    const fn magic_text(self) -> &'static str {
        match self {
            Self::Request => "12 34",
            Self::Response => "41 42 (\"AB\")",
        }
    }
}

/// One whole packet at the beginning of a buffer.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Frame<'a> {
    /// The bytes after the header.
    pub payload: &'a [u8],
    /// What follows the packet in the buffer.
    pub rest: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the packet, header included.
    pub const fn packet_len(&self) -> usize {
        HEADER + self.payload.len()
    }
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("payload", &self.payload.len())
            .field("rest", &self.rest.len())
            .finish()
    }
}

/// Cuts the first packet off a buffer; `None` when more bytes are needed.
///
/// # Errors
/// [`Error::BadMagic`] as soon as the two bytes are there, [`Error::TooLong`] when the announced
/// payload is above `max_payload`: neither waits for the rest of a packet that is wrong already.
pub fn split(
    direction: Direction,
    buffer: &[u8],
    max_payload: usize,
) -> Result<Option<Frame<'_>>, Error> {
    let Some(length) = payload_len(direction, buffer, max_payload)? else {
        return Ok(None);
    };
    let packet = buffer
        .get(HEADER..)
        .and_then(|after| after.split_at_checked(length));
    Ok(packet.map(|(payload, rest)| Frame { payload, rest }))
}

/// The payload length of the packet at the beginning of a buffer; `None` when the header is not
/// complete. The packet then has [`HEADER`] bytes more than this.
///
/// # Errors
/// As [`split`].
pub fn payload_len(
    direction: Direction,
    buffer: &[u8],
    max_payload: usize,
) -> Result<Option<usize>, Error> {
    let Some((&found, after)) = buffer.split_first_chunk::<2>() else {
        return Ok(None);
    };
    if found != direction.magic() {
        return Err(Error::BadMagic {
            found,
            expected: direction.magic_text(),
        });
    }
    let Some((&length, _)) = after.split_first_chunk::<2>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(length));
    if length > max_payload {
        return Err(Error::TooLong {
            length,
            limit: max_payload,
        });
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_more_until_the_packet_is_whole() {
        let bytes = [0x12, 0x34, 0, 1, 10, 0x12];
        for cut in 0..5 {
            assert_eq!(
                split(Direction::Request, &bytes[..cut], MAX_PAYLOAD),
                Ok(None),
                "{cut}"
            );
        }
        let frame = split(Direction::Request, &bytes, MAX_PAYLOAD)
            .unwrap()
            .unwrap();
        assert_eq!((frame.payload, frame.rest), (&[10][..], &[0x12][..]));
        assert_eq!(frame.packet_len(), 5);
    }

    #[test]
    fn magic_and_length_are_judged_at_once() {
        let http = split(Direction::Response, b"HT", MAX_PAYLOAD);
        assert!(
            matches!(
                http,
                Err(Error::BadMagic {
                    found: [b'H', b'T'],
                    ..
                })
            ),
            "{http:?}"
        );
        let own = split(Direction::Response, &[0x12, 0x34, 0, 0], MAX_PAYLOAD);
        assert!(matches!(own, Err(Error::BadMagic { .. })), "{own:?}");
        let long = split(Direction::Response, &[0x41, 0x42, 0x20, 0x00], 8191);
        assert_eq!(
            long,
            Err(Error::TooLong {
                length: 8192,
                limit: 8191
            })
        );
    }
}
