use super::primitive::{int, run};
use super::{Error, PacketSize};

/// The container asks for one DATA packet.
///
/// It must be answered by exactly one, of the end-of-body form when nothing is left, also when
/// all announced bytes were sent: a container that reads to the end asks once more. It may come
/// at any time before END_RESPONSE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GetBodyChunk {
    /// The most bytes the container takes.
    pub wanted: u16,
}

impl GetBodyChunk {
    /// Asks for as much as one packet holds, as Tomcat does.
    pub fn full(size: PacketSize) -> Self {
        Self {
            wanted: u16::try_from(size.max_data()).unwrap_or(u16::MAX),
        }
    }

    /// The whole packet.
    pub fn to_bytes(self) -> [u8; 7] {
        let [high, low] = self.wanted.to_be_bytes();
        [b'A', b'B', 0, 3, 6, high, low]
    }

    /// Decodes what follows the type byte.
    pub(super) fn decode(body: &[u8]) -> Result<Self, Error> {
        run(int(body)).map(|(_, wanted)| Self { wanted })
    }
}
