//! Which packets of a request stream are body. They carry no type byte: the request before them
//! says whether some are expected, and what is left to doubt is decided by their shape.

use ajp13::wire::{Data, Error, ForwardRequest, RequestPacket};

/// How much body the last request still has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BodyTracker {
    /// None, or all of it was sent; only the end may follow.
    #[default]
    Complete,
    /// So many bytes.
    Left(u64),
    /// Until an empty packet.
    Open,
}

impl BodyTracker {
    /// Decodes the next packet of the stream.
    pub(super) fn decode<'a>(&mut self, payload: &'a [u8]) -> Result<RequestPacket<'a>, Error> {
        if self.takes(payload) {
            let data = Data::decode(payload)?;
            self.consume(&data);
            return Ok(RequestPacket::Data(data));
        }
        let packet = RequestPacket::decode(payload)?;
        if let RequestPacket::ForwardRequest(request) = &packet {
            *self = Self::of(request);
        }
        Ok(packet)
    }

    fn of(request: &ForwardRequest<'_>) -> Self {
        match request.content_length() {
            Ok(Some(0)) => Self::Complete,
            Ok(Some(length)) => Self::Left(length),
            _ if request.headers.get(b"transfer-encoding").is_some() => Self::Open,
            _ => Self::Complete,
        }
    }

    /// A body packet is two bytes of length and as many bytes as they say; one that ends the body
    /// may come wherever a container asked for more, hence also after the last byte. A request that
    /// was given up leaves a body unfinished, and then something else follows.
    fn takes(self, payload: &[u8]) -> bool {
        let Some((&length, bytes)) = payload.split_first_chunk::<2>() else {
            return payload.is_empty();
        };
        let length = usize::from(u16::from_be_bytes(length));
        match self {
            Self::Complete => length == 0,
            Self::Left(_) | Self::Open => length == bytes.len() || length == 0,
        }
    }

    fn consume(&mut self, data: &Data<'_>) {
        let sent = u64::try_from(data.bytes().len()).unwrap_or(u64::MAX);
        *self = match *self {
            _ if sent == 0 => Self::Complete,
            Self::Left(left) if left > sent => Self::Left(left - sent),
            Self::Open => Self::Open,
            Self::Complete | Self::Left(_) => Self::Complete,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_packet_is_what_the_request_before_it_announced() {
        let mut body = BodyTracker::Left(3);
        assert!(matches!(
            body.decode(b"\x00\x03abc"),
            Ok(RequestPacket::Data(Data::Bytes(b"abc")))
        ));
        assert_eq!(body, BodyTracker::Complete);
        assert_eq!(body.decode(b""), Ok(RequestPacket::Data(Data::ShortEnd)));
        assert_eq!(body.decode(b"\x0a"), Ok(RequestPacket::CPing));
    }

    #[test]
    fn a_request_that_was_given_up_is_followed_by_another_packet() {
        let mut body = BodyTracker::Left(3);
        assert_eq!(body.decode(b"\x0a"), Ok(RequestPacket::CPing));
    }

    #[test]
    fn an_open_body_ends_with_an_empty_packet() {
        let mut body = BodyTracker::Open;
        assert!(body.decode(b"\x00\x01a").is_ok());
        assert_eq!(body, BodyTracker::Open);
        assert_eq!(body.decode(b"\x00\x00"), Ok(RequestPacket::Data(Data::End)));
        assert_eq!(body, BodyTracker::Complete);
    }
}
