//! The byte by which a packet says what it is.

use std::fmt;

/// The first byte of a packet's payload, as a log shows it: by its name where the container may send
/// such a packet, as a number otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u8);

impl Code {
    /// The head of an answer.
    pub const SEND_HEADERS: Self = Self(4);
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            3 => "SEND_BODY_CHUNK",
            4 => "SEND_HEADERS",
            5 => "END_RESPONSE",
            6 => "GET_BODY_CHUNK",
            9 => "CPONG",
            other => return write!(f, "{other:#04x}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packets_of_containers_have_names() {
        assert_eq!(Code(4).to_string(), "SEND_HEADERS");
        assert_eq!(Code(2).to_string(), "0x02");
        assert_eq!(Code(0x55).to_string(), "0x55");
    }
}
