use nom::error::{ErrorKind, ParseError};

/// What is wrong with the bytes of a packet.
///
/// Small and `Copy`, so that it costs nothing to carry. It never holds bytes of a field, hence
/// never a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first two bytes are not the magic of this direction.
    #[error("a packet begins with {:02x} {:02x} instead of {expected}", found[0], found[1])]
    BadMagic {
        /// The two bytes that are there.
        found: [u8; 2],
        /// The two bytes that should be there, as text.
        expected: &'static str,
    },
    /// The length field of the frame is above what the reader accepts.
    #[error("a packet of {length} payload bytes is longer than the accepted {limit}")]
    TooLong {
        /// Payload bytes the frame announces.
        length: usize,
        /// Payload bytes the reader accepts.
        limit: usize,
    },
    /// The payload is empty where a packet type is needed.
    #[error("a packet without a type byte")]
    Empty,
    /// The type byte names no packet of this direction.
    #[error("unknown packet type {0}")]
    UnknownType(u8),
    /// A field runs past the end of the packet.
    #[error("a field runs past the end of the packet")]
    Truncated,
    /// A method code that is neither 1 to 27 nor 255.
    #[error("unknown method code {0}")]
    UnknownMethod(u8),
    /// Method code 255 without the attribute that holds the name.
    #[error("method code 255 without a stored method attribute")]
    NoStoredMethod,
    /// A coded header name that is not in the table of this direction.
    #[error("unknown header code {0:#06x}")]
    UnknownHeader(u16),
    /// A header without a name.
    #[error("a header name is the null string")]
    NullHeaderName,
    /// A header without a value.
    #[error("a header value is the null string")]
    NullHeaderValue,
    /// An attribute code outside the table; its value cannot be skipped, its length is unknown.
    #[error("unknown attribute code {0}")]
    UnknownAttribute(u8),
    /// A request attribute without a name.
    #[error("the name of a request attribute is the null string")]
    NullAttributeName,
    /// The attributes stop without the end marker.
    #[error("the end marker of the attributes is missing")]
    NoAttributeEnd,
    /// A content-length that is not a number, or that is there twice.
    #[error("invalid or repeated content-length")]
    ContentLength,
}

impl ParseError<&[u8]> for Error {
    /// The only primitive parsers used take a fixed number of bytes: they fail for want of bytes.
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self::Truncated
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// A packet was not encoded because it would be larger than allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the packet does not fit {limit} bytes")]
pub struct TooLarge {
    /// The most bytes a packet may have here, its 4 bytes of header included.
    pub limit: usize,
}
