use bytes::BytesMut;

use super::control::{CPING, CPONG, PING, SHUTDOWN};
use super::{
    Data, EndResponse, Error, ForwardRequest, GetBodyChunk, PacketSize, SendBodyChunk, SendHeaders,
    TooLarge, forward_request, send_body_chunk, send_headers,
};

/// What a client sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RequestPacket<'a> {
    /// Wants a CPong.
    CPing,
    /// Request body. [`decode`](Self::decode) never answers with it: see [`Data::decode`].
    Data(Data<'a>),
    /// Request head.
    ForwardRequest(ForwardRequest<'a>),
    /// Never implemented by any container; a protocol error.
    Ping,
    /// Obsolete; a protocol error.
    Shutdown,
}

impl<'a> RequestPacket<'a> {
    /// Decodes the payload of a packet that begins with a type byte, which is every one but DATA.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::UnknownType`], and those of [`ForwardRequest::decode`].
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        match payload.split_first().ok_or(Error::Empty)? {
            (&forward_request::TYPE, body) => {
                ForwardRequest::decode_body(body).map(Self::ForwardRequest)
            }
            (7, _) => Ok(Self::Shutdown),
            (8, _) => Ok(Self::Ping),
            (10, _) => Ok(Self::CPing),
            (&other, _) => Err(Error::UnknownType(other)),
        }
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// [`TooLarge`] when it does not fit.
    pub fn encode(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        match self {
            Self::CPing => buffer.extend_from_slice(&CPING),
            Self::Data(data) => return data.encode(buffer, size),
            Self::ForwardRequest(request) => return request.encode(buffer, size),
            Self::Ping => buffer.extend_from_slice(&PING),
            Self::Shutdown => buffer.extend_from_slice(&SHUTDOWN),
        }
        Ok(())
    }
}

/// What a container sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResponsePacket<'a> {
    /// The answer to a CPing.
    CPong,
    /// The response is complete.
    EndResponse(EndResponse),
    /// Wants request body.
    GetBodyChunk(GetBodyChunk),
    /// Response body, or a flush.
    SendBodyChunk(SendBodyChunk<'a>),
    /// Status and headers.
    SendHeaders(SendHeaders<'a>),
}

impl<'a> ResponsePacket<'a> {
    /// Decodes the payload of a packet.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::UnknownType`], [`Error::Truncated`], and those about headers.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        match payload.split_first().ok_or(Error::Empty)? {
            (&send_body_chunk::TYPE, body) => SendBodyChunk::decode(body).map(Self::SendBodyChunk),
            (&send_headers::TYPE, body) => SendHeaders::decode(body).map(Self::SendHeaders),
            (5, body) => Ok(Self::EndResponse(EndResponse::decode(body))),
            (6, body) => GetBodyChunk::decode(body).map(Self::GetBodyChunk),
            (9, _) => Ok(Self::CPong),
            (&other, _) => Err(Error::UnknownType(other)),
        }
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// [`TooLarge`] when it does not fit.
    pub fn encode(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        match self {
            Self::CPong => buffer.extend_from_slice(&CPONG),
            Self::EndResponse(end) => buffer.extend_from_slice(&end.to_bytes()),
            Self::GetBodyChunk(ask) => buffer.extend_from_slice(&ask.to_bytes()),
            Self::SendBodyChunk(chunk) => return chunk.encode(buffer, size),
            Self::SendHeaders(headers) => return headers.encode(buffer, size),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants() {
        assert_eq!(RequestPacket::decode(&CPING[4..]), Ok(RequestPacket::CPing));
        assert_eq!(
            RequestPacket::decode(&SHUTDOWN[4..]),
            Ok(RequestPacket::Shutdown)
        );
        assert_eq!(RequestPacket::decode(&PING[4..]), Ok(RequestPacket::Ping));
        assert_eq!(
            ResponsePacket::decode(&CPONG[4..]),
            Ok(ResponsePacket::CPong)
        );
        // Trailing bytes of a CPing are ignored.
        assert_eq!(
            RequestPacket::decode(b"\x0atrailing"),
            Ok(RequestPacket::CPing)
        );
    }

    #[test]
    fn every_other_type_is_unknown() {
        for code in (0..=255).filter(|code| ![2, 7, 8, 10].contains(code)) {
            assert_eq!(
                RequestPacket::decode(&[code]),
                Err(Error::UnknownType(code))
            );
        }
        for code in (0..=255).filter(|code| ![3, 4, 5, 6, 9].contains(code)) {
            assert_eq!(
                ResponsePacket::decode(&[code]),
                Err(Error::UnknownType(code))
            );
        }
        assert_eq!(RequestPacket::decode(b""), Err(Error::Empty));
        assert_eq!(ResponsePacket::decode(b""), Err(Error::Empty));
    }

    #[test]
    fn reuse_is_anything_but_zero() {
        for (payload, reuse) in [
            (&[5, 0][..], false),
            (&[5, 1], true),
            (&[5, 0xFF], true),
            (&[5], false),
        ] {
            let end = ResponsePacket::EndResponse(EndResponse { reuse });
            assert_eq!(ResponsePacket::decode(payload), Ok(end), "{payload:?}");
        }
    }

    #[test]
    fn asks_carry_the_size() {
        let ask = GetBodyChunk::full(PacketSize::DEFAULT);
        assert_eq!(ask.to_bytes(), [b'A', b'B', 0, 3, 6, 0x1F, 0xFA]);
        assert_eq!(GetBodyChunk::full(PacketSize::MAX).wanted, 0xFFFA);
        assert_eq!(ResponsePacket::decode(&[6, 0x1F]), Err(Error::Truncated));
    }
}
