/// The agreed size of the largest packet: 8192 to 65536 bytes, 4 bytes of header included.
///
/// Both sides must use the same (`max_packet_size` of a worker, `packetSize` of Tomcat's
/// connector). It limits what is written; a reader should accept any length.
///
/// | quantity | formula | 8192 | 65536 |
/// |---|---|---|---|
/// | [`max_packet`](Self::max_packet) | P | 8192 | 65536 |
/// | [`max_payload`](Self::max_payload) | P - 4 | 8188 | 65532 |
/// | [`max_data`](Self::max_data): body bytes of one DATA | P - 6 | 8186 | 65530 |
/// | [`max_chunk`](Self::max_chunk): body bytes of one SEND_BODY_CHUNK | P - 8 | 8184 | 65528 |
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PacketSize(usize);

impl PacketSize {
    /// 8192 bytes.
    pub const DEFAULT: Self = Self(8192);
    /// 65536 bytes.
    pub const MAX: Self = Self(65536);

    /// A packet size of exactly so many bytes; `None` outside 8192 to 65536.
    pub const fn new(bytes: usize) -> Option<Self> {
        if bytes < Self::DEFAULT.0 || bytes > Self::MAX.0 {
            None
        } else {
            Some(Self(bytes))
        }
    }

    /// As mod_jk reads `max_packet_size`: up to the next multiple of 1024, then into the range.
    pub const fn rounded(bytes: usize) -> Self {
        if bytes <= Self::DEFAULT.0 {
            return Self::DEFAULT;
        }
        if bytes >= Self::MAX.0 {
            return Self::MAX;
        }
        Self(bytes.next_multiple_of(1024))
    }

    /// Bytes of the largest packet, header included.
    pub const fn max_packet(self) -> usize {
        self.0
    }

    /// Bytes of the largest payload.
    pub const fn max_payload(self) -> usize {
        self.0 - 4
    }

    /// Body bytes of the largest DATA packet; also what a container asks for.
    pub const fn max_data(self) -> usize {
        self.0 - 6
    }

    /// Body bytes of the largest SEND_BODY_CHUNK packet.
    pub const fn max_chunk(self) -> usize {
        self.0 - 8
    }
}

impl Default for PacketSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_and_rounding() {
        assert_eq!(PacketSize::new(8191), None);
        assert_eq!(PacketSize::new(65537), None);
        assert_eq!(
            PacketSize::new(16000).map(PacketSize::max_data),
            Some(15994)
        );
        for (bytes, size) in [
            (0, 8192),
            (8193, 9216),
            (9216, 9216),
            (65000, 65536),
            (70000, 65536),
        ] {
            assert_eq!(PacketSize::rounded(bytes).max_packet(), size, "{bytes}");
        }
    }
}
